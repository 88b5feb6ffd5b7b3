/* sio_client.h - one Socket.IO client of the namespace "/", by long polling or by WebSocket
 *
 * Engine.IO 4, Socket.IO protocol 5, for a program that does one thing after the other: what comes
 * while nobody waits stays with the kernel, what comes while something else is waited for is kept
 * (SIO_INBOX_MAX events; then the oldest goes, which who waits in vain is told). Pings are answered
 * while it waits for anything. One thread. */
#ifndef SIO_CLIENT_H
#define SIO_CLIENT_H

#include "net.h"

#define SIO_INBOX_MAX 32
#define SIO_MESSAGE_MAX (1 << 20) /* bytes of a packet, either way */

enum sio_via { SIO_POLLING, SIO_WEBSOCKET };
extern const char *const sio_via_names[2]; /* "polling", "WebSocket" */

struct sio_client;

/* Connect: the handshake, then the namespace with {"token": token} (NULL: without). Returns 0, or
 * with *err filled: -EACCES (it was refused), -EPROTO (no Socket.IO there), -ETIMEDOUT, -errno. */
int sio_client_open(struct sio_client **out, const struct net_target *to, enum sio_via via,
		    const char *token, uint64_t deadline_ms, struct client_error *err);
/* Leave the namespace, and free. NULL is fine. */
void sio_client_close(struct sio_client *c, uint64_t deadline_ms);

/* payload: JSON. The others return as sio_client_open(). */
int sio_client_emit(struct sio_client *c, const char *event, const char *payload,
		    uint64_t deadline_ms, struct client_error *err);
/* The same, and the first argument of its acknowledgement: *reply is JSON for the caller to free.
 */
int sio_client_ask(struct sio_client *c, const char *event, const char *payload, char **reply,
		   uint64_t deadline_ms, struct client_error *err);
/* The first event that came with one of these names (NULL at their end): its number in the list,
 * and *payload, its first argument, for the caller to free. */
int sio_client_next(struct sio_client *c, const char *const *events, char **payload,
		    uint64_t deadline_ms, struct client_error *err);

const char *sio_client_tls_fault(const struct sio_client *c); /* as net_tls_fault() */

#endif
