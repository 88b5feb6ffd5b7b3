/* backend_side.h - the messenger's own server: configured, reached, and asked
 *
 * Joins backend/ (what is asked, and what is known) to the client that reaches
 * the server, and keeps the token that it knows us by. Whoever needs one answer
 * asks backend_side_backend() with a callback; calls/, which asks twice, goes
 * through backend_side_calls(). Loop thread only. */
#ifndef BACKEND_SIDE_H
#define BACKEND_SIDE_H

#include <stdint.h>

#include "backend/backend_calls.h"
#include "calls/call.h"

struct backend_side;
struct http_client_counters;
struct loop;

/* Loans for the life of struct backend_side. */
struct backend_side_config {
	struct loop *loop;
	const char *url;
	const char *token_file; /* NULL: it is not told who asks */
	const char *ca_file;	/* NULL: the system's certificates */
	uint32_t timeout_ms;	/* for one answer */
	uint32_t keep_s;	/* answers; 0: none is kept */
	uint32_t per_client;	/* as tokens_per_client_max of backend_calls.h */

	struct call_time (*now)(void *ctx);
	void (*resume)(void *asker, void *ctx); /* as in backend_calls.h */
	void *ctx;
};

/* Is it a URL, can the token be read, and are there certificates? Each may be NULL. Returns 0, or
 * -errno, logged. */
int backend_side_check(const char *url, const char *token_file, const char *ca_file);

/* Returns 0 and the caller's *out, or -errno; what is wrong has been logged. */
int backend_side_new(struct backend_side **out, const struct backend_side_config *cfg);
void backend_side_free(struct backend_side *s); /* whoever waits is not told; NULL is fine */

/* Read the token again, changed or not; or if its file has changed (every few seconds). */
void backend_side_read(struct backend_side *s);
void backend_side_read_if_changed(struct backend_side *s);

struct backend *backend_side_backend(const struct backend_side *s);
struct backend_calls *backend_side_calls(const struct backend_side *s);
const struct http_client_counters *backend_side_http_counters(const struct backend_side *s);

#endif
