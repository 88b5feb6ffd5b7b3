/* hooks_count.c - what counts as relayed, what as dropped, and what the wire carried
 *
 * coturn's counters say what was relayed. Nothing here runs for a packet that
 * is: these are the ways out of coturn's per-packet functions that none takes.
 * What was counted before it failed is taken back from where it was counted:
 * from what came since the last fold, 32 bits wide, and what that has not from the
 * folded total. A client that gets nothing, and says nothing, has no folds either. */
#include "coturn_ext.h"
#include "hooks_priv.h"

#include <stdlib.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "live_file.h"
#include "turn_stream.h"
#include "wire.h"

#define READ_AWAY_MAX 256 /* receives before a connection is closed */
#define READ_AWAY_BYTES 16384

/* --- legs ------------------------------------------------------------------------- */

static enum wire_transport transport_of(const struct _ioa_socket *s)
{
	switch (s->st) {
	case TCP_SOCKET:
	case TCP_SOCKET_PROXY:
	case TENTATIVE_TCP_SOCKET: return WIRE_TCP;
	case TLS_SOCKET: return WIRE_TLS;
	case DTLS_SOCKET: return WIRE_DTLS;
	default: return WIRE_UDP;
	}
}

static bool is_stream(const struct _ioa_socket *s)
{
	return transport_of(s) == WIRE_TCP || transport_of(s) == WIRE_TLS;
}

static bool is_ipv6(ioa_socket_handle s)
{
	return get_ioa_socket_address_family(s) == AF_INET6;
}

static bool is_relay(const struct _ioa_socket *s)
{
	return s->sat == RELAY_SOCKET || s->sat == RELAY_RTCP_SOCKET;
}

/* An allocation of both families is taken for IPv4: the counters do not tell them apart. */
static uint16_t peer_overhead(ts_ur_super_session *ss)
{
	ioa_socket_handle ipv4 = get_relay_socket(&ss->alloc, AF_INET);

	return wire_overhead(ss->is_tcp_relay ? WIRE_TCP : WIRE_UDP, !ipv4);
}

bool session_has_streams(const ts_ur_super_session *ss)
{
	return ss->ext.client_is_stream || ss->ext.peer_is_stream;
}

/* --- totals ------------------------------------------------------------------------- */

static uint64_t client_packets(const struct relay_totals *t)
{
	return t->client_received_packets + t->client_sent_packets;
}

static uint64_t peer_packets(const struct relay_totals *t)
{
	return t->peer_received_packets + t->peer_sent_packets + t->dropped_packets;
}

static uint64_t counted_wire(const struct coturn_ext_session *x, const struct relay_totals *t)
{
	const uint64_t totals[LIVE_TOTALS] = {
		t->client_received_packets, t->client_received_bytes, t->client_sent_packets,
		t->client_sent_bytes,	    t->peer_received_packets, t->peer_received_bytes,
		t->peer_sent_packets,	    t->peer_sent_bytes,	      t->dropped_packets,
		t->dropped_bytes,
	};

	return live_wire(totals, x->client_overhead, x->peer_overhead);
}

void session_totals(const ts_ur_super_session *ss, struct relay_totals *out)
{
	out->client_received_packets = ss->t_received_packets + ss->received_packets;
	out->client_received_bytes = ss->t_received_bytes + ss->received_bytes;
	out->client_sent_packets = ss->t_sent_packets + ss->sent_packets;
	out->client_sent_bytes = ss->t_sent_bytes + ss->sent_bytes;
	out->peer_received_packets = ss->t_peer_received_packets + ss->peer_received_packets;
	out->peer_received_bytes = ss->t_peer_received_bytes + ss->peer_received_bytes;
	out->peer_sent_packets = ss->t_peer_sent_packets + ss->peer_sent_packets;
	out->peer_sent_bytes = ss->t_peer_sent_bytes + ss->peer_sent_bytes;
	out->dropped_packets = ss->ext.dropped_packets;
	out->dropped_bytes = ss->ext.dropped_bytes;
	out->wire_bytes = counted_wire(&ss->ext, out) + ss->ext.wire_bytes;
	out->saturated = false;
}

/* --- what is not relayed -------------------------------------------------------------- */

/* live_wire() takes it for a packet from a peer. */
static void drop(ts_ur_super_session *ss, size_t bytes)
{
	ss->ext.dropped_packets++;
	ss->ext.dropped_bytes += bytes;
}

/* The wire did not carry a packet from a peer, but so many bytes with all headers. */
static void wire_was(ts_ur_super_session *ss, size_t dropped_bytes, size_t wire_bytes)
{
	ss->ext.wire_bytes += wire_bytes - (dropped_bytes + ss->ext.peer_overhead);
}

static void refused_from_client(ts_ur_super_session *ss, ioa_socket_handle s, size_t bytes)
{
	drop(ss, bytes);
	/* A stream's segments are counted by the kernel, whatever becomes of them. */
	wire_was(ss, bytes, is_stream(s) ? 0 : bytes + ss->ext.client_overhead);
}

