/* check_proxy_header.c - PROXY protocol, both versions, in portions of any size */
#include "transport/proxy_header.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_N 12

/* Feed it in portions of step; the header must end where told, and nowhere else. */
static struct proxy_header fed(const void *p, size_t n, size_t step, size_t *used)
{
	struct proxy_header h;
	size_t at = 0;

	proxy_header_init(&h);
	while (at < n && h.state == PROXY_MORE) {
		size_t portion = n - at < step ? n - at : step;
		uint8_t *exact = malloc(portion);
		size_t taken;

		memcpy(exact, (const uint8_t *)p + at, portion);
		taken = proxy_header_take(&h, exact, portion);
		free(exact);
		ck_assert(taken == portion || h.state != PROXY_MORE);
		at += taken;
	}
	*used = at;
	ck_assert_uint_eq(proxy_header_take(&h, "x", h.state != PROXY_MORE), 0);
	return h;
}

static const char *client(const struct proxy_header *h)
{
	static char text[INET6_ADDRSTRLEN + 16];
	char host[INET6_ADDRSTRLEN];

	if (!h->named)
		return "nobody";
	if (h->client.sa.sa_family == AF_INET)
		snprintf(text, sizeof(text), "%s %u",
			 inet_ntop(AF_INET, &h->client.v4.sin_addr, host, sizeof(host)),
			 ntohs(h->client.v4.sin_port));
	else
		snprintf(text, sizeof(text), "%s %u",
			 inet_ntop(AF_INET6, &h->client.v6.sin6_addr, host, sizeof(host)),
			 ntohs(h->client.v6.sin6_port));
	return text;
}

/* Whole, byte by byte, and in threes: the same. */
static void must_say(const void *p, size_t n, size_t behind, const char *who)
{
	static const size_t steps[] = { 65536, 1, 3 };
	size_t i, used;

	for (i = 0; i < 3; i++) {
		struct proxy_header h = fed(p, n + behind, steps[i], &used);

		ck_assert_msg(h.state == (who ? PROXY_DONE : PROXY_BAD), "\"%s\" in steps of %zu",
			      (const char *)p, steps[i]);
		if (!who)
			continue;
		ck_assert_uint_eq(used, n);
		ck_assert_str_eq(client(&h), who);
	}
}

START_TEST(a_line_names_the_client)
{
	static const char *const lines[][2] = {
		{ "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7 56324" },
		{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
		  "255.255.255.255 65535" },
		{ "PROXY TCP6 2001:db8::7 ::1 1 0\r\n", "2001:db8::7 1" },
		{ "PROXY UNKNOWN\r\n", "nobody" },
		{ "PROXY UNKNOWN ffff:f...f:ffff whatever is here\r\n", "nobody" },
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "%sGET / HTTP/1.1\r\n", lines[i][0]);
		must_say(text, strlen(lines[i][0]), 16, lines[i][1]);
	}
}
END_TEST

START_TEST(the_longest_line_is_107_bytes)
{
	char text[160];

	memset(text, 'x', sizeof(text));
	memcpy(text, "PROXY UNKNOWN ", 14);
	memcpy(text + 105, "\r\n", 2);
	must_say(text, 107, 20, "nobody");
	memcpy(text + 105, "x\r\n", 3);
	must_say(text, 108, 20, NULL);
}
END_TEST

