/* fuzz_sio_packet.c - a client that says anything: packets lie inside their text, the server lives
 *
 * The input is packets joined by 0x1e; one that begins with 0x01 is binary. */
#include "socketio/sio_packet.h"
#include "socketio/sio_placeholder.h"

#include <string.h>

#include "engineio/eio_packet.h"
#include "engineio/eio_server.h"
#include "fuzz.h"
#include "socketio/sio_server.h"
#include "transport/frame.h"

static void inside(struct json_slice v, struct json_slice whole)
{
	MUST(v.p >= whole.p && v.n && v.p + v.n <= whole.p + whole.n);
}

static void placeholders(const struct sio_packet *pkt)
{
	struct sio_placeholder at[4];
	int n = sio_placeholders(pkt->data, pkt->attachments, at, 4);

	for (int i = 0; i < n; i++) {
		inside(at[i].at, pkt->data);
		MUST(at[i].num < pkt->attachments);
		MUST(!i || at[i].at.p >= at[i - 1].at.p + at[i - 1].at.n);
	}
	for (size_t i = 0; i < pkt->items_n && i < SIO_ITEMS_MAX; i++)
		inside(pkt->items[i], pkt->data);
}

static void packet(const char *p, size_t n)
{
	const struct sio_packet_limits limits = { 10, { 64, 1000 } };
	struct sio_packet pkt;

	if (sio_packet_decode(p, n, &limits, &pkt))
		return;
	MUST(pkt.attachments <= 10);
	MUST(pkt.nsp_n && pkt.nsp_n <= SIO_NAMESPACE_MAX && *pkt.nsp == '/');
	MUST(pkt.id >= -1 && pkt.id <= SIO_ID_MAX);
	MUST(!pkt.data.p || (pkt.data.p >= p && pkt.data.p + pkt.data.n <= p + n));
	if (pkt.data.p)
		placeholders(&pkt);
}

/* Sends back what came; kicks and joins at the client's word. */
static void on_other(struct sio_socket *s, struct json_slice name, const struct sio_args *a,
		     void *ctx)
{
	struct sio_message m = { .event = "e", .blobs = a->blobs, .blobs_n = a->blobs_n };
	char room[160];

	if (a->n) {
		m.args = a->all.p;
		m.n = a->all.n;
		if (json_string(a->v[0], room, sizeof(room)) > 0)
			sio_join(s, room);
	}
	sio_send(s, &m);
	sio_ack_send(s, a->ack, &m);
	sio_broadcast(*(struct sio_server **)ctx, &(struct sio_audience){ .nsp = "/" }, &m);
	if (name.n == 3)
		sio_disconnect(s, true);
	else if (name.n == 4)
		sio_disconnect(s, false);
}

static int ws_send(void *ws, struct frame *f, bool is_volatile)
{
	(void)ws;
	(void)is_volatile;
	MUST(frame_size(f) < 1 << 20);
	return 0;
}

static void ws_close(void *ws, unsigned code)
{
	(void)code;
	*(bool *)ws = true;
}

static void run(struct sio_server *srv, const char *p, size_t left)
{
	struct eio_handshake h = { "192.0.2.1", "http://a", "EIO=4" };
	struct eio_server *eio = sio_server_engine(srv);
	struct eio_session *s;
	static bool closed; /* outlives the server */
	const char *text;
	size_t n;

	closed = false;
	if (eio_open_ws(eio, &h, &closed, 1, &s) != EIO_OK)
		return;
	eio_ws_message(s, &closed, false, "40", 2, 1);
	while (!closed && eio_payload_next(&p, &left, &text, &n)) {
		bool binary = n && *text == 1;

		packet(text, n);
		if (binary)
			eio_ws_message(s, &closed, true, text + 1, n - 1, 1);
		else
			eio_ws_message(s, &closed, false, text, n, 1);
		eio_server_flush(eio, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct sio_server *srv;
	const struct sio_namespace main_nsp = { .name = "/", .on_other = on_other, .ctx = &srv };
	const struct sio_namespace other = { .name = "/other", .on_other = on_other, .ctx = &srv };
	const struct eio_link link = { .ws_send = ws_send, .ws_close = ws_close };
	struct sio_config cfg;

	sio_config_defaults(&cfg);
	MUST(sio_server_new(&srv, &cfg) == 0);
	eio_server_link(sio_server_engine(srv), &link);
	MUST(sio_server_namespace(srv, &main_nsp) == 0);
	MUST(sio_server_namespace(srv, &other) == 0);
	run(srv, (const char *)data, n);
	sio_server_free(srv);
	return 0;
}
