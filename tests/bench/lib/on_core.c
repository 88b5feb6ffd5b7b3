/* on_core.c - run a program on one core, ahead of what else runs there
 *
 *	on-core CORE [-r PRIORITY] PROGRAM [ARGUMENT]...
 * A tail of latencies is soon that of the neighbours: who shares the core, runs
 * for milliseconds before it is the server's turn again. So the program gets
 * the best place in the queue and short slices, as far as it is allowed to,
 * whatever the program. Not a real-time class: Node's helper threads would lock
 * its own loop out. -r asks for that all the same, for the loader, which has
 * one thread. */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE (-20)
#define SLICE_NS 100000
#define FILES 20000

/* As in linux/sched/types.h, which does not get on with sched.h. */
struct schedule {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* A session of its own is a group of its own for the scheduler, and the group has a niceness too.
 */
static void lead_group(void)
{
	FILE *f;

	setsid();
	f = fopen("/proc/self/autogroup", "w");
	if (!f)
		return;
	fprintf(f, "%d", NICE);
	fclose(f);
}

static void go_ahead(unsigned realtime)
{
	struct schedule s = {
		.size = sizeof(s), .policy = SCHED_OTHER, .nice = NICE, .runtime_ns = SLICE_NS
	};

	lead_group();
	if (realtime)
		s = (struct schedule){ .size = sizeof(s),
				       .policy = SCHED_RR,
				       .priority = realtime };
	syscall(SYS_sched_setattr, 0, &s, 0); /* or as everybody else */
}

static int stay_on(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)core, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void many_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max < FILES ? r.rlim_max : FILES;
	setrlimit(RLIMIT_NOFILE, &r);
}

int main(int argc, char **argv)
{
	bool has_priority = argc > 3 && !strcmp(argv[2], "-r");
	int first = has_priority ? 4 : 2;
	char **program = argv + first;

	if (argc <= first) {
		fprintf(stderr, "usage: on-core CORE [-r PRIORITY] PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	if (stay_on(atoi(argv[1]))) {
		fprintf(stderr, "on-core: core %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	many_files();
	go_ahead(has_priority ? (unsigned)atoi(argv[3]) : 0);
	execvp(*program, program);
	fprintf(stderr, "on-core: %s: %s\n", *program, strerror(errno));
	return 1;
}
