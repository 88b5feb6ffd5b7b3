/* check_peer_ranges.c - what turnserver.conf.in denies, as coturn's own code understands it
 *
 * coturn compares IPv6 addresses byte by byte and takes a range that begins at "::" for one without
 * a lower end, so a list that reads well may deny too much or too little. Here its functions
 * decide. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ns_turn_ioaddr.h"
#include "run_suite.h"

#define RANGES_MAX 64
#define KEY "denied-peer-ip="

static ioa_addr_range ranges[RANGES_MAX];
static size_t ranges_n;

static void parse(const char *text, ioa_addr *a)
{
	memset(a, 0, sizeof(*a));
	ck_assert_msg(make_ioa_addr((const uint8_t *)text, 0, a) == 0, "coturn does not read %s",
		      text);
}

static void add_range(char *text)
{
	char *last = strchr(text, '-');
	ioa_addr min, max;

	if (last)
		*last++ = '\0';
	parse(text, &min);
	parse(last ? last : text, &max);
	ck_assert_uint_lt(ranges_n, RANGES_MAX);
	ioa_addr_range_set(&ranges[ranges_n++], &min, &max);
}

static void read_template(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/turnserver.conf.in", srcdir ? srcdir : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	ranges_n = 0;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, KEY, strlen(KEY)) == 0)
			add_range(line + strlen(KEY));
	}
	fclose(f);
	ck_assert_uint_gt(ranges_n, 0);
}

static bool denied(const char *text)
{
	ioa_addr a;

	parse(text, &a);
	for (size_t i = 0; i < ranges_n; i++)
		if (ioa_addr_in_range(&ranges[i], &a))
			return true;
	return false;
}

static const char *const private_addresses[] = {
	"0.0.0.1",
	"10.0.0.0",
	"10.9.9.9",
	"10.255.255.255",
	"100.64.0.1",
	"100.127.255.255",
	"127.0.0.1",
	"127.255.255.255",
	"169.254.169.254",
	"172.16.0.1",
	"172.31.255.255",
	"192.0.0.8",
	"192.0.2.1",
	"192.88.99.1",
	"192.168.0.0",
	"192.168.255.255",
	"198.18.0.1",
	"198.19.255.255",
	"198.51.100.7",
	"203.0.113.7",
	"240.0.0.1",
	"255.255.255.255",
	"::1",
	"::127.0.0.1",
	"::10.0.0.0",
	"::ffff:0.0.0.0",
	"::ffff:10.0.0.0",
	"::ffff:127.0.0.1",
	"::ffff:192.168.1.1",
	"64:ff9b::10.0.0.1",
	"64:ff9b:1::1",
	"100::1",
	"2001::1",
	"2001:db8::1",
	"2002:a00:1::",
	"2002:7f00:1::1",
	"fc00::",
	"fd12:3456::1",
	"fe80::1",
	"febf:ffff::1",
};

static const char *const public_addresses[] = {
	"1.1.1.1",	     "8.8.8.8",		"9.255.255.255",	"11.0.0.0",
	"100.63.255.255",    "100.128.0.0",	"172.15.255.255",	"172.32.0.0",
	"192.0.1.0",	     "192.167.255.255", "192.169.0.0",		"198.17.255.255",
	"198.20.0.0",	     "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111",
	"2a00:1450:4001::1", "2003::1",		"2400:cb00::1",
};

START_TEST(addresses_that_are_not_the_public_internet_are_denied)
{
	read_template();
	ck_assert_msg(denied(private_addresses[_i]), "%s", private_addresses[_i]);
}
END_TEST

START_TEST(public_addresses_are_not_denied)
{
	read_template();
	ck_assert_msg(!denied(public_addresses[_i]), "%s", public_addresses[_i]);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("peer ranges");
	TCase *tc = tcase_create("turnserver.conf.in");

	tcase_add_loop_test(tc, addresses_that_are_not_the_public_internet_are_denied, 0,
			    COUNT(private_addresses));
	tcase_add_loop_test(tc, public_addresses_are_not_denied, 0, COUNT(public_addresses));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
