/* sio_socket.c - a client in a namespace: connecting and leaving */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "socketio/sio_priv.h"
#include "transport/base64.h"

struct sio_nsp *sio_nsp_find(struct sio_server *srv, const char *name, size_t n)
{
	struct sio_nsp *nsp;

	for (nsp = srv->namespaces; nsp; nsp = nsp->next) {
		if (nsp->name_n == n && memcmp(nsp->def->name, name, n) == 0)
			return nsp;
	}
	return NULL;
}

struct sio_socket *sio_client_socket(struct sio_client *c, const char *nsp, size_t n)
{
	struct sio_socket *s;

	for (s = c->sockets; s; s = s->next) {
		const struct sio_nsp *of = s->nsp;

		if (s->state == SIO_JOINED && of->name_n == n && !memcmp(of->def->name, nsp, n))
			return s;
	}
	return NULL;
}

const char *sio_socket_name(const struct sio_link *e, size_t *n)
{
	*n = SIO_SID_LEN;
	return ((const struct sio_socket *)e)->id;
}

const char *sio_id(const struct sio_socket *s)
{
	return s->id;
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

static const char kicked[] = "server namespace disconnect";

/* Out of every list but the client's. */
static void detach(struct sio_socket *s)
{
	sio_leave_all(s);
	sio_table_remove(&s->nsp->sockets, &s->link);
}

static void unlink_socket(struct sio_socket *s)
{
	struct sio_socket **p = &s->client->sockets;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	s->client->srv->counters.sockets--;
}

static void link_leaving(struct sio_server *srv, struct sio_socket *s)
{
	s->leaving_next = NULL;
	s->leaving_at = srv->leaving_last;
	*s->leaving_at = s;
	srv->leaving_last = &s->leaving_next;
}

static void unlink_leaving(struct sio_server *srv, struct sio_socket *s)
{
	*s->leaving_at = s->leaving_next;
	if (s->leaving_next)
		s->leaving_next->leaving_at = s->leaving_at;
	else
		srv->leaving_last = s->leaving_at;
}

void sio_socket_gone(struct sio_socket *s, const char *reason)
{
	const struct sio_namespace *def = s->nsp->def;

	if (s->state == SIO_LEAVING) {
		reason = kicked;
		unlink_leaving(s->nsp->srv, s);
	} else {
		detach(s);
	}
	if (s->state == SIO_PENDING)
		sio_later_drop(s);
	s->state = SIO_GONE; /* in no list: what the handlers do to it now has no effect */
	sio_ask_drop_all(s);
	if (def->on_disconnect)
		def->on_disconnect(s, reason, def->ctx);
	unlink_socket(s);
	free(s);
}

void sio_leaving_flush(struct sio_server *srv)
{
	int i;

	for (i = 0; i < SIO_TICK_MAX && srv->leaving; i++)
		sio_socket_gone(srv->leaving, NULL);
	if (srv->leaving)
		eio_server_wake(srv->eio);
}

static void disconnect(struct sio_socket *s)
{
	struct sio_server *srv = s->nsp->srv;
	char head[SIO_HEAD_MAX];
	struct frame *f;

	if (s->state == SIO_CONNECTING) /* by its own on_connect */
		s->state = SIO_UNWANTED;
	if (s->state != SIO_JOINED)
		return;
	f = sio_text_frame(head, sio_packet_head(head, SIO_DISCONNECT, 0, s->nsp->def->name, -1),
			   NULL, 0);
	if (f)
		sio_push(s, f, false);
	frame_unref(f);
	detach(s);
	s->state = SIO_LEAVING;
	link_leaving(srv, s);
	eio_server_wake(srv->eio);
}

void sio_disconnect(struct sio_socket *s, bool close_transport)
{
	struct sio_client *c = s->client;

	disconnect(s);
	if (!close_transport)
		return;
	for (s = c->sockets; s; s = s->next) /* or the client would come back for the others */
		disconnect(s);
	eio_close(c->session, "forced server close");
}

void sio_cut(struct sio_socket *s, const char *reason)
{
	eio_close(s->client->session, reason);
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
	if (sio_table_add(&nsp->sockets, &s->link)) {
		free(s);
		return NULL;
	}
	s->next = c->sockets;
	c->sockets = s;
	c->srv->counters.sockets++;
	return s;
}

/* 44[nsp,]{"message":...,"data":...} */
static void refuse(struct sio_client *c, const char *nsp, const char *message,
		   struct json_slice data)
{
	char head[SIO_HEAD_MAX];
	struct json_out o;
	struct frame *f;

	c->srv->counters.connects_refused++;
	json_out_heap(&o, SIZE_MAX); /* the queue decides what is too much */
	json_out_open(&o, '{');
	json_put_string(&o, "message", message);
	json_put_raw(&o, "data", data);
	json_out_close(&o, '}');
	f = sio_text_frame(head, sio_packet_head(head, SIO_CONNECT_ERROR, 0, nsp, -1),
			   &(struct json_slice){ o.p, o.n }, 1);
	if (f && !o.failed)
		eio_send(c->session, f, false);
	else
		sio_out_of_memory(c);
	frame_unref(f);
	json_out_free(&o);
}

static void refuse_plainly(struct sio_client *c, const struct sio_packet *p, const char *message)
{
	char nsp[SIO_NAMESPACE_MAX + 1];

	memcpy(nsp, p->nsp, p->nsp_n);
	nsp[p->nsp_n] = '\0';
	refuse(c, nsp, message, (struct json_slice){ NULL, 0 });
}

/* 40[nsp,]{"sid":...} */
static void accept_socket(struct sio_socket *s)
{
	char head[SIO_HEAD_MAX];
	struct json_slice v[] = { sio_piece("{\"sid\":\""), sio_piece(s->id), sio_piece("\"}") };
	size_t n = sio_packet_head(head, SIO_CONNECT, 0, s->nsp->def->name, -1);
	struct frame *f = sio_text_frame(head, n, v, 3);

	s->state = SIO_JOINED;
	sio_joined(s->client);
	if (f)
		eio_send(s->client->session, f, false);
	else
		sio_out_of_memory(s->client);
	frame_unref(f);
}

static void send_held(struct sio_socket *s)
{
	struct frame *f;

	while ((f = sio_held_pop(s->nsp->srv))) {
		eio_send(s->client->session, f, false);
		frame_unref(f);
	}
}

static void drop_held(struct sio_server *srv)
{
	struct frame *f;

	while ((f = sio_held_pop(srv)))
		frame_unref(f);
}

/* Whom on_connect had let in, and disconnected, it hears of again. */
static void drop_socket(struct sio_socket *s, bool welcome)
{
	const struct sio_namespace *def = s->nsp->def;

	detach(s);
	s->state = SIO_GONE;
	drop_held(s->nsp->srv);
	sio_ask_drop_all(s);
	if (welcome && def->on_disconnect)
		def->on_disconnect(s, kicked, def->ctx);
	unlink_socket(s);
	free(s);
}

static enum sio_connect ask(struct sio_socket *s, struct json_slice auth, uint64_t now_ms,
			    struct sio_refusal *why)
{
	const struct sio_namespace *def = s->nsp->def;
	struct sio_handshake h = { .auth = auth, .address = s->client->address, .now_ms = now_ms };

	sio_arrival_tell(s->client->arrival, &h);
	why->message = NULL;
	why->data = (struct json_slice){ NULL, 0 };
	return def->on_connect ? def->on_connect(s, &h, why, def->ctx) : SIO_CONNECT_YES;
}

/* Clients take a refusal for the last word: who was cut off comes back instead. */
static void refuse_socket(struct sio_socket *s, const struct sio_refusal *why)
{
	if (!eio_is_open(s->client->session))
		return;
	refuse(s->client, s->nsp->def->name, why && why->message ? why->message : "refused",
	       why ? why->data : (struct json_slice){ NULL, 0 });
}

/* False: there is no room to wait in, which cuts it off, or it is not wanted after all. */
static bool wait_for_answer(struct sio_socket *s, uint64_t now_ms)
{
	sio_ask_drop_all(s);
	if (s->state != SIO_CONNECTING || !eio_is_open(s->client->session))
		return false;
	if (sio_later_add(s, now_ms)) {
		sio_cut(s, "too many clients are connecting");
		return false;
	}
	drop_held(s->nsp->srv);
	s->state = SIO_PENDING;
	return true;
}

static void connect_socket(struct sio_socket *s, const struct sio_packet *p, uint64_t now_ms)
{
	struct sio_refusal why;
	enum sio_connect answer = ask(s, p->data, now_ms, &why);

	if (answer == SIO_CONNECT_YES && s->state == SIO_CONNECTING) {
		accept_socket(s);
		send_held(s);
		return;
	}
	if (answer == SIO_CONNECT_LATER && wait_for_answer(s, now_ms))
		return;
	if (!why.message && s->state == SIO_UNWANTED)
		why.message = kicked;
	refuse_socket(s, &why);
	drop_socket(s, answer != SIO_CONNECT_NO);
}

void sio_connect_done(struct sio_socket *s, bool ok, const struct sio_refusal *why)
{
	if (s->state != SIO_PENDING)
		return;
	if (ok) {
		sio_later_drop(s);
		accept_socket(s);
		return;
	}
	refuse_socket(s, why);
	sio_socket_gone(s, "refused");
}

void sio_socket_expire(struct sio_socket *s)
{
	sio_cut(s, "connect timeout");
	sio_socket_gone(s, "connect timeout");
}

static bool is_connecting(const struct sio_client *c, const struct sio_nsp *nsp)
{
	const struct sio_socket *s;

	for (s = c->sockets; s; s = s->next) {
		if (s->nsp == nsp && s->state == SIO_PENDING)
			return true;
	}
	return false;
}

/* Those that are about to leave included. */
static unsigned sockets_of(const struct sio_client *c)
{
	const struct sio_socket *s;
	unsigned n = 0;

	for (s = c->sockets; s; s = s->next)
		n++;
	return n;
}

void sio_socket_connect(struct sio_client *c, const struct sio_packet *p, uint64_t now_ms)
{
	struct sio_server *srv = c->srv;
	struct sio_nsp *nsp = sio_nsp_find(srv, p->nsp, p->nsp_n);
	struct sio_socket *s;

	if (!nsp) {
		refuse_plainly(c, p, "Invalid namespace");
	} else if (is_connecting(c, nsp)) {
		sio_parse_error(c); /* as when it has joined already */
	} else if (sockets_of(c) >= srv->cfg.namespaces_max) {
		srv->counters.namespaces_refused++;
		refuse_plainly(c, p, "Too many namespaces");
	} else if (!(s = socket_new(c, nsp))) {
		sio_out_of_memory(c);
	} else {
		connect_socket(s, p, now_ms);
	}
}
