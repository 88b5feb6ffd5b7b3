/* check_admin.c - tokens of admins, the site key, and what is asked for in a body */
#include "admin/admin_tokens.h"
#include "admin/credential_request.h"
#include "admin/site_key.h"
#include "admin_fixture.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONE "0123456789abcdef"
#define TWO "fedcba9876543210"

/* --- tokens ---------------------------------------------------------------- */

static struct admin_token_set set;
static struct secret_error err;

static int parse(const char *text)
{
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1); /* exactly sized: a read past it is seen */
	int r;

	memcpy(copy, text, n);
	memset(&err, 0, sizeof(err));
	r = admin_tokens_parse(&set, copy, n, &err);
	free(copy);
	return r;
}

START_TEST(the_token_opens_with_and_without_bearer)
{
	struct admin_tokens *t = admin_tokens_of(ONE "\n");

	ck_assert_ptr_nonnull(t);
	ck_assert_str_eq(admin_tokens_match(t, "Bearer " ONE), "admin");
	ck_assert_str_eq(admin_tokens_match(t, "bearer " ONE), "admin");
	ck_assert_str_eq(admin_tokens_match(t, ONE), "admin");
	ck_assert_ptr_null(admin_tokens_match(t, "0123456789abcdeF"));
	ck_assert_ptr_null(admin_tokens_match(t, "Bearer 0123456789abcde"));
	ck_assert_ptr_null(admin_tokens_match(t, "Bearer "));
	ck_assert_ptr_null(admin_tokens_match(t, "admin " ONE));
	ck_assert_ptr_null(admin_tokens_match(t, ""));
	ck_assert_ptr_null(admin_tokens_match(t, NULL));
	admin_tokens_free(t);
}
END_TEST

START_TEST(without_a_file_nobody_is_let_in)
{
	struct admin_tokens *t;

	ck_assert_int_eq(admin_tokens_new(&t, NULL), 0);
	ck_assert_ptr_null(admin_tokens_match(t, "Bearer " ONE));
	ck_assert_ptr_null(admin_tokens_match(t, ""));
	admin_tokens_read(t);
	admin_tokens_read_if_changed(t);
	admin_tokens_free(t);
}
END_TEST

START_TEST(each_admin_has_a_name)
{
	struct admin_tokens *t = admin_tokens_of("# who\n\n  ops\t" ONE "  \nbot.2_x-Y " TWO);

	ck_assert_ptr_nonnull(t);
	ck_assert_str_eq(admin_tokens_match(t, "Bearer " ONE), "ops");
	ck_assert_str_eq(admin_tokens_match(t, "Bearer " TWO), "bot.2_x-Y");
	ck_assert_ptr_null(admin_tokens_match(t, "Bearer ops"));
	admin_tokens_free(t);
}
END_TEST

static const struct {
	const char *text;
	unsigned line;
	const char *why;
} bad[] = {
	{ "ops " ONE "\nops " TWO, 2, "a second token of ops" },
	{ "ops " ONE "\n\nbot " ONE, 3, "bot has the token of ops" },
	{ "ops 0123456789abcde", 1, "a token has 16 to 512" },
	{ "0123456789abcde", 1, "a token has 16 to 512" },
	{ ONE " 0123", 1, "a token has 16 to 512" },
	{ "o/ps " ONE, 1, "a name has 1 to 32" },
	{ "abcdefghijklmnopqrstuvwxyz0123456 " ONE, 1, "a name has 1 to 32" },
	{ "ops " ONE " more", 1, "more than a name and a token" },
	{ "ops " ONE "\n" TWO, 2, "a token without a name" },
	{ ONE "\nbot " TWO, 1, "a token without a name" },
	{ "ops " ONE "\n# x\nadmin " TWO "\n0123456789abcdeg", 4, "a second token of admin" },
	{ "ops 0123456789abcdef\r\n", 1, "a token has 16 to 512" },
	{ "ops 0123456789abcde\x7f", 1, "a token has 16 to 512" },
	{ "\xc3\xa4 " ONE, 1, "a name has 1 to 32" },
};

START_TEST(what_is_wrong_is_said_with_its_line_and_without_the_token)
{
	ck_assert_int_eq(parse(bad[_i].text), -EINVAL);
	ck_assert_uint_eq(err.line, bad[_i].line);
	ck_assert_msg(strstr(err.text, bad[_i].why) == err.text, "%s", err.text);
	ck_assert_ptr_null(strstr(err.text, "0123456789"));
	ck_assert_uint_eq(set.n, 0);
}
END_TEST

START_TEST(a_nul_is_part_of_no_name_and_no_token)
{
	static const char name[] = "o\0s " ONE, token[] = "ops 0123456789\0abcdef";

	ck_assert_int_eq(admin_tokens_parse(&set, name, sizeof(name) - 1, &err), -EINVAL);
	ck_assert_int_eq(admin_tokens_parse(&set, token, sizeof(token) - 1, &err), -EINVAL);
}
END_TEST

