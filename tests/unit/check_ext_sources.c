/* check_ext_sources.c - what unknown sources get: nonces, a limit, a verdict */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "nonce.h"
#include "run_suite.h"
#include "source_limit.h"
#include "stranger.h"

#define SLOT_S 600
#define NOW_S 1000000

static const struct name_hash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address address(const char *text, uint16_t port)
{
	union address a = { .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1)
		return a;
	a.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	ck_assert_int_eq(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
	return a;
}

/* --- nonces ------------------------------------------------------------------------------ */

static struct nonce_maker maker;

static void setup_nonces(void)
{
	nonce_maker_init(&maker, &key);
}

static bool good(const union address *a, uint64_t now_s, const char *nonce)
{
	return nonce_verify(&maker, &a->sa, now_s, SLOT_S, nonce, strlen(nonce));
}

START_TEST(a_nonce_verifies_for_its_source_alone)
{
	const union address a = address("192.0.2.1", 1000);
	const union address others[] = { address("192.0.2.1", 1001), address("192.0.2.2", 1000),
					 address("2001:db8::1", 1000), address("::", 1000) };
	char nonce[NONCE_LEN + 1];

	nonce_make(&maker, &a.sa, NOW_S, SLOT_S, nonce);
	ck_assert_uint_eq(strlen(nonce), NONCE_LEN);
	ck_assert(good(&a, NOW_S, nonce));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert(!good(&others[i], NOW_S, nonce));
}
END_TEST

START_TEST(a_listener_of_both_families_knows_its_sources_again)
{
	const union address plain = address("192.0.2.1", 7),
			    mapped = address("::ffff:192.0.2.1", 7);
	char nonce[NONCE_LEN + 1];

	nonce_make(&maker, &plain.sa, NOW_S, SLOT_S, nonce);
	ck_assert(good(&mapped, NOW_S, nonce));
}
END_TEST

START_TEST(a_nonce_is_good_for_its_slot_and_the_next)
{
	const union address a = address("2001:db8::7", 1000);
	const uint64_t slot_begins_s = 77 * SLOT_S;
	char nonce[NONCE_LEN + 1];

	nonce_make(&maker, &a.sa, slot_begins_s + SLOT_S - 1, SLOT_S, nonce);
	ck_assert(good(&a, slot_begins_s, nonce));
	ck_assert(good(&a, slot_begins_s + 2 * SLOT_S - 1, nonce));
	ck_assert(!good(&a, slot_begins_s + 2 * SLOT_S, nonce));
	ck_assert(!good(&a, slot_begins_s - 1, nonce));
	ck_assert(!good(&a, slot_begins_s + 16 * SLOT_S, nonce));
}
END_TEST

START_TEST(the_first_slot_since_the_start_has_none_before_it)
{
	const union address a = address("192.0.2.1", 1000);
	char nonce[NONCE_LEN + 1];

	nonce_make(&maker, &a.sa, 0, SLOT_S, nonce);
	ck_assert(good(&a, 1, nonce));
	nonce[0] = 'F';
	ck_assert(!good(&a, 1, nonce));
}
END_TEST

START_TEST(another_start_knows_no_nonce_of_this_one)
{
	const union address a = address("192.0.2.1", 1000);
	struct nonce_maker other;
	char nonce[NONCE_LEN + 1];

	nonce_maker_init(&other, &(const struct name_hash_key){ key.k0, key.k1 + 1 });
	nonce_make(&maker, &a.sa, NOW_S, SLOT_S, nonce);
	ck_assert(!nonce_verify(&other, &a.sa, NOW_S, SLOT_S, nonce, NONCE_LEN));
}
END_TEST

START_TEST(a_nonce_with_any_character_changed_does_not_verify)
{
	const union address a = address("192.0.2.1", 1000);
	char nonce[NONCE_LEN + 1];

	nonce_make(&maker, &a.sa, NOW_S, SLOT_S, nonce);
	for (size_t i = 0; i < NONCE_LEN; i++) {
		nonce[i] ^= 1;
		ck_assert(!good(&a, NOW_S, nonce));
		nonce[i] ^= 1;
	}
	ck_assert(!nonce_verify(&maker, &a.sa, NOW_S, SLOT_S, nonce, NONCE_LEN - 1));
	ck_assert(!nonce_verify(&maker, &a.sa, NOW_S, SLOT_S, nonce, NONCE_LEN + 1));
	ck_assert(!nonce_verify(&maker, &a.sa, NOW_S, SLOT_S, "", 0));
	ck_assert(good(&a, NOW_S, nonce));
}
END_TEST

START_TEST(a_nonce_is_quoted_text_and_promises_no_features)
{
	const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char nonce[NONCE_LEN + 1];

	for (unsigned i = 0; i < 1000; i++) {
		const union address a = address("192.0.2.1", (uint16_t)i);

		nonce_make(&maker, &a.sa, NOW_S + i * SLOT_S, SLOT_S, nonce);
		ck_assert_uint_eq(strspn(nonce, allowed), NONCE_LEN);
		ck_assert(nonce[0] != 'o'); /* of "obMatJos2" */
	}
}
END_TEST

/* Of 90 bits each half is used: neither stays the same where the other changes. */
START_TEST(nonces_differ_in_all_of_their_characters)
{
	const union address base = address("192.0.2.1", 0);
	bool varies[NONCE_LEN] = { false };
	char first[NONCE_LEN + 1], nonce[NONCE_LEN + 1];

	nonce_make(&maker, &base.sa, NOW_S, SLOT_S, first);
	for (unsigned i = 1; i < 100; i++) {
		const union address a = address("192.0.2.1", (uint16_t)i);

		nonce_make(&maker, &a.sa, NOW_S, SLOT_S, nonce);
		ck_assert_str_ne(first, nonce);
		for (size_t k = 0; k < NONCE_LEN; k++)
			varies[k] |= first[k] != nonce[k];
	}
	for (size_t k = 1; k < NONCE_LEN; k++)
		ck_assert(varies[k]);
}
END_TEST

START_TEST(a_slot_is_as_long_as_stale_nonce_says)
{
	ck_assert_uint_eq(nonce_slot_s(600), 600);
	ck_assert_uint_eq(nonce_slot_s(3600), 3600);
	ck_assert_uint_eq(nonce_slot_s(1), NONCE_SLOT_MIN_S);
	ck_assert_uint_eq(nonce_slot_s(0), 600);
	ck_assert_uint_eq(nonce_slot_s(-1), 600);
}
END_TEST

START_TEST(a_cookie_verifies_for_its_source_for_a_while)
{
	const union address a = address("192.0.2.1", 1000), other = address("192.0.2.1", 1001);
	const uint64_t begins_s = 50 * NONCE_SLOT_MIN_S;
	uint8_t cookie[NONCE_COOKIE_LEN];

	nonce_cookie_make(&maker, &a.sa, begins_s, cookie);
	ck_assert(nonce_cookie_verify(&maker, &a.sa, begins_s, cookie, sizeof(cookie)));
	ck_assert(nonce_cookie_verify(&maker, &a.sa, begins_s + 2 * NONCE_SLOT_MIN_S - 1, cookie,
				      sizeof(cookie)));
	ck_assert(!nonce_cookie_verify(&maker, &a.sa, begins_s + 2 * NONCE_SLOT_MIN_S, cookie,
				       sizeof(cookie)));
	ck_assert(!nonce_cookie_verify(&maker, &other.sa, begins_s, cookie, sizeof(cookie)));
	ck_assert(!nonce_cookie_verify(&maker, &a.sa, begins_s, cookie, sizeof(cookie) - 1));
	cookie[NONCE_COOKIE_LEN - 1] ^= 1;
	ck_assert(!nonce_cookie_verify(&maker, &a.sa, begins_s, cookie, sizeof(cookie)));
}
END_TEST

/* --- limits --------------------------------------------------------------------------------- */

#define RATE 50
#define BURST (RATE * SOURCE_LIMIT_BURST_S)
#define REQUEST 28
#define ANSWER 100

static struct source_limit *limit;

static void setup_limit(void)
{
	ck_assert_int_eq(source_limit_new(&limit, &key, RATE), 0);
}

static void teardown_limit(void)
{
	source_limit_free(limit);
}

static bool admits(const char *source, uint64_t now_ms)
{
	const union address a = address(source, 1);

	return source_limit_admit(limit, &a.sa, now_ms, REQUEST, ANSWER);
}

static void spend(const char *source, uint64_t now_ms)
{
	for (unsigned i = 0; i < BURST; i++)
		ck_assert(admits(source, now_ms));
}

static unsigned answered_of(unsigned n, const char *source, uint64_t now_ms)
{
	unsigned answered = 0;

	while (n-- > 0)
		answered += admits(source, now_ms);
	return answered;
}

START_TEST(a_source_has_a_budget_that_fills_up_again)
{
	spend("192.0.2.1", 1000);
	ck_assert_uint_lt(answered_of(100, "192.0.2.1", 1000), 100);
	ck_assert_uint_ge(answered_of(RATE, "192.0.2.1", 2000), RATE);
	spend("192.0.2.1", 2000 + SOURCE_LIMIT_BURST_S * 1000);
	spend("192.0.2.2", 1000);
}
END_TEST

START_TEST(beyond_its_budget_a_source_gets_no_more_bytes_than_it_sent)
{
	const unsigned n = 10000;
	unsigned answered;

	spend("192.0.2.1", 1000);
	ck_assert(admits("192.0.2.1", 1000)); /* the one that is free */
	answered = answered_of(n, "192.0.2.1", 1000);
	ck_assert_uint_le(answered * ANSWER, (n + 1) * REQUEST);
	ck_assert_uint_ge((answered + 1) * ANSWER, n * REQUEST);
}
END_TEST

START_TEST(whatever_comes_from_it_a_source_gets_two_a_second)
{
	const union address a = address("192.0.2.1", 1);
	unsigned answered = 0;

	ck_assert(source_limit_admit(limit, &a.sa, 1000, 20, BURST * SOURCE_LIMIT_UNIT_BYTES));
	/* A tenth of its budget each: the flood leaves nothing for the next. */
	for (uint64_t t = 1000; t < 11000; t += 4)
		answered +=
			source_limit_admit(limit, &a.sa, t, 0, BURST * SOURCE_LIMIT_UNIT_BYTES + 1);
	ck_assert_uint_eq(answered, 20);
}
END_TEST

/* RFC 8489 section 6.2.1 as browsers have it: asked again after 250 ms, then twice as long each
 * time, nine times. */
START_TEST(four_thousand_clients_of_one_address_come_in)
{
	enum { CLIENTS = 4000, TIMES = 9, LAST_MS = 1000 + (250 << (TIMES - 1)) };
	static struct {
		unsigned asks_ms, asked;
	} clients[CLIENTS];
	unsigned answered = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i].asks_ms = i % 1000;
	for (unsigned t = 0; t < LAST_MS; t++) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			if (clients[i].asks_ms != t || clients[i].asked == TIMES)
				continue;
			if (admits("192.0.2.1", 1000 + t)) {
				clients[i].asked = TIMES;
				answered++;
			} else {
				clients[i].asks_ms += 250u << clients[i].asked++;
			}
		}
	}
	ck_assert_uint_eq(answered, CLIENTS);
}
END_TEST

