/* peer_policy.c - see peer_policy.h */
#include "peer_policy.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "own_addresses.h"
#include "peer_address.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { PEER_PUBLIC = 0 };

/* The first row that fits decides. */
struct row {
	uint8_t prefix[16];
	uint8_t bits;
	unsigned range;
};

/* clang-format off */
/* IANA IPv4 Special-Purpose Address Registry (RFC 6890), and where clouds answer their guests. */
static const struct row v4_rows[] = {
	{ { 169, 254, 169, 254 }, 32, PEER_METADATA }, /* AWS, Azure, GCP, OCI, OpenStack and others */
	{ { 169, 254, 169, 253 }, 32, PEER_METADATA }, /* AWS: resolver */
	{ { 169, 254, 170, 2 }, 32, PEER_METADATA },   /* AWS ECS: credentials */
	{ { 169, 254, 170, 23 }, 32, PEER_METADATA },  /* AWS EKS: credentials */
	{ { 169, 254, 0, 23 }, 32, PEER_METADATA },    /* Tencent */
	{ { 169, 254, 42, 42 }, 32, PEER_METADATA },   /* Scaleway */
	{ { 100, 100, 100, 200 }, 32, PEER_METADATA }, /* Alibaba */
	{ { 168, 63, 129, 16 }, 32, PEER_METADATA },   /* Azure: wire server; looks public */
	{ { 192, 0, 0, 192 }, 32, PEER_METADATA },     /* Oracle */
	{ { 0 }, 8, PEER_RESERVED },		       /* this network */
	{ { 10 }, 8, PEER_PRIVATE },
	{ { 100, 64 }, 10, PEER_SHARED },	       /* carriers' NAT, RFC 6598 */
	{ { 127 }, 8, PEER_LOOPBACK },
	{ { 169, 254 }, 16, PEER_LINK_LOCAL },
	{ { 172, 16 }, 12, PEER_PRIVATE },
	{ { 192, 0, 0 }, 24, PEER_RESERVED },	       /* IETF protocols */
	{ { 192, 0, 2 }, 24, PEER_RESERVED },	       /* documentation */
	{ { 192, 88, 99 }, 24, PEER_RESERVED },	       /* relays of 6to4, RFC 7526 */
	{ { 192, 168 }, 16, PEER_PRIVATE },
	{ { 198, 18 }, 15, PEER_RESERVED },	       /* benchmarks, RFC 2544 */
	{ { 198, 51, 100 }, 24, PEER_RESERVED },       /* documentation */
	{ { 203, 0, 113 }, 24, PEER_RESERVED },	       /* documentation */
	{ { 224 }, 4, PEER_MULTICAST },
	{ { 255, 255, 255, 255 }, 32, PEER_BROADCAST },
	{ { 240 }, 4, PEER_RESERVED },
};

/* The same for IPv6. Only 2000::/3 is handed out as global unicast; what lies outside and has no
 * row of its own is reserved (RFC 4291 section 2.4). IPv4-mapped addresses do not come here. */
static const struct row v6_rows[] = {
	{ { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54 }, 128, PEER_METADATA }, /* AWS */
	{ { 0xfd, 0x00, 0x0e, 0xc2, [15] = 0x53 }, 128, PEER_METADATA },       /* AWS: resolver */
	{ { 0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23 }, 128, PEER_METADATA },       /* AWS EKS: credentials */
	{ { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54 }, 128, PEER_METADATA }, /* GCP */
	{ { 0xfd, 0x00, 0x00, 0x42, [15] = 0x42 }, 128, PEER_METADATA },       /* Scaleway */
	{ { 0xfd, 0x00, 0x00, 0xc1, [12] = 169, 254, 169, 254 }, 128, PEER_METADATA }, /* OCI */
	{ { 0xfe, 0x80, [12] = 169, 254, 169, 254 }, 128, PEER_METADATA },     /* OpenStack */
	{ { [15] = 1 }, 128, PEER_LOOPBACK },
	{ { 0xfc }, 7, PEER_PRIVATE },		       /* unique local, RFC 4193 */
	{ { 0xfe, 0x80 }, 10, PEER_LINK_LOCAL },
	{ { 0xfe, 0xc0 }, 10, PEER_PRIVATE },	       /* site-local, RFC 3879 */
	{ { 0xff }, 8, PEER_MULTICAST },
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, PEER_PUBLIC }, /* NAT64: as the IPv4 address inside */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, PEER_RESERVED }, /* documentation */
	{ { 0x20, 0x01 }, 23, PEER_RESERVED },	       /* IETF protocols: Teredo, benchmarks, ORCHID */
	{ { 0x20, 0x02 }, 16, PEER_RESERVED },	       /* 6to4, RFC 7526 */
	{ { 0x3f, 0xff }, 20, PEER_RESERVED },	       /* documentation, RFC 9637 */
	{ { 0x20 }, 3, PEER_PUBLIC },
	{ { 0 }, 0, PEER_RESERVED },
};
/* clang-format on */

