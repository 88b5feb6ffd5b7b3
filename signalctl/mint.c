/* mint.c - see mint.h */
#include "mint.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/token.h"
#include "json_text.h"
#include "transport/base64.h"

#define HS256_BYTES 32 /* RFC 7518 section 3.2 */

/* RFC 7515 section 2: base64url without padding. Returns 0, -ENOBUFS. */
static int put_base64url(struct json_out *o, const void *p, size_t n)
{
	char text[BASE64_SIZE(TOKEN_BYTES_MAX)];
	size_t length = BASE64_SIZE(n);

	if (n > TOKEN_BYTES_MAX)
		return -ENOBUFS;
	base64_encode(text, p, n);
	while (length && text[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	json_out_bytes(o, text, length);
	return o->failed ? -ENOBUFS : 0;
}

/* A claim's name is the configuration's, and may be any text. */
static void put_claim(struct json_out *o, const char *name, const char *value)
{
	if (!name || !value)
		return;
	json_out_string(o, name);
	json_out_bytes(o, ":", 1);
	o->comma = false;
	json_out_string(o, value);
}

static int put_header(struct json_out *o, const struct mint *m)
{
	char text[512];
	struct json_out h;

	json_out_fixed(&h, text, sizeof(text));
	json_out_open(&h, '{');
	json_put_string(&h, "alg", "HS256");
	json_put_string(&h, "typ", "JWT");
	if (m->kid && *m->kid)
		json_put_string(&h, "kid", m->kid);
	json_out_close(&h, '}');
	return h.failed ? -ENOBUFS : put_base64url(o, text, h.n);
}

static int put_claims(struct json_out *o, const struct mint *m)
{
	char text[TOKEN_BYTES_MAX];
	struct json_out c;

	json_out_fixed(&c, text, sizeof(text));
	json_out_open(&c, '{');
	put_claim(&c, "iss", m->issuer);
	put_claim(&c, "aud", m->audience);
	put_claim(&c, m->claim_id, m->user);
	put_claim(&c, m->claim_name, m->name);
	json_put_i64(&c, "iat", m->now_s);
	json_put_i64(&c, "exp", m->now_s + (int64_t)m->ttl_s);
	json_out_close(&c, '}');
	if (c.failed)
		return -ENOBUFS;
	return json_check(text, c.n, 2) ? -EILSEQ : put_base64url(o, text, c.n);
}

static int put_signature(struct json_out *o, const struct mint *m)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), m->key, (int)m->key_n, (const unsigned char *)o->p, o->n, mac,
		  &n) ||
	    n != HS256_BYTES)
		return -EIO;
	json_out_bytes(o, ".", 1);
	return put_base64url(o, mac, n);
}

int mint_token(char *out, size_t size, const struct mint *m)
{
	struct json_out o;
	int r;

	json_out_fixed(&o, out, size);
	r = put_header(&o, m);
	if (r)
		return r;
	json_out_bytes(&o, ".", 1);
	r = put_claims(&o, m);
	if (!r)
		r = put_signature(&o, m);
	if (r)
		return r;
	json_out_bytes(&o, "", 1);
	return o.failed ? -ENOBUFS : 0;
}
