/* net.h - a way to a server, bounded in time: UDP, TCP or TLS
 *
 * For programs that do one thing after the other: each call waits until it is done or a deadline
 * passes, the resolver's time included: a lookup that takes longer goes on in a thread of the C
 * library's, which ends with the program. Certificates are verified, against the name that was
 * dialled, unless that is switched off. A program with TLS ignores SIGPIPE. One thread. */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define NET_HOST_MAX 255

enum net_transport { NET_UDP, NET_TCP, NET_TLS };
extern const char *const net_transport_names[3]; /* "UDP", ... */

/* Why something failed, for people: one line, no full stop, no secrets. */
struct client_error {
	char text[256];
};
void client_error_set(struct client_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct net_target {
	enum net_transport transport;
	char host[NET_HOST_MAX + 1]; /* a name, or an address without brackets */
	uint16_t port;
	const char *preamble; /* sent before all else, TLS too; NULL: nothing */
	/* TLS: */
	const char *name;    /* whom the certificate is to be for; NULL: host */
	const char *ca_file; /* authorities besides the system's; NULL: none */
	bool insecure;	     /* go on with whatever certificate; net_tls_fault() knows */
};

struct net;

uint64_t net_now_ms(void); /* monotonic */

/* Of a name's addresses, skip is how many to pass over; a stream tries the rest one by one, each
 * for its share of the time.
 * Returns 0; -ENXIO (there are not so many), -ETIMEDOUT, -EPROTO (TLS), -errno, with *err filled.
 */
int net_open(struct net **out, const struct net_target *to, unsigned skip, uint64_t deadline_ms,
	     struct client_error *err);
void net_close(struct net *n); /* NULL is fine */

/* All n bytes; of UDP one datagram. Returns 0, -ETIMEDOUT, -errno, with *err filled. */
int net_send(struct net *n, const void *p, size_t len, uint64_t deadline_ms,
	     struct client_error *err);

/* What is there, size bytes at most. Returns their number, 0 at the end of a stream, -ETIMEDOUT,
 * -errno, with *err filled. */
ssize_t net_receive(struct net *n, void *p, size_t size, uint64_t deadline_ms,
		    struct client_error *err);

/* What is wrong with the server's certificate: NULL when nothing is. */
const char *net_tls_fault(const struct net *n);
/* Whom we reached. */
const struct sockaddr_storage *net_peer(const struct net *n);

#endif
