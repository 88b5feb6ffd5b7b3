/* token.c - the header, then the signature, then the claims */
#include "token.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "token_keys.h"
#include "transport/base64.h"

#define MEMBER_NAME_MAX 128	  /* bytes of a member's name; ours are far shorter */
#define TIME_MAX_S 253402300799.0 /* the end of the year 9999: what is above is no seconds */

static const struct json_limits header_limits = { .depth = 4, .nodes = 32 };
static const struct json_limits claims_limits = { .depth = 16, .nodes = 256 };

static const jwt_alg_t library_algs[TOKEN_ALGS] = {
	[TOKEN_HS256] = JWT_ALG_HS256,
	[TOKEN_RS256] = JWT_ALG_RS256,
	[TOKEN_ES256] = JWT_ALG_ES256,
};

static const char *const fault_names[TOKEN_FAULTS] = {
	[TOKEN_MALFORMED] = "malformed",
	[TOKEN_ALG] = "alg",
	[TOKEN_KEY] = "key",
	[TOKEN_EXTENDED] = "extended",
	[TOKEN_SIGNATURE] = "signature",
	[TOKEN_EXPIRED] = "expired",
	[TOKEN_EARLY] = "early",
	[TOKEN_ISSUER] = "issuer",
	[TOKEN_CLAIMS] = "claims",
	[TOKEN_NO_MEMORY] = "no_memory",
};

/* A token on its way through: its parts, decoded. */
struct reading {
	const struct token_rules *rules;
	struct json_slice header, claims; /* in the two buffers */
	size_t signature_n;
	char text[TOKEN_BYTES_MAX + 1]; /* all of it, as the library wants it */
	uint8_t header_text[TOKEN_BYTES_MAX];
	uint8_t claims_text[TOKEN_BYTES_MAX];
};

const char *token_fault_name(enum token_fault why)
{
	return fault_names[why];
}

/* --- base64url --- */

