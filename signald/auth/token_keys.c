/* token_keys.c - one file a key, judged before a token ever meets it */
#include "token_keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "log.h"
#include "secret_stamp.h"
#include "secret_text.h"

#define LOG "auth"
#define HS256_BYTES 32
#define ES256_BYTES 64 /* RFC 7518 section 3.4: R and S of 32 each */
#define PEM_BEGINS "-----BEGIN "

struct key_file {
	struct token_key key;
	char *path;
	struct secret_stamp seen; /* of the file last tried */
};

struct token_keys {
	struct key_file v[TOKEN_KEYS_MAX];
	size_t n;
};

static const char *const alg_names[TOKEN_ALGS] = {
	[TOKEN_HS256] = "HS256",
	[TOKEN_RS256] = "RS256",
	[TOKEN_ES256] = "ES256",
};

const char *token_alg_name(enum token_alg alg)
{
	return alg_names[alg];
}

/* --- what a file may hold --- */

static int refuse(struct secret_error *err, const char *text)
{
	snprintf(err->text, sizeof(err->text), "%s", text);
	return -EINVAL;
}

/* In an HMAC's place a public key's text is a secret that everybody knows. */
static int check_secret(struct token_key *k, struct secret_error *err)
{
	if (k->n && k->text[k->n - 1] == '\n')
		k->n--;
	if (memmem(k->text, k->n, PEM_BEGINS, strlen(PEM_BEGINS)))
		return refuse(err, "a key in PEM is no secret for HS256");
	if (k->n < TOKEN_SECRET_MIN || k->n > TOKEN_SECRET_MAX)
		return refuse(err, "not a secret of 32 to 512 bytes");
	k->signature_n = HS256_BYTES;
	return 0;
}

static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return 0;
}

