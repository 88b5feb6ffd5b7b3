/* check_sio_packet.c - Socket.IO packets as text */
#include "socketio/sio_packet.h"
#include "socketio/sio_placeholder.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct sio_packet p;
static const struct sio_packet_limits limits = { 10, { 64, 1000 } };

static int decode(const char *text)
{
	return sio_packet_decode(text, strlen(text), &limits, &p);
}

static void expect(const char *text, enum sio_type type, unsigned attachments, const char *nsp,
		   int64_t id, const char *data)
{
	ck_assert_msg(decode(text) == 0, "%s", text);
	ck_assert_int_eq(p.type, type);
	ck_assert_uint_eq(p.attachments, attachments);
	ck_assert_uint_eq(p.nsp_n, strlen(nsp));
	ck_assert_mem_eq(p.nsp, nsp, p.nsp_n);
	ck_assert_int_eq(p.id, id);
	ck_assert_uint_eq(p.data.n, strlen(data));
	if (p.data.n)
		ck_assert_mem_eq(p.data.p, data, p.data.n);
}

/* Socket.IO v5, "Packet encoding" */
START_TEST(the_documents_examples)
{
	expect("0", SIO_CONNECT, 0, "/", -1, "");
	expect("0/admin,{\"sid\":\"x\"}", SIO_CONNECT, 0, "/admin", -1, "{\"sid\":\"x\"}");
	expect("1/admin,", SIO_DISCONNECT, 0, "/admin", -1, "");
	expect("2[\"hello\",1]", SIO_EVENT, 0, "/", -1, "[\"hello\",1]");
	expect("2/admin,456[\"project:delete\",123]", SIO_EVENT, 0, "/admin", 456,
	       "[\"project:delete\",123]");
	expect("3/admin,456[]", SIO_ACK, 0, "/admin", 456, "[]");
	expect("51-[\"hello\",{\"_placeholder\":true,\"num\":0}]", SIO_BINARY_EVENT, 1, "/", -1,
	       "[\"hello\",{\"_placeholder\":true,\"num\":0}]");
	expect("51-/admin,456[\"p\",{\"_placeholder\":true,\"num\":0}]", SIO_BINARY_EVENT, 1,
	       "/admin", 456, "[\"p\",{\"_placeholder\":true,\"num\":0}]");
	expect("61-/admin,456[{\"_placeholder\":true,\"num\":0}]", SIO_BINARY_ACK, 1, "/admin", 456,
	       "[{\"_placeholder\":true,\"num\":0}]");
}
END_TEST

START_TEST(what_else_is_legal)
{
	expect("0/custom", SIO_CONNECT, 0, "/custom", -1, "");
	expect("2/,[5]", SIO_EVENT, 0, "/", -1, "[5]");
	expect("2000012[\"a\"]", SIO_EVENT, 0, "/", 12, "[\"a\"]");
	expect("29007199254740991[\"a\"]", SIO_EVENT, 0, "/", SIO_ID_MAX, "[\"a\"]");
	expect("510-[\"a\"]", SIO_BINARY_EVENT, 10, "/", -1, "[\"a\"]");
}
END_TEST

