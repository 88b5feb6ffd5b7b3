/* address_set.h - a list of IP addresses and ranges, such as the proxies we believe
 *
 * Entries: "192.0.2.7", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32". An
 * IPv4-mapped address is the IPv4 address. Pure; any thread. */
#ifndef ADDRESS_SET_H
#define ADDRESS_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "client_address.h"

#define ADDRESS_SET_MAX 256 /* entries of a list */

struct address_set;

/* list ends with NULL (or is NULL). Returns 0, -EINVAL with *bad the entry that is none, or has
 * bits behind its prefix; -E2BIG, -ENOMEM. */
int address_set_new(struct address_set **out, const char *const *list, const char **bad);
void address_set_free(struct address_set *s); /* NULL is fine */

/* s NULL: an empty list. An unknown address is in no list. */
bool address_set_has(const struct address_set *s, const struct client_address *a);

/* Read n bytes that are an address and nothing else. False: they are not; *out is then unknown. */
bool address_read(struct client_address *out, const char *p, size_t n);

#endif
