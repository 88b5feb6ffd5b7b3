/* http_client.h - POST JSON to somebody else's server, on our loop
 *
 * libcurl's multi interface driven by libevent: nothing here waits. So many
 * requests are under way at once, the others stand in a bounded line, and each
 * has one deadline from the moment it was asked, with half that time for its turn
 * to come: what begins has time to be answered, however many stand in line. http
 * and https only, the server's certificate is verified, redirects are not followed
 * and the environment names no proxy. Names are resolved on libcurl's own threads,
 * which are left behind, not waited for, when a request ends before them.
 * Loop thread only. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct http_client;
struct http_exchange; /* one request and its answer */

struct http_client_config {
	const char *ca_file;	  /* certificates to trust, PEM; NULL: the system's. Copied */
	size_t parallel_max;	  /* requests under way */
	size_t waiting_max;	  /* further ones in line */
	size_t waiting_bytes_max; /* of their bodies */
	size_t body_bytes_max;	  /* of a request */
	size_t answer_bytes_max;  /* of an answer's body */
};
void http_client_config_defaults(
	struct http_client_config *cfg); /* 16, 2048, 16 MB, 16 kB, 64 kB */

/* Returns 0 and the caller's *out, -ENOMEM, -EIO (libcurl does not start). */
int http_client_new(struct http_client **out, struct event_base *base,
		    const struct http_client_config *cfg);
void http_client_free(struct http_client *c); /* cancels what is open; NULL is fine */

/* Is this the text of a URL that can be asked? */
bool http_client_url_valid(const char *url);

struct http_answer {
	/* 0: the answer is whole. -ETIMEDOUT, -ECONNREFUSED (no connection),
	 * -EHOSTUNREACH (no such host), -EKEYREJECTED (its certificate), -EFBIG
	 * (too big), -EBUSY (its turn did not come in time), -ENOMEM, -EPROTO. */
	int error;
	const char *why;  /* the same for people, a constant; NULL with error 0 */
	long status;	  /* of HTTP; 0: there was none */
	const char *body; /* a loan until the callback returns */
	size_t n;
};

struct http_post {
	const char *url;
	const char *authorization; /* an Authorization header's value; NULL: none. Copied, wiped */
	const char *body;	   /* JSON. Copied, wiped */
	size_t body_n;
	uint32_t timeout_ms;

	/* Comes once, never from within http_client_post(). It may post and
	 * cancel others; the exchange is gone when it returns. */
	void (*done)(const struct http_answer *a, void *ctx);
	void *ctx;
};

/* Returns 0 and the loan *out, -ENOSPC (the line is full), -E2BIG (the body),
 * -ENOMEM, -EINVAL (what libcurl does not take for a URL's or header's text). */
int http_client_post(struct http_client *c, const struct http_post *p, struct http_exchange **out);

/* done does not come any more. */
void http_client_cancel(struct http_exchange *x);

struct http_client_counters {
	uint64_t posted;
	uint64_t refused;  /* the line was full, or the body too big */
	uint64_t overdue;  /* their turn did not come in time */
	uint64_t failed;   /* no whole answer */
	uint64_t oversize; /* of those: the answer was too big */
	uint64_t timeouts; /* of those: it took too long */
};
const struct http_client_counters *http_client_counters(const struct http_client *c);

#endif
