/* check_static_secret.c - the one line of turnserver.conf that signald looks at */
#include "static_secret.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIXTEEN "0123456789abcdef"
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define LONGEST SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR

static const struct {
	const char *text, *value; /* NULL: none */
	unsigned bad_line;	  /* not 0: refused there */
} files[] = {
	{ "static-auth-secret=north", "north", 0 },
	{ "realm=example.org\n  static-auth-secret \t=\t north  \nuserdb=/x\n", "north", 0 },
	{ "static-auth-secret north\r\n", "north", 0 },
	{ "static-auth-secret=\"no rth\"  \n", "no rth", 0 },
	{ "static-auth-secret=\"north\n", "north", 0 },
	{ "static-auth-secret=a=b#c\n", "a=b#c", 0 },
	{ "static-auth-secret=first\nstatic-auth-secret=last\n", "first", 0 },
	{ "static-auth-secret=" LONGEST, LONGEST, 0 },
	{ "", NULL, 0 },
	{ "#static-auth-secret=north\nuse-auth-secret\n", NULL, 0 },
	{ "static-auth-secrets=north\n", NULL, 0 },
	{ "static-auth-secre", NULL, 0 },
	{ "cli-password=static-auth-secret=north\n", NULL, 0 },
	{ "use-auth-secret\nstatic-auth-secret\n", NULL, 2 },
	{ "static-auth-secret=\n", NULL, 1 },
	{ "static-auth-secret=\"\"\n", NULL, 1 },
	{ "\n\nstatic-auth-secret=x" LONGEST, NULL, 3 },
};

START_TEST(the_first_line_is_found_as_turnserver_reads_it)
{
	struct secret_error err;
	char *value;
	int r = static_secret_parse(files[_i].text, strlen(files[_i].text), &value, &err);

	if (files[_i].bad_line) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_uint_eq(err.line, files[_i].bad_line);
		ck_assert_ptr_null(strstr(err.text, SIXTEEN));
	} else {
		ck_assert_int_eq(r, files[_i].value ? 0 : -ENOENT);
	}
	ck_assert_pstr_eq(value, files[_i].value);
	static_secret_free(value);
}
END_TEST

START_TEST(a_nul_byte_in_the_value_is_refused)
{
	static const char text[] = "static-auth-secret=no\0rth";
	struct secret_error err;
	char *value;

	ck_assert_int_eq(static_secret_parse(text, sizeof(text) - 1, &value, &err), -EINVAL);
	ck_assert_ptr_null(value);
}
END_TEST

static const struct {
	mode_t mode;
	int result;
} modes[] = { { 0600, 0 }, { 0640, 0 }, { 0644, -EPERM }, { 0602, -EPERM } };

START_TEST(a_file_that_others_may_read_is_refused)
{
	char path[] = "/tmp/check_static_secret.XXXXXX";
	int fd = mkstemp(path);
	struct secret_error err;
	char *value;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "static-auth-secret=north\n", 25), 25);
	ck_assert_int_eq(fchmod(fd, modes[_i].mode), 0);
	close(fd);
	ck_assert_int_eq(static_secret_load(path, &value, &err), modes[_i].result);
	if (modes[_i].result)
		ck_assert_ptr_nonnull(strstr(err.text, "chmod o="));
	static_secret_free(value);
	unlink(path);
	ck_assert_int_eq(static_secret_load(path, &value, &err), -ENODATA);
	ck_assert_str_eq(err.text, strerror(ENOENT));
	static_secret_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("static_secret");
	TCase *tc = tcase_create("static_secret");

	tcase_add_loop_test(tc, the_first_line_is_found_as_turnserver_reads_it, 0,
			    sizeof(files) / sizeof(files[0]));
	tcase_add_test(tc, a_nul_byte_in_the_value_is_refused);
	tcase_add_loop_test(tc, a_file_that_others_may_read_is_refused, 0,
			    sizeof(modes) / sizeof(modes[0]));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
