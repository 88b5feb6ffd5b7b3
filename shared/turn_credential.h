/* turn_credential.h - time-limited TURN user names and passwords
 *
 * The one grammar of both daemons, after draft-uberti-behave-turn-rest-00:
 *	name     = expiry [":" user [":" call]]     ("expiry:user:call" is ours)
 *	         | user ":" expiry                  (stock coturn's other form; never has a call)
 *	user     = id | "~" id                      (who is id; who only says so)
 *	password = base64(HMAC-SHA1(secret, name))
 * expiry is seconds since 1970 in decimal; id is an integer or 1-64 bytes of
 * [A-Za-z0-9._@+-], 63 behind a "~"; call is 22 URL-safe characters made by
 * signald. Nobody's id begins with "~", so "~7" never counts as 7.
 * Pure but for turn_call_id_new(); any thread. */
#ifndef TURN_CREDENTIAL_H
#define TURN_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TURN_USER_ID_MAX 64	/* bytes */
#define TURN_CALL_ID_LEN 22	/* characters: 132 random bits */
#define TURN_NAME_MAX 512	/* bytes; coturn's STUN_MAX_USERNAME_SIZE */
#define TURN_PASSWORD_LEN 28	/* base64 of 20 bytes */
#define TURN_SECRET_CHECK_LEN 8 /* hex digits */

struct turn_name {
	uint64_t expiry_s;		 /* seconds since 1970 */
	char user[TURN_USER_ID_MAX + 1]; /* "" when the name carries none */
	char call[TURN_CALL_ID_LEN + 1]; /* "" when the name carries none */
};

/* Read a name. What follows a second ':' and is no call id is not ours:
 * then call is "" and user is what stands between the two, if that is one.
 * Returns 0, -EINVAL (no expiry in it, or no name of this grammar). */
int turn_name_parse(const char *name, size_t n, struct turn_name *out);

/* Write "expiry:user" or, with call not NULL and not "", "expiry:user:call".
 * Returns the length, -EINVAL (a part against the grammar), -ENOBUFS. */
int turn_name_format(char *out, size_t size, uint64_t expiry_s, const char *user, const char *call);

/* The password for a name. Returns 0, -EIO (the crypto library failed). */
int turn_password(char out[TURN_PASSWORD_LEN + 1], const char *secret, const char *name);

/* The long-term key, MD5(name:realm:password) of RFC 8489 section 9.2.2, of
 * strings already prepared (none of ours needs it). Returns 0, -EIO. */
int turn_long_term_key(uint8_t key[16], const char *name, const char *realm, const char *password);

/* Was this long-term key made with this secret? Constant time in the key. */
bool turn_key_matches(const uint8_t key[16], const char *name, const char *realm,
		      const char *secret);

/* What turnserver announces beside a secret's id, so that another value under
 * an old id is seen: the first 4 bytes, in hex, of HMAC-SHA256(secret,
 * "announce:" epoch). The epoch, fresh at each start, keeps it from being
 * looked up in a table made before. Returns 0, -EIO. */
int turn_secret_check(char out[TURN_SECRET_CHECK_LEN + 1], const char *secret, const char *epoch);

bool turn_user_id_valid(const char *id, size_t n);
bool turn_name_user_valid(const char *user, size_t n); /* an id, or "~" and an id */
bool turn_call_id_valid(const char *id, size_t n);

/* A fresh call id. Returns 0, -EIO (no randomness). */
int turn_call_id_new(char out[TURN_CALL_ID_LEN + 1]);

#endif
