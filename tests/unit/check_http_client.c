/* check_http_client.c - requests under way, in line, refused and cancelled
 *
 * The server accepts connections and says nothing, or says the same to everybody;
 * what real servers get wrong is in tests/integration/backend.test.mjs. */
#include "backend/http_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "run_suite.h"

#define SERVED_MAX 64
#define PATIENCE_MS 20000

static struct loop *loop;
static struct http_client *c;
static struct event *accepting;
static struct event *reading[SERVED_MAX];
static size_t served;
static const char *says; /* NULL: nothing */
static char url[64];

static struct {
	unsigned n;
	int error;
	long status;
	char body[64];
} done;

static void on_request(evutil_socket_t fd, short what, void *arg)
{
	struct event **ev = arg;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)what;
	if (n > 0 && (!says || write(fd, says, strlen(says)) > 0))
		return;
	event_free(*ev);
	*ev = NULL;
	close(fd);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct event **ev = &reading[served];
	int s = accept(fd, NULL, NULL);

	(void)what;
	(void)arg;
	ck_assert_int_ge(s, 0);
	ck_assert_uint_lt(served, SERVED_MAX);
	*ev = event_new(loop_base(loop), s, EV_READ | EV_PERSIST, on_request, ev);
	event_add(*ev, NULL);
	served++;
}

static void listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(at.sin_port));
	accepting = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, on_accept, NULL);
	event_add(accepting, NULL);
}

static void setup(void)
{
	struct http_client_config cfg;

	memset(&done, 0, sizeof(done));
	served = 0;
	says = NULL;
	ck_assert_int_eq(loop_new(&loop), 0);
	listen_somewhere();
	http_client_config_defaults(&cfg);
	cfg.parallel_max = 2;
	cfg.waiting_max = 3;
	cfg.waiting_bytes_max = 100;
	cfg.body_bytes_max = 60;
	cfg.answer_bytes_max = 32;
	ck_assert_int_eq(http_client_new(&c, loop_base(loop), &cfg), 0);
}

static void teardown(void)
{
	http_client_free(c);
	close(event_get_fd(accepting));
	event_free(accepting);
	for (size_t i = 0; i < served; i++) {
		if (!reading[i])
			continue;
		close(event_get_fd(reading[i]));
		event_free(reading[i]);
	}
	loop_free(loop);
}

static void on_done(const struct http_answer *a, void *ctx)
{
	(void)ctx;
	done.n++;
	done.error = a->error;
	done.status = a->status;
	snprintf(done.body, sizeof(done.body), "%.*s", (int)a->n, a->body ? a->body : "");
	ck_assert((a->error == 0) == (a->why == NULL));
}

static int post(size_t n, uint32_t timeout_ms, struct http_exchange **x)
{
	static const char body[100] = "{}";
	const struct http_post p = {
		.url = url, .body = body, .body_n = n, .timeout_ms = timeout_ms, .done = on_done
	};

	return http_client_post(c, &p, x);
}

static void turn(void)
{
	event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
	usleep(1000);
}

/* For so long, or until so many are done. */
static void run(unsigned until_done, uint64_t ms)
{
	const uint64_t end_ms = loop_now_ms() + ms;

	while (loop_now_ms() < end_ms && done.n < until_done)
		turn();
}

/* Until so many connections have come, and a little longer: no more of them do. */
static void run_until_served(unsigned n)
{
	const uint64_t end_ms = loop_now_ms() + PATIENCE_MS;

	while (loop_now_ms() < end_ms && served < n)
		turn();
	run(done.n + 1, 50);
	ck_assert_uint_eq(served, n);
}

START_TEST(an_answer_comes_from_the_loop)
{
	struct http_exchange *x;

	says = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\":1}\n";
	ck_assert_int_eq(post(2, 2000, &x), 0);
	ck_assert_uint_eq(done.n, 0);
	run(1, 2000);
	ck_assert_uint_eq(done.n, 1);
	ck_assert_int_eq(done.error, 0);
	ck_assert_int_eq(done.status, 200);
	ck_assert_str_eq(done.body, "{\"a\":1}\n");
}
END_TEST

START_TEST(connections_are_used_again)
{
	struct http_exchange *x;

	says = "HTTP/1.1 204 No Content\r\n\r\n";
	for (unsigned i = 1; i <= 5; i++) {
		ck_assert_int_eq(post(2, 2000, &x), 0);
		run(i, 2000);
		ck_assert_uint_eq(done.n, i);
	}
	ck_assert_uint_eq(served, 1);
}
END_TEST

