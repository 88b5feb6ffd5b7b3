/* sio_client.c - one Engine.IO session: packets in, attachments gathered, events handed out */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_priv.h"

static const char *const reserved_events[] = {
	"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
};

static void parse_error(struct sio_client *c)
{
	c->srv->counters.parse_errors++;
	eio_fail(c->session);
}

static void partial_free(struct sio_partial *p)
{
	size_t i;

	if (!p)
		return;
	timeq_remove(&p->deadline);
	for (i = 0; i < p->have; i++)
		free((void *)p->blobs[i].p);
	free(p->blobs);
	free(p->text);
	free(p);
}

/* --- events --- */

static bool is_reserved(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(reserved_events) / sizeof(reserved_events[0]); i++) {
		if (strcmp(reserved_events[i], name) == 0)
			return true;
	}
	return false;
}

static const struct sio_event_entry *find_event(const struct sio_namespace *def, const char *name)
{
	size_t i;

	for (i = 0; i < def->events_n; i++) {
		if (strcmp(def->events[i].name, name) == 0)
			return &def->events[i];
	}
	return NULL;
}

/* The name as text; a number's is what was written. Returns 0 or -errno. */
static int event_name(struct json_slice v, char *out, size_t size)
{
	int n;

	if (json_type(v) == JSON_STRING) {
		n = json_string(v, out, size);
		return n < 0 ? n : 0;
	}
	if (v.n >= size)
		return -ENOBUFS;
	memcpy(out, v.p, v.n);
	out[v.n] = '\0';
	return 0;
}

static void call_handler(struct sio_socket *s, struct json_slice name, const char *text,
			 const struct sio_args *args)
{
	const struct sio_namespace *def = s->nsp->def;
	const struct sio_event_entry *e = find_event(def, text);

	s->client->srv->counters.events_in++;
	if (e)
		e->fn(s, args, def->ctx);
	else if (def->on_other)
		def->on_other(s, name, args, def->ctx);
	else
		s->client->srv->counters.unknown_events++;
}

static void dispatch(struct sio_socket *s, const struct sio_packet *p, const struct sio_blob *blobs)
{
	struct sio_args args = { .blobs = blobs, .blobs_n = p->attachments, .ack = p->id };
	struct json_iter it = json_iter(p->data);
	struct json_slice name, v;
	char text[SIO_EVENT_NAME_LIMIT + 1];
	size_t size = s->client->srv->cfg.event_name_max + 1;

	if (!json_next(&it, NULL, &name) || event_name(name, text, size) || is_reserved(text)) {
		parse_error(s->client);
		return;
	}
	while (json_next(&it, NULL, &v)) {
		if (args.n < SIO_ARGS_MAX)
			args.v[args.n] = v;
		args.n++;
	}
	args.more = args.n > SIO_ARGS_MAX ? args.n - SIO_ARGS_MAX : 0;
	args.n -= args.more;
	args.all = p->data;
	call_handler(s, name, text, &args);
}

/* A whole packet for a namespace that was joined. */
static void deliver(struct sio_client *c, const struct sio_packet *p, const struct sio_blob *blobs)
{
	struct sio_socket *s = sio_client_socket(c, p->nsp, p->nsp_n);

	if (!s)
		return; /* left since, while its attachments were under way */
	if (p->type == SIO_ACK || p->type == SIO_BINARY_ACK)
		c->srv->counters.acks_in++; /* we ask for none: late or invented ones are ignored */
	else
		dispatch(s, p, blobs);
}

/* --- attachments --- */

static int begin_partial(struct sio_client *c, const struct sio_packet *p, const char *text,
			 size_t n, uint64_t now_ms)
{
	const struct eio_config *e = eio_server_config(c->srv->eio);
	struct sio_partial *part = calloc(1, sizeof(*part));

	if (!part)
		return -ENOMEM;
	part->text = malloc(n);
	part->blobs = calloc(p->attachments, sizeof(part->blobs[0]));
	if (!part->text || !part->blobs) {
		partial_free(part);
		return -ENOMEM;
	}
	memcpy(part->text, text, n);
	part->text_n = part->bytes = n;
	part->client = c;
	/* the copy decodes like the original */
	sio_packet_decode(part->text, n, c->srv->cfg.attachments_max, c->srv->cfg.json_depth,
			  &part->packet);
	c->partial = part;
	timeq_add(&c->srv->partials, &part->deadline, now_ms + e->ping_interval_ms);
	return 0;
}

static void out_of_memory(struct sio_client *c)
{
	c->srv->counters.out_of_memory++;
	eio_close(c->session, "forced close");
}