START_TEST(a_large_answer_costs_as_much_as_several)
{
	const union address a = address("192.0.2.1", 1);
	unsigned answered = 0;

	for (unsigned i = 0; i < BURST; i++)
		answered += source_limit_admit(limit, &a.sa, 1000, 0, 4 * SOURCE_LIMIT_UNIT_BYTES);
	ck_assert_uint_eq(answered, BURST / 4 + 1);
}
END_TEST

START_TEST(credit_does_not_pile_up_without_end)
{
	const union address a = address("192.0.2.1", 1);
	size_t bytes = 0;

	spend("192.0.2.1", 1000);
	ck_assert(admits("192.0.2.1", 1000));
	for (unsigned i = 0; i < 1000; i++)
		source_limit_admit(limit, &a.sa, 1000, 1500, SIZE_MAX);
	while (source_limit_admit(limit, &a.sa, 1000, 0, 1000))
		bytes += 1000;
	ck_assert_uint_le(bytes, SOURCE_LIMIT_CREDIT_BYTES);
}
END_TEST

START_TEST(an_ipv6_network_is_one_source)
{
	spend("2001:db8:0:1::1", 1000);
	ck_assert_uint_lt(answered_of(10, "2001:db8:0:1:ffff::2", 1000), 10);
	ck_assert_uint_eq(answered_of(10, "2001:db8:0:2::1", 1000), 10);
}
END_TEST

