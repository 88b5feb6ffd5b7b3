/* sio_server.h - Socket.IO protocol 5 for an application
 *
 * An application registers namespaces with a table of events; this layer
 * speaks the protocol and knows nothing of calls. Pure: bytes come from
 * engineio, time comes in as now_ms. Loop thread only.
 *
 * A struct sio_socket is one client in one namespace. It is a loan: valid until
 * on_disconnect for it has returned. Everything passed to a handler is a loan
 * until the handler returns. A handler may disconnect any socket, its own
 * included: the socket is then freed only after the handler returned. */
#ifndef SIO_SERVER_H
#define SIO_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"
#include "engineio/eio_server.h"

#define SIO_ARGS_MAX 8		 /* further arguments are counted and not handed on */
#define SIO_BLOBS_MAX 10	 /* attachments of one event */
#define SIO_EVENT_NAME_LIMIT 128 /* bytes */

struct sio_server;
struct sio_socket;

struct sio_blob {
	const void *p;
	size_t n;
};

/* What came with an event: its arguments as checked JSON slices. */
struct sio_args {
	struct json_slice v[SIO_ARGS_MAX];
	size_t n;
	size_t more;		      /* arguments beyond SIO_ARGS_MAX */
	struct json_slice all;	      /* the whole array, the event's name first */
	const struct sio_blob *blobs; /* attachments, for {"_placeholder":true,"num":k} */
	size_t blobs_n;
	int64_t ack; /* id to hand to sio_ack(), -1: the client wants none */
};

struct sio_event_entry {
	const char *name;
	void (*fn)(struct sio_socket *s, const struct sio_args *args, void *ctx);
};

/* What a connecting client brought along. */
struct sio_handshake {
	struct json_slice auth; /* CONNECT payload, an object, or { NULL, 0 } */
	const char *address;	/* client's IP address as text, no port */
	const char *origin;	/* Origin header, NULL without */
	const char *query;	/* raw query string, "" without; holds tokens: never log it */
};

struct sio_namespace {
	const char *name; /* "/" ... */
	const struct sio_event_entry *events;
	size_t events_n;
	/* NULL = accept. Returns NULL to accept, or the message of the CONNECT_ERROR. */
	const char *(*on_connect)(struct sio_socket *s, const struct sio_handshake *h, void *ctx);
	void (*on_disconnect)(struct sio_socket *s, const char *reason, void *ctx);
	/* Events that are in no table; NULL = ignored and counted. */
	void (*on_other)(struct sio_socket *s, struct json_slice name, const struct sio_args *args,
			 void *ctx);
	void *ctx;
};

/* Limits; sio_config_defaults() first, then what differs. */
struct sio_config {
	struct eio_config engine;
	uint64_t connect_timeout_ms; /* 45,000: to join the first namespace */
	unsigned namespaces_max;     /* 16: per connection */
	unsigned rooms_max;	     /* 128: per socket */
	unsigned attachments_max;    /* 10, at most SIO_BLOBS_MAX: per event */
	unsigned event_name_max;     /* 128 bytes, at most SIO_EVENT_NAME_LIMIT */
	unsigned json_depth;	     /* 64 */
};

void sio_config_defaults(struct sio_config *c);

/* What this layer has done and refused since start. */
struct sio_counters {
	uint64_t events_in, acks_in, packets_out;
	uint64_t parse_errors;	   /* connections closed for one */
	uint64_t unknown_events;   /* no handler */
	uint64_t connects_refused; /* CONNECT_ERROR */
	uint64_t connect_timeouts;
	uint64_t namespaces_refused, rooms_refused, attachments_refused;
	uint64_t out_of_memory;
	uint64_t sockets; /* now */
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

const char *sio_id(const struct sio_socket *s);	     /* public id, 20 characters */
const char *sio_address(const struct sio_socket *s); /* client's IP address as text */
void *sio_data(const struct sio_socket *s);	     /* the application's own pointer */
void sio_set_data(struct sio_socket *s, void *data);

/* Send an event. args: the arguments as JSON text, comma between, no brackets
 * ("{\"a\":1},2"; n may be 0); copied. event: our own constant.
 * Returns 0, -ENOBUFS (over the client's hard mark: it is being closed),
 * -ENOTCONN (it is closing), -ENOMEM. */
int sio_emit(struct sio_socket *s, const char *event, const char *args, size_t n);

/* Answer an event that wanted an acknowledgement; at most once per id.
 * Returns as sio_emit; 0 and nothing sent for ack == -1. */
int sio_ack(struct sio_socket *s, int64_t ack, const char *args, size_t n);

/* One event in full. */
struct sio_message {
	const char *event; /* our own constant */
	const char *args;  /* as in sio_emit(); attachments as {"_placeholder":true,"num":k} */
	size_t n;
	const struct sio_blob *blobs;
	size_t blobs_n;
	bool is_volatile; /* may be dropped: the client reads slowly, or is between two polls */
};

/* As sio_emit() and sio_room_emit(), which are the short forms. */
int sio_send(struct sio_socket *s, const struct sio_message *m);
int sio_room_send(struct sio_server *srv, const char *nsp, const char *room,
		  const struct sio_socket *except, const struct sio_message *m);
int sio_ack_send(struct sio_socket *s, int64_t ack, const struct sio_message *m); /* no event */

/* Rooms: names of up to 128 bytes; both idempotent. Returns 0, -EINVAL,
 * -ENOSPC (rooms per socket), -ENOMEM. */
int sio_join(struct sio_socket *s, const char *room);
void sio_leave(struct sio_socket *s, const char *room);

/* Send to everyone in a room of the namespace of that name, but for except
 * (NULL: nobody); room NULL: everyone in the namespace. Encoded once.
 * Returns how many sockets it was queued for, or -EINVAL, -ENOMEM. */
int sio_room_emit(struct sio_server *srv, const char *nsp, const char *room,
		  const struct sio_socket *except, const char *event, const char *args, size_t n);

/* Send DISCONNECT (41). The client does not come back by itself: for kicks and
 * bad tokens only. close_transport also ends the whole connection. */
void sio_disconnect(struct sio_socket *s, bool close_transport);

#endif
