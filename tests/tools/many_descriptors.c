/* many_descriptors.c - see many_descriptors.h */
#include "many_descriptors.h"

#include <sys/resource.h>

void many_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}