START_TEST(a_mapped_address_is_the_ipv4_source)
{
	spend("192.0.2.1", 1000);
	ck_assert_uint_lt(answered_of(10, "::ffff:192.0.2.1", 1000), 10);
}
END_TEST

START_TEST(this_hosts_own_loopback_has_no_limit)
{
	ck_assert_uint_eq(answered_of(10000, "127.0.0.1", 1000), 10000);
	ck_assert_uint_eq(answered_of(10000, "::1", 1000), 10000);
}
END_TEST

START_TEST(without_a_rate_nobody_is_limited)
{
	struct source_limit *any;
	const union address a = address("192.0.2.1", 1);

	ck_assert_int_eq(source_limit_new(&any, &key, 0), 0);
	for (unsigned i = 0; i < 10000; i++)
		ck_assert(source_limit_admit(any, &a.sa, 1000, REQUEST, ANSWER));
	source_limit_free(any);
}
END_TEST

/* Its neighbours are many more than there is room for, and it goes on being refused. */
START_TEST(a_flood_of_other_sources_does_not_wash_a_busy_one_out)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr other;
	unsigned answered = 0;

	spend("192.0.2.1", 1000);
	for (uint32_t i = 0; i < 100000; i++) {
		other.s_addr = htonl(0x0a000000 + i);
		inet_ntop(AF_INET, &other, text, sizeof(text));
		ck_assert(admits(text, 1000 + i / 1000));
		answered += admits("192.0.2.1", 1000 + i / 1000);
	}
	/* 28 of 100 bytes, 50 a second of 100 ms, 1 that is free */
	ck_assert_uint_le(answered, 100000 * REQUEST / ANSWER + RATE / 10 + 1);
}
END_TEST

