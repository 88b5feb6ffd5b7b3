/* check_ledger_parsers.c - faults of coturn's parsers, by row of SECURITY.md
 *
 * Linked with our coturn all of it passes. The same source linked with stock
 * (ledger_parsers.stock) must fail in every test that begins with row_, and
 * in no other. */
#include <arpa/inet.h>
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "constant_time.h"
#include "ns_turn_ioaddr.h"
#include "ns_turn_msg.h"
#include "ns_turn_msg_addr.h"
#include "run_suite.h"

#ifdef LEDGER_STOCK
/* What stock asks where ours asks the other. */
#define ioa_addr_range_covers ioa_addr_in_range
#endif

#define N(table) (int)(sizeof(table) / sizeof((table)[0]))

/* --- addresses ------------------------------------------------------------------------ */
static ioa_addr address(const char *text)
{
	ioa_addr a;

	ck_assert_int_eq(make_ioa_addr((const uint8_t *)text, 0, &a), 0);
	return a;
}

static ioa_addr_range range_of(const char *min, const char *max)
{
	ioa_addr low = address(min), high = address(max);
	ioa_addr_range range;

	ioa_addr_range_set(&range, &low, &high);
	return range;
}

static bool in_range(const char *min, const char *max, const char *text)
{
	ioa_addr_range range = range_of(min, max);
	ioa_addr a = address(text);

	return ioa_addr_in_range(&range, &a);
}

static bool range_covers(const char *min, const char *max, const char *text)
{
	ioa_addr_range range = range_of(min, max);
	ioa_addr a = address(text);

	return ioa_addr_range_covers(&range, &a);
}

/* clang-format off */
static const struct {
	const char *min, *max, *inside;
} ranges_v6[] = {
	{ "2001:db8::1:0", "2001:db8::2:0", "2001:db8::1:ffff" },
	{ "fd00::ff", "fd00::1ff", "fd00::100" },
	{ "2001:db8:0:ffff::", "2001:db8:1::ffff", "2001:db8:1::" },
};
/* clang-format on */

START_TEST(row_ipv6_ranges_are_compared_as_numbers)
{
	ck_assert(in_range(ranges_v6[_i].min, ranges_v6[_i].max, ranges_v6[_i].inside));
}
END_TEST

START_TEST(what_is_outside_of_an_ipv6_range_is_not_in_it)
{
	ck_assert(!in_range("fd00::ff", "fd00::1ff", "fd00::fe"));
	ck_assert(!in_range("fd00::ff", "fd00::1ff", "fd00::200"));
	ck_assert(!in_range("fd00::ff", "fd00::1ff", "fd01::100"));
	ck_assert(!in_range("fd00::ff", "fd00::1ff", "fc00::100"));
	ck_assert(in_range("fd00::ff", "fd00::1ff", "fd00::ff"));
	ck_assert(in_range("fd00::ff", "fd00::1ff", "fd00::1ff"));
	ck_assert(in_range("fe80::", "fe80::ffff:ffff", "fe80::1"));
}
END_TEST

/* clang-format off */
static const struct {
	const char *min, *max, *other_family;
} families[] = {
	{ "::", "fdff:ffff::", "10.0.0.1" },
	{ "::", "::", "10.0.0.1" },
	{ "0.0.0.0", "0.0.0.0", "fd00::1" },
};
/* clang-format on */

START_TEST(row_a_range_contains_no_address_of_the_other_family)
{
	ck_assert(!in_range(families[_i].min, families[_i].max, families[_i].other_family));
}
END_TEST

START_TEST(an_unspecified_bound_is_none_within_its_family)
{
	ck_assert(in_range("::", "::", "fd00::1"));
	ck_assert(in_range("0.0.0.0", "0.0.0.0", "10.0.0.1"));
	ck_assert(in_range("10.0.0.0", "0.0.0.0", "11.0.0.1"));
	ck_assert(!in_range("10.0.0.0", "0.0.0.0", "9.0.0.1"));
	ck_assert(in_range("0.0.0.0", "255.255.255.255", "10.0.0.1"));
}
END_TEST

