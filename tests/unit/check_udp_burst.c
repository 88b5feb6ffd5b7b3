/* check_udp_burst.c - how often a socket is read, and what is sent by one call */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "read_batch.h"
#include "run_suite.h"
#include "udp_burst.h"

/* --- reading --------------------------------------------------------------------------- */

/* A turn of the loop for a socket that holds so many. Returns how many reads that took. */
static unsigned turn(struct read_batch *b, unsigned *held)
{
	unsigned most = read_batch_begin(b), reads;

	ck_assert_uint_ge(most, 1);
	ck_assert_uint_le(most, READ_BATCH_MAX);
	for (reads = 0; reads < most; reads++)
		if (!*held) {
			read_batch_empty(b, reads);
			return reads + 1;
		} else {
			--*held;
		}
	return reads;
}

/* So many times n datagrams come, and the loop turns until they are read. Returns the reads that
 * found nothing. */
static unsigned wasted(struct read_batch *b, unsigned times, unsigned n)
{
	unsigned reads = 0, held, i;

	for (i = 0; i < times; i++)
		for (held = n; held;)
			reads += turn(b, &held);
	return reads - times * n;
}

START_TEST(of_a_socket_with_one_datagram_one_is_read)
{
	struct read_batch b = { 0 };

	ck_assert_uint_eq(wasted(&b, 16 * READ_BATCH_LOOK, 1), 16); /* one look in 16 */
}
END_TEST

START_TEST(a_burst_is_read_to_its_end)
{
	struct read_batch b = { 0 };
	unsigned held;

	wasted(&b, READ_BATCH_LOOK, 5); /* noticed by now */
	ck_assert_uint_le(wasted(&b, 100, 5), 55);
	held = 12;
	turn(&b, &held);
	turn(&b, &held);
	ck_assert_uint_eq(held, 0);
}
END_TEST

START_TEST(a_socket_that_is_always_full_is_read_16_times_and_left)
{
	struct read_batch b = { 0 };
	unsigned held = 100000, i;

	for (i = 0; i < READ_BATCH_LOOK; i++)
		turn(&b, &held);
	for (i = 0; i < 100; i++)
		ck_assert_uint_eq(turn(&b, &held), READ_BATCH_MAX);
}
END_TEST

START_TEST(after_a_burst_one_is_read_again)
{
	struct read_batch b = { 0 };

	wasted(&b, 2 * READ_BATCH_LOOK, 16);
	ck_assert_uint_le(wasted(&b, 10 * READ_BATCH_LOOK, 1), 11);
}
END_TEST

/* An error makes a socket readable, and nothing is read. */
START_TEST(readable_without_a_datagram_is_noticed_at_once)
{
	struct read_batch b = { 0 };
	unsigned held = 0;

	ck_assert_uint_eq(turn(&b, &held), 1);
	ck_assert_uint_eq(read_batch_begin(&b), 1);
}
END_TEST

/* --- sending --------------------------------------------------------------------------- */

static int from, to;
static struct sockaddr_storage there;
static socklen_t there_len;
static uint8_t data[70000];

static int open_at(int family, struct sockaddr_storage *a, socklen_t *n)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)a;
	struct sockaddr_in *four = (struct sockaddr_in *)a;
	const struct timeval soon = { 1, 0 };
	int fd = socket(family, SOCK_DGRAM, 0);

	memset(a, 0, sizeof(*a));
	a->ss_family = (sa_family_t)family;
	six->sin6_addr = in6addr_loopback;
	*n = family == AF_INET ? sizeof(*four) : sizeof(*six);
	if (family == AF_INET) {
		memset(a, 0, sizeof(*a));
		four->sin_family = AF_INET;
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	ck_assert_int_eq(bind(fd, (struct sockaddr *)a, *n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)a, n), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	return fd;
}

static void open_both(int family)
{
	struct sockaddr_storage own;
	socklen_t n;
	size_t i;

	from = open_at(family, &own, &n);
	to = open_at(family, &there, &there_len);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 / 7);
}

static void close_both(void)
{
	close(from);
	close(to);
}

/* Datagrams of these sizes, one behind the other in data. */
static void add(struct udp_burst *b, const size_t *sizes, unsigned n, socklen_t len)
{
	size_t at = 0;
	unsigned i;

	for (i = 0; i < n; at += sizes[i++])
		ck_assert(udp_burst_add(b, from, &there, len, data + at, sizes[i]));
}

static void assert_arrive(const size_t *sizes, unsigned n)
{
	uint8_t got[2000];
	size_t at = 0;
	unsigned i;

	for (i = 0; i < n; at += sizes[i++]) {
		ck_assert_int_eq(recv(to, got, sizeof(got), 0), (ssize_t)sizes[i]);
		ck_assert_mem_eq(got, data + at, sizes[i]);
	}
	ck_assert_int_eq(recv(to, got, sizeof(got), MSG_DONTWAIT), -1);
}

