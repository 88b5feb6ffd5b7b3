/* sio_priv.h - what the files of socketio share
 *
 * A sio_client is one Engine.IO session; it owns its sio_sockets, one for each
 * namespace it joined. A sio_room lives as long as it has members. */
#ifndef SIO_PRIV_H
#define SIO_PRIV_H

#include "table.h"

#include "engineio/eio_server.h"
#include "socketio/sio_packet.h"
#include "socketio/sio_server.h"
#include "socketio/sio_table.h"
#include "timeq.h"
#include "transport/frame.h"

#define SIO_SID_LEN 20
#define SIO_TICK_MAX 64		  /* of each kind dealt with at once: the rest in the next turn */
#define SIO_ACK_ID_END 0x7fffffff /* Java clients read ids with Integer.parseInt */

struct sio_nsp {
	const struct sio_namespace *def;
	struct sio_server *srv;
	size_t name_n;
	uint32_t next_ack;	  /* below SIO_ACK_ID_END */
	struct sio_table sockets; /* by id */
	struct sio_table rooms;	  /* by name */
	struct sio_nsp *next;
};

/* A socket's place in a room: in two lists. */
struct sio_member {
	struct sio_room *room;
	struct sio_socket *socket;
	struct sio_member *prev, *next; /* in the room */
	struct sio_member *next_room;	/* of the socket */
};

struct sio_room {
	struct sio_link link;
	struct sio_member *members;
	uint8_t name_n;
	char name[]; /* not ended by a NUL */
};

enum sio_state {
	SIO_CONNECTING, /* inside on_connect: what it sends is held back */
	SIO_UNWANTED,	/* the same, and disconnected there: a refusal */
	SIO_PENDING,	/* waits for sio_connect_done(): nothing reaches it */
	SIO_JOINED,
	SIO_LEAVING, /* by sio_disconnect(): on_disconnect is due */
	SIO_GONE,    /* inside on_disconnect */
};

/* There are many of these and of the next, most of them idle: nothing is in
 * them that can be found out or made when it is needed. */
struct sio_socket {
	union {
		struct sio_link link;		 /* in the namespace's table */
		struct sio_socket *leaving_next; /* SIO_LEAVING: in the server's list */
	};
	union {
		struct sio_member *rooms;
		struct sio_socket **leaving_at; /* SIO_LEAVING: what points to it */
	};
	struct sio_client *client;
	struct sio_nsp *nsp;
	struct sio_socket *next; /* of the client */
	union {
		struct sio_ask *asks;	 /* answers awaited */
		struct sio_later *later; /* SIO_PENDING */
	};
	void *data;	 /* the application's */
	uint64_t marked; /* the last broadcast that has dealt with it */
	char id[SIO_SID_LEN + 1];
	uint8_t state; /* enum sio_state */
	uint16_t rooms_n;
};

struct sio_client {
	struct sio_server *srv;
	struct eio_session *session;
	struct sio_socket *sockets;
	struct sio_unjoined *unjoined; /* until the first namespace */
	struct sio_arrival *arrival;   /* until the last */
	struct sio_partial *partial;   /* an event whose attachments are not all there */
	uint64_t budget_us;	       /* when its budget of events will be whole again */
	char address[];
};

/* What a socket's on_connect sends: it waits for the CONNECT answer. */
struct sio_held {
	struct sio_held *next;
	struct frame *f;
};

struct sio_server {
	struct sio_config cfg;
	struct sio_packet_limits limits;
	struct sio_counters counters;
	struct eio_server *eio;
	struct sio_nsp *namespaces;
	size_t namespaces_n;
	struct sio_socket *leaving, **leaving_last;
	struct sio_held *held, **held_last;
	size_t held_bytes;
	uint64_t broadcasts;   /* so far: each has a number */
	struct timeq connects; /* clients without a namespace */
	struct timeq partials; /* clients that owe attachments */
	struct timeq asks;     /* clients that owe an answer */
	struct timeq laters;   /* clients whose CONNECT is not answered yet */
};

