/* check_auth_hash.c - HMAC-SHA1 and MD5 against the RFCs and OpenSSL, and from several threads */
#include "auth_hash.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define TIMES_10(x) x x x x x x x x x x
#define A80 TIMES_10("\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa")

/* RFC 2202 section 3. */
static const struct {
	const char *key;
	size_t key_n;
	const char *text;
	size_t n;
	const char *hex;
} vectors[] = {
	{ TIMES_10("\x0b\x0b"), 20, "Hi There", 8, "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ "Jefe", 4, "what do ya want for nothing?", 28,
	  "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ TIMES_10("\xaa\xaa"), 20, TIMES_10("\xdd\xdd\xdd\xdd\xdd"), 50,
	  "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
	{ "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
	  "\x16\x17\x18\x19",
	  25, TIMES_10("\xcd\xcd\xcd\xcd\xcd"), 50, "4c9007f4026250c6bc8414f9bf50c86c2d7235da" },
	{ TIMES_10("\x0c\x0c"), 20, "Test With Truncation", 20,
	  "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04" },
	{ A80, 80, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
	  "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	{ A80, 80, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", 73,
	  "e8e99d0f45237d786d6bbaa7965c7808bbff1a91" },
};

static void hex_of(char *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

START_TEST(hmac_sha1_is_that_of_rfc2202)
{
	uint8_t mac[AUTH_SHA1_LEN];
	char hex[2 * AUTH_SHA1_LEN + 1];

	ck_assert_int_eq(auth_hmac_sha1(mac, vectors[_i].key, vectors[_i].key_n, vectors[_i].text,
					vectors[_i].n),
			 0);
	hex_of(hex, mac, sizeof(mac));
	ck_assert_str_eq(hex, vectors[_i].hex);
}
END_TEST

START_TEST(md5_is_that_of_rfc1321_however_the_text_is_cut)
{
	static const struct auth_text whole[] = { { "message digest", 14 } };
	static const struct auth_text cut[] = { { "mess", 4 }, { "", 0 }, { "age digest", 10 } };
	uint8_t a[AUTH_MD5_LEN], b[AUTH_MD5_LEN];
	char hex[2 * AUTH_MD5_LEN + 1];

	ck_assert_int_eq(auth_md5(a, whole, 1), 0);
	ck_assert_int_eq(auth_md5(b, cut, 3), 0);
	hex_of(hex, a, sizeof(a));
	ck_assert_str_eq(hex, "f96b697d7cb7938d525a2f31aaf161d0");
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_int_eq(auth_md5(a, NULL, 0), 0);
	hex_of(hex, a, sizeof(a));
	ck_assert_str_eq(hex, "d41d8cd98f00b204e9800998ecf8427e");
}
END_TEST

/* Every length of key and text around the 64 bytes of a block. */
static void like_openssl(unsigned seed)
{
	uint8_t key[150], text[150], ours[AUTH_SHA1_LEN], theirs[EVP_MAX_MD_SIZE];
	size_t i, n;

	for (i = 0; i < sizeof(key); i++) {
		key[i] = (uint8_t)(i * 7 + seed);
		text[i] = (uint8_t)(i * 13 + seed * 3);
	}
	for (i = 0; i <= sizeof(key); i++) {
		n = (i * 31 + seed) % (sizeof(text) + 1);
		ck_assert_int_eq(auth_hmac_sha1(ours, key, i, text, n), 0);
		HMAC(EVP_sha1(), key, (int)i, text, n, theirs, NULL);
		ck_assert_mem_eq(ours, theirs, sizeof(ours));
	}
}

START_TEST(hmac_sha1_is_openssls_for_keys_of_any_length)
{
	like_openssl((unsigned)_i);
}
END_TEST

static void *other_thread(void *arg)
{
	for (unsigned i = 0; i < 20; i++)
		like_openssl(i + (unsigned)(uintptr_t)arg);
	return NULL;
}

START_TEST(threads_do_not_disturb_one_another_and_leave_nothing_behind)
{
	pthread_t threads[4];

	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, other_thread, (void *)i), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("auth_hash");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_loop_test(t, hmac_sha1_is_that_of_rfc2202, 0,
			    (int)(sizeof(vectors) / sizeof(vectors[0])));
	tcase_add_test(t, md5_is_that_of_rfc1321_however_the_text_is_cut);
	tcase_add_loop_test(t, hmac_sha1_is_openssls_for_keys_of_any_length, 0, 3);
	tcase_add_test(t, threads_do_not_disturb_one_another_and_leave_nothing_behind);
	suite_add_tcase(s, t);
	return run_suite(s);
}
