/* call_table.h - all calls: by call id, by (user, roomName), by user
 *
 * A client names a call by the roomName it chose; that name counts only
 * together with the user who says it, so calls of other users with the same
 * name never meet. A call a member is out of is no longer among that user's
 * calls: it neither counts for the user's limit nor keeps the name from the
 * user's next call. Owns its calls: the live ones and the last ended ones.
 * Pure; loop thread only. */
#ifndef CALL_TABLE_H
#define CALL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "call.h"

struct call_table;

/* Invitations of a user at one time: so many to calls that ring, and to meshes so many more. They
 * are others' doing, so they keep nobody from making, answering or joining calls. */
#define CALL_INVITATIONS_MAX 32

struct call_table_limits {
	size_t live_max;
	size_t per_user_max; /* live calls a user is in */
	size_t ended_max;    /* ended ones kept to be shown */
};

/* Returns 0 and the caller's *out, -ENOMEM. */
int call_table_new(struct call_table **out, const struct call_table_limits *limits);
void call_table_free(struct call_table *t); /* its calls with it; NULL is fine */

/* May this call, which is not in the table, be one more of its i-th member's, in or invited as
 * that is? Returns 0, -EEXIST (has a live call of this roomName), -EDQUOT (has too many). */
int call_table_admits(const struct call_table *t, const struct call *c, size_t i);

/* May this user come into one more call? */
bool call_table_has_room(const struct call_table *t, const char *user);

/* Take a call over. On error it stays the caller's.
 * Returns 0, -EEXIST (this call id), -ENOSPC (too many calls), -ENOMEM, or as
 * call_table_admits() for a member who is not out. */
int call_table_add(struct call_table *t, struct call *c);

/* The state of the call's i-th member has changed. */
void call_table_member_changed(struct call_table *t, const struct call *c, size_t i);

/* The call has ended: it goes to the ended ones, and the oldest of those may
 * be freed. */
void call_table_end(struct call_table *t, struct call *c);

/* Live ones; NULL: none. */
struct call *call_table_find(const struct call_table *t, const char *call_id);
struct call *call_table_find_room(const struct call_table *t, const char *user,
				  const char *room_name);

/* The newest live call of this name that the user is out of; NULL: none. */
struct call *call_table_find_left(const struct call_table *t, const char *user,
				  const char *room_name);

/* The last ended call of this user and name; NULL: none is kept. */
struct call *call_table_find_ended(const struct call_table *t, const char *user,
				   const char *room_name);

/* The live calls that a user is not out of, oldest first (by when the user came or came back);
 * NULL starts, NULL ends. prev must still be one of them. */
struct call *call_table_next_of_user(const struct call_table *t, const char *user,
				     const struct call *prev);

/* All live ones by age. NULL starts and ends. The call given as prev may be ended after its
 * successor was fetched. */
struct call *call_table_next_live(const struct call_table *t, const struct call *prev);

/* A walk over all calls in as many turns as one likes: the live ones by age, then the kept ended
 * ones, last ended last. Between two steps calls may come and go: none is met twice, one that is
 * there from the first step to the last is met, one that is newer than the walk is not. */
#define CALL_WALKS_MAX 9 /* the clock's and 8 lists */
struct call_walk;

/* Returns 0 and the caller's *out, -ENOSPC (so many already), -ENOMEM. */
int call_walk_new(struct call_walk **out, const struct call_table *t);
void call_walk_again(struct call_walk *w); /* begins anew, with what is there now */
void call_walk_free(struct call_walk *w);  /* before its table; NULL is fine */

/* The next call, a loan until the table changes; NULL: there is none. The ended ones begin where
 * the live ones are over. */
struct call *call_walk_next_live(struct call_walk *w);
struct call *call_walk_next_ended(struct call_walk *w);

size_t call_table_live_n(const struct call_table *t);

#endif
