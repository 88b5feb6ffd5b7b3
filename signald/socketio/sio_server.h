/* sio_server.h - Socket.IO protocol 5 for an application
 *
 * An application registers namespaces with a table of events; this layer
 * speaks the protocol and knows nothing of calls. Pure: bytes come from
 * engineio, time comes in as now_ms. Loop thread only.
 *
 * A struct sio_socket is one client in one namespace. It is a loan: valid until
 * on_disconnect for it has returned. Everything passed to a handler is a loan
 * until the handler returns. A handler may disconnect any socket, its own
 * included: the socket is then freed only after the handler returned.
 * tests/tools/sio_echo.c is a whole program to start from. */
#ifndef SIO_SERVER_H
#define SIO_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"
#include "engineio/eio_server.h"

#define SIO_ARGS_MAX 8		    /* further arguments are counted and not handed on */
#define SIO_BLOBS_MAX 10	    /* attachments of one event */
#define SIO_EVENT_NAME_LIMIT 128    /* bytes */
#define SIO_ROOM_MAX 128	    /* bytes of a room's name */
#define SIO_HEADERS_MAX 16	    /* kept of a handshake */
#define SIO_TIMEOUT_MAX_MS 86400000 /* of sio_ask(): whoever asks for more gets a day */

struct sio_arrival;
struct sio_server;
struct sio_socket;

struct sio_blob {
	const void *p;
	size_t n;
};

/* What came with an event or an answer: its arguments as checked JSON slices. */
struct sio_args {
	struct json_slice v[SIO_ARGS_MAX];
	size_t n;
	size_t more;	       /* arguments beyond SIO_ARGS_MAX */
	struct json_slice all; /* the arguments as they stood, commas and all; may be empty */
	const struct sio_blob *blobs; /* attachments, for {"_placeholder":true,"num":k} */
	size_t blobs_n;
	int64_t ack;	   /* id to hand to sio_ack(), -1: the client wants none */
	uint64_t now_ms;   /* when it came */
	const char *event; /* its name in the table; NULL: it is in none, or an answer */
};

struct sio_event_entry {
	const char *name;
	void (*fn)(struct sio_socket *s, const struct sio_args *args, void *ctx);
};

/* What a connecting client brought along. All but auth and the address is dropped
 * when the client has joined every namespace there is. */
struct sio_handshake {
	struct json_slice auth; /* CONNECT payload, an object, or { NULL, 0 } */
	const char *address;	/* client's IP address as text, no port */
	const char *url;	/* of the first request, as written; never log it. NULL: unknown */
	const char *query;	/* raw query string, "" without; holds tokens: never log it */
	const char *origin;	/* Origin header, NULL without: not from a page of another host */
	uint64_t issued_ms;	/* Unix time of the first request */
	uint64_t now_ms;	/* when CONNECT came */
	bool secure;		/* over TLS */
	bool again;		/* left and came back: what is dropped is empty here */
	const struct sio_arrival *arrival; /* for sio_handshake_header() */
};

/* The i-th of sio_config.headers; NULL: the client did not send it. */
const char *sio_handshake_header(const struct sio_handshake *h, size_t i);

/* What a client that is not let in is told. Both are loans until on_connect's
 * caller has read them, which is at once; text is room for what is made on the spot. */
struct sio_refusal {
	const char *message;	/* UTF-8; NULL: "refused" */
	struct json_slice data; /* any JSON; { NULL, 0 }: none */
	char text[512];
};

/* What on_connect says of a client. */
enum sio_connect {
	SIO_CONNECT_NO,	   /* refused: CONNECT_ERROR */
	SIO_CONNECT_YES,   /* welcome */
	SIO_CONNECT_LATER, /* somebody has to be asked: sio_connect_done() follows, or sio_cut() */
};

struct sio_namespace {
	const char *name; /* "/" ... */
	const struct sio_event_entry *events;
	size_t events_n;
	/* NULL lets everybody in. What it emits follows the answer; nothing does when that is
	 * decided later. sio_disconnect() of it in here is a refusal, too, whatever this returns;
	 * sio_cut() is none: with it whoever is refused hears nothing, and comes back by itself.
	 * on_disconnect follows unless this returned SIO_CONNECT_NO. */
	enum sio_connect (*on_connect)(struct sio_socket *s, const struct sio_handshake *h,
				       struct sio_refusal *why, void *ctx);
	void (*on_disconnect)(struct sio_socket *s, const char *reason, void *ctx);
	/* Events that are in no table; NULL = ignored and counted. */
	void (*on_other)(struct sio_socket *s, struct json_slice name, const struct sio_args *args,
			 void *ctx);
	/* What a client over its budget of events hears before it is cut; NULL: nothing. */
	const char *limit_event, *limit_args;
	void *ctx;
};

