/* options.h - turnserver's options of the admin socket and the secrets: collected, then checked
 *
 * A bad value is kept as an error text until the caller asks, because options
 * are read before the log is open. Main thread. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "admin_users.h"

#define OPTIONS_USERS_MAX ADMIN_USERS_MAX
#define OPTIONS_INTERVAL_DEFAULT_S 2
#define OPTIONS_INTERVAL_MAX_S 3600
#define OPTIONS_EXPIRY_GRACE_MAX_S 86400
#define OPTIONS_QUOTA_MAX 1000000
#define OPTIONS_PERMISSIONS_DEFAULT 256
#define OPTIONS_CHANNELS_DEFAULT 256
#define OPTIONS_PEERS_MAX 16384 /* the numbers that channels have */
#define OPTIONS_SOURCE_ANSWERS_DEFAULT 50
#define OPTIONS_STOP_WAIT_MAX_S 86400

#define OPTIONS_PATH_MAX 4096

enum option_id {
	OPTION_SOCKET,
	OPTION_GROUP,
	OPTION_USER,
	OPTION_INTERVAL,
	OPTION_SECRETS,
	OPTION_STATE_DIR,
	OPTION_STRICT_EXPIRY,
	OPTION_CALL_QUOTA,
	OPTION_TAG_QUOTA,
	OPTION_CLIENT_QUOTA,
	OPTION_ALLOW_PEERS,
	OPTION_PERMISSIONS_MAX,
	OPTION_CHANNELS_MAX,
	OPTION_SOURCE_ANSWERS,
	OPTION_STOP_WAIT,
};

/* Zeroed is "nothing given". */
struct options {
	char *socket_path;  /* NULL: no admin socket */
	char *secrets_path; /* NULL: no auth-secrets file */
	char *state_dir;    /* NULL: the folder of the socket */
	unsigned interval_s;
	unsigned call_quota, tag_quota, client_quota; /* allocations; 0: any number */
	unsigned allow_peers;			      /* bits of enum peer_range */
	unsigned permissions_max, channels_max;	      /* of an allocation */
	bool has_source_answers;
	unsigned source_answers_per_s; /* for each relay thread; 0: any number */
	bool strict_expiry;
	unsigned expiry_grace_s; /* with strict_expiry */
	unsigned stop_wait_s;	 /* for allocations to end by themselves */
	bool has_group;
	gid_t group;
	char *users[OPTIONS_USERS_MAX]; /* names; there need not be such a user */
	size_t users_n;
	char error[200]; /* the first mistake; "" = none */
};

/* Take one option. Later values replace earlier ones; users add up. */
void options_set(struct options *o, enum option_id id, const char *value);

/* All options were read: fill in defaults. A policy without what would apply it
 * is a mistake. Returns 0, -EINVAL with o->error. */
int options_finish(struct options *o);

/* The file of secrets was given where it cannot be used: as if it had not been. */
void options_forget_secrets(struct options *o);

/* Is a policy given that takes names apart? */
bool options_read_names(const struct options *o);

/* A file of the state folder. Returns 0, -ENAMETOOLONG. */
int options_state_path(const struct options *o, const char *file, char *out, size_t size);
void options_clear(struct options *o);

#endif
