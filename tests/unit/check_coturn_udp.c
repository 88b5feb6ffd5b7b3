/* check_coturn_udp.c - coturn's UDP sockets: errors are taken from them, bursts leave whole and in
 * order
 *
 * A socket with an error is readable until the error is taken, so a reader that does not take it
 * has the loop turn for ever. coturn asks for errors only if it is built with TURN_IP_RECVERR; here
 * every socket does. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "ns_ioalib_impl.h"
#include "ns_turn_server.h"
#include "run_suite.h"

#define SILENCE_MS 150
#define BUSY_NS_MAX 50000000 /* of those */

static ioa_engine engine;
static turn_turnserver server;
static ts_ur_super_session session;
static ioa_socket_handle s;
static ioa_addr own, peer_addr, closed_addr;
static int peer;
static unsigned datagrams;

static void on_input(ioa_socket_handle socket, int what, ioa_net_data *data, void *ctx,
		     int can_resume)
{
	(void)socket;
	(void)what;
	(void)data;
	(void)ctx;
	(void)can_resume;
	datagrams++;
}

static int bound(ioa_addr *a)
{
	socklen_t n = sizeof(a->s4);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(make_ioa_addr((const uint8_t *)"127.0.0.1", 0, a), 0);
	ck_assert_int_eq(bind(fd, &a->ss, n), 0);
	ck_assert_int_eq(getsockname(fd, &a->ss, &n), 0);
	return fd;
}

