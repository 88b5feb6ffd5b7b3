/* check_ext_revocations.c - who is revoked: the set that is changed while others look, and its file
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "name_hash.h"
#include "record_line.h"
#include "revocations.h"
#include "revoked_file.h"
#include "nth_alloc.h"
#include "run_suite.h"

#define NOW 1800000000
#define CALL "AAAAAAAAAAAAAAAAAAAAAA"

static const struct name_hash_key key = { 1, 2 };
static char dir[64], path[96], new_path[128];
static char logged[8192];

static void collect(enum log_level level, const char *token, const char *text)
{
	size_t n = strlen(logged);

	(void)level;
	snprintf(logged + n, sizeof(logged) - n, "%s: %s\n", token, text);
}

static void make_dir(void)
{
	strcpy(dir, "/tmp/check_revoked.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/revoked", dir);
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	logged[0] = '\0';
	log_set_sink(collect);
}

static void remove_dir(void)
{
	log_set_sink(NULL);
	unlink(path);
	unlink(new_path);
	rmdir(new_path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct revocations *opened(size_t max)
{
	struct revocations *r;

	ck_assert_int_eq(revocations_open(&r, path, max, &key, NOW), 0);
	return r;
}

static struct revocations *in_memory(size_t max)
{
	struct revocations *r;

	ck_assert_int_eq(revocations_open(&r, NULL, max, &key, NOW), 0);
	return r;
}

static struct revocations_stats stats(const struct revocations *r)
{
	struct revocations_stats s;

	revocations_stats(r, &s);
	return s;
}

static const char *user(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof(text), "u%u", i);
	return text;
}

static bool has(struct revocations *r, const char *id)
{
	return revocations_has(r, REVOKED_USER, id, NOW);
}

static int add(struct revocations *r, const char *id)
{
	return revocations_add(r, REVOKED_USER, id, NOW + 100, NOW);
}

/* --- the set ----------------------------------------------------------------------- */

/* "SipHash: a fast short-input PRF", appendix A. */
START_TEST(the_hash_is_siphash)
{
	static const struct name_hash_key k = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char text[15];
	unsigned char i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = i;
	ck_assert_uint_eq(name_hash(&k, text, sizeof(text)), 0xa129ca6149be45e5);
	ck_assert_uint_eq(name_hash_quick(&k, text, 0), 0xabac0158050fc4dc);
	ck_assert_uint_ne(name_hash_of(&k, 0, "a", 1), name_hash_of(&k, 1, "a", 1));
}
END_TEST

START_TEST(a_revocation_holds_until_its_time)
{
	struct revocations *r = in_memory(16);

	ck_assert(revocations_empty(r));
	ck_assert(!has(r, "alice"));
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "alice", NOW + 10, NOW), 0);
	ck_assert(!revocations_empty(r));
	ck_assert(revocations_has(r, REVOKED_USER, "alice", NOW + 9));
	ck_assert(!revocations_has(r, REVOKED_USER, "alice", NOW + 10));
	ck_assert(!has(r, "alic"));
	ck_assert(!has(r, ""));
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "alice", NOW + 5, NOW), 0);
	ck_assert(!revocations_has(r, REVOKED_USER, "alice", NOW + 9));
	ck_assert_uint_eq(stats(r).entries, 1);
	revocations_free(r);
}
END_TEST

START_TEST(a_call_is_no_user)
{
	struct revocations *r = in_memory(16);

	ck_assert_int_eq(revocations_add(r, REVOKED_CALL, CALL, NOW + 10, NOW), 0);
	ck_assert(revocations_has(r, REVOKED_CALL, CALL, NOW));
	ck_assert(!revocations_has(r, REVOKED_USER, CALL, NOW));
	revocations_free(r);
}
END_TEST

