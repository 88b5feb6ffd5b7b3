/* check_forwarded.c - lists of addresses, and who stands behind a proxy */
#include "transport/forwarded.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nth_alloc.h"
#include "run_suite.h"

static struct address_set *set(const char *a, const char *b)
{
	const char *list[] = { a, b, NULL }, *bad;
	struct address_set *s;

	ck_assert_int_eq(address_set_new(&s, list, &bad), 0);
	return s;
}

static struct client_address address(const char *text)
{
	struct client_address a;

	ck_assert_msg(address_read(&a, text, strlen(text)), "%s", text);
	return a;
}

static bool has(const char *entry, const char *text)
{
	struct address_set *s = set(entry, NULL);
	struct client_address a = address(text);
	bool yes = address_set_has(s, &a);

	address_set_free(s);
	return yes;
}

START_TEST(ranges_have_what_their_prefix_says)
{
	ck_assert(has("192.0.2.7", "192.0.2.7"));
	ck_assert(!has("192.0.2.7", "192.0.2.6"));
	ck_assert(has("192.0.2.0/24", "192.0.2.255"));
	ck_assert(!has("192.0.2.0/24", "192.0.3.0"));
	ck_assert(has("192.0.2.128/25", "192.0.2.129"));
	ck_assert(!has("192.0.2.128/25", "192.0.2.127"));
	ck_assert(has("0.0.0.0/0", "255.1.2.3"));
	ck_assert(!has("0.0.0.0/0", "2001:db8::1"));
	ck_assert(!has("::/0", "192.0.2.1"));
	ck_assert(has("2001:db8::/33", "2001:db8:7fff::1"));
	ck_assert(!has("2001:db8::/33", "2001:db8:8000::1"));
	ck_assert(has("::1/128", "::1"));
	ck_assert(has("::ffff:192.0.2.0/120", "192.0.2.9"));
	ck_assert(has("192.0.2.0/24", "::ffff:192.0.2.9"));
	ck_assert(!has("::ffff:192.0.2.0/120", "192.0.3.9"));
}
END_TEST

START_TEST(an_empty_list_and_an_unknown_address_match_nothing)
{
	struct address_set *s = set(NULL, NULL), *all = set("0.0.0.0/0", "::/0");
	struct client_address a = address("192.0.2.1"), unknown = { 0 };

	ck_assert(!address_set_has(NULL, &a));
	ck_assert(!address_set_has(s, &a));
	ck_assert(address_set_has(all, &a));
	ck_assert(!address_set_has(all, &unknown));
	address_set_free(s);
	address_set_free(all);
	address_set_free(NULL);
}
END_TEST

START_TEST(what_is_no_address_is_refused_by_name)
{
	static const char *const wrong[] = { "",
					     "x",
					     "localhost",
					     "192.0.2",
					     "192.0.2.256",
					     "192.0.2.1/",
					     "192.0.2.1/33",
					     "192.0.2.1/-1",
					     "192.0.2.1/24", /* bits behind the prefix */
					     "192.0.2.0/24x",
					     "192.0.2.0/ 24",
					     " 192.0.2.1",
					     "192.0.2.1 ",
					     "2001:db8::/129",
					     "2001:db8::1/64",
					     "[2001:db8::1]",
					     "fe80::1%eth0",
					     "::ffff:0.0.0.0/64",
					     "192.0.2.1:80",
					     "192.0.2.0/99999999999999999999" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *list[] = { "192.0.2.1", wrong[i], NULL }, *bad;
		struct address_set *s;

		ck_assert_msg(address_set_new(&s, list, &bad) == -EINVAL, "%s", wrong[i]);
		ck_assert_ptr_eq(bad, wrong[i]);
		ck_assert_ptr_null(s);
	}
}
END_TEST

static void make_a_set(void)
{
	const char *list[] = { "192.0.2.1", NULL }, *bad;
	struct address_set *s;
	int r = address_set_new(&s, list, &bad);

	MUST(r == 0 || (r == -ENOMEM && !s && !bad));
	address_set_free(s);
}

START_TEST(a_list_has_a_maximum_and_may_fail_for_want_of_memory)
{
	const char *list[ADDRESS_SET_MAX + 2], *bad;
	struct address_set *s;

	for (size_t i = 0; i <= ADDRESS_SET_MAX; i++)
		list[i] = "192.0.2.1";
	list[ADDRESS_SET_MAX + 1] = NULL;
	ck_assert_int_eq(address_set_new(&s, list, &bad), -E2BIG);
	list[ADDRESS_SET_MAX] = NULL;
	ck_assert_int_eq(address_set_new(&s, list, &bad), 0);
	address_set_free(s);
	with_each_allocation_failing(make_a_set);
}
END_TEST