START_TEST(when_the_table_is_full_the_source_heard_longest_ago_goes)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr other;

	spend("192.0.2.1", 1000);
	for (uint32_t i = 0; i < 32 * SOURCE_LIMIT_SOURCES; i++) {
		other.s_addr = htonl(0x0a000000 + i);
		inet_ntop(AF_INET, &other, text, sizeof(text));
		ck_assert(admits(text, 1001));
	}
	spend("192.0.2.1", 1001);
}
END_TEST

START_TEST(the_clock_of_a_source_may_wrap)
{
	const uint64_t wrap_ms = (uint64_t)1 << 32;

	spend("192.0.2.1", wrap_ms - 10);
	ck_assert_uint_lt(answered_of(100, "192.0.2.1", wrap_ms + 10), 100);
	spend("192.0.2.1", wrap_ms + 10000);
}
END_TEST

/* --- verdicts --------------------------------------------------------------------------------- */

enum { BINDING = 0x0001, ALLOCATE = 0x0003, INDICATION = 0x0010, SUCCESS = 0x0100, ERROR = 0x0110 };
enum { USERNAME = 6, INTEGRITY = 8, ERROR_CODE = 9, REALM = 0x14, NONCE = 0x15, TRANSPORT = 0x19 };

static struct {
	uint8_t bytes[2048];
	size_t n;
} m;

