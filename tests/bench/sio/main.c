/* main.c - sio-load: many Socket.IO clients in one process, to measure a server with
 *
 * Prints JSON lines: "ready" when every client is, "result" at the end. With
 * --server-pid they hold what the server has used meanwhile. Exits 0 when the
 * work was done, 1 when not, 2 for a bad command line. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "load.h"
#include "many_descriptors.h"

#define MS 1000000u
#define STEP_MS 2
#define DRAIN_MS 3000ull

static const struct role *const all_roles[] = { &idle_role, &pairs_role, &churn_role, &cycles_role,
						&dials_role, &get_role };
#define ROLES (sizeof(all_roles) / sizeof(all_roles[0]))
static const struct role *roles[ROLES]; /* those asked for */
static size_t roles_n;
static struct load load;
static volatile sig_atomic_t told_to_end;

/* --- clients ----------------------------------------------------------------------- */

int load_add(struct load *l, struct client *c)
{
	size_t max = l->all_max ? 2 * l->all_max : 1024;
	struct client **all;

	if (l->all_n == l->all_max) {
		all = realloc(l->all, max * sizeof(*all));
		if (!all)
			return -ENOMEM;
		l->all = all;
		l->all_max = max;
	}
	l->all[l->all_n++] = c;
	return 0;
}

void load_ready(struct load *l, struct client *c)
{
	l->ready_n++;
	if (l->opening)
		l->opening--;
	if (l->first_lost_ns)
		latency_add(&l->back, c->ready_ns - l->first_lost_ns);
	if (l->first_lost_ns && l->ready_n == l->all_n && !l->all_back_ns)
		l->all_back_ns = c->ready_ns;
}

void load_lost(struct load *l, struct client *c, int status)
{
	l->lost_n++;
	l->refused_n += status != 0;
	l->storm_refused_n += status != 0 && l->first_lost_ns;
	if (l->phase == LOAD_OPENS && l->opening)
		l->opening--;
	if (c->ready_ns)
		l->ready_n--;
	c->ready_ns = 0;
	if (l->o.storm && l->phase == LOAD_MEASURES && !l->first_lost_ns)
		l->first_lost_ns = clock_ns();
}

void load_open_again(struct load *l, struct client *c)
{
	uint64_t wait = 100 * MS;

	if (l->o.storm && l->phase == LOAD_MEASURES)
		wait = client_backoff_ns(c, load_random(l), load_random(l) < 0.5);
	client_open_in(c, wait);
}

/* xorshift64* */
double load_random(struct load *l)
{
	l->random ^= l->random >> 12;
	l->random ^= l->random << 25;
	l->random ^= l->random >> 27;
	return (double)(l->random * 0x2545f4914f6cdd1dull >> 11) / (double)(1ull << 53);
}

void load_fail(struct load *l, const char *why, int rc)
{
	fprintf(stderr, "sio-load: %s: %s\n", why, strerror(-rc));
	l->rc = rc;
	reactor_stop(l->reactor);
}

/* --- phases ------------------------------------------------------------------------ */

static void look_at_server(struct load *l, int with_memory, struct server_cost *out)
{
	int rc;

	if (!l->o.server_pid)
		return;
	rc = server_cost_read(l->o.server_pid, with_memory, out);
	if (rc)
		load_fail(l, "the server's cost", rc);
}

static void every_role_begins(struct load *l, uint64_t now)
{
	size_t i;

	l->phase = LOAD_WARMS_UP;
	for (i = 0; i < roles_n; i++)
		if (roles[i]->begin)
			roles[i]->begin(now);
}

static void start_measuring(struct load *l)
{
	size_t i;

	l->phase = LOAD_MEASURES;
	look_at_server(l, 0, &l->at_begin);
	l->measure_ns = clock_ns();
	for (i = 0; i < roles_n; i++)
		if (roles[i]->measure)
			roles[i]->measure(l->measure_ns);
}

