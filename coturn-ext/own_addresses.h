/* own_addresses.h - the addresses at which this host is reached
 *
 * A set that is made once and then only asked, by any thread. IPv4 and its
 * IPv4-mapped form are one address; ports do not matter. */
#ifndef OWN_ADDRESSES_H
#define OWN_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define OWN_ADDRESSES_MAX 4096

enum own_kind {
	OWN_NOT,
	OWN_LOCAL, /* of an interface, or listened at */
	OWN_RELAY, /* of relayed transport addresses, on either side of external-ip */
};

struct own_addresses;

struct own_addresses *own_addresses_new(void); /* NULL: out of memory */
void own_addresses_free(struct own_addresses *o);

/* Twice is fine: the higher kind stays. Families other than IPv4 and IPv6 are
 * left out. Returns 0, -ENOSPC. */
int own_addresses_add(struct own_addresses *o, const struct sockaddr *address, enum own_kind kind);

bool own_addresses_same(const struct own_addresses *a, const struct own_addresses *b);

enum own_kind own_addresses_find(const struct own_addresses *o, const struct sockaddr *address);

#endif
