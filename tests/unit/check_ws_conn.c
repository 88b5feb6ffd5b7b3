/* check_ws_conn.c - WebSockets over sockets of this process, one turn of the loop at a time */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "nth_alloc.h"
#include "run_suite.h"
#include "transport/frame.h"
#include "transport/ws_priv.h"

#define MAX_MESSAGE 1000000
#define PONG "\x8a\x80\0\0\0\0"

/* Our end of a connection, and what its handler was told. */
struct client {
	struct ws_conn *ws;
	int fd;
	unsigned messages, gone;
	size_t last_n;
	const char *reason;
	struct client *closes; /* on a message, with close_code */
	unsigned close_code;
};

static struct event_base *base;
static struct ws_io *io;
static struct outq_budget budget;
static struct outq_marks marks;

static void on_message(struct ws_conn *ws, bool binary, const void *p, size_t n, void *ctx)
{
	struct client *c = ctx;

	(void)binary;
	(void)p;
	MUST(ws == c->ws && !c->gone);
	c->messages++;
	c->last_n = n;
	if (c->closes)
		ws_conn_close(c->closes->ws, c->close_code);
}

static void on_gone(struct ws_conn *ws, const char *reason, void *ctx)
{
	struct client *c = ctx;

	MUST(ws == c->ws && !c->gone);
	c->gone++;
	c->reason = reason;
}

static const struct ws_handler handler = { on_message, on_gone };

static void start(void)
{
	base = event_base_new();
	budget = (struct outq_budget){ .max = SIZE_MAX };
	marks = (struct outq_marks){ .soft = 1 << 20, .hard = 4 << 20, .budget = &budget };
	MUST(base);
	MUST(ws_io_new(&io, base) == 0);
}

