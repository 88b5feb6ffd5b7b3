/* sio_socket.c - a client in a namespace: connecting, sending, leaving */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "socketio/sio_priv.h"
#include "transport/base64.h"

struct sio_nsp *sio_nsp_find(struct sio_server *srv, const char *name, size_t n)
{
	struct sio_nsp *nsp;

	for (nsp = srv->namespaces; nsp; nsp = nsp->next) {
		if (strlen(nsp->def->name) == n && memcmp(nsp->def->name, name, n) == 0)
			return nsp;
	}
	return NULL;
}

struct sio_socket *sio_client_socket(struct sio_client *c, const char *nsp, size_t n)
{
	struct sio_socket *s;

	for (s = c->sockets; s; s = s->next) {
		const char *name = s->nsp->def->name;

		if (s->state != SIO_LEAVING && strlen(name) == n && memcmp(name, nsp, n) == 0)
			return s;
	}
	return NULL;
}

const char *sio_id(const struct sio_socket *s)
{
	return s->id;
}

const char *sio_address(const struct sio_socket *s)
{
	return s->client->address;
}

void *sio_data(const struct sio_socket *s)
{
	return s->data;
}

void sio_set_data(struct sio_socket *s, void *data)
{
	s->data = data;
}

/* --- sending --- */

/* One Engine.IO packet: head, then up to three pieces of text. */
static struct frame *text_frame(const char *head, size_t head_n, const struct json_slice *v,
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

static struct json_slice piece(const char *text)
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
		piece(m->event ? "[\"" : "["),
		piece(m->event ? m->event : ""),
		piece(!m->event ? ""
		      : m->n	? "\","
				: "\""),
		{ m->args, m->n },
		piece("]"),
	};

	return text_frame(head, n, v, sizeof(v) / sizeof(v[0]));
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

static int push(struct sio_socket *s, struct frame *f, bool is_volatile)
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
		rc = push(s, e->v[i], e->is_volatile && i == 0);
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

/* --- leaving --- */

/* Out of every list but the client's. */
static void detach(struct sio_socket *s)
{
	sio_leave_all(s);
	if (s->hh.tbl)
		HASH_DEL(s->nsp->sockets, s);
	memset(&s->hh, 0, sizeof(s->hh));
}

static void unlink_socket(struct sio_socket *s)
{
	struct sio_socket **p = &s->client->sockets;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	s->client->sockets_n--;
	s->client->srv->counters.sockets--;
}

static void unlink_leaving(struct sio_server *srv, struct sio_socket *s)
{
	struct sio_socket **p;

	for (p = &srv->leaving; *p; p = &(*p)->leaving_next) {
		if (*p != s)
			continue;
		*p = s->leaving_next;
		if (srv->leaving_last == &s->leaving_next)
			srv->leaving_last = p;
		return;
	}
}

void sio_socket_leave(struct sio_socket *s, const char *reason)
{
	struct sio_server *srv = s->client->srv;

	if (s->state == SIO_LEAVING)
		return;
	s->state = SIO_LEAVING;
	s->reason = reason;
	detach(s);
	s->leaving_next = NULL;
	*srv->leaving_last = s;
	srv->leaving_last = &s->leaving_next;
	eio_server_wake(srv->eio);
}

void sio_socket_gone(struct sio_socket *s, const char *reason)
{
	const struct sio_namespace *def = s->nsp->def;

	if (s->state == SIO_LEAVING)
		unlink_leaving(s->client->srv, s);
	else
		detach(s);
	s->state = SIO_LEAVING; /* in no list: what the handler does to it now has no effect */
	if (def->on_disconnect)
		def->on_disconnect(s, s->reason ? s->reason : reason, def->ctx);
	unlink_socket(s);
	free(s);
}

void sio_leaving_flush(struct sio_server *srv)
{
	while (srv->leaving)
		sio_socket_gone(srv->leaving, NULL);
}

void sio_disconnect(struct sio_socket *s, bool close_transport)
{
	struct eio_session *session = s->client->session;
	char text[SIO_HEAD_MAX];
	struct frame *f;

	if (s->state == SIO_CONNECTING) /* from on_connect: a refusal */
		s->reason = "server namespace disconnect";
	if (s->state == SIO_JOINED) {
		f = text_frame(text,
			       sio_packet_head(text, SIO_DISCONNECT, 0, s->nsp->def->name, -1),
			       NULL, 0);
		if (f)
			push(s, f, false);
		frame_unref(f);
		sio_socket_leave(s, "server namespace disconnect");
	}
	if (close_transport)
		eio_close(session, "forced server close");
}

