/* check_http.c - targets, queries, header values, base64, deadlines */
#include "transport/http_text.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "timeq.h"
#include "transport/base64.h"
#include "run_suite.h"

START_TEST(escapes_are_decoded_or_refused)
{
	char out[8];

	ck_assert_int_eq(http_decode(out, sizeof(out), "a%20b+c", 7, false), 5);
	ck_assert_str_eq(out, "a b+c");
	ck_assert_int_eq(http_decode(out, sizeof(out), "a+%2B", 5, true), 3);
	ck_assert_str_eq(out, "a +");
	ck_assert_int_eq(http_decode(out, sizeof(out), "%4", 2, false), -EINVAL);
	ck_assert_int_eq(http_decode(out, sizeof(out), "%g0", 3, false), -EINVAL);
	ck_assert_int_eq(http_decode(out, sizeof(out), "%00", 3, false), -EINVAL);
	ck_assert_int_eq(http_decode(out, sizeof(out), "1234567", 7, false), 7);
	ck_assert_int_eq(http_decode(out, sizeof(out), "12345678", 8, false), -ENOBUFS);
	ck_assert_int_eq(http_decode(out, sizeof(out), "", 0, false), 0);
}
END_TEST

START_TEST(what_can_be_decoded_is_fine)
{
	ck_assert(http_escapes_are_fine("", 0));
	ck_assert(http_escapes_are_fine("/a%20%ffb+", 10));
	ck_assert(!http_escapes_are_fine("/%2", 3));
	ck_assert(!http_escapes_are_fine("/%20", 3));
	ck_assert(!http_escapes_are_fine("/%0g", 4));
	ck_assert(!http_escapes_are_fine("/%00", 4));
}
END_TEST

START_TEST(the_last_of_several_keys_wins)
{
	static const char query[] = "a=1&b=&%63=3&a=%32&d&e=5=6&=7";
	char out[8];

	ck_assert_int_eq(http_query_value(query, "a", out, sizeof(out)), 1);
	ck_assert_str_eq(out, "2");
	ck_assert_int_eq(http_query_value(query, "b", out, sizeof(out)), 0);
	ck_assert_int_eq(http_query_value(query, "c", out, sizeof(out)), 1);
	ck_assert_int_eq(http_query_value(query, "d", out, sizeof(out)), 0);
	ck_assert_int_eq(http_query_value(query, "e", out, sizeof(out)), 3);
	ck_assert_str_eq(out, "5=6");
	ck_assert_int_eq(http_query_value(query, "f", out, sizeof(out)), -ENOENT);
	ck_assert_int_eq(http_query_value("", "a", out, sizeof(out)), -ENOENT);
	ck_assert_int_eq(http_query_value("a=%", "a", out, sizeof(out)), -EINVAL);
	ck_assert_int_eq(http_query_value("a=123456789", "a", out, sizeof(out)), -ENOBUFS);
}
END_TEST

START_TEST(tokens_are_found_in_lists)
{
	ck_assert(http_has_token("keep-alive, Upgrade", "upgrade"));
	ck_assert(http_has_token("upgrade", "Upgrade"));
	ck_assert(http_has_token(" ,\tx ,websocket", "websocket"));
	ck_assert(!http_has_token("upgrades", "upgrade"));
	ck_assert(!http_has_token("", "upgrade"));
	ck_assert(!http_has_token(NULL, "upgrade"));
}
END_TEST