static void finish(void)
{
	ws_io_free(io);
	event_base_free(base);
	MUST(budget.used == 0);
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void turns(int n)
{
	while (n--)
		turn();
}

static void run_ms(uint64_t ms)
{
	uint64_t until = loop_now_ms() + ms;

	while (loop_now_ms() < until) {
		turn();
		usleep(5000);
	}
}

/* A socket pair behaves as TCP but for resets. */
static void tcp_pair(int fds[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(listener, 1) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&a, &n) == 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(fds[1], (struct sockaddr *)&a, sizeof(a)) == 0);
	fds[0] = accept(listener, NULL, NULL);
	MUST(fds[0] >= 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	close(listener);
}

static bool make(struct client *c)
{
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	return ws_conn_new(&c->ws, io, &handler, c, MAX_MESSAGE, &marks) == 0;
}

static void attach(struct client *c, const int fds[2])
{
	struct stream s;

	stream_init(&s, fds[0]);
	c->fd = fds[1];
	ws_conn_attach(c->ws, &s, NULL, 0);
}

static void open_one(struct client *c)
{
	int fds[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	MUST(make(c));
	attach(c, fds);
}

static void open_tcp(struct client *c)
{
	int fds[2];

	tcp_pair(fds);
	MUST(make(c));
	attach(c, fds);
}

static void put(const struct client *c, const void *p, size_t n)
{
	MUST(send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n);
}
#define PUT(c, bytes) put(c, bytes, sizeof(bytes) - 1)

static void put_often(const struct client *c, const char *frame, size_t n, size_t times)
{
	char *p = malloc(n * times);

	for (size_t i = 0; i < times; i++)
		memcpy(p + i * n, frame, n);
	put(c, p, n * times);
	free(p);
}

/* The head of a masked message of n bytes, and how many of them. */
static void put_part(const struct client *c, size_t n, size_t part)
{
	uint8_t *p = calloc(1, 14 + part);

	p[0] = 0x82;
	p[1] = 0xff;
	for (int i = 0; i < 8; i++)
		p[2 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
	put(c, p, 14 + part);
	free(p);
}

/* What the server wrote so far. Returns -1: reset. */
static ssize_t get(const struct client *c, uint8_t *p, size_t n)
{
	size_t got = 0;
	ssize_t rc;

	while (got < n && (rc = recv(c->fd, p + got, n - got, 0)) > 0)
		got += (size_t)rc;
	return got < n && rc < 0 && errno != EAGAIN ? -1 : (ssize_t)got;
}

static void expect_bytes(const struct client *c, const void *expected, size_t n)
{
	uint8_t p[1024];

	ck_assert_int_eq(get(c, p, sizeof(p)), (int)n);
	ck_assert_mem_eq(p, expected, n);
}
#define EXPECT(c, bytes) expect_bytes(c, bytes, sizeof(bytes) - 1)

static bool ended(const struct client *c)
{
	uint8_t p;

	return recv(c->fd, &p, 1, 0) == 0;
}

static void send_bytes(struct client *c, size_t n, int expected)
{
	struct frame *f = frame_new(true, n);

	memset(frame_payload(f), 'x', n);
	ck_assert_int_eq(ws_conn_send(c->ws, f, false), expected);
	frame_unref(f);
}

static void leave(struct client *c)
{
	close(c->fd);
	turns(3);
}

/* --- memory --- */

START_TEST(an_idle_connection_is_120_bytes_and_nothing_else)
{
	struct client c;

	ck_assert_uint_le(sizeof(struct ws_conn), 120); /* a chunk of 128 */
	open_one(&c);
	turn();
	PUT(&c, "\x82\x81\0\0\0\0x\x89\x80\0\0\0\0");
	turn();
	send_bytes(&c, 3, 0);
	turn();
	ck_assert_uint_eq(c.messages, 1);
	EXPECT(&c, "\x8a\0\x82\3xxx");
	ck_assert_ptr_null(c.ws->control);
	ck_assert_ptr_null(c.ws->partial);
	ck_assert_ptr_null(c.ws->out.ring);
	leave(&c);
}
END_TEST

START_TEST(a_cut_message_holds_memory_until_it_is_complete)
{
	static const char bytes[] = "\x02\x82\0\0\0\0ab\x89\x81\0\0\0\0p\x80\x81\0\0\0\0c";
	struct client c;

	open_one(&c);
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		put(&c, bytes + i, 1);
		turn();
		ck_assert_int_eq(ws_io_counters(io)->partial_bytes > 0, i + 2 < sizeof(bytes));
	}
	ck_assert_uint_eq(c.messages, 1);
	ck_assert_uint_eq(c.last_n, 3);
	ck_assert_ptr_null(c.ws->partial);
	EXPECT(&c, "\x8a\1p");
	leave(&c);
}
END_TEST

#define CROWD 40

START_TEST(half_messages_are_bounded_in_total_and_the_oldest_pays)
{
	const struct ws_limits limits = { .partial_max = 500000, .message_ms = 60000 };
	struct client c[CROWD];
	static uint8_t rest[40000];
	unsigned out = 0;

	ws_io_limit(io, &limits);
	for (int i = 0; i < CROWD; i++) {
		open_one(&c[i]);
		put_part(&c[i], 70000, 30000);
		turns(2);
		ck_assert_uint_le(ws_io_counters(io)->partial_bytes, limits.partial_max);
	}
	for (int i = 0; i < CROWD; i++) {
		out += c[i].gone;
		if (i)
			ck_assert(c[i - 1].gone >= c[i].gone);
	}
	ck_assert_uint_gt(out, CROWD / 2);
	ck_assert_uint_lt(out, CROWD);
	ck_assert_uint_eq(ws_io_counters(io)->crowded_out, out);
	EXPECT(&c[0], "\x88\2\x03\xf5"); /* 1013 */
	put(&c[CROWD - 1], rest, sizeof(rest));
	turns(2);
	ck_assert_uint_eq(c[CROWD - 1].messages, 1);
	for (int i = 0; i < CROWD; i++)
		leave(&c[i]);
	turns(4);
	ck_assert_uint_eq(ws_io_counters(io)->partial_bytes, 0);
}
END_TEST

START_TEST(a_message_that_takes_too_long_is_given_up)
{
	const struct ws_limits limits = { .partial_max = 1 << 20, .message_ms = 800 };
	struct client slow, steady;

	ws_io_limit(io, &limits);
	open_one(&slow);
	open_one(&steady);
	PUT(&slow, "\x02\x81\0\0\0\0x");
	PUT(&steady, "\x82");
	for (int i = 0; i < 16; i++) { /* always inside a frame, but they do come */
		run_ms(100);
		PUT(&steady, "\x81\0\0\0\0x\x82");
		PUT(&slow, "\x00\x80\0\0\0\0");
	}
	turns(2);
	ck_assert_uint_eq(steady.messages, 16);
	ck_assert_uint_eq(steady.gone, 0);
	ck_assert_uint_eq(slow.gone, 1);
	ck_assert_str_eq(slow.reason, "transport error");
	ck_assert_uint_eq(ws_io_counters(io)->slow, 1);
	EXPECT(&slow, "\x88\2\x03\xf0"); /* 1008 */
	leave(&slow);
	leave(&steady);
}
END_TEST

/* --- turns --- */

START_TEST(many_pings_are_answered_once)
{
	struct client c;

	open_one(&c);
	put_often(&c, "\x89\x81\0\0\0\0p", 7, 500);
	PUT(&c, "\x89\x84\0\0\0\0last");
	turn();
	EXPECT(&c, "\x8a\4last");
	leave(&c);
}
END_TEST

START_TEST(a_flood_of_small_frames_has_small_turns)
{
	struct client flood, other;
	uint64_t before;

	open_one(&flood);
	open_one(&other);
	put_often(&flood, "\x82\x80\0\0\0\0", 6, 8000);
	turn();
	ck_assert(flood.ws->chatty);
	ck_assert_uint_le(flood.messages, 65536 / 6);
	put_often(&flood, "\x82\x80\0\0\0\0", 6, 8000);
	PUT(&other, "\x82\x81\0\0\0\0x");
	before = flood.messages;
	for (int i = 0; i < 2 && !other.messages; i++) /* a slow machine's turn is over sooner */
		turn();
	ck_assert_uint_eq(other.messages, 1);
	ck_assert_uint_le(flood.messages - before, 4096 / 6 + 1);
	turns(100);
	ck_assert_uint_eq(flood.messages, 16000);
	ck_assert_uint_eq(flood.gone, 0);
	PUT(&flood, PONG);
	turn();
	ck_assert(!flood.ws->chatty);
	leave(&flood);
	leave(&other);
}
END_TEST

START_TEST(it_says_when_more_were_ready_than_had_their_turn)
{
	static struct client c[WS_BATCH + 1];
	unsigned i, heard = 0;

	for (i = 0; i <= WS_BATCH; i++)
		open_one(&c[i]);
	turns(10);
	ws_io_was_behind(io);
	for (i = 0; i <= WS_BATCH; i++)
		PUT(&c[i], "\x82\x81\0\0\0\0x");
	turn();
	ck_assert(ws_io_was_behind(io));
	turns(100);
	for (i = 0; i <= WS_BATCH; i++)
		heard += c[i].messages;
	ck_assert_uint_eq(heard, WS_BATCH + 1);
	ws_io_was_behind(io);
	PUT(&c[0], "\x82\x81\0\0\0\0x");
	turn();
	ck_assert(!ws_io_was_behind(io));
	for (i = 0; i <= WS_BATCH; i++)
		close(c[i].fd);
	turns(100);
}
END_TEST

START_TEST(frames_of_one_turn_share_a_write)
{
	struct client c;
	struct frame *f = frame_text("x");
	uint8_t expected[300], got[301];

	open_one(&c);
	turn();
	for (int i = 0; i < 100; i++) { /* more than an iovec holds */
		ck_assert_int_eq(ws_conn_send(c.ws, f, false), 0);
		memcpy(expected + (size_t)3 * (size_t)i, "\x81\1x", 3);
	}
	frame_unref(f);
	turns(3);
	ck_assert_int_eq(get(&c, got, sizeof(got)), 300);
	ck_assert_mem_eq(got, expected, 300);
	ck_assert(!c.ws->writing);
	leave(&c);
}
END_TEST

START_TEST(a_pong_does_not_stand_inside_a_frame)
{
	static uint8_t got[3000000];
	struct client c;
	size_t n = 0;
	ssize_t rc;

	open_one(&c);
	send_bytes(&c, 2000000, 0);
	turn();
	ck_assert(c.ws->writing);
	PUT(&c, "\x89\x81\0\0\0\0p");
	send_bytes(&c, 1, 0);
	for (int i = 0; i < 1000 && n < 2000016; i++) {
		turn();
		rc = get(&c, got + n, sizeof(got) - n);
		ck_assert_int_ge(rc, 0);
		n += (size_t)rc;
	}
	ck_assert_uint_eq(n, 2000010 + 3 + 3);
	ck_assert_mem_eq(got + 2000010, "\x8a\1p\x82\1x", 6);
	leave(&c);
}
END_TEST

/* --- the end --- */

START_TEST(the_clients_close_is_echoed_with_its_code)
{
	struct client c;

	open_one(&c);
	PUT(&c, "\x88\x85\0\0\0\0\x0f\xa1"
		"bye");
	turns(2);
	EXPECT(&c, "\x88\2\x0f\xa1");
	ck_assert(ended(&c));
	ck_assert_str_eq(c.reason, "transport close");
	PUT(&c, "\x82\x80\0\0\0\0"); /* he should not, but that is no reason to reset him */
	turns(2);
	leave(&c);
	ck_assert_uint_eq(c.messages, 0);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
	ck_assert_uint_eq(ws_io_counters(io)->failed, 0);
}
END_TEST

START_TEST(our_close_follows_what_is_queued_and_waits_for_the_clients)
{
	struct client c;

	open_one(&c);
	turn();
	send_bytes(&c, 2, 0);
	ws_conn_close(c.ws, 1000);
	send_bytes(&c, 2, -ENOTCONN);
	PUT(&c, "\x82\x81\0\0\0\0x"); /* nobody wants that any more */
	turns(2);
	EXPECT(&c, "\x82\2xx\x88\2\x03\xe8");
	ck_assert_uint_eq(ws_io_counters(io)->open, 1);
	PUT(&c, "\x88\x82\0\0\0\0\x03\xe8");
	turns(2);
	ck_assert(ended(&c));
	ck_assert_uint_eq(c.messages + c.gone, 0);
	leave(&c);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
}
END_TEST

START_TEST(who_does_not_answer_a_close_is_reset)
{
	struct client c;
	uint8_t p[16];

	open_tcp(&c);
	ws_conn_close(c.ws, 1001);
	run_ms(1500);
	EXPECT(&c, "\x88\2\x03\xe9");
	ck_assert_uint_eq(ws_io_counters(io)->open, 1);
	run_ms(1200);
	ck_assert_int_eq(get(&c, p, sizeof(p)), -1);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
	ck_assert_uint_eq(ws_io_counters(io)->no_close, 1);
	leave(&c);
}
END_TEST

START_TEST(who_answers_but_does_not_leave_is_reset)
{
	struct client c;
	uint8_t p[16];

	open_tcp(&c);
	PUT(&c, "\x88\x80\0\0\0\0");
	run_ms(2700);
	ck_assert_int_eq(get(&c, p, 2), 2);
	ck_assert_mem_eq(p, "\x88\0", 2);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
	ck_assert_uint_eq(ws_io_counters(io)->no_close, 0);
	close(c.fd);
}
END_TEST

/* The pong that waited is written at the very end, beside the deadline. */
START_TEST(who_leaves_with_a_pong_unread_leaves_no_deadline_behind)
{
	static uint8_t got[400000];
	struct client c;

	open_one(&c);
	send_bytes(&c, 300000, 0);
	turn();
	ck_assert(c.ws->writing);
	PUT(&c, "\x89\x81\0\0\0\0p");
	turn();
	ws_conn_close(c.ws, WS_NORMAL);
	turn();
	ck_assert_int_gt(get(&c, got, sizeof(got)), 0);
	shutdown(c.fd, SHUT_WR);
	turns(3);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
	ck_assert_uint_eq(timeq_next(&io->closing), 0);
	close(c.fd);
}
END_TEST

START_TEST(a_violation_is_told_even_with_bytes_behind_it)
{
	static const uint8_t zeros[100000];
	struct client c;
	uint8_t p[16];

	open_tcp(&c);
	PUT(&c, "\x83\x80\0\0\0\0");
	put(&c, zeros, sizeof(zeros));
	run_ms(50);
	put(&c, zeros, 10);
	run_ms(50);
	ck_assert_int_eq(get(&c, p, 4), 4);
	ck_assert_mem_eq(p, "\x88\2\x03\xea", 4);
	ck_assert(ended(&c)); /* no reset */
	ck_assert_str_eq(c.reason, "transport error");
	ck_assert_uint_eq(ws_io_counters(io)->failed, 1);
	leave(&c);
	run_ms(20);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
}
END_TEST

START_TEST(an_end_without_a_frame_follows_what_is_queued)
{
	static uint8_t got[400000];
	struct client c;
	size_t n = 0;
	ssize_t rc;

	open_tcp(&c);
	send_bytes(&c, 300000, 0);
	PUT(&c, "\x81\x81\0\0\0\0p"); /* unread: a plain close would be a reset */
	ws_conn_close(c.ws, WS_NO_FRAME);
	for (int i = 0; i < 50 && n < 300010; i++) {
		run_ms(2);
		rc = get(&c, got + n, sizeof(got) - n);
		n += rc > 0 ? (size_t)rc : 0;
	}
	ck_assert_uint_eq(n, 300010); /* the message's head and bytes, and nothing else */
	ck_assert(ended(&c));
	leave(&c);
	run_ms(20);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
}
END_TEST

START_TEST(who_never_reads_is_cut_with_a_reset)
{
	static uint8_t p[8 << 20];
	struct client c;
	struct frame *f = frame_new(true, 100000);
	int n = 0;

	memset(frame_payload(f), 'x', 100000);
	open_tcp(&c);
	turn();
	while (ws_conn_send(c.ws, f, false) == 0) {
		turn();
		n++;
	}
	ck_assert_int_gt(n, 40); /* the marks, and what two kernels hold */
	ck_assert_uint_eq(marks.dropped[OUTQ_MUST], 1);
	ck_assert_uint_gt(budget.used, 100000); /* once: it is one frame */
	ck_assert_uint_lt(budget.used, 110000);
	frame_unref(f);
	ws_conn_close(c.ws, 0);
	turns(2);
	ck_assert_uint_eq(ws_io_counters(io)->open, 0);
	ck_assert_uint_eq(budget.used, 0);
	ck_assert_int_eq(get(&c, p, sizeof(p)), -1);
	leave(&c);
}
END_TEST

START_TEST(a_full_budget_ends_only_those_that_are_behind)
{
	struct client stuck, reader;
	uint8_t p[64];
	int n = 0;

	budget.max = 1 << 20;
	open_one(&stuck);
	open_one(&reader);
	turn();
	for (;;) {
		struct frame *f = frame_new(true, 10000);
		int rc = ws_conn_send(stuck.ws, f, false);

		memset(frame_payload(f), 'x', 10000);
		frame_unref(f);
		if (rc)
			break;
		turn();
		n++;
	}
	ck_assert_int_gt(n, 70);
	ck_assert_uint_eq(budget.refused[OUTQ_MUST], 1);
	send_bytes(&reader, 3, 0);
	turn();
	ck_assert_int_eq(get(&reader, p, sizeof(p)), 5);
	ws_conn_close(stuck.ws, 0);
	turn();
	ck_assert_uint_eq(budget.used, 0);
	leave(&stuck);
	leave(&reader);
}
END_TEST

START_TEST(closing_one_inside_anothers_callback_is_fine)
{
	struct client a, b;

	for (unsigned code = 0; code <= 1000; code += 1000) {
		open_one(&a);
		open_one(&b);
		turn();
		a.closes = &b;
		b.closes = &b; /* itself */
		a.close_code = b.close_code = code;
		PUT(&a, "\x82\x80\0\0\0\0\x82\x80\0\0\0\0");
		PUT(&b, "\x82\x80\0\0\0\0\x82\x80\0\0\0\0");
		turns(3);
		ck_assert_uint_eq(a.messages, 2);
		ck_assert_uint_le(b.messages, 1);
		ck_assert_uint_eq(a.gone + b.gone, 0);
		leave(&a);
		leave(&b);
		turns(3);
		ck_assert_uint_eq(a.gone, 1);
		ck_assert_uint_eq(ws_io_counters(io)->open, 0);
	}
}
END_TEST

START_TEST(what_is_sent_before_there_is_a_stream_waits_for_it)
{
	struct client c, none;
	int fds[2];

	ck_assert(make(&c));
	send_bytes(&c, 1, 0);
	turn();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	attach(&c, fds);
	turn();
	EXPECT(&c, "\x82\1x");
	ck_assert(make(&none));
	send_bytes(&none, 1, 0);
	ws_conn_attach(none.ws, NULL, NULL, 0);
	ck_assert_uint_eq(none.gone, 1);
	turn();
	ck_assert_uint_eq(ws_io_counters(io)->open, 1);
	leave(&c);
}
END_TEST

START_TEST(bytes_behind_the_handshake_come_first)
{
	struct client c;
	struct stream s;
	int fds[2];

	ck_assert(make(&c));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	c.fd = fds[1];
	PUT(&c, "yz");
	stream_init(&s, fds[0]);
	ws_conn_attach(c.ws, &s, "\x82\x81\0\0\0\0x\x82\x83\0\0\0\0x", 14);
	ck_assert_uint_eq(c.messages, 1);
	turn();
	ck_assert_uint_eq(c.messages, 2);
	ck_assert_uint_eq(c.last_n, 3);
	leave(&c);
}
END_TEST

/* --- without memory --- */

static void a_short_life(void)
{
	struct client c;
	struct frame *f = frame_new(false, 3);
	int fds[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	if (!make(&c)) {
		close(fds[0]);
		close(fds[1]);
		frame_unref(f);
		return;
	}
	attach(&c, fds);
	if (f) {
		memset(frame_payload(f), 'x', 3);
		ws_conn_send(c.ws, f, false);
	}
	frame_unref(f);
	PUT(&c, "\x89\x81\0\0\0\0p\x02\x82\0\0\0\0ab");
	turn();
	PUT(&c, "\x89\x81");
	turn();
	PUT(&c, "\0\0\0\0q\x80\x80\0\0\0\0");
	turn();
	if (!c.gone)
		ws_conn_close(c.ws, 1000);
	turn();
	leave(&c);
	MUST(ws_io_counters(io)->open == 0);
	MUST(ws_io_counters(io)->partial_bytes == 0);
}

START_TEST(a_refused_allocation_ends_one_connection_at_most)
{
	with_each_allocation_failing(a_short_life);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ws_conn");
	TCase *t = tcase_create("ws_conn");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, start, finish);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_idle_connection_is_120_bytes_and_nothing_else);
	tcase_add_test(t, a_cut_message_holds_memory_until_it_is_complete);
	tcase_add_test(t, half_messages_are_bounded_in_total_and_the_oldest_pays);
	tcase_add_test(t, a_message_that_takes_too_long_is_given_up);
	tcase_add_test(t, many_pings_are_answered_once);
	tcase_add_test(t, a_flood_of_small_frames_has_small_turns);
	tcase_add_test(t, it_says_when_more_were_ready_than_had_their_turn);
	tcase_add_test(t, frames_of_one_turn_share_a_write);
	tcase_add_test(t, a_pong_does_not_stand_inside_a_frame);
	tcase_add_test(t, the_clients_close_is_echoed_with_its_code);
	tcase_add_test(t, our_close_follows_what_is_queued_and_waits_for_the_clients);
	tcase_add_test(t, who_does_not_answer_a_close_is_reset);
	tcase_add_test(t, who_answers_but_does_not_leave_is_reset);
	tcase_add_test(t, who_leaves_with_a_pong_unread_leaves_no_deadline_behind);
	tcase_add_test(t, a_violation_is_told_even_with_bytes_behind_it);
	tcase_add_test(t, an_end_without_a_frame_follows_what_is_queued);
	tcase_add_test(t, who_never_reads_is_cut_with_a_reset);
	tcase_add_test(t, a_full_budget_ends_only_those_that_are_behind);
	tcase_add_test(t, closing_one_inside_anothers_callback_is_fine);
	tcase_add_test(t, what_is_sent_before_there_is_a_stream_waits_for_it);
	tcase_add_test(t, bytes_behind_the_handshake_come_first);
	tcase_add_test(t, a_refused_allocation_ends_one_connection_at_most);
	return run_suite(s);
}