static const size_t sizes[] = { 1200, 1200, 1200, 1200, 7 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

START_TEST(a_burst_arrives_as_the_datagrams_it_was_made_of)
{
	const int families[] = { AF_INET, AF_INET6 };
	struct udp_burst b = { 0 };

	open_both(families[_i]);
	add(&b, sizes, SIZES, there_len);
	ck_assert_int_eq(udp_burst_send(&b), 0);
	ck_assert_uint_eq(b.n, 0);
	assert_arrive(sizes, SIZES);
	add(&b, sizes, 2, there_len); /* and it begins anew */
	ck_assert_int_eq(udp_burst_send(&b), 0);
	assert_arrive(sizes, 2);
	close_both();
}
END_TEST

START_TEST(a_connected_socket_needs_no_address)
{
	struct udp_burst b = { 0 };

	open_both(AF_INET);
	ck_assert_int_eq(connect(from, (struct sockaddr *)&there, there_len), 0);
	add(&b, sizes, SIZES, 0);
	ck_assert_int_eq(udp_burst_send(&b), 0);
	assert_arrive(sizes, SIZES);
	close_both();
}
END_TEST

START_TEST(only_what_may_follow_is_taken)
{
	struct sockaddr_storage other;
	struct udp_burst b = { 0 };

	open_both(AF_INET);
	other = there;
	((struct sockaddr_in *)&other)->sin_port ^= 1;
	ck_assert(!udp_burst_add(&b, from, &there, there_len, data, 0));
	ck_assert(udp_burst_add(&b, from, &there, there_len, data, 100));
	ck_assert(!udp_burst_add(&b, to, &there, there_len, data, 100));
	ck_assert(!udp_burst_add(&b, from, &other, there_len, data, 100));
	ck_assert(!udp_burst_add(&b, from, NULL, 0, data, 100));
	ck_assert(!udp_burst_add(&b, from, &there, there_len, data, 101));
	ck_assert(!udp_burst_add(&b, from, &there, there_len, data, 0));
	ck_assert(udp_burst_add(&b, from, &there, there_len, data, 99));
	ck_assert(!udp_burst_add(&b, from, &there, there_len, data, 99));
	ck_assert(!udp_burst_add(&b, from, &there, there_len, data, 100));
	ck_assert_uint_eq(b.n, 2);
	close_both();
}
END_TEST

static unsigned fill(size_t n)
{
	struct udp_burst b = { 0 };

	while (udp_burst_add(&b, from, &there, there_len, data, n))
		;
	ck_assert_uint_eq(b.bytes, b.n * n);
	return b.n;
}

START_TEST(a_burst_has_bounds)
{
	open_both(AF_INET);
	ck_assert_uint_eq(fill(10), UDP_BURST_MAX);
	ck_assert_uint_eq(fill(UDP_BURST_BYTES_MAX / 4), 4);
	ck_assert_uint_eq(fill(UDP_BURST_BYTES_MAX), 1);
	ck_assert_uint_eq(fill(UDP_BURST_BYTES_MAX + 1), 0);
	close_both();
}
END_TEST

/* A socket without checksums stands for a device without them: the kernel cuts nothing for either.
 */
START_TEST(what_the_kernel_refuses_is_not_sent_in_part)
{
	const int on = 1;
	struct udp_burst b = { 0 };
	uint8_t got[1];

	open_both(AF_INET);
	ck_assert_int_eq(setsockopt(from, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	add(&b, sizes, SIZES, there_len);
	ck_assert_int_lt(udp_burst_send(&b), 0);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_int_eq(recv(to, got, sizeof(got), MSG_DONTWAIT), -1);
	close_both();
}
END_TEST

/* A socket of another kind stands for an old kernel, which overlooks what it is told and would send
 * them as one. */
START_TEST(a_kernel_that_cannot_cut_sends_nothing)
{
	struct udp_burst b = { 0 };
	uint8_t got[1];
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	from = pair[0], to = pair[1];
	add(&b, sizes, SIZES, 0);
	ck_assert_int_eq(udp_burst_send(&b), -EOPNOTSUPP);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_int_eq(recv(to, got, sizeof(got), MSG_DONTWAIT), -1);
	close_both();
}
END_TEST

int main(void)
{
	TCase *read = tcase_create("read"), *sent = tcase_create("send");
	Suite *s = suite_create("udp_burst");

	tcase_add_test(read, of_a_socket_with_one_datagram_one_is_read);
	tcase_add_test(read, a_burst_is_read_to_its_end);
	tcase_add_test(read, a_socket_that_is_always_full_is_read_16_times_and_left);
	tcase_add_test(read, after_a_burst_one_is_read_again);
	tcase_add_test(read, readable_without_a_datagram_is_noticed_at_once);
	tcase_add_test(sent, a_kernel_that_cannot_cut_sends_nothing); /* first: a yes is kept */
	tcase_add_loop_test(sent, a_burst_arrives_as_the_datagrams_it_was_made_of, 0, 2);
	tcase_add_test(sent, a_connected_socket_needs_no_address);
	tcase_add_test(sent, only_what_may_follow_is_taken);
	tcase_add_test(sent, a_burst_has_bounds);
	tcase_add_test(sent, what_the_kernel_refuses_is_not_sent_in_part);
	suite_add_tcase(s, read);
	suite_add_tcase(s, sent);
	return run_suite(s);
}
