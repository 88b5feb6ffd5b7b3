/* turn_client.h - one allocation, for a program that does one thing after the other
 *
 * Allocate with the long-term credential (RFC 8489 section 9.2), permissions or a channel, data
 * both ways, the end (RFC 8656), over UDP, TCP or TLS. Every answer that was asked for with a key
 * is verified with it, and none is taken from a server that asks for no credential. Each call waits
 * for its answer up to a deadline; what a peer sends meanwhile is dropped. One thread. */
#ifndef TURN_CLIENT_H
#define TURN_CLIENT_H

#include "net.h"

#define TURN_CLIENT_DATA_MAX 1200 /* bytes of a packet to a peer */

struct turn_client;

/* Make an allocation. Name and password are copied. Returns 0, or with *err filled: -ETIMEDOUT
 * (turnserver did not answer), -EACCES (it refuses), -EPROTO (an answer that is none), -errno of
 * the connection.
 * told may be NULL. */
struct turn_client_told {
	unsigned code;	 /* of the refusal; 0: there was none */
	char realm[128]; /* that the server names, also when it refuses; "" without */
};
int turn_client_open(struct turn_client **out, const struct net_target *to, const char *name,
		     const char *password, uint64_t deadline_ms, struct turn_client_told *told,
		     struct client_error *err);
/* End the allocation (a Refresh of 0, its answer awaited up to the deadline), and free. NULL is
 * fine. */
void turn_client_close(struct turn_client *c, uint64_t deadline_ms);

const struct sockaddr_storage *turn_client_relayed(const struct turn_client *c);
const char *turn_client_tls_fault(const struct turn_client *c); /* as net_tls_fault() */

/* These return as turn_client_open(). */
int turn_client_permit(struct turn_client *c, const struct sockaddr_storage *peer,
		       uint64_t deadline_ms, struct client_error *err);
/* A permission and a channel: data to and from this peer goes as ChannelData from then on. */
int turn_client_bind(struct turn_client *c, const struct sockaddr_storage *peer,
		     uint64_t deadline_ms, struct client_error *err);
/* Does the allocation still live? 0: it does. */
int turn_client_refresh(struct turn_client *c, uint64_t deadline_ms, struct client_error *err);

int turn_client_send(struct turn_client *c, const struct sockaddr_storage *peer, const void *p,
		     size_t n, uint64_t deadline_ms, struct client_error *err);
/* The next packet that a peer sent: at most size bytes of it. Returns their number, -errno. */
ssize_t turn_client_receive(struct turn_client *c, void *p, size_t size, uint64_t deadline_ms,
			    struct client_error *err);

#endif