START_TEST(what_is_taken_back_is_not_revoked)
{
	struct revocations *r = in_memory(16);

	ck_assert_int_eq(revocations_remove(r, REVOKED_USER, "alice", NOW), -ENOENT);
	ck_assert_int_eq(add(r, "alice"), 0);
	ck_assert_int_eq(revocations_remove(r, REVOKED_USER, "alice", NOW), 0);
	ck_assert(!has(r, "alice"));
	ck_assert(revocations_empty(r));
	ck_assert_int_eq(add(r, "alice"), 0);
	ck_assert(has(r, "alice"));
	/* A time that has passed takes it back, too. */
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "alice", NOW, NOW), 0);
	ck_assert(!has(r, "alice"));
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "bob", -1, NOW), 0);
	ck_assert(revocations_empty(r));
	revocations_free(r);
}
END_TEST

START_TEST(a_text_that_is_no_id_is_refused)
{
	static const char *const bad[] = { "", "a b", "a:b", "a\"b", "\n" };
	struct revocations *r = in_memory(16);
	char longest[TURN_USER_ID_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(add(r, bad[i]), -EINVAL);
		ck_assert_int_eq(revocations_remove(r, REVOKED_USER, bad[i], NOW), -EINVAL);
	}
	ck_assert_int_eq(revocations_add(r, REVOKED_CALL, "alice", NOW + 1, NOW), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[TURN_USER_ID_MAX + 1] = '\0';
	ck_assert_int_eq(add(r, longest), -EINVAL);
	longest[TURN_USER_ID_MAX] = '\0';
	ck_assert_int_eq(add(r, longest), 0);
	ck_assert(has(r, longest));
	revocations_free(r);
}
END_TEST

START_TEST(a_full_set_forgets_nobody_who_is_in_force)
{
	struct revocations *r = in_memory(8);
	unsigned i;

	for (i = 0; i < 8; i++)
		ck_assert_int_eq(revocations_add(r, REVOKED_USER, user(i), NOW + 10 + i, NOW), 0);
	ck_assert_int_eq(add(r, "more"), -ENOBUFS);
	ck_assert_int_eq(add(r, "more"), -ENOBUFS);
	ck_assert_uint_eq(stats(r).refused, 2);
	for (i = 0; i < 8; i++)
		ck_assert(has(r, user(i)));
	ck_assert(!has(r, "more"));
	/* One who is there may be changed; one who ran out makes room. */
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, user(7), NOW + 50, NOW), 0);
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "more", NOW + 50, NOW + 10), 0);
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "late", NOW + 50, NOW + 10), -ENOBUFS);
	ck_assert(has(r, "more"));
	revocations_free(r);
}
END_TEST

START_TEST(the_maximum_can_be_reached_and_is_purged_when_it_ran_out)
{
	struct revocations *r = in_memory(REVOCATIONS_MAX);
	unsigned i;

	for (i = 0; i < REVOCATIONS_MAX; i++)
		ck_assert_int_eq(add(r, user(i)), 0);
	ck_assert_int_eq(add(r, "more"), -ENOBUFS);
	for (i = 0; i < REVOCATIONS_MAX; i++)
		ck_assert(has(r, user(i)));
	for (; i < 2 * REVOCATIONS_MAX; i++)
		ck_assert(!has(r, user(i)));
	for (i = 0; i < 70 && !revocations_empty(r); i++)
		revocations_poll(r, NOW + 101);
	ck_assert(revocations_empty(r));
	ck_assert_int_eq(add(r, "more"), 0);
	ck_assert(has(r, "more"));
	revocations_free(r);
}
END_TEST

START_TEST(lack_of_memory_leaves_the_set_as_it_was)
{
	struct revocations *r = in_memory(REVOCATIONS_MAX);
	unsigned i;
	int err = 0;

	for (i = 0; err == 0; i++) {
		allocations_left = 0;
		err = add(r, user(i));
		allocations_left = -1;
	}
	ck_assert_int_eq(err, -ENOMEM);
	ck_assert_uint_gt(i, 512);
	ck_assert(!has(r, user(i - 1)));
	ck_assert(has(r, user(i - 2)));
	ck_assert_int_eq(add(r, user(i - 1)), 0);
	revocations_free(r);
}
END_TEST