static const char *const loopback_v6[] = {
	"::ffff:127.0.0.1",   "::ffff:127.1.2.3", "::127.0.0.1",    "::127.0.0.2",
	"::ffff:0:127.0.0.1", "2002:7f00:1::",	  "2002:7f00:1::1", "64:ff9b::127.0.0.1",
};

START_TEST(row_loopback_is_seen_inside_of_an_ipv6_address)
{
	ioa_addr a = address(loopback_v6[_i]);

	ck_assert_msg(ioa_addr_is_loopback(&a), "%s", loopback_v6[_i]);
}
END_TEST

static const char *const zero_v6[] = { "::ffff:0.0.0.0", "::ffff:0.0.0.1", "::2",
				       "2002::1",	 "64:ff9b::",	   "64:ff9b::0.1.2.3" };

START_TEST(row_this_network_is_seen_inside_of_an_ipv6_address)
{
	ioa_addr a = address(zero_v6[_i]);

	ck_assert_msg(ioa_addr_is_zero(&a), "%s", zero_v6[_i]);
}
END_TEST

static const char *const multicast_v6[] = { "::ffff:224.0.0.1", "::239.1.2.3",
					    "2002:e000:1::", "64:ff9b::255.255.255.255" };

START_TEST(row_multicast_is_seen_inside_of_an_ipv6_address)
{
	ioa_addr a = address(multicast_v6[_i]);

	ck_assert_msg(ioa_addr_is_multicast(&a), "%s", multicast_v6[_i]);
}
END_TEST

static const char *const private_v6[] = { "::ffff:10.0.0.1", "::10.0.0.1",
					  "2002:a00:1::", "64:ff9b::10.0.0.1" };

START_TEST(row_a_denied_range_covers_what_is_inside_of_an_ipv6_address)
{
	ck_assert(range_covers("10.0.0.0", "10.255.255.255", private_v6[_i]));
}
END_TEST

START_TEST(what_is_no_such_address_is_left_as_it_is)
{
	static const char *const others[] = { "2001:db8::1", "fe80::1", "8.8.8.8",
					      "::ffff:8.8.8.8" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ioa_addr a = address(others[i]);

		ck_assert(!ioa_addr_is_loopback(&a));
		ck_assert(!ioa_addr_is_zero(&a));
		ck_assert(!ioa_addr_is_multicast(&a));
		ck_assert(!range_covers("10.0.0.0", "10.255.255.255", others[i]));
	}
	ck_assert(range_covers("10.0.0.0", "10.255.255.255", "10.1.2.3"));
	ck_assert(!in_range("10.0.0.0", "10.255.255.255", "::ffff:10.0.0.1"));
	for (unsigned i = 0; i < 2; i++) {
		ioa_addr a = address(i ? "::1" : "127.0.0.1");

		ck_assert(ioa_addr_is_loopback(&a));
		ck_assert(!ioa_addr_is_zero(&a));
	}
}
END_TEST

static TCase *addresses(void)
{
	TCase *t = tcase_create("addresses");

	tcase_add_loop_test(t, row_ipv6_ranges_are_compared_as_numbers, 0, N(ranges_v6));
	tcase_add_test(t, what_is_outside_of_an_ipv6_range_is_not_in_it);
	tcase_add_loop_test(t, row_a_range_contains_no_address_of_the_other_family, 0, N(families));
	tcase_add_test(t, an_unspecified_bound_is_none_within_its_family);
	tcase_add_loop_test(t, row_loopback_is_seen_inside_of_an_ipv6_address, 0, N(loopback_v6));
	tcase_add_loop_test(t, row_this_network_is_seen_inside_of_an_ipv6_address, 0, N(zero_v6));
	tcase_add_loop_test(t, row_multicast_is_seen_inside_of_an_ipv6_address, 0, N(multicast_v6));
	tcase_add_loop_test(t, row_a_denied_range_covers_what_is_inside_of_an_ipv6_address, 0,
			    N(private_v6));
	tcase_add_test(t, what_is_no_such_address_is_left_as_it_is);
	return t;
}