START_TEST(so_many_are_under_way_and_the_others_follow)
{
	struct http_exchange *x;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(post(2, 1000, &x), 0);
	run_until_served(2);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(post(2, 5000, &x), 0);
	ck_assert_int_eq(post(2, 5000, &x), -ENOSPC);
	ck_assert_uint_eq(http_client_counters(c)->refused, 1);
	run(2, PATIENCE_MS);
	ck_assert_int_eq(done.error, -ETIMEDOUT);
	ck_assert_uint_eq(http_client_counters(c)->timeouts, 2);
	run_until_served(4);
}
END_TEST

START_TEST(the_line_has_a_budget_and_a_body_a_size)
{
	struct http_exchange *x;

	ck_assert_int_eq(post(61, 1000, &x), -E2BIG);
	ck_assert_int_eq(post(60, 1000, &x), 0);
	ck_assert_int_eq(post(60, 1000, &x), -ENOSPC);
	run_until_served(1);
	ck_assert_int_eq(post(60, 1000, &x), 0);
	ck_assert_uint_eq(http_client_counters(c)->refused, 2);
}
END_TEST

START_TEST(who_does_not_get_his_turn_in_time_is_told)
{
	struct http_exchange *x;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(post(2, 5000, &x), 0);
	run_until_served(2);
	ck_assert_int_eq(post(2, 1000, &x), 0);
	run(1, PATIENCE_MS); /* half the time: with less left it could not be answered */
	ck_assert_uint_eq(done.n, 1);
	ck_assert_int_eq(done.error, -EBUSY);
	ck_assert_uint_eq(http_client_counters(c)->overdue, 1);
	ck_assert_uint_eq(served, 2);
}
END_TEST

START_TEST(what_is_cancelled_is_not_told)
{
	struct http_exchange *x[4];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(post(2, 5000, &x[i]), 0);
	run_until_served(2);
	for (int i = 2; i < 4; i++)
		ck_assert_int_eq(post(2, 5000, &x[i]), 0);
	http_client_cancel(x[2]);
	http_client_cancel(x[0]);
	run_until_served(3); /* the last has its turn */
	ck_assert_uint_eq(done.n, 0);
}
END_TEST

START_TEST(an_answer_has_a_greatest_size)
{
	struct http_exchange *x;

	says = "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n012345678901234567890123456789012";
	ck_assert_int_eq(post(2, 2000, &x), 0);
	run(1, 2000);
	ck_assert_int_eq(done.error, -EFBIG);
	says = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n012345678901234567890123456789012";
	ck_assert_int_eq(post(2, 2000, &x), 0);
	run(2, 2000);
	ck_assert_int_eq(done.error, -EFBIG);
	ck_assert_uint_eq(http_client_counters(c)->oversize, 2);
}
END_TEST

START_TEST(a_header_has_one_line)
{
	const struct http_post p = { .url = url,
				     .authorization = "Bearer a\r\nX: y",
				     .body = "{}",
				     .body_n = 2,
				     .timeout_ms = 1000,
				     .done = on_done };
	struct http_exchange *x;

	ck_assert_int_eq(http_client_post(c, &p, &x), -EINVAL);
}
END_TEST

static const struct {
	const char *url;
	bool valid;
} urls[] = {
	{ "http://a/", true },
	{ "https://a.example:8443/x?y=1", true },
	{ "http://[::1]/", true },
	{ "https://", false },
	{ "http://a:b/", false },
	{ "ftp://a/", false },
	{ "a", false },
	{ "", false },
	{ "http://[::1/", false },
};

START_TEST(a_url_is_judged_before_it_is_asked)
{
	ck_assert(http_client_url_valid(urls[_i].url) == urls[_i].valid);
}
END_TEST

START_TEST(only_http_is_spoken)
{
	struct http_exchange *x;

	strcpy(url, "file:///etc/hostname");
	ck_assert_int_eq(post(2, 1000, &x), 0);
	run(1, 1000);
	ck_assert_uint_eq(done.n, 1);
	ck_assert_int_ne(done.error, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_client");
	TCase *tc = tcase_create("http_client");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_answer_comes_from_the_loop);
	tcase_add_test(tc, connections_are_used_again);
	tcase_add_test(tc, so_many_are_under_way_and_the_others_follow);
	tcase_add_test(tc, the_line_has_a_budget_and_a_body_a_size);
	tcase_add_test(tc, who_does_not_get_his_turn_in_time_is_told);
	tcase_add_test(tc, what_is_cancelled_is_not_told);
	tcase_add_test(tc, an_answer_has_a_greatest_size);
	tcase_add_test(tc, a_header_has_one_line);
	tcase_add_loop_test(tc, a_url_is_judged_before_it_is_asked, 0,
			    sizeof(urls) / sizeof(urls[0]));
	tcase_add_test(tc, only_http_is_spoken);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
