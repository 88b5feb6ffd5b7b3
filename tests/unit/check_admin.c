/* check_admin.c - who may see the stats, and what is asked for in a body */
#include "admin/admin_token.h"
#include "admin/credential_request.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the token ----------------------------------------------------------- */

static char path[] = "/tmp/check_admin_XXXXXX";

static void write_token(const char *text, mode_t mode)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static int load(struct admin_token *t, const char *text, mode_t mode)
{
	int r;

	write_token(text, mode);
	r = admin_token_load(t, path);
	unlink(path);
	return r;
}

START_TEST(the_token_opens_with_and_without_bearer)
{
	struct admin_token t;

	ck_assert_int_eq(load(&t, "0123456789abcdef\n", 0600), 0);
	ck_assert(admin_token_matches(&t, "Bearer 0123456789abcdef"));
	ck_assert(admin_token_matches(&t, "bearer 0123456789abcdef"));
	ck_assert(admin_token_matches(&t, "0123456789abcdef"));
	ck_assert(!admin_token_matches(&t, "0123456789abcdeF"));
	ck_assert(!admin_token_matches(&t, "Bearer 0123456789abcde"));
	ck_assert(!admin_token_matches(&t, "Bearer "));
	ck_assert(!admin_token_matches(&t, ""));
	ck_assert(!admin_token_matches(&t, NULL));
}
END_TEST

START_TEST(without_a_token_nobody_is_let_in)
{
	struct admin_token t = { .set = false };

	ck_assert(!admin_token_matches(&t, "Bearer 0123456789abcdef"));
	ck_assert(!admin_token_matches(&t, ""));
}
END_TEST

static const struct {
	const char *text;
	mode_t mode;
	int result;
} files[] = {
	{ "0123456789abcdef", 0640, 0 },
	{ "0123456789abcdef", 0644, -EPERM },
	{ "0123456789abcdef", 0602, -EPERM },
	{ "0123456789abcde\n", 0600, -EINVAL },
	{ "", 0600, -EINVAL },
	{ "0123456789 abcdef\n", 0600, -EINVAL },
};

START_TEST(a_file_that_is_open_or_odd_is_refused)
{
	struct admin_token t;

	ck_assert_int_eq(load(&t, files[_i].text, files[_i].mode), files[_i].result);
	ck_assert_int_eq(t.set, !files[_i].result);
}
END_TEST

START_TEST(an_overlong_token_is_refused)
{
	struct admin_token t;
	char text[ADMIN_TOKEN_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[ADMIN_TOKEN_MAX + 1] = 0;
	ck_assert_int_eq(load(&t, text, 0600), -EINVAL);
	text[ADMIN_TOKEN_MAX] = 0;
	ck_assert_int_eq(load(&t, text, 0600), 0);
	ck_assert_int_eq(admin_token_load(&t, "/nonexistent/token"), -ENOENT);
	ck_assert(!t.set);
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
	tcase_add_test(t, without_a_token_nobody_is_let_in);
	tcase_add_loop_test(t, a_file_that_is_open_or_odd_is_refused, 0,
			    sizeof(files) / sizeof(files[0]));
	tcase_add_test(t, an_overlong_token_is_refused);
	tcase_add_loop_test(t, a_body_asks_for_this, 0, sizeof(bodies) / sizeof(bodies[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}