START_TEST(everything_else_is_not)
{
	static const char *const wrong[] = {
		"",
		"7",
		"a",
		" 2[\"a\"]",
		"2",
		"2[]",
		"2{}",
		"2[null]",
		"2[{}]",
		"2[true]",
		"2[\"a\"",
		"2[\"a\"]]",
		"2[\"a\"]x",
		"2-1[\"a\"]",
		"2+1[\"a\"]",
		"2x[\"a\"]",
		"29007199254740992[\"a\"]",
		"200000000000000001[\"a\"]",
		"212345678901234567[\"a\"]",
		"0[]",
		"0\"x\"",
		"0{",
		"1{}",
		"1[]",
		"3",
		"3{}",
		"31{}",
		"4{\"message\":\"x\"}",
		"5[\"a\"]",
		"50-[\"a\"]",
		"5-[\"a\"]",
		"5-1-[\"a\"]",
		"51e1-[\"a\"]",
		"51.0-[\"a\"]",
		"51-",
		"51",
		"2[\"a\",\"\\ud800\"]",
		"2[\"a\",\"\xff\"]",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(decode(wrong[i]) == -EINVAL, "%s", wrong[i]);
	ck_assert_int_eq(decode("511-[\"a\"]"), -ENOSPC);
	ck_assert_int_eq(decode("599999999999999999999-[\"a\"]"), -ENOSPC);
}
END_TEST

START_TEST(namespaces_and_nesting_have_limits)
{
	char text[512];

	memset(text, 'n', sizeof(text));
	memcpy(text, "0/", 2);
	ck_assert_int_eq(sio_packet_decode(text, 1 + SIO_NAMESPACE_MAX, &limits, &p), 0);
	ck_assert_int_eq(sio_packet_decode(text, 2 + SIO_NAMESPACE_MAX, &limits, &p),
			 -ENAMETOOLONG);
	memcpy(text, "2[\"a\",", 6);
	for (int depth = 63; depth <= 64; depth++) {
		memset(text + 6, '[', (size_t)depth);
		memset(text + 6 + depth, ']', (size_t)depth + 1);
		ck_assert_int_eq(sio_packet_decode(text, (size_t)(7 + 2 * depth), &limits, &p),
				 depth < 64 ? 0 : -E2BIG);
	}
}
END_TEST

static struct sio_placeholder found[SIO_ITEMS_MAX];

static int placeholders(const char *json, size_t n)
{
	return sio_placeholders((struct json_slice){ json, strlen(json) }, n, found, 3);
}

START_TEST(placeholders_name_what_is_there)
{
	ck_assert_int_eq(placeholders("[\"a\",{\"_placeholder\":true,\"num\":0}]", 1), 1);
	ck_assert_int_eq(placeholders("[\"a\",[{\"x\":{\"num\":1,\"_placeholder\":true}}]]", 2), 1);
	ck_assert_int_eq(placeholders("[\"a\",{\"_placeholder\":false,\"num\":7}]", 1), 0);
	ck_assert_int_eq(placeholders("[\"a\"]", 1), 0);
	ck_assert_int_eq(placeholders("[\"a\",{\"_placeholder\":true,\"num\":1}]", 1), -EINVAL);
	ck_assert_int_eq(placeholders("[\"a\",{\"_placeholder\":true,\"num\":-1}]", 1), -EINVAL);
	ck_assert_int_eq(placeholders("[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]", 1), -EINVAL);
	ck_assert_int_eq(placeholders("[\"a\",{\"_placeholder\":true,\"num\":0.0}]", 1), -EINVAL);
	ck_assert_int_eq(placeholders("[\"a\",[{\"_placeholder\":true}]]", 1), -EINVAL);
	ck_assert_int_eq(placeholders("[{\"_placeholder\":{},\"num\":9}, {\"x\" : true} ,"
				      "\"_placeholder\",9]",
				      1),
			 0);
	ck_assert_int_eq(placeholders("[{\"_placeholder\":true,\"num\":9,\"num\":0}]", 1), 1);
	ck_assert_int_eq(placeholders("[{\"_placeholder\":true,\"num\":0,\"num\":[0]}]", 1),
			 -EINVAL);
	ck_assert_int_eq(
		placeholders("[{\"a\":[],\"\\u005fplaceholder\":true,\"num\":1,\"b\":{}}]", 1),
		-EINVAL);
	ck_assert_int_eq(placeholders("", 1), 0);
}
END_TEST

#define PH(k) "{\"_placeholder\":true,\"num\":" #k "}"

START_TEST(placeholders_are_found_in_order_and_whole)
{
	static const char json[] = "1,{\"x\":" PH(2) "},[" PH(0) "]," PH(2);

	ck_assert_int_eq(placeholders(json, 3), 3);
	ck_assert_uint_eq(found[0].num, 2);
	ck_assert_uint_eq(found[1].num, 0);
	ck_assert_uint_eq(found[2].num, 2);
	ck_assert_uint_eq(found[1].at.n, strlen(PH(0)));
	ck_assert_mem_eq(found[1].at.p, PH(0), strlen(PH(0)));
	ck_assert_int_eq(placeholders(PH(0) "," PH(0) "," PH(0) "," PH(0), 3), -ENOSPC);
	/* one inside another goes with it, as in JavaScript */
	ck_assert_int_eq(placeholders("{\"_placeholder\":true,\"num\":1,\"a\":[" PH(0) "]}", 2), 1);
	ck_assert_uint_eq(found[0].num, 1);
}
END_TEST

START_TEST(arguments_are_cut_while_they_are_checked)
{
	char text[16 + 2 * 1000];

	expect("2[ \"a\" , {\"b\":[1,2]} ,[],3 ]", SIO_EVENT, 0, "/", -1,
	       "[ \"a\" , {\"b\":[1,2]} ,[],3 ]");
	ck_assert_uint_eq(p.items_n, 4);
	ck_assert_uint_eq(p.items[1].n, strlen("{\"b\":[1,2]}"));
	ck_assert_mem_eq(p.items[1].p, "{\"b\":[1,2]}", p.items[1].n);
	ck_assert_uint_eq(p.items[2].n, 2);
	ck_assert_uint_eq(p.items[3].n, 1);
	ck_assert_int_eq(decode("2[1,2,3,4,5,6,7,8,9,10,11]"), 0);
	ck_assert_uint_eq(p.items_n, 11);
	for (int values = 999; values <= 1000; values++) { /* and the array itself */
		size_t n = (size_t)sprintf(text, "2[1");

		for (int i = 1; i < values; i++)
			n += (size_t)sprintf(text + n, ",1");
		strcpy(text + n, "]");
		ck_assert_int_eq(decode(text), values < 1000 ? 0 : -E2BIG);
	}
}
END_TEST

START_TEST(nesting_costs_no_more_than_length)
{
	enum { DEPTH = 60, N = 1000000 };
	char *text = malloc(N + 20 * DEPTH), *to = text;
	struct timespec before, after;
	double ms;
	int i;

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < DEPTH; i++)
		to += sprintf(to, "{\"a\":");
	*to++ = '[';
	while (to - text < N)
		to += sprintf(to, "\"\",");
	to += sprintf(to, "0]");
	for (i = 0; i < DEPTH; i++)
		*to++ = '}';
	*to = '\0';
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(placeholders(text, 1), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	ms = (double)(after.tv_sec - before.tv_sec) * 1e3 +
	     (double)(after.tv_nsec - before.tv_nsec) / 1e6;
	ck_assert_msg(ms < 1000, "%.0f ms", ms); /* 60 times over: above 2 s */
	free(text);
}
END_TEST

START_TEST(heads_are_written_as_they_are_read)
{
	char head[SIO_HEAD_MAX];
	size_t n = sio_packet_head(head, SIO_BINARY_ACK, 2, "/admin", 13);

	ck_assert_uint_eq(n, strlen("462-/admin,13"));
	ck_assert_mem_eq(head, "462-/admin,13", n);
	n = sio_packet_head(head, SIO_EVENT, 0, "/", -1);
	ck_assert_uint_eq(n, 2);
	ck_assert_mem_eq(head, "42", n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sio_packet");
	TCase *t = tcase_create("sio_packet");

	suite_add_tcase(s, t);
	tcase_add_test(t, the_documents_examples);
	tcase_add_test(t, what_else_is_legal);
	tcase_add_test(t, everything_else_is_not);
	tcase_add_test(t, namespaces_and_nesting_have_limits);
	tcase_add_test(t, placeholders_name_what_is_there);
	tcase_add_test(t, placeholders_are_found_in_order_and_whole);
	tcase_add_test(t, arguments_are_cut_while_they_are_checked);
	tcase_add_test(t, nesting_costs_no_more_than_length);
	tcase_add_test(t, heads_are_written_as_they_are_read);
	return run_suite(s);
}
