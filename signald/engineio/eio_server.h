/* eio_server.h - Engine.IO protocol 4: sessions over polling, WebSocket and the upgrade
 *
 * Three parties meet here. Below, the endpoint: it hands in requests, messages
 * and losses, and carries out struct eio_link. Above, the application
 * (socketio, or an echo): struct eio_handler. In between sessions, heartbeats
 * and the upgrade. Pure: no sockets, no clock; time comes in as now_ms
 * (monotonic, never 0). Loop thread only.
 *
 * What a session does to those above (on_close) and to a pending poll happens
 * in eio_server_flush(), never inside eio_send() or eio_close(): a caller in
 * the middle of a broadcast is not surprised by sessions going away. */
#ifndef EIO_SERVER_H
#define EIO_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EIO_SID_LEN 20
#define EIO_COOKIE_MAX 64 /* bytes of a cookie's name */

struct admission;
struct client_address;
struct eio_server;
struct eio_session;
struct frame;
struct outq_budget;

struct eio_config {
	uint64_t ping_interval_ms;   /* 25,000 */
	uint64_t ping_timeout_ms;    /* 20,000 */
	uint64_t upgrade_timeout_ms; /* 10,000 */
	uint64_t linger_ms;	     /* 30,000: a closed session waits for a last GET */
	size_t max_payload;	     /* 1,000,000 bytes of one message or POST body */
	size_t queue_soft;	     /* 256 kB: above, volatile messages are dropped */
	size_t queue_hard;	     /* 4 MB: above, the session is closed */
	unsigned sessions_max;	     /* 20,000 */
	bool upgrades;		     /* offer WebSocket to polling clients */
	const char *cookie;	     /* name of one that holds the sid; NULL: none. A loan */
	struct admission *admission; /* asked at each handshake; NULL: all are welcome. A loan */
	struct outq_budget *budget;  /* of all queues of the process; NULL: none. A loan */
};

void eio_config_defaults(struct eio_config *c);

/* Why there is no session. */
struct eio_refusal {
	const char *message;	/* of EIO_FORBIDDEN: what the application said */
	unsigned retry_after_s; /* of EIO_UNAVAILABLE: ask again then */
};

/* What a client brought along; loans for the time of the call. */
struct eio_handshake {
	const char *address;		     /* IP address as text */
	const char *origin;		     /* NULL without: not from a page of another host */
	const char *query;		     /* raw, "" without; never log it */
	const char *url;		     /* the target as the client wrote it; never log it */
	const struct client_address *client; /* NULL: limits of one address are not for it */
	bool secure;			     /* came over TLS, to us or to a trusted proxy */
	bool other_version;		     /* asked for another protocol than EIO=4 */
	uint64_t issued_ms;		     /* Unix time */
	const char *(*header)(const void *request, const char *name);
	const void *request;	    /* header's */
	struct eio_refusal refusal; /* set where the handshake is refused */
};

/* A header of the request, a loan as the rest; NULL: absent. */
const char *eio_handshake_header(const struct eio_handshake *h, const char *name);

/* The application. A session is a loan from on_open to the end of on_close. */
struct eio_handler {
	/* May be NULL. Is this client welcome? NULL: yes. Else the message it gets as
	 * EIO_FORBIDDEN; a loan until the request is answered. */
	const char *(*allow)(const struct eio_handshake *h, void *ctx);
	/* 0, or -errno: the handshake is refused (503) */
	int (*on_open)(struct eio_session *s, const struct eio_handshake *h, uint64_t now_ms,
		       void *ctx);
	void (*on_message)(struct eio_session *s, bool binary, const void *p, size_t n,
			   uint64_t now_ms, void *ctx);
	void (*on_close)(struct eio_session *s, const char *reason, void *ctx);
	/* May be NULL: each flush begins with it; timers of the application's own. */
	void (*on_flush)(void *ctx);
	void (*on_tick)(uint64_t now_ms, void *ctx);
	uint64_t (*next_deadline)(void *ctx); /* ms; 0: none */
	void *ctx;
};

/* Errors as the protocol numbers them. */
enum eio_error {
	EIO_OK = -1, /* none */
	EIO_UNKNOWN_TRANSPORT = 0,
	EIO_UNKNOWN_SID = 1,
	EIO_BAD_METHOD = 2,
	EIO_BAD_REQUEST = 3,
	EIO_FORBIDDEN = 4,
	EIO_UNSUPPORTED_VERSION = 5,
	EIO_UNAVAILABLE = 6, /* ours: no more sessions now; 503 */
};

/* What the endpoint does for a session. poll and ws are the endpoint's own
 * pointers. After poll_reply or poll_refuse the poll is forgotten here; after
 * ws_close the WebSocket is. None may call back into engineio. */
struct eio_link {
	void (*poll_reply)(void *poll, const char *body, size_t n); /* 200, text/plain */
	void (*poll_refuse)(void *poll, enum eio_error error);
	/* Queue a frame (takes its own reference). 0, -ENOBUFS, -ENOMEM. */
	int (*ws_send)(void *ws, struct frame *f, bool is_volatile);
	/* as ws_conn_close(): WS_NO_FRAME ends the stream after what is queued,
	 * code 0 cuts the connection */
	void (*ws_close)(void *ws, unsigned code);
	void (*wake)(void *ctx); /* eio_server_flush() is wanted soon */
	void *ctx;
};

