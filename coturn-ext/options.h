/* options.h - turnserver's options of the admin socket and the secrets: collected, then checked
 *
 * A bad value is kept as an error text until the caller asks, because options
 * are read before the log is open. Main thread. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define OPTIONS_USERS_MAX 16
#define OPTIONS_INTERVAL_DEFAULT_S 2
#define OPTIONS_INTERVAL_MAX_S 3600

enum option_id { OPTION_SOCKET, OPTION_GROUP, OPTION_USER, OPTION_INTERVAL, OPTION_SECRETS };

/* Zeroed is "nothing given". */
struct options {
	char *socket_path;  /* NULL: no admin socket */
	char *secrets_path; /* NULL: no auth-secrets file */
	unsigned interval_s;
	bool has_group;
	gid_t group;
	uid_t users[OPTIONS_USERS_MAX];
	size_t users_n;
	char error[200]; /* the first mistake; "" = none */
};

/* Take one option. Later values replace earlier ones; users add up. */
void options_set(struct options *o, enum option_id id, const char *value);

/* All options were read: fill in defaults. Returns 0, -EINVAL with o->error. */
int options_finish(struct options *o);
void options_clear(struct options *o);

#endif
