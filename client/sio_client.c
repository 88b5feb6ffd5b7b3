/* sio_client.c - packets and what they mean, whatever way they come */
#include "sio_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "sio_priv.h"

#define DEPTH_MAX 32

const char *const sio_via_names[2] = { "polling", "WebSocket" };

static int no_memory(struct client_error *err)
{
	client_error_set(err, "out of memory");
	return -ENOMEM;
}

static int no_socketio(struct client_error *err)
{
	client_error_set(err, "what answers there does not speak Socket.IO");
	return -EPROTO;
}

/* --- what comes in ----------------------------------------------------------------- */

/* The checked value, or none. */
static struct json_slice checked(const char *p, size_t n)
{
	struct json_slice none = { NULL, 0 };

	return n && !json_check(p, n, DEPTH_MAX) ? json_trim(p, n) : none;
}

static int opened(struct sio_client *c, const char *p, size_t n, struct client_error *err)
{
	struct json_slice sid;

	if (!json_member(checked(p, n), "sid", &sid) ||
	    json_string(sid, c->sid, sizeof(c->sid)) <= 0 || c->sid[strcspn(c->sid, "\r\n &#")])
		return no_socketio(err);
	return 0;
}

static int refused(const char *p, size_t n, struct client_error *err)
{
	struct json_slice message;
	char text[128];

	if (!json_member(checked(p, n), "message", &message) ||
	    json_string(message, text, sizeof(text)) < 0)
		strcpy(text, "without a word");
	client_error_set(err, "signald refuses the connection: %s", text);
	return -EACCES;
}

static void forget(struct sio_kept *k)
{
	free(k->event);
	free(k->payload);
}

static void forget_first(struct sio_client *c)
{
	forget(&c->inbox[0]);
	memmove(c->inbox, c->inbox + 1, --c->inbox_n * sizeof(c->inbox[0]));
}

static int keep(struct sio_client *c, struct json_slice name, struct json_slice payload,
		struct client_error *err)
{
	char event[128];
	struct sio_kept k;

	if (json_string(name, event, sizeof(event)) < 0)
		return no_socketio(err);
	if (c->inbox_n == SIO_INBOX_MAX) {
		forget_first(c);
		c->dropped++;
	}
	k.event = strdup(event);
	k.payload = payload.p ? strndup(payload.p, payload.n) : strdup("null");
	if (!k.event || !k.payload) {
		forget(&k);
		return no_memory(err);
	}
	c->inbox[c->inbox_n++] = k;
	return 0;
}

/* Read the digits of an acknowledgement's id. Returns how many, 0: none. */
static size_t ack_id(const char *p, size_t n, unsigned *id)
{
	size_t i;

	for (*id = 0, i = 0; i < n && i < 9 && p[i] >= '0' && p[i] <= '9'; i++)
		*id = 10 * *id + (unsigned)(p[i] - '0');
	return i;
}

static int event(struct sio_client *c, const char *p, size_t n, struct client_error *err)
{
	struct json_slice name = { NULL, 0 }, payload = { NULL, 0 }, array;
	struct json_iter it;
	unsigned id;
	size_t digits = ack_id(p, n, &id);

	array = checked(p + digits, n - digits);
	if (json_type(array) != JSON_ARRAY)
		return no_socketio(err);
	it = json_iter(array);
	if (!json_next(&it, NULL, &name))
		return no_socketio(err);
	json_next(&it, NULL, &payload);
	return keep(c, name, payload, err);
}

static int acknowledged(struct sio_client *c, const char *p, size_t n, struct client_error *err)
{
	struct json_slice array, first = { NULL, 0 };
	struct json_iter it;
	unsigned id;
	size_t digits = ack_id(p, n, &id);

	array = checked(p + digits, n - digits);
	if (!digits || json_type(array) != JSON_ARRAY)
		return no_socketio(err);
	if (id != c->awaited_ack || c->reply)
		return 0; /* nobody waits for it any more */
	it = json_iter(array);
	json_next(&it, NULL, &first);
	c->reply = first.p ? strndup(first.p, first.n) : strdup("null");
	return c->reply ? 0 : no_memory(err);
}

static int message(struct sio_client *c, const char *p, size_t n, struct client_error *err)
{
	if (!n)
		return no_socketio(err);
	switch (*p) {
	case '0': c->joined = true; return 0;
	case '1': client_error_set(err, "signald ended the session"); return -ECONNRESET;
	case '2': return event(c, p + 1, n - 1, err);
	case '3': return acknowledged(c, p + 1, n - 1, err);
	case '4': return refused(p + 1, n - 1, err);
	default: return 0; /* binary: none of it is for us */
	}
}

int sio_packet(struct sio_client *c, const char *p, size_t n, struct client_error *err)
{
	if (!n)
		return no_socketio(err);
	switch (*p) {
	case '0': return opened(c, p + 1, n - 1, err);
	case '1': client_error_set(err, "signald closed the connection"); return -ECONNRESET;
	case '2': c->pinged = true; return 0;
	case '4': return message(c, p + 1, n - 1, err);
	default: return 0;
	}
}

/* --- waiting ----------------------------------------------------------------------- */

