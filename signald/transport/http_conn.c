/* http_conn.c - what connections may take from us: their number and their time
 *
 * libmicrohttpd counts the connections of one daemon and ends those that are
 * silent. Neither is enough: several daemons and our WebSockets share the
 * descriptors, and a client that sends a byte now and then is never silent. */
#include <stdlib.h>
#include <sys/socket.h>

#include "loop.h"
#include "transport/http_priv.h"
#include "transport/ws_conn.h"

#define SPARE_CONNECTIONS 16 /* above the limit, to be told so */

struct http_conn {
	struct http_server *srv;
	struct MHD_Connection *conn;
	struct timeq_node deadline;
	struct http_request *request; /* begun, not ended */
};

unsigned http_connections_bound(const struct http_server *srv)
{
	return srv->cfg.connections_max + SPARE_CONNECTIONS;
}

bool http_connections_full(const struct http_server *srv)
{
	/* the one that asks is counted, too */
	return srv->connections + ws_io_counters(srv->ws)->open > srv->cfg.connections_max;
}

enum MHD_Result http_conn_accept(void *listener, const struct sockaddr *sa, socklen_t n)
{
	struct http_server *srv = ((struct http_listener *)listener)->srv;

	(void)sa;
	(void)n;
	if (srv->connections + ws_io_counters(srv->ws)->open < http_connections_bound(srv))
		return MHD_YES;
	srv->counters.connections_refused++;
	return MHD_NO;
}

static void start(struct http_server *srv, struct MHD_Connection *conn, void **context)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	srv->connections++;
	*context = c;
	if (!c) {
		srv->counters.out_of_memory++;
		return; /* without a deadline of ours */
	}
	c->srv = srv;
	c->conn = conn;
	http_conn_step(conn);
}

void http_conn_notify(void *listener, struct MHD_Connection *conn, void **context,
		      enum MHD_ConnectionNotificationCode what)
{
	struct http_server *srv = ((struct http_listener *)listener)->srv;
	struct http_conn *c = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		start(srv, conn, context);
		return;
	}
	srv->connections--;
	*context = NULL;
	if (!c)
		return;
	http_request_free(c->request);
	timeq_remove(&c->deadline);
	free(c);
}

static struct http_conn *find(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void http_conn_step(struct MHD_Connection *conn)
{
	struct http_conn *c = find(conn);

	if (c)
		timeq_add(&c->srv->steps, &c->deadline, loop_now_ms() + c->srv->cfg.step_ms);
}

void http_conn_request(struct MHD_Connection *conn, struct http_request *r)
{
	struct http_conn *c = find(conn);

	if (!c)
		return;
	if (r)
		http_request_free(c->request);
	c->request = r;
}

void http_conn_rest(struct MHD_Connection *conn)
{
	struct http_conn *c = find(conn);

	if (c)
		timeq_remove(&c->deadline);
}

/* libmicrohttpd reads the end of the stream and does what it does then. */
static void cut(struct http_conn *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	c->srv->counters.slow++;
	if (info)
		shutdown(info->connect_fd, SHUT_RDWR);
}

void http_conn_sweep(struct http_server *srv)
{
	struct timeq_node *n;

	while ((n = timeq_take(&srv->steps, loop_now_ms())))
		cut(timeq_owner(n, struct http_conn, deadline));
}
