/* live_text.c - see live_text.h */
#include "live_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_AT 1
#define IP_AT 3
#define ADDRESS_MAX (IP_AT + sizeof(struct in6_addr))

struct field {
	size_t offset, size;
};
#define FIELD(name)                                                                                \
	{                                                                                          \
		offsetof(struct relay_allocation, name),                                           \
			sizeof(((struct relay_allocation *)0)->name)                               \
	}

enum { STRINGS_N = 3, TRANSPORTS_N = 2, ADDRESSES_N = 3, CLIENT = ADDRESSES_N - 1 };
static const struct field strings[STRINGS_N] = { FIELD(name), FIELD(realm), FIELD(secret) };
static const struct field transports[TRANSPORTS_N] = { FIELD(transport), FIELD(relay_transport) };
static const struct field addresses[ADDRESSES_N] = { FIELD(relayed), FIELD(relayed6),
						     FIELD(client) };

/* What a transport's byte means. */
static const char *const transport_names[] = { "", "udp", "tcp", "tls", "dtls", "sctp" };
#define TRANSPORT_NAMES_N (sizeof(transport_names) / sizeof(transport_names[0]))

/* The rest of what is read. */
struct rest {
	const unsigned char *p;
	size_t n;
};

static const char *text_in(const struct relay_allocation *a, const struct field *f)
{
	return (const char *)a + f->offset;
}

static char *text_out(struct relay_allocation *a, const struct field *f)
{
	return (char *)a + f->offset;
}

/* --- addresses ------------------------------------------------------------------- */

static int af_of(unsigned char family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

static size_t ip_bytes(unsigned char family)
{
	return family == 4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static size_t address_bytes(unsigned char family)
{
	return family ? IP_AT + ip_bytes(family) : 1;
}

/* The port behind ':', 0 without. */
static bool pack(unsigned char out[ADDRESS_MAX], unsigned char family, const char *ip, size_t ip_n,
		 const char *behind)
{
	unsigned long port = *behind == ':' ? strtoul(behind + 1, NULL, 10) : 0;
	char host[INET6_ADDRSTRLEN];

	if (ip_n >= sizeof(host) || port > UINT16_MAX)
		return false;
	memcpy(host, ip, ip_n);
	host[ip_n] = '\0';
	if (inet_pton(af_of(family), host, out + IP_AT) != 1)
		return false;
	out[0] = family;
	out[PORT_AT] = (unsigned char)(port >> 8);
	out[PORT_AT + 1] = (unsigned char)port;
	return true;
}

/* As coturn's addr_to_string() writes it: without a port, an IPv6 address has no brackets. */
static size_t address_pack(unsigned char out[ADDRESS_MAX], const char *text)
{
	const char *end = strchr(text, ']');

	memset(out, 0, ADDRESS_MAX);
	if (!(text[0] == '[' && end && pack(out, 6, text + 1, (size_t)(end - text - 1), end + 1)) &&
	    !pack(out, 4, text, strcspn(text, ":"), text + strcspn(text, ":")) &&
	    !pack(out, 6, text, strlen(text), ""))
		out[0] = 0;
	return address_bytes(out[0]);
}

static void address_text(const unsigned char *packed, char *out, size_t size)
{
	const unsigned port = (unsigned)packed[PORT_AT] << 8 | packed[PORT_AT + 1];
	char ip[INET6_ADDRSTRLEN];
	size_t n;

	inet_ntop(af_of(packed[0]), packed + IP_AT, ip, sizeof(ip));
	n = (size_t)snprintf(out, size, port && packed[0] == 6 ? "[%s]" : "%s", ip);
	if (port)
		snprintf(out + n, size - n, ":%u", port);
}

static int address_read(struct rest *r, char *out, size_t size)
{
	unsigned char family = r->n ? r->p[0] : 0;

	if ((family != 0 && family != 4 && family != 6) || r->n < address_bytes(family))
		return -EBADMSG;
	out[0] = '\0';
	if (family)
		address_text(r->p, out, size);
	r->p += address_bytes(family);
	r->n -= address_bytes(family);
	return 0;
}

/* --- all of it --------------------------------------------------------------------- */

size_t live_text_bytes(const struct relay_allocation *a)
{
	unsigned char packed[ADDRESS_MAX];
	size_t i, n = TRANSPORTS_N + ADDRESS_MAX;

	for (i = 0; i < STRINGS_N; i++)
		n += strnlen(text_in(a, &strings[i]), strings[i].size - 1) + 1;
	for (i = 0; i < CLIENT; i++)
		n += address_pack(packed, text_in(a, &addresses[i]));
	return n;
}

static char transport_byte(const char *name)
{
	size_t i = TRANSPORT_NAMES_N - 1;

	while (i && strcmp(transport_names[i], name) != 0)
		i--;
	return (char)i;
}

void live_text_write(char *text, const struct relay_allocation *a)
{
	unsigned char packed[ADDRESS_MAX];
	size_t i, n;

	for (i = 0; i < STRINGS_N; i++) {
		n = strnlen(text_in(a, &strings[i]), strings[i].size - 1);
		memcpy(text, text_in(a, &strings[i]), n);
		text[n] = '\0';
		text += n + 1;
	}
	for (i = 0; i < TRANSPORTS_N; i++)
		*text++ = transport_byte(text_in(a, &transports[i]));
	for (i = 0; i < CLIENT; i++) {
		n = address_pack(packed, text_in(a, &addresses[i]));
		memcpy(text, packed, n);
		text += n;
	}
	live_text_set_client(text, ADDRESS_MAX, a->client);
}

void live_text_set_client(char *text, size_t n, const char *client)
{
	unsigned char packed[ADDRESS_MAX];

	address_pack(packed, client);
	memcpy(text + n - ADDRESS_MAX, packed, ADDRESS_MAX);
}

static int string_read(struct rest *r, char *out, size_t size)
{
	const unsigned char *end = memchr(r->p, '\0', r->n);
	size_t n = end ? (size_t)(end + 1 - r->p) : 0;

	if (!n || n > size)
		return -EBADMSG;
	memcpy(out, r->p, n);
	r->p += n;
	r->n -= n;
	return 0;
}

static int transport_read(struct rest *r, char *out)
{
	if (!r->n || r->p[0] >= TRANSPORT_NAMES_N)
		return -EBADMSG;
	strcpy(out, transport_names[r->p[0]]);
	r->p++;
	r->n--;
	return 0;
}

int live_text_read(const char *text, size_t n, struct relay_allocation *out)
{
	struct rest r = { (const unsigned char *)text, n };
	size_t i;
	int e = 0;

	for (i = 0; i < STRINGS_N && e == 0; i++)
		e = string_read(&r, text_out(out, &strings[i]), strings[i].size);
	for (i = 0; i < TRANSPORTS_N && e == 0; i++)
		e = transport_read(&r, text_out(out, &transports[i]));
	for (i = 0; i < ADDRESSES_N && e == 0; i++)
		e = address_read(&r, text_out(out, &addresses[i]), addresses[i].size);
	return e;
}
