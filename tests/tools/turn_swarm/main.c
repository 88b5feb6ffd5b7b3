/* main.c - turn-swarm: many allocations of known traffic, and what their far ends received
 *
 * The swarm holds both ends of each allocation, the TURN client and the UDP
 * peer, and reports for every allocation and direction what really arrived.
 * That is the truth to hold a ledger against: what was sent and never arrived
 * may be lost, but what arrived has to be accounted for, once.
 *
 * It stops after --duration-ms, or on
 *	SIGTERM, SIGINT  silence, the rest arrives, each allocation ends as planned
 *	SIGUSR1          silence, no more requests: the server is gone. What the
 *	                 sockets still hold is read to its end.
 * and reports once nothing has arrived for --quiet-ms. Exits 0 if it could do
 * its work, whatever came of the allocations; 2 for a bad command line. */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "many_descriptors.h"
#include "options.h"
#include "peers.h"
#include "report.h"
#include "udp.h"

#define STEP_MS 5	    /* of the ramp */
#define ENDS_MAX_MS 8000    /* for all ends, once told to stop */
#define CALL_FORMAT_MAX 256 /* bytes of a name under construction */

struct swarm {
	struct options o;
	struct client_config cfg;
	struct sockaddr_storage server[2][3]; /* by family, transport */
	struct peers *peers;
	struct client **clients;
	size_t n;
	uint64_t random;
	double due; /* clients to begin, not yet whole */
	bool ready, stopping, server_gone;
	const char *stopped_by;
	uint64_t arrived_before; /* packets, at the last look */
	unsigned quiet_ms, ending_ms;
	struct event *step, *duration, *ending, *on_term, *on_int, *on_gone;
	int rc;
};

static void every_ms(struct event *e, unsigned ms)
{
	struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	event_add(e, &tv);
}

/* --- what each is to be ------------------------------------------------------------ */

/* xorshift64*: the same lives for the same seed. */
static uint64_t next_random(struct swarm *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * 0x2545f4914f6cdd1dull;
}

static unsigned below(struct swarm *s, unsigned n)
{
	return (unsigned)((next_random(s) >> 32) * n >> 32);
}

/* Every combination gets its turn: the first list turns fastest. */
static unsigned choose(const struct choices *c, size_t *turn)
{
	unsigned v = c->v[*turn % c->n];

	*turn /= c->n;
	return v;
}

static int make_name(const struct swarm *s, size_t i, char out[TURN_NAME_MAX + 1])
{
	const struct options *o = &s->o;
	char user[CALL_FORMAT_MAX], call[CALL_FORMAT_MAX] = "";
	size_t prefix = o->call ? strlen(o->call) : 0;

	if (o->name)
		return snprintf(out, TURN_NAME_MAX + 1, "%s", o->name);
	snprintf(user, sizeof(user), "%s%zu", o->user, i);
	if (o->call && prefix < TURN_CALL_ID_LEN)
		snprintf(call, sizeof(call), "%s%0*zu", o->call, (int)(TURN_CALL_ID_LEN - prefix),
			 i / o->per_call);
	return turn_name_format(out, TURN_NAME_MAX + 1, (uint64_t)time(NULL) + o->ttl, user, call);
}

static int make_plan(struct swarm *s, struct client_plan *p)
{
	size_t turn = s->n;
	unsigned six;

	memset(p, 0, sizeof(*p));
	p->index = (uint32_t)s->n;
	p->transport = choose(&s->o.transports, &turn);
	six = choose(&s->o.families, &turn);
	p->channel = choose(&s->o.via, &turn);
	p->end = choose(&s->o.ends, &turn);
	p->server = s->server[six][p->transport];
	p->peer = peers_get(s->peers, six ? AF_INET6 : AF_INET, s->n);
	if (s->o.life_to_ms && below(s, 100) < s->o.mortal)
		p->life_ms = s->o.life_from_ms + below(s, s->o.life_to_ms - s->o.life_from_ms + 1);
	return make_name(s, s->n, p->name);
}

/* --- begin ------------------------------------------------------------------------- */

