/* http_server.h - libmicrohttpd inside our libevent loop: requests, answers, routes
 *
 * The only files that know libmicrohttpd are in this folder. A route is a row
 * in a table; a handler gets the whole request with its (bounded) body and
 * answers at once, or says that it will. Origins, CORS, OPTIONS, HEAD, 404, 405 and 413 are dealt
 * with here, the same for every route. Loop thread only. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct address_set;
struct admission;
struct bridge_counters;
struct client_address;
struct entry_counters;
struct event_base;
struct http_server;
struct http_request;
struct lane_counters;
struct listener_counters;
struct origin_policy;
struct tls_context;
struct ws_conn;

enum http_method { HTTP_GET = 1, HTTP_POST = 2 }; /* bits; HEAD goes as GET, OPTIONS is ours */

/* Answer by calling http_reply_*() exactly once before returning, or after http_reply_later(). */
typedef void (*http_handler)(struct http_request *r, void *ctx);

struct http_route {
	unsigned methods; /* which are allowed; others get 405 with Allow */
	const char *path; /* "/api/health", or "/api/ice-servers/:" for one more segment,
			   * or "/demo/" + "*" for everything below */
	http_handler fn;
};

/* Where to listen. */
struct http_listen {
	const char *address; /* "127.0.0.1:8449", "[::1]:8449"; port 0: any */
	int fd;		     /* an inherited socket, which becomes the server's; 0: bind address */
	bool tls;	     /* https, and nothing else */
};

/* Pointers are loans for the server's life, but for listen: until http_server_start(). */
struct http_config {
	const struct http_listen *listen;
	size_t listen_n;		     /* 1 to HTTP_LISTEN_MAX */
	struct tls_context *tls;	     /* for those with tls */
	const struct origin_policy *origins; /* NULL: empty list */
	const struct address_set
		*proxies; /* must send a PROXY header; nobody else may. NULL: none */
	const struct address_set *trusted; /* proxies whose X-Forwarded-* are believed */
	struct admission *admission;	   /* asked for every connection; NULL: everybody may */
	size_t body_max;		   /* bytes of a route's body; above: 413; 0: 64 kB */
	unsigned connections_max; /* HTTP and WebSocket together; never more than RLIMIT_NOFILE
				   * allows, which is what 0 means */
	unsigned bridges_max;	  /* requests over TLS at once, polls that wait among them: three
				   * descriptors each, a WebSocket has one; later ones wait their
				   * turn. 0: a tenth of the descriptors */
	unsigned header_ms;	  /* from accept() to the end of the first headers, PROXY header and
				   * TLS handshake included; later ones from their first line on.
				   * 0: 10 s */
	unsigned body_ms;	  /* for a body; 0: 30 s */
	unsigned answer_ms;	  /* to take an answer; 0: 90 s */
	unsigned keep_alive_s;	  /* without a word; 0: 60 */
	size_t held_max;	  /* bytes of all bodies that are not handled and all answers that
				   * are not taken yet, but for small ones; above, the connection
				   * that has held some for longest is cut. 0: 64 MB */
	bool refuse_forwarded;	  /* 403 for what came through a proxy, by its headers */
	bool access_log;	  /* a line for each answered request */
	bool cors_credentials;	  /* pages of listed origins may send cookies and the like */
	bool cors_private_network; /* public pages may ask a server in a private network */
	unsigned lane_us;	   /* of a turn of the loop for connections that begin; 0: 2000 */
};

#define HTTP_LISTEN_MAX 16

/* What this layer has done and refused since start. */
struct http_counters {
	uint64_t requests;
	uint64_t bad_requests;	      /* 400 for what libmicrohttpd lets pass */
	uint64_t origins_refused;     /* 403 */
	uint64_t bodies_refused;      /* 413 */
	uint64_t websockets_refused;  /* 503: connections_max */
	uint64_t connections_refused; /* libmicrohttpd did not take them */
	uint64_t slow;		      /* a time of http_config was over */
	uint64_t crowded_out;	      /* cut: held_max was reached */
	uint64_t held_bytes;	      /* now */
	uint64_t forwarded_garbage;   /* X-Forwarded-* of a trusted proxy that made no sense */
	uint64_t forwarded_refused;   /* 403: refuse_forwarded */
	uint64_t busy;		      /* 503 of http_reply_busy() */
	uint64_t out_of_memory;
};

