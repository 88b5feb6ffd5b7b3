/* fault.h - places where the test of the test plants a fault
 *
 * Only tests/model defines CALLS_FAULTS, for a build of its own of this folder:
 * there FAULT(name) is true while a fault of that name is planted, and the
 * random walk has to notice. In the product it is the constant false. */
#ifndef FAULT_H
#define FAULT_H

#ifdef CALLS_FAULTS
#include <string.h>

extern const char *calls_fault; /* the planted one; NULL: none */
#define FAULT(name) (calls_fault && strcmp(calls_fault, #name) == 0)
#else
#define FAULT(name) false
#endif

#endif
