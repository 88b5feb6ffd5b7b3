/* secret_file.h - the dated static-auth-secrets that turnserver and signald share
 *
 * One secret a line, '#' starts a comment line:
 *	id secret [not-before [not-after]] [[tag=NAME] users=a,b]
 * id: 1-32 of [A-Za-z0-9._-]; secret: 8-128 printable bytes without space;
 * the dates are UTC, 2026-12-31 or 2026-12-31T12:00:00Z, or seconds since 1970;
 * "-" or nothing is "always". A secret with users= authenticates only those
 * names and binds nobody to a call: such secrets are compiled into shipped apps,
 * so they are public. tag= is a label for those. The last newline may be
 * missing; writers replace the file by rename, because a line cut short can be
 * a right one.
 * No clock, no log; the caller reports errors. Any thread; a loaded set never
 * changes. */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_ID_MAX 32
#define SECRET_TAG_MAX 32
#define SECRET_USERS_MAX 32  /* names in one users= */
#define SECRETS_MAX 64	     /* lines in a file */
#define SECRETS_ACTIVE_MAX 8 /* tried for one authentication: each costs an HMAC */
#define SECRET_FILE_BYTES_MAX 65536

struct secret {
	char id[SECRET_ID_MAX + 1];
	char *value;
	int64_t not_before_s;	      /* INT64_MIN: always */
	int64_t not_after_s;	      /* INT64_MAX: always */
	char tag[SECRET_TAG_MAX + 1]; /* "" without */
	char **users;		      /* users_n names; NULL for an ordinary secret */
	size_t users_n;
};

struct secret_set {
	struct secret *v;
	size_t n;
};

struct secret_error {
	unsigned line;	/* 0: the file as a whole */
	char text[128]; /* what is wrong; never the secret */
};

/* Parse a file's text. Returns 0 and the caller's *out (free it with
 * secret_set_free), -EINVAL with *err filled, -ENOMEM. */
int secret_set_parse(const char *text, size_t n, struct secret_set **out, struct secret_error *err);

/* Read and parse a file. Besides those: -errno of open/read, -EFBIG. A file
 * that others may read or write is refused with -EPERM (mode & 0007). */
int secret_set_load(const char *path, struct secret_set **out, struct secret_error *err);
void secret_set_free(struct secret_set *s); /* wipes the secrets; NULL is fine */

bool secret_active(const struct secret *s, int64_t now_s);

/* May this secret authenticate this user? (An ordinary one: everyone.) */
bool secret_allows(const struct secret *s, const char *user);

/* The secret to sign with: active, without users=, and of those the one with
 * the greatest not-before; the last line among equals. NULL: none. */
const struct secret *secret_set_signing(const struct secret_set *s, int64_t now_s);

/* Is this user name one that many share (in any users=)? */
bool secret_set_is_shared_user(const struct secret_set *s, const char *user);

#endif
