/* admin_tokens.h - who the admin API is for: tokens with names
 *
 * A file of lines "NAME TOKEN"; blank lines and those that begin with '#' do not count. One line
 * that is a token alone is that of "admin"; without any nobody is let in. Each admin has an own
 * one, so that the log says who asked and one can be taken back. Kept as SHA-256, compared in
 * constant time over all. A file that is broken when it is read again leaves the tokens there were,
 * and that is logged. Loop thread only; admin_tokens_parse() is pure. */
#ifndef ADMIN_TOKENS_H
#define ADMIN_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "secret_file.h"

#define ADMIN_TOKENS_MAX 64
#define ADMIN_NAME_MAX 32   /* letters, digits, '.', '_', '-' */
#define ADMIN_TOKEN_MIN 16  /* bytes */
#define ADMIN_TOKEN_MAX 512 /* bytes */
#define ADMIN_NAME_DEFAULT "admin"

struct admin_token {
	char name[ADMIN_NAME_MAX + 1];
	uint8_t sha256[32];
};

struct admin_token_set {
	struct admin_token v[ADMIN_TOKENS_MAX];
	size_t n;
};

struct admin_tokens;

/* Read a file's text. Returns 0, -EINVAL (with *err: a line and what is wrong with it; never the
 * token), -EIO. */
int admin_tokens_parse(struct admin_token_set *out, const char *text, size_t n,
		       struct secret_error *err);

/* Read the file at path (a loan for life); NULL: there is none, and nobody is let in. Returns 0 and
 * the caller's *out, -ENOMEM, or why the file cannot be used, which was logged. */
int admin_tokens_new(struct admin_tokens **out, const char *path);
void admin_tokens_free(struct admin_tokens *t); /* NULL is fine */

void admin_tokens_read(struct admin_tokens *t);		   /* again, changed or not */
void admin_tokens_read_if_changed(struct admin_tokens *t); /* every few seconds */

/* Whose token does an Authorization header's value carry: "Bearer T", or the bare token as the
 * original's example sends it? authorization NULL: nobody's. Returns the name, a loan until the
 * file is read again; NULL: nobody's. */
const char *admin_tokens_match(const struct admin_tokens *t, const char *authorization);

#endif