/* --- messages ------------------------------------------------------------------------- */
enum { ROOM = 1024 };

static hmackey_t key = "0123456789abcde";
static password_t no_password;

struct message {
	uint8_t bytes[ROOM];
	size_t n;
};

static void add(struct message *m, uint16_t type, const char *value)
{
	ck_assert_int_eq(stun_attr_add_str(m->bytes, &m->n, type, (const uint8_t *)value,
					   (int)strlen(value)),
			 0);
}

/* A signed Refresh of user "alice". */
static struct message signed_refresh(void)
{
	struct message m = { .n = 0 };

	stun_init_request_str(STUN_METHOD_REFRESH, m.bytes, &m.n);
	add(&m, STUN_ATTRIBUTE_USERNAME, "alice");
	ck_assert_int_eq(stun_attr_add_integrity_str(TURN_CREDENTIALS_LONG_TERM, m.bytes, &m.n, key,
						     no_password, SHATYPE_SHA1),
			 0);
	return m;
}

static int integrity(struct message *m)
{
	return stun_check_message_integrity_by_key_str(TURN_CREDENTIALS_LONG_TERM, m->bytes, m->n,
						       key, no_password, SHATYPE_SHA1);
}

static int count_of(const struct message *m, int type)
{
	int n = 0;

	for (stun_attr_ref a = stun_attr_get_first_str(m->bytes, m->n); a;
	     a = stun_attr_get_next_str(m->bytes, m->n, a))
		n += stun_attr_get_type(a) == type;
	return n;
}

static const uint16_t appended[] = { STUN_ATTRIBUTE_LIFETIME, STUN_ATTRIBUTE_XOR_PEER_ADDRESS,
				     STUN_ATTRIBUTE_CHANNEL_NUMBER, STUN_ATTRIBUTE_NONCE, 0x7777 };

START_TEST(row_what_follows_message_integrity_is_not_there)
{
	struct message m = signed_refresh();

	add(&m, appended[_i], "1234");
	add(&m, appended[_i], "5678");
	ck_assert_int_eq(integrity(&m), 1);
	ck_assert_int_eq(count_of(&m, appended[_i]), 0);
	ck_assert_ptr_null(stun_attr_get_first_by_type_str(m.bytes, m.n, appended[_i]));
}
END_TEST

START_TEST(a_fingerprint_behind_message_integrity_is_there)
{
	struct message m = signed_refresh();
	int present = 0;

	stun_attr_add_fingerprint_str(m.bytes, &m.n);
	ck_assert_int_eq(count_of(&m, STUN_ATTRIBUTE_USERNAME), 1);
	ck_assert_int_eq(count_of(&m, STUN_ATTRIBUTE_MESSAGE_INTEGRITY), 1);
	ck_assert_int_eq(count_of(&m, STUN_ATTRIBUTE_FINGERPRINT), 1);
	ck_assert_int_eq(stun_is_command_message_full_check_str(m.bytes, m.n, 1, &present), 1);
	ck_assert_int_eq(present, 1);
	ck_assert_int_eq(integrity(&m), 1);
	m.bytes[21] ^= 1;
	ck_assert_int_eq(integrity(&m), 0);
	ck_assert_int_eq(stun_is_command_message_full_check_str(m.bytes, m.n, 1, &present), 0);
}
END_TEST

START_TEST(row_a_fingerprint_behind_what_is_ignored_is_the_last)
{
	struct message m = signed_refresh();

	add(&m, STUN_ATTRIBUTE_LIFETIME, "1234");
	stun_attr_add_fingerprint_str(m.bytes, &m.n);
	ck_assert_int_eq(count_of(&m, STUN_ATTRIBUTE_FINGERPRINT), 1);
	add(&m, STUN_ATTRIBUTE_LIFETIME, "1234");
	stun_attr_add_fingerprint_str(m.bytes, &m.n);
	ck_assert_int_eq(count_of(&m, STUN_ATTRIBUTE_FINGERPRINT), 1);
	ck_assert_int_eq(count_of(&m, STUN_ATTRIBUTE_LIFETIME), 0);
}
END_TEST