static void take_back(uint32_t *running, uint64_t *folded, uint64_t n)
{
	uint32_t part = n < *running ? (uint32_t)n : *running;

	*running -= part;
	*folded -= n - part;
}

static void take_back_received(ts_ur_super_session *ss, uint64_t packets, uint64_t bytes)
{
	take_back(&ss->peer_received_packets, &ss->t_peer_received_packets, packets);
	take_back(&ss->peer_received_bytes, &ss->t_peer_received_bytes, bytes);
}

static void take_back_sent(ts_ur_super_session *ss, uint64_t packets, uint64_t bytes)
{
	take_back(&ss->sent_packets, &ss->t_sent_packets, packets);
	take_back(&ss->sent_bytes, &ss->t_sent_bytes, bytes);
}

/* A peer's packet was counted when its permission was found. */
static void not_sent_to_client(ts_ur_super_session *ss, const uint8_t *p, size_t n)
{
	size_t payload;

	if (!turn_message_payload(p, n, &payload))
		return;
	take_back_received(ss, 1, payload);
	drop(ss, payload);
}

/* It came from the client, and was counted and carried there. */
static void not_sent_to_peer(ts_ur_super_session *ss, size_t bytes)
{
	drop(ss, bytes);
	wire_was(ss, bytes, 0);
}

void coturn_ext_refused(void *socket, void *buffer)
{
	ioa_socket_handle s = socket;
	size_t n = ioa_network_buffer_get_size(buffer);

	if (!s->session)
		return;
	if (is_relay(s))
		drop(s->session, n);
	else
		refused_from_client(s->session, s, n);
}

void coturn_ext_unsent(void *socket, void *buffer, int *skip)
{
	ioa_socket_handle s = socket;
	size_t n = ioa_network_buffer_get_size(buffer);

	if (skip)
		*skip = 1;
	if (!s->session)
		return;
	if (s->sat == CLIENT_SOCKET)
		not_sent_to_client(s->session, ioa_network_buffer_data(buffer), n);
	else if (is_relay(s))
		not_sent_to_peer(s->session, n);
}

/* --- streams: what the wire carried ------------------------------------------------------ */

static uint64_t stream_tcp(ioa_socket_handle s)
{
	struct wire_tcp t;

	if (!s || s->done || s->fd < 0 || !is_stream(s) || wire_tcp_read(s->fd, &t) < 0)
		return 0;
	return wire_tcp_bytes(&t, is_ipv6(s));
}

static uint64_t all_tcp(ts_ur_super_session *ss)
{
	const tcp_connection_list *list = &ss->alloc.tcs;
	uint64_t sum = stream_tcp(ss->client_socket);
	size_t i;

	for (i = 0; list->elems && i < list->sz; i++)
		if (list->elems[i])
			sum += stream_tcp(list->elems[i]->client_s) +
			       stream_tcp(list->elems[i]->peer_s);
	return sum;
}

/* What live_wire() makes of the legs that are streams. */
static uint64_t counted_streams(const ts_ur_super_session *ss)
{
	const struct coturn_ext_session *x = &ss->ext;
	struct relay_totals t;
	uint64_t sum = 0;

	session_totals(ss, &t);
	if (x->client_is_stream)
		sum += t.client_received_bytes + t.client_sent_bytes +
		       client_packets(&t) * x->client_overhead;
	if (x->peer_is_stream)
		sum += t.peer_received_bytes + t.peer_sent_bytes + t.dropped_bytes +
		       peer_packets(&t) * x->peer_overhead;
	return sum;
}

void session_settle_streams(ts_ur_super_session *ss)
{
	struct coturn_ext_session *x = &ss->ext;
	uint64_t tcp, counted;

	if (!session_has_streams(ss))
		return;
	tcp = all_tcp(ss);
	counted = counted_streams(ss);
	if (tcp < x->seen_tcp) /* a connection was closed that nobody told of */
		x->seen_tcp = tcp;
	x->wire_bytes += (tcp - x->seen_tcp) - (counted - x->seen_counted);
	x->seen_tcp = tcp;
	x->seen_counted = counted;
}

void session_set_overheads(ts_ur_super_session *ss)
{
	struct coturn_ext_session *x = &ss->ext;
	ioa_socket_handle client = ss->client_socket;
	struct relay_totals before, after;
	bool first = !x->client_overhead;

	if (!client)
		return;
	session_settle_streams(ss); /* what was estimated so far, while it is known how */
	session_totals(ss, &before);
	x->client_overhead = wire_overhead(transport_of(client), is_ipv6(client));
	x->peer_overhead = peer_overhead(ss);
	x->client_is_stream = is_stream(client);
	x->peer_is_stream = ss->is_tcp_relay != 0;
	if (first)
		return; /* all that was counted so far came this way */
	session_totals(ss, &after);
	x->wire_bytes += before.wire_bytes - after.wire_bytes;
	x->seen_counted = counted_streams(ss);
}

