/* origin.h - which web pages may talk to us
 *
 * One policy for REST, polling and WebSocket upgrades. Always allowed: no
 * Origin header at all (not a browser), the same origin as the Host header
 * where that header can be believed, and "file://" (a desktop app's own page).
 * "null" (a sandboxed page, anybody) is refused unless everything is allowed.
 *
 * A page whose name was made to resolve to our address after it was loaded (DNS
 * rebinding) is of the same origin, as its browser sees it. It cannot come with
 * an address or "localhost" for a name, nor over TLS with our certificate.
 * Pure; any thread. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#define ORIGIN_MAX 256	/* bytes of one Origin header; longer ones are refused */
#define ORIGINS_MAX 256 /* entries of a list */

struct origin_policy;

/* list ends with NULL (or is NULL): exact origins ("https://app.example:8443"),
 * "loopback" (http or https, host localhost, 127.0.0.0/8 or [::1], any port),
 * "*" (everybody). Strings are copied.
 * Returns 0, -EINVAL with *bad the entry that is none of these, -E2BIG, -ENOMEM. */
int origin_policy_new(struct origin_policy **out, const char *const *list, const char **bad);
void origin_policy_free(struct origin_policy *p); /* NULL is fine */

/* origin, host: the headers' values, NULL when absent. proven: the browser saw a certificate for
 * this Host. p NULL: an empty list. */
bool origin_allowed(const struct origin_policy *p, const char *origin, const char *host,
		    bool proven);

/* Is every page allowed ("*")? */
bool origin_everybody(const struct origin_policy *p);

#endif