static const uint8_t too_long[][8] = {
	{ 0x00, 0x01, 0xff, 0xf0, 0x21, 0x12, 0xa4, 0x42 },
	{ 0x00, 0x01, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42 },
	{ 0x40, 0x00, 0xff, 0xfc },
	{ 0x40, 0x00, 0xff, 0xfd },
	{ 0x7f, 0xff, 0xff, 0xff },
};

START_TEST(row_the_length_of_a_message_does_not_wrap)
{
	struct message m = { .n = ROOM };
	size_t app_len;

	memcpy(m.bytes, too_long[_i], sizeof(too_long[_i]));
	ck_assert_int_eq(stun_get_message_len_str(m.bytes, m.n, 1, &app_len), -1);
}
END_TEST

START_TEST(a_message_in_a_stream_is_as_long_as_it_says)
{
	struct message m = { .bytes = { 0x40, 0x01, 0, 5 } };
	size_t app_len;

	for (size_t n = 0; n < 12; n++)
		ck_assert_int_eq(stun_get_message_len_str(m.bytes, n, 1, &app_len), -1);
	ck_assert_int_eq(stun_get_message_len_str(m.bytes, 12, 1, &app_len), 12);
	ck_assert_uint_eq(app_len, 9);
	ck_assert_int_eq(stun_get_message_len_str(m.bytes, 9, 0, &app_len), 9);
	m = signed_refresh();
	for (size_t n = 0; n < m.n; n++)
		ck_assert_int_eq(stun_get_message_len_str(m.bytes, n, 1, &app_len), -1);
	ck_assert_int_eq(stun_get_message_len_str(m.bytes, ROOM, 1, &app_len), (int)m.n);
	ck_assert_uint_eq(app_len, m.n);
}
END_TEST

START_TEST(row_the_padding_of_channel_data_is_zero)
{
	size_t payload = (size_t)_i, n;
	uint8_t bytes[16];

	memset(bytes, 0xaa, sizeof(bytes));
	ck_assert_int_eq(stun_init_channel_message_str(0x4000, bytes, &n, (int)payload, 1), 0);
	ck_assert_uint_eq(n, 12);
	for (size_t i = 4; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], i >= 4 + payload && i < n ? 0 : 0xaa);
}
END_TEST

START_TEST(row_integrity_is_compared_in_constant_time)
{
	struct message m = signed_refresh();

	ck_assert_int_eq(integrity(&m), 1);
	ck_assert_uint_eq(constant_time_bytes, SHA1SIZEBYTES);
	m.bytes[m.n - SHA1SIZEBYTES] ^= 1;
	ck_assert_int_eq(integrity(&m), 0);
	ck_assert_uint_eq(constant_time_bytes, 2 * SHA1SIZEBYTES);
}
END_TEST

START_TEST(row_what_a_server_says_stays_in_its_arrays)
{
	struct {
		uint8_t realm[STUN_MAX_REALM_SIZE + 1], behind_realm[ROOM];
		uint8_t nonce[STUN_MAX_NONCE_SIZE + 1], behind_nonce[ROOM];
	} *got = calloc(1, sizeof(*got));
	struct message m;
	stun_tid tid = { .tsx_id = { 1 } };
	char text[300] = { 0 };
	int code;

	memset(text, 'x', sizeof(text) - 1);
	stun_init_error_response_str(STUN_METHOD_ALLOCATE, m.bytes, &m.n, 401, NULL, &tid);
	add(&m, STUN_ATTRIBUTE_REALM, text);
	add(&m, STUN_ATTRIBUTE_NONCE, text);
	ck_assert_int_eq(stun_is_challenge_response_str(m.bytes, m.n, &code, NULL, 0, got->realm,
							got->nonce, NULL, NULL),
			 1);
	ck_assert_uint_eq(strlen((char *)got->realm), STUN_MAX_REALM_SIZE);
	ck_assert_uint_eq(strlen((char *)got->nonce), STUN_MAX_NONCE_SIZE);
	ck_assert_uint_eq(got->behind_realm[0] | got->behind_nonce[0], 0);
	free(got);
}
END_TEST

