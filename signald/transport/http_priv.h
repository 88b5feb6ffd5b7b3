/* http_priv.h - what the files of http_server.h share */
#ifndef HTTP_PRIV_H
#define HTTP_PRIV_H

#include <event2/event.h>
#include <microhttpd.h>

#include "timeq.h"
#include "client_address.h"
#include "transport/entry.h"
#include "transport/http_endpoint.h"
#include "transport/http_server.h"
#include "transport/http_text.h"
#include "transport/lane.h"
#include "transport/listener.h"
#include "transport/origin.h"

#define HTTP_TABLES_MAX 64
#define HTTP_ENDPOINTS_MAX 8
#define HTTP_LOGGED_PATH_MAX 255
#define HTTP_DRAIN_MAX                                                                             \
	(4 * 1024 * 1024) /* bytes read and forgotten so that a client sees its 413 */

struct http_table {
	const struct http_route *routes;
	size_t n;
	void *ctx;
};

/* What a connection owes, each with its own time. */
enum http_step {
	HTTP_STEP_HEAD,	    /* the rest of a request's headers */
	HTTP_STEP_BODY,	    /* the rest of its body */
	HTTP_STEP_ANSWER,   /* taking the answer */
	HTTP_STEP_NEXT,	    /* another request's headers; or it may go */
	HTTP_STEP_NEXT_TLS, /* the same, with a bridge that others may wait for */
	HTTP_STEP_REST,	    /* nothing: it is our turn, or theirs no longer */
};

/* One place to listen at. */
struct http_listener {
	struct http_server *srv;
	struct listener *listener;
	bool tls;
	uint16_t port;
};

struct http_server {
	struct event_base *base;
	struct http_config cfg;
	struct http_counters counters;
	struct http_table tables[HTTP_TABLES_MAX];
	size_t tables_n;
	struct http_endpoint endpoints[HTTP_ENDPOINTS_MAX];
	size_t endpoints_n;
	struct http_listener listeners[HTTP_LISTEN_MAX];
	size_t listeners_n;
	struct listener_counters accepts;
	struct MHD_Daemon *daemon;
	struct event *run, *timer; /* its epoll descriptor, and its next deadline */
	struct lane *lane;
	struct entry *entry;
	struct bridges *bridges; /* NULL: no TLS */
	struct ws_io *ws;
	unsigned connections;	    /* that libmicrohttpd has */
	struct http_conn *arrivals; /* that it was given and has not told of yet */
	unsigned guests;	    /* given since its last run */
	uint64_t guest_us;	    /* what one costs then, on average */
	unsigned step_ms[HTTP_STEP_REST];
	struct timeq steps[HTTP_STEP_REST]; /* connections that owe something */
	struct timeq holders;		    /* requests that hold something */
	struct http_request *suspended;	    /* waiting for an answer */
	uint64_t refusals_logged_ms;	    /* when the last line about an origin was written */
	unsigned refusals_logged;	    /* in that minute */
	uint64_t forwarded_logged_ms;	    /* the same, about a proxy */
	char refused[ORIGIN_MAX + 1];	    /* the last one */
	bool stopping;
};

enum http_stage {
	HTTP_STAGE_HEAD, /* the headers are in */
	HTTP_STAGE_BODY, /* its body is coming, or forgotten once there is an answer */
	HTTP_STAGE_DONE, /* all is in: the handler was called */
};

