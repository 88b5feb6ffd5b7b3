/* check_turn_credential.c - names, passwords and keys, against the RFCs and coturn's grammar */
#include "turn_credential.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define CALL "AbCdEfGhIjKlMnOpQr-_09"
#define U16 "aaaaaaaaaaaaaaaa"
#define U63 U16 U16 U16 "aaaaaaaaaaaaaaa"
#define U64 U16 U16 U16 U16

static const struct {
	const char *name;
	int r;
	uint64_t expiry_s;
	const char *user, *call;
} names[] = {
	{ "1700000000", 0, 1700000000, "", "" },
	{ "1700000000:alice", 0, 1700000000, "alice", "" },
	{ "1700000000:7", 0, 1700000000, "7", "" },
	{ "1700000000:-7", 0, 1700000000, "-7", "" },
	{ "1700000000:alice:" CALL, 0, 1700000000, "alice", CALL },
	{ "1700000000:a.b_c@d+e-f:" CALL, 0, 1700000000, "a.b_c@d+e-f", CALL },
	{ "1700000000:" U64 ":" CALL, 0, 1700000000, U64, CALL },
	{ "18446744073709551615:a", 0, UINT64_MAX, "a", "" },
	{ "0:a", 0, 0, "a", "" },
	/* who only says so is somebody else */
	{ "1700000000:~7", 0, 1700000000, "~7", "" },
	{ "1700000000:~alice:" CALL, 0, 1700000000, "~alice", CALL },
	{ "~7:1700000000", 0, 1700000000, "~7", "" },
	{ "17:~" U63, 0, 17, "~" U63, "" },
	{ "17:~" U64, -EINVAL, 0, NULL, NULL },
	{ "17:~", -EINVAL, 0, NULL, NULL },
	{ "17:~~7", -EINVAL, 0, NULL, NULL },
	{ "17:7~", -EINVAL, 0, NULL, NULL },
	/* a left part of digits is the expiry, whatever the right one looks like */
	{ "7:1700000000", 0, 7, "1700000000", "" },
	/* stock's other form has no call */
	{ "alice:1700000000", 0, 1700000000, "alice", "" },
	{ "alice:1700000000:" CALL, -EINVAL, 0, NULL, NULL },
	{ "alice:17x", -EINVAL, 0, NULL, NULL },
	{ "alice:", -EINVAL, 0, NULL, NULL },
	{ "al ice:1700000000", -EINVAL, 0, NULL, NULL },
	/* a third part that is no call id is not ours */
	{ "17:alice:call42", 0, 17, "alice", "" },
	{ "17:alice:", 0, 17, "alice", "" },
	{ "17:alice:" CALL ":x", 0, 17, "alice", "" },
	{ "17:alice:" CALL "x", 0, 17, "alice", "" },
	{ "17:al ice:call42", 0, 17, "", "" },
	{ "17::call42", 0, 17, "", "" },
	{ "17::" CALL, -EINVAL, 0, NULL, NULL },
	{ "17:al/ice:" CALL, -EINVAL, 0, NULL, NULL },
	{ "17:" U64 "a", -EINVAL, 0, NULL, NULL },
	{ "17:", -EINVAL, 0, NULL, NULL },
	{ "17:a%b", -EINVAL, 0, NULL, NULL },
	{ "17:\xd0\x96", -EINVAL, 0, NULL, NULL },
	{ "18446744073709551616:a", -EINVAL, 0, NULL, NULL },
	{ "99999999999999999999999", -EINVAL, 0, NULL, NULL },
	{ "", -EINVAL, 0, NULL, NULL },
	{ ":", -EINVAL, 0, NULL, NULL },
	{ ":17", -EINVAL, 0, NULL, NULL },
	{ "alice", -EINVAL, 0, NULL, NULL },
	{ "-17:alice", -EINVAL, 0, NULL, NULL },
};

START_TEST(names_are_read_by_the_grammar)
{
	struct turn_name t;
	size_t i = (size_t)_i;

	ck_assert_int_eq(turn_name_parse(names[i].name, strlen(names[i].name), &t), names[i].r);
	if (names[i].r)
		return;
	ck_assert_uint_eq(t.expiry_s, names[i].expiry_s);
	ck_assert_str_eq(t.user, names[i].user);
	ck_assert_str_eq(t.call, names[i].call);
}
END_TEST

START_TEST(a_name_is_read_no_further_than_its_length)
{
	struct turn_name t;

	for (size_t n = 0; n < strlen("17:alice:" CALL); n++) {
		char *exact = malloc(n ? n : 1); /* a sanitizer sees a read past it */

		memcpy(exact, "17:alice:" CALL, n);
		if (turn_name_parse(exact, n, &t) == 0)
			ck_assert_str_eq(t.call, "");
		free(exact);
	}
}
END_TEST

