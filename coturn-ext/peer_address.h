/* peer_address.h - the IPv4 address that an IPv6 address stands for
 *
 * A client may write one destination in several ways: ::ffff:127.0.0.1 is a
 * datagram to 127.0.0.1, and so are 2002:7f00:1:: where there is a 6to4 tunnel
 * and 64:ff9b::7f00:1 behind a translator. Who allows or refuses peers by
 * address has to look inside first. Pure; any thread. */
#ifndef PEER_ADDRESS_H
#define PEER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

/* Is there an IPv4 address inside? Then *v4 is it, in network byte order; else *v4 is left alone.
 * Known: IPv4-mapped, IPv4-compatible (but not :: and ::1), IPv4-translated, 6to4, and the
 * well-known prefix of NAT64. A network's own prefix of NAT64 cannot be known, and what
 * 64:ff9b:1::/48 carries depends on the network: those are for the lists of refused peers. */
bool peer_address_v4_inside(const struct in6_addr *v6, struct in_addr *v4);

#endif
