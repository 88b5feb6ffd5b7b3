/* sio_send.c - events and acknowledgements to one socket, or encoded once to many */
#include <errno.h>
#include <string.h>

#include "socketio/sio_priv.h"

struct frame *sio_text_frame(const char *head, size_t head_n, const struct json_slice *v,
			     size_t count)
{
	struct frame *f;
	size_t n = head_n, i;
	char *p;

	for (i = 0; i < count; i++) {
		if (v[i].n > SIZE_MAX - n)
			return NULL;
		n += v[i].n;
	}
	f = frame_new(false, n);
	if (!f)
		return NULL;
	p = frame_payload(f);
	memcpy(p, head, head_n);
	p += head_n;
	for (i = 0; i < count; i++) {
		if (v[i].n)
			memcpy(p, v[i].p, v[i].n);
		p += v[i].n;
	}
	return f;
}

struct json_slice sio_piece(const char *text)
{
	return (struct json_slice){ text, strlen(text) };
}

/* ["event",args] or, without an event, [args] */
static struct frame *message_frame(const char *nsp, enum sio_type type, int64_t id,
				   const struct sio_message *m)
{
	char head[SIO_HEAD_MAX];
	size_t n = sio_packet_head(head, type, m->blobs_n, nsp, id);
	struct json_slice v[] = {
		sio_piece(m->event ? "[\"" : "["),
		sio_piece(m->event ? m->event : ""),
		sio_piece(!m->event ? ""
			  : m->n    ? "\","
				    : "\""),
		{ m->args, m->n },
		sio_piece("]"),
	};

	return sio_text_frame(head, n, v, sizeof(v) / sizeof(v[0]));
}

/* A message and its attachments, encoded. */
struct encoded {
	struct frame *v[1 + SIO_BLOBS_MAX];
	size_t n;
	bool is_volatile;
};

static void encoded_free(struct encoded *e)
{
	while (e->n)
		frame_unref(e->v[--e->n]);
}

static int encode(struct encoded *e, const char *nsp, enum sio_type type, int64_t id,
		  const struct sio_message *m)
{
	size_t i;

	memset(e, 0, sizeof(*e));
	if (m->blobs_n > SIO_BLOBS_MAX)
		return -EINVAL;
	e->is_volatile = m->is_volatile;
	e->v[e->n] = message_frame(nsp, type, id, m);
	for (i = 0; e->v[e->n] && i < m->blobs_n; i++) {
		e->v[++e->n] = frame_new(true, m->blobs[i].n);
		if (e->v[e->n] && m->blobs[i].n)
			memcpy(frame_payload(e->v[e->n]), m->blobs[i].p, m->blobs[i].n);
	}
	if (!e->v[e->n]) {
		encoded_free(e);
		return -ENOMEM;
	}
	e->n++;
	return 0;
}

int sio_push(struct sio_socket *s, struct frame *f, bool is_volatile)
{
	if (s->held)
		return outq_push(s->held, &s->client->srv->held_marks, f, OUTQ_MUST);
	return eio_send(s->client->session, f, is_volatile);
}

/* The first frame decides for all: attachments follow or are not sent either. */
static int send_encoded(struct sio_socket *s, const struct encoded *e)
{
	size_t i;
	int rc;

	if (s->state == SIO_LEAVING)
		return -ENOTCONN;
	for (i = 0; i < e->n; i++) {
		rc = sio_push(s, e->v[i], e->is_volatile && i == 0);
		if (rc)
			return rc;
	}
	s->client->srv->counters.packets_out++;
	return 0;
}

static int send_message(struct sio_socket *s, enum sio_type type, int64_t id,
			const struct sio_message *m)
{
	struct encoded e;
	int rc;

	if (s->state == SIO_LEAVING)
		return -ENOTCONN;
	rc = encode(&e, s->nsp->def->name, type, id, m);
	if (rc) {
		s->client->srv->counters.out_of_memory += rc == -ENOMEM;
		return rc;
	}
	rc = send_encoded(s, &e);
	encoded_free(&e);
	return rc;
}

int sio_send(struct sio_socket *s, const struct sio_message *m)
{
	return send_message(s, m->blobs_n ? SIO_BINARY_EVENT : SIO_EVENT, -1, m);
}

int sio_ack_send(struct sio_socket *s, int64_t ack, const struct sio_message *m)
{
	struct sio_message answer = *m;

	if (ack < 0)
		return 0;
	answer.event = NULL;
	return send_message(s, m->blobs_n ? SIO_BINARY_ACK : SIO_ACK, ack, &answer);
}

int sio_emit(struct sio_socket *s, const char *event, const char *args, size_t n)
{
	return sio_send(s, &(struct sio_message){ .event = event, .args = args, .n = n });
}

int sio_ack(struct sio_socket *s, int64_t ack, const char *args, size_t n)
{
	return sio_ack_send(s, ack, &(struct sio_message){ .args = args, .n = n });
}

static int broadcast(struct sio_nsp *nsp, const char *room, const struct sio_socket *except,
		     const struct encoded *e)
{
	struct sio_socket *s, *next;
	struct sio_member *m;
	struct sio_room *r;
	int n = 0;

	if (!room) {
		HASH_ITER (hh, nsp->sockets, s, next)
			n += s != except && send_encoded(s, e) == 0;
		return n;
	}
	HASH_FIND_STR(nsp->rooms, room, r);
	for (m = r ? r->members : NULL; m; m = m->next)
		n += m->socket != except && send_encoded(m->socket, e) == 0;
	if (r)
		return n;
	HASH_FIND_STR(nsp->sockets, room, s); /* everyone's own id is a room, too */
	return s && s != except && send_encoded(s, e) == 0;
}

int sio_room_send(struct sio_server *srv, const char *nsp, const char *room,
		  const struct sio_socket *except, const struct sio_message *m)
{
	struct sio_nsp *n = sio_nsp_find(srv, nsp, strlen(nsp));
	struct encoded e;
	int rc;

	if (!n)
		return -EINVAL;
	rc = encode(&e, nsp, m->blobs_n ? SIO_BINARY_EVENT : SIO_EVENT, -1, m);
	if (rc) {
		srv->counters.out_of_memory += rc == -ENOMEM;
		return rc;
	}
	rc = broadcast(n, room, except, &e);
	encoded_free(&e);
	return rc;
}

int sio_room_emit(struct sio_server *srv, const char *nsp, const char *room,
		  const struct sio_socket *except, const char *event, const char *args, size_t n)
{
	return sio_room_send(srv, nsp, room, except,
			     &(struct sio_message){ .event = event, .args = args, .n = n });
}
