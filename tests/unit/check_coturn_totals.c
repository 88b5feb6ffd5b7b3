/* check_coturn_totals.c - coturn's counters of a session, folded into its totals
 *
 * What was exchanged since the last fold is counted in 32 bits, so a fold that never comes loses 4
 * GiB at a time. RFC 6062 data counts two packets between two looks and may step over every
 * multiple of 4096. What is refused is dropped, and taken back where it was counted before. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ns_ioalib_impl.h"
#include "ns_turn_server.h"
#include "run_suite.h"

static turn_turnserver server;
static ioa_engine engine; /* without a name, redis or a log */
static ts_ur_super_session session;

static void setup(void)
{
	server.e = &engine;
	session.server = &server;
}

/* As tcp_peer_input_handler(): one packet from the peer, one to the client, then a look. */
static void relay_from_tcp_peer(uint32_t bytes)
{
	session.peer_received_packets++;
	session.peer_received_bytes += bytes;
	session.sent_packets++;
	session.sent_bytes += bytes;
	turn_report_session_usage(&session, 0);
}

static uint64_t received(void)
{
	return session.t_peer_received_bytes + session.peer_received_bytes;
}

START_TEST(tcp_data_beyond_4_gib_is_not_lost)
{
	const uint32_t bytes = 65536;
	uint64_t n;

	session.received_packets = 1; /* an odd number of requests so far */
	for (n = 1; n * bytes <= 3ULL << 32; n++) {
		relay_from_tcp_peer(bytes);
		ck_assert_uint_eq(received(), n * bytes);
	}
}
END_TEST

START_TEST(a_fold_comes_with_the_4096th_packet_and_not_before)
{
	unsigned i;

	for (i = 1; i < 4096; i++) {
		session.sent_packets++;
		turn_report_session_usage(&session, 0);
		ck_assert_uint_eq(session.sent_packets, i);
	}
	session.sent_packets++;
	turn_report_session_usage(&session, 0);
	ck_assert_uint_eq(session.sent_packets, 0);
	ck_assert_uint_eq(session.t_sent_packets, 4096);
}
END_TEST

/* --- what is not relayed ------------------------------------------------------------ */

static struct _ioa_socket relay = { .sat = RELAY_SOCKET, .st = UDP_SOCKET, .session = &session };
static struct _ioa_socket client = { .sat = CLIENT_SOCKET, .st = UDP_SOCKET, .session = &session };

/* As coturn hands a packet on: ChannelData with so much payload. */
static ioa_network_buffer_handle channel_data(uint16_t payload)
{
	stun_buffer_list_elem *elem = calloc(1, sizeof(*elem));
	uint8_t *p = ioa_network_buffer_data(elem);

	p[0] = 0x40;
	p[2] = (uint8_t)(payload >> 8);
	p[3] = (uint8_t)payload;
	ioa_network_buffer_set_size(elem, 4u + payload);
	return elem;
}

static uint64_t peer_packets(void)
{
	return session.t_peer_received_packets + session.peer_received_packets;
}

static void ck_dropped(uint64_t packets, uint64_t bytes)
{
	ck_assert_uint_eq(session.ext.dropped_packets, packets);
	ck_assert_uint_eq(session.ext.dropped_bytes, bytes);
}

START_TEST(a_strangers_packet_is_dropped_and_nothing_else)
{
	ioa_network_buffer_handle b = channel_data(996);

	coturn_ext_refused(&relay, b);
	ck_dropped(1, 1000);
	ck_assert_uint_eq(peer_packets(), 0);
	ck_assert_uint_eq(received(), 0);
	ck_assert_uint_eq(session.ext.wire_bytes, 0); /* live_wire() knows of it */
	free(b);
}
END_TEST

/* Counted when its permission was found; then the client's socket took it not. */
START_TEST(a_packet_the_client_did_not_get_was_not_received)
{
	ioa_network_buffer_handle b = channel_data(160);
	int skip = 0;

	session.peer_received_packets = 3;
	session.peer_received_bytes = 480;
	coturn_ext_unsent(&client, b, &skip);
	ck_assert_int_eq(skip, 1);
	ck_dropped(1, 160);
	ck_assert_uint_eq(peer_packets(), 2);
	ck_assert_uint_eq(received(), 320);
	turn_report_session_usage(&session, 1);
	ck_assert_uint_eq(peer_packets(), 2);
	ck_assert_uint_eq(received(), 320);
	free(b);
}
END_TEST