static void open_and_close(void)
{
	struct revocations *r = NULL;
	int err = revocations_open(&r, path, 16, &key, NOW);

	MUST(err == 0 || err == -ENOMEM);
	if (err == 0)
		revocations_free(r);
}

START_TEST(opening_without_memory_says_so)
{
	with_each_allocation_failing(open_and_close);
}
END_TEST

/* --- the file ------------------------------------------------------------------------ */

START_TEST(revocations_survive_a_restart)
{
	struct revocations *r = opened(16);

	ck_assert_int_eq(add(r, "alice"), 0);
	ck_assert_int_eq(revocations_add(r, REVOKED_CALL, CALL, NOW + 7, NOW), 0);
	ck_assert_int_eq(add(r, "bob"), 0);
	ck_assert_int_eq(revocations_remove(r, REVOKED_USER, "bob", NOW), 0);
	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "carol", NOW + 1, NOW), 0);
	revocations_free(r);
	ck_assert_int_eq(revocations_open(&r, path, 16, &key, NOW + 1), 0);
	ck_assert(has(r, "alice"));
	ck_assert(!has(r, "bob"));
	ck_assert(!has(r, "carol"));
	ck_assert(revocations_has(r, REVOKED_CALL, CALL, NOW + 6));
	ck_assert(!revocations_has(r, REVOKED_CALL, CALL, NOW + 7));
	ck_assert_uint_eq(stats(r).entries, 2);
	ck_assert_str_eq(logged, "");
	revocations_free(r);
}
END_TEST

START_TEST(a_file_of_others_names_is_readable_by_nobody_else)
{
	struct revocations *r = opened(16);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	revocations_free(r);
}
END_TEST

/* The parent kills it as soon as it was "answered". */
static void revoke_and_hang(int answer)
{
	struct revocations *r;
	unsigned i;

	if (revocations_open(&r, path, 1000, &key, NOW) < 0)
		_exit(1);
	for (i = 0;; i++)
		if (add(r, user(i)) < 0 || write(answer, &i, sizeof(i)) != sizeof(i))
			_exit(1);
}

START_TEST(what_was_answered_survives_kill_9)
{
	struct revocations *r;
	unsigned told = 0, i;
	int answers[2];
	pid_t child;

	ck_assert_int_eq(pipe(answers), 0);
	child = fork();
	if (child == 0)
		revoke_and_hang(answers[1]);
	close(answers[1]);
	for (i = 0; i < 300; i++)
		ck_assert_int_eq(read(answers[0], &told, sizeof(told)), sizeof(told));
	kill(child, SIGKILL);
	while (read(answers[0], &told, sizeof(told)) == sizeof(told))
		;
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	r = opened(1000);
	for (i = 0; i <= told; i++)
		ck_assert(has(r, user(i)));
	ck_assert_uint_eq(stats(r).broken_lines, 0);
	revocations_free(r);
	close(answers[0]);
}
END_TEST

static void write_record(FILE *f, const char *json)
{
	char line[512];
	int n = record_line_write(line, sizeof(line), json, strlen(json));

	ck_assert_int_gt(n, 0);
	fwrite(line, 1, (size_t)n, f);
}

