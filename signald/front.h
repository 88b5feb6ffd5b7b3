/* front.h - the way in: addresses, TLS, proxies, who may come and how many
 *
 * Makes of signald.conf what transport asks for, keeps it, and opens the doors
 * when the house behind them is ready. Loop thread only; now_s: seconds since
 * 1970. What is wrong with the configuration has been logged. */
#ifndef FRONT_H
#define FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admission;
struct config;
struct counters_sources;
struct eio_server;
struct event_base;
struct front;
struct http_server;
struct outq_budget;

/* Judge what the configuration names: addresses, origins, certificates, files.
 * Binds nothing; dry: writes nothing either. c is a loan for the front's life.
 * Returns 0 or -errno. */
int front_new(struct front **out, const struct config *c, int64_t now_s, bool dry);

/* Make the HTTP server, to add routes to. Returns 0 or -errno. */
int front_http(struct front *f, struct event_base *base, struct http_server **out);

/* Serve Socket.IO, and let clients in. engine is a loan until front_close().
 * Returns 0 or -errno. */
int front_open(struct front *f, struct event_base *base, struct eio_server *engine);

/* End every connection; nobody comes in any more. */
void front_close(struct front *f);
void front_free(struct front *f); /* closes first; NULL is fine */

/* Where it serves. address, of the first socket, is a loan for the front's life. */
struct front_place {
	const char *address;
	size_t more; /* sockets beside it */
	bool loopback_only;
};
void front_place(const struct front *f, struct front_place *out);

/* Read certificates again, changed or not; or if they look changed (every few seconds). */
void front_reload(struct front *f, int64_t now_s);
void front_look(struct front *f, int64_t now_s);

/* To be asked at each handshake; what waits for clients may take together. Both the front's. */
struct admission *front_admission(const struct front *f);
struct outq_budget *front_queues(struct front *f);

/* Fill in the counters of this layer, once it is open. */
void front_counters(const struct front *f, struct counters_sources *out);

#endif
