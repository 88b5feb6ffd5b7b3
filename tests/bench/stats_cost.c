/* stats_cost.c - how long one turn of the loop takes while the document of all calls goes out
 *
 *	stats-cost [calls [rounds]]
 * A second process asks for /api/admin/calls/stats again and again; each turn of this one's loop
 * is measured, in CPU time, so that neighbours on the machine do not count. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit/rest_fixture.h"

#define TURNS_MAX 2000000
#define TICKS 1000

static uint16_t port;

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *what, uint32_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), ascending);
	printf("%-28s %8zu turns, median %.1f us, p99 %.1f us, p99.9 %.1f us, longest %.1f us\n",
	       what, n, ns[n / 2] / 1e3, ns[n * 99 / 100] / 1e3, ns[n * 999 / 1000] / 1e3,
	       ns[n - 1] / 1e3);
}

/* The client: reads whole documents until it has had enough. */
static int read_documents(int rounds)
{
	size_t bytes = 0;

	for (int i = 0; i < rounds; i++) {
		struct client c = client_open_at(port);
		char tail[6] = "", buf[65536];
		ssize_t n;

		client_say(&c, REST_GET_STATS, sizeof(REST_GET_STATS) - 1);
		while (strcmp(tail, "0\r\n\r\n") && (n = recv(c.fd, buf, sizeof(buf), 0)) > 0) {
			bytes += (size_t)n;
			if (n >= 5)
				memcpy(tail, buf + n - 5, 5);
		}
		client_close(&c);
	}
	printf("%-28s %8zu bytes each\n", "document", bytes / (size_t)rounds);
	fflush(stdout);
	return 0;
}

/* The client's process is made before there is anything that would be copied on the next write. */
static pid_t start_client(int rounds, int *start)
{
	int ends[2];
	pid_t child;

	if (pipe(ends))
		return -1;
	child = fork();
	if (child == 0) {
		if (read(ends[0], &port, sizeof(port)) != sizeof(port))
			_exit(1);
		_exit(read_documents(rounds));
	}
	close(ends[0]);
	*start = ends[1];
	return child;
}

static void measure_documents(uint32_t *ns, pid_t child, int start)
{
	size_t n = 0;

	port = http_server_port(fixture.http, 0);
	if (write(start, &port, sizeof(port)) != sizeof(port))
		return;
	while (n < TURNS_MAX && waitpid(child, NULL, WNOHANG) == 0) {
		uint64_t begin = cpu_ns();

		event_base_loop(loop_base(fixture.loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
		ns[n] = (uint32_t)(cpu_ns() - begin);
		if (ns[n] > 3000) /* less was an empty turn */
			n++;
	}
	report("turns with a document", ns, n);
}

static void measure_ticks(uint32_t *ns)
{
	for (size_t i = 0; i < TICKS; i++) {
		uint64_t begin = cpu_ns();

		calls_tick(crowd.calls, crowd_now());
		ns[i] = (uint32_t)(cpu_ns() - begin);
	}
	report("calls_tick()", ns, TICKS);
}

int main(int argc, char **argv)
{
	unsigned calls = argc > 1 ? (unsigned)atoi(argv[1]) : 5000;
	int rounds = argc > 2 ? atoi(argv[2]) : 20;
	uint32_t *ns = calloc(TURNS_MAX, sizeof(*ns));
	int start;
	pid_t child = rounds > 0 ? start_client(rounds, &start) : -1;

	if (!ns || child < 0)
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN);
	crowd_start(calls);
	for (unsigned i = 0; i < calls; i++) /* and as many that nobody claims */
		crowd_allocation(100000 + i, "nobody", "");
	printf("%-28s %8u live, 2 allocations each, and as many allocations without one\n", "calls",
	       calls);
	fflush(stdout);
	measure_documents(ns, child, start);
	measure_ticks(ns);
	crowd_stop();
	free(ns);
	return EXIT_SUCCESS;
}
