/* url.h - where a server is, as text: turn: URIs, http URLs, and ADDRESS:PORT of a configuration
 *
 * Pure. */
#ifndef URL_H
#define URL_H

#include "net.h"

/* RFC 7064, RFC 7065: "turns:HOST[:PORT][?transport=udp|tcp]", "turn:...", "stun:...", "stuns:...".
 * turns over udp (DTLS) is none that we speak. Returns 0, -EINVAL, -EPROTONOSUPPORT. */
int url_ice(const char *text, size_t n, struct net_target *out, bool *is_turn);

/* "http://HOST[:PORT][/]" or https. Returns 0, -EINVAL. */
int url_http(const char *text, struct net_target *out);

/* "ADDRESS:PORT", IPv6 in brackets, for TCP. An address that means all of them becomes loopback:
 * where to reach from here what listens there. Returns 0, -EINVAL. */
int url_endpoint(const char *text, struct net_target *out);

/* Is the text an address, not a name? */
/* Does "0.0.0.0:PORT" or "[::]:PORT" stand for every address? */
bool url_any_address(const char *endpoint);
bool url_is_address(const char *host);

#endif
