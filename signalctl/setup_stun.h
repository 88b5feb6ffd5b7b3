/* setup_stun.h - which address does the world see this host come from?
 *
 * One question to a STUN server, over UDP and IPv4, asked a few times as datagrams get lost: it is
 * for hosts behind a NAT, where no interface knows. */
#ifndef SETUP_STUN_H
#define SETUP_STUN_H

#include "net.h"
#include "setup_plan.h"

#define SETUP_STUN_PATIENCE_MS 5000

/* server: HOST or HOST:PORT, IPv6 in brackets. Looking up the name has the resolver's own patience,
 * the rest takes patience_ms at most. Returns 0 with *out, -EINVAL (no such text), -ETIMEDOUT,
 * -errno, with *err filled. */
int setup_stun_ask(const char *server, unsigned patience_ms, char out[SETUP_ADDRESS_BYTES],
		   struct client_error *err);

#endif
