/* revoke_list.h - the calls whose names turnserver is to refuse, until it said it does
 *
 * A call that ended must not be relayed for any more, as long as somebody holds credentials with
 * its id. An entry is kept until turnserver accepted the revocation (it keeps that over its own
 * restarts), and asked for again after each snapshot: a command may be lost with its connection.
 * An id is made for one call and never given to another, so nobody who is still welcome is hit; and
 * it never stands for a shared name, in which turnserver reads no call.
 *
 * now_s and until_s are seconds since 1970. Deciding code: no sockets, no clock. Loop thread only.
 */
#ifndef REVOKE_LIST_H
#define REVOKE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REVOKE_LIST_MAX 16384 /* waiting; one more and the oldest is given up */
#define REVOKE_SLACK_S 60     /* beyond the last credentials: clocks are set at times */

struct revoke_list_counters {
	uint64_t revocations_accepted, revocations_refused; /* by turnserver */
	uint64_t revocations_dropped;			    /* given up: the list was full */
	uint64_t revocations_expired; /* given up: no credentials are left, all is well */
};

/* Ask turnserver. Returns 0 with the command's id, which its reply will carry and which is never 0,
 * or -errno: not now. It must not call back into the list. */
typedef int (*revoke_send_fn)(void *arg, const char *call_id, int64_t until_s,
			      uint64_t *command_id);

struct revoke_list;

/* max 0: the default. Returns 0, -ENOMEM. */
int revoke_list_new(struct revoke_list **out, size_t max, revoke_send_fn send, void *arg);
void revoke_list_free(struct revoke_list *l); /* NULL is fine */

/* The call ended; the credentials with its id are good until granted_until_s (0: signald made
 * none). Sent now if it can be, also when they have lapsed: an allocation outlives the credentials
 * it was made with, and the revocation is what ends it. Returns 0, -EINVAL (no call id), -ENOMEM.
 */
int revoke_list_add(struct revoke_list *l, const char *call_id, int64_t granted_until_s,
		    int64_t now_s);

/* The snapshot is through: send all that still matter. */
void revoke_list_synced(struct revoke_list *l, int64_t now_s);

/* turnserver answered some command, perhaps one of ours. Refused ones are tried again after the
 * next snapshot. */
void revoke_list_reply(struct revoke_list *l, uint64_t command_id, bool ok);

size_t revoke_list_waiting(const struct revoke_list *l);
const struct revoke_list_counters *revoke_list_counters(const struct revoke_list *l);

#endif
