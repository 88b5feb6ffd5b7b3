/* front.c - see front.h */
#include "front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/counters.h"
#include "config.h"
#include "log.h"
#include "transport/address_set.h"
#include "transport/admission.h"
#include "transport/eio_endpoint.h"
#include "transport/http_endpoint.h"
#include "transport/http_server.h"
#include "transport/inherited.h"
#include "transport/listener.h"
#include "transport/origin.h"
#include "transport/outq.h"
#include "transport/static_files.h"
#include "transport/tls_context.h"
#include "transport/ws_conn.h"

#define SOCKETIO_PATH "/socket.io"
#define STATE_DIR_MODE 0750

struct front {
	const struct config *config;
	struct origin_policy *origins;
	struct address_set *trusted; /* proxies whose X-Forwarded-For counts */
	struct address_set *senders; /* who sends a PROXY header */
	struct tls_context *tls;
	struct static_files *bundle;
	struct admission *admission;
	struct outq_budget queues;
	struct http_listen rows[HTTP_LISTEN_MAX];
	size_t rows_n;
	struct inherited handed[HTTP_LISTEN_MAX];
	struct http_server *http;
	struct eio_endpoint *endpoint;
};

/* --- what the configuration names ------------------------------------------------- */

static int list_address(struct front *f, const char *key, const char *address, bool tls)
{
	if (f->rows_n == HTTP_LISTEN_MAX) {
		log_error("config", "listen, listen-plain: more than %d addresses",
			  HTTP_LISTEN_MAX);
		return -E2BIG;
	}
	if (!listener_is_address(address)) {
		log_error("config", "%s: '%s' is no ADDRESS:PORT (like 127.0.0.1:449 or [::1]:449)",
			  key, address);
		return -EINVAL;
	}
	f->rows[f->rows_n++] = (struct http_listen){ .address = address, .tls = tls };
	return 0;
}

static int list_addresses(struct front *f)
{
	const struct config *c = f->config;
	int r = 0;

	for (size_t i = 0; !r && i < c->listen.n; i++)
		r = list_address(f, "listen", c->listen.v[i], c->cert.n > 0);
	for (size_t i = 0; !r && i < c->listen_plain.n; i++)
		r = list_address(f, "listen-plain", c->listen_plain.v[i], false);
	return r;
}

/* Who asks nobody for a proof is for this host, unless the administrator said otherwise. */
static int check_reach(const struct front *f)
{
	if (f->config->auth != CONFIG_AUTH_OPEN)
		return 0;
	for (size_t i = 0; i < f->rows_n; i++) {
		const char *address = f->rows[i].address;

		if (listener_is_loopback(address))
			continue;
		if (f->config->open_to_network) {
			log_warn("config", "auth = open: who reaches %s may be any user", address);
			continue;
		}
		log_error("config",
			  "auth = open asks nobody who he is, and %s is not loopback: choose token "
			  "or backend, or start signald with --open-to-network",
			  address);
		return -EACCES;
	}
	return 0;
}

static int read_origins(struct front *f)
{
	const char *bad = NULL;
	int r = origin_policy_new(&f->origins, (const char *const *)f->config->origins.v, &bad);

	if (r)
		log_error("config", "origins: '%s' is no origin (like https://chat.example.org)",
			  bad ? bad : "");
	else if (f->config->cors_credentials && origin_everybody(f->origins)) {
		log_error("config", "cors-credentials: not for everybody (origins has *)");
		r = -EINVAL;
	}
	return r;
}

static int read_set(struct address_set **out, const char *key, const struct config_list *list)
{
	const char *bad = NULL;
	int r = list->n ? address_set_new(out, (const char *const *)list->v, &bad) : 0;

	if (r)
		log_error("config", "%s: '%s' is no address or ADDRESS/BITS (like 192.0.2.0/24)",
			  key, bad ? bad : "");
	return r;
}

static int read_certificates(struct front *f, int64_t now_s, bool dry)
{
	const struct config *c = f->config;
	struct tls_config tc = { .certs = (const char *const *)c->cert.v,
				 .keys = (const char *const *)c->pkey.v,
				 .state_dir = dry ? NULL : c->state_dir };

	if (!c->cert.n)
		return 0;
	if (!dry && mkdir(c->state_dir, STATE_DIR_MODE) && errno != EEXIST)
		log_warn("tls", "state-dir %s: cannot make it: %s", c->state_dir, strerror(errno));
	return tls_context_new(&f->tls, &tc, now_s);
}

static int read_bundle(struct front *f)
{
	const char *dir = f->config->client_bundle;
	int r = dir ? static_files_new_bundle(&f->bundle, dir) : 0;

	if (r)
		log_error("config", "client-bundle %s: %s", dir,
			  r == -ENOENT ? "there is no socket.io.js nor a sibling of it"
				       : strerror(-r));
	return r;
}

static int make_admission(struct front *f)
{
	const struct config *c = f->config;
	struct admission_config ac = { .connections_per_address = c->connections_per_address,
				       .sessions_per_address = c->sessions_per_address,
				       .handshakes_per_s = c->handshakes_per_s,
				       .handshakes_per_address = c->handshakes_per_address,
				       .handshakes_burst = c->handshakes_burst };

	return admission_new(&f->admission, &ac);
}

