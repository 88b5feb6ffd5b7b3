/* check_secret_rotation.c - a new secret comes into the file, and the old ones get their end */
#include "secret_rotation.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "nth_alloc.h"
#include "run_suite.h"
#include "secret_replace.h"
#include "secret_text.h"
#include "secret_turn.h"

#define NOW 1796083200 /* 2026-12-01 */
#define TTL 3600
#define BEGIN (NOW + ROTATION_AHEAD_S)
#define END (BEGIN + TTL + ROTATION_MORE_S)

static struct secret_rotation rotation;
static struct secret_error err;
static char *out;
static size_t out_n;

static int rotate(const char *text)
{
	secret_text_free(out, out_n);
	return secret_rotation_make(text, strlen(text), NOW, TTL, &out, &out_n, &rotation, &err);
}

static void teardown(void)
{
	secret_text_free(out, out_n);
	out = NULL;
}

static const struct secret *find(const struct secret_set *set, const char *id)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->v[i].id, id))
			return &set->v[i];
	return NULL;
}

START_TEST(the_new_one_signs_later_and_the_old_ones_get_an_end)
{
	static const char turned[] = "# ours\n"
				     "k1 Cuw4eiNgahw9xoo0Thoh - 1796086890\n"
				     "\n"
				     "k2 ohquaeR3aeng2uQuoh8e 2026-01-01 1796086890\n"
				     "phones shipped-with-the-app - - tag=android users=app\n"
				     "2026-12-01 ";
	struct secret_set *set;

	ck_assert_int_eq(rotate("# ours\n"
				"k1 Cuw4eiNgahw9xoo0Thoh\n"
				"\n"
				"  k2\tohquaeR3aeng2uQuoh8e   2026-01-01 - \n"
				"phones shipped-with-the-app - - tag=android users=app\n"),
			 0);
	ck_assert_int_eq(strncmp(out, turned, sizeof(turned) - 1), 0);
	ck_assert_int_eq(rotation.not_before_s, BEGIN);
	ck_assert_int_eq(rotation.not_after_s, END);
	ck_assert_uint_eq(rotation.ended, 2);
	ck_assert_int_eq(secret_set_parse(out, out_n, &set, &err), 0);
	ck_assert_uint_eq(set->n, 4);
	ck_assert_str_eq(secret_set_signing(set, NOW)->id, "k2");
	ck_assert_str_eq(secret_set_signing(set, BEGIN)->id, rotation.id);
	ck_assert_uint_eq(strlen(find(set, rotation.id)->value), 44);
	/* Who got a credential of the old one in the last moment can use it to its end. */
	ck_assert(secret_active(find(set, "k2"), BEGIN + TTL));
	ck_assert(!secret_active(find(set, "k2"), END + 1));
	ck_assert(secret_active(find(set, "phones"), END + 1));
	secret_set_free(set);
}
END_TEST

START_TEST(an_end_that_comes_sooner_stays)
{
	ck_assert_int_eq(rotate("k1 Cuw4eiNgahw9xoo0Thoh - 1796083300\n"
				"k0 ohquaeR3aeng2uQuoh8e - 2026-01-01\n"
				"k2 eeR7aht8ieNgoo0shie3 - 2027-01-01"),
			 0);
	ck_assert_ptr_nonnull(strstr(out, "k1 Cuw4eiNgahw9xoo0Thoh - 1796083300\n"));
	ck_assert_ptr_nonnull(strstr(out, "k0 ohquaeR3aeng2uQuoh8e - 2026-01-01\n"));
	ck_assert_ptr_nonnull(strstr(out, "k2 eeR7aht8ieNgoo0shie3 - 1796086890\n"));
	ck_assert_uint_eq(rotation.ended, 1);
}
END_TEST

START_TEST(ids_and_secrets_are_fresh)
{
	char id[SECRET_ID_MAX + 1], value[64];

	ck_assert_int_eq(rotate("2026-12-01 Cuw4eiNgahw9xoo0Thoh\n"), 0);
	ck_assert_str_eq(rotation.id, "2026-12-01.2");
	ck_assert_int_eq(sscanf(strstr(out, ".2 "), ".2 %63s", value), 1);
	ck_assert_int_eq(rotate("2026-12-01 Cuw4eiNgahw9xoo0Thoh\n2026-12-01.2 eeR7aht8ieNgoo0\n"),
			 0);
	snprintf(id, sizeof(id), "%s", rotation.id);
	ck_assert_str_eq(id, "2026-12-01.3");
	ck_assert_ptr_null(strstr(out, value));
}
END_TEST

