/* client_address.c - see client_address.h */
#include "client_address.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BYTES 12 /* of ::ffff:0:0/96 */
#define PREFIX_BYTES 8	/* of a /64 */

static void read_v6(struct client_address *out, const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		out->family = 4;
		memcpy(out->bytes, a->s6_addr + MAPPED_BYTES, 4);
		return;
	}
	out->family = 6;
	memcpy(out->bytes, a->s6_addr, sizeof(out->bytes));
}

void client_address_read(struct client_address *out, const struct sockaddr *sa)
{
	memset(out, 0, sizeof(*out));
	if (sa && sa->sa_family == AF_INET) {
		out->family = 4;
		memcpy(out->bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa && sa->sa_family == AF_INET6) {
		read_v6(out, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	}
}

struct client_address client_prefix(const struct client_address *a)
{
	struct client_address prefix = *a;

	if (a->family == 6)
		memset(prefix.bytes + PREFIX_BYTES, 0, sizeof(prefix.bytes) - PREFIX_BYTES);
	return prefix;
}

bool client_address_equal(const struct client_address *a, const struct client_address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

unsigned client_address_mix(const struct client_address *a)
{
	unsigned h = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < sizeof(a->bytes); i++)
		h = (h ^ a->bytes[i]) * 16777619u;
	return h ^ h >> 16;
}

void client_address_text(const struct client_address *a, char out[INET6_ADDRSTRLEN])
{
	static const int families[] = { [4] = AF_INET, [6] = AF_INET6 };

	out[0] = '\0';
	if (a->family)
		inet_ntop(families[a->family], a->bytes, out, INET6_ADDRSTRLEN);
}
