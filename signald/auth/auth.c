/* auth.c - see auth.h */
#include "auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "log.h"
#include "token_keys.h"
#include "transport/http_text.h"

struct auth {
	struct token_rules rules;
	struct token_keys *keys;
	struct auth_counters counters;
};

int auth_new(struct auth **out, const struct auth_config *cfg)
{
	struct auth *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->rules = cfg->rules;
	r = token_keys_new(&a->keys, cfg->keys, cfg->keys_n);
	if (r) {
		auth_free(a);
		return r;
	}
	*out = a;
	return 0;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	token_keys_free(a->keys);
	free(a);
}

void auth_read(struct auth *a)
{
	token_keys_read(a->keys);
}

void auth_read_if_changed(struct auth *a)
{
	token_keys_read_if_changed(a->keys);
}

int auth_verify(struct auth *a, const char *token, size_t n, int64_t now_s,
		struct calls_identity *out)
{
	enum token_fault why;
	int r = token_verify(&a->rules, a->keys, token, n, now_s, out, &why);

	if (r == 0) {
		a->counters.verified++;
		return 0;
	}
	a->counters.refused[why]++;
	log_debug("auth", "a token is refused: %s", token_fault_name(why));
	return r;
}

int auth_verify_json(struct auth *a, struct json_slice token, int64_t now_s,
		     struct calls_identity *out)
{
	char text[TOKEN_BYTES_MAX + 1];
	int n = json_string(token, text, sizeof(text));
	int r;

	if (n < 0) {
		a->counters.refused[TOKEN_MALFORMED]++;
		return -EACCES;
	}
	r = auth_verify(a, text, (size_t)n, now_s, out);
	OPENSSL_cleanse(text, (size_t)n);
	return r;
}

const struct auth_counters *auth_counters(const struct auth *a)
{
	return &a->counters;
}

/* --- where it stands in a request --- */

/* RFC 9110 section 11.1: the scheme's case does not matter, one space or more. */
static int of_header(const char *authorization, char *out)
{
	static const char scheme[] = "Bearer ";
	size_t n;

	if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1))
		return 0;
	authorization += sizeof(scheme) - 1;
	authorization += strspn(authorization, " ");
	n = strlen(authorization);
	while (n && authorization[n - 1] == ' ')
		n--;
	if (n > TOKEN_BYTES_MAX)
		return -EINVAL;
	memcpy(out, authorization, n);
	out[n] = '\0';
	return (int)n;
}

static int of_query(const char *query, char *out)
{
	static const char *const keys[] = { "access_token", "token" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int n = http_query_value(query, keys[i], out, TOKEN_BYTES_MAX + 1);

		if (n > 0)
			return n;
		if (n < 0 && n != -ENOENT)
			return -EINVAL;
	}
	return 0;
}

int auth_token_of_request(const char *authorization, const char *query,
			  char out[TOKEN_BYTES_MAX + 1])
{
	int n = of_header(authorization, out);

	return n ? n : of_query(query, out);
}
