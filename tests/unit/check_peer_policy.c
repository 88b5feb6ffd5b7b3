/* check_peer_policy.c - which peers coturn-ext/peer_policy.h and own_addresses.h let through
 *
 * The ranges are told here once more, as first and last address in text; what lies just outside
 * must be the range that is expected there. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "run_suite.h"

#include "own_addresses.h"
#include "peer_policy.h"

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))
#define MIN_PORT 40000
#define MAX_PORT 40999
#define PUBLIC 0

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address at(const char *text, uint16_t port)
{
	union address a = { .v6.sin6_port = htons(port) }; /* both have it in the same place */

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.sa.sa_family = AF_INET;
	} else {
		ck_assert_msg(inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1, "%s", text);
		a.sa.sa_family = AF_INET6;
	}
	return a;
}

static unsigned ranges_of(const char *text)
{
	union address a = at(text, 0);

	return peer_ranges(&a.sa);
}

/* --- ranges -------------------------------------------------------------------- */

static const struct {
	const char *before, *first, *last, *after; /* NULL: there is none */
	unsigned outside_before, range, outside_after;
} blocks[] = {
	{ NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0", 0, PEER_RESERVED, PUBLIC },
	{ "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", PUBLIC, PEER_PRIVATE, PUBLIC },
	{ "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0", PUBLIC, PEER_SHARED,
	  PUBLIC },
	{ "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0", PUBLIC, PEER_LOOPBACK,
	  PUBLIC },
	{ "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0", PUBLIC,
	  PEER_LINK_LOCAL, PUBLIC },
	{ "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", PUBLIC, PEER_PRIVATE,
	  PUBLIC },
	{ "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0", PUBLIC, PEER_RESERVED,
	  PUBLIC },
	{ "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0", PUBLIC, PEER_RESERVED, PUBLIC },
	{ "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0", PUBLIC, PEER_RESERVED,
	  PUBLIC },
	{ "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", PUBLIC, PEER_PRIVATE,
	  PUBLIC },
	{ "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0", PUBLIC, PEER_RESERVED,
	  PUBLIC },
	{ "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", PUBLIC, PEER_RESERVED,
	  PUBLIC },
	{ "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", PUBLIC, PEER_RESERVED,
	  PUBLIC },
	{ "223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", PUBLIC, PEER_MULTICAST,
	  PEER_RESERVED },
	{ "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255", PEER_MULTICAST,
	  PEER_RESERVED, PEER_BROADCAST },
	{ "255.255.255.254", "255.255.255.255", "255.255.255.255", NULL, PEER_RESERVED,
	  PEER_BROADCAST, 0 },
	/* clouds' services */
	{ "169.254.0.22", "169.254.0.23", "169.254.0.23", "169.254.0.24", PEER_LINK_LOCAL,
	  PEER_METADATA, PEER_LINK_LOCAL },
	{ "169.254.42.41", "169.254.42.42", "169.254.42.42", "169.254.42.43", PEER_LINK_LOCAL,
	  PEER_METADATA, PEER_LINK_LOCAL },
	{ "169.254.169.252", "169.254.169.253", "169.254.169.254", "169.254.169.255",
	  PEER_LINK_LOCAL, PEER_METADATA, PEER_LINK_LOCAL },
	{ "169.254.170.1", "169.254.170.2", "169.254.170.2", "169.254.170.3", PEER_LINK_LOCAL,
	  PEER_METADATA, PEER_LINK_LOCAL },
	{ "169.254.170.22", "169.254.170.23", "169.254.170.23", "169.254.170.24", PEER_LINK_LOCAL,
	  PEER_METADATA, PEER_LINK_LOCAL },
	{ "100.100.100.199", "100.100.100.200", "100.100.100.200", "100.100.100.201", PEER_SHARED,
	  PEER_METADATA, PEER_SHARED },
	{ "168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17", PUBLIC, PEER_METADATA,
	  PUBLIC },
	{ "192.0.0.191", "192.0.0.192", "192.0.0.192", "192.0.0.193", PEER_RESERVED, PEER_METADATA,
	  PEER_RESERVED },
	/* IPv6 */
	{ NULL, "::", "::", "::1", 0, PEER_RESERVED, PEER_LOOPBACK },
	{ "::", "::1", "::1", "::2", PEER_RESERVED, PEER_LOOPBACK, PEER_RESERVED },
	{ "::fffe:ffff:ffff:ffff", "::ffff:1.0.0.0", "::ffff:9.255.255.255", "::ffff:10.0.0.0",
	  PEER_RESERVED, PUBLIC, PEER_PRIVATE },
	{ "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::1.0.0.0", "64:ff9b::9.255.255.255",
	  "64:ff9b::10.0.0.0", PEER_RESERVED, PUBLIC, PEER_PRIVATE },
	{ "64:ff9b::223.255.255.255", "64:ff9b::1:0:0", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
	  "64:ff9b:2::", PUBLIC, PEER_RESERVED, PEER_RESERVED },
	{ "ff::", "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::", PEER_RESERVED, PEER_RESERVED,
	  PEER_RESERVED },
	{ "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", PEER_RESERVED, PUBLIC,
	  PEER_RESERVED },
	{ "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::",
	  "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::", PUBLIC, PEER_RESERVED, PUBLIC },
	{ "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::",
	  "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", PUBLIC, PEER_RESERVED, PUBLIC },
	{ "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2002:101:101::", "2002:909:909::", "2003::", PUBLIC, PEER_RESERVED, PUBLIC },
	{ "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::",
	  "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", PUBLIC, PEER_RESERVED, PUBLIC },
	{ "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", PUBLIC, PEER_RESERVED,
	  PEER_PRIVATE },
	{ "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::", PEER_RESERVED,
	  PEER_PRIVATE, PEER_RESERVED },
	{ "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", PEER_RESERVED,
	  PEER_LINK_LOCAL, PEER_PRIVATE },
	{ "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::", PEER_LINK_LOCAL,
	  PEER_PRIVATE, PEER_MULTICAST },
	{ "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, PEER_PRIVATE, PEER_MULTICAST, 0 },
	{ "fd00:ec2::253", "fd00:ec2::254", "fd00:ec2::254", "fd00:ec2::255", PEER_PRIVATE,
	  PEER_METADATA, PEER_PRIVATE },
	{ "fd00:ec2::52", "fd00:ec2::53", "fd00:ec2::53", "fd00:ec2::54", PEER_PRIVATE,
	  PEER_METADATA, PEER_PRIVATE },
	{ "fd00:ec2::22", "fd00:ec2::23", "fd00:ec2::23", "fd00:ec2::24", PEER_PRIVATE,
	  PEER_METADATA, PEER_PRIVATE },
	{ "fd20:ce::253", "fd20:ce::254", "fd20:ce::254", "fd20:ce::255", PEER_PRIVATE,
	  PEER_METADATA, PEER_PRIVATE },
	{ "fd00:42::41", "fd00:42::42", "fd00:42::42", "fd00:42::43", PEER_PRIVATE, PEER_METADATA,
	  PEER_PRIVATE },
	{ "fd00:c1::a9fe:a9fd", "fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9ff",
	  PEER_PRIVATE, PEER_METADATA, PEER_PRIVATE },
	{ "fe80::a9fe:a9fd", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe", "fe80::a9fe:a9ff",
	  PEER_LINK_LOCAL, PEER_METADATA, PEER_LINK_LOCAL },
};

START_TEST(a_block_has_its_range_from_the_first_to_the_last_address)
{
	ck_assert_msg(ranges_of(blocks[_i].first) == blocks[_i].range, "%s", blocks[_i].first);
	ck_assert_msg(ranges_of(blocks[_i].last) == blocks[_i].range, "%s", blocks[_i].last);
}
END_TEST

START_TEST(what_lies_beside_a_block_is_not_in_it)
{
	if (blocks[_i].before)
		ck_assert_msg(ranges_of(blocks[_i].before) == blocks[_i].outside_before, "%s: %x",
			      blocks[_i].before, ranges_of(blocks[_i].before));
	if (blocks[_i].after)
		ck_assert_msg(ranges_of(blocks[_i].after) == blocks[_i].outside_after, "%s: %x",
			      blocks[_i].after, ranges_of(blocks[_i].after));
}
END_TEST

static const struct {
	const char *text;
	unsigned ranges;
} embedded[] = {
	{ "::ffff:127.0.0.1", PEER_LOOPBACK },
	{ "::ffff:169.254.169.254", PEER_METADATA },
	{ "::ffff:203.0.113.9", PEER_RESERVED },
	{ "::ffff:8.8.8.8", PUBLIC },
	{ "64:ff9b::10.0.0.1", PEER_PRIVATE },
	{ "64:ff9b::169.254.169.254", PEER_METADATA },
	{ "64:ff9b::8.8.8.8", PUBLIC },
	/* these two are reserved whatever is inside, and that counts as well */
	{ "2002:7f00:1::", PEER_RESERVED | PEER_LOOPBACK },
	{ "2002:a9fe:a9fe::1", PEER_RESERVED | PEER_METADATA },
	{ "2002:808:808::", PEER_RESERVED },
	{ "::10.0.0.1", PEER_RESERVED | PEER_PRIVATE },
	{ "::8.8.8.8", PEER_RESERVED },
	{ "::ffff:0:127.0.0.1", PEER_RESERVED | PEER_LOOPBACK },
};

START_TEST(the_address_inside_an_address_counts)
{
	ck_assert_msg(ranges_of(embedded[_i].text) == embedded[_i].ranges, "%s: %x",
		      embedded[_i].text, ranges_of(embedded[_i].text));
}
END_TEST

START_TEST(an_unknown_family_is_reserved)
{
	const struct sockaddr a = { .sa_family = AF_UNIX };

	ck_assert_uint_eq(peer_ranges(&a), PEER_RESERVED);
}
END_TEST

/* --- names ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned range;
} names[] = {
	{ "loopback", PEER_LOOPBACK },	 { "private", PEER_PRIVATE },
	{ "shared", PEER_SHARED },	 { "link-local", PEER_LINK_LOCAL },
	{ "metadata", PEER_METADATA },	 { "multicast", PEER_MULTICAST },
	{ "broadcast", PEER_BROADCAST }, { "reserved", PEER_RESERVED },
	{ "own-ports", PEER_OWN_PORTS },
};

START_TEST(each_range_is_allowed_by_its_name)
{
	unsigned allowed = 0;
	const char *bad;
	int bytes;

	ck_assert_int_eq(peer_allow(&allowed, names[_i].name, &bad, &bytes), 0);
	ck_assert_uint_eq(allowed, names[_i].range);
}
END_TEST

START_TEST(names_add_up)
{
	unsigned allowed = PEER_MULTICAST;
	const char *bad;
	int bytes;

	ck_assert_int_eq(peer_allow(&allowed, "private,own-ports,private", &bad, &bytes), 0);
	ck_assert_uint_eq(allowed, PEER_MULTICAST | PEER_PRIVATE | PEER_OWN_PORTS);
}
END_TEST

static const struct {
	const char *list, *bad;
} mistakes[] = {
	{ "privat", "privat" },
	{ "private,", "" },
	{ "", "" },
	{ "private,Loopback", "Loopback" },
	{ ",private", "" },
	{ "private loopback", "private loopback" },
	{ "privatee", "privatee" },
};

START_TEST(an_unknown_name_is_named_and_nothing_is_allowed)
{
	unsigned allowed = 0;
	const char *bad;
	int bytes;

	ck_assert_int_eq(peer_allow(&allowed, mistakes[_i].list, &bad, &bytes), -EINVAL);
	ck_assert_int_eq(bytes, (int)strlen(mistakes[_i].bad));
	ck_assert_int_eq(strncmp(bad, mistakes[_i].bad, (size_t)bytes), 0);
	ck_assert_uint_eq(allowed, 0);
}
END_TEST

/* --- verdicts ------------------------------------------------------------------- */

static struct own_addresses *own;

static void add(const char *text, enum own_kind kind)
{
	union address a = at(text, 0);

	ck_assert_int_eq(own_addresses_add(own, &a.sa, kind), 0);
}

static void set_up(void)
{
	own = own_addresses_new();
	ck_assert_ptr_nonnull(own);
	add("192.168.7.1", OWN_RELAY); /* behind external-ip */
	add("198.41.0.4", OWN_RELAY);  /* its public side */
	add("2a00:1450::7", OWN_RELAY);
	add("127.0.0.1", OWN_LOCAL);
	add("10.1.1.1", OWN_LOCAL);	/* another interface */
	add("193.0.14.129", OWN_LOCAL); /* and a public one */
}

static void tear_down(void)
{
	own_addresses_free(own);
}

static enum peer_verdict check(unsigned allowed, const char *text, uint16_t port,
			       enum peer_listed listed)
{
	const struct peer_policy p = { allowed, MIN_PORT, MAX_PORT };
	union address a = at(text, port);

	return peer_check(&p, own, &a.sa, listed);
}

static const struct {
	const char *text;
	enum peer_verdict permission, low, first, last, high; /* ports */
} at_own[] = {
#define RELAY_PORTS PEER_ALLOWED, PEER_DENIED_PORT, PEER_ALLOWED, PEER_ALLOWED, PEER_DENIED_PORT
#define NONE PEER_DENIED, PEER_DENIED, PEER_DENIED, PEER_DENIED, PEER_DENIED
#define ALL PEER_ALLOWED, PEER_ALLOWED, PEER_ALLOWED, PEER_ALLOWED, PEER_ALLOWED
	{ "192.168.7.1", RELAY_PORTS },
	{ "198.41.0.4", RELAY_PORTS },
	{ "2a00:1450::7", RELAY_PORTS },
	{ "::ffff:192.168.7.1", RELAY_PORTS },
	{ "::ffff:198.41.0.4", RELAY_PORTS },
	{ "193.0.14.129", RELAY_PORTS },	/* as its range says, but for the ports */
	{ "64:ff9b::198.41.0.4", RELAY_PORTS }, /* perhaps it comes back to us */
	{ "10.1.1.1", NONE },
	{ "127.0.0.1", NONE },
	{ "64:ff9b::192.168.7.1", NONE },
	{ "2002:c0a8:701::", NONE },
	{ "192.168.7.2", NONE },
	{ "198.41.0.5", ALL },
};

START_TEST(own_addresses_are_reached_at_relay_ports_alone)
{
	const char *text = at_own[_i].text;

	ck_assert_int_eq(check(0, text, 0, PEER_NOT_LISTED), at_own[_i].permission);
	ck_assert_int_eq(check(0, text, MIN_PORT - 1, PEER_NOT_LISTED), at_own[_i].low);
	ck_assert_int_eq(check(0, text, MIN_PORT, PEER_NOT_LISTED), at_own[_i].first);
	ck_assert_int_eq(check(0, text, MAX_PORT, PEER_NOT_LISTED), at_own[_i].last);
	ck_assert_int_eq(check(0, text, MAX_PORT + 1, PEER_NOT_LISTED), at_own[_i].high);
}
END_TEST

START_TEST(the_list_of_allowed_opens_no_other_port_of_an_own_address)
{
	ck_assert_int_eq(check(0, "192.168.7.1", 53, PEER_LISTED_ALLOWED), PEER_DENIED_PORT);
	ck_assert_int_eq(check(0, "10.1.1.1", 53, PEER_LISTED_ALLOWED), PEER_DENIED_PORT);
	ck_assert_int_eq(check(0, "10.1.1.1", MIN_PORT, PEER_LISTED_ALLOWED), PEER_ALLOWED);
	ck_assert_int_eq(check(PEER_RESERVED, "2002:c0a8:701::", 53, PEER_LISTED_ALLOWED),
			 PEER_DENIED_PORT);
	ck_assert_int_eq(check(PEER_OWN_PORTS, "192.168.7.1", 53, PEER_LISTED_ALLOWED),
			 PEER_ALLOWED);
}
END_TEST

START_TEST(own_ports_opens_ports_and_no_range)
{
	ck_assert_int_eq(check(PEER_OWN_PORTS, "192.168.7.1", 53, PEER_NOT_LISTED), PEER_ALLOWED);
	ck_assert_int_eq(check(PEER_OWN_PORTS, "10.1.1.1", 53, PEER_NOT_LISTED), PEER_DENIED);
	ck_assert_int_eq(check(PEER_OWN_PORTS, "192.168.7.2", 53, PEER_NOT_LISTED), PEER_DENIED);
}
END_TEST

START_TEST(the_list_of_denied_goes_before_all)
{
	ck_assert_int_eq(check(PEER_PRIVATE, "192.168.7.1", MIN_PORT, PEER_LISTED_DENIED),
			 PEER_DENIED);
	ck_assert_int_eq(check(0, "8.8.8.8", 53, PEER_LISTED_DENIED), PEER_DENIED);
}
END_TEST

START_TEST(the_list_of_allowed_opens_every_range)
{
	static const char *const texts[] = { "127.0.0.2",	"10.0.0.1",  "100.64.0.1",
					     "169.254.1.1",	"224.0.0.1", "169.254.169.254",
					     "255.255.255.255", "240.0.0.1", "fe80::1" };

	for (int i = 0; i < COUNT(texts); i++) {
		ck_assert_int_eq(check(0, texts[i], 53, PEER_NOT_LISTED), PEER_DENIED);
		ck_assert_int_eq(check(0, texts[i], 53, PEER_LISTED_ALLOWED), PEER_ALLOWED);
	}
}
END_TEST

START_TEST(a_name_opens_its_range_and_no_other)
{
	static const char *const texts[] = { "127.0.0.2",	"10.0.0.1",	   "100.64.0.1",
					     "169.254.1.1",	"169.254.169.254", "224.0.0.1",
					     "255.255.255.255", "240.0.0.1" };

	for (int i = 0; i < COUNT(texts); i++)
		for (int j = 0; j < COUNT(texts); j++)
			ck_assert_int_eq(check(names[i].range, texts[j], 53, PEER_NOT_LISTED),
					 i == j ? PEER_ALLOWED : PEER_DENIED);
}
END_TEST

START_TEST(all_ranges_of_an_address_must_be_allowed)
{
	ck_assert_int_eq(check(PEER_RESERVED, "2002:a00:1::", 53, PEER_NOT_LISTED), PEER_DENIED);
	ck_assert_int_eq(check(PEER_PRIVATE, "2002:a00:1::", 53, PEER_NOT_LISTED), PEER_DENIED);
	ck_assert_int_eq(check(PEER_PRIVATE | PEER_RESERVED, "2002:a00:1::", 53, PEER_NOT_LISTED),
			 PEER_ALLOWED);
}
END_TEST

START_TEST(who_allows_loopback_opens_its_ports)
{
	ck_assert_int_eq(check(PEER_LOOPBACK, "127.0.0.1", 53, PEER_NOT_LISTED), PEER_ALLOWED);
	ck_assert_int_eq(check(PEER_LOOPBACK, "::ffff:127.0.0.1", 53, PEER_NOT_LISTED),
			 PEER_ALLOWED);
	ck_assert_int_eq(check(PEER_LOOPBACK, "192.168.7.1", 53, PEER_NOT_LISTED),
			 PEER_DENIED_PORT);
}
END_TEST

START_TEST(relays_on_loopback_meet_though_loopback_is_not_allowed)
{
	add("127.0.0.1", OWN_RELAY);
	ck_assert_int_eq(check(0, "127.0.0.1", MIN_PORT, PEER_LISTED_LOOPBACK), PEER_ALLOWED);
	ck_assert_int_eq(check(0, "127.0.0.1", 53, PEER_LISTED_LOOPBACK), PEER_DENIED_PORT);
	ck_assert_int_eq(check(0, "127.0.0.2", MIN_PORT, PEER_LISTED_LOOPBACK), PEER_DENIED);
	ck_assert_int_eq(check(0, "127.0.0.2", MIN_PORT, PEER_NOT_LISTED), PEER_DENIED);
}
END_TEST

/* More than we know may be loopback to coturn. */
START_TEST(what_coturn_takes_for_loopback_is_loopback)
{
	ck_assert_int_eq(check(0, "8.8.8.8", 53, PEER_LISTED_LOOPBACK), PEER_DENIED);
	ck_assert_int_eq(check(PEER_LOOPBACK, "8.8.8.8", 53, PEER_LISTED_LOOPBACK), PEER_ALLOWED);
}
END_TEST

START_TEST(a_permission_knows_whether_its_ports_matter)
{
	const struct peer_policy p = { 0, MIN_PORT, MAX_PORT },
				 open = { PEER_OWN_PORTS, MIN_PORT, MAX_PORT };
	union address own_one = at("192.168.7.1", 0), other = at("8.8.8.8", 0);

	ck_assert(peer_has_own_ports(&p, own, &own_one.sa));
	ck_assert(!peer_has_own_ports(&p, own, &other.sa));
	ck_assert(!peer_has_own_ports(&open, own, &own_one.sa));
}
END_TEST

/* --- the set of own addresses ----------------------------------------------------- */

static enum own_kind find(const char *text)
{
	union address a = at(text, 7);

	return own_addresses_find(own, &a.sa);
}

START_TEST(an_address_is_found_in_either_form)
{
	ck_assert_int_eq(find("192.168.7.1"), OWN_RELAY);
	ck_assert_int_eq(find("::ffff:192.168.7.1"), OWN_RELAY);
	ck_assert_int_eq(find("10.1.1.1"), OWN_LOCAL);
	ck_assert_int_eq(find("10.1.1.2"), OWN_NOT);
	ck_assert_int_eq(find("::192.168.7.1"), OWN_NOT);
}
END_TEST

START_TEST(the_higher_kind_stays)
{
	add("10.1.1.1", OWN_RELAY);
	ck_assert_int_eq(find("10.1.1.1"), OWN_RELAY);
	add("10.1.1.1", OWN_LOCAL);
	ck_assert_int_eq(find("10.1.1.1"), OWN_RELAY);
}
END_TEST

START_TEST(other_families_are_left_out)
{
	const struct sockaddr a = { .sa_family = AF_UNIX };

	ck_assert_int_eq(own_addresses_add(own, &a, OWN_RELAY), 0);
	ck_assert_int_eq(own_addresses_find(own, &a), OWN_NOT);
}
END_TEST

START_TEST(a_full_set_refuses_and_keeps_what_it_has)
{
	struct own_addresses *full = own_addresses_new();
	union address a = at("2a00::", 0);

	for (int i = 0; i < OWN_ADDRESSES_MAX; i++) {
		a.v6.sin6_addr.s6_addr[8] = (uint8_t)(i * 7); /* in no order */
		a.v6.sin6_addr.s6_addr[9] = (uint8_t)(i >> 8);
		a.v6.sin6_addr.s6_addr[10] = (uint8_t)i;
		ck_assert_int_eq(own_addresses_add(full, &a.sa, OWN_LOCAL), 0);
	}
	ck_assert_int_eq(own_addresses_add(full, &a.sa, OWN_RELAY), 0);
	ck_assert_int_eq(own_addresses_find(full, &a.sa), OWN_RELAY);
	a = at("2a01::", 0);
	ck_assert_int_eq(own_addresses_add(full, &a.sa, OWN_RELAY), -ENOSPC);
	ck_assert_int_eq(own_addresses_find(full, &a.sa), OWN_NOT);
	own_addresses_free(full);
}
END_TEST

START_TEST(sets_are_compared_by_what_is_in_them)
{
	struct own_addresses *other = own_addresses_new();
	union address a = at("10.1.1.1", 5), b = at("10.1.1.2", 5);

	ck_assert(!own_addresses_same(own, other));
	own_addresses_free(own);
	own = own_addresses_new();
	ck_assert(own_addresses_same(own, other));
	own_addresses_add(own, &a.sa, OWN_LOCAL);
	own_addresses_add(own, &b.sa, OWN_LOCAL);
	own_addresses_add(other, &b.sa, OWN_LOCAL);
	own_addresses_add(other, &a.sa, OWN_LOCAL);
	ck_assert(own_addresses_same(own, other));
	own_addresses_add(other, &a.sa, OWN_RELAY);
	ck_assert(!own_addresses_same(own, other));
	own_addresses_free(other);
}
END_TEST

static TCase *with_own(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	suite_add_tcase(s, tc);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("peer policy");
	TCase *tc = tcase_create("ranges");

	tcase_add_loop_test(tc, a_block_has_its_range_from_the_first_to_the_last_address, 0,
			    COUNT(blocks));
	tcase_add_loop_test(tc, what_lies_beside_a_block_is_not_in_it, 0, COUNT(blocks));
	tcase_add_loop_test(tc, the_address_inside_an_address_counts, 0, COUNT(embedded));
	tcase_add_test(tc, an_unknown_family_is_reserved);
	tcase_add_loop_test(tc, each_range_is_allowed_by_its_name, 0, COUNT(names));
	tcase_add_test(tc, names_add_up);
	tcase_add_loop_test(tc, an_unknown_name_is_named_and_nothing_is_allowed, 0,
			    COUNT(mistakes));
	suite_add_tcase(s, tc);
	tc = with_own(s, "verdicts");
	tcase_add_loop_test(tc, own_addresses_are_reached_at_relay_ports_alone, 0, COUNT(at_own));
	tcase_add_test(tc, the_list_of_allowed_opens_no_other_port_of_an_own_address);
	tcase_add_test(tc, own_ports_opens_ports_and_no_range);
	tcase_add_test(tc, the_list_of_denied_goes_before_all);
	tcase_add_test(tc, the_list_of_allowed_opens_every_range);
	tcase_add_test(tc, a_name_opens_its_range_and_no_other);
	tcase_add_test(tc, all_ranges_of_an_address_must_be_allowed);
	tcase_add_test(tc, who_allows_loopback_opens_its_ports);
	tcase_add_test(tc, relays_on_loopback_meet_though_loopback_is_not_allowed);
	tcase_add_test(tc, what_coturn_takes_for_loopback_is_loopback);
	tcase_add_test(tc, a_permission_knows_whether_its_ports_matter);
	tc = with_own(s, "own addresses");
	tcase_add_test(tc, an_address_is_found_in_either_form);
	tcase_add_test(tc, the_higher_kind_stays);
	tcase_add_test(tc, other_families_are_left_out);
	tcase_add_test(tc, a_full_set_refuses_and_keeps_what_it_has);
	tcase_add_test(tc, sets_are_compared_by_what_is_in_them);
	return run_suite(s);
}
