/* config.h - signald.conf: one table of keys, one struct of values
 *
 * "key = value" lines, '#' starts a comment line; lists are comma-separated and
 * a list key may be repeated. An unknown key, a bad value and a key given twice
 * are errors with file and line. Pure but for config_load(); start-up only. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_LIST_MAX 32 /* entries of one list key */
#define CONFIG_FILE_BYTES_MAX 65536

/* A NULL-terminated list of strings. */
struct config_list {
	char *v[CONFIG_LIST_MAX + 1];
	size_t n;
};

struct config {
	struct config_list listen;
	struct config_list origins;
	struct config_list turn_urls;
	struct config_list stun_urls;
	char *relay_socket;	/* NULL: no turnserver to listen to */
	char *auth_secret_file; /* NULL: only what turnserver_conf has */
	char *turnserver_conf;	/* NULL: its static-auth-secret is of no interest */
	char *state_dir;	/* for the journal; used with relay_socket only */
	char *admin_token_file; /* NULL: the admin API answers 401 to everyone */
	char *demo_dir;		/* NULL: no demo page */
	char *log_level;
	uint32_t credential_ttl_max_s;
	uint32_t ring_timeout_s;
	uint32_t call_max_s;
	uint32_t leg_grace_s;
	uint32_t connections_max;
	uint32_t ping_interval_ms;
	uint32_t ping_timeout_ms;
};

struct config_error {
	unsigned line; /* 0: the file as a whole */
	char text[256];
};

/* All defaults. Returns 0, -ENOMEM. */
int config_init(struct config *c);
void config_deinit(struct config *c);

/* Read a file's text over the defaults, then check what must be there.
 * Returns 0, -EINVAL with *err filled, -ENOMEM. */
int config_parse(struct config *c, const char *text, size_t n, struct config_error *err);

/* Read a file. Besides those: -errno of open/read, -EFBIG, with *err filled. */
int config_load(struct config *c, const char *path, struct config_error *err);

/* Print the effective configuration (signald -p) or the table of keys for
 * people (signald --help-config). Paths only, no secrets. */
void config_print(const struct config *c, FILE *out);
void config_print_keys(FILE *out);

#endif