bool peer_address_key(const struct sockaddr *address, struct in6_addr *key)
{
	switch (address->sa_family) {
	case AF_INET:
		memset(key, 0, 10);
		memset(key->s6_addr + 10, 0xff, 2);
		memcpy(key->s6_addr + 12,
		       &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
		return true;
	case AF_INET6:
		memcpy(key, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
		       sizeof(*key));
		return true;
	default: return false;
	}
}

static bool has_prefix(const uint8_t *bytes, const struct row *row)
{
	size_t whole = row->bits / 8;
	uint8_t rest = (uint8_t)(0xff00 >> row->bits % 8);

	return memcmp(bytes, row->prefix, whole) == 0 &&
	       (!rest || ((bytes[whole] ^ row->prefix[whole]) & rest) == 0);
}

static unsigned first_fit(const struct row *rows, size_t n, const void *bytes)
{
	for (size_t i = 0; i < n; i++)
		if (has_prefix(bytes, &rows[i]))
			return rows[i].range;
	return PEER_PUBLIC;
}

unsigned peer_ranges(const struct sockaddr *address)
{
	struct in6_addr key;
	struct in_addr v4;
	unsigned ranges = PEER_PUBLIC;

	if (!peer_address_key(address, &key))
		return PEER_RESERVED;
	if (!IN6_IS_ADDR_V4MAPPED(&key))
		ranges = first_fit(v6_rows, COUNT(v6_rows), &key);
	if (peer_address_v4_inside(&key, &v4))
		ranges |= first_fit(v4_rows, COUNT(v4_rows), &v4);
	return ranges;
}

static unsigned range_named(const char *name, size_t bytes)
{
	static const struct {
		const char *name;
		enum peer_range range;
	} names[] = {
		{ "loopback", PEER_LOOPBACK },	 { "private", PEER_PRIVATE },
		{ "shared", PEER_SHARED },	 { "link-local", PEER_LINK_LOCAL },
		{ "metadata", PEER_METADATA },	 { "multicast", PEER_MULTICAST },
		{ "broadcast", PEER_BROADCAST }, { "reserved", PEER_RESERVED },
		{ "own-ports", PEER_OWN_PORTS },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strlen(names[i].name) == bytes && memcmp(names[i].name, name, bytes) == 0)
			return names[i].range;
	return 0;
}

int peer_allow(unsigned *allowed, const char *list, const char **name, int *name_bytes)
{
	unsigned more = 0;

	for (const char *at = list;; at++) {
		size_t bytes = strcspn(at, ",");
		unsigned range = range_named(at, bytes);

		if (!range) {
			*name = at;
			*name_bytes = (int)bytes;
			return -EINVAL;
		}
		more |= range;
		at += bytes;
		if (!*at)
			break;
	}
	*allowed |= more;
	return 0;
}

/* 6to4 and its like lead here as well, but are nobody's relayed transport address. */
static enum own_kind own_kind_of(const struct own_addresses *own, const struct sockaddr *peer)
{
	enum own_kind kind = own_addresses_find(own, peer);
	struct sockaddr_in inside = { .sin_family = AF_INET };
	struct in6_addr key;

	if (kind == OWN_NOT && peer_address_key(peer, &key) &&
	    peer_address_v4_inside(&key, &inside.sin_addr) &&
	    own_addresses_find(own, (const struct sockaddr *)&inside) != OWN_NOT)
		return OWN_LOCAL;
	return kind;
}

/* Who allows loopback means the services of this host. */
static bool ports_are_limited(const struct peer_policy *p, enum own_kind kind, unsigned ranges)
{
	return kind != OWN_NOT && !(p->allowed & PEER_OWN_PORTS) &&
	       !(ranges & p->allowed & PEER_LOOPBACK);
}

static uint16_t port_of(const struct sockaddr *peer)
{
	return ntohs(peer->sa_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)(const void *)peer)->sin6_port
			     : ((const struct sockaddr_in *)(const void *)peer)->sin_port);
}

enum peer_verdict peer_check(const struct peer_policy *p, const struct own_addresses *own,
			     const struct sockaddr *peer, enum peer_listed listed)
{
	enum own_kind kind = own_kind_of(own, peer);
	unsigned ranges = peer_ranges(peer);
	uint16_t port = port_of(peer);

	if (listed == PEER_LISTED_DENIED)
		return PEER_DENIED;
	if (listed == PEER_LISTED_LOOPBACK)
		ranges |= PEER_LOOPBACK;
	if (listed != PEER_LISTED_ALLOWED && kind != OWN_RELAY && (ranges & ~p->allowed))
		return PEER_DENIED;
	if (port && (port < p->min_port || port > p->max_port) &&
	    ports_are_limited(p, kind, ranges))
		return PEER_DENIED_PORT;
	return PEER_ALLOWED;
}

bool peer_has_own_ports(const struct peer_policy *p, const struct own_addresses *own,
			const struct sockaddr *peer)
{
	return ports_are_limited(p, own_kind_of(own, peer), peer_ranges(peer));
}
