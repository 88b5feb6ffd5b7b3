/* check_secret_file.c - the secrets file: what is read, and how it is refused */
#include "secret_file.h"
#include "secret_stamp.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEN "0123456789"
#define SIXTY_FOUR TEN TEN TEN TEN TEN TEN "0123"

/* --- the n-th allocation fails ------------------------------------------- */
static int allocations_left = -1;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strndup(const char *s, size_t n);

static bool allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t n)
{
	return allocation_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return allocation_fails() ? NULL : __real_strndup(s, n);
}

/* --- helpers -------------------------------------------------------------- */
static int parse(const char *text, struct secret_set **out, struct secret_error *err)
{
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1); /* no NUL behind it */
	int r;

	memcpy(exact, text, n);
	r = secret_set_parse(exact, n, out, err);
	free(exact);
	return r;
}

static struct secret_set *must_parse(const char *text)
{
	struct secret_error err;
	struct secret_set *s;

	ck_assert_msg(parse(text, &s, &err) == 0, "line %u: %s", err.line, err.text);
	return s;
}

static const char good[] = "# the secrets\n"
			   "\n"
			   "  \t # indented\n"
			   "old old-secret-value - 1700000000\n"
			   "new\tnew-secret-value  1690000000\n"
			   " next  next-secret#value 1800000000 1900000000 \n"
			   "app app-secret-value tag=android users=guest,7,a@b.c\n"
			   "ios ios-secret-value - 1800000000 users=iphone tag=ios\n";

START_TEST(dates_are_utc_or_seconds)
{
	struct secret_set *s = must_parse("a PRIVATE0 2026-12-31 2027-01-01T01:02:03Z\n"
					  "b PRIVATE1 1798675200 1798765323\n"
					  "c PRIVATE2 1969-12-31\n");

	ck_assert_int_eq(s->v[0].not_before_s, 1798675200);
	ck_assert_int_eq(s->v[0].not_after_s, 1798765323);
	ck_assert_int_eq(s->v[0].not_before_s, s->v[1].not_before_s);
	ck_assert_int_eq(s->v[0].not_after_s, s->v[1].not_after_s);
	ck_assert_int_eq(s->v[2].not_before_s, -86400);
	secret_set_free(s);
}
END_TEST

START_TEST(a_good_file_is_read)
{
	struct secret_set *s = must_parse(good);

	ck_assert_uint_eq(s->n, 5);
	ck_assert_str_eq(s->v[0].id, "old");
	ck_assert_str_eq(s->v[0].value, "old-secret-value");
	ck_assert(s->v[0].not_before_s == INT64_MIN);
	ck_assert_int_eq(s->v[0].not_after_s, 1700000000);
	ck_assert_ptr_null(s->v[0].users);
	ck_assert_int_eq(s->v[1].not_before_s, 1690000000);
	ck_assert(s->v[1].not_after_s == INT64_MAX);
	ck_assert_str_eq(s->v[2].value, "next-secret#value");
	ck_assert_str_eq(s->v[3].tag, "android");
	ck_assert_uint_eq(s->v[3].users_n, 3);
	ck_assert_str_eq(s->v[3].users[1], "7");
	ck_assert_str_eq(s->v[3].users[2], "a@b.c");
	ck_assert_str_eq(s->v[4].tag, "ios");
	ck_assert_int_eq(s->v[4].not_after_s, 1800000000);
	secret_set_free(s);
	secret_set_free(NULL);
}
END_TEST

START_TEST(an_empty_file_has_no_secrets)
{
	struct secret_set *s = must_parse("");

	ck_assert_uint_eq(s->n, 0);
	ck_assert_ptr_null(secret_set_signing(s, 0));
	ck_assert(!secret_set_is_shared_user(s, "guest"));
	secret_set_free(s);
}
END_TEST

