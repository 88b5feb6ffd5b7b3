/* many_descriptors.h - for tools with a socket a client: as many as this process may have */
#ifndef TOOLS_MANY_DESCRIPTORS_H
#define TOOLS_MANY_DESCRIPTORS_H

/* Raise the soft limit to the hard one, if that can be. */
void many_descriptors(void);

#endif
