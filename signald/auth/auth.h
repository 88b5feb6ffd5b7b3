/* auth.h - who a client is, by what it brought along
 *
 * Finds the token in a request, and asks token.h whose it is. Counts what was
 * refused, by reason; never logs a token. Loop thread only. */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token.h"

struct auth;

struct auth_config {
	const char *const *keys; /* lines of token_keys.h; copied */
	size_t keys_n;
	struct token_rules rules; /* its strings are loans for life */
};

struct auth_counters {
	uint64_t verified;
	uint64_t refused[TOKEN_FAULTS];
};

/* Returns 0, or -errno of token_keys_new(), logged. */
int auth_new(struct auth **out, const struct auth_config *cfg);
void auth_free(struct auth *a); /* NULL is fine */

/* Read the keys again, changed or not; or if they look changed (every few seconds). */
void auth_read(struct auth *a);
void auth_read_if_changed(struct auth *a);

/* Whose token is this? Returns 0 with *out filled, -EKEYEXPIRED (it was good
 * once; *out says whose), -EACCES. */
int auth_verify(struct auth *a, const char *token, size_t n, int64_t now_s,
		struct calls_identity *out);

/* The same for a token that stands in JSON, as a string. */
int auth_verify_json(struct auth *a, struct json_slice token, int64_t now_s,
		     struct calls_identity *out);

const struct auth_counters *auth_counters(const struct auth *a);

/* The token of a request: "Authorization: Bearer TOKEN" (RFC 6750 section 2.1),
 * else access_token= or token= of the raw query. authorization and query may be
 * NULL. out has room for TOKEN_BYTES_MAX and a NUL.
 * Returns its length; 0: there is none; -EINVAL: one that cannot be right (too
 * long, a broken escape). */
int auth_token_of_request(const char *authorization, const char *query,
			  char out[TOKEN_BYTES_MAX + 1]);

#endif
