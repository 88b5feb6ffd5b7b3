/* sio_fixture.h - a Socket.IO server and a few clients that are lines of text */
#ifndef SIO_FIXTURE_H
#define SIO_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "eio_fake.h"
#include "run_suite.h"
#include "socketio/sio_server.h"

#define CLIENTS 4

/* Inside callbacks, where Check's own may run out of the memory that a test denies. */
#ifndef MUST
#define MUST(condition) ((condition) ? (void)0 : abort())
#endif

static struct sio_server *srv;
static struct sio_config cfg;
static struct fake ws[CLIENTS];
static struct eio_session *session[CLIENTS];
static struct sio_socket *sockets[64]; /* in order of connecting, main namespace */
static unsigned sockets_n, wakes, left;
static char heard[2048], reason[64], auth[64];
static const char *refusal, *refusal_data;
static bool kick_inside, came_again;
static bool connect_later; /* on_connect leaves the answer to the test */
static const char *header; /* the second of cfg.headers, inside on_connect */
static void (*inside_connect)(struct sio_socket *s);

static inline enum sio_connect on_connect(struct sio_socket *s, const struct sio_handshake *h,
					  struct sio_refusal *why, void *ctx)
{
	MUST(strcmp(h->address, "192.0.2.1") == 0);
	MUST(h->again || strcmp(h->query, "EIO=4") == 0);
	came_again = h->again;
	header = sio_handshake_header(h, 1);
	snprintf(auth, sizeof(auth), "%.*s", (int)h->auth.n, h->auth.p ? h->auth.p : "");
	sio_set_data(s, ctx);
	if (sockets_n < 64)
		sockets[sockets_n++] = s;
	sio_emit(s, "hello", "1,2", 3);
	if (inside_connect)
		inside_connect(s);
	if (kick_inside)
		sio_disconnect(s, false);
	why->message = refusal;
	if (refusal_data)
		why->data = (struct json_slice){ refusal_data, strlen(refusal_data) };
	return refusal ? SIO_CONNECT_NO : connect_later ? SIO_CONNECT_LATER : SIO_CONNECT_YES;
}

static inline void on_disconnect(struct sio_socket *s, const char *why, void *ctx)
{
	MUST(sio_data(s) == ctx);
	MUST(sio_emit(s, "late", NULL, 0) == -ENOTCONN);
	MUST(sio_join(s, "late") == -EINVAL);
	sio_disconnect(s, false);
	snprintf(reason, sizeof(reason), "%s", why);
	left++;
}

static inline void on_say(struct sio_socket *s, const struct sio_args *a, void *ctx)
{
	(void)s;
	(void)ctx;
	ck_assert_str_eq(a->event, "say");
	snprintf(heard, sizeof(heard), "%zu/%zu %.*s", a->n, a->more, (int)a->all.n, a->all.p);
}

static inline void on_ask(struct sio_socket *s, const struct sio_args *a, void *ctx)
{
	struct sio_message m = {
		.args = a->v[0].p, .n = a->v[0].n, .blobs = a->blobs, .blobs_n = a->blobs_n
	};

	(void)ctx;
	sio_ack_send(s, a->ack, &m);
}

static inline void on_blob(struct sio_socket *s, const struct sio_args *a, void *ctx)
{
	struct sio_message m = { .event = "blob",
				 .args = a->v[0].p,
				 .n = a->v[0].n,
				 .blobs = a->blobs,
				 .blobs_n = a->blobs_n };

	(void)ctx;
	sio_send(s, &m);
}

/* Disconnects everybody, itself included, and goes on using them. */
static inline void on_kick(struct sio_socket *s, const struct sio_args *a, void *ctx)
{
	(void)a;
	(void)ctx;
	for (unsigned i = 0; i < sockets_n; i++)
		sio_disconnect(sockets[i], false);
	ck_assert_int_eq(sio_emit(s, "late", NULL, 0), -ENOTCONN);
	ck_assert_uint_eq(left, 0);
}

static inline void on_other(struct sio_socket *s, struct json_slice name, const struct sio_args *a,
			    void *ctx)
{
	(void)s;
	(void)ctx;
	ck_assert_ptr_null(a->event);
	snprintf(heard, sizeof(heard), "other %.*s", (int)name.n, name.p);
}

static const struct sio_event_entry events[] = {
	{ "say", on_say },
	{ "ask", on_ask },
	{ "blob", on_blob },
	{ "kick", on_kick },
};
static const struct sio_namespace main_nsp = { .name = "/",
					       .events = events,
					       .events_n = 4,
					       .on_connect = on_connect,
					       .on_disconnect = on_disconnect,
					       .on_other = on_other,
					       .limit_event = "slow:down",
					       .limit_args = "{\"code\":1}",
					       .ctx = &cfg };
static const struct sio_namespace other_nsp = { .name = "/other" };

static inline int start(void)
{
	struct eio_link link = fake_link(&wakes);
	int rc = sio_server_new(&srv, &cfg);

	if (rc)
		return rc;
	sockets_n = wakes = left = 0;
	heard[0] = reason[0] = auth[0] = '\0';
	refusal = refusal_data = NULL;
	kick_inside = came_again = connect_later = false;
	inside_connect = NULL;
	memset(ws, 0, sizeof(ws));
	memset(session, 0, sizeof(session));
	eio_server_link(sio_server_engine(srv), &link);
	rc = sio_server_namespace(srv, &main_nsp);
	if (!rc)
		rc = sio_server_namespace(srv, &other_nsp);
	if (rc)
		sio_server_free(srv);
	return rc;
}

static inline void setup(void)
{
	sio_config_defaults(&cfg);
	ck_assert_int_eq(start(), 0);
}

static inline void teardown(void)
{
	sio_server_free(srv);
}

static inline void flush(void)
{
	eio_server_flush(sio_server_engine(srv), 1000);
}

static inline void say_at(int i, const char *packet, uint64_t now_ms)
{
	eio_ws_message(session[i], &ws[i], false, packet, strlen(packet), now_ms);
}

static inline void say(int i, const char *packet)
{
	say_at(i, packet, 1000);
}

static inline const struct sio_counters *counted(void)
{
	return sio_server_counters(srv);
}

static inline void say_binary(int i, const char *bytes)
{
	eio_ws_message(session[i], &ws[i], true, bytes, strlen(bytes), 1000);
}

static inline void tick(uint64_t now_ms)
{
	eio_server_tick(sio_server_engine(srv), now_ms);
}

static inline bool open_client(int i)
{
	return eio_open_ws(sio_server_engine(srv), &fake_handshake, &ws[i], 1000, &session[i]) ==
	       EIO_OK;
}

/* A client in the main namespace whose answers so far are forgotten. */
static inline struct sio_socket *join(int i)
{
	ck_assert(open_client(i));
	say(i, "40");
	ck_assert(eio_is_open(session[i]));
	fake_reset(&ws[i]);
	return sockets[sockets_n - 1];
}

static inline int emit_to(const char *room, struct sio_socket *except, const char *event)
{
	struct sio_audience to = { .nsp = "/", .rooms = &room, .except = &except };

	to.rooms_n = room != NULL;
	to.except_n = except != NULL;
	return sio_broadcast(srv, &to, &(struct sio_message){ .event = event });
}

#endif
