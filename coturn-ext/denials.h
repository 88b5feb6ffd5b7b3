/* denials.h - who was refused and why, told at a rate that no flood can raise
 *
 * Each thread that refuses has a source: a small table of (client, reason)
 * and a ring of records to main. The first refusal is told at once; those of
 * the next second are counted, and told as one with their number when the
 * second is over. The table has a fixed size: under a flood of clients the
 * stalest goes, and what it had counted is told first. A thread makes no more
 * than DENIAL_TOLD_MAX records in a period; a full ring drops and counts.
 * Nobody waits, and nothing is allocated after a source is made. */
#ifndef DENIALS_H
#define DENIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "turn_credential.h"

#define DENIAL_SOURCES_MAX 256 /* threads */
#define DENIAL_CLIENTS_MAX 256 /* (client, reason) pairs a thread remembers */
#define DENIAL_RING_MAX 64     /* records a thread may be ahead of main */
#define DENIAL_TOLD_MAX 64     /* records a thread makes in one period */
#define DENIAL_PERIOD_MS 1000

enum denial_reason {
	DENIAL_USER_LIMIT,
	DENIAL_CALL_LIMIT,
	DENIAL_TAG_LIMIT,
	DENIAL_CLIENT_LIMIT,
	DENIAL_QUOTA, /* coturn's own quotas, or no room to count */
	DENIAL_REVOKED,
	DENIAL_EXPIRED,
	DENIAL_DRAINING,
	DENIAL_REASONS
};

const char *denial_reason_word(enum denial_reason reason); /* as in the protocol */

struct denials;
struct denial_source;

/* What main takes. user and call are those of the latest refusal; "" = none. */
struct denial {
	enum denial_reason reason;
	char client[INET6_ADDRSTRLEN]; /* address without port */
	char user[TURN_USER_ID_MAX + 1];
	char call[TURN_CALL_ID_LEN + 1];
	uint64_t n; /* refusals it stands for */
};

int denials_new(struct denials **out); /* 0, -ENOMEM */
void denials_free(struct denials *d);  /* with its sources; no thread left; NULL is fine */

/* Called on the refusing thread when main has something to take and had
 * nothing before. Set before there are threads, or never. */
void denials_set_wake(struct denials *d, void (*wake)(void *arg), void *arg);

/* --- a thread that refuses ----------------------------------------------------- */

/* Make the calling thread's source; d owns it. NULL: no memory, or too many. */
struct denial_source *denial_source_new(struct denials *d);

/* user and call may be NULL. now_ms is monotonic. */
void denial_note(struct denial_source *s, enum denial_reason reason, const struct sockaddr *client,
		 const char *user, const char *call, uint64_t now_ms);

/* Tell what was counted while a second passed. About once a second. */
void denial_tick(struct denial_source *s, uint64_t now_ms);

/* --- main -------------------------------------------------------------------------- */

/* Take one record, the oldest of some thread. Returns false when there is
 * none; who stops before that comes back by itself, unwoken. */
bool denials_take(struct denials *d, struct denial *out);

/* Refusals that will never be told: a ring was full, or an entry gave way in
 * a flood. Any thread. */
uint64_t denials_dropped(const struct denials *d);

#endif
