/* http_request.c - one request: its beginning, its body, its waiting, its end */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "log.h"
#include "loop.h"
#include "transport/forwarded.h"
#include "transport/http_priv.h"
#include "transport/ws_conn.h"

#define BODY_FIRST_BYTES 4096

/* --- what a handler may ask --- */

const char *http_verb(const struct http_request *r)
{
	return r->verb;
}

const char *http_segment(const struct http_request *r)
{
	return r->segment ? r->segment : "";
}

bool http_too_large(const struct http_request *r)
{
	return r->too_large;
}

const char *http_raw_query(const struct http_request *r)
{
	return r->query;
}

const char *http_address(const struct http_request *r)
{
	return r->address;
}

const char *http_target(const struct http_request *r)
{
	return r->target;
}

const struct client_address *http_client(const struct http_request *r)
{
	return &r->client;
}

bool http_secure(const struct http_request *r)
{
	return r->secure;
}

void *http_data(const struct http_request *r)
{
	return r->data;
}

void http_set_data(struct http_request *r, void *data)
{
	r->data = data;
}

const char *http_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *http_body(const struct http_request *r, size_t *n)
{
	*n = r->body_n;
	return r->body ? r->body : "";
}

/* --- begin and end --- */

/* RFC 9112 section 3.2.2: a target may name the server, too. Returns where its path begins. */
static size_t skip_authority(const char *uri, size_t *at, size_t *n)
{
	*at = *n = 0;
	if (strncasecmp(uri, "http://", 7) == 0)
		*at = 7;
	else if (strncasecmp(uri, "https://", 8) == 0)
		*at = 8;
	else
		return 0;
	*n = strcspn(uri + *at, "/?");
	return *n ? *at + *n : 0; /* RFC 9110 section 4.2.1: an empty one names nobody */
}

/* libmicrohttpd calls this first, with the target as the client wrote it. What
 * is returned becomes the request's pointer; NULL: out of memory. */
void *http_request_begin(void *server, const char *uri, struct MHD_Connection *conn)
{
	size_t at, authority_n, skipped = skip_authority(uri, &at, &authority_n);
	const char *path = uri + skipped, *slash = skipped && *path != '/' ? "/" : "";
	size_t n = strlen(path);
	struct http_request *r = calloc(1, sizeof(*r) + authority_n + n + 3);

	if (!r)
		return NULL;
	http_conn_request(conn, r); /* no end is reported when the query's arguments do not fit */
	r->srv = server;
	r->begin_ms = loop_now_ms();
	r->uri_at = (uintptr_t)uri;
	r->uri_n = strlen(uri);
	strcat(strcat(r->target, slash), path);
	r->raw_path_n = strcspn(r->target, "?");
	r->query = r->target + r->raw_path_n + (r->target[r->raw_path_n] == '?');
	r->authority = r->target + n + 2;
	r->authority_n = authority_n;
	memcpy(r->target + n + 2, uri + at, authority_n);
	return r;
}

/* Nobody waits for the answer any more. */
static void tell_gone(struct http_request *r)
{
	bool tell = r->endpoint && r->stage != HTTP_STAGE_HEAD && !r->answered && !r->gone &&
		    !r->srv->stopping; /* endpoints go before the server */

	r->gone = true;
	if (tell)
		r->endpoint->on_gone(r, r->endpoint->ctx);
	http_request_forsake(r);
}

void http_request_forsake(struct http_request *r)
{
	void (*gone)(struct http_request *, void *) = r->gone_fn;

	r->gone_fn = NULL;
	if (gone && !r->answered)
		gone(r, r->gone_ctx);
}

void http_request_free(struct http_request *r)
{
	if (!r)
		return;
	tell_gone(r);
	http_hold_none(r);
	if (r->ws)
		ws_conn_attach(r->ws, NULL, NULL, 0);
	if (r->response)
		MHD_destroy_response(r->response);
	free(r->body);
	free(r->segment);
	free(r);
}

