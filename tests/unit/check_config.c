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

	ck_assert_int_eq(parse(GOOD "origins = loopback, https://x.example\nring-timeout = 7\n"),
			 0);
	config_print(&c, f);
	fclose(f);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(c.origins.n, 2);
	ck_assert_uint_eq(c.ring_timeout_s, 7);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_checked_fixture(t, NULL, stop);
	tcase_add_test(t, defaults_are_loopback);
	tcase_add_test(t, lists_replace_the_default_and_add_up);
	tcase_add_loop_test(t, an_error_names_its_line, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_list_has_a_maximum);
	tcase_add_test(t, a_zero_byte_is_no_text);
	tcase_add_test(t, a_missing_file_is_said);
	tcase_add_test(t, what_is_printed_can_be_read_again);
	suite_add_tcase(s, t);
	return run_suite(s);
}