/* It says nothing and gets nothing: coturn has no reason to fold for hours. */
START_TEST(a_flood_that_a_stalled_client_never_gets_leaves_nothing_behind)
{
	const uint16_t bytes = 65000;
	ioa_network_buffer_handle b = channel_data(1);
	uint8_t *p = ioa_network_buffer_data(b);
	uint64_t n;

	p[2] = (uint8_t)(bytes >> 8);
	p[3] = (uint8_t)bytes;
	for (n = 1; n * bytes <= 2ULL << 32; n++) {
		session.peer_received_packets++;
		session.peer_received_bytes += bytes;
		turn_report_session_usage(&session, 0);
		coturn_ext_unsent(&client, b, NULL);
		ck_assert_uint_eq(received(), 0);
		/* what coturn's CLI shows */
		ck_assert_uint_eq(session.t_peer_received_packets, 0);
	}
	ck_dropped(n - 1, (n - 1) * bytes);
	free(b);
}
END_TEST

/* A fold came between the counting and the failure. */
START_TEST(what_was_folded_is_taken_back_from_there)
{
	ioa_network_buffer_handle b = channel_data(160);

	session.peer_received_packets = 2;
	session.peer_received_bytes = 320;
	turn_report_session_usage(&session, 0); /* nothing yet */
	session.sent_packets = 1;
	turn_report_session_usage(&session, 1);
	ck_assert_uint_eq(session.peer_received_packets, 0);
	coturn_ext_unsent(&client, b, NULL);
	ck_assert_uint_eq(session.peer_received_packets, 0);
	ck_assert_uint_eq(session.t_peer_received_packets, 1);
	ck_assert_uint_eq(received(), 160);
	free(b);
}
END_TEST

START_TEST(an_answer_that_is_not_sent_is_nobodys_packet)
{
	stun_buffer_list_elem *elem = calloc(1, sizeof(*elem));
	size_t n = 0;

	stun_init_success_response_str(STUN_METHOD_REFRESH, ioa_network_buffer_data(elem), &n,
				       &(stun_tid){ { 1 } });
	ioa_network_buffer_set_size(elem, n);
	coturn_ext_unsent(&client, elem, NULL);
	ck_dropped(0, 0);
	client.session = NULL;
	coturn_ext_refused(&client, elem);
	ck_dropped(0, 0);
	free(elem);
}
END_TEST

/* More than the limit in one second; the packet of a peer was counted when it came. */
START_TEST(what_a_limit_keeps_back_is_dropped)
{
	static struct _ioa_engine e;
	ioa_network_buffer_handle b = channel_data(496);
	int skip = 0;

	client.e = &e;
	e.jiffie = 1;
	session.bps = 1000;
	ck_assert_int_eq(ioa_socket_check_bandwidth(&client, b, 0), 1);
	ck_assert_int_eq(ioa_socket_check_bandwidth(&client, b, 0), 1);
	session.peer_received_packets = 3;
	session.peer_received_bytes = 1488;
	ck_assert_int_eq(send_data_from_ioa_socket_nbh(&client, NULL, b, 0, 0, &skip), 500);
	ck_assert_int_eq(skip, 1);
	ck_dropped(1, 496);
	ck_assert_uint_eq(peer_packets(), 2);
	ck_assert_uint_eq(received(), 992);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn totals");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, tcp_data_beyond_4_gib_is_not_lost);
	tcase_add_test(t, a_fold_comes_with_the_4096th_packet_and_not_before);
	tcase_add_test(t, a_strangers_packet_is_dropped_and_nothing_else);
	tcase_add_test(t, a_packet_the_client_did_not_get_was_not_received);
	tcase_add_test(t, a_flood_that_a_stalled_client_never_gets_leaves_nothing_behind);
	tcase_add_test(t, what_was_folded_is_taken_back_from_there);
	tcase_add_test(t, an_answer_that_is_not_sent_is_nobodys_packet);
	tcase_add_test(t, what_a_limit_keeps_back_is_dropped);
	suite_add_tcase(s, t);
	return run_suite(s);
}
