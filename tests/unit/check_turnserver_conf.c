/* check_turnserver_conf.c - a turnserver.conf is read as turnserver reads it */
#include "turnserver_conf.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct turnserver_conf *parsed(const char *text)
{
	struct turnserver_conf *c;

	ck_assert_int_eq(turnserver_conf_parse(text, strlen(text), &c), 0);
	return c;
}

static const struct {
	const char *text, *value; /* of "realm"; NULL: none */
} files[] = {
	{ "realm=example.org", "example.org" },
	{ "  realm \t=\t example.org  \n", "example.org" },
	{ "realm example.org\r\n", "example.org" },
	{ "realm==example.org\n", "example.org" },
	{ "realm=\"exa mple\"  \n", "exa mple" },
	{ "realm=\"example\n", "example" },
	{ "realm=a=b # c\n", "a=b # c" },
	{ "realm=first\nrealm=last\n", "last" },
	{ "realm\n", "" },
	{ "realm=\n", "" },
	{ "", NULL },
	{ "#realm=north\n", NULL },
	{ " # realm=north\n", NULL },
	{ "=realm=north\n", NULL },
	{ "realms=north\nrea", NULL },
	{ "listening-ip=realm=north\n", NULL },
};

START_TEST(a_value_is_found_as_turnserver_finds_it)
{
	struct turnserver_conf *c = parsed(files[_i].text);

	ck_assert_pstr_eq(turnserver_conf_get(c, "realm"), files[_i].value);
	turnserver_conf_free(c);
}
END_TEST

START_TEST(repeated_keys_are_walked_in_their_order_with_their_lines)
{
	struct turnserver_conf *c = parsed("# two\nlistening-ip=a\n\nverbose\nlistening-ip=b\n");
	const struct turnserver_setting *s = turnserver_conf_next(c, "listening-ip", NULL);

	ck_assert_str_eq(s->value, "a");
	ck_assert_uint_eq(s->line, 2);
	s = turnserver_conf_next(c, NULL, s);
	ck_assert_str_eq(s->key, "verbose");
	s = turnserver_conf_next(c, "listening-ip", s);
	ck_assert_str_eq(s->value, "b");
	ck_assert_uint_eq(s->line, 5);
	ck_assert_ptr_null(turnserver_conf_next(c, NULL, s));
	turnserver_conf_free(c);
}
END_TEST

static const struct {
	const char *text;
	bool on;
} flags[] = {
	{ "no-cli", true },	  { "no-cli=yes", true }, { "no-cli=1", true },
	{ "no-cli=true", true },  { "no-cli=on", true },  { "no-cli=off", false },
	{ "no-cli=no", false },	  { "no-cli=0", false },  { "no-cli=false", false },
	{ "no-cli=what", false }, { "", false },	  { "no-cli\nno-cli=0", false },
};

START_TEST(switches_take_the_words_that_turnserver_takes)
{
	struct turnserver_conf *c = parsed(flags[_i].text);

	ck_assert(turnserver_conf_flag(c, "no-cli") == flags[_i].on);
	turnserver_conf_free(c);
}
END_TEST

START_TEST(a_number_is_the_last_one_or_what_stands_for_none)
{
	struct turnserver_conf *c = parsed("min-port=1\nmin-port=49152\nmax-port=x\n");

	ck_assert_int_eq(turnserver_conf_number(c, "min-port", 7), 49152);
	ck_assert_int_eq(turnserver_conf_number(c, "max-port", 7), 0);
	ck_assert_int_eq(turnserver_conf_number(c, "total-quota", 7), 7);
	turnserver_conf_free(c);
}
END_TEST

/* turnserver's buffer takes 1023 bytes at once, and the rest is a line to it, even of a comment. */
START_TEST(a_line_too_long_for_turnserver_is_two)
{
	char text[1100];
	struct turnserver_conf *c;

	memset(text, 'x', sizeof(text));
	text[0] = '#';
	strcpy(text + 1023, "realm=rest\n");
	c = parsed(text);
	ck_assert_str_eq(turnserver_conf_get(c, "realm"), "rest");
	ck_assert_uint_eq(turnserver_conf_next(c, NULL, NULL)->line, 1);
	turnserver_conf_free(c);
}
END_TEST

START_TEST(what_follows_a_nul_byte_is_not_seen)
{
	static const char text[] = "realm=a\0b\nverbose\n";
	struct turnserver_conf *c;

	ck_assert_int_eq(turnserver_conf_parse(text, sizeof(text) - 1, &c), 0);
	ck_assert_str_eq(turnserver_conf_get(c, "realm"), "a");
	ck_assert(turnserver_conf_flag(c, "verbose"));
	turnserver_conf_free(c);
}
END_TEST

START_TEST(one_setting_too_many_is_refused)
{
	size_t n = 2 * (TURNSERVER_CONF_SETTINGS_MAX + 1);
	char *text = malloc(n);
	struct turnserver_conf *c;

	for (size_t i = 0; i < n; i++)
		text[i] = i % 2 ? '\n' : 'v';
	ck_assert_int_eq(turnserver_conf_parse(text, n - 2, &c), 0);
	turnserver_conf_free(c);
	ck_assert_int_eq(turnserver_conf_parse(text, n, &c), -E2BIG);
	ck_assert_ptr_null(c);
	free(text);
}
END_TEST

START_TEST(a_file_is_read_or_there_is_a_reason)
{
	char path[] = "/tmp/check_turnserver_conf.XXXXXX";
	int fd = mkstemp(path);
	struct turnserver_conf *c;
	struct secret_error err;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "realm=x\n", 8), 8);
	ck_assert_int_eq(turnserver_conf_load(path, &c, &err), 0);
	ck_assert_str_eq(turnserver_conf_get(c, "realm"), "x");
	turnserver_conf_free(c);
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	ck_assert_int_eq(turnserver_conf_load(path, &c, &err), -EPERM);
	ck_assert_ptr_null(c);
	ck_assert_int_gt(strlen(err.text), 0);
	unlink(path);
	close(fd);
	ck_assert_int_eq(turnserver_conf_load(path, &c, &err), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("turnserver_conf");
	TCase *t = tcase_create("turnserver_conf");

	tcase_add_loop_test(t, a_value_is_found_as_turnserver_finds_it, 0,
			    sizeof(files) / sizeof(*files));
	tcase_add_test(t, repeated_keys_are_walked_in_their_order_with_their_lines);
	tcase_add_loop_test(t, switches_take_the_words_that_turnserver_takes, 0,
			    sizeof(flags) / sizeof(*flags));
	tcase_add_test(t, a_number_is_the_last_one_or_what_stands_for_none);
	tcase_add_test(t, a_line_too_long_for_turnserver_is_two);
	tcase_add_test(t, what_follows_a_nul_byte_is_not_seen);
	tcase_add_test(t, one_setting_too_many_is_refused);
	tcase_add_test(t, a_file_is_read_or_there_is_a_reason);
	suite_add_tcase(s, t);
	return run_suite(s);
}