START_TEST(a_name_with_nul_or_over_long_is_refused)
{
	static char big[TURN_NAME_MAX + 1];
	struct turn_name t;

	ck_assert_int_eq(turn_name_parse("17:ali\0ce", 9, &t), -EINVAL);
	ck_assert_int_eq(turn_name_parse("17\0", 3, &t), -EINVAL);
	memset(big, '0', sizeof(big));
	ck_assert_int_eq(turn_name_parse(big, sizeof(big), &t), -EINVAL);
	ck_assert_int_eq(turn_name_parse(big, TURN_NAME_MAX, &t), 0);
}
END_TEST

START_TEST(what_is_formatted_is_read_back)
{
	char name[TURN_NAME_MAX + 1];
	struct turn_name t;
	int n;

	n = turn_name_format(name, sizeof(name), UINT64_MAX, U64, CALL);
	ck_assert_int_eq(n, 20 + 1 + 64 + 1 + 22);
	ck_assert_int_eq(turn_name_parse(name, (size_t)n, &t), 0);
	ck_assert_uint_eq(t.expiry_s, UINT64_MAX);
	ck_assert_str_eq(t.user, U64);
	ck_assert_str_eq(t.call, CALL);

	ck_assert_int_eq(turn_name_format(name, sizeof(name), 17, "7", NULL), 4);
	ck_assert_str_eq(name, "17:7");
	ck_assert_int_eq(turn_name_format(name, sizeof(name), 17, "7", ""), 4);
	ck_assert_str_eq(name, "17:7");
}
END_TEST

START_TEST(ids_against_the_grammar_are_not_formatted)
{
	char name[TURN_NAME_MAX + 1];

	ck_assert_int_eq(turn_name_format(name, sizeof(name), 1, "", NULL), -EINVAL);
	ck_assert_int_eq(turn_name_format(name, sizeof(name), 1, "a:b", NULL), -EINVAL);
	ck_assert_int_eq(turn_name_format(name, sizeof(name), 1, U64 "a", NULL), -EINVAL);
	ck_assert_int_eq(turn_name_format(name, sizeof(name), 1, "a", "short"), -EINVAL);
	ck_assert_int_eq(turn_name_format(name, sizeof(name), 1, "a", CALL "x"), -EINVAL);
	ck_assert_int_eq(turn_name_format(name, 4, 17, "7", NULL), -ENOBUFS);
	ck_assert_int_eq(turn_name_format(name, 0, 17, "7", NULL), -ENOBUFS);
	ck_assert_int_eq(turn_name_format(name, 5, 17, "7", NULL), 4);
}
END_TEST

START_TEST(call_ids_have_22_url_safe_characters)
{
	ck_assert(turn_call_id_valid(CALL, 22));
	ck_assert(!turn_call_id_valid(CALL, 21));
	ck_assert(!turn_call_id_valid("AbCdEfGhIjKlMnOpQr-_0+", 22));
	ck_assert(!turn_call_id_valid("AbCdEfGhIjKlMnOpQr-_0\0", 22));
	ck_assert(!turn_user_id_valid("a\0b", 3));
	ck_assert(!turn_user_id_valid("", 0));
	ck_assert(!turn_user_id_valid("~7", 2));
	ck_assert(!turn_name_user_valid("", 0));
}
END_TEST

START_TEST(fresh_call_ids_differ_and_use_the_whole_alphabet)
{
	char last[TURN_CALL_ID_LEN + 1] = "", id[TURN_CALL_ID_LEN + 1];
	unsigned seen[128] = { 0 }, kinds = 0;

	/* 22000 draws: a character missing by chance has probability 64 * (63/64)^22000 < 1e-148 */
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(turn_call_id_new(id), 0);
		ck_assert(turn_call_id_valid(id, strlen(id)));
		ck_assert_str_ne(id, last);
		memcpy(last, id, sizeof(last));
		for (const char *p = id; *p; p++)
			seen[(unsigned char)*p & 127]++;
	}
	for (size_t i = 0; i < 128; i++)
		kinds += seen[i] > 0;
	ck_assert_uint_eq(kinds, 64);
}
END_TEST