static void put16(size_t at, unsigned value)
{
	m.bytes[at] = (uint8_t)(value >> 8);
	m.bytes[at + 1] = (uint8_t)value;
}

static void begin(unsigned type)
{
	static const uint8_t rest[] = { 0, 0, 0x21, 0x12, 0xa4, 0x42 };

	memset(&m, 0, sizeof(m));
	put16(0, type);
	memcpy(m.bytes + 2, rest, sizeof(rest));
	m.n = 20;
}

static void add(unsigned type, size_t n)
{
	put16(m.n, type);
	put16(m.n + 2, (unsigned)n);
	memset(m.bytes + m.n + 4, 'x', n);
	m.n += 4 + (n + 3) / 4 * 4;
	put16(2, (unsigned)(m.n - 20));
}

static struct stranger read_it(void)
{
	struct stranger s;

	stranger_read(m.bytes, m.n, &s);
	return s;
}

static void complete_request(void)
{
	begin(ALLOCATE);
	add(TRANSPORT, 4);
	add(USERNAME, 13);
	add(REALM, 7);
	add(NONCE, NONCE_LEN);
	add(INTEGRITY, 20);
}

START_TEST(a_complete_request_shows_its_nonce)
{
	struct stranger s;

	complete_request();
	s = read_it();
	ck_assert_int_eq(s.kind, STRANGER_REQUEST);
	ck_assert(s.complete);
	ck_assert_uint_eq(s.nonce_bytes, NONCE_LEN);
	ck_assert(s.nonce >= m.bytes && s.nonce + s.nonce_bytes <= m.bytes + m.n);
}
END_TEST

START_TEST(a_request_that_lacks_one_of_the_four_is_not_complete)
{
	static const unsigned needed[] = { USERNAME, REALM, NONCE, INTEGRITY };

	for (size_t lacking = 0; lacking < 4; lacking++) {
		begin(ALLOCATE);
		for (size_t i = 0; i < 4; i++)
			if (i != lacking)
				add(needed[i], 20);
		ck_assert(!read_it().complete);
	}
}
END_TEST

START_TEST(what_follows_the_integrity_is_not_looked_at)
{
	begin(ALLOCATE);
	add(USERNAME, 4);
	add(REALM, 4);
	add(INTEGRITY, 20);
	add(NONCE, NONCE_LEN);
	ck_assert(!read_it().complete);
	ck_assert_ptr_null(read_it().nonce);
}
END_TEST

START_TEST(of_two_nonces_the_first_counts)
{
	begin(ALLOCATE);
	add(USERNAME, 4);
	add(REALM, 4);
	add(NONCE, 4);
	add(NONCE, NONCE_LEN);
	add(INTEGRITY, 20);
	ck_assert_uint_eq(read_it().nonce_bytes, 4);
}
END_TEST

START_TEST(an_attribute_that_runs_over_the_end_ends_the_list)
{
	complete_request();
	put16(20 + 2, 2000);
	ck_assert_int_eq(read_it().kind, STRANGER_REQUEST);
	ck_assert(!read_it().complete);
}
END_TEST

START_TEST(a_datagram_cut_anywhere_is_no_request)
{
	complete_request();
	for (size_t n = 0; n < m.n; n++) {
		uint8_t *copy = malloc(n ? n : 1); /* so that a sanitizer sees the end */
		struct stranger s;

		memcpy(copy, m.bytes, n);
		stranger_read(copy, n, &s);
		ck_assert_int_eq(s.kind, STRANGER_GARBAGE);
		free(copy);
	}
	m.n++;
	ck_assert_int_eq(read_it().kind, STRANGER_GARBAGE);
}
END_TEST

