/* check_config.c - signald.conf is read strictly, and says where it is wrong */
#include "config.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GOOD                                                                                       \
	"auth-secret-file = /etc/s\n"                                                              \
	"turn-urls = turn:a:1?transport=udp\n"

static struct config c;
static struct config_error err;

static int parse(const char *text)
{
	config_deinit(&c);
	ck_assert_int_eq(config_init(&c), 0);
	memset(&err, 0, sizeof(err));
	return config_parse(&c, text, strlen(text), &err);
}

static void stop(void)
{
	config_deinit(&c);
}

START_TEST(defaults_are_loopback)
{
	ck_assert_int_eq(parse(GOOD), 0);
	ck_assert_uint_eq(c.listen.n, 2);
	ck_assert_str_eq(c.listen.v[0], "127.0.0.1:449");
	ck_assert_str_eq(c.listen.v[1], "[::1]:449");
	ck_assert_uint_eq(c.credential_ttl_max_s, 86400);
	ck_assert_uint_eq(c.origins.n, 0);
	ck_assert_ptr_null(c.demo_dir);
}
END_TEST

START_TEST(what_is_not_safe_for_everybody_is_off)
{
	ck_assert_int_eq(parse(GOOD), 0);
	ck_assert_uint_eq(c.cert.n + c.pkey.n + c.listen_plain.n, 0);
	ck_assert_uint_eq(c.trusted_proxies.n + c.proxy_protocol_from.n, 0);
	ck_assert(!c.cors_credentials && !c.cors_private_network && !c.access_log);
	ck_assert_ptr_null(c.io_cookie);
	ck_assert_ptr_null(c.client_bundle);
}
END_TEST

START_TEST(a_choice_is_one_of_its_words)
{
	ck_assert_int_eq(parse(GOOD), 0);
	ck_assert_uint_eq(c.auth, CONFIG_AUTH_OPEN);
	ck_assert(!c.open_to_network);
	ck_assert_int_eq(parse(GOOD "auth = token\ntoken-key = HS256:a:/k, RS256::/p\n"
				    "trusted-proxies = 127.0.0.1\n"),
			 0);
	ck_assert_uint_eq(c.auth, CONFIG_AUTH_TOKEN);
	ck_assert_uint_eq(c.token_keys.n, 2);
	ck_assert_int_eq(parse(GOOD "auth = backend\nbackend-url = http://[::1]/x\n"), 0);
	ck_assert_uint_eq(c.auth, CONFIG_AUTH_BACKEND);
	ck_assert_str_eq(c.token_claim_id, "sub");
}
END_TEST

START_TEST(every_address_has_its_limits)
{
	ck_assert_int_eq(parse(GOOD), 0);
	ck_assert_uint_eq(c.connections_per_address, 1000);
	ck_assert_uint_eq(c.sessions_per_address, 1000);
	ck_assert_uint_eq(c.handshakes_per_address, 50);
	ck_assert_uint_eq(c.handshakes_burst, 500);
	ck_assert_uint_eq(c.handshakes_per_s, 10000);
	ck_assert_int_eq(parse(GOOD "handshakes-per-s = 0\nconnections-per-address=0\n"), 0);
	ck_assert_uint_eq(c.handshakes_per_s + c.connections_per_address, 0);
}
END_TEST

START_TEST(certificates_and_keys_are_pairs_by_order)
{
	ck_assert_int_eq(parse(GOOD "cert = /rsa.pem\npkey = /rsa.key\ncert = /ec.pem\n"
				    "pkey = /ec.key\nlisten-plain = 127.0.0.1:80\n"),
			 0);
	ck_assert_uint_eq(c.cert.n, 2);
	ck_assert_str_eq(c.cert.v[1], "/ec.pem");
	ck_assert_str_eq(c.pkey.v[1], "/ec.key");
	ck_assert_uint_eq(c.listen_plain.n, 1);
}
END_TEST

START_TEST(lists_replace_the_default_and_add_up)
{
	ck_assert_int_eq(parse(GOOD "listen = 1.2.3.4:5 ,[::2]:6\n# note\n\n  listen=9.9.9.9:1"),
			 0);
	ck_assert_uint_eq(c.listen.n, 3);
	ck_assert_str_eq(c.listen.v[1], "[::2]:6");
	ck_assert_str_eq(c.listen.v[2], "9.9.9.9:1");
	ck_assert_ptr_null(c.listen.v[3]);
}
END_TEST

static const struct {
	const char *text;
	unsigned line;
	const char *says;
} bad[] = {
	{ GOOD "nonsense", 3, "key = value" },
	{ GOOD "colour = red\n", 3, "unknown key 'colour'" },
	{ GOOD "\nring-timeout = 0\n", 4, "number from 1 to 3600" },
	{ GOOD "ring-timeout = 1x\n", 3, "number" },
	{ GOOD "ring-timeout = -1\n", 3, "number" },
	{ GOOD "ring-timeout = 99999999999999999999\n", 3, "number" },
	{ GOOD "ring-timeout = 5\nring-timeout = 6\n", 4, "line 3" },
	{ GOOD "origins = a,,b\n", 3, "empty entry" },
	{ GOOD "log-level =\n", 3, "no value" },
	{ "auth-secret-file = /etc/s\n", 0, "turn-urls is missing" },
	{ "turn-urls = turn:a\n", 0, "auth-secret-file is missing" },
	{ GOOD "turn-urls = http://a\n", 0, "turn-urls" },
	{ GOOD "stun-urls = stun:a\"b\n", 0, "no URL" },
	{ GOOD "cert = /a, /b\npkey = /a\n", 0, "2 and 1 files are no pairs" },
	{ GOOD "pkey = /a\n", 0, "no pairs" },
	{ GOOD "listen-plain = 127.0.0.1:80\n", 0, "there is no cert" },
	{ GOOD "queue-soft = 4194305\n", 0, "queue-soft is above queue-hard" },
	{ GOOD "queue-total = 4194303\n", 0, "queue-hard is above queue-total" },
	{ GOOD "max-payload = 4194304\n", 0, "too little for one message" },
	{ GOOD "max-payload = 67108865\n", 3, "number from 1024 to 67108864" },
	{ GOOD "io-cookie = a b\n", 0, "no name of a cookie" },
	{ GOOD "auth = tokens\n", 3, "none of open|token|backend" },
	{ GOOD "auth = tok\n", 3, "none of" },
	{ GOOD "auth =\n", 3, "none of" },
	{ GOOD "auth = token\n", 0, "needs a token-key" },
	{ GOOD "trusted-proxies = 127.0.0.1\n", 0, "auth = open" },
	{ GOOD "proxy-protocol-from = 127.0.0.1\n", 0, "auth = open" },
	{ GOOD "access-log = true\n", 3, "not yes or no" },
	{ GOOD "handshakes-burst = 0\n", 3, "number from 1" },
	{ GOOD "queue-total = 4294967296\n", 3, "number" },
};