START_TEST(password_is_base64_of_hmac_sha1)
{
	/* RFC 2202 section 3, test case 2 */
	static const uint8_t digest[20] = { 0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f,
					    0xa2, 0xd2, 0x74, 0x16, 0xd5, 0xf1, 0x84,
					    0xdf, 0x9c, 0x25, 0x9a, 0x7c, 0x79 };
	char password[TURN_PASSWORD_LEN + 1], want[TURN_PASSWORD_LEN + 1];

	EVP_EncodeBlock((unsigned char *)want, digest, sizeof(digest));
	ck_assert_int_eq(turn_password(password, "Jefe", "what do ya want for nothing?"), 0);
	ck_assert_str_eq(password, want);
}
END_TEST

/* Made with openssl dgst -sha256 -hmac Jefe. */
START_TEST(the_check_of_a_secret_depends_on_its_value_and_the_epoch)
{
	char check[TURN_SECRET_CHECK_LEN + 1], other[TURN_SECRET_CHECK_LEN + 1];

	ck_assert_int_eq(turn_secret_check(check, "Jefe", "0123456789abcdef"), 0);
	ck_assert_str_eq(check, "4a820ffa");
	ck_assert_int_eq(turn_secret_check(other, "Jefe", "0123456789abcdee"), 0);
	ck_assert_str_ne(check, other);
	ck_assert_int_eq(turn_secret_check(other, "jefe", "0123456789abcdef"), 0);
	ck_assert_str_ne(check, other);
}
END_TEST

static size_t read_vector(const char *name, uint8_t *out, size_t size)
{
	const char *dir = getenv("srcdir");
	char path[4096], line[512];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/vectors/%s", dir ? dir : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot read %s", path);
	while (fgets(line, sizeof(line), f)) {
		unsigned byte;
		int used;

		for (char *p = line; *p != '#' && sscanf(p, "%2x%n", &byte, &used) == 1;
		     p += used) {
			ck_assert_uint_lt(n, size);
			out[n++] = (uint8_t)byte;
		}
	}
	fclose(f);
	return n;
}

START_TEST(long_term_key_verifies_the_request_of_rfc5769)
{
	uint8_t packet[256], key[16], mac[EVP_MAX_MD_SIZE];
	size_t n = read_vector("rfc5769-2.4.hex", packet, sizeof(packet));
	unsigned int mac_n;

	ck_assert_uint_eq(n, 20 + 0x60);
	ck_assert_int_eq(turn_long_term_key(key,
					    "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83"
					    "\xe3\x82\xaf\xe3\x82\xb9",
					    "example.org", "TheMatrIX"),
			 0);
	/* everything before MESSAGE-INTEGRITY; the length field already includes it */
	ck_assert_ptr_nonnull(HMAC(EVP_sha1(), key, 16, packet, n - 24, mac, &mac_n));
	ck_assert_mem_eq(mac, packet + n - 20, 20);
}
END_TEST

START_TEST(a_key_matches_only_its_secret_name_and_realm)
{
	const char *name = "1700000000:alice:" CALL;
	char password[TURN_PASSWORD_LEN + 1];
	uint8_t key[16];

	ck_assert_int_eq(turn_password(password, "s3cret-one", name), 0);
	ck_assert_int_eq(turn_long_term_key(key, name, "example.test", password), 0);
	ck_assert(turn_key_matches(key, name, "example.test", "s3cret-one"));
	ck_assert(!turn_key_matches(key, name, "example.test", "s3cret-two"));
	ck_assert(!turn_key_matches(key, name, "example.org", "s3cret-one"));
	ck_assert(!turn_key_matches(key, "1700000000:alice", "example.test", "s3cret-one"));
	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] ^= 1;
		ck_assert(!turn_key_matches(key, name, "example.test", "s3cret-one"));
		key[i] ^= 1;
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("turn_credential");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_loop_test(t, names_are_read_by_the_grammar, 0,
			    (int)(sizeof(names) / sizeof(names[0])));
	tcase_add_test(t, a_name_is_read_no_further_than_its_length);
	tcase_add_test(t, a_name_with_nul_or_over_long_is_refused);
	tcase_add_test(t, what_is_formatted_is_read_back);
	tcase_add_test(t, ids_against_the_grammar_are_not_formatted);
	tcase_add_test(t, call_ids_have_22_url_safe_characters);
	tcase_add_test(t, fresh_call_ids_differ_and_use_the_whole_alphabet);
	tcase_add_test(t, password_is_base64_of_hmac_sha1);
	tcase_add_test(t, the_check_of_a_secret_depends_on_its_value_and_the_epoch);
	tcase_add_test(t, long_term_key_verifies_the_request_of_rfc5769);
	tcase_add_test(t, a_key_matches_only_its_secret_name_and_realm);
	suite_add_tcase(s, t);
	return run_suite(s);
}
