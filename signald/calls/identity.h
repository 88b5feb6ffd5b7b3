/* identity.h - user ids, and who is connected: which sockets belong to which user
 *
 * A socket is identified when it is known whose it is, and registered when its
 * user wants calls on it as well; only registered ones ring. Pure: a socket here
 * is a number, a user and the application's handle; nobody sends anything. Users
 * exist as long as they have a socket. Loop thread only. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"
#include "turn_credential.h"

#define ADDRESS_TEXT_MAX 63 /* bytes of an IP address as text, with a scope */

/* Ids compare as text: 7 and "7" are one user. number says how it was first
 * mentioned, and so how it is written. */
struct user_id {
	char text[TURN_USER_ID_MAX + 1];
	bool number;
};

/* Read a bare id: a JSON integer or a string of turn_credential.h's grammar.
 * Returns 0, -EINVAL. */
int user_id_read(struct json_slice v, struct user_id *out);
bool user_id_equal(const struct user_id *a, const struct user_id *b);

/* Write it in its JSON type; key NULL: as an element of an array. */
void user_id_put(struct json_out *o, const char *key, const struct user_id *id);

#define CALLS_NAME_MAX 255    /* bytes of a person's name, of whoever proved it */
#define CALLS_AVATAR_MAX 1023 /* of the address of a picture */

/* Who somebody is, by a proof. */
struct calls_identity {
	struct user_id id;
	char name[CALLS_NAME_MAX + 1];	   /* "": unknown */
	char avatar[CALLS_AVATAR_MAX + 1]; /* "": unknown */
	int64_t expires_s;		   /* the proof, Unix time; 0: never */
};

struct identity;    /* everyone */
struct user;	    /* one of them */
struct call_socket; /* one connection; at most one user at a time */

struct identity_limits {
	size_t sockets_max; /* connections, identified or not */
	size_t sockets_per_user_max;
};

/* Returns 0 and the caller's *out, -ENOMEM. */
int identity_new(struct identity **out, const struct identity_limits *limits);
void identity_free(struct identity *id); /* sockets and users with it; NULL is fine */

/* A connection appeared. handle is the application's, never looked at here;
 * address (copied) is the client's IP address as text.
 * Returns 0, -ENOSPC (too many), -ENOMEM. */
int call_socket_new(struct identity *id, void *handle, const char *address,
		    struct call_socket **out);
void call_socket_free(struct call_socket *s); /* leaves its user first; NULL is fine */

/* Make the socket this user's; it leaves the user it was before. Joining as
 * the same user again changes nothing. The user keeps the JSON type of the
 * join that made it known.
 * Returns 1 (joined), 0 (was already), -ENOSPC (the user has too many sockets;
 * the socket stays what it was), -ENOMEM. */
int call_socket_join(struct call_socket *s, const struct user_id *who);
void call_socket_leave(struct call_socket *s); /* nobody's and not registered afterwards */

/* Its user wants calls here, from now on until it leaves. The socket has a user.
 * False: it was registered already. */
bool call_socket_register(struct call_socket *s);
bool call_socket_registered(const struct call_socket *s);

void *call_socket_handle(const struct call_socket *s); /* NULL after call_socket_mute() */
void call_socket_mute(struct call_socket *s); /* the connection is gone: forget the handle */

/* A socket that was muted and not freed yet; NULL: none. */
struct call_socket *identity_first_muted(const struct identity *id);

uint64_t call_socket_serial(const struct call_socket *s); /* never used twice, never 0 */
const char *call_socket_address(const struct call_socket *s);
struct user *call_socket_user(const struct call_socket *s); /* NULL: not identified */

/* What is known about the person behind a socket beside the id, from whoever
 * authenticated it; both copied, NULL: nothing. Returns 0, -ENOMEM. */
int call_socket_set_profile(struct call_socket *s, const char *name, const char *avatar);
const char *call_socket_name(const struct call_socket *s);   /* NULL: unknown */
const char *call_socket_avatar(const struct call_socket *s); /* NULL: unknown */

/* Until when its token lets it start calls, in seconds since 1970; 0: for ever. */
void call_socket_set_expiry(struct call_socket *s, int64_t expires_s);
int64_t call_socket_expiry(const struct call_socket *s);
bool call_socket_expired(const struct call_socket *s, int64_t wall_ms);

/* It came with a token that had run out: for the calls that its user is in, and no others. */
void call_socket_set_remnant(struct call_socket *s, bool remnant);
bool call_socket_remnant(const struct call_socket *s);

/* The socket is nobody's yet and has until then to be somebody's. Whoever does
 * not identify it in time takes it out, once, with identity_take_overdue(). The
 * same time ahead for all. */
void call_socket_await(struct call_socket *s, uint64_t until_ms);
struct call_socket *identity_take_overdue(struct identity *id, uint64_t now_ms); /* NULL: none */

/* Has this socket been told about that thing (a hash)? Remembers it for the next
 * time; of the last 16 things. */
#define CALL_SOCKET_TOLD_MAX 16
bool call_socket_told(struct call_socket *s, uint64_t hash);

/* It was told that a call is over. From then on it may be an echo of that what it says
 * of an end; what was never told of one echoes nothing. */
void call_socket_set_ended(struct call_socket *s);
bool call_socket_was_ended(const struct call_socket *s);

/* How many live calls this socket speaks for a member of; kept by who makes it a leg. */
void call_socket_count_legs(struct call_socket *s, int more);
unsigned call_socket_legs(const struct call_socket *s);

/* The call id promised to this socket by an ice:request; "" when none is. */
struct call_reservation {
	char call_id[TURN_CALL_ID_LEN + 1];
	char user[TURN_USER_ID_MAX + 1]; /* in whose credentials it is */
	uint64_t until_ms;
	int64_t granted_until_s; /* the latest expiry of those credentials; 0: none yet */
};
struct call_reservation *call_socket_reservation(struct call_socket *s);

/* The shipped Windows client's event, call_signal. */
struct call_socket_signals {
	bool hears;  /* offers made with it are passed on to this socket */
	bool speaks; /* it is in a call by it, and is told of that in its words */
};
struct call_socket_signals *call_socket_signals(struct call_socket *s);

struct user *identity_find(const struct identity *id, const char *user); /* NULL: not here */
struct user *identity_next_user(const struct identity *id, const struct user *prev);
size_t identity_users_n(const struct identity *id);
size_t identity_sockets_n(const struct identity *id); /* identified or not */

const struct user_id *user_id_of(const struct user *u);
void user_set_number(struct user *u);		/* its id is written as a JSON number from now on */
size_t user_sockets_n(const struct user *u);	/* identified ones */
size_t user_registered_n(const struct user *u); /* of those */

/* Walks; NULL starts, NULL ends. All sockets: the registered ones last, in the
 * order of registering. Nobody may join, register or leave while walking. */
struct call_socket *user_next_socket(const struct user *u, const struct call_socket *prev);
struct call_socket *user_next_registered(const struct user *u, const struct call_socket *prev);

#endif
