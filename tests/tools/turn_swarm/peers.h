/* peers.h - the UDP peers behind the relay
 *
 * A pool of sockets that allocations share. What arrives is handed to the
 * owner with its tag; what is none of ours is counted as stray. */
#ifndef SWARM_PEERS_H
#define SWARM_PEERS_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/socket.h>

#include "payload.h"

struct peers;
struct peer;

typedef void (*peers_take)(const struct payload_tag *tag, const uint8_t *p, size_t n,
			   uint64_t at_us, void *ctx);

/* n peers on each of the given addresses, ports of the kernel's choice; either may be NULL.
 * Returns 0, -ENOMEM, or what a socket says. */
int peers_new(struct peers **out, struct event_base *base, size_t n,
	      const struct sockaddr_storage *v4, const struct sockaddr_storage *v6, peers_take take,
	      void *ctx);
void peers_free(struct peers *p);

/* The peer for an allocation of this family. */
struct peer *peers_get(struct peers *p, int family, size_t index);
const struct sockaddr *peer_address(const struct peer *p);
void peer_send(struct peer *p, const struct sockaddr_storage *to, const void *b, size_t n);

uint64_t peers_overflowed(const struct peers *p);
uint64_t peers_stray(const struct peers *p);

#endif
