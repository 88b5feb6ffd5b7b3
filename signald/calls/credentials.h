/* credentials.h - iceServers: where STUN and TURN are, and who may use them
 *
 * Urls come from configuration alone, never from a request. Names and
 * passwords are made with the secret both daemons share; which, says signing.h. Pure; loop thread
 * only. Nothing here may be logged. */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <stdint.h>

#include "json_text.h"
#include "signing.h"
#include "turn_credential.h"

#define CREDENTIALS_URLS_MAX 16 /* of each kind */
#define CREDENTIALS_URL_BYTES_MAX 255
#define CREDENTIALS_TTL_MIN_S 60

/* More than any iceServers text of these limits takes. */
#define CREDENTIALS_JSON_MAX 16384

struct credentials;

struct credentials_config {
	const char *const *stun_urls; /* "stun:host:port" ...; NULL ends the list; copied */
	const char *const *turn_urls; /* "turn:host:port?transport=udp" ... */
	uint32_t ttl_s;		      /* of what is handed out unasked */
	uint32_t ttl_max_s;	      /* of what is asked for */
};

/* Returns 0 and the caller's *out, -EINVAL (a url that is none of stun:,
 * stuns:, turn:, turns:, or a ttl below CREDENTIALS_TTL_MIN_S), -E2BIG (too
 * many, or too long), -ENOMEM. */
int credentials_new(struct credentials **out, const struct credentials_config *cfg);
void credentials_free(struct credentials *cr); /* NULL is fine */

/* Who knows the secret to sign with; a loan until the next call. NULL: there is none. */
void credentials_set_signing(struct credentials *cr, const struct signing *signing);

struct turn_grant {
	char name[TURN_NAME_MAX + 1];
	char password[TURN_PASSWORD_LEN + 1];
	int64_t expiry_s; /* since 1970 */
};

/* A name and password for user, and for call alone if that is not NULL.
 * ttl_s 0: the configured one; others are clamped to
 * CREDENTIALS_TTL_MIN_S..ttl_max_s. No name outlives the not-after of the secret that signs it:
 * turnserver would not take it any more.
 * Returns 0, -EINVAL (an id against the grammar), -ENOKEY (no secret to sign
 * with is active), -EIO (the crypto library failed). */
int credentials_grant(const struct credentials *cr, const char *user, const char *call,
		      uint64_t ttl_s, int64_t now_s, struct turn_grant *out);

/* Write [{"urls":"stun:..."},{"urls":["turn:..."],"username":..,"credential":..}]:
 * one entry for each STUN url, one for all of TURN. Lack of room shows in
 * o->failed. turn_servers: the TURN entry alone, still an array. */
void credentials_put_ice_servers(const struct credentials *cr, struct json_out *o,
				 const struct turn_grant *grant);
void credentials_put_turn_servers(const struct credentials *cr, struct json_out *o,
				  const struct turn_grant *grant);

#endif