START_TEST(an_empty_file_gets_its_first_one)
{
	ck_assert_int_eq(rotate(""), 0);
	ck_assert_int_eq(strncmp(out, "2026-12-01 ", 11), 0);
	ck_assert_uint_eq(rotation.ended, 0);
}
END_TEST

START_TEST(a_second_rotation_waits_for_the_first)
{
	char *first;

	ck_assert_int_eq(rotate("k1 Cuw4eiNgahw9xoo0Thoh\n"), 0);
	first = strdup(out);
	ck_assert_int_eq(rotate(first), -EBUSY);
	ck_assert_str_eq(err.text, "2026-12-01 waits for its time already");
	ck_assert_ptr_null(out);
	free(first);
}
END_TEST

static int rotate_many(int n, const char *rest)
{
	char text[SECRETS_MAX * 64], *p = text;

	for (int i = 0; i < n; i++)
		p += sprintf(p, "k%d Cuw4eiNgahw9xoo%02d %s\n", i, i, rest);
	*p = '\0';
	return rotate(text);
}

START_TEST(there_is_a_place_for_the_new_one_or_it_is_refused)
{
	ck_assert_int_eq(rotate_many(SECRETS_MAX, "- 2026-01-01"), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "64 secrets already"));
	ck_assert_int_eq(rotate_many(SECRETS_MAX - 1, "- 2026-01-01"), 0);
	ck_assert_int_eq(rotate_many(SECRETS_ACTIVE_MAX, ""), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "8 secrets are active"));
	ck_assert_int_eq(rotate_many(SECRETS_ACTIVE_MAX - 1, ""), 0);
}
END_TEST

START_TEST(a_file_that_is_none_stays_as_it_is)
{
	ck_assert_int_eq(rotate("k1\n"), -EINVAL);
	ck_assert_uint_eq(err.line, 1);
	ck_assert_ptr_null(out);
}
END_TEST

static void rotate_without_memory(void)
{
	static const char text[] = "k1 Cuw4eiNgahw9xoo0Thoh\n";
	struct secret_rotation r;
	struct secret_error e;
	char *p;
	size_t n;
	int rc = secret_rotation_make(text, sizeof(text) - 1, NOW, TTL, &p, &n, &r, &e);

	MUST(rc == 0 ? p != NULL : rc == -ENOMEM && !p && *e.text);
	if (!rc)
		secret_text_free(p, n);
}

START_TEST(without_memory_there_is_no_rotation)
{
	with_each_allocation_failing(rotate_without_memory);
}
END_TEST

/* --- the file ---------------------------------------------------------------------- */

static char folder[] = "/tmp/check_secret_rotation.XXXXXX";
static char path[64];

static void make_file(void)
{
	int fd;

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secrets", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "before", 6), 6);
	close(fd);
}

static void remove_file(void)
{
	char link[80];

	snprintf(link, sizeof(link), "%s/link", folder);
	unlink(link);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0); /* and nothing else was left there */
}

static void must_hold(const char *text)
{
	struct secret_error e;
	char *p;
	size_t n;

	ck_assert_int_eq(secret_text_load(path, 100, &p, &n, &e), 0);
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_mem_eq(p, text, n);
	secret_text_free(p, n);
}

START_TEST(a_file_is_replaced_with_its_mode_and_a_link_stays)
{
	struct secret_stamp seen;
	struct stat before, after;
	char link[80];

	snprintf(link, sizeof(link), "%s/link", folder);
	ck_assert_int_eq(symlink("secrets", link), 0);
	ck_assert_int_eq(chmod(path, 0460), 0);
	stat(path, &before);
	secret_stamp_take(&seen, link);
	ck_assert_int_eq(secret_replace(link, &seen, "after", 5, &err), 0);
	ck_assert_int_eq(lstat(link, &after), 0);
	ck_assert(S_ISLNK(after.st_mode));
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_ne(before.st_ino, after.st_ino);
	ck_assert_uint_eq(before.st_mode, after.st_mode);
	ck_assert_uint_eq(before.st_uid, after.st_uid);
	ck_assert_uint_eq(before.st_gid, after.st_gid);
	must_hold("after");
}
END_TEST

