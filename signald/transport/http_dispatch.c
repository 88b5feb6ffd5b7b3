/* http_dispatch.c - what the headers of a sane request decide: may its page ask, who answers */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_text.h"
#include "log.h"
#include "loop.h"
#include "transport/http_priv.h"

#define REFUSALS_A_MINUTE 20 /* lines about refused origins */

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

static void forbid(struct http_request *r)
{
	if (r->upgrade)
		http_ws_refuse(r, MHD_HTTP_FORBIDDEN, "Forbidden");
	else if (r->endpoint)
		http_reply_engine(r, MHD_HTTP_FORBIDDEN, "application/json",
				  "{\"code\":4,\"message\":\"Forbidden\"}", 32);
	else
		http_reply_error(r, MHD_HTTP_FORBIDDEN, "Forbidden");
}

static bool origin_is_fine(struct http_request *r)
{
	struct http_server *srv = r->srv;
	const char *origin = http_header(r, "Origin");

	if (origin_allowed(srv->cfg.origins, origin, http_header(r, "Host"), r->host_proven))
		return true;
	log_refusal(srv, origin);
	forbid(r);
	return false;
}

/* --- proxies --- */

static enum MHD_Result see_proxy(void *ctx, enum MHD_ValueKind kind, const char *name,
				 const char *value)
{
	/* RFC 7239; RFC 9110 section 7.6.3; and what was there before. */
	static const char *const names[] = { "Forwarded", "Via", "X-Real-IP" };
	bool *found = ctx;

	(void)kind;
	(void)value;
	*found = *found || strncasecmp(name, "X-Forwarded-", 12) == 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		*found = *found || strcasecmp(name, names[i]) == 0;
	return *found ? MHD_NO : MHD_YES;
}

static void log_forwarded(struct http_server *srv)
{
	uint64_t now = loop_now_ms();

	srv->counters.forwarded_refused++;
	if (srv->forwarded_logged_ms && now - srv->forwarded_logged_ms <= 60000)
		return;
	srv->forwarded_logged_ms = now;
	log_warn("http", "refused a request that a proxy forwarded: auth is open, which is for "
			 "this host alone");
}

static bool comes_directly(struct http_request *r)
{
	bool forwarded = false;

	if (!r->srv->cfg.refuse_forwarded)
		return true;
	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, see_proxy, &forwarded);
	if (!forwarded)
		return true;
	log_forwarded(r->srv);
	forbid(r);
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

/* WICG Private Network Access: may a public page ask a server that is not? */
static void allow_private_network(const struct http_request *r, struct MHD_Response *response)
{
	const char *asked = http_header(r, "Access-Control-Request-Private-Network");

	if (r->srv->cfg.cors_private_network && asked && strcmp(asked, "true") == 0)
		http_add_header(response, "Access-Control-Allow-Private-Network", "true");
}

static void reply_options(struct http_request *r)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);

	if (response && http_header(r, "Origin")) {
		http_add_header(response, "Access-Control-Allow-Methods",
				"GET, HEAD, POST, OPTIONS");
		http_add_header(response, "Access-Control-Allow-Headers", allowed_headers(r));
		http_add_header(response, "Access-Control-Max-Age", "600");
		http_add_header(response, "Vary",
				"Access-Control-Request-Headers, "
				"Access-Control-Request-Private-Network");
		allow_private_network(r, response);
	}
	if (response)
		http_add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST, OPTIONS");
	http_respond(r, MHD_HTTP_NO_CONTENT, response);
}

/* --- dispatch --- */

static void find_endpoint(struct http_request *r)
{
	struct http_server *srv = r->srv;
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
	struct http_server *srv = r->srv;
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

void http_reply_not_found(struct http_request *r)
{
	char path[HTTP_LOGGED_PATH_MAX + 1], buf[1024];
	struct json_out o;
	size_t n = r->raw_path_n < sizeof(path) ? r->raw_path_n : sizeof(path) - 1;

	http_printable(path, r->target, n);
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
	const char *allow = methods == HTTP_GET	   ? "GET, HEAD, OPTIONS"
			    : methods == HTTP_POST ? "POST, OPTIONS"
						   : "GET, HEAD, POST, OPTIONS";

	http_reply_error(r, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed");
	if (r->response)
		http_add_header(r->response, MHD_HTTP_HEADER_ALLOW, allow);
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
		http_reply_not_found(r);
}

struct search {
	const char *name, *token;
	bool found;
};

static enum MHD_Result see_list(void *ctx, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	struct search *s = ctx;

	(void)kind;
	s->found |= strcasecmp(name, s->name) == 0 && http_has_token(value, s->token);
	return s->found ? MHD_NO : MHD_YES;
}

/* RFC 9110 section 5.3: a list may be in several lines. */
static bool list_has(const struct http_request *r, const char *name, const char *token)
{
	struct search s = { name, token, false };

	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, see_list, &s);
	return s.found;
}

/* RFC 9110 section 7.8: not with HTTP/1.0. */
static bool wants_websocket(const struct http_request *r)
{
	return r->endpoint && r->endpoint->on_websocket && strcmp(r->verb, "GET") == 0 &&
	       !r->http_1_0 && list_has(r, "Upgrade", "websocket");
}

/* RFC 6455 section 4.2.1 */
static bool handshake_is_fine(struct http_request *r)
{
	struct http_server *srv = r->srv;
	const char *version = http_header(r, "Sec-WebSocket-Version");

	if (!list_has(r, "Connection", "upgrade") || r->has_body ||
	    !http_ws_key_valid(http_header(r, "Sec-WebSocket-Key"))) {
		http_ws_refuse(r, MHD_HTTP_BAD_REQUEST, "Bad request");
		return false;
	}
	if (!version || strcmp(version, "13") != 0) {
		http_ws_refuse(r, MHD_HTTP_BAD_REQUEST, "Bad WebSocket version");
		return false;
	}
	if (http_connections_full(srv)) {
		srv->counters.websockets_refused++;
		http_ws_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, "Service unavailable");
		return false;
	}
	return true;
}

void http_reply_too_large(struct http_request *r)
{
	r->srv->counters.bodies_refused++;
	http_reply_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "Payload Too Large");
}

/* Everything that can be decided by the headers. An answer given here is kept
 * until the body has been read and forgotten. */
void http_dispatch(struct http_request *r, size_t length)
{
	struct http_server *srv = r->srv;

	find_endpoint(r);
	r->body_max = r->endpoint ? r->endpoint->body_max : srv->cfg.body_max;
	r->upgrade = wants_websocket(r);
	if (!comes_directly(r) || !origin_is_fine(r))
		return;
	if (strcmp(r->verb, "OPTIONS") == 0)
		reply_options(r);
	else if (r->upgrade && !handshake_is_fine(r))
		return;
	else if (length > r->body_max)
		http_reply_too_large(r);
	else if (!r->endpoint)
		pick_route(r);
}
