/* proxy_header.c - see proxy_header.h */
#include "transport/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#define SIGNATURE_BYTES 12
#define FIXED_BYTES 16 /* of version 2: signature, command, family, length */
#define V4_BYTES 12    /* two addresses, two ports */
#define V6_BYTES 36
#define UNIX_BYTES 216
#define VERSION_1 "PROXY "

static const uint8_t signature[SIGNATURE_BYTES] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
						    0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

void proxy_header_init(struct proxy_header *h)
{
	memset(h, 0, sizeof(*h));
}

static void end(struct proxy_header *h, bool good)
{
	h->state = good ? PROXY_DONE : PROXY_BAD;
}

static void set_client(struct proxy_header *h, int family, const void *address, uint16_t port)
{
	h->named = true;
	if (family == AF_INET) {
		h->client.v4.sin_family = AF_INET;
		h->client.v4.sin_port = htons(port);
		memcpy(&h->client.v4.sin_addr, address, sizeof(h->client.v4.sin_addr));
		return;
	}
	h->client.v6.sin6_family = AF_INET6;
	h->client.v6.sin6_port = htons(port);
	memcpy(&h->client.v6.sin6_addr, address, sizeof(h->client.v6.sin6_addr));
}

/* --- version 1: a line --- */

/* The next word, ended by a single space, or the last one. Returns NULL: there is none. */
static char *word(char **at)
{
	char *begin = *at, *space;

	if (!begin || !*begin || *begin == ' ')
		return NULL;
	space = strchr(begin, ' ');
	*at = space ? space + 1 : NULL;
	if (space)
		*space = '\0';
	return begin;
}

/* Section 2.1: decimal, no leading zeroes, 0 to 65535 */
static bool read_port(const char *text, uint16_t *port)
{
	size_t n = text ? strspn(text, "0123456789") : 0;
	unsigned v = 0;

	if (!n || n > 5 || text[n] || (n > 1 && text[0] == '0'))
		return false;
	while (*text)
		v = v * 10 + (unsigned)(*text++ - '0');
	*port = (uint16_t)v;
	return v <= UINT16_MAX;
}

static bool read_endpoints(struct proxy_header *h, char *rest, int family)
{
	char *client = word(&rest), *server = word(&rest);
	char *client_port = word(&rest), *server_port = word(&rest);
	uint8_t from[16], to[16];
	uint16_t port, ignored;

	if (!server_port || rest || inet_pton(family, client, from) != 1 ||
	    inet_pton(family, server, to) != 1 || !read_port(client_port, &port) ||
	    !read_port(server_port, &ignored))
		return false;
	set_client(h, family, from, port);
	return true;
}

/* The line without its CR LF. After UNKNOWN anything may follow, and is ignored. */
static bool read_line(struct proxy_header *h, char *line)
{
	char *rest = line + sizeof(VERSION_1) - 1, *family;

	if (strncmp(rest, "UNKNOWN", 7) == 0 && (rest[7] == '\0' || rest[7] == ' '))
		return true;
	family = word(&rest);
	if (family && strcmp(family, "TCP4") == 0)
		return read_endpoints(h, rest, AF_INET);
	return family && strcmp(family, "TCP6") == 0 && read_endpoints(h, rest, AF_INET6);
}

static void step_line(struct proxy_header *h)
{
	static const char prefix[] = VERSION_1;
	size_t n = h->n;
	uint8_t last = h->head[n - 1];

	if (n < sizeof(prefix) && last != (uint8_t)prefix[n - 1])
		end(h, false);
	else if (n > 1 && last == '\n' && h->head[n - 2] == '\r') {
		h->head[n - 2] = '\0';
		end(h, read_line(h, (char *)h->head));
	} else if (last == '\0' || last == '\n' || n == PROXY_V1_MAX) {
		end(h, false);
	}
}

/* --- version 2: binary --- */

/* What a family needs, and what becomes of it. */
static const struct family {
	uint8_t code; /* the upper four bits */
	uint8_t bytes;
	int family; /* 0: names nobody we could know */
} families[] = {
	{ 0, 0, 0 }, /* unspecified */
	{ 1, V4_BYTES, AF_INET },
	{ 2, V6_BYTES, AF_INET6 },
	{ 3, UNIX_BYTES, 0 },
};

/* The fixed part is there. Section 2.2: other versions, commands, families and
 * protocols than the ones below must not be accepted. */
static bool read_fixed(struct proxy_header *h)
{
	uint8_t version = h->head[12] >> 4, command = h->head[12] & 15;
	uint8_t family = h->head[13] >> 4, protocol = h->head[13] & 15;
	size_t length = (size_t)h->head[14] << 8 | h->head[15];

	h->version = 2;
	h->size = (uint16_t)(FIXED_BYTES + length);
	if (version != 2 || command > 1 || length > PROXY_V2_MAX)
		return false;
	if (command == 0) /* LOCAL: whatever the family says is to be skipped */
		return true;
	return family < sizeof(families) / sizeof(families[0]) && protocol <= 2 &&
	       length >= families[family].bytes;
}

static void read_binary(struct proxy_header *h)
{
	const struct family *f = &families[h->head[13] >> 4 & 3];
	const uint8_t *p = h->head + FIXED_BYTES;
	size_t address_n = f->family == AF_INET ? 4 : 16;
	const uint8_t *port = p + 2 * address_n;

	/* only streams come to us: what a proxy calls UNSPEC or DGRAM names nobody */
	if ((h->head[12] & 15) == 1 && f->family && (h->head[13] & 15) == 1)
		set_client(h, f->family, p, (uint16_t)(port[0] << 8 | port[1]));
	end(h, true);
}

static void step_binary(struct proxy_header *h)
{
	size_t n = h->n;

	if (n <= SIGNATURE_BYTES) {
		if (h->head[n - 1] != signature[n - 1])
			end(h, false);
	} else if (n == FIXED_BYTES && !read_fixed(h)) {
		end(h, false);
	}
	if (h->state == PROXY_MORE && n >= FIXED_BYTES && n == h->size)
		read_binary(h);
}

/* --- both --- */

/* TLVs are many and mean nothing to us. */
static size_t skip(struct proxy_header *h, size_t n)
{
	size_t rest;

	if (h->version != 2 || h->n < sizeof(h->head))
		return 0;
	rest = (size_t)(h->size - h->n);
	if (n > rest)
		n = rest;
	h->n = (uint16_t)(h->n + n);
	if (h->n == h->size)
		read_binary(h);
	return n;
}

size_t proxy_header_take(struct proxy_header *h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t taken = 0;

	while (taken < n && h->state == PROXY_MORE) {
		size_t skipped = skip(h, n - taken);

		taken += skipped;
		if (skipped)
			continue;
		h->head[h->n++] = p[taken++];
		if (h->n == 1)
			h->version = h->head[0] == signature[0] ? 2 : 1;
		if (h->version == 2)
			step_binary(h);
		else
			step_line(h);
	}
	return taken;
}