START_TEST(what_nobody_waits_for_is_told_from_garbage)
{
	static const unsigned types[] = { ALLOCATE | SUCCESS, ALLOCATE | ERROR, 0x0016,
					  BINDING | INDICATION };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin(types[i]);
		ck_assert_int_eq(read_it().kind, STRANGER_ONE_WAY);
	}
	memcpy(m.bytes,
	       "\x40\x00\x00\x04"
	       "abcd",
	       8);
	m.n = 8;
	ck_assert_int_eq(read_it().kind, STRANGER_ONE_WAY);
	memcpy(m.bytes,
	       "\x80\x00\x00\x04"
	       "abcd",
	       8);
	ck_assert_int_eq(read_it().kind, STRANGER_GARBAGE);
}
END_TEST

START_TEST(a_request_without_the_magic_cookie_is_an_old_binding_or_nothing)
{
	begin(BINDING);
	m.bytes[4] = 0;
	ck_assert_int_eq(read_it().kind, STRANGER_OLD_BINDING);
	begin(ALLOCATE);
	m.bytes[4] = 0;
	ck_assert_int_eq(read_it().kind, STRANGER_GARBAGE);
}
END_TEST

START_TEST(a_handshake_record_of_dtls_is_a_hello)
{
	static const uint8_t hello[] = { 22, 0xfe, 0xff, 0 }, data[] = { 23, 0xfe, 0xfd, 0 };
	struct stranger s;

	stranger_read(hello, sizeof(hello), &s);
	ck_assert_int_eq(s.kind, STRANGER_HELLO);
	stranger_read(data, sizeof(data), &s);
	ck_assert_int_eq(s.kind, STRANGER_GARBAGE);
}
END_TEST

START_TEST(each_kind_meets_the_rules)
{
	enum { NO_AUTH, AUTH, SECURE, STUN_ONLY, RULES };
	static const struct stranger_rules rules[RULES] = {
		[NO_AUTH] = { .relays = true, .auth_binding = true },
		[AUTH] = { .auth = true, .relays = true, .dtls = true },
		[SECURE] = { .auth = true, .relays = true, .auth_binding = true },
		[STUN_ONLY] = { .auth = true },
	};
	static const struct {
		struct stranger s;
		enum stranger_verdict expected[RULES];
	} rows[] = {
		{ { .kind = STRANGER_GARBAGE }, { 0, 0, 0, 0 } },
		{ { .kind = STRANGER_ONE_WAY }, { 0, 0, 0, 0 } },
		{ { .kind = STRANGER_HELLO }, { 0, STRANGER_COOKIE, 0, 0 } },
		{ { .kind = STRANGER_BINDING },
		  { STRANGER_ANSWER, STRANGER_ANSWER, STRANGER_ANSWER, STRANGER_ANSWER } },
		{ { .kind = STRANGER_BINDING, .complete = true },
		  { STRANGER_ANSWER, STRANGER_ANSWER, STRANGER_PROVE, STRANGER_ANSWER } },
		{ { .kind = STRANGER_OLD_BINDING },
		  { STRANGER_ANSWER, STRANGER_ANSWER, STRANGER_ANSWER, STRANGER_ANSWER } },
		{ { .kind = STRANGER_REQUEST },
		  { STRANGER_BE_LET_IN, STRANGER_ANSWER, STRANGER_ANSWER, STRANGER_DROP } },
		{ { .kind = STRANGER_REQUEST, .complete = true },
		  { STRANGER_BE_LET_IN, STRANGER_PROVE, STRANGER_PROVE, STRANGER_DROP } },
	};

	ck_assert_int_eq(STRANGER_DROP, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t r = 0; r < RULES; r++)
			ck_assert_int_eq(stranger_judge(&rows[i].s, &rules[r]),
					 rows[i].expected[r]);
}
END_TEST