/* One line, without the query: it may hold a session's id or a token. */
static void log_answered(const struct http_request *r)
{
	char path[HTTP_LOGGED_PATH_MAX + 1];
	size_t n = r->raw_path_n < sizeof(path) - 1 ? r->raw_path_n : sizeof(path) - 1;
	uint64_t bytes = strcmp(r->verb, "HEAD") == 0 ? 0 : r->sent_bytes;

	http_printable(path, r->target, n);
	log_info("access", "%s %s %s %u %llu bytes %llu ms", r->address, r->verb, path, r->status,
		 (unsigned long long)bytes, (unsigned long long)(loop_now_ms() - r->begin_ms));
}

void http_request_end(void *server, struct MHD_Connection *conn, void **request,
		      enum MHD_RequestTerminationCode why)
{
	struct http_request *r = *request;

	(void)server;
	(void)why;
	http_conn_step(conn, HTTP_STEP_NEXT);
	http_conn_request(conn, NULL);
	if (r && r->status && r->srv->cfg.access_log)
		log_answered(r);
	http_request_free(r);
	*request = NULL;
}

/* --- the first call: the headers are in --- */

struct forwarding {
	const struct address_set *trusted;
	struct forwarded chain;
	enum forwarded_proto proto;
};

static enum MHD_Result see_forwarded(void *ctx, enum MHD_ValueKind kind, const char *name,
				     const char *value)
{
	struct forwarding *f = ctx;

	(void)kind;
	if (value && strcasecmp(name, "X-Forwarded-For") == 0)
		forwarded_add(&f->chain, f->trusted, value);
	else if (value && strcasecmp(name, "X-Forwarded-Proto") == 0)
		f->proto = forwarded_proto(value); /* the last line was added last */
	return MHD_YES;
}

/* The connection is one of a proxy of ours: who is behind it? */
static void believe_proxy(struct http_request *r)
{
	struct http_server *srv = r->srv;
	struct forwarding f = { .trusted = srv->cfg.trusted };

	forwarded_init(&f.chain);
	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, see_forwarded, &f);
	if (f.chain.client.family)
		r->client = f.chain.client;
	if (f.proto == FORWARDED_HTTP || f.proto == FORWARDED_HTTPS)
		r->secure = f.proto == FORWARDED_HTTPS;
	/* Most proxies that say nothing have TLS. */
	r->host_proven = f.proto == FORWARDED_HTTPS || f.proto == FORWARDED_NONE;
	if (f.chain.garbage || f.proto == FORWARDED_GARBAGE)
		srv->counters.forwarded_garbage++;
}

static void set_client(struct http_request *r)
{
	r->client = *http_conn_address(r->conn);
	r->secure = http_conn_secure(r->conn);
	r->host_proven = r->secure;
	if (address_set_has(r->srv->cfg.trusted, &r->client))
		believe_proxy(r);
	client_address_text(&r->client, r->address);
	if (!r->address[0])
		strcpy(r->address, "?");
}

static void set_method(struct http_request *r, const char *verb)
{
	r->verb = verb;
	if (strcmp(verb, "GET") == 0 || strcmp(verb, "HEAD") == 0)
		r->method = HTTP_GET;
	else if (strcmp(verb, "POST") == 0)
		r->method = HTTP_POST;
}

/* Where a malformed request ends nobody knows: nothing behind it is read. */
static enum MHD_Result refuse(struct http_request *r, unsigned status)
{
	r->srv->counters.bad_requests++;
	r->refused = true;
	http_reply_error(r, status,
			 status == MHD_HTTP_NOT_IMPLEMENTED ? "Not Implemented" : "Bad Request");
	return http_queue_stored(r);
}

static enum MHD_Result begin(struct http_request *r, const char *verb, const char *version)
{
	struct http_server *srv = r->srv;
	unsigned status;
	size_t length;
	bool hurry;

	srv->counters.requests++;
	set_method(r, verb);
	set_client(r);
	status = http_check_sanity(r, version, &length);
	if (status)
		return refuse(r, status);
	http_dispatch(r, length);
	/* A client that asks first, or has far too much to say, is told at once. */
	hurry = length > r->body_max + HTTP_DRAIN_MAX || http_header(r, "Expect");
	if (r->response && r->has_body && hurry)
		return http_queue_stored(r);
	r->stage = HTTP_STAGE_BODY;
	if (r->endpoint && !r->answered && r->endpoint->on_head)
		r->endpoint->on_head(r, r->endpoint->ctx);
	return r->gone ? MHD_NO : MHD_YES;
}

