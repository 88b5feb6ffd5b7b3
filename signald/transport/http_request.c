/* http_request.c - one request: strictness, origin, dispatch, body, its end */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "json_text.h"
#include "log.h"
#include "loop.h"
#include "transport/http_priv.h"
#include "transport/origin.h"
#include "transport/ws_conn.h"

#define BODY_FIRST_BYTES 4096
#define REFUSALS_A_MINUTE 20 /* lines about refused origins */

/* --- what a handler may ask --- */

enum http_method http_method(const struct http_request *r)
{
	return r->method;
}

const char *http_verb(const struct http_request *r)
{
	return r->verb;
}

const char *http_path(const struct http_request *r)
{
	return r->path;
}

const char *http_segment(const struct http_request *r)
{
	return r->segment ? r->segment : "";
}

const char *http_raw_query(const struct http_request *r)
{
	return r->query;
}

const char *http_address(const struct http_request *r)
{
	return r->address;
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

/* The value lives as long as the request. */
const char *http_query(const struct http_request *cr, const char *key)
{
	struct http_request *r = (struct http_request *)cr; /* the list of loans is no state */
	size_t size = strlen(r->query) + 1;
	struct http_decoded *d = malloc(sizeof(*d) + size);

	if (!d)
		return NULL;
	if (http_query_value(r->query, key, d->text, size) < 0) {
		free(d);
		return NULL;
	}
	d->next = r->decoded;
	r->decoded = d;
	return d->text;
}

/* --- begin and end --- */

/* libmicrohttpd calls this first, with the target as the client wrote it. What
 * is returned becomes the request's pointer; NULL: out of memory. */
void *http_request_begin(void *listener, const char *uri, struct MHD_Connection *conn)
{
	size_t n = strlen(uri), path_n = strcspn(uri, "?");
	struct http_request *r = calloc(1, sizeof(*r) + n + 1);

	(void)conn;
	if (!r)
		return NULL;
	r->listener = listener;
	memcpy(r->target, uri, n + 1);
	r->raw_path_n = path_n;
	r->query = r->target + path_n + (r->target[path_n] == '?');
	return r;
}

/* Nobody waits for the answer any more. */
static void tell_gone(struct http_request *r)
{
	bool tell = r->endpoint && r->stage != HTTP_STAGE_HEAD && !r->answered && !r->gone &&
		    !r->listener->srv->stopping; /* endpoints go before the server */

	r->gone = true;
	if (tell)
		r->endpoint->on_gone(r, r->endpoint->ctx);
}

void http_request_end(void *listener, struct MHD_Connection *conn, void **request,
		      enum MHD_RequestTerminationCode why)
{
	struct http_request *r = *request;
	struct http_decoded *d;

	(void)listener;
	(void)conn;
	(void)why;
	if (!r)
		return;
	*request = NULL;
	tell_gone(r);
	if (r->ws)
		ws_conn_attach(r->ws, -1, NULL, 0);
	if (r->response)
		MHD_destroy_response(r->response);
	while ((d = r->decoded)) {
		r->decoded = d->next;
		free(d);
	}
	free(r->body);
	free(r->path);
	free(r->segment);
	free(r);
}

/* --- strictness --- */

struct seen {
	unsigned lengths, encodings, hosts, origins;
	bool strange_encoding, bad_length;
	size_t length;
};

/* Digits only; more than we could ever take is as good as endless. */
static bool parse_length(const char *s, size_t *out)
{
	*out = 0;
	if (!*s)
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		*out = *out > SIZE_MAX / 16 ? *out : *out * 10 + (size_t)(*s - '0');
	return !*s;
}

static enum MHD_Result see_header(void *ctx, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct seen *s = ctx;

	(void)kind;
	if (!value)
		value = "";
	if (strcasecmp(name, "Content-Length") == 0) {
		s->lengths++;
		s->bad_length |= !parse_length(value, &s->length);
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		s->encodings++;
		s->strange_encoding |= strcasecmp(value, "chunked") != 0;
	} else if (strcasecmp(name, "Host") == 0) {
		s->hosts++;
	} else if (strcasecmp(name, "Origin") == 0) {
		s->origins++;
	}
	return MHD_YES;
}

/* What libmicrohttpd 0.9.75 lets pass, and what lets two parsers disagree
 * about where a request ends (RFC 9112 sections 3.2, 6.1, 6.3). */
static bool framing_is_sane(const struct seen *s)
{
	return s->lengths <= 1 && s->encodings <= 1 && !(s->lengths && s->encodings) &&
	       !s->strange_encoding && !s->bad_length && s->hosts <= 1 && s->origins <= 1;
}

/* --- origin --- */

/* A page that tries again and again is one line a minute, and so are many pages few. */
static void log_refusal(struct http_server *srv, const char *origin)
{
	uint64_t now = loop_now_ms();

	srv->counters.origins_refused++;
	if (now - srv->refusals_logged_ms > 60000) {
		srv->refusals_logged_ms = now;
		srv->refusals_logged = 0;
		srv->refused[0] = '\0';
	}
	if (srv->refusals_logged == REFUSALS_A_MINUTE ||
	    strncmp(srv->refused, origin, sizeof(srv->refused) - 1) == 0)
		return;
	srv->refusals_logged++;
	snprintf(srv->refused, sizeof(srv->refused), "%s", origin);
	log_warn("http", "refused a page of origin \"%s\": not in origins", srv->refused);
}

static bool origin_is_fine(struct http_request *r)
{
	struct http_server *srv = r->listener->srv;
	const char *origin = http_header(r, "Origin");

	if (origin_allowed(srv->cfg.origins, origin, http_header(r, "Host")))
		return true;
	log_refusal(srv, origin);
	if (r->upgrade)
		http_ws_refuse(r, MHD_HTTP_FORBIDDEN, "Forbidden");
	else if (r->endpoint)
		http_reply_engine(r, MHD_HTTP_FORBIDDEN, "application/json",
				  "{\"code\":4,\"message\":\"Forbidden\"}", 32);
	else
		http_reply_error(r, MHD_HTTP_FORBIDDEN, "Forbidden");
	return false;
}

/* What a preflight asks for is reflected if it is a plain list of names. */
static const char *allowed_headers(const struct http_request *r)
{
	static const char fallback[] = "Content-Type, Authorization";
	const char *asked = http_header(r, "Access-Control-Request-Headers");

	if (!asked || strlen(asked) > 256 ||
	    asked[strspn(asked,
			 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, ")])
		return fallback;
	return asked;
}

static void reply_options(struct http_request *r)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);

	if (response) {
		http_add_header(response, "Access-Control-Allow-Methods",
				"GET, HEAD, POST, OPTIONS");
		http_add_header(response, "Access-Control-Allow-Headers", allowed_headers(r));
		http_add_header(response, "Access-Control-Max-Age", "600");
		http_add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST, OPTIONS");
	}
	http_respond(r, MHD_HTTP_NO_CONTENT, response);
}

/* --- dispatch --- */

static void find_endpoint(struct http_request *r)
{
	struct http_server *srv = r->listener->srv;
	size_t i, n = r->raw_path_n;

	if (n > 1 && r->target[n - 1] == '/')
		n--;
	for (i = 0; i < srv->endpoints_n; i++) {
		const char *path = srv->endpoints[i].path;

		if (strlen(path) == n && memcmp(path, r->target, n) == 0)
			r->endpoint = &srv->endpoints[i];
	}
}

static bool decode_segment(struct http_request *r, const char *p, size_t n)
{
	if (!p)
		return true;
	r->segment = malloc(n + 1);
	return r->segment && http_decode(r->segment, n + 1, p, n, false) >= 0;
}

/* The first row whose path fits; a later row of the same path may have the method. */
static const struct http_route *find_route(struct http_request *r, unsigned *methods)
{
	struct http_server *srv = r->listener->srv;
	const char *segment;
	size_t t, i, n;

	*methods = 0;
	for (t = 0; t < srv->tables_n; t++) {
		for (i = 0; i < srv->tables[t].n; i++) {
			const struct http_route *row = &srv->tables[t].routes[i];

			if (!http_route_matches(row->path, r->target, r->raw_path_n, &segment, &n))
				continue;
			*methods |= row->methods;
			if (!(row->methods & r->method) || !decode_segment(r, segment, n))
				continue;
			r->ctx = srv->tables[t].ctx;
			return row;
		}
	}
	return NULL;
}

/* {"error":"Not Found","path":...} with the path as it was asked for */
static void reply_not_found(struct http_request *r)
{
	char path[256], buf[1024];
	struct json_out o;
	size_t i, n = r->raw_path_n < sizeof(path) ? r->raw_path_n : sizeof(path) - 1;

	for (i = 0; i < n; i++)
		path[i] = r->target[i] >= 0x20 && r->target[i] < 0x7f ? r->target[i] : '?';
	json_out_fixed(&o, buf, sizeof(buf));
	json_out_open(&o, '{');
	json_put_string(&o, "error", "Not Found");
	json_out_key(&o, "path");
	json_out_string_n(&o, path, n);
	json_out_close(&o, '}');
	http_reply_json(r, MHD_HTTP_NOT_FOUND, o.p, o.n);
}

static void reply_wrong_method(struct http_request *r, unsigned methods)
{
	static const char body[] = "{\"error\":\"Method Not Allowed\"}";
	const char *allow = methods == HTTP_GET	   ? "GET, HEAD, OPTIONS"
			    : methods == HTTP_POST ? "POST, OPTIONS"
						   : "GET, HEAD, POST, OPTIONS";

	http_reply_bytes(r, MHD_HTTP_METHOD_NOT_ALLOWED, "application/json; charset=utf-8",
			 MHD_HTTP_HEADER_ALLOW, allow, body, sizeof(body) - 1);
}

static void pick_route(struct http_request *r)
{
	unsigned methods;

	r->route = find_route(r, &methods);
	if (r->route)
		return;
	if (methods && !(methods & r->method))
		reply_wrong_method(r, methods);
	else
		reply_not_found(r);
}

/* RFC 6455 section 4.2.1 */
static bool handshake_is_fine(struct http_request *r)
{
	struct http_server *srv = r->listener->srv;
	const char *version = http_header(r, "Sec-WebSocket-Version");

	if (!http_has_token(http_header(r, "Connection"), "upgrade") || r->has_body ||
	    !http_ws_key_valid(http_header(r, "Sec-WebSocket-Key"))) {
		http_ws_refuse(r, MHD_HTTP_BAD_REQUEST, "Bad request");
		return false;
	}
	if (!version || strcmp(version, "13") != 0) {
		http_ws_refuse(r, MHD_HTTP_BAD_REQUEST, "Bad WebSocket version");
		return false;
	}
	/* libmicrohttpd does not count what has left it */
	if (ws_io_counters(srv->ws)->open >= srv->cfg.connections_max) {
		srv->counters.websockets_refused++;
		http_ws_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, "Service unavailable");
		return false;
	}
	return true;
}

static void set_address(struct http_request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;
	socklen_t n = sa && sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						      : sizeof(struct sockaddr_in);

	if (!sa || getnameinfo(sa, n, r->address, sizeof(r->address), NULL, 0, NI_NUMERICHOST))
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

static bool set_path(struct http_request *r)
{
	r->path = malloc(r->raw_path_n + 1);
	return r->path &&
	       http_decode(r->path, r->raw_path_n + 1, r->target, r->raw_path_n, false) >= 0;
}

static void reply_too_large(struct http_request *r)
{
	r->listener->srv->counters.bodies_refused++;
	http_reply_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "Payload Too Large");
}

/* Everything that can be decided by the headers. An answer given here is kept
 * until the body has been read and forgotten. */
static void on_headers(struct http_request *r, size_t length)
{
	struct http_server *srv = r->listener->srv;

	find_endpoint(r);
	r->body_max = r->endpoint ? r->endpoint->body_max : srv->cfg.body_max;
	r->upgrade = r->endpoint && r->endpoint->on_websocket && strcmp(r->verb, "GET") == 0 &&
		     http_has_token(http_header(r, "Upgrade"), "websocket");
	if (!origin_is_fine(r))
		return;
	if (strcmp(r->verb, "OPTIONS") == 0)
		reply_options(r);
	else if (r->upgrade && !handshake_is_fine(r))
		return;
	else if (length > r->body_max)
		reply_too_large(r);
	else if (!r->endpoint)
		pick_route(r);
}

static enum MHD_Result begin(struct http_request *r, const char *verb)
{
	struct http_server *srv = r->listener->srv;
	struct seen seen = { 0 };
	bool hurry;

	srv->counters.requests++;
	set_method(r, verb);
	set_address(r);
	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, see_header, &seen);
	r->has_body = seen.encodings || seen.length;
	if (!framing_is_sane(&seen) || !set_path(r)) {
		srv->counters.bad_requests++;
		r->endpoint = NULL;
		http_reply_error(r, MHD_HTTP_BAD_REQUEST, "Bad Request");
		return http_queue_stored(r);
	}
	on_headers(r, seen.length);
	/* A client that asks first, or has far too much to say, is told at once. */
	hurry = seen.length > r->body_max + HTTP_DRAIN_MAX || http_header(r, "Expect");
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
		tell_gone(r);
		r->gone = false;
		reply_too_large(r);
		free(r->body);
		r->body = NULL;
		r->body_n = r->body_size = 0;
	}
	if (r->answered) {
		r->drained += n;
		return r->drained <= r->body_max + HTTP_DRAIN_MAX ? MHD_YES : MHD_NO;
	}
	if (!reserve(r, n)) {
		r->listener->srv->counters.out_of_memory++;
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
	struct http_server *srv = r->listener->srv;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	MHD_suspend_connection(r->conn);
	r->suspended = true;
	r->prev = NULL;
	r->next = srv->suspended;
	if (r->next)
		r->next->prev = r;
	srv->suspended = r;
	if (info)
		r->abort = event_new(srv->base, info->connect_fd,
				     EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_abort, r);
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
	if (r->route)
		r->route->fn(r, r->ctx);
	else if (r->upgrade)
		r->endpoint->on_websocket(r, r->endpoint->ctx);
	else
		r->endpoint->on_request(r, r->endpoint->ctx);
	if (r->answered)
		return r->response ? http_queue_stored(r) : MHD_NO;
	if (r->route || r->upgrade) {
		http_reply_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "No answer");
		return http_queue_stored(r);
	}
	suspend(r);
	return MHD_YES;
}

enum MHD_Result http_request_access(void *listener, struct MHD_Connection *conn, const char *url,
				    const char *verb, const char *version, const char *data,
				    size_t *size, void **request)
{
	struct http_request *r = *request;
	size_t n = *size;

	(void)listener;
	(void)url;
	(void)version;
	if (!r || r->gone || (r->listener->srv->stopping && !r->response))
		return MHD_NO;
	if (!r->started) {
		r->started = true;
		r->conn = conn;
		return begin(r, verb);
	}
	if (n) {
		*size = 0;
		return collect(r, data, n);
	}
	return finish(r);
}
