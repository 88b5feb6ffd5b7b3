/* listener.h - a listening socket: opening it, and accepting through the lane
 *
 * Who accepts also notices when there are no descriptors left: the socket rests
 * for 100 ms then and comes back by itself. Loop thread only. */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct event_base;
struct lane;
struct listener;

struct listener_counters {
	uint64_t accepted;
	uint64_t paused; /* times that there was no descriptor or no memory for one more */
};

/* fd is the callee's: non-blocking, closed on exec. */
typedef void (*listener_fn)(int fd, const struct sockaddr *peer, socklen_t n, void *ctx);

/* Bind "127.0.0.1:8449" or "[::1]:8449" (numbers only, nothing is looked up;
 * port 0: any) and listen. The descriptor is the caller's.
 * Returns 0, -EINVAL (no such form), -errno. */
int listener_bind(int *fd, const char *address);

/* True if address has the form that listener_bind() takes. */
bool listener_is_address(const char *address);

/* True if only this host reaches what listens there. */
bool listener_is_loopback(const char *address);

/* The port a socket is bound to; 0: it is none of IP. */
uint16_t listener_port(int fd);

/* Accept from fd, which becomes the listener's, also on failure. fn, ctx, lane
 * and counters are loans for its life; several listeners may share them.
 * Returns 0, -ENOMEM. */
int listener_new(struct listener **out, struct event_base *base, struct lane *lane, int fd,
		 listener_fn fn, void *ctx, struct listener_counters *counters);
void listener_free(struct listener *l); /* closes its socket; NULL is fine */

#endif
