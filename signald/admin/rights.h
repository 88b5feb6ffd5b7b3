/* rights.h - who may have what over REST, and how often
 *
 * Looks at what a request shows (a token, the admin's, the site key) and at the address it comes
 * from. Whose a token is, others say. Pure but for the log; loop thread only. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/admin_tokens.h"
#include "admin/site_key.h"
#include "auth/token.h"

struct client_address;
struct rights;

#define RIGHTS_SITE_PER_MINUTE 30 /* credentials for the site key, an address */
#define RIGHTS_SITE_TTL_S 3600	  /* at most */

struct rights_config {
	bool open;			  /* anybody has credentials of anybody */
	const struct admin_tokens *admin; /* loans for life; none in it: no such right */
	const struct site_key *site_key;
	unsigned failures_per_minute;	 /* with a wrong token, an address; 0: no limit */
	unsigned credentials_per_minute; /* asked for, an address; 0: no limit */
};

/* What a request shows; loans. */
struct rights_asker {
	const char *authorization; /* the header; NULL: absent */
	const char *query;	   /* raw; "" without */
	const struct client_address *client;
	const char *address; /* the same as text, for the log */
	uint64_t now_ms;     /* monotonic */
};

enum right {
	RIGHT_FULL,	/* whatever was asked for */
	RIGHT_UNPROVEN, /* credentials of "~ID", for RIGHTS_SITE_TTL_S at most */
	RIGHT_TOKEN,	/* what the token's owner may have */
	RIGHT_NONE,	/* nothing was shown that counts: 401 */
	RIGHT_REFUSED,	/* a site key, and not ours: 403 */
	RIGHT_LIMITED,	/* too often: 429 */
};

struct rights_counters {
	uint64_t admin_failures;      /* wrong tokens for the admin API */
	uint64_t token_failures;      /* wrong tokens for credentials */
	uint64_t failures_limited;    /* not even looked at: too many failures of the address */
	uint64_t site_refused;	      /* wrong site keys */
	uint64_t site_limited;	      /* too many credentials for the site key */
	uint64_t credentials_limited; /* too many altogether */
	uint64_t foreign;	      /* good tokens, for somebody else's credentials */
};

/* cfg is copied. Returns 0, -ENOMEM, -EIO. */
int rights_new(struct rights **out, const struct rights_config *cfg);
void rights_free(struct rights *r); /* NULL is fine */

/* May the admin API be read? RIGHT_FULL (whose token that was is logged, now and then), RIGHT_NONE
 * (a failure, counted and logged), RIGHT_LIMITED: after too many failures even the right token
 * waits, or it could be guessed. */
enum right rights_admin(struct rights *r, const struct rights_asker *a);

/* May credentials be had? RIGHT_TOKEN: it is in token, n bytes; once it turns out to be nobody's,
 * rights_token_failed() is to be told. */
enum right rights_credentials(struct rights *r, const struct rights_asker *a,
			      char token[TOKEN_BYTES_MAX + 1], size_t *n);
void rights_token_failed(struct rights *r, const struct client_address *client, const char *address,
			 uint64_t now_ms);
void rights_foreign(struct rights *r); /* it was somebody else's */

/* Seconds until it is worth asking again, after RIGHT_LIMITED; at least 1. */
unsigned rights_wait_s(const struct rights *r, const struct rights_asker *a);

const struct rights_counters *rights_counters(const struct rights *r);

#endif