START_TEST(what_somebody_else_wrote_meanwhile_stays)
{
	struct secret_stamp seen;
	FILE *f;

	secret_stamp_take(&seen, path);
	f = fopen(path, "a");
	fputs("hand", f);
	fclose(f);
	ck_assert_int_eq(secret_replace(path, &seen, "after", 5, &err), -EBUSY);
	ck_assert_str_eq(err.text, "it has been changed meanwhile");
	must_hold("beforehand");
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_said)
{
	struct secret_stamp seen = { 0 };

	ck_assert_int_eq(secret_replace("/proc/self/status", &seen, "after", 5, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot make a new file beside it: "));
	ck_assert_int_eq(secret_replace("/nowhere/at/all", &seen, "after", 5, &err), -ENOENT);
}
END_TEST

/* --- beside the loop ---------------------------------------------------------------- */

static struct {
	int times, result;
	struct secret_rotation rotation;
	char why[256];
	struct secret_turn *turn;
	struct event_base *base;
} turned;

static void on_turned(void *arg, int result, const struct secret_rotation *r,
		      const struct secret_error *why)
{
	ck_assert_ptr_eq(arg, &turned);
	turned.times++;
	turned.result = result;
	turned.rotation = *r;
	snprintf(turned.why, sizeof(turned.why), "%s", why->text);
	secret_turn_free(turned.turn);
	event_base_loopexit(turned.base, NULL);
}

static void begin_turn(const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	memset(&turned, 0, sizeof(turned));
	turned.base = event_base_new();
	ck_assert_ptr_nonnull(turned.base);
	ck_assert_int_eq(
		secret_turn_start(&turned.turn, turned.base, path, NOW, TTL, on_turned, &turned),
		0);
}

START_TEST(the_disk_is_waited_for_beside_the_loop)
{
	struct secret_set *set;

	begin_turn("k1 Cuw4eiNgahw9xoo0Thoh\n");
	ck_assert_int_eq(turned.times, 0);
	event_base_dispatch(turned.base);
	ck_assert_int_eq(turned.times, 1);
	ck_assert_int_eq(turned.result, 0);
	ck_assert_str_eq(turned.rotation.id, "2026-12-01");
	ck_assert_int_eq(secret_set_load(path, &set, &err), 0);
	ck_assert_uint_eq(set->n, 2);
	secret_set_free(set);
	event_base_free(turned.base);
}
END_TEST

START_TEST(what_cannot_be_turned_is_said_once_and_stays)
{
	begin_turn("k1\n");
	event_base_dispatch(turned.base);
	ck_assert_int_eq(turned.times, 1);
	ck_assert_int_eq(turned.result, -EINVAL);
	ck_assert_str_ne(turned.why, "");
	must_hold("k1\n");
	event_base_free(turned.base);
}
END_TEST

START_TEST(who_does_not_wait_is_told_nothing)
{
	begin_turn("k1 Cuw4eiNgahw9xoo0Thoh\n");
	secret_turn_free(turned.turn);
	event_base_loop(turned.base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(turned.times, 0);
	event_base_free(turned.base);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secret_rotation");
	TCase *text = tcase_create("text"), *file = tcase_create("file");

	tcase_add_checked_fixture(text, NULL, teardown);
	tcase_add_test(text, the_new_one_signs_later_and_the_old_ones_get_an_end);
	tcase_add_test(text, an_end_that_comes_sooner_stays);
	tcase_add_test(text, ids_and_secrets_are_fresh);
	tcase_add_test(text, an_empty_file_gets_its_first_one);
	tcase_add_test(text, a_second_rotation_waits_for_the_first);
	tcase_add_test(text, there_is_a_place_for_the_new_one_or_it_is_refused);
	tcase_add_test(text, a_file_that_is_none_stays_as_it_is);
	tcase_add_test(text, without_memory_there_is_no_rotation);
	suite_add_tcase(s, text);
	tcase_add_checked_fixture(file, make_file, remove_file);
	tcase_add_test(file, a_file_is_replaced_with_its_mode_and_a_link_stays);
	tcase_add_test(file, what_somebody_else_wrote_meanwhile_stays);
	tcase_add_test(file, a_folder_that_cannot_be_written_is_said);
	tcase_add_test(file, the_disk_is_waited_for_beside_the_loop);
	tcase_add_test(file, what_cannot_be_turned_is_said_once_and_stays);
	tcase_add_test(file, who_does_not_wait_is_told_nothing);
	suite_add_tcase(s, file);
	return run_suite(s);
}
