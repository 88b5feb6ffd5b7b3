/* main.c - turn-load: TURN allocations by the thousand, to measure a server with
 *
 * One thread, clients and peers. Prints one JSON object a line: "ready" when
 * all allocations are made, "result" at the end; with --server-pid they hold
 * what the server has used meanwhile. Exits 0 when all allocations were made
 * and the work was done, 1 when not, 2 for a bad command line. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "many_descriptors.h"
#include "traffic.h"

#define MS 1000000ull
#define STEP_MS 2
#define DRAIN_MS 300 /* without a packet: nothing more comes */
#define PEERS_MAX 64

static struct load load;
static volatile sig_atomic_t told_to_end;
static uint64_t begun_packets, measured_packets; /* of both ways */

static void fail(struct load *l, const char *why, int rc)
{
	fprintf(stderr, "turn-load: %s: %s\n", why, strerror(-rc));
	l->rc = rc;
	reactor_stop(l->owner.target.reactor);
}

static void look_at_server(struct load *l, int with_memory, struct server_cost *out)
{
	int rc = l->o.server_pid ? server_cost_read(l->o.server_pid, with_memory, out) : 0;

	if (rc)
		fail(l, "the server's cost", rc);
}

/* --- allocations ------------------------------------------------------------------- */

static void on_settled(struct allocation *a)
{
	load.settled++;
	if (a->state == ALLOCATION_READY) {
		load.ready++;
		return;
	}
	load.failed++;
	load.error = a->error;
}

static size_t goal(const struct load *l)
{
	return l->phase < LOAD_OPENS ? l->o.some : l->o.allocations;
}

/* How many may have been begun by now. */
static size_t allowed(const struct load *l, uint64_t now_ns)
{
	size_t already = l->phase == LOAD_OPENS ? l->o.some : 0;
	uint64_t due = already + 1 + (now_ns - l->phase_ns) * l->o.rate / 1000000000u;

	return l->o.rate && due < goal(l) ? (size_t)due : goal(l);
}

static void on_turn(void *ctx, uint64_t now_ns)
{
	struct load *l = ctx;
	size_t i;
	int rc;

	if (l->phase != LOAD_OPENS_SOME && l->phase != LOAD_OPENS)
		return;
	while (l->opened < allowed(l, now_ns) && l->opened - l->settled < l->o.opening) {
		i = l->opened++;
		rc = allocation_open(&l->all[i], &l->owner, (uint32_t)i,
				     &l->peers[i % l->peers_n].address);
		if (rc) {
			fail(l, "an allocation", rc);
			return;
		}
	}
}

/* --- phases ------------------------------------------------------------------------ */

static uint64_t packets(const struct load *l)
{
	return l->peers_taken + traffic_sums(l).received;
}

static void tell_ready(const struct load *l)
{
	printf("{\"e\":\"ready\",\"allocations\":%zu,\"failed\":%zu,\"error\":%u,\"rss_bytes\":"
	       "%" PRIu64 "}\n",
	       l->ready, l->failed, l->error, l->at_settled.rss_bytes);
	fflush(stdout);
}

static void tell_result(const struct load *l)
{
	const struct server_cost *from = &l->at_begin, *to = &l->at_end;
	struct traffic_sums sums = traffic_sums(l);

	if (l->o.mode == MODE_SETUP) {
		from = l->o.some ? &l->at_some : &l->at_start;
		to = &l->at_opened;
	}
	printf("{\"e\":\"result\",\"mode\":\"%s\",\"transport\":\"%s\",\"allocations\":%zu,"
	       "\"failed\":%zu,"
	       "\"made\":%zu,\"packets\":%" PRIu64 ",\"all_packets\":%" PRIu64 ",\"sent\":%" PRIu64
	       ",\"received\":%" PRIu64 ",\"late\":%" PRIu64 ",\"wall_us\":%" PRIu64
	       ",\"cpu_ns\":%" PRIu64 ",\"some_rss_bytes\":%" PRIu64 ",\"rss_bytes\":%" PRIu64
	       "}\n",
	       mode_names[l->o.mode], transport_names[l->o.transport], l->ready, l->failed,
	       l->ready - l->o.some, measured_packets, packets(l), sums.sent, sums.received,
	       sums.late, (to->at_ns - from->at_ns) / 1000, to->cpu_ns - from->cpu_ns,
	       l->at_some.rss_bytes, l->at_settled.rss_bytes);
	fflush(stdout);
}

static void enter(struct load *l, enum load_phase phase)
{
	l->phase = phase;
	l->phase_ns = clock_ns();
}

static void end(struct load *l)
{
	tell_result(l);
	if (l->failed)
		l->rc = -ECONNREFUSED;
	if (l->o.hold && !l->rc)
		enter(l, LOAD_HOLDS);
	else
		reactor_stop(l->owner.target.reactor);
}

static void some_settled(struct load *l)
{
	look_at_server(l, 1, &l->at_some);
	enter(l, LOAD_OPENS);
}

static void all_opened(struct load *l)
{
	look_at_server(l, 0, &l->at_opened);
	enter(l, LOAD_SETTLES);
}

static void all_settled(struct load *l)
{
	look_at_server(l, 1, &l->at_settled);
	tell_ready(l);
	if (l->o.mode == MODE_SETUP || l->failed) {
		end(l);
		return;
	}
	traffic_begin(l);
	enter(l, LOAD_WARMS_UP);
}

