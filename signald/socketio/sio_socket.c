/* sio_socket.c - a client in a namespace: connecting and leaving */
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

static void leave(struct sio_socket *s, const char *reason)
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
		f = sio_text_frame(text,
				   sio_packet_head(text, SIO_DISCONNECT, 0, s->nsp->def->name, -1),
				   NULL, 0);
		if (f)
			sio_push(s, f, false);
		frame_unref(f);
		leave(s, "server namespace disconnect");
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
	v = o.failed ? sio_piece("{\"message\":\"refused\"}") : (struct json_slice){ o.p, o.n };
	f = sio_text_frame(head, sio_packet_head(head, SIO_CONNECT_ERROR, 0, nsp, -1), &v, 1);
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
	struct json_slice v[] = { sio_piece("{\"sid\":\""), sio_piece(s->id), sio_piece("\"}") };
	size_t n = sio_packet_head(head, SIO_CONNECT, 0, s->nsp->def->name, -1);
	struct frame *f = sio_text_frame(head, n, v, 3);

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
