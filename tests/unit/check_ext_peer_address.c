/* check_ext_peer_address.c - which IPv4 address is inside an IPv6 address */
#include <arpa/inet.h>
#include <check.h>

#include "peer_address.h"
#include "run_suite.h"

/* clang-format off */
static const struct {
	const char *v6, *v4; /* v4 NULL: none inside */
} cases[] = {
	{ "::ffff:127.0.0.1", "127.0.0.1" },
	{ "::ffff:0.0.0.0", "0.0.0.0" },
	{ "::ffff:255.255.255.255", "255.255.255.255" },
	{ "::127.0.0.1", "127.0.0.1" },
	{ "::2", "0.0.0.2" },
	{ "::10.0.0.0", "10.0.0.0" },
	{ "::1.0.0.1", "1.0.0.1" },
	{ "::ffff:0:10.1.2.3", "10.1.2.3" },
	{ "2002:7f00:1::", "127.0.0.1" },
	{ "2002:a9fe:a9fe:1:2:3:4:5", "169.254.169.254" },
	{ "64:ff9b::10.0.0.1", "10.0.0.1" },
	{ "64:ff9b::", "0.0.0.0" },
	/* Each prefix, but for its last bit. */
	{ "::fffe:127.0.0.1", NULL },
	{ "::1:0:127.0.0.1", NULL },
	{ "::fffe:0:10.1.2.3", NULL },
	{ "2003:7f00:1::", NULL },
	{ "64:ff9a::10.0.0.1", NULL },
	{ "64:ff9b::1:10.0.0.1", NULL },
	{ "64:ff9b:1::10.0.0.1", NULL },
	{ "::", NULL },
	{ "::1", NULL },
	{ "fe80::1", NULL },
	{ "fc00::7f00:1", NULL },
	{ "2001:db8::127.0.0.1", NULL },
	{ "ff02::1", NULL },
};
/* clang-format on */

START_TEST(the_ipv4_address_inside_is_found_and_no_other)
{
	struct in_addr v4 = { .s_addr = htonl(0x01020304) }, want = v4;
	struct in6_addr v6;

	ck_assert_int_eq(inet_pton(AF_INET6, cases[_i].v6, &v6), 1);
	if (cases[_i].v4)
		ck_assert_int_eq(inet_pton(AF_INET, cases[_i].v4, &want), 1);
	ck_assert_msg(peer_address_v4_inside(&v6, &v4) == (cases[_i].v4 != NULL), "%s",
		      cases[_i].v6);
	ck_assert_msg(v4.s_addr == want.s_addr, "%s: %s", cases[_i].v6, inet_ntoa(v4));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer_address");
	TCase *t = tcase_create("peer_address");

	tcase_add_loop_test(t, the_ipv4_address_inside_is_found_and_no_other, 0,
			    (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(s, t);
	return run_suite(s);
}
