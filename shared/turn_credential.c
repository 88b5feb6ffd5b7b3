/* turn_credential.c - the grammar of TURN names, and the hashes that go with them
 *
 * What a secret may sign, and which secrets there are, is secret_file's. */
#include "turn_credential.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "auth_hash.h"

/* RFC 4648 section 5, the URL-safe alphabet; 64 characters, so 6 bits each. */
static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_digit(s[i]))
			return false;
	return n > 0;
}

bool turn_user_id_valid(const char *id, size_t n)
{
	if (n < 1 || n > TURN_USER_ID_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(id[i]) && (!id[i] || !strchr("._@+-", id[i])))
			return false;
	return true;
}

bool turn_name_user_valid(const char *user, size_t n)
{
	bool unproven = n > 0 && *user == '~';

	return n <= TURN_USER_ID_MAX && turn_user_id_valid(user + unproven, n - unproven);
}

bool turn_call_id_valid(const char *id, size_t n)
{
	if (n != TURN_CALL_ID_LEN)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(id[i]) && id[i] != '-' && id[i] != '_')
			return false;
	return true;
}

static int parse_expiry(const char *s, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (!all_digits(s, n))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned)(s[i] - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

static int copy_user(struct turn_name *out, const char *s, size_t n)
{
	if (!turn_name_user_valid(s, n))
		return -EINVAL;
	memcpy(out->user, s, n);
	out->user[n] = '\0';
	return 0;
}

/* "user" or "user:call", what follows the expiry. */
static int parse_user_call(const char *s, size_t n, struct turn_name *out)
{
	const char *colon = memchr(s, ':', n);
	size_t user_n = colon ? (size_t)(colon - s) : n;
	int r = copy_user(out, s, user_n);

	if (!colon)
		return r;
	colon++;
	n -= user_n + 1;
	if (!turn_call_id_valid(colon, n))
		return 0; /* somebody else's third part: a name of stock coturn */
	if (r < 0)
		return r;
	memcpy(out->call, colon, n);
	out->call[n] = '\0';
	return 0;
}

int turn_name_parse(const char *name, size_t n, struct turn_name *out)
{
	const char *colon;
	size_t left;

	memset(out, 0, sizeof(*out));
	if (n < 1 || n > TURN_NAME_MAX)
		return -EINVAL;
	colon = memchr(name, ':', n);
	if (!colon)
		return parse_expiry(name, n, &out->expiry_s);
	left = (size_t)(colon - name);
	/* As coturn: only a left part that is no number lets the right one be the expiry. */
	if (!all_digits(name, left))
		return copy_user(out, name, left) < 0
			       ? -EINVAL
			       : parse_expiry(colon + 1, n - left - 1, &out->expiry_s);
	if (parse_expiry(name, left, &out->expiry_s) < 0)
		return -EINVAL;
	return parse_user_call(colon + 1, n - left - 1, out);
}

int turn_name_format(char *out, size_t size, uint64_t expiry_s, const char *user, const char *call)
{
	bool has_call = call && *call;
	int n;

	if (!turn_name_user_valid(user, strlen(user)))
		return -EINVAL;
	if (has_call && !turn_call_id_valid(call, strlen(call)))
		return -EINVAL;
	n = snprintf(out, size, "%" PRIu64 ":%s%s%s", expiry_s, user, has_call ? ":" : "",
		     has_call ? call : "");
	if (n < 0 || (size_t)n >= size)
		return -ENOBUFS;
	return n;
}

int turn_password(char out[TURN_PASSWORD_LEN + 1], const char *secret, const char *name)
{
	uint8_t mac[AUTH_SHA1_LEN];

	out[0] = '\0';
	if (auth_hmac_sha1(mac, secret, strlen(secret), name, strlen(name)) < 0)
		return -EIO;
	EVP_EncodeBlock((unsigned char *)out, mac, sizeof(mac));
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}

int turn_secret_check(char out[TURN_SECRET_CHECK_LEN + 1], const char *secret, const char *epoch)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_n = 0;
	char text[64];
	int n = snprintf(text, sizeof(text), "announce:%s", epoch);

	if (n < 0 || (size_t)n >= sizeof(text) ||
	    !HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, (size_t)n,
		  mac, &mac_n))
		return -EIO;
	snprintf(out, TURN_SECRET_CHECK_LEN + 1, "%02x%02x%02x%02x", mac[0], mac[1], mac[2],
		 mac[3]);
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}

int turn_long_term_key(uint8_t key[16], const char *name, const char *realm, const char *password)
{
	const struct auth_text texts[] = { { name, strlen(name) },
					   { ":", 1 },
					   { realm, strlen(realm) },
					   { ":", 1 },
					   { password, strlen(password) } };

	return auth_md5(key, texts, sizeof(texts) / sizeof(texts[0])) < 0 ? -EIO : 0;
}

bool turn_key_matches(const uint8_t key[16], const char *name, const char *realm,
		      const char *secret)
{
	char password[TURN_PASSWORD_LEN + 1];
	uint8_t own[AUTH_MD5_LEN];
	bool same = false;

	if (turn_password(password, secret, name) == 0 &&
	    turn_long_term_key(own, name, realm, password) == 0)
		same = CRYPTO_memcmp(own, key, AUTH_MD5_LEN) == 0;
	OPENSSL_cleanse(password, sizeof(password));
	OPENSSL_cleanse(own, sizeof(own));
	return same;
}

int turn_call_id_new(char out[TURN_CALL_ID_LEN + 1])
{
	unsigned char random[TURN_CALL_ID_LEN];

	out[0] = '\0';
	if (RAND_bytes(random, sizeof(random)) != 1)
		return -EIO;
	/* 256 is a multiple of 64: every character is equally likely. */
	for (size_t i = 0; i < TURN_CALL_ID_LEN; i++)
		out[i] = url_alphabet[random[i] & 63];
	out[TURN_CALL_ID_LEN] = '\0';
	return 0;
}