/* The client by these lines ("|" between two), "?" for none; "!" behind it: garbage. */
static const char *client(const char *lines)
{
	static char text[INET6_ADDRSTRLEN + 2];
	struct address_set *trusted = set("10.0.0.0/8", "2001:db8::/32");
	char copy[256], *line, *rest = copy;
	struct forwarded f;

	snprintf(copy, sizeof(copy), "%s", lines);
	forwarded_init(&f);
	while ((line = strsep(&rest, "|")))
		forwarded_add(&f, trusted, line);
	client_address_text(&f.client, text);
	if (!*text)
		strcpy(text, "?");
	if (f.garbage)
		strcat(text, "!");
	address_set_free(trusted);
	return text;
}

START_TEST(the_client_is_the_last_that_is_no_proxy)
{
	static const char *const rows[][2] = {
		{ "", "?" },
		{ " , ,", "?" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1, 198.51.100.2", "198.51.100.2" },
		{ "192.0.2.1,198.51.100.2,10.1.1.1 , 10.2.2.2", "198.51.100.2" },
		{ "192.0.2.1|198.51.100.2|10.1.1.1", "198.51.100.2" },
		{ "10.3.3.3, 10.1.1.1", "10.3.3.3" }, /* a client inside */
		{ "2001:db9::1, 2001:db8::1", "2001:db9::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1:4711", "192.0.2.1" },
		{ "[2001:db9::1]:4711, [2001:db8::1]", "2001:db9::1" },
		{ "\t192.0.2.1\t", "192.0.2.1" },
		/* what the client made up stands before it */
		{ "garbage, 192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1, <script>, 198.51.100.2, 10.1.1.1", "198.51.100.2" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(client(rows[i][0]), rows[i][1]);
}
END_TEST

START_TEST(behind_garbage_nothing_is_believed)
{
	static const char *const lines[] = {
		"garbage",
		"192.0.2.1, unknown",
		"192.0.2.1, _hidden, 10.1.1.1",
		"192.0.2.1:",
		"192.0.2.1:123456",
		"192.0.2.1:8x",
		"[192.0.2.1]",
		"[2001:db9::1",
		"[2001:db9::1]x",
		"[2001:db9::1]:",
		"2001:db9::1]:80",
		"192.0.2.1 198.51.100.1",
		"\"192.0.2.1\"",
		"192.0.2.1|x",
		"for=192.0.2.1",
		"[]",
		"[",
		"192.0.2.1, 10.1.1.1, x, 10.1.1.1",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(!strcmp(client(lines[i]), "?!"), "%s: %s", lines[i],
			      client(lines[i]));
}
END_TEST

START_TEST(the_last_proxy_says_which_scheme_it_was)
{
	ck_assert_int_eq(forwarded_proto(NULL), FORWARDED_NONE);
	ck_assert_int_eq(forwarded_proto(""), FORWARDED_NONE);
	ck_assert_int_eq(forwarded_proto("https"), FORWARDED_HTTPS);
	ck_assert_int_eq(forwarded_proto(" HTTPS "), FORWARDED_HTTPS);
	ck_assert_int_eq(forwarded_proto("wss"), FORWARDED_HTTPS);
	ck_assert_int_eq(forwarded_proto("ws"), FORWARDED_HTTP);
	ck_assert_int_eq(forwarded_proto("https, http"), FORWARDED_HTTP);
	ck_assert_int_eq(forwarded_proto("http, https,"), FORWARDED_HTTPS);
	ck_assert_int_eq(forwarded_proto("gopher"), FORWARDED_GARBAGE);
	ck_assert_int_eq(forwarded_proto("https, x"), FORWARDED_GARBAGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("forwarded");
	TCase *t = tcase_create("forwarded");

	suite_add_tcase(s, t);
	tcase_add_test(t, ranges_have_what_their_prefix_says);
	tcase_add_test(t, an_empty_list_and_an_unknown_address_match_nothing);
	tcase_add_test(t, what_is_no_address_is_refused_by_name);
	tcase_add_test(t, a_list_has_a_maximum_and_may_fail_for_want_of_memory);
	tcase_add_test(t, the_client_is_the_last_that_is_no_proxy);
	tcase_add_test(t, behind_garbage_nothing_is_believed);
	tcase_add_test(t, the_last_proxy_says_which_scheme_it_was);
	return run_suite(s);
}
