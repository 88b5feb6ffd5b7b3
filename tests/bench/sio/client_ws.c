/* client_ws.c - a client on its WebSocket: handshake, probe, frames */
#include <stdio.h>
#include <string.h>

#include "client_priv.h"
#include "stamp.h"
#include "ws_client.h"

#define PACKET_MAX 4096

void client_ws_send(struct client *c, const char *packet, size_t n)
{
	uint8_t frame[WS_HEAD_MAX + PACKET_MAX];

	if (n <= PACKET_MAX)
		conn_send(&c->ws, frame, ws_write(frame, WS_TEXT, stamp_mask, packet, n));
}

static void on_open(struct conn *conn)
{
	struct client *c = conn->owner;
	char text[512];
	int n = snprintf(
		text, sizeof(text),
		"GET " PATH "websocket%s%s HTTP/1.1\r\n"
		"Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		*c->sid ? "&sid=" : "", c->sid);

	conn_send(conn, text, (size_t)n);
}

static size_t shake(struct client *c, const char *p, size_t n)
{
	enum http_progress done = http_feed(&c->shaken, p, &n);

	if (done == HTTP_BROKEN || (done == HTTP_DONE && c->shaken.status != 101))
		client_lose(c, c->shaken.status);
	else if (done == HTTP_DONE)
		c->shook = true;
	if (c->shook && c->via == CLIENT_UPGRADE)
		client_ws_send(c, "2probe", 6);
	return n;
}

static void take(struct client *c, const struct ws_frame *f)
{
	uint8_t frame[WS_HEAD_MAX + 125];

	if (f->opcode == WS_PING && f->n <= 125) {
		conn_send(&c->ws, frame, ws_write(frame, WS_PONG, stamp_mask, f->p, f->n));
	} else if (f->opcode == WS_CLOSE) {
		client_lose(c, 0);
	} else if (f->opcode == WS_TEXT && f->n == 6 && !memcmp(f->p, "3probe", 6)) {
		c->probed = true;
		if (!c->polls && !c->posts)
			client_switch(c);
	} else if (f->opcode == WS_TEXT) {
		client_packet(c, f->p, f->n);
	}
}

static size_t on_bytes(struct conn *conn, const char *p, size_t n)
{
	struct client *c = conn->owner;
	struct ws_frame f;
	int64_t used;

	if (!c->shook)
		return shake(c, p, n);
	used = ws_read(&f, p, n);
	if (used > 0)
		take(c, &f);
	else if (used < 0)
		client_lose(c, 0);
	return used > 0 ? (size_t)used : 0;
}

static void on_lost(struct conn *conn, int error)
{
	(void)error;
	client_lose(conn->owner, 0);
}

const struct conn_handler client_ws_conn = { on_open, on_bytes, on_lost };

void client_switch(struct client *c)
{
	client_ws_send(c, "5", 1);
	c->on_socket = true;
	conn_close(&c->get);
	conn_close(&c->post);
	client_look_whether_ready(c);
}
