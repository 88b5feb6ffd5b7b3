/* peer_policy.h - which peers may be relayed to
 *
 * What is not the public Internet is denied unless it was allowed by name, or
 * coturn's own lists say otherwise. This host itself is a peer, because two of
 * its clients meet at its relayed transport addresses, but only at the ports
 * of those: everything else that listens here is not for clients. Pure. */
#ifndef PEER_POLICY_H
#define PEER_POLICY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct own_addresses;

/* Bits: what allow-peers= names. An address may lie in several, as a NAT64
 * address in that of the IPv4 address inside; then all must be allowed. */
enum peer_range {
	PEER_LOOPBACK = 1 << 0,
	PEER_PRIVATE = 1 << 1,
	PEER_SHARED = 1 << 2,
	PEER_LINK_LOCAL = 1 << 3,
	PEER_METADATA = 1 << 4, /* of clouds: in no other range, whatever its prefix */
	PEER_MULTICAST = 1 << 5,
	PEER_BROADCAST = 1 << 6,
	PEER_RESERVED = 1 << 7,
	PEER_OWN_PORTS = 1 << 8, /* no range: every port of this host's addresses */
};

/* The ranges that the address lies in; 0: the public Internet. Of no family
 * that is known: PEER_RESERVED. */
unsigned peer_ranges(const struct sockaddr *address);

/* Read NAME[,NAME...] and add the bits to *allowed. Returns 0; or -EINVAL with
 * the name that is unknown (name_bytes long, in list) and *allowed as it was. */
int peer_allow(unsigned *allowed, const char *list, const char **name, int *name_bytes);

/* The bytes that an address of either family is compared by: IPv4 as
 * IPv4-mapped. False: another family. */
bool peer_address_key(const struct sockaddr *address, struct in6_addr *key);

struct peer_policy {
	unsigned allowed;	     /* bits of enum peer_range */
	uint16_t min_port, max_port; /* of relayed transport addresses */
};

/* What coturn's options say of the address. */
enum peer_listed {
	PEER_NOT_LISTED,
	PEER_LISTED_ALLOWED,  /* allowed-peer-ip, the private side of external-ip */
	PEER_LISTED_DENIED,   /* denied-peer-ip, no-multicast-peers, 0.0.0.0 */
	PEER_LISTED_LOOPBACK, /* it takes this for loopback, which was not allowed */
};

enum peer_verdict {
	PEER_ALLOWED,
	PEER_DENIED,
	PEER_DENIED_PORT, /* of this host, and no relayed transport address has that port */
};

/* May there be a packet between an allocation and this peer? With port 0: may
 * there be a permission, which is for all ports (RFC 8656 section 9)? */
enum peer_verdict peer_check(const struct peer_policy *p, const struct own_addresses *own,
			     const struct sockaddr *peer, enum peer_listed listed);

/* Is this an address of which peer_check() does not allow all ports? */
bool peer_has_own_ports(const struct peer_policy *p, const struct own_addresses *own,
			const struct sockaddr *peer);

#endif