struct http_request {
	struct http_server *srv;
	struct MHD_Connection *conn;
	const char *verb;
	enum http_method method;  /* 0: neither GET, HEAD nor POST */
	uint8_t stage;		  /* enum http_stage */
	struct timeq_node holder; /* while it holds something */
	size_t held;		  /* bytes, of its body and its answer */
	bool crowded_out;	  /* it has held something for too long */
	bool started, http_1_0, has_body, answered, gone, suspended, upgrade;
	bool refused;	  /* as malformed: where it ends is not sure, the connection is closed */
	bool too_large;	  /* its body was, and nobody had said so before */
	bool secure;	  /* the client's connection is TLS */
	bool host_proven; /* the name in Host is one of ours */
	struct MHD_Response *response; /* waits for the body's end or the resumption */
	unsigned status;
	const struct http_route *route;
	const struct http_endpoint *endpoint;
	void *ctx;					    /* of the route */
	void (*gone_fn)(struct http_request *r, void *ctx); /* of http_reply_later(); NULL: none */
	void *gone_ctx;
	void *data; /* the endpoint's */
	char *body;
	size_t body_n, body_size, body_max, drained;
	struct ws_conn *ws;		  /* accepted, waits for its descriptor */
	struct event *abort;		  /* while suspended: the client's end */
	struct http_request *prev, *next; /* while suspended */
	struct client_address client;
	char address[INET6_ADDRSTRLEN];
	uint64_t begin_ms, sent_bytes; /* for the access log */
	char *segment;		       /* decoded, NULL without */
	const char *query;	       /* raw, in target */
	size_t raw_path_n;
	const char *authority; /* of a target that names a server, in target; not NUL-terminated */
	size_t authority_n;    /* 0: it names none */
	uintptr_t uri_at;      /* where libmicrohttpd has the target, and its length as a string */
	size_t uri_n;
	char target[]; /* path and query as the client wrote them */
};

/* http_conn.c */
unsigned http_connections_bound(const struct http_server *srv);
bool http_connections_full(const struct http_server *srv); /* no room for a WebSocket */
bool http_conn_has_room(void *server);			   /* to accept one more */
void http_conn_on_guest(struct entry_guest *guest, void *server);
void http_conn_drop_arrivals(struct http_server *srv); /* after a run */
void http_conn_notify(void *server, struct MHD_Connection *conn, void **context,
		      enum MHD_ConnectionNotificationCode what);
/* The client: never NULL, of family 0 when unknown. */
const struct client_address *http_conn_address(struct MHD_Connection *conn);
bool http_conn_secure(struct MHD_Connection *conn);		   /* TLS ends here */
struct bridge *http_conn_bridge(struct MHD_Connection *conn);	   /* NULL: plain */
struct client_place *http_conn_place(struct MHD_Connection *conn); /* may be moved out */
bool http_conn_has_tls_room(void *server);
void http_conn_step(struct MHD_Connection *conn, enum http_step step); /* has its time from now */
/* Remember the request under way (NULL: it has ended); one that was forgotten is freed. */
void http_conn_request(struct MHD_Connection *conn, struct http_request *r);
/* End some of those whose time is over. Returns whether to come again at once. */
bool http_conn_sweep(struct http_server *srv);
/* libmicrohttpd reads the end of the stream and does what it does then. */
void http_conn_cut(struct MHD_Connection *conn);

/* http_held.c */
/* The request holds so many bytes more. Above held_max whoever has held something for longest is
 * cut off: who is honest is done soon. False: it is this one. */
bool http_hold(struct http_request *r, size_t bytes);
void http_hold_none(struct http_request *r);

/* http_request.c */
void *http_request_begin(void *server, const char *uri, struct MHD_Connection *conn);
enum MHD_Result http_request_access(void *server, struct MHD_Connection *conn, const char *url,
				    const char *verb, const char *version, const char *data,
				    size_t *size, void **request);
void http_request_end(void *server, struct MHD_Connection *conn, void **request,
		      enum MHD_RequestTerminationCode why);

void http_request_free(struct http_request *r); /* NULL is fine */

/* Whoever promised an answer is told that nobody waits for it; once, and never after it. */
void http_request_forsake(struct http_request *r);

/* http_dispatch.c */
/* Is it sane, and where does its body end? Returns 0 and sets r->has_body and *length, or the
 * status to refuse it with. */
unsigned http_check_sanity(struct http_request *r, const char *version, size_t *length);
/* Find who answers. An answer given here is kept until the body has been read and forgotten. */
void http_dispatch(struct http_request *r, size_t length);
void http_reply_too_large(struct http_request *r);

/* http_reply.c */
void http_respond(struct http_request *r, unsigned status, struct MHD_Response *response);
enum MHD_Result http_queue_stored(struct http_request *r);
void http_request_resume(struct http_request *r);
bool http_add_header(struct MHD_Response *response, const char *name, const char *value);
void http_reply_engine(struct http_request *r, unsigned status, const char *type, const void *p,
		       size_t n);

/* http_server.c */
void http_server_wake(struct http_server *srv); /* MHD_run() before the loop waits */

#endif
