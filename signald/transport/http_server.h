/* http_server.h - libmicrohttpd inside our libevent loop: requests, answers, routes
 *
 * The only files that know libmicrohttpd are in this folder. A route is a row in a table; a handler
 * gets the whole request with its (bounded) body and answers at once. Origins, CORS, OPTIONS, HEAD,
 * 404, 405 and 413 are dealt with here, the same for every route. Loop thread only. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct http_server;
struct http_request;

enum http_method { HTTP_GET = 1, HTTP_POST = 2 }; /* bits; HEAD goes as GET, OPTIONS is ours */

/* Answer by calling http_reply_*() exactly once before returning. */
typedef void (*http_handler)(struct http_request *r, void *ctx);

struct http_route {
	unsigned methods;	/* which are allowed; others get 405 with Allow */
	const char *path;	/* "/api/health", or "/api/ice-servers/:" for one more segment,
				 * or "/demo/" + "*" for everything below */
	http_handler fn;
};

struct http_config {
	const char *const *listen; /* "127.0.0.1:8449", "[::1]:8449"; NULL ends the list */
	size_t body_max;	   /* bytes of a body; above: 413 */
	unsigned connections_max;
	const struct origin_policy *origins;
};

/* What a handler may ask of its request; all loans until it returns. */
enum http_method http_method(const struct http_request *r);
const char *http_path(const struct http_request *r);	 /* decoded, without the query */
const char *http_segment(const struct http_request *r);	 /* what ':' or '*' stood for, decoded */
const char *http_query(const struct http_request *r, const char *key); /* decoded; NULL: absent */
const char *http_header(const struct http_request *r, const char *name); /* NULL: absent */
const char *http_body(const struct http_request *r, size_t *n);
const char *http_address(const struct http_request *r);	 /* client's IP address as text */

void http_reply_json(struct http_request *r, unsigned status, const char *json, size_t n);
void http_reply_bytes(struct http_request *r, unsigned status, const char *content_type,
		      const char *extra_header_name, const char *extra_header_value,
		      const void *p, size_t n);

#endif
