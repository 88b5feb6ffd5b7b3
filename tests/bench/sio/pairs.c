/* pairs.c - events through the server: as many as go, or so many a second whether it keeps up or
 * not */
#include "pairs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct load *load;
static struct pair *pairs;
static unsigned pairs_n;       /* of them the first load->o.pairs send */
static struct client *stalled; /* who does not read; NULL: nobody */
static struct pair
	*stalled_in; /* the call of signald that it is in; NULL: the room of the first pair */
static struct client bystander;
static uint8_t *batch;
static struct alarm pace;
static uint64_t pace_began_ns, paced; /* events that were due so far */
static bool sending;
static struct {
	uint64_t sent, received, measured, missed, disorder, skipped;
} counts;
static struct latency latency;

/* --- receiving --------------------------------------------------------------------- */

static void take(struct pair *p, uint64_t sent_ns, uint64_t number)
{
	counts.received++;
	if (p->in_flight)
		p->in_flight--;
	counts.missed += number > p->expected ? number - p->expected : 0;
	counts.disorder += number < p->expected;
	p->expected = number + 1;
	if (load->phase != LOAD_MEASURES)
		return;
	counts.measured++;
	/* Of a storm only what was sent while it went on. */
	if (load->o.storm ? load->first_lost_ns && sent_ns >= load->first_lost_ns
			  : sent_ns >= load->measure_ns)
		latency_add(&latency, clock_ns() - sent_ns);
}

static void on_packet(struct client *c, const char *packet, size_t n)
{
	struct pair *p = c->owner;
	uint64_t sent_ns, number;

	if (!p) /* the reader who stopped had some on the way */
		return;
	if (c == &p->b && stamp_read(packet, n, &sent_ns, &number))
		take(p, sent_ns, number);
	else if (load->o.calls)
		calls_packet(p, c, packet, n);
}

/* --- sending ----------------------------------------------------------------------- */

static void send_events(struct pair *p, unsigned n, uint64_t at_ns)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		len += stamp_write(&p->stamp, batch + len, at_ns, p->next_number++);
	p->in_flight += n;
	counts.sent += n;
	client_send_frames(&p->a, batch, len);
}

static bool can_send(const struct pair *p)
{
	return p->is_up && p->a.state == CLIENT_READY && p->b.state == CLIENT_READY;
}

static void send_window(struct pair *p, uint64_t now_ns)
{
	if (can_send(p) && p->in_flight < load->o.window)
		send_events(p, load->o.window - p->in_flight, now_ns);
}

/* Stamped with the time at which it was due, so that a late loader or a full socket counts as
 * latency. */
static void send_due(uint64_t due_ns)
{
	struct pair *p = &pairs[paced % load->o.pairs];

	if (can_send(p))
		send_events(p, 1, due_ns);
	else
		counts.skipped++;
	if (p == pairs && stalled_in && stalled_in->is_up && stalled_in->a.state == CLIENT_READY)
		client_send_frames(&stalled_in->a, batch,
				   stamp_write(&stalled_in->stamp, batch, 0, 0));
}

static uint64_t next_due(void)
{
	return pace_began_ns + paced * 1000000000u / load->o.rate;
}

static void turn(uint64_t now_ns)
{
	unsigned i;

	if (!sending || load->phase == LOAD_ENDED || load->phase == LOAD_DRAINS)
		return;
	if (!load->o.rate) {
		for (i = 0; i < load->o.pairs; i++)
			send_window(&pairs[i], now_ns);
		return;
	}
	for (; next_due() <= now_ns; paced++)
		send_due(next_due());
	reactor_alarm(load->reactor, &pace, next_due());
}

/* turn() follows. */
static void on_pace(struct alarm *a, uint64_t now_ns)
{
	(void)a;
	(void)now_ns;
}

static void begin(uint64_t now_ns)
{
	sending = true;
	pace_began_ns = now_ns;
	if (stalled)
		client_deafen(stalled);
}

/* --- a pair's clients -------------------------------------------------------------- */

static void on_ready(struct client *c)
{
	struct pair *p = c->owner;

	load_ready(load, c);
	if (c == stalled && sending)
		client_deafen(c);
	if (!p || p->a.state != CLIENT_READY || p->b.state != CLIENT_READY)
		return;
	p->in_flight = 0;
	p->expected = p->next_number;
	if (load->o.calls)
		calls_begin(p);
	else
		p->is_up = true;
}

/* In a storm these are the ones who are back at once, so that there are running events. */
static void on_lost(struct client *c, int status)
{
	struct pair *p = c->owner;

	load_lost(load, c, status);
	if (p && load->o.storm)
		p->is_up = false; /* the server that knew their room or call is gone */
	if (load->phase != LOAD_ENDED)
		client_open_in(c, 50000000);
}

static const struct client_handler handler = {
	.on_ready = on_ready,
	.on_packet = on_packet,
	.on_lost = on_lost,
};

