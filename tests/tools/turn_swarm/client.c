/* client.c - one allocation, from the first request to its end, and what it relays
 *
 * One request is under way at a time: Allocate, then a permission or a channel,
 * which are renewed together with the lifetime. */
#include "client.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "turn_login.h"

#define CHANNEL 0x4000
#define UDP_RELAY (17u << 24) /* REQUESTED-TRANSPORT, RFC 8656 section 18.7 */
#define FAMILY_V6 (2u << 24)
#define RTO_MS 500 /* doubled at each try, RFC 8489 section 6.2.1 */
#define TRIES_MAX 6
#define CHALLENGES_MAX 3
#define ANSWER_MAX_MS 10000 /* over a stream, where nothing is repeated */
#define RENEW_MAX_S 120	    /* a permission lasts 300 s */
#define SETTLE_STEP_MS 20
#define SETTLE_MAX_MS 1000

const char *const client_end_names[4] = { "refresh", "close", "expire", "stay" };
const char *const client_state_names[6] = { "begins", "relays", "settles",
					    "ended",  "lost",	"refused" };

struct request {
	unsigned method; /* 0: none is under way */
	unsigned tries, challenges;
	struct stun_out out;
};

struct client {
	const struct client_config *cfg;
	struct client_plan plan;
	struct turn_login login;
	uint32_t lifetime_s;
	enum client_state state;
	unsigned error;
	const char *why;
	struct link *link;
	struct sockaddr_storage local, relayed;
	uint32_t overflowed; /* of a link that is closed */
	struct request request;
	struct event *answer, *pace, *renew, *life, *settle;
	unsigned settle_ms;
	struct flow flow[DIRECTIONS];
};

static struct timeval ms(uint64_t n)
{
	return (struct timeval){ (time_t)(n / 1000), (suseconds_t)(n % 1000 * 1000) };
}

static void after_ms(struct event *e, uint64_t n)
{
	struct timeval tv = ms(n);

	event_add(e, &tv);
}

static void stop_timers(struct client *c)
{
	event_del(c->answer);
	event_del(c->pace);
	event_del(c->renew);
	event_del(c->life);
	event_del(c->settle);
}

static void over(struct client *c, enum client_state state, const char *why)
{
	stop_timers(c);
	c->request.method = 0;
	c->state = state;
	c->why = why;
}

/* --- requests ------------------------------------------------------------------ */

static void put_allocate(struct client *c, struct stun_out *o)
{
	stun_put_u32(o, ATTR_TRANSPORT, UDP_RELAY);
	stun_put_u32(o, ATTR_LIFETIME, c->cfg->lifetime_s);
	if (peer_address(c->plan.peer)->sa_family == AF_INET6)
		stun_put_u32(o, ATTR_FAMILY, FAMILY_V6);
	if (c->cfg->mobility)
		stun_put(o, ATTR_MOBILITY, NULL, 0);
}

static void put_refresh(struct client *c, struct stun_out *o)
{
	stun_put_u32(o, ATTR_LIFETIME, c->state == CLIENT_SETTLES ? 0 : c->cfg->lifetime_s);
}

static void put_permission(struct client *c, struct stun_out *o)
{
	stun_put_address(o, ATTR_PEER, peer_address(c->plan.peer));
}

static void put_channel(struct client *c, struct stun_out *o)
{
	stun_put_u32(o, ATTR_CHANNEL, (uint32_t)CHANNEL << 16);
	stun_put_address(o, ATTR_PEER, peer_address(c->plan.peer));
}

static void (*const put[])(struct client *, struct stun_out *) = {
	[STUN_ALLOCATE] = put_allocate,
	[STUN_REFRESH] = put_refresh,
	[STUN_PERMISSION] = put_permission,
	[STUN_CHANNEL_BIND] = put_channel,
};

static void transmit(struct client *c)
{
	struct request *r = &c->request;

	link_send(c->link, r->out.b, r->out.n);
	after_ms(c->answer,
		 c->plan.transport == LINK_UDP ? (uint64_t)RTO_MS << r->tries : ANSWER_MAX_MS);
	r->tries++;
}

static void ask(struct client *c, unsigned method)
{
	struct request *r = &c->request;
	uint8_t tid[STUN_TID_LEN];

	if (r->method != method)
		r->challenges = 0;
	RAND_bytes(tid, sizeof(tid));
	r->method = method;
	r->tries = 0;
	stun_begin(&r->out, (uint16_t)method, tid);
	put[method](c, &r->out);
	turn_login_put(&c->login, &r->out, c->plan.name);
	transmit(c);
}

static void on_no_answer(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	if (c->plan.transport == LINK_UDP && c->request.tries < TRIES_MAX)
		transmit(c);
	else
		over(c, CLIENT_LOST, "no answer");
}

/* --- packets ------------------------------------------------------------------- */

static void count_sent(struct flow *f, size_t n)
{
	f->sent++;
	f->sent_bytes += n;
}

