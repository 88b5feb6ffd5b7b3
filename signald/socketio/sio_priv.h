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
#include "timeq.h"
#include "transport/frame.h"
#include "transport/outq.h"

#define SIO_SID_LEN 20
#define SIO_ROOM_MAX 128 /* bytes of a name */

struct sio_nsp {
	const struct sio_namespace *def;
	struct sio_socket *sockets; /* by id */
	struct sio_room *rooms;	    /* by name */
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
	struct sio_member *members;
	UT_hash_handle hh;
	char name[];
};

enum sio_state {
	SIO_CONNECTING, /* inside on_connect */
	SIO_JOINED,
	SIO_LEAVING, /* on_disconnect is due */
};

struct sio_socket {
	struct sio_client *client;
	struct sio_nsp *nsp;
	char id[SIO_SID_LEN + 1];
	uint8_t state; /* enum sio_state */
	unsigned rooms_n;
	void *data;	    /* the application's */
	const char *reason; /* of leaving */
	struct sio_member *rooms;
	struct outq *held;		 /* while connecting: what must follow the CONNECT answer */
	struct sio_socket *next;	 /* of the client */
	struct sio_socket *leaving_next; /* in the server's list */
	UT_hash_handle hh;
};

/* An event whose attachments are not all there. */
struct sio_partial {
	char *text;
	size_t text_n;
	struct sio_packet packet; /* points into text */
	struct sio_blob *blobs;
	size_t have;
	size_t bytes; /* of text and attachments */
	struct timeq_node deadline;
	struct sio_client *client;
};

struct sio_client {
	struct sio_server *srv;
	struct eio_session *session;
	struct sio_socket *sockets;
	unsigned sockets_n;
	struct sio_partial *partial;
	struct timeq_node connect;	      /* until the first namespace */
	const char *address, *origin, *query; /* in text; origin may be NULL */
	char text[];
};

struct sio_server {
	struct sio_config cfg;
	struct sio_counters counters;
	struct eio_server *eio;
	struct sio_nsp *namespaces;
	struct sio_socket *leaving, **leaving_last;
	struct timeq connects; /* clients without a namespace */
	struct timeq partials; /* clients that owe attachments */
	struct outq_marks held_marks;
};

/* sio_client.c: an Engine.IO session's side */
extern const struct eio_handler sio_client_handler; /* but for its ctx */

/* sio_send.c */
struct json_slice sio_piece(const char *text);
/* One Engine.IO packet: head, then the pieces. NULL: out of memory. */
struct frame *sio_text_frame(const char *head, size_t head_n, const struct json_slice *v,
			     size_t count);
int sio_push(struct sio_socket *s, struct frame *f, bool is_volatile); /* as eio_send() */

/* sio_socket.c: connect, leave */
struct sio_nsp *sio_nsp_find(struct sio_server *srv, const char *name, size_t n);
struct sio_socket *sio_client_socket(struct sio_client *c, const char *nsp, size_t n);
void sio_socket_connect(struct sio_client *c, const struct sio_packet *p);
void sio_socket_gone(struct sio_socket *s, const char *reason); /* on_disconnect, then free */
void sio_leaving_flush(struct sio_server *srv);

/* sio_room.c */
void sio_leave_all(struct sio_socket *s);

#endif
