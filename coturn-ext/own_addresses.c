/* own_addresses.c - see own_addresses.h */
#include "own_addresses.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "peer_policy.h"

struct own {
	struct in6_addr address;
	uint8_t kind;
};

struct own_addresses {
	size_t n;
	struct own sorted[OWN_ADDRESSES_MAX];
};

struct own_addresses *own_addresses_new(void)
{
	return calloc(1, sizeof(struct own_addresses));
}

void own_addresses_free(struct own_addresses *o)
{
	free(o);
}

/* Where address is, or belongs. */
static size_t place_of(const struct own_addresses *o, const struct in6_addr *address)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&o->sorted[middle].address, address, sizeof(*address)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct own_addresses *o, size_t place, const struct in6_addr *address)
{
	return place < o->n && IN6_ARE_ADDR_EQUAL(&o->sorted[place].address, address);
}

int own_addresses_add(struct own_addresses *o, const struct sockaddr *address, enum own_kind kind)
{
	struct in6_addr key;
	size_t place;

	if (!peer_address_key(address, &key))
		return 0;
	place = place_of(o, &key);
	if (!is_at(o, place, &key)) {
		if (o->n == OWN_ADDRESSES_MAX)
			return -ENOSPC;
		memmove(&o->sorted[place + 1], &o->sorted[place],
			(o->n - place) * sizeof(o->sorted[0]));
		o->sorted[place] = (struct own){ key, OWN_NOT };
		o->n++;
	}
	if (kind > o->sorted[place].kind)
		o->sorted[place].kind = (uint8_t)kind;
	return 0;
}

bool own_addresses_same(const struct own_addresses *a, const struct own_addresses *b)
{
	return a->n == b->n && memcmp(a->sorted, b->sorted, a->n * sizeof(a->sorted[0])) == 0;
}

enum own_kind own_addresses_find(const struct own_addresses *o, const struct sockaddr *address)
{
	struct in6_addr key;
	size_t place;

	if (!peer_address_key(address, &key))
		return OWN_NOT;
	place = place_of(o, &key);
	return is_at(o, place, &key) ? (enum own_kind)o->sorted[place].kind : OWN_NOT;
}
