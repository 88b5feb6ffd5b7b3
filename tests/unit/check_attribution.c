/* check_attribution.c - addresses, candidates, and what each rule asks for */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/attribution.h"
#include "run_suite.h"

static struct address ip(const char *text)
{
	struct address a;

	ck_assert_msg(address_parse_ip(&a, text, strlen(text)) == 0, "%s", text);
	return a;
}

static int parse(struct address *a, const char *text)
{
	return attribution_candidate_parse(a, text, strlen(text));
}

START_TEST(spellings_of_one_address_are_one_address)
{
	static const char *const same[][2] = {
		{ "192.0.2.1", "::ffff:192.0.2.1" },	   { "192.0.2.1", "::FFFF:c000:0201" },
		{ "2001:db8::1", "[2001:DB8:0:0::0001]" }, { "fe80::1%eth0", "fe80::1" },
		{ "[fe80::1%25eth0]", "fe80::1" },
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct address a = ip(same[i][0]), b = ip(same[i][1]);

		ck_assert_msg(address_same_ip(&a, &b), "%s", same[i][0]);
		ck_assert_mem_eq(&a, &b, sizeof(a));
	}
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
	static const char *const bad[] = { "",		"1.2.3",      "1.2.3.4.5", "256.1.1.1",
					   "[1.2.3.4]", "host.local", "::1::",	   "1.2.3.4%eth0",
					   "[::1",	"%eth0",      "[]",	   " 1.2.3.4" };
	static const char *const bad_with_port[] = {
		"",	    "1.2.3.4",	      "1.2.3.4:",  ":5",
		"::1:5",    "1.2.3.4:65536",  "[::1]",	   "[::1]:x",
		"[::1]5:5", "1.2.3.4:000001", "1.2.3.4:-1"
	};
	struct address a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(address_parse_ip(&a, bad[i], strlen(bad[i])) == -EINVAL, "%s",
			      bad[i]);
	for (size_t i = 0; i < sizeof(bad_with_port) / sizeof(bad_with_port[0]); i++)
		ck_assert_msg(address_parse(&a, bad_with_port[i], strlen(bad_with_port[i])) ==
				      -EINVAL,
			      "%s", bad_with_port[i]);
	ck_assert_int_eq(address_parse_ip(&a, "1.2.3.4\0x", 9), -EINVAL);
}
END_TEST

START_TEST(address_and_port_are_read)
{
	struct address a, b = ip("2001:db8::7");

	ck_assert_int_eq(address_parse(&a, "[2001:db8::7]:49152", 19), 0);
	ck_assert(address_same_ip(&a, &b));
	ck_assert_uint_eq(a.port, 49152);
	ck_assert_int_eq(address_parse(&a, "192.0.2.9:1", 11), 0);
	ck_assert_uint_eq(a.port, 1);
}
END_TEST

START_TEST(relay_candidates_of_browsers_are_read)
{
	static const struct {
		const char *text, *ip;
		uint16_t port, protocol;
	} good[] = {
		/* Chromium */
		{ "candidate:2157334355 1 udp 33562367 198.51.100.7 49160 typ relay raddr 0.0.0.0 "
		  "rport 0 "
		  "generation 0 ufrag ab+/ network-id 1 network-cost 50",
		  "198.51.100.7", 49160, ADDRESS_UDP },
		/* Firefox */
		{ "candidate:3 1 UDP 92216831 198.51.100.7 49161 typ relay raddr 192.0.2.1 rport "
		  "5000",
		  "198.51.100.7", 49161, ADDRESS_UDP },
		/* as a line of SDP */
		{ "a=candidate:1 2 UDP 1 2001:db8::7 49162 typ relay raddr :: rport 0\r\n",
		  "2001:db8::7", 49162, ADDRESS_UDP },
		{ "candidate:1 1 TCP 1 198.51.100.7 65535 typ relay tcptype passive",
		  "198.51.100.7", 65535, ADDRESS_TCP },
		{ "candidate:x 1 udp 0 ::ffff:198.51.100.7 1 typ relay", "198.51.100.7", 1,
		  ADDRESS_UDP },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct address a, want = ip(good[i].ip);

		ck_assert_msg(parse(&a, good[i].text) == 0, "%s", good[i].text);
		ck_assert(address_same_ip(&a, &want));
		ck_assert_uint_eq(a.port, good[i].port);
		ck_assert_uint_eq(a.protocol, good[i].protocol);
	}
}
END_TEST

START_TEST(candidates_that_name_no_relay_say_nothing)
{
	static const char *const other[] = {
		"",
		"\r\n",
		"candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host generation 0",
		"candidate:1 1 udp 1 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport 5000",
		"candidate:1 1 udp 1 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 5000 typ host",
		"candidate:1 1 udp 1 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 5000 typ relay",
		"candidate:1 1 udp 1 relay.example.org 5000 typ relay",
		"candidate:1 1 udp 1 0.0.0.0 5000 typ relay",
		"candidate:1 1 udp 1 :: 5000 typ relay",
		"candidate:1 1 udp 1 192.0.2.1 0 typ relay",
		"candidate:1 1 sctp 1 192.0.2.1 5000 typ relay",
		"candidate:1 1 udp 1 192.0.2.1 5000 typ relayed",
		"candidate:1 1 udp 1 192.0.2.1 5000 typ host typ relay",
	};
	struct address a;

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		ck_assert_msg(parse(&a, other[i]) == -ENOENT, "%s", other[i]);
}
END_TEST