static int receive(struct sio_client *c, uint64_t deadline_ms, struct client_error *err)
{
	int r = c->way->receive(c, deadline_ms, err);

	if (!r && c->pinged) {
		c->pinged = false;
		r = c->way->send(c, "3", 1, deadline_ms, err);
	}
	return r;
}

static int send_json(struct sio_client *c, const char *head, struct json_out *o,
		     uint64_t deadline_ms, struct client_error *err)
{
	struct json_out packet;
	int r;

	if (o->failed)
		return no_memory(err);
	json_out_heap(&packet, SIO_MESSAGE_MAX);
	json_out_bytes(&packet, head, strlen(head));
	if (o->n)
		json_out_bytes(&packet, o->p, o->n);
	r = packet.failed ? no_memory(err) : c->way->send(c, packet.p, packet.n, deadline_ms, err);
	json_out_free(&packet);
	return r;
}

static int join(struct sio_client *c, const char *token, uint64_t deadline_ms,
		struct client_error *err)
{
	struct json_out o;
	int r;

	json_out_heap(&o, SIO_MESSAGE_MAX);
	if (token) {
		json_out_open(&o, '{');
		json_put_string(&o, "token", token);
		json_out_close(&o, '}');
	}
	r = send_json(c, "40", &o, deadline_ms, err);
	if (o.p)
		explicit_bzero(o.p, o.n);
	json_out_free(&o);
	while (!r && !c->joined)
		r = receive(c, deadline_ms, err);
	return r;
}

int sio_client_open(struct sio_client **out, const struct net_target *to, enum sio_via via,
		    const char *token, uint64_t deadline_ms, struct client_error *err)
{
	struct sio_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return no_memory(err);
	c->to = *to;
	c->way = via == SIO_POLLING ? &sio_polling : &sio_websocket;
	r = c->way->open(c, deadline_ms, err);
	if (!r && !*c->sid)
		r = no_socketio(err);
	if (!r)
		r = join(c, token, deadline_ms, err);
	if (r) {
		sio_client_close(c, 0);
		return r;
	}
	*out = c;
	return 0;
}

void sio_client_close(struct sio_client *c, uint64_t deadline_ms)
{
	struct client_error err;

	if (!c)
		return;
	if (c->joined)
		c->way->send(c, "41", 2, deadline_ms, &err);
	c->way->close(c);
	while (c->inbox_n)
		forget_first(c);
	free(c->reply);
	free(c);
}

static int emit(struct sio_client *c, const char *head, const char *event, const char *payload,
		uint64_t deadline_ms, struct client_error *err)
{
	struct json_out o;
	int r;

	json_out_heap(&o, SIO_MESSAGE_MAX);
	json_out_open(&o, '[');
	json_out_string(&o, event);
	json_out_raw(&o, (struct json_slice){ payload, strlen(payload) });
	json_out_close(&o, ']');
	r = send_json(c, head, &o, deadline_ms, err);
	json_out_free(&o);
	return r;
}

int sio_client_emit(struct sio_client *c, const char *event, const char *payload,
		    uint64_t deadline_ms, struct client_error *err)
{
	return emit(c, "42", event, payload, deadline_ms, err);
}

int sio_client_ask(struct sio_client *c, const char *event, const char *payload, char **reply,
		   uint64_t deadline_ms, struct client_error *err)
{
	char head[16];
	int r;

	c->awaited_ack = c->next_ack++;
	snprintf(head, sizeof(head), "42%u", c->awaited_ack);
	free(c->reply);
	c->reply = NULL;
	r = emit(c, head, event, payload, deadline_ms, err);
	while (!r && !c->reply)
		r = receive(c, deadline_ms, err);
	if (r)
		return r;
	*reply = c->reply;
	c->reply = NULL;
	return 0;
}

/* Take the first event with one of these names. Returns its number, -ENOENT. */
static int take(struct sio_client *c, const char *const *events, char **payload)
{
	for (size_t i = 0; i < c->inbox_n; i++) {
		for (int e = 0; events[e]; e++) {
			if (strcmp(c->inbox[i].event, events[e]))
				continue;
			*payload = c->inbox[i].payload;
			free(c->inbox[i].event);
			c->inbox_n--;
			memmove(&c->inbox[i], &c->inbox[i + 1],
				(c->inbox_n - i) * sizeof(c->inbox[0]));
			return e;
		}
	}
	return -ENOENT;
}

/* It may have come, and have had to go. */
static void no_event(const struct sio_client *c, const char *event, struct client_error *err)
{
	if (c->dropped)
		client_error_set(err, "no %s came, or it was among %u dropped events", event,
				 c->dropped);
	else
		client_error_set(err, "no %s came", event);
}

int sio_client_next(struct sio_client *c, const char *const *events, char **payload,
		    uint64_t deadline_ms, struct client_error *err)
{
	int e, r;

	while ((e = take(c, events, payload)) < 0) {
		r = receive(c, deadline_ms, err);
		if (r == -ETIMEDOUT)
			no_event(c, events[0], err);
		if (r)
			return r;
	}
	return e;
}

const char *sio_client_tls_fault(const struct sio_client *c)
{
	return c->fault;
}
