/* http_server.c - libmicrohttpd's daemons in our loop: listening, running, stopping
 *
 * External epoll mode: each daemon's epoll descriptor is watched by libevent.
 * Three things libmicrohttpd does not do in that mode are done here: a resumed
 * connection wakes the loop (http_listener_wake), a daemon that ran out of
 * descriptors is run again (the timer of at most a second), and suspended
 * connections are resumed before the daemon is stopped, which would abort. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "transport/http_priv.h"
#include "transport/ws_conn.h"

#define TICK_MS 1000
#define BODY_MAX 65536
#define IDLE_S 60		/* a connection without traffic */
#define STEP_MS 90000		/* one with a little */
#define CONNECTION_BYTES 16384u /* request line and headers of one connection */
#define BACKLOG 4096u
#define DESCRIPTORS_KEPT 64 /* for everything that is no connection */
#define STOP_ROUNDS 8

static unsigned default_connections(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur <= 2 * DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT;
	if (lim.rlim_cur > 1000000)
		return 1000000;
	return (unsigned)lim.rlim_cur - DESCRIPTORS_KEPT;
}

int http_server_new(struct http_server **out, struct event_base *base,
		    const struct http_config *cfg)
{
	unsigned connections = default_connections();
	struct http_server *srv;

	*out = NULL;
	if (!cfg->listen || !cfg->listen[0])
		return -EINVAL;
	srv = calloc(1, sizeof(*srv));
	if (!srv)
		return -ENOMEM;
	srv->base = base;
	srv->cfg = *cfg;
	if (!srv->cfg.body_max)
		srv->cfg.body_max = BODY_MAX;
	if (!srv->cfg.connections_max || srv->cfg.connections_max > connections)
		srv->cfg.connections_max = connections;
	if (!srv->cfg.step_ms)
		srv->cfg.step_ms = STEP_MS;
	timeq_init(&srv->steps);
	if (ws_io_new(&srv->ws, base)) {
		free(srv);
		return -ENOMEM;
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

uint16_t http_server_port(const struct http_server *srv, size_t i)
{
	return i < srv->listeners_n ? srv->listeners[i].port : 0;
}

/* --- running --- */

void http_listener_wake(struct http_listener *l)
{
	if (l->run)
		event_active(l->run, EV_TIMEOUT, 0);
}

static void run_listener(struct http_listener *l)
{
	struct timeval tv = { TICK_MS / 1000, 0 };
	MHD_UNSIGNED_LONG_LONG wait_ms;

	http_conn_sweep(l->srv);
	MHD_run(l->daemon);
	/* More to do at once is a timer, too: an event made active here would run again before
	 * the loop looks at anything else, for as long as a client keeps us busy. */
	if (MHD_get_timeout(l->daemon, &wait_ms) == MHD_YES && wait_ms < TICK_MS) {
		tv.tv_sec = 0;
		tv.tv_usec = (suseconds_t)wait_ms * 1000;
	}
	evtimer_add(l->timer, &tv);
}

static void on_run(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	run_listener(ctx);
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

/* "127.0.0.1:449" or "[::1]:449"; numbers only, nothing is looked up */
static int parse_listen(const char *text, struct sockaddr_storage *sa, socklen_t *len)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	struct addrinfo *found;
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool v6 = n > 2 && text[0] == '[' && text[n - 1] == ']';

	if (v6) {
		text++;
		n -= 2;
	}
	if (!n || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if ((strchr(host, ':') != NULL) != v6 || getaddrinfo(host, colon + 1, &hints, &found))
		return -EINVAL;
	memcpy(sa, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int open_socket(const char *address, int *out, uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t len = 0, got = sizeof(sa);
	int one = 1, fd, rc;

	if (parse_listen(address, &sa, &len))
		return -EINVAL;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&sa, &got)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*port = ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
					       : ((struct sockaddr_in *)&sa)->sin_port);
	*out = fd;
	return 0;
}

static struct MHD_Daemon *start_daemon(struct http_listener *l, int fd)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_UPGRADE | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
		http_conn_accept, l, http_request_access, l, MHD_OPTION_EXTERNAL_LOGGER, on_log,
		NULL, /* first: it gets the start's errors, too */
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, l,
		MHD_OPTION_NOTIFY_COMPLETED, http_request_end, l, MHD_OPTION_NOTIFY_CONNECTION,
		http_conn_notify, l, MHD_OPTION_CONNECTION_LIMIT,
		http_connections_bound(l->srv) + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_S, /* one for all: own ones are walked */
		MHD_OPTION_END);
}

static int start_listener(struct http_listener *l, const char *address)
{
	const union MHD_DaemonInfo *info;
	int fd = -1, rc = open_socket(address, &fd, &l->port);

	if (rc)
		return rc;
	l->daemon = start_daemon(l, fd);
	if (!l->daemon) {
		close(fd);
		return -EIO;
	}
	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	l->run = event_new(l->srv->base, info->epoll_fd, EV_READ | EV_PERSIST, on_run, l);
	l->timer = evtimer_new(l->srv->base, on_run, l);
	if (!l->run || !l->timer || event_add(l->run, NULL))
		return -ENOMEM;
	run_listener(l);
	return 0;
}

int http_server_start(struct http_server *srv, const char **bad)
{
	size_t i;
	int rc = 0;

	*bad = NULL;
	srv->stopping = false;
	for (i = 0; srv->cfg.listen[i] && !rc; i++) {
		if (i == HTTP_LISTEN_MAX) {
			rc = -E2BIG;
			break;
		}
		*bad = srv->cfg.listen[i];
		srv->listeners[i].srv = srv;
		srv->listeners_n = i + 1;
		rc = start_listener(&srv->listeners[i], srv->cfg.listen[i]);
	}
	if (rc)
		http_server_stop(srv);
	else
		*bad = NULL;
	return rc;
}

/* --- stopping --- */

static void stop_listener(struct http_listener *l)
{
	if (l->run)
		event_free(l->run);
	if (l->timer)
		event_free(l->timer);
	l->run = l->timer = NULL;
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
	l->port = 0;
}

void http_server_stop(struct http_server *srv)
{
	size_t i;
	int round;

	srv->stopping = true;
	while (srv->suspended)
		http_reply_error(srv->suspended, MHD_HTTP_SERVICE_UNAVAILABLE, "Shutting down");
	for (round = 0; round < STOP_ROUNDS; round++) {
		for (i = 0; i < srv->listeners_n; i++) {
			if (srv->listeners[i].daemon)
				MHD_run(srv->listeners[i].daemon);
		}
	}
	for (i = 0; i < srv->listeners_n; i++)
		stop_listener(&srv->listeners[i]);
	srv->listeners_n = 0;
}

void http_server_free(struct http_server *srv)
{
	if (!srv)
		return;
	http_server_stop(srv);
	ws_io_free(srv->ws);
	free(srv);
}
