/* check_record_line.c - what was written is read again, and nothing else is */
#include "record_line.h"
#include "run_suite.h"

#include <errno.h>
#include <string.h>

/* The check value of CRC-32 as catalogued for "123456789". */
static const char nine[] = "cbf43926 123456789\n";

START_TEST(a_line_is_checksum_space_text)
{
	char out[64];

	ck_assert_int_eq(record_line_write(out, sizeof(out), "123456789", 9), sizeof(nine) - 1);
	ck_assert_mem_eq(out, nine, sizeof(nine) - 1);
}
END_TEST

START_TEST(what_was_written_is_read)
{
	const char *text;
	size_t n;

	ck_assert_int_eq(record_line_parse(nine, sizeof(nine) - 2, &text, &n), 0);
	ck_assert_uint_eq(n, 9);
	ck_assert_mem_eq(text, "123456789", 9);
}
END_TEST

START_TEST(a_line_that_does_not_fit_is_refused)
{
	char out[sizeof(nine)];
	size_t size;

	for (size = 0; size < sizeof(nine) - 1; size++)
		ck_assert_int_eq(record_line_write(out, size, "123456789", 9), -ENOBUFS);
	ck_assert_int_eq(record_line_write(out, size, "123456789", 9), sizeof(nine) - 1);
}
END_TEST

START_TEST(text_that_is_no_line_is_refused)
{
	char out[64];

	ck_assert_int_eq(record_line_write(out, sizeof(out), "", 0), -EINVAL);
	ck_assert_int_eq(record_line_write(out, sizeof(out), "a\nb", 3), -EINVAL);
}
END_TEST

START_TEST(every_cut_is_noticed)
{
	const char *text;
	size_t n, cut;

	for (cut = 0; cut < sizeof(nine) - 2; cut++)
		ck_assert_int_eq(record_line_parse(nine, cut, &text, &n), -EINVAL);
	ck_assert_int_eq(record_line_parse(nine, sizeof(nine) - 1, &text, &n), -EINVAL);
}
END_TEST

START_TEST(every_flipped_bit_is_noticed)
{
	char line[sizeof(nine)];
	const char *text;
	size_t n, at;
	unsigned bit;

	for (at = 0; at < sizeof(nine) - 2; at++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(line, nine, sizeof(nine));
			line[at] = (char)(line[at] ^ (1u << bit));
			ck_assert_int_eq(record_line_parse(line, sizeof(nine) - 2, &text, &n),
					 -EINVAL);
		}
}
END_TEST

START_TEST(zeros_are_no_record)
{
	static const char zeros[64];
	const char *text;
	size_t n;

	ck_assert_int_eq(record_line_parse(zeros, sizeof(zeros), &text, &n), -EINVAL);
	ck_assert_int_eq(record_line_parse("00000000 ", 9, &text, &n), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record_line");
	TCase *t = tcase_create("all");

	tcase_add_test(t, a_line_is_checksum_space_text);
	tcase_add_test(t, what_was_written_is_read);
	tcase_add_test(t, a_line_that_does_not_fit_is_refused);
	tcase_add_test(t, text_that_is_no_line_is_refused);
	tcase_add_test(t, every_cut_is_noticed);
	tcase_add_test(t, every_flipped_bit_is_noticed);
	tcase_add_test(t, zeros_are_no_record);
	suite_add_tcase(s, t);
	return run_suite(s);
}
