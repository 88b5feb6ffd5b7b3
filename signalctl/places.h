/* places.h - where signald serves, seen from this host
 *
 * Of a configuration that leaves open what listens there (a socket of systemd's) the listen lines
 * count. Pure. */
#ifndef PLACES_H
#define PLACES_H

#include "config.h"
#include "net.h"

/* A line of listen (with TLS where a cert is configured), or with plain of listen-plain. Whom the
 * certificate must be for is the name that clients dial, as far as the configuration has it: that
 * of a TURN address that is an origin, too; an address of numbers that turns: leads to; or else the
 * first name of an origin or of a TURN address. Where proxy-protocol-from has that address, a PROXY
 * header goes ahead. Loans of c. Returns 0, -ENOENT (there is no such line), -EINVAL. */
int place_of_signald(const struct config *c, bool plain, size_t i, char name[NET_HOST_MAX + 1],
		     struct net_target *out);

/* The name: "" when the configuration has none. */
void place_name(const struct config *c, char name[NET_HOST_MAX + 1]);
/* The host of the first turns: address, "" without one. */
void place_turns_name(const struct config *c, char name[NET_HOST_MAX + 1]);

#endif