/* --- connecting --- */

static bool make_id(char out[SIO_SID_LEN + 1])
{
	uint8_t bytes[SIO_SID_LEN / 4 * 3];
	char *p;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	base64_encode(out, bytes, sizeof(bytes));
	out[SIO_SID_LEN] = '\0';
	for (p = out; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return true;
}

static struct sio_socket *socket_new(struct sio_client *c, struct sio_nsp *nsp)
{
	struct sio_socket *s = calloc(1, sizeof(*s));

	if (!s || !make_id(s->id)) {
		free(s);
		return NULL;
	}
	s->client = c;
	s->nsp = nsp;
	HASH_ADD_STR(nsp->sockets, id, s);
	if (!s->hh.tbl) {
		free(s);
		return NULL;
	}
	s->next = c->sockets;
	c->sockets = s;
	c->sockets_n++;
	c->srv->counters.sockets++;
	return s;
}

/* 44[nsp,]{"message":...} */
static void refuse(struct sio_client *c, const char *nsp, const char *message)
{
	char head[SIO_HEAD_MAX], text[512];
	struct json_out o;
	struct json_slice v;
	struct frame *f;

	c->srv->counters.connects_refused++;
	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_string(&o, "message", message);
	json_out_close(&o, '}');
	v = o.failed ? piece("{\"message\":\"refused\"}") : (struct json_slice){ o.p, o.n };
	f = text_frame(head, sio_packet_head(head, SIO_CONNECT_ERROR, 0, nsp, -1), &v, 1);
	if (f)
		eio_send(c->session, f, false);
	else
		eio_close(c->session, "forced close");
	frame_unref(f);
}

/* 40[nsp,]{"sid":...}, then what on_connect has sent already */
static void accept_socket(struct sio_socket *s, struct outq *held)
{
	char head[SIO_HEAD_MAX];
	struct json_slice v[] = { piece("{\"sid\":\""), piece(s->id), piece("\"}") };
	size_t n = sio_packet_head(head, SIO_CONNECT, 0, s->nsp->def->name, -1);
	struct frame *f = text_frame(head, n, v, 3);

	s->state = SIO_JOINED;
	timeq_remove(&s->client->connect);
	if (f)
		eio_send(s->client->session, f, false);
	else
		eio_close(s->client->session, "forced close");
	frame_unref(f);
	while ((f = outq_pop(held))) {
		eio_send(s->client->session, f, false);
		frame_unref(f);
	}
}

/* Ask the application. Returns the refusal, NULL: welcome. */
static const char *ask(struct sio_socket *s, struct json_slice auth)
{
	const struct sio_namespace *def = s->nsp->def;
	const struct sio_client *c = s->client;
	struct sio_handshake h = { auth, c->address, c->origin, c->query };
	const char *refusal;

	refusal = def->on_connect ? def->on_connect(s, &h, def->ctx) : NULL;
	return refusal ? refusal : s->reason; /* disconnected by its own on_connect */
}

void sio_socket_connect(struct sio_client *c, const struct sio_packet *p)
{
	struct sio_server *srv = c->srv;
	struct sio_nsp *nsp = sio_nsp_find(srv, p->nsp, p->nsp_n);
	struct outq held;
	struct sio_socket *s;
	const char *refusal;
	char name[SIO_NAMESPACE_MAX + 1];

	memcpy(name, p->nsp, p->nsp_n);
	name[p->nsp_n] = '\0';
	if (!nsp) {
		refuse(c, name, "Invalid namespace");
		return;
	}
	if (c->sockets_n >= srv->cfg.namespaces_max) {
		srv->counters.namespaces_refused++;
		refuse(c, name, "Too many namespaces");
		return;
	}
	s = socket_new(c, nsp);
	if (!s) {
		srv->counters.out_of_memory++;
		refuse(c, name, "Out of memory");
		return;
	}
	outq_init(&held);
	s->held = &held;
	refusal = ask(s, p->data);
	s->held = NULL;
	if (refusal) {
		refuse(c, name, refusal);
		detach(s);
		unlink_socket(s);
		free(s);
	} else {
		accept_socket(s, &held);
	}
	outq_deinit(&held);
}
