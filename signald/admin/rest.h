/* rest.h - the REST endpoints of PROTOCOL.md
 *
 * Reads requests, asks those who know, writes answers. Loop thread only. */
#ifndef REST_H
#define REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calls/call.h"
#include "transport/http_server.h"

struct auth;
struct backend;
struct calls;
struct credentials;
struct ledger;
struct rights;
struct usage;

/* All loans for the server's life; the ctx of the routes. */
struct rest {
	const struct calls *calls;
	const struct credentials *credentials;
	const struct usage *usage;
	const struct ledger *ledger; /* NULL: there is none */
	struct rights *rights;
	struct auth *auth;	       /* whose a token is; NULL: not by itself */
	struct backend *backend;       /* or this one says it; NULL: there is none */
	uint64_t start_ms;	       /* monotonic, when signald started */
	struct call_time (*now)(void); /* both clocks */
	bool (*turn_connected)(void *ctx);
	void *ctx;	  /* for turn_connected() */
	unsigned stats_n; /* documents under way; begins at 0 */
};

#define REST_STATS_MAX 4 /* at once, fewer than there may be walks; others: come back later */

extern const struct http_route rest_routes[];
extern const size_t rest_routes_n;

#endif