START_TEST(broken_lines_are_named_and_the_good_ones_stay)
{
	static const char *const bad[] = {
		"{\"user\":\"a b\",\"until\":1900000000}",
		"{\"until\":1900000000}",
		"{\"user\":\"alice\"}",
		"{\"call\":\"alice\",\"until\":1900000000}",
		"{\"user\":\"alice\",\"until\":-1}",
		"[]",
		"{",
		"{\"user\":\"alice\",\"until\":18446744073709551615}",
	};
	FILE *f = fopen(path, "w");
	struct revocations *r;
	char expected[256];
	size_t i;

	write_record(f, "{\"user\":\"first\",\"until\":1900000000}");
	fputs("rubbish\n\n00000000 {\"user\":\"alice\",\"until\":1900000000}\n", f);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		write_record(f, bad[i]);
	for (i = 0; i < 100000; i++)
		fputc('x', f);
	fputc('\n', f);
	write_record(f, "{\"user\":\"last\",\"until\":1900000000,\"more\":[1]}");
	fputs("1234", f);
	fclose(f);
	r = opened(16);
	ck_assert(has(r, "first"));
	ck_assert(has(r, "last"));
	ck_assert(!has(r, "alice"));
	ck_assert_uint_ge(stats(r).broken_lines, 12);
	snprintf(expected, sizeof(expected), "revoked: %s:2: a broken line, skipped\n", path);
	ck_assert_ptr_nonnull(strstr(logged, expected));
	ck_assert_ptr_nonnull(strstr(logged, "broken lines in all"));
	ck_assert_ptr_nonnull(strstr(logged, "a line without its end, dropped"));
	/* The rest of a line does not spoil the next one. */
	ck_assert_int_eq(add(r, "next"), 0);
	revocations_free(r);
	r = opened(16);
	ck_assert(has(r, "next") && has(r, "first") && has(r, "last"));
	revocations_free(r);
}
END_TEST

START_TEST(each_cut_of_the_file_keeps_the_whole_lines)
{
	struct revocations *r = opened(16);
	uint64_t size, one;
	size_t cut;

	ck_assert_int_eq(add(r, "aa"), 0);
	one = stats(r).file_bytes;
	ck_assert_int_eq(add(r, "bb"), 0);
	size = stats(r).file_bytes;
	revocations_free(r);
	for (cut = size; cut-- > 0;) {
		ck_assert_int_eq(truncate(path, (off_t)cut), 0);
		r = opened(16);
		ck_assert(has(r, "aa") == (cut >= one));
		ck_assert(!has(r, "bb"));
		ck_assert_uint_eq(stats(r).broken_lines, 0);
		revocations_free(r);
		/* Opening cut the tail off. */
		if (cut >= one)
			cut = cut > one ? one + 1 : one;
		else
			break;
	}
}
END_TEST

START_TEST(more_lines_than_the_maximum_are_told)
{
	struct revocations *r = opened(16);
	unsigned i;

	for (i = 0; i < 16; i++)
		ck_assert_int_eq(add(r, user(i)), 0);
	revocations_free(r);
	r = opened(8);
	ck_assert_uint_eq(stats(r).entries, 8);
	ck_assert_ptr_nonnull(strstr(logged, "more than 8 revocations"));
	revocations_free(r);
}
END_TEST

START_TEST(a_file_that_is_not_ours_alone_is_refused)
{
	struct revocations *r = opened(16), *second;
	char other[128];

	ck_assert_int_eq(revocations_open(&second, path, 16, &key, NOW), -EBUSY);
	revocations_free(r);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(revocations_open(&r, path, 16, &key, NOW), -ELOOP);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_lt(revocations_open(&r, path, 16, &key, NOW), 0);
	ck_assert_int_eq(rmdir(path), 0);
	revocations_free(opened(16));
	snprintf(other, sizeof(other), "%s.other", path);
	ck_assert_int_eq(link(path, other), 0);
	ck_assert_int_eq(revocations_open(&r, path, 16, &key, NOW), -EPERM);
	ck_assert_int_eq(unlink(other), 0);
	ck_assert_int_eq(truncate(path, (off_t)REVOCATIONS_FILE_MAX + 1), 0);
	ck_assert_int_eq(revocations_open(&r, path, 16, &key, NOW), -EFBIG);
}
END_TEST

START_TEST(what_was_written_without_privileges_is_read_with_them)
{
	struct revocations *r = opened(16);

	ck_assert_int_eq(add(r, user(1)), 0);
	revocations_free(r);
	if (geteuid() != 0)
		return; /* only root has some */
	ck_assert_int_eq(chown(path, 65534, 65534), 0);
	r = opened(16);
	ck_assert_uint_eq(stats(r).entries, 1);
	revocations_free(r);
}
END_TEST