static void warmed_up(struct load *l)
{
	begun_packets = packets(l);
	look_at_server(l, 0, &l->at_begin);
	enter(l, LOAD_MEASURES);
}

static void measured(struct load *l)
{
	look_at_server(l, 0, &l->at_end);
	measured_packets = packets(l) - begun_packets;
	traffic_stop();
	enter(l, LOAD_DRAINS);
}

static bool enough(const struct load *l, uint64_t passed_ns)
{
	return told_to_end || (l->o.count ? packets(l) - begun_packets >= 2 * (uint64_t)l->o.count
					  : passed_ns >= l->o.duration_ms * MS);
}

static bool drained(const struct load *l, uint64_t now_ns)
{
	struct traffic_sums sums = traffic_sums(l);
	uint64_t last_ns = l->phase_ns;
	size_t i;

	for (i = 0; i < l->opened; i++)
		if (l->all[i].flow.last_ns > last_ns)
			last_ns = l->all[i].flow.last_ns;
	return sums.received >= sums.sent || now_ns > last_ns + DRAIN_MS * MS;
}

static void on_step(struct alarm *a, uint64_t now_ns)
{
	struct load *l = &load;
	uint64_t passed_ns = now_ns > l->phase_ns ? now_ns - l->phase_ns : 0;

	switch (l->phase) {
	case LOAD_OPENS_SOME:
		if (l->settled == l->o.some)
			enter(l, l->o.some ? LOAD_SOME_SETTLE : LOAD_OPENS);
		break;
	case LOAD_SOME_SETTLE:
		if (passed_ns >= l->o.settle_ms * MS)
			some_settled(l);
		break;
	case LOAD_OPENS:
		if (l->settled == l->o.allocations)
			all_opened(l);
		break;
	case LOAD_SETTLES:
		if (passed_ns >= l->o.settle_ms * MS)
			all_settled(l);
		break;
	case LOAD_WARMS_UP:
		if (passed_ns >= l->o.warmup_ms * MS)
			warmed_up(l);
		break;
	case LOAD_MEASURES:
		traffic_look(l, now_ns);
		if (enough(l, passed_ns))
			measured(l);
		break;
	case LOAD_DRAINS:
		if (drained(l, now_ns))
			end(l);
		break;
	case LOAD_HOLDS:
		if (told_to_end)
			reactor_stop(l->owner.target.reactor);
		break;
	}
	reactor_alarm(l->owner.target.reactor, a, now_ns + STEP_MS * MS);
}

static void on_limit(struct alarm *a, uint64_t now_ns)
{
	(void)a;
	(void)now_ns;
	if (load.phase == LOAD_HOLDS)
		return;
	fprintf(stderr, "turn-load: %zu of %u allocations ready, %zu failed, phase %d\n",
		load.ready, load.o.allocations, load.failed, load.phase);
	fail(&load, "not done in time", -ETIMEDOUT);
}

/* --- main -------------------------------------------------------------------------- */

static int open_peers(struct load *l)
{
	int rc = 0;

	for (; l->peers_n < PEERS_MAX && l->peers_n < l->o.allocations && !rc; l->peers_n++)
		rc = echo_open(&l->peers[l->peers_n], l->owner.target.reactor, l->o.peer,
			       &l->peers_taken);
	return rc;
}

static int prepare(struct load *l)
{
	struct target *t = &l->owner.target;
	int rc;

	l->owner.transport = l->o.transport;
	l->owner.secret = getenv("TURN_SECRET");
	l->owner.on_settled = on_settled;
	l->owner.on_data = traffic_take;
	l->all = calloc(l->o.allocations, sizeof(*l->all));
	l->peers = calloc(PEERS_MAX, sizeof(*l->peers));
	if (!l->all || !l->peers)
		return -ENOMEM;
	t->server.sin_family = AF_INET;
	t->server.sin_port = htons((uint16_t)l->o.port);
	t->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->sources = l->o.sources;
	if (l->o.transport == OVER_TLS) {
		t->tls = SSL_CTX_new(TLS_client_method());
		if (!t->tls)
			return -ENOMEM;
	}
	rc = reactor_new(&t->reactor);
	return rc ? rc : open_peers(l);
}

static void run(struct load *l)
{
	struct reactor *r = l->owner.target.reactor;

	look_at_server(l, 1, &l->at_start);
	enter(l, LOAD_OPENS_SOME);
	l->step.on_due = on_step;
	l->limit.on_due = on_limit;
	reactor_alarm(r, &l->step, clock_ns());
	reactor_alarm(r, &l->limit, clock_ns() + l->o.limit_ms * MS);
	reactor_on_turn(r, on_turn, l);
	if (!l->rc)
		reactor_run(r);
}

static void finish(struct load *l)
{
	size_t i;

	for (i = 0; i < l->opened; i++)
		allocation_close(&l->all[i]);
	for (i = 0; i < l->peers_n; i++)
		echo_close(&l->peers[i], l->owner.target.reactor);
	free(l->all);
	free(l->peers);
	SSL_CTX_free(l->owner.target.tls);
	reactor_free(l->owner.target.reactor);
}

static void on_signal(int number)
{
	(void)number;
	told_to_end = 1;
}

int main(int argc, char **argv)
{
	if (options_read(&load.o, argc, argv))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	many_descriptors();
	load.rc = prepare(&load);
	if (load.rc)
		fprintf(stderr, "turn-load: cannot start: %s\n", strerror(-load.rc));
	else
		run(&load);
	finish(&load);
	return load.rc ? 1 : 0;
}