/* sio_client.c: an Engine.IO session's side */
extern const struct eio_handler sio_client_handler; /* but for its ctx */
void sio_parse_error(struct sio_client *c);
void sio_out_of_memory(struct sio_client *c);
void sio_joined(struct sio_client *c); /* a namespace, maybe its first */
void sio_unknown_ack(struct sio_client *c, uint64_t now_ms);

/* sio_arrival.c */
struct sio_arrival *sio_arrival_new(const struct sio_server *srv, const struct eio_handshake *h);
void sio_arrival_tell(const struct sio_arrival *a, struct sio_handshake *h); /* NULL is fine */

/* sio_event.c: a whole packet for a joined namespace */
void sio_deliver(struct sio_client *c, const struct sio_packet *p, const struct sio_blob *blobs,
		 uint64_t now_ms);

/* sio_partial.c */
void sio_partial_begin(struct sio_client *c, const struct sio_packet *p, const char *text, size_t n,
		       uint64_t now_ms);
void sio_partial_add(struct sio_client *c, const void *p, size_t n, uint64_t now_ms);
void sio_partial_drop(struct sio_client *c); /* fine without one */
void sio_partial_tick(struct sio_server *srv, uint64_t now_ms);

/* sio_ask.c */
int sio_answered(struct sio_socket *s, int64_t id, const struct sio_args *args); /* 0, -ENOENT */
void sio_ask_drop_all(struct sio_socket *s);					 /* -ENOTCONN */
void sio_ask_tick(struct sio_server *srv, uint64_t now_ms);

/* sio_later.c: CONNECTs that are answered later */
int sio_later_add(struct sio_socket *s, uint64_t now_ms); /* 0, -ENOSPC, -ENOMEM: counted */
void sio_later_drop(struct sio_socket *s);
void sio_later_tick(struct sio_server *srv, uint64_t now_ms);

/* sio_encode.c: a message and its attachments, ready to be shared */
struct sio_encoded {
	struct frame *v[1 + SIO_BLOBS_MAX];
	size_t n;
	bool is_volatile;
};
enum sio_form { SIO_AS_EVENT, SIO_AS_ACK };
/* Returns 0, -EINVAL, -ENOMEM (counted). */
int sio_encode(struct sio_encoded *e, const struct sio_nsp *nsp, enum sio_form form, int64_t id,
	       const struct sio_message *m);
void sio_encoded_free(struct sio_encoded *e);
struct json_slice sio_piece(const char *text);
/* One Engine.IO packet: head, then the pieces. NULL: out of memory. */
struct frame *sio_text_frame(const char *head, size_t head_n, const struct json_slice *v,
			     size_t count);

/* sio_send.c */
int sio_push(struct sio_socket *s, struct frame *f, bool is_volatile); /* as eio_send() */
struct frame *sio_held_pop(struct sio_server *srv); /* the caller's reference; NULL: no more */
int sio_send_encoded(struct sio_socket *s, const struct sio_encoded *e);
int sio_send_form(struct sio_socket *s, enum sio_form form, int64_t id,
		  const struct sio_message *m);

/* sio_socket.c: connect, leave */
struct sio_nsp *sio_nsp_find(struct sio_server *srv, const char *name, size_t n);
struct sio_socket *sio_client_socket(struct sio_client *c, const char *nsp, size_t n);
void sio_socket_expire(struct sio_socket *s); /* its CONNECT was not answered in time */
void sio_socket_connect(struct sio_client *c, const struct sio_packet *p, uint64_t now_ms);
void sio_socket_gone(struct sio_socket *s, const char *reason); /* on_disconnect, then free */
void sio_leaving_flush(struct sio_server *srv);

const char *sio_socket_name(const struct sio_link *e, size_t *n);

/* sio_room.c */
const char *sio_room_name(const struct sio_link *e, size_t *n);
void sio_leave_all(struct sio_socket *s);

#endif
