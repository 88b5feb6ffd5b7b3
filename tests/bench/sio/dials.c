/* dials.c - calls from beginning to end: pairs who call, answer and hang up, over and over
 *
 * A calls B and trickles two candidates at once; B accepts and trickles two; at
 * the answer and those two A hangs up; at that B is free again. As many calls
 * as go, or so many a second (--rate) whether the server keeps up or not; the
 * set-up counts from the time the call was due until its answer is there. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define SDP_BYTES 1500 /* an offer of sound and picture */
#define CANDIDATES 2   /* of each side */
#define CANDIDATE "candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host"

struct dialer {
	struct client a, b;
	unsigned index;
	unsigned number;     /* of the call */
	unsigned candidates; /* of B, that reached A */
	bool dials, is_answered;
	uint64_t due_ns;
};

static struct load *load;
static struct dialer *dialers;
static char sdp[SDP_BYTES + 1];
static struct alarm pace;
static uint64_t pace_began_ns, paced;
static unsigned next_dialer;
static bool dialing;
static struct {
	uint64_t began, done, measured, skipped;
} counts;
static struct latency setup;

/* --- what they say ------------------------------------------------------------------ */

static void say(struct client *c, const char *event, const struct dialer *d, const char *more)
{
	static char text[SDP_BYTES + 512];
	const int n = snprintf(text, sizeof(text), "42[\"%s\",{\"roomName\":\"dial-%u-%u\"%s}]",
			       event, d->index, d->number, more);

	client_send(c, text, (size_t)n);
}

static void say_candidates(struct client *c, const struct dialer *d)
{
	for (int i = 0; i < CANDIDATES; i++)
		say(c, "ice:candidate", d,
		    ",\"candidate\":\"" CANDIDATE "\",\"sdpMLineIndex\":0,\"sdpMid\":\"0\"");
}

static void dial(struct dialer *d, uint64_t due_ns)
{
	static char more[SDP_BYTES + 256];

	d->number++;
	d->dials = true;
	d->is_answered = false;
	d->candidates = 0;
	d->due_ns = due_ns;
	counts.began++;
	snprintf(more, sizeof(more),
		 ",\"fromId\":\"a%u\",\"toId\":\"b%u\",\"callType\":\"video\",\"sdpOffer\":\"%s\"",
		 d->index, d->index, sdp);
	say(&d->a, "call:initiate", d, more);
	say_candidates(&d->a, d);
}

static void accept_call(struct dialer *d)
{
	static char more[SDP_BYTES + 256];

	snprintf(more, sizeof(more), ",\"fromId\":\"a%u\",\"sdpAnswer\":\"%s\"", d->index, sdp);
	say(&d->b, "call:accept", d, more);
	say_candidates(&d->b, d);
}

/* --- what they hear ----------------------------------------------------------------- */

static bool is_event(const char *packet, size_t n, const char *name)
{
	const size_t len = strlen(name);

	return n > len + 3 && !memcmp(packet, "[\"", 2) && !memcmp(packet + 2, name, len) &&
	       packet[2 + len] == '"';
}

static void answered(struct dialer *d)
{
	d->is_answered = true;
	if (load->phase == LOAD_MEASURES && d->due_ns >= load->measure_ns)
		latency_add(&setup, clock_ns() - d->due_ns);
}

static void hang_up_when_through(struct dialer *d)
{
	if (d->is_answered && d->candidates == CANDIDATES)
		say(&d->a, "call:end", d, "");
}

static void over(struct dialer *d)
{
	d->dials = false;
	counts.done++;
	counts.measured += load->phase == LOAD_MEASURES;
}

static void on_packet(struct client *c, const char *packet, size_t n)
{
	struct dialer *d = c->owner;

	if (c == &d->b) {
		if (is_event(packet, n, "call:incoming"))
			accept_call(d);
		else if (is_event(packet, n, "call:ended") && d->dials)
			over(d);
		return;
	}
	if (is_event(packet, n, "call:answer"))
		answered(d);
	else if (is_event(packet, n, "ice:candidate"))
		d->candidates++;
	else
		return;
	hang_up_when_through(d);
}