static void send_to_peer(struct client *c, const uint8_t *p, size_t n)
{
	static const uint8_t no_tid[STUN_TID_LEN];
	struct stun_out o;

	if (c->plan.channel) {
		stun_channel_data(&o, CHANNEL, p, n);
	} else {
		stun_begin(&o, STUN_SEND | STUN_INDICATION, no_tid);
		stun_put_address(&o, ATTR_PEER, peer_address(c->plan.peer));
		stun_put(&o, ATTR_DATA, p, n);
	}
	link_send(c->link, o.b, o.n);
}

static void send_one(struct client *c, enum direction d)
{
	struct flow *f = &c->flow[d];
	struct payload_tag tag = { c->cfg->run, c->plan.index, (uint32_t)f->sent, d };
	uint8_t b[PAYLOAD_MAX];
	size_t n = c->cfg->size_bytes;

	payload_make(b, n, &tag);
	if (d == TO_PEER)
		send_to_peer(c, b, n);
	else
		peer_send(c->plan.peer, &c->relayed, b, n);
	count_sent(f, n);
}

static void on_pace(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	if (!c->cfg->no_send)
		send_one(c, TO_PEER);
	if (!c->cfg->no_echo)
		send_one(c, TO_CLIENT);
	if (c->cfg->count && c->flow[c->cfg->no_send ? TO_CLIENT : TO_PEER].sent >= c->cfg->count)
		event_del(c->pace);
}

static void take_payload(struct client *c, const uint8_t *p, size_t n, uint64_t at_us)
{
	struct payload_tag tag;

	if (payload_read(p, n, &tag) && tag.run == c->cfg->run && tag.index == c->plan.index &&
	    tag.direction == TO_CLIENT)
		flow_take(&c->flow[TO_CLIENT], p, n, &tag, at_us);
}

/* --- the steps of its life ------------------------------------------------------ */

static void begin_to_relay(struct client *c)
{
	struct timeval tv = { c->cfg->interval_us / 1000000, c->cfg->interval_us % 1000000 };

	c->state = CLIENT_RELAYS;
	event_add(c->pace, &tv);
	if (c->plan.life_ms)
		after_ms(c->life, c->plan.life_ms);
}

static void renew_later(struct client *c)
{
	uint32_t half_s = c->lifetime_s / 2;

	after_ms(c->renew, 1000ull * (half_s < RENEW_MAX_S ? half_s : RENEW_MAX_S));
}

static void allocated(struct client *c, const struct stun_in *in)
{
	size_t n;

	if (!stun_get_address(in, ATTR_RELAYED, &c->relayed) ||
	    !stun_get_u32(in, ATTR_LIFETIME, &c->lifetime_s)) {
		over(c, CLIENT_LOST, "an answer without an address");
		return;
	}
	if (c->cfg->mobility && !stun_get(in, ATTR_MOBILITY, &n)) {
		over(c, CLIENT_LOST, "an answer without a ticket");
		return;
	}
	ask(c, c->plan.channel ? STUN_CHANNEL_BIND : STUN_PERMISSION);
}

static void refreshed(struct client *c, const struct stun_in *in)
{
	(void)in;
	if (c->state == CLIENT_SETTLES)
		over(c, CLIENT_ENDED, "");
	else
		ask(c, c->plan.channel ? STUN_CHANNEL_BIND : STUN_PERMISSION);
}

static void permitted(struct client *c, const struct stun_in *in)
{
	(void)in;
	if (c->state == CLIENT_BEGINS)
		begin_to_relay(c);
	if (c->state == CLIENT_SETTLES) /* it was told to end meanwhile */
		ask(c, STUN_REFRESH);
	else
		renew_later(c);
}

static void (*const succeeded[])(struct client *, const struct stun_in *) = {
	[STUN_ALLOCATE] = allocated,
	[STUN_REFRESH] = refreshed,
	[STUN_PERMISSION] = permitted,
	[STUN_CHANNEL_BIND] = permitted,
};

static void on_renew(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask(arg, STUN_REFRESH);
}

/* Everything arrived, or has had time to. */
static void settled_down(struct client *c)
{
	switch (c->plan.end) {
	case END_REFRESH:
		if (!c->request.method)
			ask(c, STUN_REFRESH);
		return;
	case END_CLOSE:
		c->overflowed = link_overflowed(c->link);
		link_free(c->link);
		c->link = NULL;
		over(c, CLIENT_ENDED, "");
		return;
	default: over(c, CLIENT_ENDED, ""); return;
	}
}

static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	bool whole = c->flow[TO_PEER].received >= c->flow[TO_PEER].sent &&
		     c->flow[TO_CLIENT].received >= c->flow[TO_CLIENT].sent;

	(void)fd;
	(void)what;
	c->settle_ms += SETTLE_STEP_MS;
	if (whole || c->settle_ms >= SETTLE_MAX_MS)
		settled_down(c);
	else
		after_ms(c->settle, SETTLE_STEP_MS);
}

