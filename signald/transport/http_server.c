/* http_server.c - libmicrohttpd in our loop: one daemon, which listens nowhere
 *
 * Connections are accepted by ours (listener.h), let in (entry.h) and given to
 * it one by one (http_conn.c). It runs in external epoll mode: its epoll
 * descriptor is watched by libevent. Two things that it does not do in that mode
 * are done here: a resumed connection wakes the loop (http_server_wake), and
 * suspended connections are resumed before the daemon is stopped, which would
 * abort. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"
#include "loop.h"
#include "transport/bridge.h"
#include "transport/http_priv.h"
#include "transport/ws_conn.h"

#define TICK_MS 1000
#define BODY_MAX 65536
#define HELD_MAX (64 * 1024 * 1024)
#define HEADER_MS 10000
#define BODY_MS 30000
#define ANSWER_MS 90000
#define KEEP_ALIVE_S 60
#define SPARE_S 10 /* libmicrohttpd would end all that are silent in one run: we do it before */
#define CONNECTION_BYTES 16384u /* request line and headers of one connection */
#define DESCRIPTORS_KEPT 64	/* for everything that is no connection */
/* libmicrohttpd 1.0 repairs requests unless it is strict; one before, when it is, hangs on a blank
 * in the request's target, which it refuses otherwise. */
#define STRICT (MHD_VERSION >= 0x01000000)
#define STOP_ROUNDS 8
#define GUEST_US 50 /* before the first was measured */
#define GUEST_US_MAX 500

static unsigned default_connections(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur <= 2 * DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT;
	if (lim.rlim_cur > 1000000)
		return 1000000;
	return (unsigned)lim.rlim_cur - DESCRIPTORS_KEPT;
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
	return value ? value : otherwise;
}

static void apply_defaults(struct http_server *srv)
{
	struct http_config *cfg = &srv->cfg;
	unsigned connections = default_connections();
	size_t i;

	if (!cfg->body_max)
		cfg->body_max = BODY_MAX;
	if (!cfg->held_max)
		cfg->held_max = HELD_MAX;
	if (cfg->tls) { /* a bridge is two descriptors more */
		cfg->bridges_max = or_default(cfg->bridges_max, connections / 10);
		if (cfg->bridges_max > connections / 4)
			cfg->bridges_max = connections / 4;
		connections -= 2 * cfg->bridges_max;
	}
	if (!cfg->connections_max || cfg->connections_max > connections)
		cfg->connections_max = connections;
	cfg->keep_alive_s = or_default(cfg->keep_alive_s, KEEP_ALIVE_S);
	srv->step_ms[HTTP_STEP_HEAD] = or_default(cfg->header_ms, HEADER_MS);
	srv->step_ms[HTTP_STEP_BODY] = or_default(cfg->body_ms, BODY_MS);
	srv->step_ms[HTTP_STEP_ANSWER] = or_default(cfg->answer_ms, ANSWER_MS);
	srv->step_ms[HTTP_STEP_NEXT] = cfg->keep_alive_s * 1000;
	srv->step_ms[HTTP_STEP_NEXT_TLS] = srv->step_ms[HTTP_STEP_NEXT];
	for (i = 0; i < HTTP_STEP_REST; i++)
		timeq_init(&srv->steps[i]);
	timeq_init(&srv->holders);
}

static bool others_wait(void *ctx)
{
	struct http_server *srv = ctx;

	return ws_io_was_behind(srv->ws);
}

static void on_room(void *ctx)
{
	struct http_server *srv = ctx;

	entry_has_room(srv->entry);
}

static int make_bridges(struct http_server *srv)
{
	if (!srv->cfg.tls)
		return 0;
	return bridges_new(&srv->bridges, srv->base, srv->cfg.bridges_max, on_room, srv);
}

static int make_entry(struct http_server *srv)
{
	static const struct entry_handler handler = {
		.has_room = http_conn_has_room,
		.has_tls_room = http_conn_has_tls_room,
		.on_guest = http_conn_on_guest,
	};
	const struct entry_config cfg = {
		.tls = srv->cfg.tls,
		.proxies = srv->cfg.proxies,
		.trusted = srv->cfg.trusted,
		.admission = srv->cfg.admission,
		.deadline_ms = srv->step_ms[HTTP_STEP_HEAD],
	};

	return entry_new(&srv->entry, srv->base, srv->lane, &cfg, &handler, srv);
}