static TCase *messages(void)
{
	TCase *t = tcase_create("messages");

	tcase_add_loop_test(t, row_what_follows_message_integrity_is_not_there, 0, N(appended));
	tcase_add_test(t, a_fingerprint_behind_message_integrity_is_there);
	tcase_add_test(t, row_a_fingerprint_behind_what_is_ignored_is_the_last);
	tcase_add_loop_test(t, row_the_length_of_a_message_does_not_wrap, 0, N(too_long));
	tcase_add_test(t, a_message_in_a_stream_is_as_long_as_it_says);
	tcase_add_loop_test(t, row_the_padding_of_channel_data_is_zero, 5, 8);
	tcase_add_test(t, row_integrity_is_compared_in_constant_time);
	tcase_add_test(t, row_what_a_server_says_stays_in_its_arrays);
	return t;
}

/* --- alignment ------------------------------------------------------------------------
 *
 * ns_turn_msg.c and ns_turn_msg_addr.c are compiled for this program so that a number read or
 * written through a misaligned pointer ends it (-fsanitize=alignment): what a strict machine does.
 * It shows that no such pointer is used, not what one machine or compiler would make of it. */
static const uint8_t tid_bytes[STUN_TID_SIZE] = "transaction";

static void read_header(uint8_t *msg, size_t n)
{
	ck_assert_int_eq(stun_get_command_message_len_str(msg, n), (int)n);
	ck_assert_int_eq(stun_is_command_message_str(msg, n), 1);
	ck_assert_uint_eq(stun_get_method_str(msg, n), STUN_METHOD_CHANNEL_BIND);
}

static void read_fingerprint(uint8_t *msg, size_t n)
{
	int present = 0;

	ck_assert_int_eq(stun_is_command_message_full_check_str(msg, n, 1, &present), 1);
	ck_assert_int_eq(present, 1);
}

static void read_attributes(uint8_t *msg, size_t n)
{
	stun_attr_ref a = stun_attr_get_first_by_type_str(msg, n, STUN_ATTRIBUTE_CHANNEL_NUMBER);

	ck_assert_uint_eq(stun_attr_get_channel_number(a), 0x4001);
	a = stun_attr_get_first_by_type_str(msg, n, STUN_ATTRIBUTE_NEW_BANDWIDTH);
	ck_assert_uint_eq(stun_attr_get_bandwidth(a), 128 * 1000);
	a = stun_attr_get_first_by_type_str(msg, n, STUN_ATTRIBUTE_RESPONSE_PORT);
	ck_assert_int_eq(stun_attr_get_response_port_str(a), 4000);
}

static void read_address_v4(uint8_t *msg, size_t n)
{
	ioa_addr want = address("10.1.2.3"), got;

	addr_set_port(&want, 4001);
	ck_assert_int_eq(
		stun_attr_get_first_addr_str(msg, n, STUN_ATTRIBUTE_XOR_PEER_ADDRESS, &got, NULL),
		0);
	ck_assert(addr_eq(&want, &got));
}

static void read_address_v6(uint8_t *msg, size_t n)
{
	ioa_addr want = address("2001:db8::1"), got;

	addr_set_port(&want, 4002);
	ck_assert_int_eq(
		stun_attr_get_first_addr_str(msg, n, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &got, NULL),
		0);
	ck_assert(addr_eq(&want, &got));
}

static void read_in_stream(uint8_t *msg, size_t n)
{
	size_t app_len;

	ck_assert_int_eq(stun_get_message_len_str(msg, n, 1, &app_len), (int)n);
}