static void tell_ready(struct load *l)
{
	look_at_server(l, 1, &l->at_ready);
	printf("{\"e\":\"ready\",\"clients\":%zu,\"ms\":%" PRIu64 ",\"private_bytes\":%" PRIu64
	       ",\"rss_bytes\":%" PRIu64 "}\n",
	       l->all_n, (l->ready_ns - l->began_ns) / MS, l->at_ready.private_bytes,
	       l->at_ready.rss_bytes);
	fflush(stdout);
}

static bool everybody_is_ready(const struct load *l)
{
	size_t i;

	if (l->ready_n < l->all_n)
		return false;
	for (i = 0; i < roles_n; i++)
		if (roles[i]->is_ready && !roles[i]->is_ready())
			return false;
	return true;
}

/* A count that is reached ends a run; without one the time does. A storm ends when all are back.
 * SIGTERM ends any. */
static bool is_over(const struct load *l, uint64_t now)
{
	size_t i;

	if (told_to_end)
		return true;
	if (l->o.storm)
		return l->all_back_ns && now >= l->all_back_ns + (uint64_t)l->o.duration_ms * MS;
	for (i = 0; i < roles_n; i++)
		if (roles[i]->is_done)
			return roles[i]->is_done();
	return now >= l->measure_ns + (uint64_t)l->o.duration_ms * MS;
}

static void end(struct load *l)
{
	l->phase = LOAD_ENDED;
	reactor_stop(l->reactor);
}

/* What is still under way arrives, or is lost. */
static void drain(struct load *l, uint64_t now)
{
	size_t i;

	for (i = 0; i < roles_n; i++)
		if (roles[i]->is_drained && !roles[i]->is_drained() &&
		    now < l->drain_ns + DRAIN_MS * MS)
			return;
	end(l);
}

static void on_step(struct alarm *a, uint64_t now)
{
	struct load *l = &load;

	switch (l->phase) {
	case LOAD_OPENS:
		if (everybody_is_ready(l)) {
			l->ready_ns = now;
			l->phase = LOAD_SETTLES;
		}
		break;
	case LOAD_SETTLES:
		if (now >= l->ready_ns + (uint64_t)l->o.settle_ms * MS) {
			tell_ready(l);
			every_role_begins(l, l->ready_ns = clock_ns());
		}
		break;
	case LOAD_WARMS_UP:
		if (now >= l->ready_ns + (uint64_t)l->o.warmup_ms * MS)
			start_measuring(l);
		break;
	case LOAD_MEASURES:
		if (!is_over(l, now))
			break;
		look_at_server(l, 0, &l->at_end);
		l->drain_ns = now;
		l->phase = LOAD_DRAINS;
		break;
	case LOAD_DRAINS: drain(l, now); break;
	case LOAD_ENDED: break;
	}
	reactor_alarm(l->reactor, a, now + STEP_MS * MS);
}

static void on_limit(struct alarm *a, uint64_t now)
{
	(void)a;
	(void)now;
	fprintf(stderr, "sio-load: %zu of %zu clients ready, %" PRIu64 " refused, phase %d\n",
		load.ready_n, load.all_n, load.refused_n, load.phase);
	load_fail(&load, "not done in time", -ETIMEDOUT);
}

static void on_turn(void *ctx, uint64_t now)
{
	struct load *l = ctx;
	size_t i;

	while (l->next < l->all_n && l->opening < l->o.opening) {
		l->opening++;
		client_open(l->all[l->next++]);
	}
	for (i = 0; i < roles_n; i++)
		if (roles[i]->turn)
			roles[i]->turn(now);
}

/* --- the result -------------------------------------------------------------------- */

static void report_storm(const struct load *l)
{
	printf(",\"storm\":{\"all_back_ms\":%" PRIu64 ",\"back\":%" PRIu64 ",\"p50_ms\":%" PRIu64
	       ",\"p99_ms\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
	       l->all_back_ns ? (l->all_back_ns - l->first_lost_ns) / MS : 0, l->back.n,
	       latency_at(&l->back, 0.5) / MS, latency_at(&l->back, 0.99) / MS, l->storm_refused_n);
}

