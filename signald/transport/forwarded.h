/* forwarded.h - who a request behind proxies is from: X-Forwarded-For and X-Forwarded-Proto
 *
 * Each proxy appends whom it got the request from, so the list is true from
 * its end up to the first address that is no proxy of ours: that is the
 * client. What stands before it, the client may have made up. Only to be asked
 * when the connection's own address is a trusted one. Pure; any thread. */
#ifndef FORWARDED_H
#define FORWARDED_H

#include "transport/address_set.h"

struct forwarded {
	struct client_address client; /* unknown: none was told */
	bool found;		      /* it is no proxy of ours */
	bool garbage;		      /* what should be an address is none: nothing is believed */
};

enum forwarded_proto { FORWARDED_NONE, FORWARDED_HTTP, FORWARDED_HTTPS, FORWARDED_GARBAGE };

void forwarded_init(struct forwarded *f);

/* The lines of X-Forwarded-For, one after the other (RFC 9110 section 5.3: together they are one
 * list). Entries may carry a port. When all are proxies of ours, the first one is the client. */
void forwarded_add(struct forwarded *f, const struct address_set *trusted, const char *line);

/* A line of X-Forwarded-Proto (NULL: absent): what the last entry says. */
enum forwarded_proto forwarded_proto(const char *line);

#endif
