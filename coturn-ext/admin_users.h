/* admin_users.h - who may command on the admin socket, beside root and turnserver's own user
 *
 * They are given by name, and looked up again when somebody connects or, unknown, commands:
 * signald's package may be installed after ours, or purged and installed again, and a number may be
 * given to somebody else meanwhile. How often is bounded, and after a slow answer more so, for that
 * may ask a directory service, and main waits. What was known counts in between. Main only. */
#ifndef ADMIN_USERS_H
#define ADMIN_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ADMIN_USERS_MAX 16
#define ADMIN_USERS_LOOKS 10 /* rounds of looking up, at most, in so long: */
#define ADMIN_USERS_LOOKS_MS 10000
#define ADMIN_USERS_SLOW_MS 100 /* a round that takes so long is followed by a rest of */
#define ADMIN_USERS_REST 20	/* times as long as it took */

struct admin_users {
	const char *names[ADMIN_USERS_MAX]; /* loans */
	uid_t uids[ADMIN_USERS_MAX];
	bool found[ADMIN_USERS_MAX];
	size_t n;
	int (*find)(const char *name, uid_t *out);
	unsigned looks; /* since window_ms */
	uint64_t window_ms;
	uint64_t rest_until_ms; /* no round before */
};

/* Look all of them up; who is not there is in the log. n: up to ADMIN_USERS_MAX; names are loans
 * for the struct's life. find: returns 0, -ENOENT, or another below 0 when nobody could say, which
 * changes nothing; NULL: the system's users. */
void admin_users_init(struct admin_users *u, const char *const *names, size_t n,
		      int (*find)(const char *name, uid_t *out));

/* May this user command? now_ms: admin_now_ms(). */
bool admin_users_permit(struct admin_users *u, uid_t uid, uint64_t now_ms);

#endif
