/* admin_users.c - see admin_users.h */
#include "admin_users.h"

#include <errno.h>
#include <pwd.h>

#include "log.h"

#define TOKEN "admin-socket"

static int find_of_system(const char *name, uid_t *out)
{
	const struct passwd *pw = getpwnam(name);

	if (!pw)
		return -ENOENT;
	*out = pw->pw_uid;
	return 0;
}

void admin_users_init(struct admin_users *u, const char *const *names, size_t n,
		      int (*find)(const char *name, uid_t *out))
{
	*u = (struct admin_users){ .n = n, .find = find ? find : find_of_system };
	for (size_t i = 0; i < n; i++) {
		u->names[i] = names[i];
		u->found[i] = u->find(names[i], &u->uids[i]) == 0;
		if (!u->found[i])
			log_warn(TOKEN,
				 "admin-socket-user: there is no user \"%.64s\" yet; it is looked "
				 "up again when somebody connects",
				 names[i]);
	}
}

static bool may_look(struct admin_users *u, uint64_t now_ms)
{
	if (now_ms - u->window_ms >= ADMIN_USERS_LOOKS_MS) {
		u->window_ms = now_ms;
		u->looks = 0;
	}
	return u->looks < ADMIN_USERS_LOOKS;
}

static void look(struct admin_users *u)
{
	u->looks++;
	for (size_t i = 0; i < u->n; i++) {
		if (u->found[i] || u->find(u->names[i], &u->uids[i]) < 0)
			continue;
		u->found[i] = true;
		log_info(TOKEN, "admin-socket-user: \"%.64s\" is there now, uid %lu", u->names[i],
			 (unsigned long)u->uids[i]);
	}
}

static bool is_one(const struct admin_users *u, uid_t uid)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->found[i] && u->uids[i] == uid)
			return true;
	return false;
}

static bool all_found(const struct admin_users *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (!u->found[i])
			return false;
	return true;
}

bool admin_users_permit(struct admin_users *u, uid_t uid, uint64_t now_ms)
{
	if (is_one(u, uid))
		return true;
	if (all_found(u) || !may_look(u, now_ms))
		return false;
	look(u);
	return is_one(u, uid);
}
