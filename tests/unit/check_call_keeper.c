/* check_call_keeper.c - what of calls comes to the disk, and what need not */
#include "call_keeper.h"

#include <unistd.h>

#include "calls_fixture.h"
#include "log.h"
#include "loop.h"
#include "run_suite.h"
#include "state_file.h"

static char dir[64];
static struct loop *loop;
static struct call_keeper *keeper;

static void on_new(const struct call *c, void *ctx)
{
	(void)ctx;
	call_keeper_begun(keeper, c);
}

static void on_changed(const struct call *c, void *ctx)
{
	(void)ctx;
	call_keeper_changed(keeper, c);
}

static void on_ended(const struct call *c, void *ctx)
{
	(void)ctx;
	call_keeper_ended(keeper, c);
}

static void quiet(enum log_level level, const char *token, const char *text)
{
	(void)level;
	(void)token;
	(void)text;
}

static void begin(void)
{
	ops.on_call_new = on_new;
	ops.on_call_changed = on_changed;
	ops.on_call_ended = on_ended;
	log_set_sink(quiet);
	setup();
	strcpy(dir, "/tmp/check_call_keeper-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(call_keeper_new(&keeper, &(struct call_keeper_config){ .loop = loop,
										.calls = cs,
										.dir = dir,
										.now = now }),
			 0);
	for (char letter = 'A'; letter <= 'B'; letter++) {
		open_socket(letter);
		say(letter, "user:join", "\"user%c\"", letter);
	}
}

static void finish(void)
{
	static const char *const names[] = { CALL_KEEPER_FILE, CALL_KEEPER_FILE ".lock" };
	char path[96];

	call_keeper_free(keeper);
	keeper = NULL;
	loop_free(loop);
	teardown();
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void turn(unsigned ms)
{
	struct loop_timer *t;

	ck_assert_int_eq(loop_timer_new(&t, loop, stop, loop), 0);
	loop_timer_set(t, ms);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_timer_free(t);
}

static const struct state_file_counters *file(void)
{
	return call_keeper_file_counters(keeper);
}

static void turn_until_written(uint64_t n)
{
	for (int i = 0; file()->written < n && i < 500; i++)
		turn(10);
	ck_assert_uint_eq(file()->written, n);
}

static void ring(void)
{
	say('A', "call:initiate",
	    "{\"fromId\":\"userA\",\"toId\":\"userB\",\"callType\":\"audio\","
	    "\"roomName\":\"r\",\"sdpOffer\":\"v=0\"}");
}

static void hang_up(void)
{
	say('A', "call:end", "{\"roomName\":\"r\"}");
}

START_TEST(a_call_is_in_the_file_as_long_as_it_lives)
{
	ring();
	turn_until_written(1);
	ck_assert_uint_eq(file()->keys, 1);
	say('B', "call:accept", "{\"roomName\":\"r\",\"sdpAnswer\":\"v=0\"}");
	turn_until_written(2);
	hang_up();
	turn_until_written(3);
	ck_assert_uint_eq(file()->keys, 0);
}
END_TEST

START_TEST(a_call_that_ends_before_it_is_written_is_not_written)
{
	for (int i = 0; i < 50; i++) {
		ring();
		hang_up();
	}
	turn(100);
	ck_assert_uint_eq(file()->written, 0);
	ck_assert_uint_eq(call_keeper_counters(keeper)->saved, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_keeper");
	TCase *tc = tcase_create("call_keeper");

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, a_call_is_in_the_file_as_long_as_it_lives);
	tcase_add_test(tc, a_call_that_ends_before_it_is_written_is_not_written);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
