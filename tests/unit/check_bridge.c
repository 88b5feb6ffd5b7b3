/* check_bridge.c - HTTP over TLS, both sides played by the test */
#include <event2/event.h>
#include <signal.h>

#include "run_suite.h"
#include "tls_fixture.h"
#include "transport/bridge.h"

#define BIG 300000

static struct event_base *base;
static struct tls_context *context;
static struct bridges *set;
static struct tls_link tl;
static struct bridge *bridge;
static int http; /* libmicrohttpd's end */
static unsigned rooms;
static uint8_t big[BIG], got[BIG];

static void on_room(void *ctx)
{
	(void)ctx;
	rooms++;
}

static void open_bridge(const char *first)
{
	tls_link_open(&tl, context);
	ck_assert_int_eq(tls_link_shake(&tl, NULL), 0);
	SSL_set_mode(tl.client, SSL_MODE_ENABLE_PARTIAL_WRITE);
	ck_assert_int_eq(bridge_new(&bridge, set, &tl.server, first, strlen(first), &http), 0);
	ck_assert_int_eq(tl.server.fd, -1);
}

static void setup(void)
{
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	tls_setup();
	tls_make_pair("a", "EC", NULL);
	context = tls_context_of("a.crt", "a.key");
	base = event_base_new();
	ck_assert_int_eq(bridges_new(&set, base, 2, on_room, NULL), 0);
	rooms = 0;
	for (i = 0; i < BIG; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
}

static void close_client(void)
{
	SSL_free(tl.client);
	SSL_CTX_free(tl.client_ctx);
	close(tl.client_fd);
}

static void teardown(void)
{
	bridges_free(set);
	event_base_free(base);
	tls_context_free(context);
	tls_teardown();
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* What libmicrohttpd's end has to say, from at on. */
static size_t http_reads(size_t at)
{
	ssize_t n;

	while (at < BIG && (n = recv(http, got + at, BIG - at, 0)) > 0)
		at += (size_t)n;
	return at;
}

static size_t client_reads(size_t at)
{
	size_t n;

	while (at < BIG && SSL_read_ex(tl.client, got + at, BIG - at, &n) == 1)
		at += n;
	return at;
}

/* HTTP lets go. */
static void release(void)
{
	bridge_release(bridge);
	close(http);
}

START_TEST(what_was_read_before_comes_first)
{
	open_bridge("GET / ");
	ck_assert_int_eq(SSL_write(tl.client, "HTTP/1.1", 8), 8);
	turn();
	turn();
	ck_assert_uint_eq(http_reads(0), 14);
	ck_assert_mem_eq(got, "GET / HTTP/1.1", 14);
	release();
	close_client();
}
END_TEST

START_TEST(much_goes_both_ways_and_each_waits_for_its_reader)
{
	size_t sent = 0, read = 0, idle = 0, n;
	ssize_t put;

	open_bridge("");
	while (idle < 3) { /* nobody reads at the other end */
		idle = sent < BIG && SSL_write_ex(tl.client, big + sent, BIG - sent, &n) == 1
			       ? (sent += n, 0)
			       : idle + 1;
		turn();
	}
	ck_assert_uint_lt(sent, BIG);
	while (read < BIG) {
		if (sent < BIG && SSL_write_ex(tl.client, big + sent, BIG - sent, &n) == 1)
			sent += n;
		turn();
		read = http_reads(read);
	}
	ck_assert_mem_eq(got, big, BIG);
	for (sent = idle = 0; idle < 3; turn()) {
		put = send(http, big + sent, BIG - sent, 0);
		idle = put > 0 ? 0 : idle + 1;
		sent += put > 0 ? (size_t)put : 0;
	}
	ck_assert_uint_lt(sent, BIG);
	for (read = 0; read < BIG; turn()) {
		put = sent < BIG ? send(http, big + sent, BIG - sent, 0) : 0;
		sent += put > 0 ? (size_t)put : 0;
		read = client_reads(read);
	}
	ck_assert_mem_eq(got, big, BIG);
	release();
	close_client();
}
END_TEST

START_TEST(the_clients_end_reaches_http_and_the_answer_the_client)
{
	open_bridge("GET /");
	if (_i)
		SSL_shutdown(tl.client);
	else
		shutdown(tl.client_fd, SHUT_WR);
	turn();
	turn();
	ck_assert_uint_eq(http_reads(0), 5);
	ck_assert_int_eq(recv(http, got, 1, 0), 0);
	ck_assert_int_eq(send(http, "answer", 6, 0), 6);
	release();
	turn();
	turn();
	ck_assert_uint_eq(client_reads(0), 6);
	ck_assert_int_eq(SSL_get_error(tl.client, 0), SSL_ERROR_ZERO_RETURN);
	close_client();
	turn();
	ck_assert_uint_eq(bridges_counters(set)->open, 0);
}
END_TEST

START_TEST(https_last_words_arrive_though_the_client_still_talks)
{
	open_bridge("");
	ck_assert_int_eq(send(http, "answer", 6, 0), 6);
	release();
	ck_assert_int_eq(SSL_write(tl.client, big, 10000), 10000);
	turn();
	turn();
	ck_assert_uint_eq(client_reads(0), 6);
	ck_assert_uint_eq(bridges_counters(set)->open, 1); /* until the client has seen it */
	close_client();
	turn();
	turn();
	ck_assert_uint_eq(bridges_counters(set)->open, 0);
}
END_TEST

START_TEST(a_broken_client_ends_both)
{
	open_bridge("");
	turn();
	ck_assert_int_eq(write(tl.client_fd, "\x17\x03\x03\x00\x05hello", 10), 10);
	turn();
	ck_assert_int_eq(recv(http, got, 1, 0), 0);
	ck_assert_uint_eq(bridges_counters(set)->open, 1); /* HTTP holds it still */
	release();
	ck_assert_uint_eq(bridges_counters(set)->open, 0);
	close_client();
}
END_TEST

START_TEST(one_above_the_limit_waits_for_an_end)
{
	struct tls_link links[3];
	struct bridge *b[3];
	int fd[3], i;

	for (i = 0; i < 3; i++) {
		tls_link_open(&links[i], context);
		ck_assert_int_eq(tls_link_shake(&links[i], NULL), 0);
		ck_assert_int_eq(bridge_new(&b[i], set, &links[i].server, "", 0, &fd[i]),
				 i < 2 ? 0 : -EBUSY);
	}
	ck_assert_int_ge(links[2].server.fd, 0);
	turn();
	ck_assert_uint_eq(rooms, 0);
	bridge_release(b[0]);
	close(fd[0]);
	close(links[0].client_fd);
	links[0].client_fd = -1;
	for (i = 0; i < 3; i++)
		turn();
	ck_assert_uint_eq(rooms, 1);
	ck_assert_int_eq(bridge_new(&b[2], set, &links[2].server, "", 0, &fd[2]), 0);
	for (i = 0; i < 3; i++)
		tls_link_close(&links[i]);
	for (i = 1; i < 3; i++) {
		bridge_release(b[i]);
		close(fd[i]);
	}
}
END_TEST

/* --- upgrade --- */

static struct stream taken;
static size_t behind_n;
static unsigned dones;

static void on_done(void *ctx, struct stream *s, const void *p, size_t n)
{
	ck_assert_ptr_eq(ctx, &taken);
	taken = *s;
	behind_n = n;
	if (n)
		memcpy(got, p, n);
	dones++;
}

START_TEST(an_upgrade_takes_the_stream_with_all_that_was_on_the_way)
{
	struct iovec iov = { (void *)"frame", 5 };
	char buf[16];

	dones = 0;
	open_bridge("GET ");
	turn();
	ck_assert_int_eq(recv(http, buf, 2, 0), 2);
	ck_assert_int_eq(send(http, "101", 3, 0), 3);
	bridge_upgrade(bridge, http, "GE", 2, on_done, &taken); /* what HTTP had read already */
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(behind_n, 4);
	ck_assert_mem_eq(got, "GET ", 4);
	release();
	ck_assert_uint_eq(bridges_counters(set)->open, 0);
	ck_assert_int_eq(stream_writev(&taken, &iov, 1), 5);
	ck_assert_uint_eq(client_reads(0), 8);
	ck_assert_mem_eq(got, "101frame", 8);
	ck_assert_int_eq(SSL_write(tl.client, "more", 4), 4);
	ck_assert_int_eq(stream_read(&taken, buf, sizeof(buf)), 4);
	stream_close(&taken);
	close_client();
}
END_TEST

/* Its answers before the 101 are more than the client has room for. */
START_TEST(an_upgrade_waits_until_everything_is_written)
{
	size_t sent = 0, read = 0;
	ssize_t n;

	dones = 0;
	open_bridge("");
	while (sent < BIG && (n = send(http, big + sent, BIG - sent, 0)) > 0) {
		sent += (size_t)n;
		turn();
	}
	bridge_upgrade(bridge, http, NULL, 0, on_done, &taken);
	release();
	ck_assert_uint_eq(dones, 0);
	while (read < sent) {
		read = client_reads(read);
		turn();
	}
	ck_assert_uint_eq(read, sent);
	ck_assert_mem_eq(got, big, sent);
	turn();
	ck_assert_uint_eq(dones, 1);
	ck_assert_int_ge(taken.fd, 0);
	stream_close(&taken);
	close_client();
}
END_TEST

START_TEST(an_upgrade_of_a_broken_connection_says_so_once)
{
	dones = 0;
	open_bridge("");
	turn();
	ck_assert_int_eq(write(tl.client_fd, "\x17\x03\x03\x00\x05hello", 10), 10);
	if (_i == 0)
		turn();
	if (_i == 1) /* not noticed yet, and never by us: the server stops */
		while (send(http, big, BIG, 0) > 0)
			turn();
	bridge_upgrade(bridge, http, NULL, 0, on_done, &taken);
	release();
	bridges_free(set);
	ck_assert_uint_eq(dones, 1);
	ck_assert_int_eq(taken.fd, -1);
	close_client();
	ck_assert_int_eq(bridges_new(&set, base, 2, on_room, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bridge");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, what_was_read_before_comes_first);
	tcase_add_test(c, much_goes_both_ways_and_each_waits_for_its_reader);
	tcase_add_loop_test(c, the_clients_end_reaches_http_and_the_answer_the_client, 0, 2);
	tcase_add_test(c, https_last_words_arrive_though_the_client_still_talks);
	tcase_add_test(c, a_broken_client_ends_both);
	tcase_add_test(c, one_above_the_limit_waits_for_an_end);
	tcase_add_test(c, an_upgrade_takes_the_stream_with_all_that_was_on_the_way);
	tcase_add_test(c, an_upgrade_waits_until_everything_is_written);
	tcase_add_loop_test(c, an_upgrade_of_a_broken_connection_says_so_once, 0, 2);
	suite_add_tcase(s, c);
	return run_suite(s);
}