/* "PRIVATE" stands for the secret in every one of them. */
static const struct {
	const char *text;
	unsigned line;
	const char *why; /* part of the message */
} wrong[] = {
	{ "a\n", 1, "no secret" },
	{ "# x\na/b PRIVATE0\n", 2, "the id" },
	{ TEN TEN TEN "123 PRIVATE0\n", 1, "the id" },
	{ "a PRIVATE0\n", 1, NULL },
	{ "a PRIVATE\n", 1, "8-128" },
	{ "a PRIVATE" SIXTY_FOUR SIXTY_FOUR "\n", 1, "8-128" },
	{ "a PRIVATE\xc3\xa4\n", 1, "printable" },
	{ "a PRIVATE\x7f\n", 1, "printable" },
	{ "a PRIVATE0\na PRIVATE1\n", 2, "already used" },
	{ "a PRIVATE0 x\n", 1, "not-before must be" },
	{ "a PRIVATE0 -1\n", 1, "not-before must be" },
	{ "a PRIVATE0 1.5\n", 1, "not-before must be" },
	{ "a PRIVATE0 - 2026-01-01\n", 1, NULL },
	{ "a PRIVATE0 - 2026-02-29\n", 1, "not-after must be" },
	{ "a PRIVATE0 2028-02-29 2028-02-29T23:59:59Z\n", 1, NULL },
	{ "a PRIVATE0 2026-13-01\n", 1, "not-before must be" },
	{ "a PRIVATE0 2026-00-10\n", 1, "not-before must be" },
	{ "a PRIVATE0 2026-1-1\n", 1, "not-before must be" },
	{ "a PRIVATE0 2026-01-01T24:00:00Z\n", 1, "not-before must be" },
	{ "a PRIVATE0 2026-01-01T12:00:00\n", 1, "not-before must be" },
	{ "a PRIVATE0 2026-01-02 2026-01-01\n", 1, "earlier" },
	{ "a PRIVATE0 9223372036854775807\n", 1, NULL },
	{ "a PRIVATE0 9223372036854775808\n", 1, "out of range" },
	{ "a PRIVATE0 5 4\n", 1, "earlier" },
	{ "a PRIVATE0 5 5\n", 1, NULL },
	{ "a PRIVATE0 1 2 3\n", 1, "expected id secret" },
	{ "a PRIVATE0 1 2 3 4 5\n", 1, "too many fields" },
	{ "a PRIVATE0 tag=x\n", 1, "tag= without users=" },
	{ "a PRIVATE0 tag=x", 1, "tag= without users=" },
	{ "a PRIVATE0 users=x\n", 1, NULL },
	{ "a PRIVATE0 users=x users=y\n", 1, "twice" },
	{ "a PRIVATE0 tag=x users=y 5\n", 1, "may follow" },
	{ "a PRIVATE0 tag=x tag=y users=y\n", 1, "twice" },
	{ "a PRIVATE0 tag=x users=y users=z\n", 1, "twice" },
	{ "a PRIVATE0 tag= users=y\n", 1, "tag= must" },
	{ "a PRIVATE0 tag=a,b users=y\n", 1, "tag= must" },
	{ "a PRIVATE0 tag=x users=\n", 1, "name 1 of users=" },
	{ "a PRIVATE0 tag=x users=y,\n", 1, "name 2 of users=" },
	{ "a PRIVATE0 tag=x users=y,,z\n", 1, "name 2 of users=" },
	{ "a PRIVATE0 tag=x users=y,a:b\n", 1, "name 2 of users=" },
	{ "a PRIVATE0 tag=x users=" SIXTY_FOUR "4\n", 1, "name 1 of users=" },
	{ "a PRIVATE0\nb PRIVATE0 tag=x users=y\n", 2, "with and without" },
	{ "b PRIVATE0 tag=x users=y\n\na PRIVATE0\n", 3, "with and without" },
	{ "a PRIVATE0\r\nb PRIVATE1\r\n", 1, "carriage return" },
	{ "#\r\n", 1, "carriage return" },
	{ "a PRIVATE0\nb PRIVATE1\r", 2, "carriage return" },
	{ "a PRIVATE0\nb", 2, "no secret" },
	{ "a PRIVATE0\nb PRIVATE1", 2, NULL },
	{ "a PRIVATE0\n#", 2, NULL },
};