static EVP_PKEY *read_pem(const struct token_key *k)
{
	BIO *bio = BIO_new_mem_buf(k->text, (int)k->n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

static bool is_p256(EVP_PKEY *pkey)
{
	char name[32];

	return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) == 1 &&
	       strcmp(name, "prime256v1") == 0;
}

static int judge_public(struct token_key *k, EVP_PKEY *pkey, struct secret_error *err)
{
	if (k->alg == TOKEN_ES256) {
		k->signature_n = ES256_BYTES;
		return is_p256(pkey) ? 0 : refuse(err, "not a key on the curve P-256");
	}
	k->signature_n = (size_t)EVP_PKEY_get_size(pkey);
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
		return refuse(err, "not an RSA key");
	if (EVP_PKEY_get_bits(pkey) < TOKEN_RSA_BITS_MIN)
		return refuse(err, "an RSA key of less than 2048 bits");
	return 0;
}

static int check_public(struct token_key *k, struct secret_error *err)
{
	EVP_PKEY *pkey = read_pem(k);
	int r;

	if (!pkey)
		return refuse(err, "not a public key in PEM (-----BEGIN PUBLIC KEY-----)");
	r = judge_public(k, pkey, err);
	EVP_PKEY_free(pkey);
	return r;
}

/* --- files --- */

static int load(struct key_file *f, struct token_key *k, struct secret_error *err)
{
	char *text;
	int r;

	*k = f->key;
	k->text = NULL;
	if (k->alg == TOKEN_HS256)
		r = secret_text_load(f->path, TOKEN_SECRET_MAX + 1, &text, &k->n, err);
	else
		r = public_text_load(f->path, TOKEN_PEM_MAX, &text, &k->n, err);
	if (r)
		return r;
	k->text = text;
	return k->alg == TOKEN_HS256 ? check_secret(k, err) : check_public(k, err);
}

static int read_file(struct key_file *f)
{
	struct secret_error err = { .line = 0 };
	struct secret_stamp now;
	struct token_key k;
	int r;

	secret_stamp_take(&now, f->path);
	r = load(f, &k, &err);
	if (!secret_error_passes(r))
		f->seen = now;
	if (r) {
		secret_text_free(k.text, k.n);
		log_error(LOG, "token-key %s: %s", f->path, *err.text ? err.text : strerror(-r));
		return r;
	}
	secret_text_free(f->key.text, f->key.n);
	f->key = k;
	log_info(LOG, "token-key %s%s%s read from %s", token_alg_name(k.alg), *k.kid ? " " : "",
		 k.kid, f->path);
	return 0;
}

/* --- lines --- */

static int wrong(const char *line, const char *what)
{
	log_error("config", "token-key: '%s' %s", line, what);
	return -EINVAL;
}

static int parse_alg(enum token_alg *out, const char *p, size_t n)
{
	for (*out = 0; *out < TOKEN_ALGS; ++*out)
		if (strlen(alg_names[*out]) == n && memcmp(alg_names[*out], p, n) == 0)
			return 0;
	return -EINVAL;
}

static int parse(struct key_file *f, const char *line)
{
	const char *kid = strchr(line, ':'), *path = kid ? strchr(kid + 1, ':') : NULL;
	size_t kid_n;

	if (!path || !path[1])
		return wrong(line, "is not ALG:KID:PATH");
	if (parse_alg(&f->key.alg, line, (size_t)(kid - line)))
		return wrong(line, "does not begin with HS256, RS256 or ES256");
	kid_n = (size_t)(path - kid - 1);
	if (kid_n > TOKEN_KID_MAX)
		return wrong(line, "has a KID of more than 64 bytes");
	memcpy(f->key.kid, kid + 1, kid_n);
	f->path = strdup(path + 1);
	return f->path ? 0 : -ENOMEM;
}

static bool is_taken(const struct token_keys *keys, const struct token_key *k)
{
	for (size_t i = 0; i < keys->n; i++)
		if (strcmp(keys->v[i].key.kid, k->kid) == 0 &&
		    (*k->kid || keys->v[i].key.alg == k->alg))
			return true;
	return false;
}

static int add(struct token_keys *keys, const char *line)
{
	struct key_file *f = &keys->v[keys->n];
	int r;

	if (keys->n == TOKEN_KEYS_MAX) {
		log_error("config", "token-key: more than %d keys", TOKEN_KEYS_MAX);
		return -E2BIG;
	}
	r = parse(f, line);
	if (!r && is_taken(keys, &f->key)) {
		wrong(line, "names a KID that another key has");
		r = -EEXIST;
	}
	if (!r)
		r = read_file(f);
	if (r)
		free(f->path);
	else
		keys->n++;
	return r;
}

int token_keys_new(struct token_keys **out, const char *const *lines, size_t n)
{
	struct token_keys *keys = calloc(1, sizeof(*keys));
	int r = keys ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < n; i++)
		r = add(keys, lines[i]);
	if (r) {
		token_keys_free(keys);
		return r;
	}
	*out = keys;
	return 0;
}

void token_keys_free(struct token_keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < keys->n; i++) {
		secret_text_free(keys->v[i].key.text, keys->v[i].key.n);
		free(keys->v[i].path);
	}
	free(keys);
}

void token_keys_read(struct token_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		read_file(&keys->v[i]);
}

void token_keys_read_if_changed(struct token_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		struct secret_stamp now;

		secret_stamp_take(&now, keys->v[i].path);
		if (!secret_stamp_equal(&now, &keys->v[i].seen))
			read_file(&keys->v[i]);
	}
}

/* --- finding --- */

static const struct token_key *only_one(const struct token_keys *keys, enum token_alg alg)
{
	const struct token_key *found = NULL;

	for (size_t i = 0; i < keys->n; i++) {
		if (keys->v[i].key.alg != alg)
			continue;
		if (found)
			return NULL;
		found = &keys->v[i].key;
	}
	return found;
}

static const struct token_key *named(const struct token_keys *keys, const char *kid)
{
	for (size_t i = 0; i < keys->n; i++)
		if (strcmp(keys->v[i].key.kid, kid) == 0)
			return &keys->v[i].key;
	return NULL;
}

static bool has_alg(const struct token_keys *keys, enum token_alg alg)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->v[i].key.alg == alg)
			return true;
	return false;
}

const struct token_key *token_keys_find(const struct token_keys *keys, enum token_alg alg,
					const char *kid, enum token_fault *why)
{
	const struct token_key *k = kid ? named(keys, kid) : only_one(keys, alg);

	*why = !has_alg(keys, alg) || (k && k->alg != alg) ? TOKEN_ALG : TOKEN_KEY;
	return k && k->alg == alg ? k : NULL;
}