static void on_attachment(struct sio_client *c, const void *p, size_t n)
{
	struct sio_partial *part = c->partial;
	void *copy;

	if (!part) {
		parse_error(c);
		return;
	}
	part->bytes += n;
	if (part->bytes > eio_server_config(c->srv->eio)->max_payload) {
		c->srv->counters.attachments_refused++;
		parse_error(c);
		return;
	}
	copy = malloc(n ? n : 1);
	if (!copy) {
		out_of_memory(c);
		return;
	}
	if (n)
		memcpy(copy, p, n);
	part->blobs[part->have++] = (struct sio_blob){ copy, n };
	if (part->have < part->packet.attachments)
		return;
	c->partial = NULL;
	deliver(c, &part->packet, part->blobs);
	partial_free(part);
}

/* --- packets --- */

static void on_connect_packet(struct sio_client *c, const struct sio_packet *p)
{
	if (sio_client_socket(c, p->nsp, p->nsp_n))
		parse_error(c); /* joined already */
	else
		sio_socket_connect(c, p);
}

static void on_binary_packet(struct sio_client *c, const struct sio_packet *p, const char *text,
			     size_t n, uint64_t now_ms)
{
	if (!sio_placeholders_valid(p->data, p->attachments))
		parse_error(c);
	else if (begin_partial(c, p, text, n, now_ms))
		out_of_memory(c);
}

static void on_text(struct sio_client *c, const char *text, size_t n, uint64_t now_ms)
{
	const struct sio_config *cfg = &c->srv->cfg;
	struct sio_packet p;
	struct sio_socket *s;
	int rc = sio_packet_decode(text, n, cfg->attachments_max, cfg->json_depth, &p);

	c->srv->counters.attachments_refused += rc == -ENOSPC;
	if (rc || c->partial) { /* text while attachments are due */
		parse_error(c);
		return;
	}
	if (p.type == SIO_CONNECT) {
		on_connect_packet(c, &p);
		return;
	}
	s = sio_client_socket(c, p.nsp, p.nsp_n);
	if (!s)
		parse_error(c); /* not joined: connection-wide, as in the original */
	else if (p.type == SIO_DISCONNECT)
		sio_socket_gone(s, "client namespace disconnect");
	else if (p.attachments)
		on_binary_packet(c, &p, text, n, now_ms);
	else
		deliver(c, &p, NULL);
}

/* --- Engine.IO's callbacks --- */

static char *copy_text(char **to, const char *from)
{
	char *start = *to;
	size_t n = strlen(from) + 1;

	memcpy(start, from, n);
	*to += n;
	return start;
}

static int on_open(struct eio_session *session, const struct eio_handshake *h, uint64_t now_ms,
		   void *ctx)
{
	struct sio_server *srv = ctx;
	const char *origin = h->origin ? h->origin : "";
	struct sio_client *c;
	char *to;

	c = calloc(1, sizeof(*c) + strlen(h->address) + strlen(origin) + strlen(h->query) + 3);
	if (!c) {
		srv->counters.out_of_memory++;
		return -ENOMEM;
	}
	c->srv = srv;
	c->session = session;
	to = c->text;
	c->address = copy_text(&to, h->address);
	c->origin = copy_text(&to, origin);
	c->query = copy_text(&to, h->query);
	if (!h->origin)
		c->origin = NULL;
	timeq_add(&srv->connects, &c->connect, now_ms + srv->cfg.connect_timeout_ms);
	eio_set_data(session, c);
	return 0;
}

static void on_message(struct eio_session *session, bool binary, const void *p, size_t n,
		       uint64_t now_ms, void *ctx)
{
	struct sio_client *c = eio_data(session);

	(void)ctx;
	if (binary)
		on_attachment(c, p, n);
	else
		on_text(c, p, n, now_ms);
}

static void on_close(struct eio_session *session, const char *reason, void *ctx)
{
	struct sio_client *c = eio_data(session);

	(void)ctx;
	while (c->sockets)
		sio_socket_gone(c->sockets, reason);
	timeq_remove(&c->connect);
	partial_free(c->partial);
	free(c);
}

static void on_flush(void *ctx)
{
	sio_leaving_flush(ctx);
}

static void on_tick(uint64_t now_ms, void *ctx)
{
	struct sio_server *srv = ctx;
	struct timeq_node *n;

	while ((n = timeq_take(&srv->connects, now_ms))) {
		srv->counters.connect_timeouts++;
		eio_close(timeq_owner(n, struct sio_client, connect)->session, "forced close");
	}
	while ((n = timeq_take(&srv->partials, now_ms)))
		parse_error(timeq_owner(n, struct sio_partial, deadline)->client);
}

static uint64_t next_deadline(void *ctx)
{
	const struct sio_server *srv = ctx;

	return timeq_earlier(timeq_next(&srv->connects), timeq_next(&srv->partials));
}

const struct eio_handler sio_client_handler = {
	.on_open = on_open,
	.on_message = on_message,
	.on_close = on_close,
	.on_flush = on_flush,
	.on_tick = on_tick,
	.next_deadline = next_deadline,
};
