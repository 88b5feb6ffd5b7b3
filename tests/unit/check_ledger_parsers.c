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

#include "ns_turn_ioaddr.h"
#include "ns_turn_msg.h"
#include "run_suite.h"

#ifdef LEDGER_STOCK
/* What stock asks where ours asks the other. */
#define ioa_addr_range_covers ioa_addr_in_range
#endif

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

#define N(table) (int)(sizeof(table) / sizeof((table)[0]))

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

int main(void)
{
	Suite *s = suite_create("ledger_parsers");

	suite_add_tcase(s, addresses());
	return run_suite(s);
}