/* --- no protocol: bytes that come back --------------------------------------------- */

static void raw_open(struct conn *conn)
{
	struct pair *p = conn->owner;

	p->a.state = p->b.state = CLIENT_READY;
	p->is_up = true;
	p->a.ready_ns = clock_ns();
	load_ready(load, &p->a);
}

static size_t raw_bytes(struct conn *conn, const char *bytes, size_t n)
{
	struct pair *p = conn->owner;
	uint64_t sent_ns, number;

	if (n < p->stamp.n)
		return 0;
	if (stamp_read(bytes, p->stamp.n, &sent_ns, &number))
		take(p, sent_ns, number);
	return p->stamp.n;
}

static void raw_lost(struct conn *conn, int error)
{
	(void)conn;
	load_fail(load, "a raw connection ended", error ? -error : -ECONNRESET);
}

static const struct conn_handler raw_handler = { raw_open, raw_bytes, raw_lost };

static int start_raw(struct pair *p)
{
	load->opening++;
	conn_init(&p->a.ws, &load->target, &raw_handler, p);
	return conn_start(&p->a.ws);
}

/* --- start and stop ---------------------------------------------------------------- */

static bool is_asked_for(const struct options *o)
{
	return o->pairs || o->calls;
}

static int make_event(struct pair *p)
{
	char before[160];
	const char *after = "\"}]";

	if (load->o.calls)
		calls_event(p, before, sizeof(before), &after);
	else
		snprintf(before, sizeof(before), "42[\"relay\",{\"room\":\"pair-%u\",\"data\":\"",
			 p->index);
	return stamp_init(&p->stamp, before, after, load->o.size, load->o.raw);
}

static int add(struct pair *p, struct client *c)
{
	if (load->o.calls)
		calls_hello(p, c);
	else
		snprintf(c->hello, CLIENT_HELLO_MAX, "420[\"join\",\"pair-%u\"]", p->index);
	return load_add(load, c);
}

static int start_pair(struct pair *p, unsigned index)
{
	int rc;

	p->index = index;
	client_init(&p->a, &load->target, &handler, p, 0);
	client_init(&p->b, &load->target, &handler, p, 1);
	rc = make_event(p);
	if (!rc && load->o.raw)
		return start_raw(p);
	if (!rc)
		rc = add(p, &p->a);
	return rc ? rc : add(p, &p->b);
}

static int start_stalled(void)
{
	if (load->o.calls) {
		stalled_in = &pairs[load->o.pairs];
		stalled = &stalled_in->b;
		return 0;
	}
	stalled = &bystander;
	client_init(stalled, &load->target, &handler, NULL, 0);
	snprintf(stalled->hello, CLIENT_HELLO_MAX, "420[\"join\",\"pair-0\"]");
	return load_add(load, stalled);
}

static int start(struct load *l)
{
	unsigned i;
	int rc = 0;

	load = l;
	pace.on_due = on_pace;
	pairs_n = l->o.calls > l->o.pairs ? l->o.calls : l->o.pairs;
	if (l->o.stalled && l->o.calls && l->o.calls <= l->o.pairs)
		return -EINVAL; /* no call is left for it */
	pairs = calloc(pairs_n, sizeof(*pairs));
	batch = malloc((size_t)l->o.window * (l->o.size + 16));
	if (!pairs || !batch)
		return -ENOMEM;
	for (i = 0; i < pairs_n && !rc; i++)
		rc = start_pair(&pairs[i], i);
	if (!rc && l->o.stalled)
		rc = start_stalled();
	return rc;
}

static bool is_ready(void)
{
	unsigned i;

	for (i = 0; i < pairs_n; i++)
		if (!pairs[i].is_up)
			return false;
	return true;
}

static bool is_drained(void)
{
	return counts.received + counts.missed >= counts.sent;
}

static void report(FILE *out)
{
	fprintf(out,
		",\"events\":{\"n\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"received\":%" PRIu64
		",\"missed\":%" PRIu64 ",\"disorder\":%" PRIu64 ",\"skipped\":%" PRIu64
		",\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}",
		counts.measured, counts.sent, counts.received, counts.missed, counts.disorder,
		counts.skipped, (double)latency_at(&latency, 0.5) / 1e3,
		(double)latency_at(&latency, 0.99) / 1e3, (double)latency.max_ns / 1e3);
}

static void finish(void)
{
	unsigned i;

	for (i = 0; i < pairs_n; i++) {
		stamp_deinit(&pairs[i].stamp);
		conn_close(&pairs[i].a.ws);
	}
	free(pairs);
	free(batch);
}

const struct role pairs_role = {
	.name = "pairs",
	.is_asked_for = is_asked_for,
	.start = start,
	.is_ready = is_ready,
	.begin = begin,
	.turn = turn,
	.is_drained = is_drained,
	.report = report,
	.finish = finish,
};