static void read_channel_data(uint8_t *msg, size_t n)
{
	uint16_t channel;

	ck_assert_int_eq(stun_init_channel_message_str(0x4001, msg, &n, 8, 0), 0);
	ck_assert(is_channel_msg_str(msg, n));
	ck_assert_int_eq(stun_is_channel_message_str(msg, &n, &channel, 0), 1);
	ck_assert_uint_eq(channel, 0x4001);
	ck_assert_uint_eq(n, 12);
}

static void check_integrity(uint8_t *msg, size_t n)
{
	ck_assert_int_eq(stun_check_message_integrity_by_key_str(TURN_CREDENTIALS_LONG_TERM, msg, n,
								 key, no_password, SHATYPE_SHA1),
			 1);
}

static void write_message(uint8_t *msg, size_t n)
{
	ioa_addr peer = address("10.1.2.3");
	int field_bytes;

	stun_init_request_str(STUN_METHOD_ALLOCATE, msg, &n);
	ck_assert_int_eq(stun_attr_add_channel_number_str(msg, &n, 0x4002), 0);
	ck_assert_int_eq(stun_attr_add_fingerprint_str(msg, &n), 0);
	ck_assert_int_eq(
		stun_addr_encode(&peer, msg, &field_bytes, 1, STUN_MAGIC_COOKIE, tid_bytes), 0);
}

static void (*const at_any_address[])(uint8_t *msg, size_t n) = {
	read_header,	read_fingerprint,  read_attributes, read_address_v4, read_address_v6,
	read_in_stream, read_channel_data, check_integrity, write_message,
};

/* A message with all that is read above, at an address of that many bytes beside an aligned one. */
static void use_at(unsigned beside, void (*use)(uint8_t *, size_t))
{
	_Alignas(8) uint8_t room[ROOM + 8] = { 0 };
	ioa_addr v4 = address("10.1.2.3"), v6 = address("2001:db8::1");
	struct message m = { .n = 0 };

	addr_set_port(&v4, 4001);
	addr_set_port(&v6, 4002);
	stun_init_request_str(STUN_METHOD_CHANNEL_BIND, m.bytes, &m.n);
	ck_assert_int_eq(stun_attr_add_channel_number_str(m.bytes, &m.n, 0x4001), 0);
	ck_assert_int_eq(stun_attr_add_bandwidth_str(m.bytes, &m.n, 128 * 1000), 0);
	ck_assert_int_eq(stun_attr_add_response_port_str(m.bytes, &m.n, 4000), 0);
	ck_assert_int_eq(
		stun_attr_add_addr_str(m.bytes, &m.n, STUN_ATTRIBUTE_XOR_PEER_ADDRESS, &v4), 0);
	ck_assert_int_eq(
		stun_attr_add_addr_str(m.bytes, &m.n, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &v6), 0);
	ck_assert_int_eq(stun_attr_add_integrity_str(TURN_CREDENTIALS_LONG_TERM, m.bytes, &m.n, key,
						     no_password, SHATYPE_SHA1),
			 0);
	ck_assert_int_eq(stun_attr_add_fingerprint_str(m.bytes, &m.n), 0);
	memcpy(room + beside, m.bytes, m.n);
	use(room + beside, m.n);
}

START_TEST(row_a_message_may_be_at_an_odd_address)
{
	use_at(1, at_any_address[_i]);
	use_at(2, at_any_address[_i]);
	use_at(3, at_any_address[_i]);
}
END_TEST

START_TEST(a_message_may_be_at_an_aligned_address)
{
	use_at(0, at_any_address[_i]);
	use_at(4, at_any_address[_i]);
}
END_TEST

static TCase *alignment(void)
{
	TCase *t = tcase_create("alignment");

	tcase_add_loop_test(t, row_a_message_may_be_at_an_odd_address, 0, N(at_any_address));
	tcase_add_loop_test(t, a_message_may_be_at_an_aligned_address, 0, N(at_any_address));
	return t;
}

int main(void)
{
	Suite *s = suite_create("ledger_parsers");

	suite_add_tcase(s, addresses());
	suite_add_tcase(s, messages());
	suite_add_tcase(s, alignment());
	return run_suite(s);
}
