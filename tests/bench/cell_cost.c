/* cell_cost.c - what an allocation costs us beside coturn: memory, and time of the tick
 *
 *	cell_cost [FOLDER [ALLOCATIONS [OF A CALL]]]
 *
 * Prints figures; decides nothing. FOLDER should be on tmpfs (/dev/shm). */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cells.h"
#include "live.h"
#include "registry.h"

#define STRETCH 1000 /* cells between two looks at the sockets */

/* coturn 4.6.1's on amd64, and where its counters are. */
struct session {
	char before[18500];
	uint64_t counters[16];
	char behind[500];
};

static const struct live_layout layout = { .session_bytes = sizeof(struct session) };

static double now_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static size_t heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void die(const char *what)
{
	fprintf(stderr, "cell_cost: %s\n", what);
	exit(1);
}

static void read_totals(const void *session, struct relay_totals *out)
{
	const struct session *s = session;
	size_t i;

	for (i = 0; i < LIVE_TOTALS; i++)
		memcpy((char *)out + live_totals_at[i], &s->counters[i], sizeof(uint64_t));
	out->saturated = false;
}

static const struct cell_reader reader = {
	.read = read_totals,
	.hot_at = offsetof(struct session, counters),
	.hot_bytes = sizeof(((struct session *)0)->counters),
};

struct world {
	struct live *l;
	struct cell_queue *q;
	struct registry *r;
	struct cell_ring ring;
	struct session **sessions;
	struct cell **cells;
	size_t n;
};

/* Names as signald makes them; so many allocations a call, each with a user of its own. */
static void begin(struct world *w, size_t i, size_t per_call)
{
	struct relay_allocation a = { .transport = "udp",
				      .relay_transport = "udp",
				      .realm = "turn.example.org",
				      .secret = "k1",
				      .lifetime_s = 600 };
	struct entry *e;

	snprintf(a.name, sizeof(a.name), "1800000000:user%zu:%022zu", 100000 + i, i / per_call);
	snprintf(a.client, sizeof(a.client), "203.0.113.%zu:%zu", i % 250, 10000 + i % 50000);
	snprintf(a.relayed, sizeof(a.relayed), "198.51.100.10:%zu", 10000 + i % 50000);
	if (cell_new(&w->cells[i], w->q, &w->ring, w->sessions[i], i + 1, &a, 0) < 0 ||
	    registry_add(w->r, w->cells[i], i + 1, &e) < 0)
		die("no memory");
}

static void memory(struct world *w, size_t per_call)
{
	struct live_stats before, after;
	size_t i, heap = heap_bytes();

	live_stats(w->l, &before);
	for (i = 0; i < w->n; i++)
		begin(w, i, per_call);
	live_stats(w->l, &after);
	printf("memory: %zu allocations, %zu a call: %.0f bytes each (mapping %.0f, heap %.0f)\n",
	       w->n, per_call,
	       (double)(after.bytes - before.bytes + heap_bytes() - heap) / (double)w->n,
	       (double)(after.bytes - before.bytes) / (double)w->n,
	       (double)(heap_bytes() - heap) / (double)w->n);
}

static void end(struct world *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		cell_gone(w->cells[i], &w->ring, &(struct relay_totals){ 0 }, "general", 0);
		registry_remove(w->r, cell_entry(w->cells[i]));
	}
	cell_queue_take(w->q);
	for (i = 0; i < w->n; i++)
		cell_free(w->cells[i]);
}

/* What a second of other work leaves of ours in the caches: nothing. Read, not
 * written: it is not the tick that pays for writing other's lines back. */
static void cold(void)
{
	static char other[64 << 20];
	size_t i;

	if (!other[0])
		memset(other, 1, sizeof(other));
	for (i = 0; i < sizeof(other); i += LIVE_LINE)
		(void)*(volatile char *)&other[i];
}

static void tick(struct world *w)
{
	double cpu = 0, longest = 0;
	int rounds;

	for (rounds = 0; rounds < 10; rounds++) {
		size_t due;

		cold();
		cell_ring_second(&w->ring, 1);
		do {
			double begun = now_us(CLOCK_THREAD_CPUTIME_ID), took;

			due = cell_ring_tick(&w->ring, STRETCH, &reader);
			took = now_us(CLOCK_THREAD_CPUTIME_ID) - begun;
			cpu += took;
			if (took > longest)
				longest = took;
		} while (due);
	}
	printf("tick: %zu cells, caches cold: %.0f us of CPU an interval, at most %.0f us at a "
	       "stretch of %d\n",
	       w->n, cpu / rounds, longest, STRETCH);
}

static void bzeroed(struct world *w)
{
	double begun = now_us(CLOCK_MONOTONIC), stock, ours;
	size_t i, rounds = 200000;

	for (i = 0; i < rounds; i++) {
		void *s = malloc(sizeof(struct session));

		memset(s, 0, sizeof(struct session));
		__asm__ volatile("" : : "r"(s) : "memory");
		free(s);
	}
	stock = now_us(CLOCK_MONOTONIC) - begun;
	begun = now_us(CLOCK_MONOTONIC);
	for (i = 0; i < rounds; i++)
		live_session_free(w->l, live_session_new(w->l, sizeof(struct session)));
	ours = now_us(CLOCK_MONOTONIC) - begun;
	printf("session: made and freed in %.0f ns, with malloc and bzero in %.0f ns\n",
	       1e3 * ours / (double)rounds, 1e3 * stock / (double)rounds);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "/dev/shm";
	struct world w = { .n = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000 };
	const size_t per_call = argc > 3 ? strtoul(argv[3], NULL, 10) : 2;
	struct live_stats st;
	char path[4096], err[256] = "";
	size_t i;

	if (w.n < 1 || per_call < 1)
		die("at least one");
	snprintf(path, sizeof(path), "%s/cell_cost.%ld.live", folder, (long)getpid());
	w.sessions = calloc(w.n, sizeof(struct session *));
	w.cells = calloc(w.n, sizeof(struct cell *));
	if (!w.sessions || !w.cells || cell_queue_new(&w.q, w.n) < 0 || registry_new(&w.r, w.n) < 0)
		die("no memory");
	if (live_open(&w.l, path, &layout, "0000000000000000", NULL, err, sizeof(err)) < 0)
		die(err);
	unlink(path);
	cell_queue_set_live(w.q, w.l);
	bzeroed(&w);
	for (i = 0; i < w.n; i++)
		w.sessions[i] = live_session_new(w.l, sizeof(struct session));
	live_stats(w.l, &st);
	printf("session: %zu bytes take %.0f, of malloc 16 more and rounded\n",
	       sizeof(struct session), (double)st.bytes / (double)w.n);
	memory(&w, per_call);
	tick(&w);
	end(&w);
	return 0;
}
