/* address_set.c - a list of IP addresses and ranges */
#include "transport/address_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96 /* of ::ffff:0:0/96, in front of an IPv4 address */

struct range {
	struct client_address first;
	unsigned bits;
};

struct address_set {
	size_t n;
	struct range ranges[];
};

bool address_read(struct client_address *out, const char *p, size_t n)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	char text[INET6_ADDRSTRLEN];

	client_address_read(out, NULL);
	if (n >= sizeof(text) || memchr(p, '\0', n))
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		client_address_read(out, (const struct sockaddr *)&v4);
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		client_address_read(out, (const struct sockaddr *)&v6);
	return out->family != 0;
}

/* Digits up to the end, 0 to max. */
static bool read_bits(const char *s, unsigned max, unsigned *out)
{
	*out = 0;
	if (!*s)
		return false;
	for (; *s >= '0' && *s <= '9' && *out <= max; s++)
		*out = *out * 10 + (unsigned)(*s - '0');
	return !*s && *out <= max;
}

static bool same_prefix(const struct client_address *a, const struct client_address *b,
			unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return !memcmp(a->bytes, b->bytes, bytes) &&
	       (!rest || ((a->bytes[bytes] ^ b->bytes[bytes]) & mask) == 0);
}

/* An address with bits behind its prefix is more likely a slip than meant. */
static bool is_network(const struct range *r)
{
	struct client_address a = r->first;
	unsigned bits = r->bits, i;

	for (i = bits; i < sizeof(a.bytes) * 8; i++)
		if (a.bytes[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

static bool read_range(const char *entry, struct range *out)
{
	size_t n = strcspn(entry, "/");
	bool written_v6 = memchr(entry, ':', n);
	unsigned width;

	if (!address_read(&out->first, entry, n))
		return false;
	width = written_v6 ? 128 : 32;
	out->bits = width;
	if (entry[n] && !read_bits(entry + n + 1, width, &out->bits))
		return false;
	if (written_v6 && out->first.family == 4) { /* ::ffff:192.0.2.0/120 */
		if (out->bits < MAPPED_BITS)
			return false;
		out->bits -= MAPPED_BITS;
	}
	return is_network(out);
}

int address_set_new(struct address_set **out, const char *const *list, const char **bad)
{
	struct address_set *s;
	size_t n = 0;

	*out = NULL;
	*bad = NULL;
	while (list && list[n])
		n++;
	if (n > ADDRESS_SET_MAX)
		return -E2BIG;
	s = calloc(1, sizeof(*s) + n * sizeof(s->ranges[0]));
	if (!s)
		return -ENOMEM;
	for (; s->n < n; s->n++) {
		if (read_range(list[s->n], &s->ranges[s->n]))
			continue;
		*bad = list[s->n];
		free(s);
		return -EINVAL;
	}
	*out = s;
	return 0;
}

void address_set_free(struct address_set *s)
{
	free(s);
}

bool address_set_has(const struct address_set *s, const struct client_address *a)
{
	size_t i;

	for (i = 0; s && a->family && i < s->n; i++) {
		const struct range *r = &s->ranges[i];

		if (r->first.family == a->family && same_prefix(&r->first, a, r->bits))
			return true;
	}
	return false;
}