/* Limits; sio_config_defaults() first, then what differs. 0 = off where it says so. */
struct sio_config {
	struct eio_config engine;
	uint64_t connect_timeout_ms; /* 45,000: to join the first namespace */
	unsigned unjoined_max;	     /* 0 = off: clients without a namespace; the oldest goes */
	unsigned laters_max;	     /* 1000: clients whose CONNECT waits for sio_connect_done() */
	uint64_t later_timeout_ms;   /* 10,000: and how long each may */
	unsigned namespaces_max;     /* 16: per connection */
	unsigned rooms_max;	     /* 128: per socket */
	unsigned acks_max;	     /* 64: answers awaited, per socket */
	unsigned attachments_max;    /* 10, at most SIO_BLOBS_MAX: per event */
	size_t partial_bytes_max; /* 64 MB: events whose attachments are under way, all clients */
	unsigned event_name_max;  /* 128 bytes, at most SIO_EVENT_NAME_LIMIT */
	unsigned json_depth;	  /* 64 */
	unsigned json_nodes;	  /* 10,000: values in one packet */
	unsigned events_burst;	  /* 200 packets of one connection ... */
	unsigned events_per_s;	  /* 0 = off: ... then so many, at most 1,000,000 */
	/* What on_connect wants to know of the first request's headers: a list ended
	 * by NULL, at most SIO_HEADERS_MAX; NULL: none. A loan for the server's life. */
	const char *const *headers;
	/* Asked at each handshake, before there is a session; as in struct eio_handler. */
	const char *(*allow)(const struct eio_handshake *h, void *ctx);
	void *allow_ctx;
};

void sio_config_defaults(struct sio_config *c);

/* What this layer has done and refused since start. */
struct sio_counters {
	uint64_t events_in, acks_in, packets_out;
	uint64_t parse_errors;	   /* connections closed for one */
	uint64_t unknown_events;   /* no handler */
	uint64_t unknown_acks;	   /* late or invented: ignored */
	uint64_t connects_refused; /* CONNECT_ERROR */
	uint64_t connect_timeouts;
	uint64_t laters_refused;      /* laters_max */
	uint64_t laters_expired;      /* later_timeout_ms */
	uint64_t unjoined_refused;    /* closed for unjoined_max */
	uint64_t namespaces_refused;  /* namespaces_max */
	uint64_t rooms_refused;	      /* rooms_max */
	uint64_t acks_refused;	      /* acks_max */
	uint64_t acks_expired;	      /* no answer in time */
	uint64_t attachments_refused; /* attachments_max, or too many bytes */
	uint64_t partials_refused;    /* partial_bytes_max */
	uint64_t partials_expired;    /* attachments that did not come in time */
	uint64_t names_refused;	      /* of an event or a namespace: too long */
	uint64_t json_refused;	      /* json_depth, json_nodes */
	uint64_t rate_limited;	      /* connections closed for events_per_s */
	uint64_t out_of_memory;
	uint64_t laters;						/* now; and so are these: */
	uint64_t sockets, unjoined, rooms, acks_pending, partial_bytes; /* now */
};

/* Makes its own Engine.IO server, to be handed to eio_endpoint_new().
 * Returns 0, -EINVAL, -ENOMEM. */
int sio_server_new(struct sio_server **out, const struct sio_config *cfg);

/* Ends what is still connected ("server shutting down"). NULL is fine. */
void sio_server_free(struct sio_server *srv);

struct eio_server *sio_server_engine(struct sio_server *srv);
const struct sio_counters *sio_server_counters(const struct sio_server *srv);

/* ns and its table stay the caller's and must outlive the server.
 * Returns 0, -EINVAL (name), -EEXIST, -ENOMEM. */
int sio_server_namespace(struct sio_server *srv, const struct sio_namespace *ns);

