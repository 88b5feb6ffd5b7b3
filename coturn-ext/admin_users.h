/* admin_users.h - who may command on the admin socket, beside root and turnserver's own user
 *
 * They are given by name. One that does not exist (signald's package may be installed after ours)
 * is looked up again when somebody unknown connects or commands; how often is bounded, for that may
 * ask a directory service. Main only. */
#ifndef ADMIN_USERS_H
#define ADMIN_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ADMIN_USERS_MAX 16
#define ADMIN_USERS_LOOKS 10 /* rounds of looking up, at most, in so long: */
#define ADMIN_USERS_LOOKS_MS 10000

struct admin_users {
	const char *names[ADMIN_USERS_MAX]; /* loans */
	uid_t uids[ADMIN_USERS_MAX];
	bool found[ADMIN_USERS_MAX];
	size_t n;
	int (*find)(const char *name, uid_t *out);
	unsigned looks; /* since window_ms */
	uint64_t window_ms;
};

/* Look all of them up; who is not there is in the log. n: up to ADMIN_USERS_MAX; names are loans
 * for the struct's life. find: returns 0, -ENOENT; NULL: the system's users. */
void admin_users_init(struct admin_users *u, const char *const *names, size_t n,
		      int (*find)(const char *name, uid_t *out));

/* May this user command? now_ms: admin_now_ms(). */
bool admin_users_permit(struct admin_users *u, uid_t uid, uint64_t now_ms);

#endif
