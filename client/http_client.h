/* http_client.h - one HTTP request on a connection of its own, and its answer
 *
 * The answer may be waited for in pieces, as long polling needs it. Bodies of answers are bounded.
 * One thread. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http_answer.h"
#include "net.h"

#define HTTP_BODY_MAX (1 << 20)

struct http_request {
	const char *method, *path;
	const char *headers; /* more of them, each with its CRLF; NULL: none */
	const char *body;    /* NULL: none */
	size_t body_n;
};

struct http_exchange {
	struct net *net;
	struct http_answer answer;
	char rest[4096]; /* read, and behind the answer once that is whole */
	size_t rest_n;
};

/* Connect and send. Returns 0 and the caller's *out, or as net_open(), -E2BIG. */
int http_begin(struct http_exchange **out, const struct net_target *to,
	       const struct http_request *rq, uint64_t deadline_ms, struct client_error *err);
/* Returns 0 when the answer is whole, -ETIMEDOUT (it may be waited for again), -EPROTO (no HTTP, or
 * too much), -ECONNRESET (cut off), -errno, with *err filled. */
int http_wait(struct http_exchange *x, uint64_t deadline_ms, struct client_error *err);
void http_end(struct http_exchange *x); /* NULL is fine */

#endif