START_TEST(the_file_stays_twice_as_large_as_needed)
{
	struct revocations *r = opened(16);
	unsigned i;

	for (i = 0; i < 20000; i++)
		ck_assert_int_eq(revocations_add(r, REVOKED_USER, user(i % 8), NOW + 100 + i, NOW),
				 0);
	ck_assert_uint_gt(stats(r).rewrites, 5);
	ck_assert_uint_lt(stats(r).file_bytes, 2500 * 64);
	ck_assert_uint_eq(stats(r).write_errors, 0);
	revocations_free(r);
	r = opened(16);
	ck_assert(revocations_has(r, REVOKED_USER, user(19999 % 8), NOW + 20098));
	ck_assert_uint_eq(stats(r).entries, 8);
	revocations_free(r);
}
END_TEST

/* Whatever is changed while a rewrite goes on, the file says what the set says. */
START_TEST(a_rewrite_loses_no_change)
{
	enum { NAMES = 400 };
	struct revocations *r = opened(NAMES);
	int64_t until[NAMES] = { 0 };
	unsigned seed = (unsigned)_i + 1, i, id;

	for (i = 0; i < 30000; i++) {
		id = (unsigned)rand_r(&seed) % NAMES;
		if (rand_r(&seed) % 3) {
			until[id] = NOW + 1 + rand_r(&seed) % 5;
			ck_assert_int_eq(revocations_add(r, REVOKED_USER, user(id), until[id], NOW),
					 0);
		} else if (until[id]) {
			until[id] = 0;
			ck_assert_int_eq(revocations_remove(r, REVOKED_USER, user(id), NOW), 0);
		}
		if (rand_r(&seed) % 3000 == 0) {
			revocations_free(r); /* a restart, perhaps in the middle */
			r = opened(NAMES);
		}
	}
	ck_assert_uint_eq(stats(r).write_errors, 0);
	revocations_free(r);
	r = opened(NAMES);
	for (id = 0; id < NAMES; id++) {
		ck_assert(revocations_has(r, REVOKED_USER, user(id), until[id] - 1) ==
			  (until[id] != 0));
		ck_assert(!revocations_has(r, REVOKED_USER, user(id), until[id]));
	}
	revocations_free(r);
}
END_TEST

START_TEST(a_rewrite_that_fails_leaves_the_old_file_in_use)
{
	struct revocations *r = opened(16);
	unsigned i;

	ck_assert_int_eq(mkdir(new_path, 0700), 0);
	for (i = 0; i < 3000; i++)
		ck_assert_int_eq(revocations_add(r, REVOKED_USER, user(i % 8), NOW + 100 + i, NOW),
				 0);
	ck_assert_uint_eq(stats(r).rewrites, 0);
	ck_assert_uint_eq(stats(r).write_errors, 1);
	ck_assert_ptr_nonnull(strstr(logged, "cannot be rewritten"));
	ck_assert_int_eq(rmdir(new_path), 0);
	for (i = 0; i < 10; i++)
		revocations_poll(r, NOW + 61);
	ck_assert_uint_eq(stats(r).rewrites, 1);
	revocations_free(r);
	r = opened(16);
	ck_assert(revocations_has(r, REVOKED_USER, user(2999 % 8), NOW + 3098));
	revocations_free(r);
}
END_TEST

