/* check_service_manager.c - what systemd is told, read from a socket that stands for its own */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "service_manager.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop.h"
#include "run_suite.h"

#define WATCHDOG_MS 200

static char dir[40], text[512];
static int manager_fd;
static struct loop *loop;
static struct service_manager *m;

static void setup(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(dir, sizeof(dir), "/tmp/check_service.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", dir);
	manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(manager_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	ck_assert_int_eq(loop_new(&loop), 0);
}

static void teardown(void)
{
	char path[64];

	service_manager_free(m);
	m = NULL;
	loop_free(loop);
	close(manager_fd);
	snprintf(path, sizeof(path), "%s/notify", dir);
	unlink(path);
	rmdir(dir);
}

static void begin(void)
{
	ck_assert_int_eq(service_manager_new(&m, loop), 0);
}

/* The next message within so long; NULL: there is none. */
static const char *told(int within_ms)
{
	struct pollfd p = { .fd = manager_fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, within_ms) <= 0)
		return NULL;
	n = recv(manager_fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return text;
}

START_TEST(ready_and_status_are_told)
{
	begin();
	service_manager_ready(m, "serving 127.0.0.1:449");
	ck_assert_str_eq(told(1000), "READY=1\nSTATUS=serving 127.0.0.1:449");
	service_manager_status(m, "100% fine %s");
	ck_assert_str_eq(told(1000), "STATUS=100% fine %s");
}
END_TEST

START_TEST(reloading_carries_the_time)
{
	unsigned long long at_us = 0, before_us = loop_now_us();

	begin();
	service_manager_reloading(m);
	ck_assert_int_eq(sscanf(told(1000), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &at_us), 1);
	ck_assert_uint_ge(at_us, before_us);
	ck_assert_uint_le(at_us, loop_now_us());
}
END_TEST

START_TEST(stopping_asks_for_time)
{
	begin();
	service_manager_stopping(m, "stopping", 12345);
	ck_assert_str_eq(told(1000), "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=12345000");
}
END_TEST

static void watched(void)
{
	char usec[16];

	snprintf(usec, sizeof(usec), "%d", WATCHDOG_MS * 1000);
	setenv("WATCHDOG_USEC", usec, 1);
	begin();
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

START_TEST(the_watchdog_is_answered_as_long_as_the_loop_turns)
{
	struct loop_timer *t;
	unsigned n = 0;

	watched();
	ck_assert_int_eq(loop_timer_new(&t, loop, stop, NULL), 0);
	loop_timer_set(t, 5 * WATCHDOG_MS);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_timer_free(t);
	while (told(0)) {
		ck_assert_str_eq(text, "WATCHDOG=1");
		n++;
	}
	ck_assert_uint_ge(n, 5);
	ck_assert_uint_le(n, 10);
}
END_TEST

START_TEST(a_loop_that_hangs_answers_no_watchdog)
{
	watched();
	ck_assert_ptr_null(told(3 * WATCHDOG_MS));
}
END_TEST

START_TEST(a_watchdog_for_somebody_else_is_not_ours)
{
	struct loop_timer *t;

	setenv("WATCHDOG_PID", "1", 1);
	watched();
	ck_assert_int_eq(loop_timer_new(&t, loop, stop, NULL), 0);
	loop_timer_set(t, 2 * WATCHDOG_MS);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_timer_free(t);
	ck_assert_ptr_null(told(0));
}
END_TEST

START_TEST(without_a_service_manager_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	begin();
	service_manager_ready(m, "x");
	service_manager_reloading(m);
	service_manager_stopping(m, "x", 1);
	ck_assert_ptr_null(told(0));
}
END_TEST

START_TEST(a_socket_that_cannot_be_is_as_none)
{
	static const char *const names[] = { "", "relative", "/nonexistent/notify",
					     "@nobody-listens", "vsock:1:2:3" };
	char lengthy[300];

	memset(lengthy, 'x', sizeof(lengthy));
	lengthy[0] = '/';
	lengthy[sizeof(lengthy) - 1] = '\0';
	watched();
	for (size_t i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", i ? names[i - 1] : lengthy, 1);
		service_manager_ready(m, "x");
		service_manager_status(m, "x");
		service_manager_stopping(m, "x", 1);
	}
	ck_assert_ptr_null(told(0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("service_manager");
	TCase *t = tcase_create("notify");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ready_and_status_are_told);
	tcase_add_test(t, reloading_carries_the_time);
	tcase_add_test(t, stopping_asks_for_time);
	tcase_add_test(t, the_watchdog_is_answered_as_long_as_the_loop_turns);
	tcase_add_test(t, a_loop_that_hangs_answers_no_watchdog);
	tcase_add_test(t, a_watchdog_for_somebody_else_is_not_ours);
	tcase_add_test(t, without_a_service_manager_nothing_happens);
	tcase_add_test(t, a_socket_that_cannot_be_is_as_none);
	suite_add_tcase(s, t);
	return run_suite(s);
}
