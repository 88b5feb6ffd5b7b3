/* http_conn.c - connections while they speak HTTP: their way into libmicrohttpd, their number,
 * their time
 *
 * libmicrohttpd ends connections that are silent, which is not enough: a
 * client that sends a byte now and then is never silent. So each step of a
 * request has its time here. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "loop.h"
#include "transport/bridge.h"
#include "transport/http_priv.h"
#include "transport/ws_conn.h"

#define SPARE_CONNECTIONS 16 /* above the limit, to be told so */
#define ENDS_A_TURN 64	     /* an end costs libmicrohttpd as much as a request */

/* Its descriptor was given to libmicrohttpd, which may say so at once or in its next run. */
struct http_conn {
	struct http_conn *next; /* on its way in */
	int fd;
	struct http_server *srv;
	struct MHD_Connection *conn; /* NULL: on its way in */
	struct timeq_node deadline;
	struct http_request *request; /* begun, not ended */
	struct client_place place;
	struct bridge *bridge; /* to TLS; NULL: plain */
	bool served;	       /* at least one request */
};

/* libmicrohttpd reads the end of the stream and does what it does then. */
static void hang_up(const struct http_conn *c)
{
	shutdown(c->fd, SHUT_RDWR);
}

/* --- their number --- */

static uint64_t open_now(const struct http_server *srv)
{
	return srv->connections + ws_io_counters(srv->ws)->open + entry_waiting(srv->entry);
}

unsigned http_connections_bound(const struct http_server *srv)
{
	return srv->cfg.connections_max + SPARE_CONNECTIONS;
}

bool http_connections_full(const struct http_server *srv)
{
	/* the one that asks is counted, too */
	return open_now(srv) > srv->cfg.connections_max;
}

bool http_conn_has_room(void *server)
{
	struct http_server *srv = server;

	return open_now(srv) < http_connections_bound(srv);
}

/* If not, who has been idle for longest makes room. */
bool http_conn_has_tls_room(void *server)
{
	struct http_server *srv = server;
	struct timeq_node *idle;

	if (bridges_have_room(srv->bridges))
		return true;
	idle = timeq_take(&srv->steps[HTTP_STEP_NEXT_TLS], UINT64_MAX);
	if (idle)
		hang_up(timeq_owner(idle, struct http_conn, deadline));
	return false;
}

/* --- in and out --- */

static socklen_t make_sockaddr(struct sockaddr_storage *out, const struct client_address *a)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (a->family == 6) {
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, a->bytes, sizeof(v6->sin6_addr));
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	memcpy(&v4->sin_addr, a->bytes, sizeof(v4->sin_addr));
	return sizeof(*v4);
}

static void forget(struct http_conn *c)
{
	struct http_server *srv = c->srv;

	srv->connections--;
	http_request_free(c->request);
	timeq_remove(&c->deadline);
	place_leave(&c->place, srv->cfg.admission);
	if (c->bridge)
		bridge_release(c->bridge);
	free(c);
}

static struct http_conn *take_arrival(struct http_server *srv, int fd)
{
	struct http_conn **at = &srv->arrivals, *c;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	c = *at;
	if (c)
		*at = c->next;
	return c;
}

static void put_arrival(struct http_server *srv, struct http_conn *c)
{
	struct http_conn **at = &srv->arrivals;

	while (*at)
		at = &(*at)->next;
	*at = c;
}

/* The descriptor that libmicrohttpd gets: over TLS that of a bridge. */
static int open_way(struct http_conn *c, struct entry_guest *g)
{
	if (g->stream.ssl)
		return bridge_new(&c->bridge, c->srv->bridges, &g->stream, g->p, g->n, &c->fd);
	c->fd = g->stream.fd;
	return 0;
}