START_TEST(a_full_disk_is_told_and_spoils_nothing)
{
	struct revocations *r = opened(16);
	struct rlimit limit, small;
	int added;

	ck_assert_int_eq(add(r, "alice"), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = stats(r).file_bytes + 10; /* in the middle of the next line */
	setrlimit(RLIMIT_FSIZE,
		  &small); /* nothing is asserted under it: Check writes a file, too */
	added = add(r, "bob");
	setrlimit(RLIMIT_FSIZE, &limit);
	ck_assert_int_lt(added, 0);
	ck_assert(has(r, "bob"));
	ck_assert_uint_eq(stats(r).write_errors, 1);
	ck_assert_ptr_nonnull(strstr(logged, "not on disk"));
	/* Told again, it is written. */
	ck_assert_int_eq(add(r, "bob"), 0);
	revocations_free(r);
	r = opened(16);
	ck_assert(has(r, "alice") && has(r, "bob"));
	ck_assert_uint_eq(stats(r).broken_lines, 0);
	revocations_free(r);
}
END_TEST

/* --- threads ----------------------------------------------------------------------------- */

static _Atomic bool stop;
static _Atomic unsigned wrong;

static void *look(void *arg)
{
	struct revocations *r = arg;

	while (!atomic_load(&stop)) {
		if (!revocations_has(r, REVOKED_USER, "always", NOW))
			atomic_fetch_add(&wrong, 1);
		if (revocations_has(r, REVOKED_USER, "never", NOW))
			atomic_fetch_add(&wrong, 1);
		revocations_has(r, REVOKED_USER, "u7", NOW);
	}
	return NULL;
}

START_TEST(readers_see_whole_tables_while_main_changes_them)
{
	struct revocations *r = opened(4096);
	pthread_t threads[3];
	unsigned i, round;

	ck_assert_int_eq(revocations_add(r, REVOKED_USER, "always", NOW + 1000, NOW), 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, look, r), 0);
	for (round = 0; round < 12; round++) {
		for (i = 0; i < 4000; i++)
			ck_assert_int_eq(revocations_add(r, REVOKED_USER, user(i + round * 1000),
							 NOW + 1 + round % 3, NOW - 100),
					 0);
		for (i = 0; i < 1000; i++)
			revocations_remove(r, REVOKED_USER, user(i + round * 1000), NOW);
		revocations_poll(r, NOW + 5);
	}
	atomic_store(&stop, true);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	revocations_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn-ext revocations");
	TCase *set = tcase_create("set"), *file = tcase_create("file");

	tcase_add_checked_fixture(set, make_dir, remove_dir);
	tcase_set_timeout(set, 60);
	tcase_add_test(set, the_hash_is_siphash);
	tcase_add_test(set, a_revocation_holds_until_its_time);
	tcase_add_test(set, a_call_is_no_user);
	tcase_add_test(set, what_is_taken_back_is_not_revoked);
	tcase_add_test(set, a_text_that_is_no_id_is_refused);
	tcase_add_test(set, a_full_set_forgets_nobody_who_is_in_force);
	tcase_add_test(set, the_maximum_can_be_reached_and_is_purged_when_it_ran_out);
	tcase_add_test(set, lack_of_memory_leaves_the_set_as_it_was);
	tcase_add_test(set, opening_without_memory_says_so);
	suite_add_tcase(s, set);
	tcase_add_checked_fixture(file, make_dir, remove_dir);
	tcase_set_timeout(file, 60);
	tcase_add_test(file, revocations_survive_a_restart);
	tcase_add_test(file, a_file_of_others_names_is_readable_by_nobody_else);
	tcase_add_test(file, what_was_answered_survives_kill_9);
	tcase_add_test(file, broken_lines_are_named_and_the_good_ones_stay);
	tcase_add_test(file, each_cut_of_the_file_keeps_the_whole_lines);
	tcase_add_test(file, more_lines_than_the_maximum_are_told);
	tcase_add_test(file, a_file_that_is_not_ours_alone_is_refused);
	tcase_add_test(file, what_was_written_without_privileges_is_read_with_them);
	tcase_add_test(file, the_file_stays_twice_as_large_as_needed);
	tcase_add_loop_test(file, a_rewrite_loses_no_change, 0, 4);
	tcase_add_test(file, a_rewrite_that_fails_leaves_the_old_file_in_use);
	tcase_add_test(file, a_full_disk_is_told_and_spoils_nothing);
	tcase_add_test(file, readers_see_whole_tables_while_main_changes_them);
	suite_add_tcase(s, file);
	return run_suite(s);
}
