/* http_reply.c - answers: one way out for all, with CORS on every one of them */
#include <assert.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "transport/base64.h"
#include "transport/bridge.h"
#include "transport/http_priv.h"
#include "transport/stream.h"
#include "transport/ws_conn.h"

#define JSON_TYPE "application/json; charset=utf-8"
#define SHA1_BYTES 20
#define CSP "Content-Security-Policy"
#define BLOCK_BYTES 32768 /* of a long answer, written and sent in one turn of the loop */

bool http_add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* Only allowed origins come this far with anything but a 403. */
static void add_cors(const struct http_request *r, struct MHD_Response *response, unsigned status)
{
	const struct http_config *cfg = &r->srv->cfg;
	const char *origin = http_header(r, "Origin");
	bool everybody = origin_everybody(cfg->origins);

	if (everybody && status != MHD_HTTP_FORBIDDEN) {
		http_add_header(response, "Access-Control-Allow-Origin", "*");
		return;
	}
	http_add_header(response, "Vary", "Origin");
	if (!origin || status == MHD_HTTP_FORBIDDEN)
		return;
	http_add_header(response, "Access-Control-Allow-Origin", origin);
	if (cfg->cors_credentials)
		http_add_header(response, "Access-Control-Allow-Credentials", "true");
}

/* No page is to guess what our answers are, show them in a frame, or run what is in them. */
static const struct {
	const char *name, *value;
} page_headers[] = {
	{ CSP, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Frame-Options", "DENY" }, /* for browsers that do not know frame-ancestors */
	{ "Referrer-Policy", "no-referrer" },
};

static void add_page_headers(struct MHD_Response *response)
{
	size_t i;

	for (i = 0; i < sizeof(page_headers) / sizeof(page_headers[0]); i++)
		http_add_header(response, page_headers[i].name, page_headers[i].value);
}

void http_reply_header(struct http_request *r, const char *name, const char *value)
{
	const char *old;

	if (!r->response)
		return;
	old = MHD_get_response_header(r->response, name);
	if (old)
		MHD_del_response_header(r->response, name, old);
	http_add_header(r->response, name, value);
}

/* Out of the list of those that wait; its next turn is in the access handler. */
void http_request_resume(struct http_request *r)
{
	struct http_server *srv = r->srv;

	if (!r->suspended)
		return;
	r->suspended = false;
	if (r->abort)
		event_free(r->abort);
	r->abort = NULL;
	if (r->prev)
		r->prev->next = r->next;
	else
		srv->suspended = r->next;
	if (r->next)
		r->next->prev = r->prev;
	MHD_resume_connection(r->conn);
	http_conn_step(r->conn, HTTP_STEP_ANSWER);
	http_server_wake(r->srv); /* a resumption does not wake an external loop */
}

enum MHD_Result http_queue_stored(struct http_request *r)
{
	enum MHD_Result rc = MHD_queue_response(r->conn, r->status, r->response);

	MHD_destroy_response(r->response);
	r->response = NULL;
	return rc;
}

/* Others wait for a bridge: a connection that may have no more to say does not keep one. */
static bool is_in_the_way(const struct http_request *r, unsigned status)
{
	return status != MHD_HTTP_SWITCHING_PROTOCOLS && http_conn_secure(r->conn) &&
	       entry_has_line(r->srv->entry);
}

/* Keep the answer until the request is read, then send it. */
void http_respond(struct http_request *r, unsigned status, struct MHD_Response *response)
{
	assert(!r->answered);
	r->answered = true;
	if (!response) {
		r->srv->counters.out_of_memory++;
		r->gone = true; /* no memory for an answer: the connection is dropped */
	} else {
		add_cors(r, response, status);
		http_add_header(response, "X-Content-Type-Options", "nosniff");
		if (r->refused || is_in_the_way(r, status))
			http_add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
		r->response = response;
		r->status = status;
	}
	http_request_resume(r);
}

static struct MHD_Response *copy_response(struct http_request *r, const void *p, size_t n,
					  const char *type)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(n, (void *)(n ? p : ""), MHD_RESPMEM_MUST_COPY);

	if (response && type)
		http_add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (response)
		http_hold(r, n);
	r->sent_bytes = n;
	return response;
}

void http_reply_json(struct http_request *r, unsigned status, const char *json, size_t n)
{
	struct MHD_Response *response = copy_response(r, json, n, JSON_TYPE);

	if (response) {
		http_add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		add_page_headers(response);
	}
	http_respond(r, status, response);
}

void http_reply_bytes(struct http_request *r, unsigned status, const char *content_type,
		      const void *p, size_t n)
{
	struct MHD_Response *response = copy_response(r, p, n, content_type);

	if (response)
		add_page_headers(response);
	http_respond(r, status, response);
}

void http_reply_engine(struct http_request *r, unsigned status, const char *type, const void *p,
		       size_t n)
{
	struct MHD_Response *response = copy_response(r, p, n, type);

	if (response)
		http_add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (response && status == MHD_HTTP_SERVICE_UNAVAILABLE)
		http_add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	http_respond(r, status, response);
}

void http_reply_error(struct http_request *r, unsigned status, const char *text)
{
	char buf[256];
	struct json_out o;

	json_out_fixed(&o, buf, sizeof(buf));
	json_out_open(&o, '{');
	json_put_string(&o, "error", text);
	json_out_close(&o, '}');
	http_reply_json(r, status, o.failed ? "{}" : o.p, o.failed ? 2 : o.n);
}

