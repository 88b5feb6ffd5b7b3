/* check_eio_packet.c - Engine.IO packets and payloads */
#include "engineio/eio_packet.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_type_has_its_digit)
{
	struct eio_packet p;

	for (char c = '0'; c <= '6'; c++) {
		char text[] = { c, 'x', 'y' };

		ck_assert_int_eq(eio_packet_decode(text, sizeof(text), &p), 0);
		ck_assert_int_eq(p.type, c - '0');
		ck_assert(!p.binary);
		ck_assert_uint_eq(p.n, 2);
		ck_assert_ptr_eq(p.p, text + 1);
	}
}
END_TEST

START_TEST(b_is_a_binary_message)
{
	struct eio_packet p;

	ck_assert_int_eq(eio_packet_decode("bAQIDBA==", 9, &p),
			 0); /* Engine.IO v4, "Packet encoding" */
	ck_assert_int_eq(p.type, EIO_MESSAGE);
	ck_assert(p.binary);
	ck_assert_mem_eq(p.p, "AQIDBA==", p.n);
}
END_TEST

START_TEST(anything_else_is_none)
{
	static const char *const wrong[] = { "7", "a", "B", "-1", " 4", "\x1e" };
	struct eio_packet p;

	ck_assert_int_eq(eio_packet_decode("", 0, &p), -EINVAL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(eio_packet_decode(wrong[i], strlen(wrong[i]), &p), -EINVAL);
}
END_TEST

static void expect(const char *payload, const char *packets)
{
	const char *p = payload, *text;
	size_t left = strlen(payload), n;
	char got[64] = "";

	while (eio_payload_next(&p, &left, &text, &n)) {
		strncat(got, text, n);
		strcat(got, "|");
	}
	ck_assert_str_eq(got, packets);
}

START_TEST(a_payload_is_cut_at_its_separators)
{
	expect("4hello\x1e"
	       "2\x1e"
	       "4world",
	       "4hello|2|4world|"); /* Engine.IO v4, "HTTP long-polling" */
	expect("4a", "4a|");
	expect("", "|");
	expect("4a\x1e", "4a||");
	expect("\x1e", "||");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("eio_packet");
	TCase *t = tcase_create("eio_packet");

	suite_add_tcase(s, t);
	tcase_add_test(t, every_type_has_its_digit);
	tcase_add_test(t, b_is_a_binary_message);
	tcase_add_test(t, anything_else_is_none);
	tcase_add_test(t, a_payload_is_cut_at_its_separators);
	return run_suite(s);
}
