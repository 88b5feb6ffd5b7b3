/* admin_users.c - see admin_users.h */
#include "admin_users.h"

#include <errno.h>
#include <pwd.h>

#include "admin_socket.h"
#include "log.h"

#define TOKEN "admin-socket"

/* The name service did not say no: it could not answer, and may tomorrow. */
static bool could_not_answer(int err)
{
	static const int errors[] = { EAGAIN, ECONNREFUSED, EINTR,  EIO,      EMFILE,
				      ENFILE, ENOMEM,	    ERANGE, ETIMEDOUT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (err == errors[i])
			return true;
	return false;
}

static int find_of_system(const char *name, uid_t *out)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (!pw)
		return could_not_answer(errno) ? -errno : -ENOENT;
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
	if (now_ms < u->rest_until_ms)
		return false;
	if (now_ms - u->window_ms >= ADMIN_USERS_LOOKS_MS) {
		u->window_ms = now_ms;
		u->looks = 0;
	}
	return u->looks < ADMIN_USERS_LOOKS;
}

static void look_one(struct admin_users *u, size_t i)
{
	uid_t uid;
	int r = u->find(u->names[i], &uid);

	if (r == 0 && !(u->found[i] && u->uids[i] == uid))
		log_info(TOKEN, "admin-socket-user: \"%.64s\" is there now, uid %lu", u->names[i],
			 (unsigned long)uid);
	if (r == 0)
		u->uids[i] = uid;
	if (r == -ENOENT && u->found[i])
		log_warn(TOKEN, "admin-socket-user: there is no user \"%.64s\" any more",
			 u->names[i]);
	if (r == 0 || r == -ENOENT)
		u->found[i] = r == 0;
}

static void look(struct admin_users *u, uint64_t now_ms)
{
	uint64_t began_ms = admin_now_ms(), took_ms;

	u->looks++;
	for (size_t i = 0; i < u->n; i++)
		look_one(u, i);
	took_ms = admin_now_ms() - began_ms;
	if (took_ms >= ADMIN_USERS_SLOW_MS)
		u->rest_until_ms = now_ms + took_ms + ADMIN_USERS_REST * took_ms;
}

static bool is_one(const struct admin_users *u, uid_t uid)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->found[i] && u->uids[i] == uid)
			return true;
	return false;
}

bool admin_users_permit(struct admin_users *u, uid_t uid, uint64_t now_ms)
{
	if (u->n && may_look(u, now_ms))
		look(u, now_ms);
	return is_one(u, uid);
}