static void open_socket(void)
{
	const int on = 1;
	socklen_t n = sizeof(own.s4);

	s = create_unbound_relay_ioa_socket(&engine, AF_INET, UDP_SOCKET, RELAY_SOCKET);
	ck_assert_ptr_nonnull(s);
	s->session = &session;
	ck_assert_int_eq(make_ioa_addr((const uint8_t *)"127.0.0.1", 0, &own), 0);
	ck_assert_int_eq(bind(s->fd, &own.ss, n), 0);
	ck_assert_int_eq(getsockname(s->fd, &own.ss, &n), 0);
	addr_cpy(&s->local_addr, &own);
	ck_assert_int_eq(setsockopt(s->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	ck_assert_int_eq(
		register_callback_on_ioa_socket(&engine, s, IOA_EV_READ, on_input, NULL, 0), 0);
}

static void setup(void)
{
	engine.event_base = event_base_new();
	engine.jiffie = 1;
	server.e = &engine;
	session.server = &server;
	open_socket();
	peer = bound(&peer_addr);
	close(bound(&closed_addr));
}

static void teardown(void)
{
	s->session = NULL;
	close_ioa_socket(s);
	event_base_free(engine.event_base);
	close(peer);
}

static long cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* The loop, for a while. Returns the CPU time it took. */
static long turn_loop(void)
{
	const struct timeval soon = { 0, SILENCE_MS * 1000 };
	long before = cpu_ns();

	event_base_loopexit(engine.event_base, &soon);
	event_base_dispatch(engine.event_base);
	return cpu_ns() - before;
}

static void send_nowhere(size_t n)
{
	char b[64] = { 0 };

	sendto(s->fd, b, n, 0, &closed_addr.ss, sizeof(closed_addr.s4));
}

/* An error has the address of a peer. */
static void assert_own_address(void)
{
	ck_assert(addr_eq(&s->local_addr, &own));
}

static short has(short what)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 ? (short)(p.revents & what) : 0;
}

/* With an empty datagram's among them: its error is no longer than nothing. */
START_TEST(errors_are_taken_and_the_loop_sleeps)
{
	unsigned i;

	for (i = 0; i < 40; i++)
		send_nowhere(i % 3 ? 10 : 0);
	ck_assert_int_ne(has(POLLERR), 0);
	ck_assert_int_lt(turn_loop(), BUSY_NS_MAX);
	ck_assert_int_eq(has(POLLERR), 0);
	ck_assert_uint_eq(datagrams, 0);
	assert_own_address();
}
END_TEST

/* sendto() takes the socket's error, and the queue keeps what belongs to it. */
START_TEST(an_error_that_a_send_met_is_taken_from_the_queue)
{
	send_nowhere(10);
	send_nowhere(10);
	send_nowhere(10);
	ck_assert_int_lt(turn_loop(), BUSY_NS_MAX);
	ck_assert_int_eq(has(POLLERR), 0);
	assert_own_address();
}
END_TEST

START_TEST(between_errors_every_datagram_is_read)
{
	unsigned i;

	for (i = 0; i < 60; i++) {
		send_nowhere(10);
		ck_assert_int_eq(sendto(peer, "x", 1, 0, &own.ss, sizeof(own.s4)), 1);
		if (i % 7 == 0)
			event_base_loop(engine.event_base, EVLOOP_NONBLOCK);
	}
	ck_assert_int_lt(turn_loop(), BUSY_NS_MAX);
	ck_assert_uint_eq(datagrams, 60);
	ck_assert_int_eq(has(POLLERR | POLLIN), 0);
}
END_TEST

/* --- bursts ---------------------------------------------------------------------------- */

static unsigned sent, sent_bytes;

/* Returns what the caller would count itself. */
static int send_one(size_t n)
{
	ioa_network_buffer_handle nbh = ioa_network_buffer_allocate(&engine);
	int skip = 0;

	memset(ioa_network_buffer_data(nbh), (int)sent, n);
	ioa_network_buffer_set_size(nbh, n);
	ck_assert_int_eq(
		send_data_from_ioa_socket_nbh(s, &peer_addr, nbh, TTL_IGNORE, TOS_IGNORE, &skip),
		(int)n);
	sent++;
	sent_bytes += (unsigned)n;
	if (!skip) {
		session.peer_sent_packets++;
		session.peer_sent_bytes += (uint32_t)n;
	}
	return skip;
}

static void assert_arrives(unsigned i, size_t n)
{
	uint8_t b[2000];

	ck_assert_int_eq(recv(peer, b, sizeof(b), MSG_DONTWAIT), (ssize_t)n);
	if (n)
		ck_assert_uint_eq(b[0], (uint8_t)i);
}

static const size_t lengths[] = { 100, 100, 100, 40,  40,  0,	 40,   200, 200, 200,
				  200, 200, 200, 200, 200, 200,	 200,  200, 200, 200,
				  200, 200, 200, 200, 200, 1300, 1300, 1,   1,	 1 };
#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

static void send_lengths(void)
{
	size_t i;

	sent = sent_bytes = 0;
	for (i = 0; i < LENGTHS; i++)
		send_one(lengths[i]);
	ioa_engine_flush(&engine);
	ck_assert_uint_eq(session.peer_sent_packets, sent);
	ck_assert_uint_eq(session.peer_sent_bytes, sent_bytes);
	for (i = 0; i < LENGTHS; i++)
		assert_arrives((unsigned)i, lengths[i]);
	ck_assert_uint_eq(engine.burst.n, 0);
	ck_assert_int_eq(engine.collects, 0);
}

START_TEST(bursts_arrive_in_order_and_are_counted_once)
{
	engine.collects = 1;
	send_lengths();
	ck_assert_int_ne(engine.burst_refused, engine.jiffie);
}
END_TEST

START_TEST(a_refused_burst_is_sent_one_by_one)
{
	const int on = 1;

	ck_assert_int_eq(setsockopt(s->fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	engine.collects = 1;
	send_lengths();
	ck_assert_int_eq(engine.burst_refused, engine.jiffie);
}
END_TEST

START_TEST(a_socket_that_closes_sends_first)
{
	sent = sent_bytes = 0;
	engine.collects = 1;
	ck_assert_int_eq(send_one(10), 1);
	ck_assert_int_eq(send_one(10), 1);
	ck_assert_uint_eq(session.peer_sent_packets, 0);
	close_ioa_socket(s);
	ck_assert_uint_eq(session.peer_sent_packets, 2);
	assert_arrives(0, 10);
	assert_arrives(1, 10);
	open_socket(); /* for teardown() */
}
END_TEST

START_TEST(another_ttl_does_not_overtake)
{
	ioa_network_buffer_handle nbh;
	int skip = 0, hops;
	socklen_t n = sizeof(hops);

	sent = sent_bytes = 0;
	engine.collects = 1;
	send_one(10);
	nbh = ioa_network_buffer_allocate(&engine);
	memset(ioa_network_buffer_data(nbh), 1, 10);
	ioa_network_buffer_set_size(nbh, 10);
	send_data_from_ioa_socket_nbh(s, &peer_addr, nbh, 5, TOS_IGNORE, &skip);
	assert_arrives(0, 10); /* with its own TTL */
	ck_assert_int_eq(getsockopt(s->fd, IPPROTO_IP, IP_TTL, &hops, &n), 0);
	ck_assert_int_eq(hops, 5);
	ioa_engine_flush(&engine);
	assert_arrives(1, 10);
}
END_TEST

/* Together or one by one. */
START_TEST(a_datagram_that_cannot_be_sent_is_not_counted)
{
	ioa_addr nowhere = peer_addr;
	ioa_network_buffer_handle nbh;
	int skip, i;

	nowhere.s4.sin_port = 0; /* EINVAL */
	engine.collects = 1;
	for (i = 0; i < 3; i++) {
		skip = 0;
		nbh = ioa_network_buffer_allocate(&engine);
		ioa_network_buffer_set_size(nbh, 10);
		send_data_from_ioa_socket_nbh(s, &nowhere, nbh, TTL_IGNORE, TOS_IGNORE, &skip);
		ck_assert_int_eq(skip, 1);
	}
	ioa_engine_flush(&engine);
	ck_assert_int_eq(s->tobeclosed, 1);
	ck_assert_uint_eq(session.peer_sent_packets, 0);
	ck_assert_uint_eq(session.ext.dropped_packets, 3);
}
END_TEST

int main(void)
{
	TCase *errors = tcase_create("errors"), *bursts = tcase_create("bursts");
	Suite *suite = suite_create("coturn_udp");

	tcase_add_checked_fixture(errors, setup, teardown);
	tcase_add_checked_fixture(bursts, setup, teardown);
	tcase_add_test(errors, errors_are_taken_and_the_loop_sleeps);
	tcase_add_test(errors, an_error_that_a_send_met_is_taken_from_the_queue);
	tcase_add_test(errors, between_errors_every_datagram_is_read);
	tcase_add_test(bursts, bursts_arrive_in_order_and_are_counted_once);
	tcase_add_test(bursts, a_refused_burst_is_sent_one_by_one);
	tcase_add_test(bursts, a_socket_that_closes_sends_first);
	tcase_add_test(bursts, another_ttl_does_not_overtake);
	tcase_add_test(bursts, a_datagram_that_cannot_be_sent_is_not_counted);
	suite_add_tcase(suite, errors);
	suite_add_tcase(suite, bursts);
	return run_suite(suite);
}