const char *sio_id(const struct sio_socket *s); /* public id, 20 characters */
void *sio_data(const struct sio_socket *s);	/* the application's own pointer */
void sio_set_data(struct sio_socket *s, void *data);

/* One event in full. */
struct sio_message {
	const char *event; /* our own constant, as it stands in JSON */
	const char *args;  /* JSON, comma between, no brackets: {"a":1},2 */
	size_t n;	   /* may be 0 */
	/* Attachments: args name them by {"_placeholder":true,"num":k}. They are
	 * sent in the order in which args name them; one that is not named is not. */
	const struct sio_blob *blobs;
	size_t blobs_n;
	bool is_volatile; /* may be dropped: the client reads slowly, or is between two polls */
};

/* Send an event; what m points to is copied. Returns 0, -EINVAL (a placeholder
 * names no attachment, or more than SIO_BLOBS_MAX of them), -ENOBUFS (over the
 * client's hard mark: it is being closed; or a volatile one was dropped),
 * -ENOTCONN (it is closing), -ENOMEM. */
int sio_send(struct sio_socket *s, const struct sio_message *m);

/* Send an event that wants an acknowledgement. fn is called exactly once: with
 * the answer, or with args NULL when none came by then (-ETIMEDOUT) or the
 * socket went (-ENOTCONN; before its on_disconnect). It is not called when this
 * returns an error: those of sio_send(), and -ENOSPC (acks_max).
 * now_ms as in args; the same timeout every time costs least. */
typedef void sio_answer_fn(struct sio_socket *s, const struct sio_args *args, int error, void *ctx);
int sio_ask(struct sio_socket *s, const struct sio_message *m, uint64_t now_ms, uint64_t timeout_ms,
	    sio_answer_fn *fn, void *ctx);

/* Answer an event that wanted an acknowledgement; at most once per id.
 * Returns as sio_send(); 0 and nothing sent for ack == -1. m->event is unused. */
int sio_ack_send(struct sio_socket *s, int64_t ack, const struct sio_message *m);

/* The short forms, for text alone. */
int sio_emit(struct sio_socket *s, const char *event, const char *args, size_t n);
int sio_ack(struct sio_socket *s, int64_t ack, const char *args, size_t n);

/* Rooms: names of up to SIO_ROOM_MAX bytes; both idempotent. A socket's id is a
 * room it is always in. Returns 0, -EINVAL, -ENOSPC (rooms_max), -ENOMEM. */
int sio_join(struct sio_socket *s, const char *room);
void sio_leave(struct sio_socket *s, const char *room);

/* Whom a broadcast is for: who is in any of the rooms, one copy each, but for
 * those named in except, or in a room of except_rooms. No rooms: all. */
struct sio_audience {
	const char *nsp; /* name of the namespace */
	const char *const *rooms;
	size_t rooms_n;
	const char *const *except_rooms;
	size_t except_rooms_n;
	struct sio_socket *const *except; /* of that namespace */
	size_t except_n;
};

/* Encoded once, whoever many get it; to those who are in this process.
 * Returns how many sockets it was queued for, or -EINVAL (no such namespace;
 * placeholders as in sio_send()), -ENOMEM. */
int sio_broadcast(struct sio_server *srv, const struct sio_audience *to,
		  const struct sio_message *m);

/* The short form: one room of the namespace, text alone. */
int sio_room_emit(struct sio_server *srv, const char *nsp, const char *room, const char *event,
		  const char *args, size_t n);

/* The answer to a CONNECT for which on_connect said SIO_CONNECT_LATER; never from inside it. Until
 * then nothing can be sent to the socket (-ENOTCONN), and the client that sends anything is cut
 * off. The client may go meanwhile, or be cut off because it took too long: on_disconnect says so.
 * why may be NULL. Refused, its on_disconnect is called and it is freed within this call. Ignored
 * for a socket that does not wait. */
void sio_connect_done(struct sio_socket *s, bool ok, const struct sio_refusal *why);

/* End the whole connection without DISCONNECT: the client comes back by itself. */
void sio_cut(struct sio_socket *s, const char *reason);

/* Send DISCONNECT (41). The client does not come back by itself: for kicks and
 * bad tokens only. close_transport also ends the whole connection. */
void sio_disconnect(struct sio_socket *s, bool close_transport);

#endif