/* --- body --- */

static bool reserve(struct http_request *r, size_t n)
{
	size_t need = r->body_n + n + 1, size = r->body_size ? r->body_size : BODY_FIRST_BYTES;
	char *p;

	if (need <= r->body_size)
		return true;
	while (size < need)
		size *= 2;
	if (!http_hold(r, size - r->body_size))
		return false;
	p = realloc(r->body, size);
	if (!p)
		return false;
	r->body = p;
	r->body_size = size;
	return true;
}

static enum MHD_Result collect(struct http_request *r, const char *p, size_t n)
{
	if (!r->answered && n > r->body_max - r->body_n) { /* without Content-Length */
		r->too_large = true;
		tell_gone(r);
		r->gone = false;
		free(r->body);
		http_hold_none(r);
		r->body = NULL;
		r->body_n = r->body_size = 0;
		http_reply_too_large(r);
	}
	if (r->answered) {
		r->drained += n;
		return r->drained <= r->body_max + HTTP_DRAIN_MAX ? MHD_YES : MHD_NO;
	}
	if (!reserve(r, n)) {
		r->srv->counters.out_of_memory += !r->crowded_out;
		return MHD_NO;
	}
	memcpy(r->body + r->body_n, p, n);
	r->body_n += n;
	r->body[r->body_n] = '\0';
	return MHD_YES;
}

/* --- waiting --- */

/* While a connection is suspended libmicrohttpd does not look at it: the
 * client's end is noticed here. Edge-triggered, because what a client sends
 * ahead stays unread. */
static void on_abort(evutil_socket_t fd, short what, void *ctx)
{
	struct http_request *r = ctx;
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	if (!(what & EV_CLOSED) && (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))))
		return;
	tell_gone(r);
	http_request_resume(r);
}

static void suspend(struct http_request *r)
{
	struct http_server *srv = r->srv;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	int fd = info ? info->connect_fd : -1; /* *info is the next question's, too */

	MHD_suspend_connection(r->conn);
	http_conn_step(r->conn, HTTP_STEP_REST);
	r->suspended = true;
	r->prev = NULL;
	r->next = srv->suspended;
	if (r->next)
		r->next->prev = r;
	srv->suspended = r;
	if (fd >= 0)
		r->abort = event_new(srv->base, fd, EV_READ | EV_CLOSED | EV_ET | EV_PERSIST,
				     on_abort, r);
	if (r->abort)
		event_add(r->abort, NULL);
}

/* --- the access handler --- */

/* The request is complete. */
static enum MHD_Result finish(struct http_request *r)
{
	if (r->answered)
		return r->response ? http_queue_stored(r) : MHD_NO;
	r->stage = HTTP_STAGE_DONE;
	http_conn_step(r->conn, HTTP_STEP_ANSWER);
	if (r->route)
		r->route->fn(r, r->ctx);
	else if (r->upgrade)
		r->endpoint->on_websocket(r, r->endpoint->ctx);
	else
		r->endpoint->on_request(r, r->endpoint->ctx);
	if (r->answered)
		return r->response ? http_queue_stored(r) : MHD_NO;
	if ((r->route && !r->gone_fn) || r->upgrade) {
		http_reply_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "No answer");
		return http_queue_stored(r);
	}
	suspend(r);
	return MHD_YES;
}

enum MHD_Result http_request_access(void *server, struct MHD_Connection *conn, const char *url,
				    const char *verb, const char *version, const char *data,
				    size_t *size, void **request)
{
	struct http_request *r = *request;
	size_t n = *size;

	(void)server;
	(void)url;
	if (!r || r->gone || (r->srv->stopping && !r->response))
		return MHD_NO;
	if (!r->started) {
		r->started = true;
		r->conn = conn;
		http_conn_step(conn, HTTP_STEP_BODY);
		return begin(r, verb, version);
	}
	if (n) {
		*size = 0;
		return collect(r, data, n);
	}
	return finish(r);
}