void client_finish(struct client *c)
{
	if (c->state != CLIENT_BEGINS && c->state != CLIENT_RELAYS)
		return;
	event_del(c->life);
	event_del(c->renew);
	if (c->plan.end == END_EXPIRE || c->plan.end == END_STAY)
		return;
	event_del(c->pace);
	c->state = CLIENT_SETTLES;
	after_ms(c->settle, SETTLE_STEP_MS);
}

void client_silence(struct client *c)
{
	stop_timers(c);
	c->request.method = 0;
}

static void on_life(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_finish(arg);
}

/* --- what comes from the server --------------------------------------------------- */

static bool take_challenge(struct client *c, const struct stun_in *in)
{
	char made[TURN_PASSWORD_LEN + 1];
	const char *password = c->cfg->password;

	if (c->request.challenges++ >= CHALLENGES_MAX)
		return false;
	if (!password && turn_password(made, c->cfg->secret, c->plan.name) < 0)
		return false;
	return turn_login_take(&c->login, in, c->plan.name, password ? password : made);
}

static void take_error(struct client *c, const struct stun_in *in, unsigned method)
{
	unsigned code = stun_error_code(in);

	if (turn_login_challenged(&c->login, code) && take_challenge(c, in)) {
		ask(c, method);
		return;
	}
	c->error = code;
	over(c, CLIENT_REFUSED, "");
}

static void take_answer(struct client *c, const struct stun_in *in)
{
	unsigned method = c->request.method;

	if (!method || memcmp(in->p + 8, c->request.out.b + 8, STUN_TID_LEN) != 0)
		return;
	event_del(c->answer);
	if ((in->type & STUN_ERROR) == STUN_ERROR) {
		take_error(c, in, method);
		return;
	}
	c->request.method = 0;
	succeeded[method](c, in);
}

static void on_message(const uint8_t *p, size_t n, uint64_t at_us, void *ctx)
{
	struct client *c = ctx;
	struct stun_in in;
	size_t len;
	const uint8_t *data;

	if (n >= 4 && (p[0] & 0xc0) == 0x40) {
		len = (size_t)p[2] << 8 | p[3];
		if (len <= n - 4)
			take_payload(c, p + 4, len, at_us);
	} else if (stun_read(&in, p, n)) {
		data = stun_get(&in, ATTR_DATA, &len);
		if (in.type == (STUN_DATA | STUN_INDICATION) && data)
			take_payload(c, data, len, at_us);
		else if (in.type & STUN_SUCCESS)
			take_answer(c, &in);
	}
}

static void on_open(void *ctx)
{
	ask(ctx, STUN_ALLOCATE);
}

static void on_closed(const char *why, void *ctx)
{
	struct client *c = ctx;

	if (c->state <= CLIENT_SETTLES)
		over(c, CLIENT_LOST, why);
}

static const struct link_handler handler = { on_open, on_message, on_closed };

/* --- making and asking --------------------------------------------------------------- */

static bool make_timers(struct client *c)
{
	struct event_base *base = c->cfg->base;

	c->answer = evtimer_new(base, on_no_answer, c);
	c->pace = event_new(base, -1, EV_PERSIST, on_pace, c);
	c->renew = evtimer_new(base, on_renew, c);
	c->life = evtimer_new(base, on_life, c);
	c->settle = evtimer_new(base, on_settle, c);
	return c->answer && c->pace && c->renew && c->life && c->settle;
}

int client_new(struct client **out, const struct client_config *cfg, const struct client_plan *plan)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	if (!c)
		return rc;
	c->cfg = cfg;
	c->plan = *plan;
	c->why = "";
	if (!make_timers(c))
		goto fail;
	rc = link_new(&c->link, cfg->base, plan->transport, &plan->server, cfg->ssl, &handler, c);
	if (rc)
		goto fail;
	c->local = *link_local(c->link);
	*out = c;
	return 0;
fail:
	client_free(c);
	return rc;
}

void client_free(struct client *c)
{
	struct event **timers[] = { &c->answer, &c->pace, &c->renew, &c->life, &c->settle };
	size_t i;

	for (i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		if (*timers[i])
			event_free(*timers[i]);
	link_free(c->link);
	free(c);
}

bool client_settled(const struct client *c)
{
	return c->state > CLIENT_SETTLES || c->plan.end == END_EXPIRE || c->plan.end == END_STAY;
}

enum client_state client_state(const struct client *c)
{
	return c->state;
}

struct flow *client_flow(struct client *c, enum direction d)
{
	return &c->flow[d];
}

const struct client_plan *client_plan(const struct client *c)
{
	return &c->plan;
}

const struct sockaddr_storage *client_relayed(const struct client *c)
{
	return &c->relayed;
}

const struct sockaddr_storage *client_local(const struct client *c)
{
	return &c->local;
}

unsigned client_error(const struct client *c)
{
	return c->error;
}

const char *client_why(const struct client *c)
{
	return c->why;
}

uint32_t client_overflowed(const struct client *c)
{
	return c->link ? link_overflowed(c->link) : c->overflowed;
}