int front_new(struct front **out, const struct config *c, int64_t now_s, bool dry)
{
	struct front *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->config = c;
	f->queues.max = c->queue_total_bytes;
	r = list_addresses(f);
	if (!r)
		r = check_reach(f);
	if (!r)
		r = read_origins(f);
	if (!r)
		r = read_set(&f->trusted, "trusted-proxies", &c->trusted_proxies);
	if (!r)
		r = read_set(&f->senders, "proxy-protocol-from", &c->proxy_protocol_from);
	if (!r)
		r = read_certificates(f, now_s, dry);
	if (!r)
		r = read_bundle(f);
	if (!r)
		r = make_admission(f);
	if (r) {
		front_free(f);
		return r;
	}
	*out = f;
	return 0;
}

/* --- serving ------------------------------------------------------------------------- */

static void limit_websockets(const struct front *f)
{
	const struct config *c = f->config;
	struct ws_limits l = { .partial_max = config_partial_bytes_max(c),
			       .message_ms = c->body_timeout_s * 1000ULL };

	ws_io_limit(http_server_ws(f->http), &l);
}

/* http by its name, or by its address in listen-plain */
static bool is_plain(const struct front *f, const struct inherited *in)
{
	for (size_t i = 0; i < f->config->listen_plain.n; i++) {
		if (strcmp(f->config->listen_plain.v[i], in->address) == 0)
			return true;
	}
	return in->plain;
}

/* Sockets that were handed over are all there is to listen on. */
static int take_sockets(struct front *f)
{
	int n = inherited_take(f->handed, HTTP_LISTEN_MAX);

	if (n <= 0)
		return n;
	for (int i = 0; i < n; i++) {
		const struct inherited *in = &f->handed[i];

		f->rows[i] = (struct http_listen){ .address = in->address,
						   .fd = in->fd,
						   .tls = f->tls && !is_plain(f, in) };
	}
	f->rows_n = (size_t)n;
	return check_reach(f);
}

int front_http(struct front *f, struct event_base *base, struct http_server **out)
{
	const struct config *c = f->config;
	struct http_config hc = { .listen = f->rows,
				  .tls = f->tls,
				  .origins = f->origins,
				  .proxies = f->senders,
				  .trusted = f->trusted,
				  .admission = f->admission,
				  .connections_max = c->connections_max,
				  .bridges_max = c->tls_requests_max,
				  .header_ms = c->header_timeout_s * 1000,
				  .body_ms = c->body_timeout_s * 1000,
				  .answer_ms = c->body_timeout_s * 1000,
				  .keep_alive_s = c->keep_alive_s,
				  .held_max = config_partial_bytes_max(c),
				  .refuse_forwarded = c->auth == CONFIG_AUTH_OPEN,
				  .access_log = c->access_log,
				  .cors_credentials = c->cors_credentials,
				  .cors_private_network = c->cors_private_network };
	int r = take_sockets(f);

	hc.listen_n = f->rows_n;
	if (!r)
		r = http_server_new(&f->http, base, &hc);
	if (!r)
		limit_websockets(f);
	*out = f->http;
	return r;
}

static void tell_addresses(const struct front *f)
{
	for (size_t i = 0; i < f->rows_n; i++)
		log_info("http", "listening on %s%s%s", f->rows[i].address,
			 f->rows[i].tls ? " with TLS" : "",
			 f->rows[i].fd ? ", a socket handed over" : "");
}

int front_open(struct front *f, struct event_base *base, struct eio_server *engine)
{
	const char *bad = NULL;
	int r = 0;

	if (f->bundle)
		r = http_server_routes(f->http, static_files_bundle_routes,
				       static_files_bundle_routes_n, f->bundle);
	if (!r)
		r = eio_endpoint_new(&f->endpoint, f->http, base, SOCKETIO_PATH, engine);
	if (r)
		return r;
	r = http_server_start(f->http, &bad);
	if (r)
		log_error("http", "cannot listen on %s: %s", bad ? bad : "", strerror(-r));
	else
		tell_addresses(f);
	return r;
}

void front_close(struct front *f)
{
	eio_endpoint_free(f->endpoint);
	http_server_free(f->http);
	f->endpoint = NULL;
	f->http = NULL;
}

void front_free(struct front *f)
{
	if (!f)
		return;
	front_close(f);
	admission_free(f->admission);
	static_files_free(f->bundle);
	tls_context_free(f->tls);
	address_set_free(f->senders);
	address_set_free(f->trusted);
	origin_policy_free(f->origins);
	free(f);
}

void front_reload(struct front *f, int64_t now_s)
{
	if (f->tls)
		tls_context_reload(f->tls, now_s);
}

void front_look(struct front *f, int64_t now_s)
{
	if (f->tls)
		tls_context_reload_if_changed(f->tls, now_s);
}

struct admission *front_admission(const struct front *f)
{
	return f->admission;
}

struct outq_budget *front_queues(struct front *f)
{
	return &f->queues;
}

void front_place(const struct front *f, struct front_place *out)
{
	out->address = f->rows_n ? f->rows[0].address : "";
	out->more = f->rows_n ? f->rows_n - 1 : 0;
	out->loopback_only = f->rows_n > 0;
	for (size_t i = 0; i < f->rows_n; i++)
		out->loopback_only &= listener_is_loopback(f->rows[i].address);
}

void front_counters(const struct front *f, struct counters_sources *out)
{
	out->http = http_server_counters(f->http);
	out->listener = http_server_listeners(f->http);
	out->lane = http_server_lane(f->http);
	out->entry = http_server_entry(f->http);
	out->bridges = http_server_bridges(f->http);
	out->admission = admission_counters(f->admission);
	out->ws = ws_io_counters(http_server_ws(f->http));
	out->queues = &f->queues;
	out->tls = f->tls ? tls_context_counters(f->tls) : NULL;
}
