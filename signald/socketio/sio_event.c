/* sio_event.c - a whole packet for a namespace that was joined: events and answers handed out */
#include <errno.h>
#include <string.h>

#include "socketio/sio_priv.h"

static const char *const reserved_events[] = {
	"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
};

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

/* The name as text; a number's is what was written.
 * Returns 0, -EINVAL, -ENOBUFS (too long). */
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

/* The arguments of a packet, of which the first skip are none. */
static struct sio_args packet_args(const struct sio_packet *p, const struct sio_blob *blobs,
				   size_t skip, uint64_t now_ms)
{
	struct sio_args a = {
		.blobs = blobs, .blobs_n = p->attachments, .ack = p->id, .now_ms = now_ms
	};

	a.n = p->items_n - skip;
	a.more = a.n > SIO_ARGS_MAX ? a.n - SIO_ARGS_MAX : 0;
	a.n -= a.more;
	if (!a.n)
		return a;
	memcpy(a.v, p->items + skip, a.n * sizeof(a.v[0]));
	a.all = (struct json_slice){ a.v[0].p, (size_t)(p->data.p + p->data.n - 1 - a.v[0].p) };
	return a;
}

static void on_event(struct sio_socket *s, const struct sio_packet *p, const struct sio_blob *blobs,
		     uint64_t now_ms)
{
	const struct sio_namespace *def = s->nsp->def;
	struct sio_server *srv = s->nsp->srv;
	struct sio_args args = packet_args(p, blobs, 1, now_ms);
	const struct sio_event_entry *e;
	char name[SIO_EVENT_NAME_LIMIT + 1];
	int rc = event_name(p->items[0], name, srv->cfg.event_name_max + 1);

	e = rc ? NULL : find_event(def, name);
	if (rc || (!e && is_reserved(name))) {
		srv->counters.names_refused += rc == -ENOBUFS;
		sio_parse_error(s->client);
		return;
	}
	srv->counters.events_in++;
	args.event = e ? e->name : NULL;
	if (e)
		e->fn(s, &args, def->ctx);
	else if (def->on_other)
		def->on_other(s, p->items[0], &args, def->ctx);
	else
		srv->counters.unknown_events++;
}

static void on_answer(struct sio_socket *s, const struct sio_packet *p,
		      const struct sio_blob *blobs, uint64_t now_ms)
{
	struct sio_args args = packet_args(p, blobs, 0, now_ms);

	args.ack = -1;
	s->nsp->srv->counters.acks_in++;
	if (sio_answered(s, p->id, &args))
		sio_unknown_ack(s->client, now_ms);
}

void sio_deliver(struct sio_client *c, const struct sio_packet *p, const struct sio_blob *blobs,
		 uint64_t now_ms)
{
	struct sio_socket *s = sio_client_socket(c, p->nsp, p->nsp_n);

	if (!s)
		return; /* left since, while its attachments were under way */
	if (p->type == SIO_ACK || p->type == SIO_BINARY_ACK)
		on_answer(s, p, blobs, now_ms);
	else
		on_event(s, p, blobs, now_ms);
}