START_TEST(routes_match_paths)
{
	const char *segment;
	size_t n;

	ck_assert(http_route_matches("/a/b", "/a/b?x", 4, &segment, &n));
	ck_assert_ptr_null(segment);
	ck_assert(!http_route_matches("/a/b", "/a/bc", 5, &segment, &n));
	ck_assert(!http_route_matches("/a/b", "/a/", 3, &segment, &n));
	ck_assert(http_route_matches("/a/:", "/a/b%2Fc", 8, &segment, &n));
	ck_assert_uint_eq(n, 5);
	ck_assert(!http_route_matches("/a/:", "/a/", 3, &segment, &n));
	ck_assert(!http_route_matches("/a/:", "/a/b/c", 6, &segment, &n));
	ck_assert(http_route_matches("/demo/*", "/demo/x/y", 9, &segment, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert(http_route_matches("/demo/*", "/demo/", 6, &segment, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(!http_route_matches("/demo/*", "/demo", 5, &segment, &n));
}
END_TEST

START_TEST(targets_hosts_and_fields_are_what_the_grammar_says)
{
	static const char *const hosts[] = {
		"x", "a.example:80", "[::1]", "[::1]:80", "a_b", "x:"
	};
	static const char *const no_hosts[] = { "",    "x y",	 "x/",	  "u@x", "x:y", "[::1",
						"[x]", "[::1]x", "x:80:", "x\\", "x?",	"::1" };

	ck_assert(http_target_is_fine("/a%20b?c=d&\xc3\xa9"));
	ck_assert(!http_target_is_fine("/a b"));
	ck_assert(!http_target_is_fine("/a\tb"));
	ck_assert(!http_target_is_fine("/\x7f"));
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		ck_assert_msg(http_host_is_fine(hosts[i]), "%s", hosts[i]);
	for (size_t i = 0; i < sizeof(no_hosts) / sizeof(no_hosts[0]); i++)
		ck_assert_msg(!http_host_is_fine(no_hosts[i]), "%s", no_hosts[i]);
	ck_assert(http_field_is_fine("X-A_b.c!", "any\tthing \xc3\xa9"));
	ck_assert(http_field_is_fine("A", ""));
	ck_assert(!http_field_is_fine("", "x"));
	ck_assert(!http_field_is_fine("A ", "x"));
	ck_assert(!http_field_is_fine("A", "x\r"));
}
END_TEST

START_TEST(entity_tags_are_found_in_lists)
{
	ck_assert(http_etag_matches("\"a\"", "\"a\""));
	ck_assert(http_etag_matches("W/\"a\"", "\"a\""));
	ck_assert(http_etag_matches(" \"b,\" ,\"a\"", "\"a\""));
	ck_assert(http_etag_matches("*", "\"a\""));
	ck_assert(!http_etag_matches("\"x\"a\"", "\"a\""));
	ck_assert(!http_etag_matches("\"ab\"", "\"a\""));
	ck_assert(!http_etag_matches("\"b,\"a\"\"", "\"a\""));
	ck_assert(!http_etag_matches("a", "\"a\""));
	ck_assert(!http_etag_matches("", "\"a\""));
	ck_assert(!http_etag_matches(NULL, "\"a\""));
}
END_TEST

START_TEST(what_cannot_be_printed_becomes_a_question_mark)
{
	char out[8];

	http_printable(out, "a\x1b\xff\x7f~ ", 6);
	ck_assert_str_eq(out, "a???~ ");
}
END_TEST

START_TEST(a_websocket_key_is_16_bytes)
{
	ck_assert(http_ws_key_valid("dGhlIHNhbXBsZSBub25jZQ==")); /* RFC 6455 section 1.3 */
	ck_assert(!http_ws_key_valid("dGhlIHNhbXBsZSBub25jZQ"));
	ck_assert(!http_ws_key_valid("dGhlIHNhbXBsZSBub25jZWVl"));
	ck_assert(!http_ws_key_valid("dGhlIHNhbXBsZSBub25j*Q=="));
	ck_assert(!http_ws_key_valid(""));
	ck_assert(!http_ws_key_valid(NULL));
}
END_TEST

START_TEST(rfc4648_section_10_vectors)
{
	static const char *const v[][2] = { { "", "" },
					    { "f", "Zg==" },
					    { "fo", "Zm8=" },
					    { "foo", "Zm9v" },
					    { "foob", "Zm9vYg==" },
					    { "fooba", "Zm9vYmE=" },
					    { "foobar", "Zm9vYmFy" } };

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		size_t n = strlen(v[i][0]), got;
		char text[16] = "";
		uint8_t bytes[16];

		base64_encode(text, v[i][0], n);
		ck_assert_str_eq(text, v[i][1]);
		ck_assert_int_eq(base64_decode(bytes, &got, v[i][1], strlen(v[i][1])), 0);
		ck_assert_uint_eq(got, n);
		ck_assert_mem_eq(bytes, v[i][0], n);
	}
}
END_TEST

START_TEST(base64_is_strict)
{
	static const char *const wrong[] = { "Z",    "Zg",   "Zg=",	 "Zg===", "=g==", "Z=g=",
					     "Zh==", "Zm9=", "Zg==Zg==", "Zm 8",  "Zm-_", "====" };
	uint8_t bytes[16];
	size_t n;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(base64_decode(bytes, &n, wrong[i], strlen(wrong[i])) == -EINVAL, "%s",
			      wrong[i]);
}
END_TEST

START_TEST(base64_in_lines_is_as_strict_but_for_the_breaks)
{
	static const char *const right[] = { "Zm9vYmFy\n", "Zm9v\nYmFy", "Zm9v\r\nYmFy\r\n",
					     "\nZm9vYmFy", "Zm9vY\nmFy", "Z\nm\n9vYmFy",
					     "Zm9vYmFy" };
	static const char *const wrong[] = { "Z\n",	   "Zg=\n",  "Zg==\nZg==", "Zm 8\n",
					     "Zm9v\tYmFy", "Zh==\n", "\n=\n",	   "Zm9v\n\vYmF" };
	uint8_t bytes[16];
	size_t n;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		ck_assert_int_eq(base64_decode_lines(bytes, &n, right[i], strlen(right[i])), 0);
		ck_assert_uint_eq(n, 6);
		ck_assert_mem_eq(bytes, "foobar", 6);
	}
	ck_assert_int_eq(base64_decode_lines(bytes, &n, "Zg=\n=\n", 6), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(base64_decode_lines(bytes, &n, "\r\n", 2), 0);
	ck_assert_uint_eq(n, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(base64_decode_lines(bytes, &n, wrong[i], strlen(wrong[i])) == -EINVAL,
			      "%s", wrong[i]);
}
END_TEST

START_TEST(deadlines_come_in_order_whatever_order_they_went_in)
{
	static const uint64_t in[] = { 5, 3, 9, 9, 1, 4 };
	struct timeq_node n[6] = { 0 }, *got;
	struct timeq q;
	uint64_t last = 0;
	int count = 0;

	timeq_init(&q);
	ck_assert_uint_eq(timeq_next(&q), 0);
	for (int i = 0; i < 6; i++)
		timeq_add(&q, &n[i], in[i]);
	timeq_add(&q, &n[0], 2); /* moved */
	timeq_remove(&n[5]);
	timeq_remove(&n[5]);
	ck_assert_uint_eq(timeq_next(&q), 1);
	ck_assert_ptr_null(timeq_take(&q, 0));
	while ((got = timeq_take(&q, 8))) {
		ck_assert_uint_ge(got->deadline_ms, last);
		last = got->deadline_ms;
		count++;
	}
	ck_assert_int_eq(count, 3);
	ck_assert_uint_eq(timeq_next(&q), 9);
	ck_assert_uint_eq(timeq_earlier(0, 7), 7);
	ck_assert_uint_eq(timeq_earlier(3, 7), 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");

	suite_add_tcase(s, t);
	tcase_add_test(t, escapes_are_decoded_or_refused);
	tcase_add_test(t, what_can_be_decoded_is_fine);
	tcase_add_test(t, the_last_of_several_keys_wins);
	tcase_add_test(t, tokens_are_found_in_lists);
	tcase_add_test(t, routes_match_paths);
	tcase_add_test(t, targets_hosts_and_fields_are_what_the_grammar_says);
	tcase_add_test(t, entity_tags_are_found_in_lists);
	tcase_add_test(t, what_cannot_be_printed_becomes_a_question_mark);
	tcase_add_test(t, a_websocket_key_is_16_bytes);
	tcase_add_test(t, rfc4648_section_10_vectors);
	tcase_add_test(t, base64_is_strict);
	tcase_add_test(t, base64_in_lines_is_as_strict_but_for_the_breaks);
	tcase_add_test(t, deadlines_come_in_order_whatever_order_they_went_in);
	return run_suite(s);
}
