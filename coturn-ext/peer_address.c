/* peer_address.c - see peer_address.h */
#include "peer_address.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { V4_BYTES = sizeof(struct in_addr), LONGEST_PREFIX = 12 };

/* clang-format off */
static const struct form {
	uint8_t prefix[LONGEST_PREFIX];
	uint8_t prefix_bytes; /* the IPv4 address is right behind them */
} forms[] = {
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12 }, /* mapped: RFC 4291 section 2.5.5.2 */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 }, 12 }, /* translated: RFC 2765 section 2.1 */
	{ { 0, 0x64, 0xff, 0x9b }, 12 },		      /* NAT64: RFC 6052 section 2.1 */
	{ { 0x20, 0x02 }, 2 },				      /* 6to4: RFC 3056 section 2 */
	{ { 0 }, 12 },					      /* compatible: RFC 4291 section 2.5.5.1 */
};
/* clang-format on */

bool peer_address_v4_inside(const struct in6_addr *v6, struct in_addr *v4)
{
	/* RFC 4291 sections 2.5.2 and 2.5.3: these two are no IPv4-compatible addresses. */
	if (IN6_IS_ADDR_UNSPECIFIED(v6) || IN6_IS_ADDR_LOOPBACK(v6))
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (memcmp(v6->s6_addr, forms[i].prefix, forms[i].prefix_bytes) == 0) {
			memcpy(v4, v6->s6_addr + forms[i].prefix_bytes, V4_BYTES);
			return true;
		}
	}
	return false;
}
