/* check_state_file.c - the last text of each key outlives the process, whatever happens to it */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "run_suite.h"
#include "state_file.h"

static char dir[64];
static struct event_base *base;
static struct state_file *f;
static char found[4096]; /* "key=text " */

static void on_entry(void *arg, const char *key, const char *text, size_t n)
{
	const size_t at = strlen(found);

	ck_assert_ptr_eq(arg, &f);
	snprintf(found + at, sizeof(found) - at, "%s=%.*s ", key, (int)(n > 20 ? 20 : n), text);
}

static int try_open(uint64_t compact_bytes)
{
	const struct state_file_config c = { .dir = dir,
					     .name = "things",
					     .compact_bytes = compact_bytes,
					     .retry_min_ms = 5,
					     .retry_max_ms = 10,
					     .on_entry = on_entry,
					     .arg = &f };

	found[0] = '\0';
	return state_file_new(&f, base, &c);
}

static void open_again(uint64_t compact_bytes)
{
	state_file_free(f);
	f = NULL;
	ck_assert_int_eq(try_open(compact_bytes), 0);
}

static const char *path(const char *name)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static void setup(void)
{
	strcpy(dir, "/tmp/check_state_file-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	base = event_base_new();
	f = NULL;
	ck_assert_int_eq(try_open(0), 0);
}

static void teardown(void)
{
	static const char *const names[] = { "things", "things.new", "things.lock" };

	state_file_free(f);
	event_base_free(base);
	for (size_t i = 0; i < 3; i++)
		unlink(path(names[i]));
	rmdir(dir);
}

static void put(const char *key, const char *text)
{
	ck_assert_int_eq(state_file_put(f, key, text, text ? strlen(text) : 0), 0);
}

/* Turn the loop until the counters say so. */
#define UNTIL(what)                                                                                \
	do {                                                                                       \
		for (int i = 0; !(what) && i < 2000; i++) {                                        \
			event_base_loop(base, EVLOOP_NONBLOCK);                                    \
			usleep(1000);                                                              \
		}                                                                                  \
		ck_assert(what);                                                                   \
	} while (0)

START_TEST(the_last_text_of_each_key_is_there_again)
{
	struct stat st;

	put("a", "one");
	put("b", "two");
	put("c", "three");
	put("a", "four");
	put("b", NULL);
	put("nobody", NULL);
	open_again(0);
	ck_assert_str_eq(found, "c=three a=four ");
	put("c", NULL);
	open_again(0);
	ck_assert_str_eq(found, "a=four ");
	ck_assert_int_eq(stat(path("things"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_second_process_is_kept_out)
{
	struct state_file *first = f;

	ck_assert_int_eq(try_open(0), -EWOULDBLOCK);
	f = first;
}
END_TEST

static void damage(off_t at, const char *text, size_t n)
{
	int fd = open(path("things"), O_WRONLY);

	ck_assert_int_eq(pwrite(fd, text, n, at), (ssize_t)n);
	close(fd);
}

START_TEST(a_damaged_line_is_left_out_and_a_torn_one_cut_off)
{
	struct stat st;

	put("a", "one");
	put("a", "two");
	put("b", "three");
	state_file_free(f);
	f = NULL;
	ck_assert_int_eq(stat(path("things"), &st), 0);
	damage(16, "X", 1);			   /* in the second line */
	damage(st.st_size, "12345678 +b tor", 15); /* no line feed */
	ck_assert_int_eq(try_open(0), 0);
	ck_assert_str_eq(found, "a=one b=three ");
	ck_assert_uint_eq(state_file_counters(f)->damaged, 1);
	ck_assert_uint_eq(state_file_counters(f)->torn, 1);
	put("c", "four");
	open_again(0);
	ck_assert_str_eq(found, "a=one b=three c=four ");
	ck_assert_uint_eq(state_file_counters(f)->torn, 0);
}
END_TEST

START_TEST(the_file_stays_small)
{
	struct stat st;

	open_again(1000);
	put("kept", "for ever");
	for (int i = 0; i < 2000; i++)
		put(i % 2 ? "x" : "y", i % 2 ? "something that changes" : NULL);
	UNTIL(state_file_counters(f)->written == 2001);
	ck_assert_uint_gt(state_file_counters(f)->compactions, 0);
	ck_assert_int_eq(stat(path("things"), &st), 0);
	ck_assert_int_lt(st.st_size, 200000); /* one batch may be larger than the limit */
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	open_again(1000);
	ck_assert_str_eq(found, "kept=for ever x=something that chang ");
}
END_TEST

START_TEST(a_file_that_was_removed_is_made_again)
{
	put("a", "one");
	UNTIL(state_file_counters(f)->written == 1);
	unlink(path("things"));
	put("b", "two");
	open_again(0);
	ck_assert_str_eq(found, "a=one b=two ");
}
END_TEST

static void limit_file_size(rlim_t bytes)
{
	struct rlimit l;

	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

START_TEST(while_the_disk_refuses_the_queue_fills_and_nothing_waits)
{
	char key[32];
	int r = 0, n;

	signal(SIGXFSZ, SIG_IGN);
	put("a", "one");
	UNTIL(state_file_counters(f)->written == 1);
	limit_file_size(20);
	put("b", "a text that does not fit");
	UNTIL(state_file_counters(f)->failing);
	for (n = 1; !r; n++) {
		snprintf(key, sizeof(key), "key%d", n);
		r = state_file_put(f, key, "x", 1);
	}
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert_int_eq(n, STATE_QUEUE_MAX + 1);
	ck_assert_uint_eq(state_file_counters(f)->refused, 1);
	limit_file_size(RLIM_INFINITY);
	UNTIL(!state_file_counters(f)->failing &&
	      state_file_counters(f)->written > STATE_QUEUE_MAX);
	put("key1", NULL);
	open_again(0);
	ck_assert_ptr_nonnull(strstr(found, "a=one b=a text that does not "));
}
END_TEST

START_TEST(what_is_too_long_is_refused)
{
	char *text = calloc(1, STATE_TEXT_MAX + 2);

	memset(text, 'x', STATE_TEXT_MAX + 1);
	ck_assert_int_eq(state_file_put(f, "a", text, STATE_TEXT_MAX + 1), -EMSGSIZE);
	ck_assert_int_eq(state_file_put(f, "a", text, STATE_TEXT_MAX), 0);
	ck_assert_int_eq(state_file_put(f, "b", "two\nlines", 9), -EINVAL);
	open_again(0);
	ck_assert_str_eq(found, "a=xxxxxxxxxxxxxxxxxxxx ");
	free(text);
}
END_TEST

/* A child counts; whatever it had said it had written is there when it is killed. */
START_TEST(a_kill_at_any_moment_costs_no_line_that_was_written)
{
	for (int round = 0; round < 10; round++) {
		int said[2];
		char key[32];
		uint64_t n = 0, last = 0;
		pid_t pid;

		state_file_free(f);
		f = NULL;
		ck_assert_int_eq(pipe(said), 0);
		pid = fork();
		if (pid == 0) {
			base = event_base_new();
			if (try_open(2000))
				_exit(1);
			for (;;) {
				uint64_t written = state_file_counters(f)->written;

				snprintf(key, sizeof(key), "%llu", (unsigned long long)++n);
				state_file_put(f, "n", key, strlen(key));
				event_base_loop(base, EVLOOP_NONBLOCK);
				if (state_file_counters(f)->written != written &&
				    write(said[1], &state_file_counters(f)->written, sizeof(n)) < 0)
					_exit(1);
			}
		}
		close(said[1]);
		usleep(5000 + 3000 * (unsigned)round);
		kill(pid, SIGKILL);
		while (read(said[0], &n, sizeof(n)) == sizeof(n))
			last = n;
		close(said[0]);
		waitpid(pid, NULL, 0);
		ck_assert_int_eq(try_open(0), 0);
		if (last)
			ck_assert_uint_ge(strtoull(found + 2, NULL, 10), last);
		put("n", NULL);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state_file");
	TCase *t = tcase_create("state_file");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_last_text_of_each_key_is_there_again);
	tcase_add_test(t, a_second_process_is_kept_out);
	tcase_add_test(t, a_damaged_line_is_left_out_and_a_torn_one_cut_off);
	tcase_add_test(t, the_file_stays_small);
	tcase_add_test(t, a_file_that_was_removed_is_made_again);
	tcase_add_test(t, while_the_disk_refuses_the_queue_fills_and_nothing_waits);
	tcase_add_test(t, what_is_too_long_is_refused);
	tcase_add_test(t, a_kill_at_any_moment_costs_no_line_that_was_written);
	suite_add_tcase(s, t);
	return run_suite(s);
}
