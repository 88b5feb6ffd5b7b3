/* calls_sio.h - call_events.h on a Socket.IO server: the thin adapter
 *
 * Registers the namespace "/" with the events of calls and, beside them, the
 * application's own. Loop thread only. */
#ifndef CALLS_SIO_H
#define CALLS_SIO_H

#include "call_events.h"

#define CALLS_TOKEN_MAX 8192

/* For sio_config.headers: what find_token wants to see. */
extern const char *const calls_sio_headers[];

struct sio_server;
struct sio_socket;
struct sio_args;
struct sio_event_entry;
struct calls_sio;

struct calls_sio_config {
	struct sio_server *server;
	struct calls *calls;
	struct call_time (*now)(void *ctx); /* both clocks */
	const struct sio_event_entry *more; /* further events; copied */
	size_t more_n;
	/* The place for a bridge to another backend, whose clients share our port: every event that
	 * is in no table, as it came, with its name as it stands in JSON; it may answer by
	 * sio_ack() now or later. NULL: they are ignored, and the server counts them
	 * (unknown_events). */
	void (*other)(struct sio_socket *s, struct json_slice name, const struct sio_args *args,
		      void *ctx);
	/* Find the token in a request, given its Authorization header and raw query (NULL: it has
	 * none), into out, with room for CALLS_TOKEN_MAX bytes and a NUL. Returns its length, 0:
	 * there is none, -EINVAL: one that is none. NULL: not looked for. */
	int (*find_token)(const char *authorization, const char *query, char *out);
	void *ctx; /* for now() and calls_sio_ctx() */
};

/* emit, ack, kick and connected for calls_new(): a handle is a struct sio_socket. */
void calls_sio_ops(struct calls_ops *ops);

/* Register. *out must outlive the server. Returns 0, -errno of
 * sio_server_namespace(), -E2BIG (too many further events). */
int calls_sio_new(struct calls_sio **out, const struct calls_sio_config *cfg);
void calls_sio_free(struct calls_sio *a); /* after the server; NULL is fine */

/* Handlers of further and of other events get the struct calls_sio as their ctx; this is
 * the ctx of its configuration. */
void *calls_sio_ctx(const struct calls_sio *a);

/* Who this client is to the calls; NULL: it was refused, or is gone. */
struct call_socket *calls_sio_socket(const struct sio_socket *s);

#endif