static void fail(struct swarm *s, const char *what, int rc)
{
	fprintf(stderr, "turn-swarm: %s: %s\n", what, strerror(-rc));
	s->rc = rc;
	event_base_loopbreak(s->cfg.base);
}

static void begin_one(struct swarm *s)
{
	struct client_plan plan;
	int rc = make_plan(s, &plan);

	if (rc >= 0)
		rc = client_new(&s->clients[s->n], &s->cfg, &plan);
	if (rc < 0)
		fail(s, "an allocation", rc);
	else
		s->n++;
}

static void look_whether_ready(struct swarm *s)
{
	uint64_t begun = 0, failed = 0;
	size_t i;

	for (i = 0; i < s->o.allocations; i++) {
		begun += client_state(s->clients[i]) != CLIENT_BEGINS;
		failed += client_state(s->clients[i]) >= CLIENT_LOST;
	}
	if (begun < s->o.allocations)
		return;
	s->ready = true;
	report_ready(begun - failed, failed);
	if (s->o.duration_ms)
		every_ms(s->duration, s->o.duration_ms);
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct swarm *s = arg;
	bool first = s->n < s->o.allocations;
	size_t limit = first ? s->o.allocations : s->o.max;

	(void)fd;
	(void)what;
	s->due += (first ? s->o.ramp : s->o.churn) * (STEP_MS / 1000.0);
	for (; s->due >= 1 && !s->rc; s->due--)
		if (s->n < limit)
			begin_one(s);
	if (!s->ready && s->n >= s->o.allocations)
		look_whether_ready(s);
}

/* --- end --------------------------------------------------------------------------- */

static uint64_t arrived(const struct swarm *s)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		sum += client_flow(s->clients[i], TO_PEER)->received +
		       client_flow(s->clients[i], TO_CLIENT)->received;
	return sum;
}

static bool all_settled(const struct swarm *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!client_settled(s->clients[i]))
			return false;
	return true;
}

static void silence(struct swarm *s)
{
	size_t i;

	s->server_gone = true;
	for (i = 0; i < s->n; i++)
		client_silence(s->clients[i]);
}

static void on_ending(evutil_socket_t fd, short what, void *arg)
{
	struct swarm *s = arg;
	uint64_t now = arrived(s);

	(void)fd;
	(void)what;
	s->ending_ms += STEP_MS;
	if (!s->server_gone && (all_settled(s) || s->ending_ms >= ENDS_MAX_MS))
		silence(s);
	s->quiet_ms = now == s->arrived_before && s->server_gone ? s->quiet_ms + STEP_MS : 0;
	s->arrived_before = now;
	if (s->quiet_ms >= s->o.quiet_ms)
		event_base_loopbreak(s->cfg.base);
}

static void stop(struct swarm *s, const char *by)
{
	size_t i;

	if (s->stopping)
		return;
	s->stopping = true;
	s->stopped_by = by;
	event_del(s->step);
	for (i = 0; i < s->n; i++)
		client_finish(s->clients[i]);
	every_ms(s->ending, STEP_MS);
}

static void on_duration(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stop(arg, "duration");
}

static void on_told(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stop(arg, "signal");
}

/* Also while ending: the server can go at any time. */
static void on_server_gone(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stop(arg, "server gone");
	silence(arg);
}

/* --- main -------------------------------------------------------------------------- */

static void take_at_peer(const struct payload_tag *tag, const uint8_t *p, size_t n, uint64_t at_us,
			 void *ctx)
{
	struct swarm *s = ctx;

	if (tag->run == s->cfg.run && tag->index < s->n)
		flow_take(client_flow(s->clients[tag->index], TO_PEER), p, n, tag, at_us);
}

static bool wants_family(const struct options *o, unsigned six)
{
	unsigned i;

	for (i = 0; i < o->families.n; i++)
		if (o->families.v[i] == six)
			return true;
	return false;
}

static int set_addresses(struct swarm *s, struct sockaddr_storage peer[2])
{
	const struct options *o = &s->o;
	int t;

	for (t = 0; t < 3; t++) {
		unsigned port = t == LINK_TLS ? o->tls_port : o->port;

		if (options_address(o->server4, port, &s->server[0][t]) ||
		    options_address(o->server6, port, &s->server[1][t]))
			return -EINVAL;
	}
	return options_address(o->peer4, 0, &peer[0]) || options_address(o->peer6, 0, &peer[1])
		       ? -EINVAL
		       : 0;
}