START_TEST(an_error_names_its_line)
{
	ck_assert_int_eq(parse(bad[_i].text), -EINVAL);
	ck_assert_msg(strstr(err.text, bad[_i].says), "'%s' lacks '%s'", err.text, bad[_i].says);
	ck_assert_uint_eq(err.line, bad[_i].line);
}
END_TEST

START_TEST(a_list_has_a_maximum)
{
	char text[4096] = GOOD "origins = o0";

	for (int i = 1; i <= CONFIG_LIST_MAX; i++)
		strcat(text, ",o");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_msg(strstr(err.text, "more than"), "%s", err.text);
	text[strlen(text) - 2] = 0;
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(c.origins.n, CONFIG_LIST_MAX);
}
END_TEST

START_TEST(a_zero_byte_is_no_text)
{
	ck_assert_int_eq(config_init(&c), 0);
	ck_assert_int_eq(config_parse(&c, GOOD "\0x", sizeof(GOOD "\0x") - 1, &err), -EINVAL);
}
END_TEST

START_TEST(a_missing_file_is_said)
{
	ck_assert_int_eq(config_init(&c), 0);
	ck_assert_int_eq(config_load(&c, "/nonexistent/signald.conf", &err), -ENOENT);
	ck_assert_str_eq(err.text, strerror(ENOENT));
}
END_TEST

START_TEST(what_is_printed_can_be_read_again)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	ck_assert_int_eq(parse(GOOD "origins = loopback, https://x.example\nring-timeout = 7\n"
				    "access-log = yes\nio-cookie = io\n"),
			 0);
	config_print(&c, f);
	fclose(f);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(c.origins.n, 2);
	ck_assert_uint_eq(c.ring_timeout_s, 7);
	ck_assert(c.access_log);
	ck_assert_str_eq(c.io_cookie, "io");
	free(text);
}
END_TEST

static const char *const backends[] = {
	"auth = backend\n",
	"members = backend\n",
	"block-list = backend\n",
	"backend-url = https://a/\n",
	"members = backend\nbackend-url = ftp://a/\n",
	"members = backend\nbackend-url = https://a/ b\n",
	"members = backend\nbackend-url = https://me:secret@a/\n",
};

START_TEST(a_backend_that_cannot_be_asked_or_is_not_is_refused)
{
	char text[512];

	snprintf(text, sizeof(text), GOOD "%s", backends[_i]);
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "backend-url"));
}
END_TEST

START_TEST(a_key_that_verifies_nothing_is_refused)
{
	ck_assert_int_eq(parse(GOOD "token-key = ES256::/k\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "token-key"));
	ck_assert_int_eq(parse(GOOD "auth = backend\nbackend-url = http://a/\n"
				    "token-key = ES256::/k\n"),
			 -EINVAL);
	ck_assert_int_eq(parse(GOOD "auth = token\ntoken-key = ES256::/k\n"), 0);
}
END_TEST

START_TEST(a_socket_whose_path_is_too_long_is_refused)
{
	static const char *const keys[] = { "control-socket", "relay-socket" };
	char text[512];

	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), GOOD "%s = /%0106d\n", keys[i], 0);
		ck_assert_int_eq(parse(text), 0);
		snprintf(text, sizeof(text), GOOD "%s = /%0107d\n", keys[i], 0);
		ck_assert_int_eq(parse(text), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, keys[i]));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_checked_fixture(t, NULL, stop);
	tcase_add_test(t, defaults_are_loopback);
	tcase_add_test(t, a_key_that_verifies_nothing_is_refused);
	tcase_add_test(t, a_socket_whose_path_is_too_long_is_refused);
	tcase_add_test(t, what_is_not_safe_for_everybody_is_off);
	tcase_add_test(t, a_choice_is_one_of_its_words);
	tcase_add_test(t, every_address_has_its_limits);
	tcase_add_test(t, certificates_and_keys_are_pairs_by_order);
	tcase_add_test(t, lists_replace_the_default_and_add_up);
	tcase_add_loop_test(t, an_error_names_its_line, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(t, a_backend_that_cannot_be_asked_or_is_not_is_refused, 0,
			    sizeof(backends) / sizeof(backends[0]));
	tcase_add_test(t, a_list_has_a_maximum);
	tcase_add_test(t, a_zero_byte_is_no_text);
	tcase_add_test(t, a_missing_file_is_said);
	tcase_add_test(t, what_is_printed_can_be_read_again);
	suite_add_tcase(s, t);
	return run_suite(s);
}