/* cfg is copied, but for the strings' and the policy's targets.
 * Returns 0, -EINVAL, -ENOMEM. */
int http_server_new(struct http_server **out, struct event_base *base,
		    const struct http_config *cfg);

/* Add rows; the table stays the caller's and must outlive the server. Rows are
 * tried in order of registration. Returns 0, -ENOSPC (64 tables), -ENOMEM. */
int http_server_routes(struct http_server *srv, const struct http_route *routes, size_t n,
		       void *ctx);

/* Bind and begin to accept; all addresses or none.
 * Returns 0, or -errno with *bad the address it was about (NULL when none). */
int http_server_start(struct http_server *srv, const char **bad);

/* The port of the i-th listen address, 0 when there is none. */
uint16_t http_server_port(const struct http_server *srv, size_t i);

/* Stop accepting and end every connection; what waits for an answer gets 503.
 * Handlers are not called after it returned. */
void http_server_stop(struct http_server *srv);
void http_server_free(struct http_server *srv); /* stops first; NULL is fine */

/* What was counted on the way; for the server's life. */
const struct http_counters *http_server_counters(const struct http_server *srv);
const struct listener_counters *http_server_listeners(const struct http_server *srv);
const struct lane_counters *http_server_lane(const struct http_server *srv);
const struct entry_counters *http_server_entry(const struct http_server *srv);
const struct bridge_counters *http_server_bridges(const struct http_server *srv); /* NULL: no TLS */

/* What a handler may ask of its request; all loans until it returns. */
const char *http_segment(const struct http_request *r);	  /* what ':' or '*' stood for, decoded */
const char *http_raw_query(const struct http_request *r); /* for http_query_value(); "" without */
const char *http_header(const struct http_request *r, const char *name); /* NULL: absent */
const char *http_body(const struct http_request *r, size_t *n);
const char *http_address(const struct http_request *r); /* client's IP address as text; "?" */
const struct client_address *http_client(const struct http_request *r); /* the same */
bool http_secure(const struct http_request *r); /* the client's connection is TLS */

void http_reply_json(struct http_request *r, unsigned status, const char *json, size_t n);
void http_reply_bytes(struct http_request *r, unsigned status, const char *content_type,
		      const void *p, size_t n); /* content_type NULL: none */
/* {"error":text}, with a status of 400 and above */
void http_reply_error(struct http_request *r, unsigned status, const char *text);
/* 503 with Retry-After: there is a limit, it is reached, and it will pass. */
void http_reply_busy(struct http_request *r, unsigned retry_after_s);
/* 404 {"error":"Not Found","path":...} with the path as it was asked for. */
void http_reply_not_found(struct http_request *r);

/* The answer comes later, from the loop; until then the request is a loan. gone: nobody waits for
 * it any more, the client has left or the server stops; the loan ends with that, or with the
 * answer. */
void http_reply_later(struct http_request *r, void (*gone)(struct http_request *r, void *ctx),
		      void *ctx);

/* A long answer is sent in blocks, each written when the client has taken the one before: whatever
 * its length, it never holds the loop. */
struct http_stream {
	/* Write up to size bytes, which are those from pos on. Returns how many: at least 1, and no
	 * more than are left of an answer of known length; 0 at the end of one of unknown
	 * length; -1: broken, the connection is cut. May be called until done(). */
	ssize_t (*read)(void *ctx, uint64_t pos, char *buf, size_t size);
	void (*done)(void *ctx); /* sent, or nobody wants it any more; NULL: nothing to do */
	void *ctx;
};
#define HTTP_LENGTH_UNKNOWN UINT64_MAX
/* s is copied. done() is called in any case, within this call if there was no memory. */
void http_reply_stream(struct http_request *r, unsigned status, const char *content_type,
		       uint64_t length, const struct http_stream *s);

/* One header more for the answer just given. In place of ours, when we would have set it too:
 * Cache-Control, Content-Security-Policy. */
void http_reply_header(struct http_request *r, const char *name, const char *value);

#endif