START_TEST(a_wrong_line_is_named_without_the_secret)
{
	struct secret_error err;
	struct secret_set *s;
	size_t i = (size_t)_i;
	int r = parse(wrong[i].text, &s, &err);

	if (!wrong[i].why) {
		ck_assert_int_eq(r, 0);
		secret_set_free(s);
		return;
	}
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_ptr_null(s);
	ck_assert_uint_eq(err.line, wrong[i].line);
	ck_assert_msg(strstr(err.text, wrong[i].why) != NULL, "\"%s\"", err.text);
	ck_assert_ptr_null(strstr(err.text, "PRIV"));
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
	struct secret_error err;
	struct secret_set *s;

	ck_assert_int_eq(secret_set_parse("#\n#\0\n", 5, &s, &err), -EINVAL);
	ck_assert_uint_eq(err.line, 2);
	ck_assert_ptr_nonnull(strstr(err.text, "NUL"));
}
END_TEST

/* prefix, then n numbered items with something between them, then suffix */
static char *repeat(const char *prefix, const char *item, int n, const char *between,
		    const char *suffix)
{
	char *text = malloc(strlen(prefix) + strlen(item) * (size_t)n + (size_t)n * 16 +
			    strlen(suffix) + 1);
	char *p = text + sprintf(text, "%s", prefix);

	for (int i = 0; i < n; i++)
		p += sprintf(p, "%s%d%s", item, i, i + 1 < n ? between : "");
	strcpy(p, suffix);
	return text;
}

START_TEST(every_table_has_a_limit)
{
	static const struct {
		const char *prefix, *item, *between, *suffix;
		int max;
	} limits[] = {
		{ "# x\n", "s", " 12345678\n", " 12345678\n", SECRETS_MAX },
		{ "a 12345678 tag=t users=", "u", ",", "\n", SECRET_USERS_MAX },
	};

	for (size_t i = 0; i < 2; i++) {
		struct secret_error err;
		struct secret_set *s;
		char *text = repeat(limits[i].prefix, limits[i].item, limits[i].max,
				    limits[i].between, limits[i].suffix);

		ck_assert_int_eq(parse(text, &s, &err), 0);
		ck_assert_uint_eq(i ? s->v[0].users_n : s->n, (size_t)limits[i].max);
		secret_set_free(s);
		free(text);
		text = repeat(limits[i].prefix, limits[i].item, limits[i].max + 1,
			      limits[i].between, limits[i].suffix);
		ck_assert_int_eq(parse(text, &s, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "more than"));
		free(text);
	}
}
END_TEST