START_TEST(a_line_that_is_not_exactly_so_is_bad)
{
	static const char *const lines[] = {
		"GET / HTTP/1.1\r\n",
		"PROXX",
		"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY \r\n",
		"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 123456 2\r\n",
		"PROXY TCP4 1.2.3.400 5.6.7.8 1 2\r\n",
		"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
		"PROXY TCP4 ::1 ::2 1 2\r\n",
		"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY UNKNOWNS\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n",
		"PROXY TCP4\r\n",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		must_say(lines[i], strlen(lines[i]), 0, NULL);
	must_say("PROXY UNKNOWN \0\r\n", 17, 0, NULL);
}
END_TEST

/* Version 2: what is behind the signature, and length bytes of body. */
static size_t binary(uint8_t *out, uint8_t command, uint8_t family, const void *body, size_t n,
		     size_t length)
{
	memcpy(out, SIGNATURE, SIGNATURE_N);
	out[12] = command;
	out[13] = family;
	out[14] = (uint8_t)(length >> 8);
	out[15] = (uint8_t)length;
	memset(out + 16, 0, length);
	memcpy(out + 16, body, n);
	return 16 + length;
}

static const uint8_t v4_body[] = { 192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb };
static const uint8_t v6_body[36] = { 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,		0,
				     0,	   0, 0,    0,	  0, 0, 7, [32] = 0x12, [33] = 0x34 };

START_TEST(binary_names_the_client)
{
	static const struct {
		uint8_t command, family;
		const uint8_t *body;
		size_t n, length;
		const char *who;
	} rows[] = {
		{ 0x21, 0x11, v4_body, 12, 12, "192.0.2.7 56324" },
		{ 0x21, 0x11, v4_body, 12, 300, "192.0.2.7 56324" }, /* TLVs */
		{ 0x21, 0x11, v4_body, 12, PROXY_V2_MAX, "192.0.2.7 56324" },
		{ 0x21, 0x21, v6_body, 36, 36, "2001:db8::7 4660" },
		{ 0x21, 0x21, v6_body, 36, 91,
		  "2001:db8::7 4660" }, /* to the end of what is kept */
		{ 0x21, 0x21, v6_body, 36, 92, "2001:db8::7 4660" },
		{ 0x20, 0x00, NULL, 0, 0, "nobody" },	   /* LOCAL */
		{ 0x20, 0x11, v4_body, 12, 12, "nobody" }, /* LOCAL, addresses are ignored */
		{ 0x20, 0xff, v4_body, 12, 12, "nobody" }, /* LOCAL, families, too */
		{ 0x21, 0x00, NULL, 0, 0, "nobody" },	   /* UNSPEC */
		{ 0x21, 0x12, v4_body, 12, 12, "nobody" }, /* a datagram is no connection */
		{ 0x21, 0x31, NULL, 0, 216, "nobody" },	   /* UNIX */
	};
	static uint8_t bytes[16 + PROXY_V2_MAX + 4];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = binary(bytes, rows[i].command, rows[i].family,
				  rows[i].body ? rows[i].body : v4_body, rows[i].n, rows[i].length);

		memcpy(bytes + n, "GET ", 4);
		must_say(bytes, n, 4, rows[i].who);
	}
}
END_TEST

START_TEST(binary_that_promises_too_much_or_too_little_is_bad)
{
	static const struct {
		uint8_t command, family;
		size_t length;
	} rows[] = {
		{ 0x11, 0x11, 12 },			   /* version */
		{ 0x31, 0x11, 12 },    { 0x22, 0x11, 12 }, /* command */
		{ 0x21, 0x41, 12 },			   /* family */
		{ 0x21, 0x13, 12 },			   /* protocol */
		{ 0x21, 0x11, 11 },			   /* addresses cut */
		{ 0x21, 0x21, 35 },    { 0x21, 0x31, 215 }, { 0x21, 0x11, PROXY_V2_MAX + 1 },
		{ 0x20, 0x11, 65535 },
	};
	static uint8_t bytes[16 + 65536];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n =
			binary(bytes, rows[i].command, rows[i].family, v4_body, 12, rows[i].length);

		must_say(bytes, n, 0, NULL);
	}
	binary(bytes, 0x21, 0x11, v4_body, 12, 12);
	for (i = 0; i < SIGNATURE_N; i++) {
		bytes[i] ^= 0x20;
		must_say(bytes, 28, 0, NULL);
		bytes[i] ^= 0x20;
	}
}
END_TEST

START_TEST(a_header_that_was_cut_is_waited_for)
{
	static const char line[] = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
	uint8_t bytes[64];
	size_t n = binary(bytes, 0x21, 0x11, v4_body, 12, 12), i, used;

	for (i = 0; i < n; i++)
		ck_assert_int_eq(fed(bytes, i, 65536, &used).state, PROXY_MORE);
	for (i = 0; i < sizeof(line) - 1; i++)
		ck_assert_int_eq(fed(line, i, 65536, &used).state, PROXY_MORE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("proxy_header");
	TCase *t = tcase_create("proxy_header");

	suite_add_tcase(s, t);
	tcase_add_test(t, a_line_names_the_client);
	tcase_add_test(t, the_longest_line_is_107_bytes);
	tcase_add_test(t, a_line_that_is_not_exactly_so_is_bad);
	tcase_add_test(t, binary_names_the_client);
	tcase_add_test(t, binary_that_promises_too_much_or_too_little_is_bad);
	tcase_add_test(t, a_header_that_was_cut_is_waited_for);
	return run_suite(s);
}