static struct http_conn *conn_new(struct http_server *srv, struct entry_guest *g)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		srv->counters.out_of_memory++;
		return NULL;
	}
	c->srv = srv;
	if (open_way(c, g)) {
		srv->counters.connections_refused++;
		free(c);
		return NULL;
	}
	c->place = g->place;
	srv->connections++;
	timeq_add(&srv->steps[HTTP_STEP_HEAD], &c->deadline, g->deadline_ms);
	return c;
}

void http_conn_on_guest(struct entry_guest *g, void *server)
{
	struct http_server *srv = server;
	struct http_conn *c = conn_new(srv, g);
	struct sockaddr_storage sa;
	socklen_t n = make_sockaddr(&sa, &g->place.address);

	if (!c) {
		place_leave(&g->place, srv->cfg.admission);
		stream_close(&g->stream);
		return;
	}
	put_arrival(srv, c);
	if (MHD_add_connection(srv->daemon, c->fd, (struct sockaddr *)&sa, n) != MHD_YES) {
		srv->counters.connections_refused++; /* and closed */
		forget(take_arrival(srv, c->fd));
	}
	srv->guests++;
	lane_charge(srv->lane, srv->guest_us); /* the next run answers its first request */
	http_server_wake(srv);
}

/* Those that libmicrohttpd did not want after all; it has closed them. */
void http_conn_drop_arrivals(struct http_server *srv)
{
	struct http_conn *c;

	while ((c = srv->arrivals)) {
		srv->arrivals = c->next;
		srv->counters.connections_refused++;
		forget(c);
	}
}

static int descriptor(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

void http_conn_notify(void *server, struct MHD_Connection *conn, void **context,
		      enum MHD_ConnectionNotificationCode what)
{
	struct http_conn *c;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		c = take_arrival(server, descriptor(conn));
		if (c)
			c->conn = conn;
		*context = c;
		return;
	}
	c = *context;
	*context = NULL;
	if (c)
		forget(c);
}

static struct http_conn *find(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

const struct client_address *http_conn_address(struct MHD_Connection *conn)
{
	return &http_conn_place(conn)->address;
}

struct client_place *http_conn_place(struct MHD_Connection *conn)
{
	static struct client_place nobody;
	struct http_conn *c = find(conn);

	return c ? &c->place : &nobody;
}

struct bridge *http_conn_bridge(struct MHD_Connection *conn)
{
	struct http_conn *c = find(conn);

	return c ? c->bridge : NULL;
}

bool http_conn_secure(struct MHD_Connection *conn)
{
	return http_conn_bridge(conn) != NULL;
}

/* --- their time --- */

void http_conn_step(struct MHD_Connection *conn, enum http_step step)
{
	struct http_conn *c = find(conn);

	if (!c)
		return;
	if (step == HTTP_STEP_NEXT && c->bridge)
		step = HTTP_STEP_NEXT_TLS;
	if (step == HTTP_STEP_REST)
		timeq_remove(&c->deadline);
	else
		timeq_add(&c->srv->steps[step], &c->deadline,
			  loop_now_ms() + c->srv->step_ms[step]);
}

void http_conn_request(struct MHD_Connection *conn, struct http_request *r)
{
	struct http_conn *c = find(conn);

	if (!c)
		return;
	if (r) {
		http_request_free(c->request);
		/* The first request's headers have what is left since accept(). */
		if (c->served)
			http_conn_step(conn, HTTP_STEP_HEAD);
		c->served = true;
	}
	c->request = r;
}

void http_conn_cut(struct MHD_Connection *conn)
{
	struct http_conn *c = find(conn);

	if (c)
		hang_up(c);
}

bool http_conn_sweep(struct http_server *srv)
{
	uint64_t now_ms = loop_now_ms();
	struct timeq_node *n;
	int left = ENDS_A_TURN;
	size_t i;

	for (i = 0; i < HTTP_STEP_REST; i++) {
		while (left && (n = timeq_take(&srv->steps[i], now_ms))) {
			left--;
			srv->counters.slow += i < HTTP_STEP_NEXT;
			hang_up(timeq_owner(n, struct http_conn, deadline));
		}
	}
	return !left;
}