START_TEST(over_long_lines_and_files_are_refused)
{
	static char big[SECRET_FILE_BYTES_MAX + 1];
	struct secret_error err;
	struct secret_set *s;

	memset(big, '#', sizeof(big));
	big[4097] = '\n';
	ck_assert_int_eq(secret_set_parse(big, 4098, &s, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
	ck_assert_int_eq(secret_set_parse(big + 1, 4097, &s, &err), 0);
	secret_set_free(s);
	ck_assert_int_eq(secret_set_parse(big, sizeof(big), &s, &err), -EINVAL);
	ck_assert_uint_eq(err.line, 0);
}
END_TEST

START_TEST(the_last_newline_may_be_missing)
{
	struct secret_set *s = must_parse("a PRIVATE0");

	ck_assert_uint_eq(s->n, 1);
	ck_assert_str_eq(s->v[0].value, "PRIVATE0");
	secret_set_free(s);
	s = must_parse("a PRIVATE0\nb PRIVATE1 users=guest,kiosk");
	ck_assert_uint_eq(s->n, 2);
	ck_assert_uint_eq(s->v[1].users_n, 2);
	ck_assert_str_eq(s->v[1].users[1], "kiosk");
	ck_assert_str_eq(s->v[1].tag, "");
	secret_set_free(s);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused_or_read_without_its_rest)
{
	struct secret_set *whole = must_parse(good);

	for (size_t n = 0; n < strlen(good); n++) {
		char *cut = strndup(good, n);
		struct secret_error err;
		struct secret_set *s;
		int r = parse(cut, &s, &err);

		ck_assert(r == 0 || r == -EINVAL);
		ck_assert(r == 0 || n == 0 || good[n - 1] != '\n');
		for (size_t i = 0; r == 0 && i + 1 < s->n; i++)
			ck_assert_str_eq(s->v[i].value, whole->v[i].value);
		secret_set_free(r == 0 ? s : NULL);
		free(cut);
	}
	secret_set_free(whole);
}
END_TEST

START_TEST(out_of_memory_leaks_nothing)
{
	struct secret_error err;
	struct secret_set *s;
	int r = -ENOMEM;

	for (int n = 0; r == -ENOMEM; n++) {
		ck_assert_int_lt(n, 100);
		allocations_left = n;
		r = secret_set_parse(good, strlen(good), &s, &err);
		allocations_left = -1;
	}
	ck_assert_int_eq(r, 0);
	secret_set_free(s);
}
END_TEST

START_TEST(dates_are_inclusive)
{
	struct secret_set *s = must_parse("a 12345678 100 200\nb 12345678\n");

	ck_assert(!secret_active(&s->v[0], 99));
	ck_assert(secret_active(&s->v[0], 100));
	ck_assert(secret_active(&s->v[0], 200));
	ck_assert(!secret_active(&s->v[0], 201));
	ck_assert(secret_active(&s->v[1], INT64_MIN));
	ck_assert(secret_active(&s->v[1], INT64_MAX));
	secret_set_free(s);
}
END_TEST

START_TEST(the_newest_active_ordinary_secret_signs)
{
	struct secret_set *s = must_parse("always 12345678\n"
					  "one one45678 100 300\n"
					  "two two45678 100 200\n"
					  "app app45678 150 tag=t users=guest\n"
					  "later later5678 400\n");

	ck_assert_str_eq(secret_set_signing(s, 99)->id, "always");
	ck_assert_str_eq(secret_set_signing(s, 160)->id, "two");
	ck_assert_str_eq(secret_set_signing(s, 201)->id, "one");
	ck_assert_str_eq(secret_set_signing(s, 301)->id, "always");
	ck_assert_str_eq(secret_set_signing(s, 400)->id, "later");
	secret_set_free(s);
	s = must_parse("app app45678 tag=t users=guest\nold old45678 - 5\n");
	ck_assert_ptr_null(secret_set_signing(s, 6));
	secret_set_free(s);
}
END_TEST

START_TEST(a_public_secret_allows_only_its_names)
{
	struct secret_set *s = must_parse(good);

	ck_assert(secret_allows(&s->v[0], "anyone"));
	ck_assert(secret_allows(&s->v[0], ""));
	ck_assert(secret_allows(&s->v[3], "guest"));
	ck_assert(!secret_allows(&s->v[3], "Guest"));
	ck_assert(!secret_allows(&s->v[3], "iphone"));
	ck_assert(!secret_allows(&s->v[3], ""));
	ck_assert(secret_set_is_shared_user(s, "iphone"));
	ck_assert(!secret_set_is_shared_user(s, "alice"));
	secret_set_free(s);
}
END_TEST

/* --- files ------------------------------------------------------------------ */
static char path[] = "/tmp/check_secret_file.XXXXXX";

static void write_file(const char *text, mode_t mode)
{
	FILE *f;
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	fclose(f);
}

START_TEST(a_file_is_loaded)
{
	struct secret_error err;
	struct secret_set *s;

	write_file(good, 0640);
	ck_assert_int_eq(secret_set_load(path, &s, &err), 0);
	ck_assert_uint_eq(s->n, 5);
	secret_set_free(s);
	unlink(path);
	write_file("a\n", 0600);
	ck_assert_int_eq(secret_set_load(path, &s, &err), -EINVAL);
	ck_assert_uint_eq(err.line, 1);
	ck_assert_ptr_null(s);
	unlink(path);
}
END_TEST

START_TEST(a_file_open_to_others_is_refused)
{
	static const mode_t modes[] = { 0644, 0602, 0601 };

	for (size_t i = 0; i < 3; i++) {
		struct secret_error err;
		struct secret_set *s;

		write_file(good, modes[i]);
		ck_assert_int_eq(secret_set_load(path, &s, &err), -EPERM);
		ck_assert_uint_eq(err.line, 0);
		ck_assert_str_ne(err.text, "");
		unlink(path);
	}
}
END_TEST

START_TEST(what_is_no_readable_file_is_refused)
{
	struct secret_error err;
	struct secret_set *s;

	ck_assert_int_eq(secret_set_load("/nonexistent/x", &s, &err), -ENOENT);
	ck_assert_str_ne(err.text, "");
	ck_assert_int_eq(secret_set_load("/tmp", &s, &err), -EINVAL);
	write_file("", 0600);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(secret_set_load(path, &s, &err), -EINVAL);
	unlink(path);
}
END_TEST

START_TEST(a_file_too_large_is_refused)
{
	struct secret_error err;
	struct secret_set *s;

	write_file("", 0600);
	ck_assert_int_eq(truncate(path, SECRET_FILE_BYTES_MAX + 1), 0);
	ck_assert_int_eq(secret_set_load(path, &s, &err), -EFBIG);
	unlink(path);
}
END_TEST

START_TEST(a_file_that_changed_in_any_way_has_another_stamp)
{
	struct secret_stamp was, is, gone;

	write_file(good, 0600);
	secret_stamp_take(&was, path);
	secret_stamp_take(&is, path);
	ck_assert(secret_stamp_equal(&was, &is));
	usleep(20000); /* a tick of the file system's clock */
	ck_assert_int_eq(chmod(path, 0640), 0);
	secret_stamp_take(&is, path);
	ck_assert(!secret_stamp_equal(&was, &is));
	unlink(path);
	secret_stamp_take(&gone, path);
	ck_assert(!secret_stamp_equal(&is, &gone));
	write_file(good, 0600); /* replaced: another inode */
	secret_stamp_take(&is, path);
	unlink(path);
	ck_assert(!secret_stamp_equal(&was, &is));
	ck_assert(secret_error_passes(-ENOMEM) && !secret_error_passes(-EPERM));
	ck_assert(!secret_error_passes(0));
}
END_TEST

START_TEST(loading_survives_out_of_memory)
{
	struct secret_error err;
	struct secret_set *s;

	write_file(good, 0600);
	allocations_left = 0;
	ck_assert_int_eq(secret_set_load(path, &s, &err), -ENOMEM);
	allocations_left = 1;
	ck_assert_int_eq(secret_set_load(path, &s, &err), -ENOMEM);
	allocations_left = -1;
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secret_file");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_test(t, dates_are_utc_or_seconds);
	tcase_add_test(t, a_good_file_is_read);
	tcase_add_test(t, an_empty_file_has_no_secrets);
	tcase_add_loop_test(t, a_wrong_line_is_named_without_the_secret, 0,
			    (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(t, nul_bytes_are_refused);
	tcase_add_test(t, every_table_has_a_limit);
	tcase_add_test(t, over_long_lines_and_files_are_refused);
	tcase_add_test(t, the_last_newline_may_be_missing);
	tcase_add_test(t, a_file_cut_anywhere_is_refused_or_read_without_its_rest);
	tcase_add_test(t, out_of_memory_leaks_nothing);
	tcase_add_test(t, dates_are_inclusive);
	tcase_add_test(t, the_newest_active_ordinary_secret_signs);
	tcase_add_test(t, a_public_secret_allows_only_its_names);
	tcase_add_test(t, a_file_is_loaded);
	tcase_add_test(t, a_file_open_to_others_is_refused);
	tcase_add_test(t, what_is_no_readable_file_is_refused);
	tcase_add_test(t, a_file_too_large_is_refused);
	tcase_add_test(t, loading_survives_out_of_memory);
	tcase_add_test(t, a_file_that_changed_in_any_way_has_another_stamp);
	suite_add_tcase(s, t);
	return run_suite(s);
}
