/* attribution.h - which call an allocation belongs to: the rules, without the tables
 *
 * - name: the TURN user name carries the call id
 * - candidate: a member of the call sent its relayed address in a "typ relay" candidate, and its
 *   user name is that member's; or the name is shared, and turnserver sees the client at the
 *   address the member signals from
 * - user: its user is in exactly one live call; never for a shared name
 *
 * A stronger rule replaces a weaker one, the first claim stands among equals, and an allocation
 * whose name carries a call id is claimed by no other rule. Who applies them to what is known:
 * usage.h. Pure; any thread. */
#ifndef ATTRIBUTION_H
#define ATTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTRIBUTION_CANDIDATE_MAX 1024 /* bytes of a candidate line; browsers stay below 250 */

/* From weak to strong. */
enum attribution_rule {
	ATTRIBUTION_NONE,
	ATTRIBUTION_USER,
	ATTRIBUTION_CANDIDATE,
	ATTRIBUTION_NAME,
};

const char *attribution_rule_name(enum attribution_rule r); /* "name" ...; NULL for NONE */

/* A transport address that compares with memcmp: IPv4 is kept as ::ffff:a.b.c.d, so an
 * IPv4-mapped IPv6 address is the IPv4 one; no padding. */
enum address_protocol { ADDRESS_UDP = 1, ADDRESS_TCP = 2 };
struct address {
	uint8_t ip[16];
	uint16_t port;	   /* host order */
	uint16_t protocol; /* of the relay side; 0: of no interest */
};

/* Read an IP address: IPv4, or IPv6 with or without brackets; a zone id ("%eth0") is cut off.
 * Port and protocol become 0. Returns 0, -EINVAL. */
int address_parse_ip(struct address *out, const char *text, size_t n);

/* Read "a.b.c.d:port" or "[v6]:port". Returns 0, -EINVAL. */
int address_parse(struct address *out, const char *text, size_t n);

bool address_same_ip(const struct address *a, const struct address *b);

/* Read a candidate-attribute (RFC 8839 section 5.1), with or without "a=", and take the relayed
 * transport address of a "typ relay" one. Extensions are skipped, names (mDNS) are no addresses.
 * Returns 0, -ENOENT (a candidate, of another type or without an address of its own),
 * -EINVAL (no candidate). */
int attribution_candidate_parse(struct address *relayed, const char *text, size_t n);

/* What the candidate rule looks at. */
struct attribution_claim {
	bool names_a_call;	       /* the allocation's name carries a call id that counts */
	bool shared;		       /* its name is one of many */
	const char *user;	       /* of its name; "" without */
	const struct address *client;  /* where turnserver sees the client; NULL: unknown */
	const char *member;	       /* user id of who sent the candidate */
	const struct address *signals; /* where that member signals from; NULL: unknown */
};
bool attribution_candidate_allowed(const struct attribution_claim *c);

/* Does a claim by this rule replace one by that? */
bool attribution_replaces(enum attribution_rule claim, enum attribution_rule standing);

#endif
