/* check_origin.c - which pages may talk to us */
#include "transport/origin.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nth_alloc.h"
#include "run_suite.h"

static struct origin_policy *policy(const char *a, const char *b)
{
	const char *list[] = { a, b, NULL }, *bad;
	struct origin_policy *p;

	ck_assert_int_eq(origin_policy_new(&p, list, &bad), 0);
	return p;
}

START_TEST(without_a_list_only_no_origin_our_own_and_file)
{
	ck_assert(origin_allowed(NULL, NULL, NULL, true));
	ck_assert(origin_allowed(NULL, "file://", "x", true));
	ck_assert(origin_allowed(NULL, "https://a.example:449", "a.example:449", true));
	ck_assert(origin_allowed(NULL, "https://A.example", "a.EXAMPLE", true));
	ck_assert(origin_allowed(NULL, "http://a.example", "a.example:80", true));
	ck_assert(origin_allowed(NULL, "https://a.example:443", "a.example", true));
	ck_assert(origin_allowed(NULL, "http://[2001:db8::1]:449", "[2001:db8::1]:449", true));
	ck_assert(!origin_allowed(NULL, "null", "null", true));
	ck_assert(!origin_allowed(NULL, "", "", true));
	ck_assert(!origin_allowed(NULL, "https://a.example", NULL, true));
	ck_assert(!origin_allowed(NULL, "https://a.example", "a.example:449", true));
	ck_assert(!origin_allowed(NULL, "https://a.example", "b.example", true));
	ck_assert(!origin_allowed(NULL, "http://localhost", "a.example", true));
	ck_assert(!origin_allowed(NULL, "app://a.example", "a.example", true));
}
END_TEST

START_TEST(a_name_that_nobody_proved_is_not_our_own)
{
	ck_assert(!origin_allowed(NULL, "http://a.example:449", "a.example:449", false));
	ck_assert(!origin_allowed(NULL, "http://localhost.evil", "localhost.evil", false));
	ck_assert(!origin_allowed(NULL, "http://127.1", "127.1", false));
	ck_assert(origin_allowed(NULL, "http://192.0.2.1:449", "192.0.2.1:449", false));
	ck_assert(origin_allowed(NULL, "http://[2001:db8::1]:449", "[2001:db8::1]:449", false));
	ck_assert(origin_allowed(NULL, "http://localhost:449", "localhost:449", false));
	ck_assert(origin_allowed(NULL, "https://a.example:449", "a.example:449", true));
}
END_TEST

START_TEST(loopback_is_that_and_nothing_like_it)
{
	static const char *const yes[] = { "http://localhost", "https://LOCALHOST:3000",
					   "http://127.0.0.1:1", "http://127.255.1.2",
					   "https://[::1]:65535" };
	static const char *const no[] = {
		"http://localhost.evil",
		"http://127.0.0.1.evil",
		"http://127.1",
		"http://127.0.0.256",
		"http://128.0.0.1",
		"http://[::2]",
		"ftp://localhost",
		"http://localhost:0",
		"http://localhost:65536",
		"http://localhost:",
		"http://localhost/",
		"http://a@localhost",
		"http://localhost?x",
		"http:// localhost",
		"//localhost",
		"http://",
		"localhost",
		"null",
		"http://[::1",
		"http://[]",
		"http://[::1]x",
		"http://localhost\\@evil",
		"://localhost",
	};
	struct origin_policy *p = policy("loopback", NULL);

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ck_assert_msg(origin_allowed(p, yes[i], "x", true), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ck_assert_msg(!origin_allowed(p, no[i], "x", true), "%s", no[i]);
	origin_policy_free(p);
}
END_TEST

START_TEST(exact_origins_are_compared_as_origins)
{
	struct origin_policy *p = policy("https://app.example", "capacitor://localhost");

	ck_assert(origin_allowed(p, "https://APP.example:443", NULL, true));
	ck_assert(origin_allowed(p, "capacitor://localhost", NULL, true));
	ck_assert(!origin_allowed(p, "http://app.example", NULL, true));
	ck_assert(!origin_allowed(p, "https://app.example:444", NULL, true));
	ck_assert(!origin_allowed(p, "https://xapp.example", NULL, true));
	ck_assert(!origin_allowed(p, "https://app.example.evil", NULL, true));
	origin_policy_free(p);
}
END_TEST

START_TEST(a_star_is_everybody)
{
	struct origin_policy *p = policy("*", NULL);

	ck_assert(origin_allowed(p, "null", NULL, true));
	ck_assert(origin_allowed(p, "https://any.example", NULL, true));
	origin_policy_free(p);
}
END_TEST

START_TEST(an_entry_that_is_none_is_named)
{
	static const char *const wrong[] = { "app.example", "https://", "https://a/", "https://*.a",
					     "" };
	struct origin_policy *p;
	const char *bad;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *list[] = { "loopback", wrong[i], NULL };

		ck_assert_int_eq(origin_policy_new(&p, list, &bad), -EINVAL);
		ck_assert_ptr_null(p);
		ck_assert_str_eq(bad, wrong[i]);
	}
}
END_TEST

START_TEST(a_list_has_an_end_and_so_has_an_origin)
{
	const char *list[ORIGINS_MAX + 2], *bad;
	char origin[ORIGIN_MAX + 2] = "https://";
	struct origin_policy *p;

	for (size_t i = 0; i <= ORIGINS_MAX; i++)
		list[i] = "https://a.example";
	list[ORIGINS_MAX + 1] = NULL;
	ck_assert_int_eq(origin_policy_new(&p, list, &bad), -E2BIG);
	list[ORIGINS_MAX] = NULL;
	ck_assert_int_eq(origin_policy_new(&p, list, &bad), 0);
	ck_assert(origin_allowed(p, "https://a.example", NULL, true));
	origin_policy_free(p);
	memset(origin + 8, 'a', ORIGIN_MAX + 1 - 8);
	ck_assert(!origin_allowed(NULL, origin, origin + 8, true));
	origin[ORIGIN_MAX] = '\0';
	ck_assert(origin_allowed(NULL, origin, origin + 8, true));
}
END_TEST

static void make_policy(void)
{
	const char *list[] = { "https://a", "loopback", "https://b", NULL }, *bad;
	struct origin_policy *p;
	int rc = origin_policy_new(&p, list, &bad);

	MUST(rc == 0 || rc == -ENOMEM);
	MUST((p != NULL) == (rc == 0));
	origin_policy_free(p);
}

START_TEST(without_memory_there_is_no_half_policy)
{
	with_each_allocation_failing(make_policy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("origin");
	TCase *t = tcase_create("origin");

	suite_add_tcase(s, t);
	tcase_add_test(t, without_a_list_only_no_origin_our_own_and_file);
	tcase_add_test(t, a_name_that_nobody_proved_is_not_our_own);
	tcase_add_test(t, loopback_is_that_and_nothing_like_it);
	tcase_add_test(t, exact_origins_are_compared_as_origins);
	tcase_add_test(t, a_star_is_everybody);
	tcase_add_test(t, an_entry_that_is_none_is_named);
	tcase_add_test(t, a_list_has_an_end_and_so_has_an_origin);
	tcase_add_test(t, without_memory_there_is_no_half_policy);
	return run_suite(s);
}
