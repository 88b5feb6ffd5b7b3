/* check_log.c - levels, sinks, and what a line may hold */
#include "log.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char last_token[32], last_text[4096];
static enum log_level last_level;
static unsigned lines;

static void collect(enum log_level level, const char *token, const char *text)
{
	last_level = level;
	snprintf(last_token, sizeof(last_token), "%s", token);
	snprintf(last_text, sizeof(last_text), "%s", text);
	lines++;
	errno = EBADF;
}

static void setup(void)
{
	lines = 0;
	log_set_sink(collect);
	log_set_level(LOG_LEVEL_INFO);
}

START_TEST(a_message_reaches_the_sink)
{
	log_warn("calls", "call %s after %u ms", "x", 7U);
	ck_assert_uint_eq(lines, 1);
	ck_assert_int_eq(last_level, LOG_LEVEL_WARN);
	ck_assert_str_eq(last_token, "calls");
	ck_assert_str_eq(last_text, "call x after 7 ms");
}
END_TEST

START_TEST(levels_filter)
{
	static const struct {
		enum log_level level;
		unsigned lines;
	} levels[] = {
		{ LOG_LEVEL_ERROR, 1 },
		{ LOG_LEVEL_WARN, 2 },
		{ LOG_LEVEL_INFO, 3 },
		{ LOG_LEVEL_DEBUG, 4 },
	};

	for (size_t i = 0; i < 4; i++) {
		lines = 0;
		log_set_level(levels[i].level);
		log_error("t", "e");
		log_warn("t", "w");
		log_info("t", "i");
		log_debug("t", "d");
		ck_assert_uint_eq(lines, levels[i].lines);
	}
}
END_TEST

START_TEST(level_names_are_parsed)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	enum log_level level;

	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(log_level_parse(names[i], &level), 0);
		ck_assert_int_eq((int)level, (int)i);
	}
	ck_assert_int_eq(log_level_parse("Info", &level), -EINVAL);
	ck_assert_int_eq(log_level_parse("", &level), -EINVAL);
}
END_TEST

START_TEST(control_characters_are_replaced)
{
	log_info("t", "%s",
		 "a\nb\r\x1b[31m\x7f\tc\xc2\x9b"
		 "d\xc2\xa0\xd0\x96");
	ck_assert_str_eq(last_text, "a?b??[31m??c??d\xc2\xa0\xd0\x96");
}
END_TEST

START_TEST(a_long_message_is_cut_visibly)
{
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_info("t", "%s", text);
	ck_assert_uint_eq(strlen(last_text), 1023);
	ck_assert_str_eq(last_text + 1019, "x...");
	log_info("t", "%.1023s", text);
	ck_assert_str_eq(last_text + 1020, "xxx");
	for (size_t shift = 0; shift < 3; shift++) {
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		log_info("t", "%s", text);
		ck_assert_str_eq(last_text + strlen(last_text) - 6, "\xe2\x82\xac...");
	}
}
END_TEST

START_TEST(errno_is_kept)
{
	errno = ENOENT;
	log_info("t", "%m");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(last_text, strerror(ENOENT));
	log_debug("t", "dropped");
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

static void *write_lines(void *name)
{
	for (int i = 0; i < 100; i++)
		log_info("threads", "%s %0100d", (const char *)name, i);
	return NULL;
}

START_TEST(stderr_gets_whole_lines)
{
	int saved = dup(STDERR_FILENO), n = 0;
	char line[512];
	char names[] = "a\0b";
	pthread_t a, b;
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	log_set_sink(NULL);
	dup2(fileno(f), STDERR_FILENO);
	ck_assert_int_eq(pthread_create(&a, NULL, write_lines, names), 0);
	ck_assert_int_eq(pthread_create(&b, NULL, write_lines, names + 2), 0);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	for (; fgets(line, sizeof(line), f); n++) {
		int year, end = 0;
		char who;

		sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ info  threads: %c %*d%n", &year,
		       &who, &end);
		ck_assert_int_eq(end, 24 + 1 + 6 + 9 + 2 + 100);
		ck_assert_str_eq(line + end, "\n");
	}
	ck_assert_int_eq(n, 200);
	fclose(f);
}
END_TEST

START_TEST(an_over_long_line_still_ends)
{
	int saved = dup(STDERR_FILENO);
	char line[4096], text[3000];
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_set_sink(NULL);
	dup2(fileno(f), STDERR_FILENO);
	log_write(LOG_LEVEL_ERROR, text, "%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_str_eq(line + strlen(line) - 4, "...\n");
	ck_assert_ptr_null(fgets(line, sizeof(line), f));
	fclose(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_message_reaches_the_sink);
	tcase_add_test(t, levels_filter);
	tcase_add_test(t, level_names_are_parsed);
	tcase_add_test(t, control_characters_are_replaced);
	tcase_add_test(t, a_long_message_is_cut_visibly);
	tcase_add_test(t, errno_is_kept);
	tcase_add_test(t, stderr_gets_whole_lines);
	tcase_add_test(t, an_over_long_line_still_ends);
	suite_add_tcase(s, t);
	return run_suite(s);
}