void http_reply_busy(struct http_request *r, unsigned retry_after_s)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
	r->srv->counters.busy++;
	http_reply_error(r, MHD_HTTP_SERVICE_UNAVAILABLE, "Service Unavailable");
	http_reply_header(r, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
}

void http_reply_later(struct http_request *r, void (*gone)(struct http_request *r, void *ctx),
		      void *ctx)
{
	r->gone_fn = gone;
	r->gone_ctx = ctx;
}

/* --- long answers --- */

struct reply_stream {
	struct http_stream s;
	uint64_t *sent_bytes; /* of the request; it lives until the answer is destroyed */
};

static ssize_t on_stream_read(void *ctx, uint64_t pos, char *buf, size_t size)
{
	struct reply_stream *stream = ctx;
	ssize_t n = stream->s.read(stream->s.ctx, pos, buf, size);

	if (n > 0)
		*stream->sent_bytes = pos + (uint64_t)n;
	return n > 0   ? n
	       : n < 0 ? (ssize_t)MHD_CONTENT_READER_END_WITH_ERROR
		       : (ssize_t)MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_stream_done(void *ctx)
{
	struct reply_stream *stream = ctx;

	if (stream->s.done)
		stream->s.done(stream->s.ctx);
	free(stream);
}

static struct MHD_Response *stream_response(struct http_request *r, uint64_t length,
					    const struct http_stream *s)
{
	struct reply_stream *stream = malloc(sizeof(*stream));
	struct MHD_Response *response = NULL;

	if (stream) {
		*stream = (struct reply_stream){ *s, &r->sent_bytes };
		response = MHD_create_response_from_callback(
			length == HTTP_LENGTH_UNKNOWN ? MHD_SIZE_UNKNOWN : length, BLOCK_BYTES,
			on_stream_read, stream, on_stream_done);
	}
	if (!response) {
		free(stream);
		if (s->done)
			s->done(s->ctx);
	}
	return response;
}

void http_reply_stream(struct http_request *r, unsigned status, const char *content_type,
		       uint64_t length, const struct http_stream *s)
{
	struct MHD_Response *response = stream_response(r, length, s);

	if (response) {
		http_add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
		add_page_headers(response);
	}
	http_respond(r, status, response);
}

/* --- WebSocket --- */

void http_ws_refuse(struct http_request *r, unsigned status, const char *message)
{
	struct MHD_Response *response =
		copy_response(r, message, strlen(message), "text/plain; charset=utf-8");

	if (response) {
		http_add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
		http_add_header(response, "Sec-WebSocket-Version", "13");
	}
	http_respond(r, status, response);
}

/* RFC 6455 section 4.2.2, 5.4 */
static bool accept_value(const char *key, char out[BASE64_SIZE(SHA1_BYTES) + 1])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[24 + sizeof(guid)];
	unsigned n;

	snprintf(text, sizeof(text), "%.24s%s", key, guid);
	if (!EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL) || n != SHA1_BYTES)
		return false;
	base64_encode(out, digest, SHA1_BYTES);
	out[BASE64_SIZE(SHA1_BYTES)] = '\0';
	return true;
}

/* The stream is ours again: what libmicrohttpd wrote is out. */
static void on_stream(void *ws, struct stream *s, const void *p, size_t n)
{
	ws_conn_attach(ws, s->fd < 0 ? NULL : s, p, n);
}

/* A duplicate of its descriptor: libmicrohttpd closes its own and frees all it held. */
static void take_socket(struct ws_conn *ws, int sock, const char *extra, size_t n)
{
	struct stream s;

	stream_init(&s, fcntl(sock, F_DUPFD_CLOEXEC, 0)); /* -1: no descriptors left */
	on_stream(ws, &s, extra, n);
}

/* The connection leaves libmicrohttpd. */
static void on_upgraded(void *cls, struct MHD_Connection *conn, void *request, const char *extra,
			size_t extra_n, MHD_socket sock, struct MHD_UpgradeResponseHandle *handle)
{
	struct http_request *r = request;
	struct http_server *srv = cls;
	struct ws_conn *ws = r->ws;
	struct bridge *bridge = http_conn_bridge(conn);

	r->ws = NULL;
	http_conn_step(conn, HTTP_STEP_REST); /* the socket is shared until libmicrohttpd lets go */
	ws_conn_hold(ws, http_conn_place(conn));
	/* After a folded header and with its buffer full, libmicrohttpd 0.9.75 hands over a
	 * length and no bytes: they are lost, and so is the connection. */
	if (extra_n && !extra)
		ws_conn_attach(ws, NULL, NULL, 0);
	else if (bridge)
		bridge_upgrade(bridge, sock, extra, extra_n, on_stream, ws);
	else
		take_socket(ws, sock, extra, extra_n);
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	http_server_wake(srv);
}

void http_ws_accept(struct http_request *r, struct ws_conn *ws)
{
	char value[BASE64_SIZE(SHA1_BYTES) + 1];
	struct MHD_Response *response = NULL;

	if (accept_value(http_header(r, "Sec-WebSocket-Key"), value))
		response = MHD_create_response_for_upgrade(on_upgraded, r->srv);
	if (response) {
		http_add_header(response, MHD_HTTP_HEADER_UPGRADE, "websocket");
		http_add_header(response, "Sec-WebSocket-Accept", value);
	}
	r->ws = ws;
	http_respond(r, MHD_HTTP_SWITCHING_PROTOCOLS, response);
}