static void set_config(struct swarm *s)
{
	s->cfg.run = (uint32_t)wall_us() ^ s->o.seed;
	s->cfg.secret = getenv("TURN_SECRET");
	s->cfg.password = getenv("TURN_PASSWORD");
	s->cfg.mobility = s->o.mobility;
	s->cfg.no_send = s->o.no_send;
	s->cfg.no_echo = s->o.no_echo;
	s->cfg.size_bytes = s->o.size;
	s->cfg.interval_us = 1000000 / s->o.rate;
	s->cfg.count = s->o.count;
	s->cfg.lifetime_s = s->o.lifetime;
	s->random = s->o.seed * 0x9e3779b97f4a7c15ull + 1;
}

static int make_events(struct swarm *s)
{
	struct event_base *base = s->cfg.base;

	s->step = event_new(base, -1, EV_PERSIST, on_step, s);
	s->ending = event_new(base, -1, EV_PERSIST, on_ending, s);
	s->duration = evtimer_new(base, on_duration, s);
	s->on_term = evsignal_new(base, SIGTERM, on_told, s);
	s->on_int = evsignal_new(base, SIGINT, on_told, s);
	s->on_gone = evsignal_new(base, SIGUSR1, on_server_gone, s);
	if (!s->step || !s->ending || !s->duration || !s->on_term || !s->on_int || !s->on_gone)
		return -ENOMEM;
	event_add(s->on_term, NULL);
	event_add(s->on_int, NULL);
	event_add(s->on_gone, NULL);
	every_ms(s->step, STEP_MS);
	return 0;
}

static int prepare(struct swarm *s)
{
	struct sockaddr_storage peer[2];
	int rc = set_addresses(s, peer);

	if (rc)
		return rc;
	set_config(s);
	if (!s->cfg.secret && !(s->cfg.password && s->o.name))
		return -EKEYREJECTED;
	s->cfg.base = event_base_new();
	s->cfg.ssl = SSL_CTX_new(TLS_client_method());
	s->clients = calloc(s->o.max > s->o.allocations ? s->o.max : s->o.allocations,
			    sizeof(struct client *));
	if (!s->cfg.base || !s->cfg.ssl || !s->clients)
		return -ENOMEM;
	SSL_CTX_set_verify(s->cfg.ssl, SSL_VERIFY_NONE, NULL);
	rc = peers_new(&s->peers, s->cfg.base, s->o.peers, wants_family(&s->o, 0) ? &peer[0] : NULL,
		       wants_family(&s->o, 1) ? &peer[1] : NULL, take_at_peer, s);
	return rc ? rc : make_events(s);
}

static void finish(struct swarm *s)
{
	struct event *events[] = { s->step,    s->ending, s->duration,
				   s->on_term, s->on_int, s->on_gone };
	size_t i;

	for (i = 0; i < s->n; i++)
		client_free(s->clients[i]);
	free(s->clients);
	peers_free(s->peers);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
	SSL_CTX_free(s->cfg.ssl);
	if (s->cfg.base)
		event_base_free(s->cfg.base);
}

static void report(struct swarm *s)
{
	struct report_sums sums = { 0 };
	size_t i;

	for (i = 0; i < s->n; i++)
		report_allocation(s->clients[i], &sums);
	sums.overflowed += peers_overflowed(s->peers);
	sums.stray = peers_stray(s->peers);
	report_summary(&sums, s->stopped_by);
}

int main(int argc, char **argv)
{
	static struct swarm s;

	if (options_read(&s.o, argc, argv))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	many_descriptors();
	s.rc = prepare(&s);
	if (s.rc) {
		fprintf(stderr, "turn-swarm: cannot start: %s\n", strerror(-s.rc));
	} else {
		event_base_dispatch(s.cfg.base);
		if (!s.rc)
			report(&s);
	}
	finish(&s);
	return s.rc ? 1 : 0;
}