static void report(const struct load *l)
{
	uint64_t wall_us = (l->at_end.at_ns - l->at_begin.at_ns) / 1000;
	uint64_t cpu_us = l->at_end.cpu_us - l->at_begin.cpu_us;
	size_t i;

	printf("{\"e\":\"result\",\"clients\":%zu,\"open_ms\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"refused\":%" PRIu64,
	       l->all_n, (l->ready_ns - l->began_ns) / MS, l->lost_n, l->refused_n);
	if (l->o.server_pid)
		printf(",\"server\":{\"wall_us\":%" PRIu64 ",\"cpu_us\":%" PRIu64
		       ",\"start_bytes\":%" PRIu64 ",\"ready_bytes\":%" PRIu64
		       ",\"start_rss\":%" PRIu64 ",\"open_cpu_us\":%" PRIu64 "}",
		       wall_us, cpu_us, l->at_start.private_bytes, l->at_ready.private_bytes,
		       l->at_start.rss_bytes, l->at_ready.cpu_us - l->at_start.cpu_us);
	for (i = 0; i < roles_n; i++)
		if (roles[i]->report)
			roles[i]->report(stdout);
	if (l->o.storm)
		report_storm(l);
	printf("}\n");
	fflush(stdout); /* before the clients go: that is a storm, too */
}

/* --- start and stop ---------------------------------------------------------------- */

static void on_term(int signal_number)
{
	(void)signal_number;
	told_to_end = 1;
}

static int make_target(struct load *l)
{
	struct target *t = &l->target;

	t->reactor = l->reactor;
	t->server.sin_family = AF_INET;
	t->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->server.sin_port = htons((uint16_t)l->o.port);
	t->sources = l->o.sources;
	if (!l->o.tls)
		return 0;
	t->tls = SSL_CTX_new(TLS_client_method());
	if (!t->tls)
		return -ENOMEM;
	SSL_CTX_set_verify(t->tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(t->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return 0;
}

static int start(struct load *l)
{
	size_t i;
	int rc = reactor_new(&l->reactor);

	if (!rc)
		rc = make_target(l);
	l->random = 0x9e3779b97f4a7c15ull ^ clock_ns();
	for (i = 0; i < ROLES && !rc; i++) {
		if (!all_roles[i]->is_asked_for(&l->o))
			continue;
		roles[roles_n++] = all_roles[i];
		rc = all_roles[i]->start(l);
	}
	if (rc)
		return rc;
	look_at_server(l, 1, &l->at_start);
	l->began_ns = clock_ns();
	l->step.on_due = on_step;
	l->limit.on_due = on_limit;
	reactor_on_turn(l->reactor, on_turn, l);
	rc = reactor_alarm(l->reactor, &l->step, l->began_ns);
	return rc ? rc
		  : reactor_alarm(l->reactor, &l->limit,
				  l->began_ns + (uint64_t)l->o.limit_ms * MS);
}

static void finish(struct load *l)
{
	size_t i;

	for (i = 0; i < l->all_n; i++)
		client_close(l->all[i]);
	for (i = 0; i < roles_n; i++)
		if (roles[i]->finish)
			roles[i]->finish();
	free(l->all);
	SSL_CTX_free(l->target.tls);
	reactor_free(l->reactor);
}

int main(int argc, char **argv)
{
	struct load *l = &load;

	if (options_read(&l->o, argc, argv))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	prctl(PR_SET_TIMERSLACK, 1);
	many_descriptors();
	l->rc = start(l);
	if (l->rc)
		fprintf(stderr, "sio-load: cannot start: %s\n", strerror(-l->rc));
	else
		l->rc = reactor_run(l->reactor);
	if (!l->rc)
		report(l);
	finish(l);
	return l->rc ? 1 : 0;
}