START_TEST(there_are_sixty_four_tokens_at_most)
{
	static char text[ADMIN_TOKENS_MAX * 40 + 80];
	size_t n = 0;

	for (unsigned i = 0; i < ADMIN_TOKENS_MAX; i++)
		n += (size_t)sprintf(text + n, "admin-%u token-of-number-%04u\n", i, i);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(set.n, ADMIN_TOKENS_MAX);
	sprintf(text + n, "one-more and-a-token-that-is-long\n");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_uint_eq(err.line, ADMIN_TOKENS_MAX + 1);
}
END_TEST

START_TEST(an_overlong_token_is_refused)
{
	char text[ADMIN_TOKEN_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[ADMIN_TOKEN_MAX + 1] = 0;
	ck_assert_int_eq(parse(text), -EINVAL);
	text[ADMIN_TOKEN_MAX] = 0;
	ck_assert_int_eq(parse(text), 0);
}
END_TEST

static const struct {
	const char *text;
	mode_t mode;
	int result;
} files[] = {
	{ ONE, 0640, 0 },	  { ONE, 0644, -EPERM }, { ONE, 0602, -EPERM },
	{ "x\n", 0600, -EINVAL }, { "", 0600, 0 },
};

START_TEST(a_file_that_is_open_or_odd_is_refused)
{
	struct admin_tokens *t = NULL;

	ck_assert_int_eq(admin_file_write(files[_i].text, files[_i].mode), 0);
	ck_assert_int_eq(admin_tokens_new(&t, admin_file), files[_i].result);
	unlink(admin_file);
	ck_assert_int_eq(t != NULL, !files[_i].result);
	admin_tokens_free(t);
	ck_assert_int_eq(admin_tokens_new(&t, "/nonexistent/token"), -ENOENT);
}
END_TEST

static void rewrite(const char *text)
{
	FILE *f = fopen(admin_file, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(a_change_counts_at_once_and_a_broken_file_changes_nothing)
{
	struct admin_tokens *t;

	ck_assert_int_eq(admin_file_write("ops " ONE "\nbot " TWO "\n", 0600), 0);
	ck_assert_int_eq(admin_tokens_new(&t, admin_file), 0);
	rewrite("bot " TWO "\n");
	admin_tokens_read_if_changed(t);
	ck_assert_ptr_null(admin_tokens_match(t, ONE));
	ck_assert_str_eq(admin_tokens_match(t, TWO), "bot");
	rewrite("bot short\n");
	admin_tokens_read_if_changed(t);
	admin_tokens_read(t);
	ck_assert_str_eq(admin_tokens_match(t, TWO), "bot");
	unlink(admin_file);
	admin_tokens_read_if_changed(t);
	ck_assert_str_eq(admin_tokens_match(t, TWO), "bot");
	ck_assert_int_eq(admin_file_write("# none any more\n", 0600), 0);
	admin_tokens_free(t);
	ck_assert_int_eq(admin_tokens_new(&t, admin_file), 0);
	ck_assert_ptr_null(admin_tokens_match(t, TWO));
	admin_tokens_free(t);
	unlink(admin_file);
}
END_TEST

START_TEST(a_file_that_could_not_be_opened_is_tried_again)
{
	struct rlimit before, none;
	struct admin_tokens *t;

	ck_assert_int_eq(admin_file_write("ops " ONE "\n", 0600), 0);
	ck_assert_int_eq(admin_tokens_new(&t, admin_file), 0);
	rewrite("bot " TWO "\n");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	admin_tokens_read_if_changed(t);
	ck_assert_str_eq(admin_tokens_match(t, ONE), "ops");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	admin_tokens_read_if_changed(t);
	ck_assert_ptr_null(admin_tokens_match(t, ONE));
	ck_assert_str_eq(admin_tokens_match(t, TWO), "bot");
	admin_tokens_free(t);
	unlink(admin_file);
}
END_TEST

/* --- the site key ---------------------------------------------------------- */

static const struct {
	const char *text;
	mode_t mode;
	int result;
} keys[] = {
	{ "site-key-1\nwords behind it\n", 0644, 0 },
	{ "site-key-1", 0600, 0 },
	{ "site-key-1", 0646, -EPERM },
	{ "short", 0600, -EINVAL },
	{ "site key 1", 0600, -EINVAL },
};

START_TEST(the_site_key_is_public_but_not_to_be_written)
{
	struct site_key k = { .set = true };

	ck_assert_int_eq(admin_file_write(keys[_i].text, keys[_i].mode), 0);
	ck_assert_int_eq(site_key_load(&k, admin_file), keys[_i].result);
	unlink(admin_file);
	ck_assert_int_eq(k.set, !keys[_i].result);
	ck_assert_int_eq(site_key_is(&k, "site-key-1"), !keys[_i].result);
	ck_assert(!site_key_is(&k, "site-key-"));
	ck_assert(!site_key_is(&k, NULL));
}
END_TEST

/* --- the body ------------------------------------------------------------ */

static const struct {
	const char *body, *user;
	uint64_t ttl_s; /* 0: refused */
} bodies[] = {
	{ "{\"userId\":\"123\",\"ttl\":3600}", "123", 3600 },
	{ "{\"userId\":123,\"ttl\":\"3600\"}", "123", 3600 },
	{ " {\"ttl\":0.5,\"userId\":\"a.b@c\"} ", "a.b@c", 1 },
	{ "{\"userId\":\"a\",\"ttl\":1e300}", "a", UINT32_MAX },
	{ "{\"userId\":\"a\",\"ttl\":61.9}", "a", 61 },
	{ "{\"userId\":\"a\"}", NULL, 0 },
	{ "{\"ttl\":60}", NULL, 0 },
	{ "{\"userId\":\"\",\"ttl\":60}", NULL, 0 },
	{ "{\"userId\":null,\"ttl\":60}", NULL, 0 },
	{ "{\"userId\":1.5e3,\"ttl\":60}", NULL, 0 },
	{ "{\"userId\":{},\"ttl\":60}", NULL, 0 },
	{ "{\"userId\":\"a:b\",\"ttl\":60}", NULL, 0 },
	{ "{\"userId\":\"a\",\"ttl\":0}", NULL, 0 },
	{ "{\"userId\":\"a\",\"ttl\":-5}", NULL, 0 },
	{ "{\"userId\":\"a\",\"ttl\":\"\"}", NULL, 0 },
	{ "{\"userId\":\"a\",\"ttl\":\"inf\"}", NULL, 0 },
	{ "{\"userId\":\"a\",\"ttl\":\"0x10\"}", NULL, 0 },
	{ "{\"userId\":\"a\",\"ttl\":true}", NULL, 0 },
	{ "{\"userId\":\"a\",\"ttl\":null}", NULL, 0 },
	{ "[]", NULL, 0 },
	{ "", NULL, 0 },
	{ "{", NULL, 0 },
	{ "userId=123&ttl=3600", "123", 3600 },
	{ "x=1&ttl=60&userId=a%40b", "a@b", 60 },
	{ "userId=a&ttl=", NULL, 0 },
	{ "userId=a", NULL, 0 },
	{ "userId=&ttl=60", NULL, 0 },
	{ "userId=a%4&ttl=60", NULL, 0 },
	{ "userId=a%00b&ttl=60", NULL, 0 },
	{ "userId=a+b&ttl=60", NULL, 0 },
	{ "userId=a&ttl=60x", NULL, 0 },
	{ "ttl=60&userI=d", NULL, 0 },
};

START_TEST(a_body_asks_for_this)
{
	struct credential_request w;
	const char *body = bodies[_i].body;
	bool form = strchr(body, '&') || !strncmp(body, "userId", 6);
	size_t n = strlen(body);
	char *copy = malloc(n ? n : 1); /* exactly sized: a read past it is seen */
	const char *wrong;

	memcpy(copy, body, n);
	wrong = form ? credential_request_form(&w, copy, n) : credential_request_json(&w, copy, n);
	free(copy);
	if (bodies[_i].ttl_s) {
		ck_assert_ptr_null(wrong);
		ck_assert_str_eq(w.user, bodies[_i].user);
		ck_assert_uint_eq(w.ttl_s, bodies[_i].ttl_s);
	} else {
		ck_assert_msg(wrong != NULL, "accepted: %s", body);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admin");
	TCase *t = tcase_create("admin");

	tcase_add_test(t, the_token_opens_with_and_without_bearer);
	tcase_add_test(t, without_a_file_nobody_is_let_in);
	tcase_add_test(t, each_admin_has_a_name);
	tcase_add_loop_test(t, what_is_wrong_is_said_with_its_line_and_without_the_token, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_nul_is_part_of_no_name_and_no_token);
	tcase_add_test(t, there_are_sixty_four_tokens_at_most);
	tcase_add_test(t, a_change_counts_at_once_and_a_broken_file_changes_nothing);
	tcase_add_test(t, a_file_that_could_not_be_opened_is_tried_again);
	tcase_add_loop_test(t, the_site_key_is_public_but_not_to_be_written, 0,
			    sizeof(keys) / sizeof(keys[0]));
	tcase_add_loop_test(t, a_file_that_is_open_or_odd_is_refused, 0,
			    sizeof(files) / sizeof(files[0]));
	tcase_add_test(t, an_overlong_token_is_refused);
	tcase_add_loop_test(t, a_body_asks_for_this, 0, sizeof(bodies) / sizeof(bodies[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}