/* --- when --------------------------------------------------------------------------- */

static uint64_t next_due(void)
{
	return pace_began_ns + paced * 1000000000u / load->o.rate;
}

/* The next pair that is free; late, if there is none. */
static bool dial_due(uint64_t due_ns)
{
	for (unsigned i = 0; i < load->o.dials; i++) {
		struct dialer *d = &dialers[next_dialer++ % load->o.dials];

		if (d->dials)
			continue;
		dial(d, due_ns);
		return true;
	}
	return false;
}

static void turn(uint64_t now_ns)
{
	if (!dialing || load->phase == LOAD_ENDED || load->phase == LOAD_DRAINS)
		return;
	if (!load->o.rate) {
		for (unsigned i = 0; i < load->o.dials; i++)
			if (!dialers[i].dials)
				dial(&dialers[i], now_ns);
		return;
	}
	for (; next_due() <= now_ns; paced++)
		counts.skipped += !dial_due(next_due());
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
	dialing = true;
	pace_began_ns = now_ns;
}

/* --- clients ------------------------------------------------------------------------ */

static void on_ready(struct client *c)
{
	load_ready(load, c);
}

static void on_lost(struct client *c, int status)
{
	load_lost(load, c, status);
	if (load->phase != LOAD_ENDED)
		load_fail(load, "a client in a call was lost", -ECONNRESET);
}

static const struct client_handler handler = {
	.on_ready = on_ready,
	.on_packet = on_packet,
	.on_lost = on_lost,
};

static bool is_asked_for(const struct options *o)
{
	return o->dials > 0;
}

/* The request is there for its acknowledgement, which says that the join has been read. */
static int add(struct dialer *d, struct client *c, char side)
{
	client_init(c, &load->target, &handler, d, d->index);
	snprintf(c->hello, CLIENT_HELLO_MAX,
		 "42[\"user:join\",\"%c%u\"]\x1e"
		 "420[\"ice:request\",{\"userId\":\"%c%u\"}]",
		 side, d->index, side, d->index);
	return load_add(load, c);
}

static int start(struct load *l)
{
	int rc = 0;

	load = l;
	pace.on_due = on_pace;
	memset(sdp, 'x', SDP_BYTES);
	memcpy(sdp, "v=0", 3);
	dialers = calloc(l->o.dials, sizeof(*dialers));
	if (!dialers)
		return -ENOMEM;
	for (unsigned i = 0; i < l->o.dials && !rc; i++) {
		dialers[i].index = i;
		rc = add(&dialers[i], &dialers[i].a, 'a');
		if (!rc)
			rc = add(&dialers[i], &dialers[i].b, 'b');
	}
	return rc;
}

static bool is_done(void)
{
	const uint64_t end_ns = load->measure_ns + (uint64_t)load->o.duration_ms * 1000000u;

	return load->o.count ? counts.measured >= load->o.count : clock_ns() >= end_ns;
}

static bool is_drained(void)
{
	return counts.done == counts.began;
}

static void report(FILE *out)
{
	fprintf(out,
		",\"dials\":{\"n\":%" PRIu64 ",\"began\":%" PRIu64 ",\"done\":%" PRIu64
		",\"skipped\":%" PRIu64 ",\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}",
		counts.measured, counts.began, counts.done, counts.skipped,
		(double)latency_at(&setup, 0.5) / 1e3, (double)latency_at(&setup, 0.99) / 1e3,
		(double)setup.max_ns / 1e3);
}

static void finish(void)
{
	free(dialers);
}

const struct role dials_role = {
	.name = "dials",
	.is_asked_for = is_asked_for,
	.start = start,
	.begin = begin,
	.turn = turn,
	.is_done = is_done,
	.is_drained = is_drained,
	.report = report,
	.finish = finish,
};