static bool listens_somewhere(const struct http_config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->listen_n; i++) {
		if (cfg->listen[i].tls && !cfg->tls)
			return false;
	}
	return i > 0 && i <= HTTP_LISTEN_MAX;
}

int http_server_new(struct http_server **out, struct event_base *base,
		    const struct http_config *cfg)
{
	struct http_server *srv;
	int rc;

	*out = NULL;
	if (!listens_somewhere(cfg))
		return -EINVAL;
	srv = calloc(1, sizeof(*srv));
	if (!srv)
		return -ENOMEM;
	srv->base = base;
	srv->cfg = *cfg;
	apply_defaults(srv);
	srv->guest_us = GUEST_US;
	rc = ws_io_new(&srv->ws, base);
	if (!rc) {
		ws_io_admission(srv->ws, cfg->admission);
		rc = lane_new(&srv->lane, base, cfg->lane_us);
	}
	if (!rc) {
		lane_yields(srv->lane, others_wait, srv);
		rc = make_bridges(srv);
	}
	if (!rc)
		rc = make_entry(srv);
	if (rc) {
		http_server_free(srv);
		return rc;
	}
	*out = srv;
	return 0;
}

int http_server_routes(struct http_server *srv, const struct http_route *routes, size_t n,
		       void *ctx)
{
	if (srv->tables_n == HTTP_TABLES_MAX)
		return -ENOSPC;
	srv->tables[srv->tables_n++] = (struct http_table){ routes, n, ctx };
	return 0;
}

int http_server_endpoint(struct http_server *srv, const struct http_endpoint *e)
{
	if (srv->endpoints_n == HTTP_ENDPOINTS_MAX)
		return -ENOSPC;
	srv->endpoints[srv->endpoints_n++] = *e;
	return 0;
}

struct ws_io *http_server_ws(struct http_server *srv)
{
	return srv->ws;
}

const struct http_counters *http_server_counters(const struct http_server *srv)
{
	return &srv->counters;
}

const struct listener_counters *http_server_listeners(const struct http_server *srv)
{
	return &srv->accepts;
}

const struct lane_counters *http_server_lane(const struct http_server *srv)
{
	return lane_counters(srv->lane);
}

const struct entry_counters *http_server_entry(const struct http_server *srv)
{
	return entry_counters(srv->entry);
}

const struct bridge_counters *http_server_bridges(const struct http_server *srv)
{
	return srv->bridges ? bridges_counters(srv->bridges) : NULL;
}

uint16_t http_server_port(const struct http_server *srv, size_t i)
{
	return i < srv->listeners_n ? srv->listeners[i].port : 0;
}

/* --- running --- */

void http_server_wake(struct http_server *srv)
{
	if (srv->run)
		event_active(srv->run, EV_TIMEOUT, 0);
}

/* A first request costs ten times what letting its connection in does, so who is let in is
 * charged with it: or one turn of the lane would make for ten of them here. */
static void learn_cost(struct http_server *srv, uint64_t run_us)
{
	uint64_t us = run_us / srv->guests;

	srv->guest_us = (3 * srv->guest_us + (us < GUEST_US_MAX ? us : GUEST_US_MAX)) / 4;
	srv->guests = 0;
}

static void run(struct http_server *srv)
{
	struct timeval tv = { TICK_MS / 1000, 0 };
	uint64_t begun_us = loop_now_us();
	bool more = http_conn_sweep(srv);
	MHD_UNSIGNED_LONG_LONG wait_ms;

	MHD_run(srv->daemon);
	http_conn_drop_arrivals(srv);
	if (srv->guests)
		learn_cost(srv, loop_now_us() - begun_us);
	/* More to do at once is a timer, too: an event made active here would run again before
	 * the loop looks at anything else, for as long as a client keeps us busy. */
	if (more)
		tv.tv_sec = 0;
	else if (MHD_get_timeout(srv->daemon, &wait_ms) == MHD_YES && wait_ms < TICK_MS) {
		tv.tv_sec = 0;
		tv.tv_usec = (suseconds_t)wait_ms * 1000;
	}
	evtimer_add(srv->timer, &tv);
}

