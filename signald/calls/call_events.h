/* call_events.h - Socket.IO events to calls and back
 *
 * Everything the signaling of calls decides: who an event comes from, which
 * call it means, what the other side is told. Speaks to sockets only through
 * struct calls_ops, so it runs without any. Pure: time comes in. Loop thread
 * only.
 *
 * Who a socket is: whoever authenticates it says it with calls_identify(); in
 * open mode (calls_config.open) the socket itself does. Every id in an event that
 * means the sender must then be that user. What a call is: (the sender's user, roomName), so a
 * guessed name of somebody else's call is worth nothing. Bad input changes nothing and is counted.
 */
#ifndef CALL_EVENTS_H
#define CALL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"
#include "call_table.h"
#include "call_wait.h"
#include "credentials.h"
#include "identity.h"
#include "json_text.h"

#define CALLS_SDP_BYTES_MAX 65536	/* as JSON text */
#define CALLS_GROUP_SDP_BYTES_MAX 32768 /* in an offer to a group */
#define CALLS_CANDIDATE_BYTES_MAX 4096	/* as JSON text */
#define CALLS_NAME_BYTES_MAX 512	/* fromName, as JSON text */
#define CALLS_AVATAR_BYTES_MAX 2048	/* fromAvatar, as JSON text */
#define CALLS_ACTION_BYTES_MAX 32	/* action, as JSON text */
#define CALLS_MEMBERS_BYTES_MAX 16384	/* memberIds, as JSON text */
#define CALLS_RESERVATION_MS 120000	/* a call id waits this long for its call:initiate */

struct calls;

/* To the world. Called in the middle of an event: they must not call back into
 * this module, except that emit, connected and kick may end in calls_socket_closed() for
 * any socket. All pointers are loans until they return. All but emit and ack may
 * be NULL. */
struct calls_ops {
	/* Send an event; args as in sio_emit(). Returns 0 or -errno. */
	int (*emit)(void *handle, const char *event, const char *args, size_t n, void *ctx);
	int (*ack)(void *handle, int64_t ack, const char *args, size_t n, void *ctx);

	/* End this connection. bad_token: it may not come back by itself. */
	void (*kick)(void *handle, bool bad_token, void *ctx);

	/* What came of calls_connect(), where that was -EAGAIN: as it returns. */
	void (*connected)(void *handle, int result, void *ctx);

	/* A fresh call id; NULL: turn_call_id_new(). Returns 0, -EIO. */
	int (*new_call_id)(char out[TURN_CALL_ID_LEN + 1], void *ctx);

	/* Questions that others answer; NULL: there is nobody to ask. They return
	 * at once. -EAGAIN: the question is on its way; calls_resume() for the
	 * asker follows when all its questions are answered, and until it returns
	 * the answers are kept. -EHOSTDOWN: there
	 * will be none. asker says only whom to resume, or whom to forget.
	 *
	 * authenticate: who is it that has this token? Returns 0 with *out
	 * filled, -EKEYEXPIRED likewise (it was that user's, and is good for
	 * the call he is in at most), -EACCES (nobody: a bad one).
	 * may_call: does "to" take calls of "from"? Returns 0, -EACCES.
	 * group_members: who is in this group? Returns how many were written to
	 * out, at most max, -ENOENT (no such group). */
	int (*authenticate)(struct call_socket *asker, struct json_slice token,
			    struct calls_identity *out, void *ctx);
	int (*may_call)(struct call_socket *asker, const char *from, const char *to, void *ctx);
	int (*group_members)(struct call_socket *asker, const char *user, const char *group,
			     struct user_id *out, size_t max, void *ctx);
	void (*forget)(struct call_socket *asker, void *ctx); /* the asker is gone */

	/* For the relay layer. on_member: user speaks in this call from this
	 * signaling address (again when its socket changes). on_member_left: such
	 * a user is out of the call, which goes on. on_candidate: the decoded text
	 * of an ICE candidate a member sent. on_call_active: somebody came in.
	 * on_call_ended comes once for each on_call_new, and nothing of this call
	 * after it. */
	void (*on_call_new)(const struct call *c, void *ctx);
	void (*on_member)(const struct call *c, const char *user, const char *address, void *ctx);
	void (*on_member_left)(const struct call *c, const char *user, void *ctx);
	void (*on_candidate)(const struct call *c, const char *user, const char *candidate,
			     void *ctx);
	void (*on_call_active)(const struct call *c, void *ctx);
	void (*on_call_ended)(const struct call *c, void *ctx);

	/* Its state, or that of a member, is not what it was; for who keeps a copy. */
	void (*on_call_changed)(const struct call *c, void *ctx);

	/* A user's first registered socket came, or the last one went. */
	void (*on_online)(const struct user_id *user, bool online, void *ctx);
	void *ctx;
};