struct eio_counters {
	uint64_t opened_polling, opened_websocket, upgraded;
	uint64_t closed; /* all reasons */
	uint64_t ping_timeouts, upgrade_failures, parse_errors;
	uint64_t sessions_refused; /* sessions_max, or on the way out */
	uint64_t admission_refused;
	uint64_t forbidden;	   /* the application's allow() */
	uint64_t queue_closed;	   /* hard mark */
	uint64_t volatile_dropped; /* soft mark */
	uint64_t out_of_memory;
	uint64_t sessions; /* now */
};

/* Returns 0, -EINVAL (a limit of 0, no name for a cookie), -ENOMEM. */
int eio_server_new(struct eio_server **out, const struct eio_config *cfg,
		   const struct eio_handler *handler);
void eio_server_free(struct eio_server *srv); /* on_close for what is left; NULL is fine */
const struct eio_config *eio_server_config(const struct eio_server *srv);
const struct eio_counters *eio_server_counters(const struct eio_server *srv);

/* --- for the application --- */

/* Send one message: f holds an Engine.IO packet as text ("4...") or a binary
 * message's bytes; takes its own reference.
 * Returns 0, -ENOBUFS (hard mark, now closing; or a volatile one dropped),
 * -ENOTCONN (closing), -ENOMEM (closing). */
int eio_send(struct eio_session *s, struct frame *f, bool is_volatile);

/* End it, after what is queued. reason: a constant. Idempotent. */
void eio_close(struct eio_session *s, const char *reason);

/* End it because the client's message is malformed ("parse error"). */
void eio_fail(struct eio_session *s);

void eio_server_wake(struct eio_server *srv); /* a flush is wanted soon */

/* Go out of service: from now on handshakes are refused (503, Retry-After), and
 * sessions end ("server shutting down") evenly over window_ms, but at least a
 * hundred a second, so that the clients do not all come back in one moment.
 * Pending polls are answered, WebSockets cut: no Close frame, no Socket.IO
 * DISCONNECT. done is called once, from the loop and never from in here, when
 * the last one is gone and what it was sent had a turn of the loop to leave; it
 * may end the loop, but free nothing.
 * window_ms 0, or a second call: the rest as fast as turns of the loop allow. */
void eio_server_drain(struct eio_server *srv, uint64_t window_ms, uint64_t now_ms,
		      void (*done)(void *ctx), void *ctx);

bool eio_is_open(const struct eio_session *s); /* false once it is closing */
void *eio_data(const struct eio_session *s);
void eio_set_data(struct eio_session *s, void *data);

/* --- for the endpoint --- */

void eio_server_link(struct eio_server *srv, const struct eio_link *link); /* copied */

/* Handshakes: the open packet is queued; a poll is answered at the next flush. */
enum eio_error eio_open_poll(struct eio_server *srv, struct eio_handshake *h, void *poll,
			     uint64_t now_ms, struct eio_session **out);
enum eio_error eio_open_ws(struct eio_server *srv, struct eio_handshake *h, void *ws,
			   uint64_t now_ms, struct eio_session **out);

/* A session by its id, one that ended but has something left to fetch included;
 * NULL when unknown. */
struct eio_session *eio_find(struct eio_server *srv, const char *sid, uint64_t now_ms);
/* Returns out. A secret: never log it. */
const char *eio_sid(const struct eio_session *s, char out[EIO_SID_LEN + 1]);

/* A GET: held, and answered through the link; refused when one is open. */
enum eio_error eio_poll(struct eio_session *s, void *poll, uint64_t now_ms);
void eio_poll_gone(struct eio_session *s, void *poll); /* the client went away */

/* A POST: begin at its headers; then either its body, or gone, or refused (it was too big:
 * the session goes on without it). */
enum eio_error eio_post_begin(struct eio_session *s);
enum eio_error eio_post(struct eio_session *s, const char *body, size_t n, uint64_t now_ms);
void eio_post_gone(struct eio_session *s);
void eio_post_refused(struct eio_session *s);

/* A WebSocket that names a session. EIO_BAD_REQUEST: one is there already. */
enum eio_error eio_upgrade(struct eio_session *s, void *ws, uint64_t now_ms);
void *eio_upgrading(const struct eio_session *s); /* that WebSocket until the switch, or NULL */

void eio_ws_message(struct eio_session *s, void *ws, bool binary, const void *p, size_t n,
		    uint64_t now_ms);
void eio_ws_gone(struct eio_session *s, void *ws, const char *reason);

void eio_server_flush(struct eio_server *srv, uint64_t now_ms);
/* A bounded share of what is due. True: there is more; again after others had their turn. */
bool eio_server_tick(struct eio_server *srv, uint64_t now_ms);
uint64_t eio_server_next_deadline(const struct eio_server *srv); /* ms; 0: none */

/* Close all at once; refuse new ones from now on. Flush afterwards. */
void eio_server_stop(struct eio_server *srv);

#endif
