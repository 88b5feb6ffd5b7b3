/* rights.c - see rights.h */
#include "admin/rights.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "client_address.h"
#include "log.h"
#include "rate.h"
#include "transport/http_text.h"

#define TOKEN "admin"
#define ADDRESSES_MAX 16384 /* of each rate */
#define FAILURES_LOGGED 20  /* lines a minute */
#define USES_LOGGED 6	    /* lines a minute of one name, for each thing it is used for */
#define USES_KEYS (4 * ADMIN_TOKENS_MAX)
#define KEY_MAX 512 /* bytes of a site key in a query */

static const char admin_api[] = "the admin API", credentials[] = "credentials";

struct rights {
	struct rights_config cfg;
	struct rate *failures, *site, *credentials, *lines, *uses;
	struct rights_counters counters;
};

static int make_rate(struct rate **out, unsigned per_minute)
{
	return rate_new(
		out, &(struct rate_config){ .per_minute = per_minute, .keys_max = ADDRESSES_MAX });
}

int rights_new(struct rights **out, const struct rights_config *cfg)
{
	struct rights *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	err = make_rate(&r->failures, cfg->failures_per_minute);
	if (!err)
		err = make_rate(&r->site, RIGHTS_SITE_PER_MINUTE);
	if (!err)
		err = make_rate(&r->credentials, cfg->credentials_per_minute);
	if (!err)
		err = rate_new(&r->lines, &(struct rate_config){ .per_minute = FAILURES_LOGGED });
	if (!err)
		err = rate_new(&r->uses, &(struct rate_config){ .per_minute = USES_LOGGED,
								.keys_max = USES_KEYS });
	if (err) {
		rights_free(r);
		return err;
	}
	*out = r;
	return 0;
}

void rights_free(struct rights *r)
{
	if (!r)
		return;
	rate_free(r->failures);
	rate_free(r->site);
	rate_free(r->credentials);
	rate_free(r->lines);
	rate_free(r->uses);
	free(r);
}

/* --- failures ----------------------------------------------------------------------- */

static void failed(struct rights *r, const struct client_address *client, const char *address,
		   const char *what, uint64_t now_ms)
{
	rate_take_client(r->failures, client, now_ms);
	if (rate_take(r->lines, "", now_ms))
		log_warn(TOKEN, "%s: a wrong token for %s", address, what);
}

/* Is it an admin's token? Then the log has whose, and what for. */
static bool by_admin(struct rights *r, const struct rights_asker *a, const char *what)
{
	const char *name = admin_tokens_match(r->cfg.admin, a->authorization);
	char key[ADMIN_NAME_MAX + 32];

	if (!name)
		return false;
	snprintf(key, sizeof(key), "%s %s", name, what);
	if (rate_take(r->uses, key, a->now_ms))
		log_info(TOKEN, "%s: %s, with the token of %s", a->address, what, name);
	return true;
}

static bool locked(const struct rights *r, const struct rights_asker *a)
{
	return rate_wait_client_s(r->failures, a->client, a->now_ms) > 0;
}

enum right rights_admin(struct rights *r, const struct rights_asker *a)
{
	if (locked(r, a)) {
		r->counters.failures_limited++;
		return RIGHT_LIMITED;
	}
	if (by_admin(r, a, admin_api))
		return RIGHT_FULL;
	r->counters.admin_failures++;
	failed(r, a->client, a->address, admin_api, a->now_ms);
	return RIGHT_NONE;
}

void rights_token_failed(struct rights *r, const struct client_address *client, const char *address,
			 uint64_t now_ms)
{
	r->counters.token_failures++;
	failed(r, client, address, credentials, now_ms);
}

void rights_foreign(struct rights *r)
{
	r->counters.foreign++;
}

/* --- credentials -------------------------------------------------------------------- */

static enum right by_site_key(struct rights *r, const struct rights_asker *a, const char *key)
{
	if (!site_key_is(r->cfg.site_key, key)) {
		r->counters.site_refused++;
		return RIGHT_REFUSED;
	}
	if (rate_take_client(r->site, a->client, a->now_ms))
		return RIGHT_UNPROVEN;
	r->counters.site_limited++;
	return RIGHT_LIMITED;
}

/* A user's token that is wrong counts as a failure, too: it may have been a guess at the admin's.
 * That one is not compared any more after too many; users' own are. */
enum right rights_credentials(struct rights *r, const struct rights_asker *a,
			      char token[TOKEN_BYTES_MAX + 1], size_t *n)
{
	char key[KEY_MAX + 1];
	int length;

	if (!rate_take_client(r->credentials, a->client, a->now_ms)) {
		r->counters.credentials_limited++;
		return RIGHT_LIMITED;
	}
	if (r->cfg.open)
		return RIGHT_FULL;
	if (!locked(r, a) && by_admin(r, a, credentials))
		return RIGHT_FULL;
	length = auth_token_of_request(a->authorization, a->query, token);
	if (length > 0) {
		*n = (size_t)length;
		return RIGHT_TOKEN;
	}
	if (length < 0) {
		rights_token_failed(r, a->client, a->address, a->now_ms);
		return RIGHT_NONE;
	}
	if (r->cfg.site_key->set && http_query_value(a->query, "s", key, sizeof(key)) > 0)
		return by_site_key(r, a, key);
	return RIGHT_NONE;
}

static unsigned longer(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

unsigned rights_wait_s(const struct rights *r, const struct rights_asker *a)
{
	unsigned wait_s = rate_wait_client_s(r->failures, a->client, a->now_ms);

	wait_s = longer(wait_s, rate_wait_client_s(r->site, a->client, a->now_ms));
	wait_s = longer(wait_s, rate_wait_client_s(r->credentials, a->client, a->now_ms));
	return longer(wait_s, 1);
}

const struct rights_counters *rights_counters(const struct rights *r)
{
	return &r->counters;
}
