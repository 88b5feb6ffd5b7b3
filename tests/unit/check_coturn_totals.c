/* check_coturn_totals.c - coturn's counters of a session, folded into its totals
 *
 * What was exchanged since the last fold is counted in 32 bits, so a fold that never comes loses 4
 * GiB at a time. RFC 6062 data counts two packets between two looks and may step over every
 * multiple of 4096. */
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

int main(void)
{
	Suite *s = suite_create("coturn totals");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, tcp_data_beyond_4_gib_is_not_lost);
	tcase_add_test(t, a_fold_comes_with_the_4096th_packet_and_not_before);
	suite_add_tcase(s, t);
	return run_suite(s);
}
