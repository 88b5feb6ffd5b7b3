/* setup_host.h - what setup has to know of this host. Asks the kernel; sends nothing. */
#ifndef SETUP_HOST_H
#define SETUP_HOST_H

#include "setup_plan.h"

/* Addresses of interfaces that are up, without those of one link alone, and the one that datagrams
 * leave from. What cannot be found out is left empty. */
void setup_host_facts(struct setup_facts *facts);

#endif
