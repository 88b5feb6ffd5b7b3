/* try_call.c - the steps of a trial */
#include "try_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answers.h"
#include "talk.h"

#define PACKETS 25	       /* each way */
#define PACKET_BYTES 1000      /* as those of a video call */
#define PACKETS_ENOUGH 20      /* a network may lose some */
#define RELEASE_LIMIT_MS 1000  /* from the end of the call to that of its relay */
#define RELEASE_ANSWER_MS 1000 /* how long turnserver may take to say so */
#define RELEASE_PAUSE_MS 50
#define USAGE_WAIT_MS 8000 /* beyond turnserver's admin-interval */
#define USAGE_PAUSE_MS 200
#define RING_WAIT_MS 5000  /* before it is asked whether the call was refused */
#define REFUSAL_WAIT_MS 20 /* that came before */
#define LEAVE_MS 300	   /* for goodbyes */
#define SDP "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=signalctl try\r\nt=0 0\r\n"

__attribute__((format(printf, 2, 3))) static void note(struct try_call *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->note, sizeof(t->note), fmt, ap);
	va_end(ap);
}

static void pause_ms(unsigned ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static uint64_t soonest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- events ------------------------------------------------------------------------ */

static int strange(const char *what, struct client_error *err)
{
	client_error_set(err, "signald sent a %s that cannot be used", what);
	return -EPROTO;
}

/* The payload's member as text. */
static bool text_of(const char *payload, const char *key, char *out, size_t size)
{
	struct json_slice v;

	return json_member(json_trim(payload, strlen(payload)), key, &v) &&
	       json_string(v, out, size) >= 0;
}

static int said_error(const char *event, const char *payload, struct client_error *err)
{
	char code[64] = "", message[96] = "";

	text_of(payload, "code", code, sizeof(code));
	text_of(payload, "message", message, sizeof(message));
	client_error_set(err, "signald said %s %s%s%s", event, code, *message ? ": " : "", message);
	return -EPROTO;
}

/* Wait for an event (NULL: for none); a refusal that comes instead is the reason why it did not. */
static int expect_until(const struct try_client *c, const char *event, char **payload,
			uint64_t deadline_ms, struct client_error *err)
{
	const char *const all[] = { event, "call:error", "call:rejected", "call:ended", NULL };
	const char *const *events = event ? all : all + 1;
	int got = sio_client_next(c->sio, events, payload, deadline_ms, err);

	if (got < 0 || events[got] == event)
		return got;
	got = said_error(events[got], *payload, err);
	free(*payload);
	return got;
}

static int expect(const struct try_call *t, const struct try_client *c, const char *event,
		  char **payload, struct client_error *err)
{
	return expect_until(c, event, payload, t->deadline_ms, err);
}

/* A call that is not made is told to who makes it, and to nobody else: now and then the caller is
 * listened to while the callee is waited for. */
static int expect_ring(const struct try_call *t, char **payload, struct client_error *err)
{
	struct client_error other;
	char *refusal;
	int r, told;

	do {
		r = expect_until(&t->side[TRY_CALLEE], "call:incoming", payload,
				 soonest(t->deadline_ms, net_now_ms() + RING_WAIT_MS), err);
		if (r != -ETIMEDOUT)
			return r;
		told = expect_until(&t->side[TRY_CALLER], NULL, &refusal,
				    soonest(t->deadline_ms, net_now_ms() + REFUSAL_WAIT_MS),
				    &other);
		if (told != -ETIMEDOUT) {
			*err = other;
			return told;
		}
	} while (net_now_ms() < t->deadline_ms);
	return r;
}

/* Emit an object of texts: names and values by turns, NULL at their end. */
static int emit(struct try_call *t, struct try_client *c, const char *event,
		const char *const *members, struct client_error *err)
{
	struct json_out o;
	char text[2048];

	json_out_fixed(&o, text, sizeof(text) - 1);
	json_out_open(&o, '{');
	for (; *members; members += 2)
		json_put_string(&o, members[0], members[1]);
	json_out_close(&o, '}');
	if (o.failed)
		return strange(event, err);
	text[o.n] = '\0';
	return sio_client_emit(c->sio, event, text, t->deadline_ms, err);
}

static int read_login(struct try_client *c, const char *payload, const char *what,
		      struct client_error *err)
{
	struct json_slice servers;

	if (!json_member(json_trim(payload, strlen(payload)), "iceServers", &servers) ||
	    ice_login_read(servers, &c->login)) {
		client_error_set(err, "%s has no TURN server with credentials in its iceServers",
				 what);
		return -ENOENT;
	}
	return 0;
}

/* --- steps: signaling -------------------------------------------------------------- */

/* A token says whose the socket is; who came without one is who it says. */
static int identify(struct try_call *t, struct try_client *c, struct client_error *err)
{
	struct json_out o;
	char text[16384], *reply;
	int r;

	if (!c->token)
		return 0;
	json_out_fixed(&o, text, sizeof(text) - 1);
	json_out_open(&o, '{');
	json_put_string(&o, "token", c->token);
	json_out_close(&o, '}');
	if (o.failed)
		return strange("token", err);
	text[o.n] = '\0';
	r = sio_client_ask(c->sio, "join", text, &reply, t->deadline_ms, err);
	explicit_bzero(text, sizeof(text));
	if (r)
		return r;
	if (!text_of(reply, "user_id", c->user, sizeof(c->user)) ||
	    !turn_user_id_valid(c->user, strlen(c->user))) {
		client_error_set(err, "signald does not take the token: %.100s", reply);
		r = -EACCES;
	}
	free(reply);
	return r;
}

static int register_user(struct try_call *t, struct try_client *c, struct client_error *err)
{
	struct json_out o;
	char text[TURN_USER_ID_MAX + 8];

	json_out_fixed(&o, text, sizeof(text) - 1);
	json_out_string(&o, c->user);
	text[o.n] = '\0';
	return sio_client_emit(c->sio, "user:join", text, t->deadline_ms, err);
}

static int step_connect(struct try_call *t, struct client_error *err)
{
	int r = 0;

	for (size_t i = 0; i < TRY_SIDES && !r; i++) {
		struct try_client *c = &t->side[i];

		r = sio_client_open(&c->sio, &t->signald, c->via, c->token, t->deadline_ms, err);
		if (!r)
			r = identify(t, c, err);
		if (!r)
			r = register_user(t, c, err);
	}
	if (!r && !strcmp(t->side[TRY_CALLER].user, t->side[TRY_CALLEE].user)) {
		client_error_set(err, "both tokens are of the same user");
		r = -EINVAL;
	}
	note(t, "%s by %s and %s by %s, at %s port %u%s", t->side[TRY_CALLER].user,
	     sio_via_names[t->side[TRY_CALLER].via], t->side[TRY_CALLEE].user,
	     sio_via_names[t->side[TRY_CALLEE].via], t->signald.host, t->signald.port,
	     t->signald.transport == NET_TLS ? " (TLS)" : "");
	return r;
}

static int step_credentials(struct try_call *t, struct client_error *err)
{
	struct try_client *c = &t->side[TRY_CALLER];
	char text[TURN_USER_ID_MAX + 32], why[128], *reply;
	struct json_out o;
	int r;

	json_out_fixed(&o, text, sizeof(text) - 1);
	json_out_open(&o, '{');
	json_put_string(&o, "userId", c->user);
	json_out_close(&o, '}');
	text[o.n] = '\0';
	r = sio_client_ask(c->sio, "ice:request", text, &reply, t->deadline_ms, err);
	if (r)
		return r;
	if (text_of(reply, "error", why, sizeof(why))) {
		client_error_set(err, "signald gives no credentials: %s", why);
		r = -EACCES;
	} else {
		r = read_login(c, reply, "the answer to ice:request", err);
	}
	if (!r)
		note(t, "name %s, %zu addresses of TURN", c->login.name, c->login.urls_n);
	free(reply);
	return r;
}

static int step_call(struct try_call *t, struct client_error *err)
{
	struct try_client *a = &t->side[TRY_CALLER], *b = &t->side[TRY_CALLEE];
	const char *const members[] = { "fromId",   a->user, "toId",	 b->user,
					"callType", "video", "roomName", t->room,
					"sdpOffer", SDP,     NULL };
	char *payload = NULL;
	int r = emit(t, a, "call:initiate", members, err);

	if (!r)
		r = expect_ring(t, &payload, err);
	if (r)
		return r;
	if (!text_of(payload, "callId", t->call, sizeof(t->call)))
		r = strange("call:incoming", err);
	if (!r)
		r = read_login(b, payload, "call:incoming", err);
	free(payload);
	note(t, "call %s rings", t->call);
	return r;
}

static int step_answer(struct try_call *t, struct client_error *err)
{
	struct try_client *a = &t->side[TRY_CALLER], *b = &t->side[TRY_CALLEE];
	const char *const members[] = { "roomName",  t->room, "fromId", a->user,
					"sdpAnswer", SDP,     NULL };
	char *payload;
	int r = emit(t, b, "call:accept", members, err);

	if (!r)
		r = expect(t, a, "call:answer", &payload, err);
	if (r)
		return r;
	free(payload);
	note(t, "%s has the answer", a->user);
	return 0;
}

static int step_end(struct try_call *t, struct client_error *err)
{
	static const char *const events[] = { "call:ended", NULL };
	const char *const members[] = { "roomName", t->room, NULL };
	char *payload;
	int r = emit(t, &t->side[TRY_CALLER], "call:end", members, err);

	if (!r)
		r = sio_client_next(t->side[TRY_CALLEE].sio, events, &payload, t->deadline_ms, err);
	if (r < 0)
		return r;
	free(payload);
	note(t, "%s was told", t->side[TRY_CALLEE].user);
	return 0;
}

/* --- steps: the relay -------------------------------------------------------------- */

static const char *where(char *out, size_t size, const struct net_target *to)
{
	snprintf(out, size, "%s port %u over %s", to->host, to->port,
		 net_transport_names[to->transport]);
	return out;
}

/* The caller takes the first address, the callee the last one: two ways are tried then. */
static const struct net_target *relay_of(const struct try_call *t, size_t side)
{
	const struct ice_login *l = &t->side[side].login;

	if (t->relay)
		return t->relay;
	return side == TRY_CALLER ? &l->url[0] : &l->url[l->urls_n - 1];
}

static int allocate(struct try_call *t, size_t side, struct client_error *err)
{
	struct try_client *c = &t->side[side];
	struct net_target to = *relay_of(t, side);
	uint64_t begin_ms = net_now_ms();
	char place[NET_HOST_MAX + 48];
	struct client_error why;
	int r;

	to.ca_file = t->ca_file;
	to.insecure = t->insecure;
	r = turn_client_open(&c->turn, &to, c->login.name, c->login.password,
			     soonest(t->deadline_ms, begin_ms + 8000), NULL, &why);
	if (r)
		client_error_set(err, "%.150s (%.90s)", why.text, where(place, sizeof(place), &to));
	return r;
}

static int step_allocate(struct try_call *t, struct client_error *err)
{
	char a[ICE_ADDRESS_MAX], b[ICE_ADDRESS_MAX];
	int r = allocate(t, TRY_CALLER, err);

	if (!r)
		r = allocate(t, TRY_CALLEE, err);
	if (r)
		return r;
	note(t, "over %s and %s; relayed addresses %s and %s",
	     net_transport_names[relay_of(t, TRY_CALLER)->transport],
	     net_transport_names[relay_of(t, TRY_CALLEE)->transport],
	     ice_address(a, turn_client_relayed(t->side[TRY_CALLER].turn)),
	     ice_address(b, turn_client_relayed(t->side[TRY_CALLEE].turn)));
	return 0;
}

static int send_candidate(struct try_call *t, struct try_client *from, struct try_client *to,
			  struct client_error *err)
{
	char text[ICE_CANDIDATE_MAX], *payload;
	const char *const members[] = {
		"roomName", t->room, "candidate", text, "sdpMid", "0", NULL
	};
	int r;

	if (ice_candidate_write(text, sizeof(text), turn_client_relayed(from->turn)) < 0)
		return strange("candidate", err);
	r = emit(t, from, "ice:candidate", members, err);
	if (!r)
		r = expect(t, to, "ice:candidate", &payload, err);
	if (r)
		return r;
	if (!text_of(payload, "candidate", text, sizeof(text)) ||
	    ice_candidate_read(text, &to->far))
		r = strange("ice:candidate", err);
	free(payload);
	return r;
}

static int step_candidates(struct try_call *t, struct client_error *err)
{
	struct try_client *a = &t->side[TRY_CALLER], *b = &t->side[TRY_CALLEE];
	int r = send_candidate(t, a, b, err);

	if (!r)
		r = send_candidate(t, b, a, err);
	note(t, "each has the other's relayed address");
	return r;
}

/* Nobody else's packets, nor one of before: the number is in it. */
static void fill(uint8_t b[PACKET_BYTES], unsigned number)
{
	for (size_t i = 0; i < PACKET_BYTES; i++)
		b[i] = (uint8_t)(number * 7 + i);
}

/* One after the other: what is lost of so few is not for want of buffers. Returns how many arrived,
 * or -errno. */
static int one_way(struct try_call *t, struct try_client *from, struct try_client *to,
		   struct client_error *err)
{
	uint8_t sent[PACKET_BYTES], got[TURN_CLIENT_DATA_MAX];
	int arrived = 0, lost = 0;
	ssize_t n;

	for (unsigned i = 0; i < PACKETS && lost <= PACKETS - PACKETS_ENOUGH; i++) {
		fill(sent, i);
		n = turn_client_send(from->turn, &from->far, sent, sizeof(sent), t->deadline_ms,
				     err);
		if (n)
			return (int)n;
		n = turn_client_receive(to->turn, got, sizeof(got),
					soonest(t->deadline_ms, net_now_ms() + 500), err);
		if (n == sizeof(sent) && !memcmp(sent, got, sizeof(sent)))
			arrived++;
		else if (n >= 0 || n == -ETIMEDOUT)
			lost++;
		else
			return (int)n;
	}
	t->relayed_bytes += (uint64_t)arrived * PACKET_BYTES;
	return arrived;
}

static int enough(const struct try_client *from, int arrived, struct client_error *err)
{
	if (arrived >= PACKETS_ENOUGH)
		return 0;
	if (arrived >= 0)
		client_error_set(err, "of the packets that %s sent %d arrived", from->user,
				 arrived);
	return arrived < 0 ? arrived : -ETIMEDOUT;
}

static int step_relay(struct try_call *t, struct client_error *err)
{
	struct try_client *a = &t->side[TRY_CALLER], *b = &t->side[TRY_CALLEE];
	int r = turn_client_bind(a->turn, &a->far, t->deadline_ms, err), there = 0, back = 0;

	if (!r)
		r = turn_client_permit(b->turn, &b->far, t->deadline_ms, err);
	if (!r) {
		there = one_way(t, a, b, err);
		r = enough(a, there, err);
	}
	if (!r) {
		back = one_way(t, b, a, err);
		r = enough(b, back, err);
	}
	note(t, "%d and %d packets of %d bytes arrived, relay to relay", there, back, PACKET_BYTES);
	return r;
}

/* --- steps: what signald knows ----------------------------------------------------- */

static int take_call(void *arg, const char *kind, struct json_slice line)
{
	struct answer_call c;
	uint64_t *bytes = arg;

	if (!strcmp(kind, "call") && !answer_call(line, &c) && c.has_relay)
		*bytes = c.relay.sent_bytes;
	return SIGNALCTL_DONE;
}

static int ask_usage(struct try_call *t, uint64_t *bytes, struct client_error *err)
{
	struct control_command what = { .type = CONTROL_CALL };
	struct json_slice reply;
	struct talk *talk;
	int status = talk_open(&talk, t->ctl, true);

	if (!status) {
		strcpy(what.call, t->call);
		status = talk_ask(talk, &what, take_call, bytes, &reply);
		talk_close(talk);
	}
	if (status)
		client_error_set(err, "signald cannot be asked over its control socket");
	return status ? -EIO : 0;
}

static int step_usage(struct try_call *t, struct client_error *err)
{
	uint64_t until_ms = soonest(t->deadline_ms, net_now_ms() + USAGE_WAIT_MS), bytes = 0;
	int r;

	if (!t->local) {
		note(t, "only where signald runs, with its control-socket, this can be asked");
		return 1;
	}
	do {
		r = ask_usage(t, &bytes, err);
		if (r)
			return r;
		if (bytes >= t->relayed_bytes) {
			note(t, "signald counts %" PRIu64 " relayed bytes for the call", bytes);
			return 0;
		}
		pause_ms(USAGE_PAUSE_MS);
	} while (net_now_ms() < until_ms);
	client_error_set(err,
			 "signald counts %" PRIu64 " relayed bytes, but %" PRIu64 " were relayed",
			 bytes, t->relayed_bytes);
	return -ETIMEDOUT;
}

/* How long after begin_ms the allocation answered for the last time. Returns -ETIMEDOUT when that
 * is too long. */
static int released(struct try_call *t, struct try_client *c, uint64_t begin_ms, uint64_t *last_ms,
		    struct client_error *err)
{
	struct client_error ended;
	uint64_t asked_ms;
	int r;

	for (;;) {
		asked_ms = net_now_ms();
		r = turn_client_refresh(
			c->turn, soonest(t->deadline_ms, asked_ms + RELEASE_ANSWER_MS), &ended);
		if (r)
			break;
		*last_ms = asked_ms - begin_ms;
		if (*last_ms > RELEASE_LIMIT_MS) {
			client_error_set(err,
					 "%s could still use the relay %" PRIu64
					 " ms after the call ended",
					 c->user, *last_ms);
			return -ETIMEDOUT;
		}
		pause_ms(RELEASE_PAUSE_MS);
	}
	if (r != -ETIMEDOUT)
		return 0;
	client_error_set(err, "whether the relay of %s has ended is not known: %s", c->user,
			 ended.text);
	return r;
}

static int step_released(struct try_call *t, struct client_error *err)
{
	uint64_t begin_ms = net_now_ms(), last_ms = 0;
	int r = 0;

	for (size_t i = 0; i < TRY_SIDES && !r; i++)
		r = released(t, &t->side[i], begin_ms, &last_ms, err);
	if (!r)
		note(t, "both allocations are gone, within %" PRIu64 " ms",
		     net_now_ms() - begin_ms);
	return r;
}

const struct try_step try_steps[] = {
	{ "connect",
	  "Is signald running (systemctl status signald), is its port open in the firewall, and "
	  "does "
	  "the token-key belong to it?",
	  step_connect },
	{ "credentials",
	  "turn-urls must name the relay; a secret must sign: signalctl status, signalctl secrets "
	  "list.",
	  step_credentials },
	{ "call", "Look into signald's log: journalctl -u signald.", step_call },
	{ "allocate",
	  "Is turnserver running (systemctl status coturn), are its ports open, and do both "
	  "daemons "
	  "read the same auth-secret-file? signalctl check says which.",
	  step_allocate },
	{ "answer", "Look into signald's log: journalctl -u signald.", step_answer },
	{ "candidates", "Look into signald's log: journalctl -u signald.", step_candidates },
	{ "relay",
	  "Are external-ip and relay-ip right, are UDP ports min-port to max-port open, and does "
	  "no "
	  "denied-peer-ip cover this host? As installed, turn-urls name loopback, where turnserver "
	  "relays nothing: signalctl setup.",
	  step_relay },
	{ "usage",
	  "signald must hear turnserver: relay-socket is turnserver's admin-socket; signalctl "
	  "status.",
	  step_usage },
	{ "end", "Look into signald's log: journalctl -u signald.", step_end },
	{ "released",
	  "signald must be allowed to end relays: admin-socket-user of turnserver names its user; "
	  "signalctl status.",
	  step_released },
	{ .name = NULL },
};

void try_call_close(struct try_call *t)
{
	uint64_t until_ms = net_now_ms() + LEAVE_MS;

	for (size_t i = 0; i < TRY_SIDES; i++) {
		struct try_client *c = &t->side[i];

		turn_client_close(c->turn, until_ms);
		sio_client_close(c->sio, until_ms);
		if (c->token) {
			explicit_bzero(c->token, strlen(c->token));
			free(c->token);
		}
		explicit_bzero(&c->login, sizeof(c->login));
	}
}
