/* unbroken.h - what is begun is brought to its end: Ctrl-C waits so long
 *
 * For steps that are short, ask nobody and leave something half done when they are cut. What was
 * asked for meanwhile happens at unbroken_end(). Not nested; one thread. */
#ifndef UNBROKEN_H
#define UNBROKEN_H

void unbroken_begin(void);
void unbroken_end(void);

#endif