static void on_run(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	run(ctx);
}

static void on_log(void *ctx, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *ctx, const char *fmt, va_list ap)
{
	char text[256];

	(void)ctx;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	log_debug("http", "libmicrohttpd: %s", text);
}

/* --- starting --- */

static int start_daemon(struct http_server *srv)
{
	const union MHD_DaemonInfo *info;

	srv->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_UPGRADE |
			MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, http_request_access, srv, MHD_OPTION_EXTERNAL_LOGGER, on_log,
		NULL, /* first: it gets the start's errors, too */
		MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, srv, MHD_OPTION_NOTIFY_COMPLETED,
		http_request_end, srv, MHD_OPTION_NOTIFY_CONNECTION, http_conn_notify, srv,
		MHD_OPTION_STRICT_FOR_CLIENT, STRICT, MHD_OPTION_CONNECTION_LIMIT,
		http_connections_bound(srv) + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
		srv->cfg.keep_alive_s + SPARE_S, /* for all: own ones are walked */
		MHD_OPTION_END);
	if (!srv->daemon)
		return -EIO;
	info = MHD_get_daemon_info(srv->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	srv->run = event_new(srv->base, info->epoll_fd, EV_READ | EV_PERSIST, on_run, srv);
	srv->timer = evtimer_new(srv->base, on_run, srv);
	if (!srv->run || !srv->timer || event_add(srv->run, NULL))
		return -ENOMEM;
	return 0;
}

static void on_accept(int fd, const struct sockaddr *peer, socklen_t n, void *ctx)
{
	struct http_listener *l = ctx;

	(void)n;
	entry_accept(l->srv->entry, fd, peer, l->tls);
}

static int start_listener(struct http_server *srv, const struct http_listen *row)
{
	struct http_listener *l = &srv->listeners[srv->listeners_n];
	int fd = row->fd, rc = fd ? 0 : listener_bind(&fd, row->address);

	if (rc)
		return rc;
	*l = (struct http_listener){ .srv = srv, .tls = row->tls, .port = listener_port(fd) };
	rc = listener_new(&l->listener, srv->base, srv->lane, fd, on_accept, l, &srv->accepts);
	if (!rc)
		srv->listeners_n++;
	return rc;
}

int http_server_start(struct http_server *srv, const char **bad)
{
	size_t i;
	int rc = start_daemon(srv);

	*bad = NULL;
	for (i = 0; i < srv->cfg.listen_n && !rc; i++) {
		rc = start_listener(srv, &srv->cfg.listen[i]);
		if (rc)
			*bad = srv->cfg.listen[i].address;
	}
	if (rc)
		http_server_stop(srv);
	else
		run(srv);
	return rc;
}

/* --- stopping --- */

static void stop_daemon(struct http_server *srv)
{
	int round;

	for (round = 0; round < STOP_ROUNDS && srv->daemon; round++)
		MHD_run(srv->daemon);
	if (srv->run)
		event_free(srv->run);
	if (srv->timer)
		event_free(srv->timer);
	srv->run = srv->timer = NULL;
	if (srv->daemon)
		MHD_stop_daemon(srv->daemon);
	srv->daemon = NULL;
	http_conn_drop_arrivals(srv);
}

void http_server_stop(struct http_server *srv)
{
	srv->stopping = true;
	while (srv->listeners_n)
		listener_free(srv->listeners[--srv->listeners_n].listener);
	entry_close(srv->entry);
	while (srv->suspended) {
		http_request_forsake(srv->suspended);
		http_reply_error(srv->suspended, MHD_HTTP_SERVICE_UNAVAILABLE, "Shutting down");
	}
	stop_daemon(srv);
}

void http_server_free(struct http_server *srv)
{
	if (!srv)
		return;
	if (srv->entry)
		http_server_stop(srv);
	bridges_free(srv->bridges); /* an upgrade under way tells its WebSocket */
	ws_io_free(srv->ws);
	entry_free(srv->entry);
	lane_free(srv->lane);
	free(srv);
}
