/* call_events.h - Socket.IO events to calls and back
 *
 * Everything the signaling of calls decides: who an event comes from, which
 * call it means, what the other side is told. Speaks to sockets only through
 * struct calls_ops, so it runs without any. Pure: time comes in. Loop thread
 * only.
 *
 * Who a socket is: user:join says it, call:initiate's fromId does for a socket
 * that has not joined. Every other id in an event must then be that user.
 * What a call is: (the sender's user, roomName), so a guessed name of somebody
 * else's call is worth nothing. Bad input changes nothing and is counted. */
#ifndef CALL_EVENTS_H
#define CALL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"
#include "call_table.h"
#include "credentials.h"
#include "identity.h"
#include "json_text.h"

#define CALLS_SDP_BYTES_MAX 65536      /* as JSON text */
#define CALLS_CANDIDATE_BYTES_MAX 4096 /* as JSON text */
#define CALLS_NAME_BYTES_MAX 512       /* fromName, as JSON text */
#define CALLS_AVATAR_BYTES_MAX 2048    /* fromAvatar, as JSON text */
#define CALLS_RESERVATION_MS 120000    /* a call id waits this long for its call:initiate */

struct calls;

/* To the world. Called in the middle of an event: they must not call back into
 * this module, except that emit may end in calls_socket_closed() for any
 * socket. All pointers are loans until they return. Those marked so may be NULL. */
struct calls_ops {
	/* Send an event; args as in sio_emit(). Returns 0 or -errno. */
	int (*emit)(void *handle, const char *event, const char *args, size_t n, void *ctx);
	int (*ack)(void *handle, int64_t ack, const char *args, size_t n, void *ctx);

	/* A fresh call id; NULL: turn_call_id_new(). Returns 0, -EIO. */
	int (*new_call_id)(char out[TURN_CALL_ID_LEN + 1], void *ctx);

	/* For the relay layer. on_member: user speaks in this call from this
	 * signaling address (again when its socket changes). on_candidate: the
	 * decoded text of an ICE candidate a member sent. on_call_ended comes
	 * once for each on_call_new. May be NULL. */
	void (*on_call_new)(const struct call *c, void *ctx);
	void (*on_member)(const struct call *c, const char *user, const char *address, void *ctx);
	void (*on_candidate)(const struct call *c, const char *user, const char *candidate,
			     void *ctx);
	void (*on_call_ended)(const struct call *c, void *ctx);

	/* A user's first socket came, or the last one went. May be NULL. */
	void (*on_online)(const struct user_id *user, bool online, void *ctx);
	void *ctx;
};

struct calls_config {
	struct call_limits times;	       /* 45 s, 20 s, 4 h */
	struct call_table_limits calls;	       /* 10000, 8, 100 */
	struct identity_limits sockets;	       /* 20000, 16 */
	size_t candidates_max;		       /* kept for one member: 64 */
	size_t held_bytes_max;		       /* offers and candidates kept, of all calls: 64 MB */
	const struct credentials *credentials; /* a loan */
};
void calls_config_defaults(struct calls_config *cfg);

/* Returns 0 and the caller's *out, -ENOMEM. cfg and ops are copied. */
int calls_new(struct calls **out, const struct calls_config *cfg, const struct calls_ops *ops);
void calls_free(struct calls *cs); /* tells nobody; NULL is fine */

/* A connection came. handle is what ops->emit gets. The socket is the module's
 * until calls_socket_closed(). Returns 0, -ENOSPC, -ENOMEM. */
int calls_socket_opened(struct calls *cs, void *handle, const char *address,
			struct call_socket **out);
void calls_socket_closed(struct calls *cs, struct call_socket *s, struct call_time now);

/* An event with its arguments (checked JSON). ack: -1 when none is wanted.
 * Returns false for an event that is none of calls_event_name(). */
bool calls_event(struct calls *cs, struct call_socket *s, const char *event,
		 const struct json_slice *args, size_t args_n, int64_t ack, struct call_time now);
const char *calls_event_name(size_t i); /* NULL: there are no more */

/* Look at the deadlines; to be called a few times a second. Does a little of it: true asks to be
 * called again at once, when others have had their turn. */
bool calls_tick(struct calls *cs, struct call_time now);

/* To look at: live and ended calls through call_table.h, who is online through
 * identity.h. Both stay the module's. */
const struct call_table *calls_table(const struct calls *cs);
const struct identity *calls_identity(const struct calls *cs);

enum calls_counter {
	CALLS_N_STARTED,
	CALLS_N_ANSWERED,
	CALLS_N_MALFORMED,	    /* a field missing, of a wrong type or too big */
	CALLS_N_FORBIDDEN,	    /* naming another user than the socket's */
	CALLS_N_NOT_JOINED,	    /* the socket is no user yet */
	CALLS_N_FOREIGN,	    /* no call of this user has that name */
	CALLS_N_LATE,		    /* the call has ended */
	CALLS_N_ECHO,		    /* a repeat, or another socket of the same member */
	CALLS_N_OUT_OF_PLACE,	    /* the state or the sender's role does not permit it */
	CALLS_N_REFUSED_CALLS,	    /* too many calls */
	CALLS_N_REFUSED_USER_CALLS, /* too many of one user */
	CALLS_N_REFUSED_ROOM,	    /* a member is in another call of that name */
	CALLS_N_REFUSED_SOCKETS,    /* too many sockets, in all or of one user */
	CALLS_N_REFUSED_CANDIDATES, /* too many waiting */
	CALLS_N_REFUSED_HELD,	    /* too many bytes waiting */
	CALLS_N_REFUSED_MEMORY,	    /* out of memory */
	CALLS_N_NO_CREDENTIALS,	    /* iceServers could not be made */
	CALLS_N_EMIT_FAILED,	    /* a socket took no more */
	CALLS_N,
};
uint64_t calls_counter(const struct calls *cs, enum calls_counter which);
const char *calls_counter_name(enum calls_counter which); /* "started" ... */

#endif