START_TEST(what_is_no_candidate_is_refused)
{
	static const char *const bad[] = {
		"candidate:",
		"candidate",
		"typ relay",
		"a=a=candidate:1 1 udp 1 192.0.2.1 5000 typ relay",
		"candidate:1 0 udp 1 192.0.2.1 5000 typ relay",
		"candidate:1 257 udp 1 192.0.2.1 5000 typ relay",
		"candidate:1 1 udp 4294967296 192.0.2.1 5000 typ relay",
		"candidate:1 1 udp 1 192.0.2.1 65536 typ relay",
		"candidate:1 1 udp 1 192.0.2.1 -1 typ relay",
		"candidate:1 1 udp 1 192.0.2.1 5000 relay",
		"candidate:1 1 udp 1 192.0.2.1 5000 typ",
		"candidate:1 1 udp 1 192.0.2.1",
		"candidate:1 1 averylongtransporttoken 1 192.0.2.1 5000 typ relay",
		"candidate:1\t1\tudp\t1\t192.0.2.1\t5000\ttyp\trelay",
	};
	static char huge[ATTRIBUTION_CANDIDATE_MAX + 64];
	struct address a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(&a, bad[i]) == -EINVAL, "%s", bad[i]);
	memset(huge, 'x', sizeof(huge) - 1);
	memcpy(huge, "candidate:1 1 udp 1 192.0.2.1 5000 typ relay ", 45);
	ck_assert_int_eq(parse(&a, huge), -EINVAL);
	huge[ATTRIBUTION_CANDIDATE_MAX] = '\0';
	ck_assert_int_eq(parse(&a, huge), 0);
}
END_TEST

START_TEST(a_candidate_cut_anywhere_is_read_within_its_bytes)
{
	static const char whole[] =
		"a=candidate:1 1 udp 1 2001:db8::1 5000 typ relay raddr :: rport 0";

	for (size_t n = 0; n < sizeof(whole); n++) {
		char *cut = malloc(n ? n : 1); /* so that a read past the end is seen */
		struct address a;
		int ret;

		memcpy(cut, whole, n);
		ret = attribution_candidate_parse(&a, cut, n);
		ck_assert(ret == 0 || ret == -ENOENT || ret == -EINVAL);
		free(cut);
	}
}
END_TEST

START_TEST(a_candidate_claims_only_what_is_the_members)
{
	struct address here = ip("192.0.2.1"), mapped = ip("::ffff:192.0.2.1"),
		       there = ip("192.0.2.2");
	const struct {
		const char *why;
		struct attribution_claim c;
		bool allowed;
	} t[] = {
		{ "own name", { .user = "alice", .member = "alice" }, true },
		{ "a stranger's name", { .user = "bob", .member = "alice" }, false },
		{ "a stranger's name from the same address",
		  { .user = "bob", .member = "alice", .client = &here, .signals = &here },
		  false },
		{ "no user in the name", { .user = "", .member = "" }, false },
		{ "shared, same address",
		  { .shared = true,
		    .user = "app",
		    .member = "alice",
		    .client = &here,
		    .signals = &mapped },
		  true },
		{ "shared, other address",
		  { .shared = true,
		    .user = "app",
		    .member = "alice",
		    .client = &here,
		    .signals = &there },
		  false },
		{ "shared, and called like the member",
		  { .shared = true,
		    .user = "app",
		    .member = "app",
		    .client = &here,
		    .signals = &there },
		  false },
		{ "shared, address unknown",
		  { .shared = true, .user = "app", .member = "alice", .client = &here },
		  false },
		{ "only says to be the member", { .user = "~7", .member = "7" }, false },
		{ "names a call",
		  { .names_a_call = true, .user = "alice", .member = "alice" },
		  false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_msg(attribution_candidate_allowed(&t[i].c) == t[i].allowed, "%s",
			      t[i].why);
}
END_TEST

START_TEST(only_a_stronger_rule_replaces)
{
	for (int claim = ATTRIBUTION_NONE; claim <= ATTRIBUTION_NAME; claim++)
		for (int standing = ATTRIBUTION_NONE; standing <= ATTRIBUTION_NAME; standing++)
			ck_assert_int_eq(attribution_replaces(claim, standing), claim > standing);
	ck_assert_str_eq(attribution_rule_name(ATTRIBUTION_NAME), "name");
	ck_assert_str_eq(attribution_rule_name(ATTRIBUTION_CANDIDATE), "candidate");
	ck_assert_str_eq(attribution_rule_name(ATTRIBUTION_USER), "user");
	ck_assert_ptr_null(attribution_rule_name(ATTRIBUTION_NONE));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("attribution");
	TCase *tc = tcase_create("all");

	suite_add_tcase(s, tc);
	tcase_add_test(tc, spellings_of_one_address_are_one_address);
	tcase_add_test(tc, what_is_no_address_is_refused);
	tcase_add_test(tc, address_and_port_are_read);
	tcase_add_test(tc, relay_candidates_of_browsers_are_read);
	tcase_add_test(tc, candidates_that_name_no_relay_say_nothing);
	tcase_add_test(tc, what_is_no_candidate_is_refused);
	tcase_add_test(tc, a_candidate_cut_anywhere_is_read_within_its_bytes);
	tcase_add_test(tc, a_candidate_claims_only_what_is_the_members);
	tcase_add_test(tc, only_a_stronger_rule_replaces);
	return run_suite(s);
}
