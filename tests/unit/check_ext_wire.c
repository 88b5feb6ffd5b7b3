/* check_ext_wire.c - what the network carries, and what is left in a stream to a client */
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run_suite.h"
#include "turn_stream.h"
#include "wire.h"

START_TEST(a_datagram_costs_its_headers)
{
	ck_assert_uint_eq(wire_overhead(WIRE_UDP, false), 14 + 20 + 8);
	ck_assert_uint_eq(wire_overhead(WIRE_UDP, true), 14 + 40 + 8);
	ck_assert_uint_gt(wire_overhead(WIRE_DTLS, false), 14 + 20 + 8);
}
END_TEST

START_TEST(a_segment_costs_its_headers_and_bytes)
{
	const struct wire_tcp t = { .bytes = 1000, .segments = 3 };

	ck_assert_uint_eq(wire_tcp_bytes(&t, false), 1000 + 3 * (14 + 20 + 32));
	ck_assert_uint_eq(wire_tcp_bytes(&t, true), 1000 + 3 * (14 + 40 + 32));
}
END_TEST

START_TEST(the_kernel_tells_of_a_connection_and_of_nothing_else)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int pair[2], accepted;
	struct wire_tcp t;
	char text[500] = { 0 };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(server, 1), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&a, &n), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&a, sizeof(a)), 0);
	accepted = accept(server, NULL, NULL);
	ck_assert_int_eq(write(client, text, sizeof(text)), sizeof(text));
	ck_assert_int_eq(read(accepted, text, sizeof(text)), sizeof(text));
	ck_assert_int_eq(wire_tcp_read(client, &t), 0);
	ck_assert_uint_eq(t.bytes, sizeof(text));
	ck_assert_uint_ge(t.segments, 3);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_lt(wire_tcp_read(pair[0], &t), 0);
	close(pair[0]);
	close(pair[1]);
	close(accepted);
	close(client);
	close(server);
}
END_TEST

/* --- messages ------------------------------------------------------------------------- */

static size_t add_channel_data(uint8_t *p, size_t payload)
{
	size_t n = (4 + payload + 3) & ~(size_t)3;

	memset(p, 0xff, n);
	p[0] = 0x40;
	p[1] = 0x01;
	p[2] = (uint8_t)(payload >> 8);
	p[3] = (uint8_t)payload;
	return n;
}

static size_t add_stun(uint8_t *p, unsigned type, size_t data)
{
	size_t padded = (data + 3) & ~(size_t)3;
	const uint8_t head[20] = { (uint8_t)(type >> 8),
				   (uint8_t)type,
				   (uint8_t)((padded + 4) >> 8),
				   (uint8_t)(padded + 4),
				   0x21,
				   0x12,
				   0xa4,
				   0x42 };

	memcpy(p, head, sizeof(head));
	memcpy(p + 20, (const uint8_t[]){ 0, 0x13, (uint8_t)(data >> 8), (uint8_t)data }, 4);
	memset(p + 24, 0xee, padded);
	return 24 + padded;
}

START_TEST(only_what_a_peer_sent_is_payload)
{
	uint8_t p[256];
	size_t n, payload = 0;

	n = add_channel_data(p, 7);
	ck_assert(turn_message_payload(p, n, &payload));
	ck_assert_uint_eq(payload, 7);
	n = add_stun(p, 0x0017, 9);
	ck_assert(turn_message_payload(p, n, &payload));
	ck_assert_uint_eq(payload, 9);
	n = add_stun(p, 0x0104, 9); /* a Refresh response */
	ck_assert(!turn_message_payload(p, n, &payload));
	ck_assert(!turn_message_payload(p, 3, &payload));
	ck_assert(!turn_message_payload(p, 0, &payload));
}
END_TEST

/* Whole messages behind the rest of one, cut at every place. */
START_TEST(the_rest_of_a_stream_is_counted_wherever_it_was_cut)
{
	uint8_t p[512];
	size_t first = add_channel_data(p, 50), n = first, cut;
	struct turn_stream_rest r;

	n += add_channel_data(p + n, 21);
	n += add_stun(p + n, 0x0104, 4);
	n += add_stun(p + n, 0x0017, 30);
	for (cut = 0; cut < first; cut++) {
		ck_assert_int_eq(turn_stream_count_rest(p + cut, n - cut, &r), 0);
		ck_assert_uint_eq(r.packets, 4);
		ck_assert_uint_eq(r.bytes, n - cut);
		ck_assert_uint_eq(r.peer_packets, 3);
		/* The next is 28 bytes long and has 21 of payload. */
		ck_assert_uint_eq(r.peer_bytes, 51 + (!cut		 ? 50
						      : first - cut < 28 ? 21
									 : first - cut));
	}
	ck_assert_int_eq(turn_stream_count_rest(p, 0, &r), 0);
	ck_assert_uint_eq(r.packets, 0);
	ck_assert_int_eq(turn_stream_count_rest(p + 4, 8, &r), 0);
	ck_assert_uint_eq(r.packets, 1);
	ck_assert_uint_eq(r.bytes, 8);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("all");

	tcase_add_test(t, a_datagram_costs_its_headers);
	tcase_add_test(t, a_segment_costs_its_headers_and_bytes);
	tcase_add_test(t, the_kernel_tells_of_a_connection_and_of_nothing_else);
	tcase_add_test(t, only_what_a_peer_sent_is_payload);
	tcase_add_test(t, the_rest_of_a_stream_is_counted_wherever_it_was_cut);
	suite_add_tcase(s, t);
	return run_suite(s);
}