/* --- streams: what lies in them at their end ------------------------------------------------ */

static int write_first(ioa_socket_handle s, struct evbuffer *out)
{
	struct evbuffer_iovec v;

	if (!s->ssl)
		return evbuffer_write(out, s->fd);
	/* libevent may have tried the same bytes before; it made the moving of them legal. */
	if (evbuffer_peek(out, -1, NULL, &v, 1) < 1)
		return -1;
	ERR_clear_error();
	return SSL_write(s->ssl, v.iov_base, (int)v.iov_len);
}

static void write_out(ioa_socket_handle s, struct evbuffer *out)
{
	evbuffer_unfreeze(out, 1); /* a bufferevent keeps its front to itself */
	while (evbuffer_get_length(out) > 0) {
		int n = write_first(s, out);

		if (n <= 0)
			break;
		if (s->ssl)
			evbuffer_drain(out, (size_t)n);
	}
	if (s->ssl)
		ERR_clear_error();
}

/* Closing a socket with unread bytes resets the connection, and the kernel
 * throws away what it has not sent yet. */
static void read_away(int fd)
{
	char unused[READ_AWAY_BYTES]; /* MSG_TRUNC writes nothing, but sanitizers think it does */
	unsigned i;

	for (i = 0; i < READ_AWAY_MAX; i++)
		if (recv(fd, unused, sizeof(unused), MSG_DONTWAIT | MSG_TRUNC) <= 0)
			break;
}

/* coturn makes its TCP sockets so that a close throws away what the kernel holds
 * (SO_LINGER, 0 s). Without that the close does not wait either; the kernel goes
 * on sending, within its own limits for sockets that nobody has. */
static void leave_to_kernel(int fd)
{
	const struct linger off = { .l_onoff = 0 };
	int unsent;

	if (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
}

/* Returns what could not be written; NULL: nothing. */
static struct evbuffer *finish(ioa_socket_handle s)
{
	struct evbuffer *out = s && s->bev && !s->done ? bufferevent_get_output(s->bev) : NULL;

	if (!out)
		return NULL;
	if (s->fd >= 0 && !s->broken) {
		write_out(s, out);
		leave_to_kernel(s->fd);
		read_away(s->fd);
	}
	return evbuffer_get_length(out) > 0 ? out : NULL;
}

static void finish_client(ts_ur_super_session *ss)
{
	struct evbuffer *rest = finish(ss->client_socket);
	struct turn_stream_rest lost;
	const uint8_t *p;

	if (!rest)
		return;
	p = evbuffer_pullup(rest, -1);
	if (!p || turn_stream_count_rest(p, evbuffer_get_length(rest), &lost) < 0)
		return;
	take_back_sent(ss, lost.packets, lost.bytes);
	take_back_received(ss, lost.peer_packets, lost.peer_bytes);
	ss->ext.dropped_packets += lost.peer_packets;
	ss->ext.dropped_bytes += lost.peer_bytes;
}

/* RFC 6062: a stream has no packets to take back, only bytes. */
static void finish_connection(ts_ur_super_session *ss, const tcp_connection *tc)
{
	struct evbuffer *rest = finish(tc->client_s);

	if (rest) {
		take_back_sent(ss, 0, evbuffer_get_length(rest));
		take_back_received(ss, 0, evbuffer_get_length(rest));
		ss->ext.dropped_bytes += evbuffer_get_length(rest);
	}
	rest = finish(tc->peer_s);
	if (rest) {
		take_back(&ss->peer_sent_bytes, &ss->t_peer_sent_bytes, evbuffer_get_length(rest));
		ss->ext.dropped_bytes += evbuffer_get_length(rest);
	}
}

void coturn_ext_client_closing(void *session)
{
	ts_ur_super_session *ss = session;

	if (!ss->ext.cell)
		return;
	finish_client(ss);
	session_settle_streams(ss);
	ss->ext.seen_tcp -= stream_tcp(ss->client_socket);
}

void coturn_ext_connection_closing(void *connection)
{
	tcp_connection *tc = connection;
	allocation *a = tc->owner;
	ts_ur_super_session *ss = a ? a->owner : NULL;

	if (!ss || !ss->ext.cell)
		return;
	finish_connection(ss, tc);
	session_settle_streams(ss);
	ss->ext.seen_tcp -= stream_tcp(tc->client_s) + stream_tcp(tc->peer_s);
}

void session_finish_streams(ts_ur_super_session *ss)
{
	const tcp_connection_list *list = &ss->alloc.tcs;
	size_t i;

	finish_client(ss);
	for (i = 0; list->elems && i < list->sz; i++)
		if (list->elems[i])
			finish_connection(ss, list->elems[i]);
	session_settle_streams(ss);
}
