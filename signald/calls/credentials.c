/* credentials.c - names, passwords and the iceServers text */
#include "credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct credentials {
	char *stun_urls[CREDENTIALS_URLS_MAX];
	char *turn_urls[CREDENTIALS_URLS_MAX];
	size_t stun_n, turn_n;
	uint32_t ttl_s, ttl_max_s;
	const struct signing *signing;
};

/* RFC 7064 and RFC 7065: scheme, then what a browser is to parse. */
static int check_url(const char *url, const char *scheme, const char *secure_scheme)
{
	const char *colon = strchr(url, ':');
	size_t n = colon ? (size_t)(colon - url) : 0;

	if (n == 0 || colon[1] == '\0')
		return -EINVAL;
	if (!(strlen(scheme) == n && memcmp(url, scheme, n) == 0) &&
	    !(strlen(secure_scheme) == n && memcmp(url, secure_scheme, n) == 0))
		return -EINVAL;
	if (strlen(url) > CREDENTIALS_URL_BYTES_MAX)
		return -E2BIG;
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
			return -EINVAL;
	return 0;
}

static int copy_urls(char **to, size_t *n, const char *const *from, const char *scheme,
		     const char *secure_scheme)
{
	for (; from && *from; from++) {
		int rc = check_url(*from, scheme, secure_scheme);

		if (rc < 0)
			return rc;
		if (*n == CREDENTIALS_URLS_MAX)
			return -E2BIG;
		to[*n] = strdup(*from);
		if (!to[*n])
			return -ENOMEM;
		(*n)++;
	}
	return 0;
}

int credentials_new(struct credentials **out, const struct credentials_config *cfg)
{
	struct credentials *cr;
	int rc;

	if (cfg->ttl_s < CREDENTIALS_TTL_MIN_S || cfg->ttl_max_s < CREDENTIALS_TTL_MIN_S)
		return -EINVAL;
	cr = calloc(1, sizeof(*cr));
	if (!cr)
		return -ENOMEM;
	cr->ttl_s = cfg->ttl_s;
	cr->ttl_max_s = cfg->ttl_max_s;
	rc = copy_urls(cr->stun_urls, &cr->stun_n, cfg->stun_urls, "stun", "stuns");
	if (rc == 0)
		rc = copy_urls(cr->turn_urls, &cr->turn_n, cfg->turn_urls, "turn", "turns");
	if (rc < 0) {
		credentials_free(cr);
		return rc;
	}
	*out = cr;
	return 0;
}

void credentials_free(struct credentials *cr)
{
	if (!cr)
		return;
	for (size_t i = 0; i < cr->stun_n; i++)
		free(cr->stun_urls[i]);
	for (size_t i = 0; i < cr->turn_n; i++)
		free(cr->turn_urls[i]);
	free(cr);
}

void credentials_set_signing(struct credentials *cr, const struct signing *signing)
{
	cr->signing = signing;
}

static uint32_t choose_ttl(const struct credentials *cr, uint64_t asked_s)
{
	if (asked_s == 0)
		return cr->ttl_s;
	if (asked_s < CREDENTIALS_TTL_MIN_S)
		return CREDENTIALS_TTL_MIN_S;
	return asked_s > cr->ttl_max_s ? cr->ttl_max_s : (uint32_t)asked_s;
}

int credentials_grant(const struct credentials *cr, const char *user, const char *call,
		      uint64_t ttl_s, int64_t now_s, struct turn_grant *out)
{
	const struct secret *secret = cr->signing ? signing_secret(cr->signing, now_s, NULL) : NULL;
	int rc;

	if (!secret)
		return -ENOKEY;
	if (now_s < 0)
		return -EINVAL;
	out->expiry_s = now_s + choose_ttl(cr, ttl_s);
	if (out->expiry_s > secret->not_after_s)
		out->expiry_s = secret->not_after_s;
	rc = turn_name_format(out->name, sizeof(out->name), (uint64_t)out->expiry_s, user, call);
	if (rc < 0)
		return rc;
	return turn_password(out->password, secret->value, out->name);
}

static void put_turn(const struct credentials *cr, struct json_out *o,
		     const struct turn_grant *grant)
{
	if (cr->turn_n == 0)
		return;
	json_out_open(o, '{');
	json_out_key(o, "urls");
	json_out_open(o, '[');
	for (size_t i = 0; i < cr->turn_n; i++)
		json_out_string(o, cr->turn_urls[i]);
	json_out_close(o, ']');
	json_put_string(o, "username", grant->name);
	json_put_string(o, "credential", grant->password);
	json_out_close(o, '}');
}

void credentials_put_ice_servers(const struct credentials *cr, struct json_out *o,
				 const struct turn_grant *grant)
{
	json_out_open(o, '[');
	for (size_t i = 0; i < cr->stun_n; i++) {
		json_out_open(o, '{');
		json_put_string(o, "urls", cr->stun_urls[i]);
		json_out_close(o, '}');
	}
	put_turn(cr, o, grant);
	json_out_close(o, ']');
}

void credentials_put_turn_servers(const struct credentials *cr, struct json_out *o,
				  const struct turn_grant *grant)
{
	json_out_open(o, '[');
	put_turn(cr, o, grant);
	json_out_close(o, ']');
}
