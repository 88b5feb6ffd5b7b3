/* check_ext_file_lines.c - lines of a file whose writer may have been killed */
#include "file_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

static FILE *file;
static struct file_lines lines;

static void setup(void)
{
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
	file_lines_init(&lines, fileno(file));
}

static void teardown(void)
{
	fclose(file);
}

static void put(const char *p, size_t n)
{
	ck_assert_int_eq(write(fileno(file), p, n), (ssize_t)n);
}

static void ck_line(const char *expected)
{
	const char *line;
	size_t n;

	ck_assert_int_eq(file_lines_next(&lines, &line, &n), 1);
	ck_assert_uint_eq(n, strlen(expected));
	ck_assert_int_eq(memcmp(line, expected, n), 0);
}

static void ck_no_more(uint64_t offset)
{
	const char *line;
	size_t n;

	ck_assert_int_eq(file_lines_next(&lines, &line, &n), 0);
	ck_assert_uint_eq(lines.offset, offset);
}

START_TEST(lines_come_without_their_end_and_a_torn_one_not_at_all)
{
	put("one\n\nthree\nto", 13);
	ck_line("one");
	ck_line("");
	ck_line("three");
	ck_no_more(11);
	ck_assert_uint_eq(lines.n - lines.pos, 2);
}
END_TEST

START_TEST(what_is_appended_later_is_found)
{
	put("one\nt", 5);
	ck_line("one");
	ck_no_more(4);
	put("wo\n", 3);
	ck_line("two");
	ck_no_more(8);
}
END_TEST

START_TEST(a_line_longer_than_the_buffer_comes_in_pieces)
{
	static char piece[FILE_LINES_BYTES + 1];

	memset(piece, 'x', FILE_LINES_BYTES);
	put("one\n", 4);
	put(piece, FILE_LINES_BYTES);
	put("y\ntwo\n", 6);
	ck_line("one");
	ck_line(piece);
	ck_line("y");
	ck_line("two");
	ck_no_more(FILE_LINES_BYTES + 10);
}
END_TEST

/* More than the buffer holds, so that its end falls into a line. */
START_TEST(lines_of_every_length_are_whole)
{
	char line[401], end = '\n';
	size_t n;

	memset(line, 'x', sizeof(line));
	for (n = 0; n <= 400; n++) {
		put(line, n);
		put(&end, 1);
	}
	for (n = 0; n <= 400; n++) {
		line[n] = '\0';
		ck_line(line);
		line[n] = 'x';
	}
	ck_no_more(400 * 401 / 2 + 401);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_error)
{
	const char *line;
	size_t n;

	file_lines_init(&lines, -1);
	ck_assert_int_lt(file_lines_next(&lines, &line, &n), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ext_file_lines");
	TCase *tc = tcase_create("lines");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_come_without_their_end_and_a_torn_one_not_at_all);
	tcase_add_test(tc, what_is_appended_later_is_found);
	tcase_add_test(tc, a_line_longer_than_the_buffer_comes_in_pieces);
	tcase_add_test(tc, lines_of_every_length_are_whole);
	tcase_add_test(tc, a_file_that_cannot_be_read_is_an_error);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