struct calls_config {
	struct call_limits times;	       /* 45 s, 20 s, 4 h */
	struct call_table_limits calls;	       /* 10000, 8, 100 */
	struct identity_limits sockets;	       /* 20000, 32 */
	uint64_t leg_wait_ms;		       /* then an orphaned leg looks for a socket: 3 s */
	bool open;			       /* anybody may say who he is: true */
	uint64_t identify_ms;		       /* unless open, to prove who it is; 0: no limit */
	bool busy_rings;		       /* somebody in a call is rung all the same: false */
	bool offline_rings;		       /* somebody without a socket is waited for: false */
	size_t group_members_max;	       /* the caller included: 32 */
	size_t candidates_max;		       /* kept for one member: 64 */
	size_t held_bytes_max;		       /* offers and candidates kept, of all calls: 64 MB */
	struct call_wait_limits waiting;       /* for an answer: 32 and 128 kB a socket, 16 MB */
	unsigned calls_per_minute;	       /* that one user makes; 0, the default: no limit */
	unsigned ice_requests_per_minute;      /* of one user; 0, the default: no limit */
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

/* Right after calls_socket_opened(): what the client brought along, a JSON string;
 * no token: it will send one, or is cut off after identify_ms. Where anybody may
 * say who he is, nothing is asked.
 * Returns 0 (let it in), -EAGAIN (ops->connected will say), -EACCES, -EKEYEXPIRED
 * (refuse it: a bad token), -EHOSTDOWN, or as calls_identify(). */
int calls_connect(struct calls *cs, struct call_socket *s, struct json_slice token,
		  struct call_time now);

/* The socket is this user's, for life: somebody has authenticated it. Again, for
 * the same user: the name, the avatar and the expiry are the new ones. With one
 * that has passed already the socket is there for the calls that run: it is not
 * rung, accepts nothing and starts nothing.
 * Returns 0, -EPERM (it is another user's), -EDQUOT (the user has too many
 * sockets), -ENOMEM. */
int calls_identify(struct calls *cs, struct call_socket *s, const struct calls_identity *who,
		   struct call_time now);

/* The answer this socket's event waits for is there, or there will be none: it is handled now, and
 * what the socket has sent since. Within an event of another one: when that is done. */
void calls_resume(struct calls *cs, struct call_socket *s, struct call_time now);

/* An event with its arguments (checked JSON). ack: -1 when none is wanted.
 * Returns false for an event that is none of calls_event_name(). */
bool calls_event(struct calls *cs, struct call_socket *s, const char *event,
		 const struct json_slice *args, size_t args_n, int64_t ack, struct call_time now);
const char *calls_event_name(size_t i); /* NULL: there are no more */

/* Look at the deadlines; to be called a few times a second. Does a little of it: true asks to be
 * called again at once, when others have had their turn. */
bool calls_tick(struct calls *cs, struct call_time now);

/* End a live call; ev: CALL_EV_SERVER or CALL_EV_FAIL. All its members are told.
 * why, NULL: unknown, is for the log. Returns 0, -ENOENT (no such live call). */
int calls_end(struct calls *cs, const char *call_id, enum call_ev ev, const char *why,
	      struct call_time now);

/* End the calls this user is in and the invitations he has, and all his
 * connections. Returns how many connections there were. */
size_t calls_kick_user(struct calls *cs, const char *user, const char *why, struct call_time now);

/* Tell all who are in this call fresh iceServers (ice:servers).
 * Returns 0, -ENOENT (no such live call). */
int calls_tell_ice_servers(struct calls *cs, const char *call_id, struct call_time now);

/* Has a member who is in said that its media go without a relay, and not taken it back? */
bool calls_media_direct(const struct calls *cs, const char *call_id);

/* To look at: live and ended calls through call_table.h, who is online through
 * identity.h. Both stay the module's. */
const struct call_table *calls_table(const struct calls *cs);
const struct identity *calls_users(const struct calls *cs);
size_t calls_held_bytes(const struct calls *cs); /* offers and candidates kept, of all calls */

/* The socket that speaks for a member of a live call. NULL: none does, or the call has ended. */
const struct call_socket *calls_leg(const struct call *c, size_t member);

enum calls_counter {
	CALLS_N_STARTED,
	CALLS_N_RESTORED,     /* taken over from the process before */
	CALLS_N_NOT_RESTORED, /* could not be */
	CALLS_N_ANSWERED,
	CALLS_N_MALFORMED,	    /* a field missing, of a wrong type or too big */
	CALLS_N_FORBIDDEN,	    /* naming another user than the socket's, or a foreign group */
	CALLS_N_NOT_JOINED,	    /* the socket is no user yet */
	CALLS_N_FOREIGN,	    /* no call of this user has that name */
	CALLS_N_LATE,		    /* the call has ended, or goes on without this user */
	CALLS_N_ECHO,		    /* a repeat, or another socket of the same member */
	CALLS_N_OUT_OF_PLACE,	    /* the state or the sender's role does not permit it */
	CALLS_N_GLARE,		    /* two users called each other; the later call was not made */
	CALLS_N_BLOCKED,	    /* not made: the callee does not take calls of this user */
	CALLS_N_EXPIRED,	    /* not made: the sender's token has expired */
	CALLS_N_BAD_TOKEN,	    /* the connection was refused or ended for it */
	CALLS_N_UNIDENTIFIED,	    /* cut off: no proof in time */
	CALLS_N_UNAVAILABLE,	    /* who had to be asked does not answer */
	CALLS_N_REFUSED_CALLS,	    /* too many calls */
	CALLS_N_REFUSED_USER_CALLS, /* too many of one user */
	CALLS_N_REFUSED_ROOM,	    /* a member is in another call of that name */
	CALLS_N_REFUSED_MEMBERS,    /* left out of a group call: too many */
	CALLS_N_REFUSED_RATE,	    /* too many of one user in a minute: calls, ice:request */
	CALLS_N_REFUSED_SOCKETS,    /* too many sockets, in all or of one user */
	CALLS_N_REFUSED_CANDIDATES, /* too many waiting */
	CALLS_N_REFUSED_HELD,	    /* too many bytes waiting */
	CALLS_N_REFUSED_WAITING,    /* events: too many wait for an answer */
	CALLS_N_REFUSED_MEMORY,	    /* out of memory */
	CALLS_N_NO_CREDENTIALS,	    /* iceServers could not be made */
	CALLS_N_EMIT_FAILED,	    /* a socket took no more */
	CALLS_N,
};
uint64_t calls_counter(const struct calls *cs, enum calls_counter which);
const char *calls_counter_name(enum calls_counter which); /* "started" ... */

#endif