START_TEST(an_error_code_is_read_from_its_response)
{
	begin(ALLOCATE | ERROR);
	add(ERROR_CODE, 16);
	m.bytes[26] = 4;
	m.bytes[27] = 38;
	ck_assert_uint_eq(stranger_error_code(m.bytes, m.n), 438);
	begin(ALLOCATE | SUCCESS);
	add(TRANSPORT, 4);
	ck_assert_uint_eq(stranger_error_code(m.bytes, m.n), 0);
	ck_assert_uint_eq(stranger_error_code(m.bytes, 20), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sources");
	TCase *nonces = tcase_create("nonces"), *limits = tcase_create("limits");
	TCase *verdicts = tcase_create("verdicts");

	tcase_add_checked_fixture(nonces, setup_nonces, NULL);
	tcase_add_test(nonces, a_nonce_verifies_for_its_source_alone);
	tcase_add_test(nonces, a_listener_of_both_families_knows_its_sources_again);
	tcase_add_test(nonces, a_nonce_is_good_for_its_slot_and_the_next);
	tcase_add_test(nonces, the_first_slot_since_the_start_has_none_before_it);
	tcase_add_test(nonces, another_start_knows_no_nonce_of_this_one);
	tcase_add_test(nonces, a_nonce_with_any_character_changed_does_not_verify);
	tcase_add_test(nonces, a_nonce_is_quoted_text_and_promises_no_features);
	tcase_add_test(nonces, nonces_differ_in_all_of_their_characters);
	tcase_add_test(nonces, a_slot_is_as_long_as_stale_nonce_says);
	tcase_add_test(nonces, a_cookie_verifies_for_its_source_for_a_while);
	suite_add_tcase(s, nonces);

	tcase_add_checked_fixture(limits, setup_limit, teardown_limit);
	tcase_add_test(limits, a_source_has_a_budget_that_fills_up_again);
	tcase_add_test(limits, beyond_its_budget_a_source_gets_no_more_bytes_than_it_sent);
	tcase_add_test(limits, whatever_comes_from_it_a_source_gets_two_a_second);
	tcase_add_test(limits, four_thousand_clients_of_one_address_come_in);
	tcase_add_test(limits, a_large_answer_costs_as_much_as_several);
	tcase_add_test(limits, credit_does_not_pile_up_without_end);
	tcase_add_test(limits, an_ipv6_network_is_one_source);
	tcase_add_test(limits, a_mapped_address_is_the_ipv4_source);
	tcase_add_test(limits, this_hosts_own_loopback_has_no_limit);
	tcase_add_test(limits, without_a_rate_nobody_is_limited);
	tcase_add_test(limits, a_flood_of_other_sources_does_not_wash_a_busy_one_out);
	tcase_add_test(limits, when_the_table_is_full_the_source_heard_longest_ago_goes);
	tcase_add_test(limits, the_clock_of_a_source_may_wrap);
	suite_add_tcase(s, limits);

	tcase_add_test(verdicts, a_complete_request_shows_its_nonce);
	tcase_add_test(verdicts, a_request_that_lacks_one_of_the_four_is_not_complete);
	tcase_add_test(verdicts, what_follows_the_integrity_is_not_looked_at);
	tcase_add_test(verdicts, of_two_nonces_the_first_counts);
	tcase_add_test(verdicts, an_attribute_that_runs_over_the_end_ends_the_list);
	tcase_add_test(verdicts, a_datagram_cut_anywhere_is_no_request);
	tcase_add_test(verdicts, what_nobody_waits_for_is_told_from_garbage);
	tcase_add_test(verdicts, a_request_without_the_magic_cookie_is_an_old_binding_or_nothing);
	tcase_add_test(verdicts, a_handshake_record_of_dtls_is_a_hello);
	tcase_add_test(verdicts, each_kind_meets_the_rules);
	tcase_add_test(verdicts, an_error_code_is_read_from_its_response);
	suite_add_tcase(s, verdicts);
	return run_suite(s);
}