static bool to_base64(char *out, char c)
{
	*out = c == '-' ? '+' : c == '_' ? '/' : c;
	return c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

int token_base64url(uint8_t *out, size_t *out_n, const char *p, size_t n)
{
	*out_n = 0;
	while (n) {
		char quad[4] = { '=', '=', '=', '=' };
		size_t digits = n < 4 ? n : 4, got;

		for (size_t i = 0; i < digits; i++)
			if (!to_base64(&quad[i], p[i]))
				return -EINVAL;
		if (base64_decode(out + *out_n, &got, quad, sizeof(quad)))
			return -EINVAL;
		*out_n += got;
		p += digits;
		n -= digits;
	}
	return 0;
}

/* --- parts --- */

/* RFC 7515 section 4, RFC 7519 section 4: names must be unique. Readers that
 * take the first and readers that take the last would see two tokens. */
static bool is_unique(struct json_slice object, struct json_slice key, struct json_slice value)
{
	char name[MEMBER_NAME_MAX + 1];
	struct json_slice last;

	return json_string(key, name, sizeof(name)) >= 0 && json_member(object, name, &last) &&
	       last.p == value.p;
}

static bool read_object(struct json_slice *out, uint8_t *buf, const char *p, size_t n,
			const struct json_limits *limits)
{
	struct json_items none = { .v = NULL };
	struct json_slice key, value;
	struct json_iter it;
	size_t text_n;

	if (token_base64url(buf, &text_n, p, n) ||
	    json_check_items((const char *)buf, text_n, limits, &none))
		return false;
	*out = json_trim((const char *)buf, text_n);
	if (json_type(*out) != JSON_OBJECT)
		return false;
	it = json_iter(*out);
	while (json_next(&it, &key, &value))
		if (!is_unique(*out, key, value))
			return false;
	return true;
}

static bool read_parts(struct reading *r, const char *token, size_t n)
{
	const char *end = token + n, *dot, *dot2;
	uint8_t signature[TOKEN_BYTES_MAX];

	if (n > TOKEN_BYTES_MAX)
		return false;
	dot = memchr(token, '.', n);
	dot2 = dot ? memchr(dot + 1, '.', (size_t)(end - dot - 1)) : NULL;
	if (!dot2 ||
	    token_base64url(signature, &r->signature_n, dot2 + 1, (size_t)(end - dot2 - 1)))
		return false;
	memcpy(r->text, token, n);
	r->text[n] = '\0';
	return read_object(&r->header, r->header_text, token, (size_t)(dot - token),
			   &header_limits) &&
	       read_object(&r->claims, r->claims_text, dot + 1, (size_t)(dot2 - dot - 1),
			   &claims_limits);
}

/* --- the header --- */

static bool read_alg(struct json_slice header, enum token_alg *alg)
{
	struct json_slice v;
	char name[8];

	if (!json_member(header, "alg", &v) || json_string(v, name, sizeof(name)) < 0)
		return false;
	for (*alg = 0; *alg < TOKEN_ALGS; ++*alg)
		if (strcmp(token_alg_name(*alg), name) == 0)
			return true;
	return false;
}

/* Something that must be understood, or another thing than a JWT (RFC 8725 section 3.11). */
static bool is_extended(struct json_slice header)
{
	struct json_slice v;
	char type[8];

	if (json_member(header, "crit", &v) || json_member(header, "b64", &v))
		return true;
	return json_member(header, "typ", &v) &&
	       (json_string(v, type, sizeof(type)) < 0 || strcasecmp(type, "JWT") != 0);
}

static const struct token_key *key_of(struct json_slice header, const struct token_keys *keys,
				      enum token_fault *why)
{
	char kid[TOKEN_KID_MAX + 1];
	struct json_slice v;
	enum token_alg alg;
	bool named;

	*why = TOKEN_ALG;
	if (!read_alg(header, &alg))
		return NULL;
	*why = TOKEN_EXTENDED;
	if (is_extended(header))
		return NULL;
	*why = TOKEN_KEY;
	named = json_member(header, "kid", &v);
	if (named && json_string(v, kid, sizeof(kid)) <= 0)
		return NULL;
	return token_keys_find(keys, alg, named ? kid : NULL, why);
}

/* --- the signature --- */

/* The library leaves OpenSSL's errors where TLS would take them for its own. */
static bool is_signed(const struct reading *r, const struct token_key *k, enum token_fault *why)
{
	jwt_t *jwt = NULL;
	int rc;
	bool good;

	*why = TOKEN_SIGNATURE;
	if (r->signature_n != k->signature_n)
		return false;
	rc = jwt_decode(&jwt, r->text, (const unsigned char *)k->text, (int)k->n);
	if (rc == ENOMEM)
		*why = TOKEN_NO_MEMORY;
	good = !rc && jwt && jwt_get_alg(jwt) == library_algs[k->alg];
	jwt_free(jwt);
	ERR_clear_error();
	return good;
}

/* --- the claims --- */

/* RFC 7519 section 2: NumericDate is seconds, maybe with a fraction.
 * Returns 0, -ENOENT, -EINVAL (no number, or no time of this world). */
static int read_time(struct json_slice claims, const char *name, double *out)
{
	struct json_slice v;

	if (!json_member(claims, name, &v))
		return -ENOENT;
	return json_double(v, out) || *out > TIME_MAX_S || *out < -TIME_MAX_S ? -EINVAL : 0;
}

/* That it has run out is the last that can be wrong with it. */
static bool is_in_time(const struct reading *r, int64_t now_s, int64_t *expires_s,
		       enum token_fault *why)
{
	const double leeway = r->rules->leeway_s, now = (double)now_s;
	double exp, nbf = 0;
	int rc;

	*why = TOKEN_CLAIMS;
	if (read_time(r->claims, "exp", &exp))
		return false;
	rc = read_time(r->claims, "nbf", &nbf);
	if (rc == -EINVAL)
		return false;
	*why = TOKEN_EARLY;
	if (rc == 0 && now < nbf - leeway)
		return false;
	*why = TOKEN_EXPIRED;
	*expires_s = (int64_t)(exp + leeway);
	return now < exp + leeway; /* RFC 7519 section 4.1.4: on or after */
}

static bool is_text(struct json_slice v, const char *text)
{
	char buf[TOKEN_BYTES_MAX];

	return json_string(v, buf, sizeof(buf)) >= 0 && strcmp(buf, text) == 0;
}

/* RFC 7519 section 4.1.3: one, or a list of them. */
static bool has_audience(struct json_slice claims, const char *audience)
{
	struct json_slice v, one;
	struct json_iter it;

	if (!json_member(claims, "aud", &v))
		return false;
	if (json_type(v) != JSON_ARRAY)
		return is_text(v, audience);
	it = json_iter(v);
	while (json_next(&it, NULL, &one))
		if (is_text(one, audience))
			return true;
	return false;
}

static bool is_for_us(const struct reading *r)
{
	struct json_slice v;

	if (r->rules->issuer &&
	    (!json_member(r->claims, "iss", &v) || !is_text(v, r->rules->issuer)))
		return false;
	return !r->rules->audience || has_audience(r->claims, r->rules->audience);
}

/* A text for people; what is none is not there. */
static void read_text(struct json_slice claims, const char *name, char *out, size_t size, bool cut)
{
	char buf[TOKEN_BYTES_MAX];
	struct json_slice v;
	int n = json_member(claims, name, &v) ? json_string(v, buf, sizeof(buf)) : 0;

	*out = '\0';
	if (n <= 0 || ((size_t)n >= size && !cut))
		return;
	if ((size_t)n >= size)
		n = (int)json_utf8_span(buf, size - 1);
	memcpy(out, buf, (size_t)n);
	out[n] = '\0';
}

static bool read_person(const struct reading *r, struct calls_identity *out)
{
	const struct token_rules *rules = r->rules;
	struct json_slice v;

	if (!json_member(r->claims, rules->claim_id, &v) || user_id_read(v, &out->id))
		return false;
	read_text(r->claims, rules->claim_name, out->name, sizeof(out->name), true);
	read_text(r->claims, rules->claim_avatar, out->avatar, sizeof(out->avatar), false);
	return true;
}

/* --- all of it --- */

static bool verify(struct reading *r, const struct token_keys *keys, int64_t now_s,
		   struct calls_identity *out, enum token_fault *why)
{
	const struct token_key *key = key_of(r->header, keys, why);

	if (!key || !is_signed(r, key, why))
		return false;
	*why = TOKEN_ISSUER;
	if (!is_for_us(r))
		return false;
	*why = TOKEN_CLAIMS;
	return read_person(r, out) && is_in_time(r, now_s, &out->expires_s, why);
}

int token_verify(const struct token_rules *rules, const struct token_keys *keys, const char *token,
		 size_t n, int64_t now_s, struct calls_identity *out, enum token_fault *why)
{
	struct calls_identity who;
	struct reading r = { .rules = rules };
	int rc = -EACCES;

	*why = TOKEN_MALFORMED;
	if (read_parts(&r, token, n) && verify(&r, keys, now_s, &who, why))
		rc = 0;
	else if (*why == TOKEN_EXPIRED)
		rc = -EKEYEXPIRED;
	if (rc != -EACCES)
		*out = who;
	OPENSSL_cleanse(&r, sizeof(r));
	return rc;
}
