/* client_polling.c - a client that polls: one connection for GET, one for POST */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_priv.h"

#define HEAD_MAX 256

/* --- GET --------------------------------------------------------------------------- */

static void send_get(struct client *c)
{
	char text[HEAD_MAX];
	int n = snprintf(text, sizeof(text),
			 "GET " PATH "polling%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
			 *c->sid ? "&sid=" : "", c->sid);

	c->polls = true;
	http_reset(&c->got);
	conn_send(&c->get, text, (size_t)n);
}

static void on_get_open(struct conn *conn)
{
	send_get(conn->owner);
}

void client_poll(struct client *c)
{
	if (!c->get.is_busy) {
		if (conn_start(&c->get))
			client_lose(c, 0);
	} else if (c->get.is_open) {
		send_get(c);
	}
}

/* While probing, the socket takes over once the last GET has come back. */
static void poll_again(struct client *c)
{
	if (c->polls || c->on_socket)
		return;
	if (!c->probed)
		client_poll(c);
	else if (!c->posts)
		client_switch(c);
}

static void take_payload(struct client *c)
{
	char *body = c->got.body, *p = body, *end, *sep;
	size_t n = c->got.body_n;
	unsigned life = c->life;

	/* Ours until it is read: what a packet brings about may start the next GET. */
	c->got.body = NULL;
	c->got.body_max = 0;
	c->polls = false;
	for (end = body + n; p && p < end && c->life == life; p = sep + 1) {
		sep = memchr(p, SEPARATOR, (size_t)(end - p));
		if (!sep)
			sep = end;
		client_packet(c, p, (size_t)(sep - p));
	}
	free(body);
	if (c->life == life)
		poll_again(c);
}

static size_t on_get_bytes(struct conn *conn, const char *p, size_t n)
{
	struct client *c = conn->owner;
	enum http_progress done = http_feed(&c->got, p, &n);

	if (done == HTTP_BROKEN || (done == HTTP_DONE && c->got.status != 200))
		client_lose(c, c->got.status);
	else if (done == HTTP_DONE)
		take_payload(c);
	return n;
}

/* --- POST -------------------------------------------------------------------------- */

static void flush(struct client *c)
{
	char head[HEAD_MAX];
	int n;

	if (c->posts || !c->outbox_n || !c->post.is_open)
		return;
	n = snprintf(head, sizeof(head),
		     "POST " PATH "polling&sid=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		     "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n",
		     c->sid, c->outbox_n);
	head[n] = '\0';
	c->outbox = realloc(c->outbox, c->outbox_n + (size_t)n);
	if (!c->outbox)
		abort();
	memmove(c->outbox + n, c->outbox, c->outbox_n);
	memcpy(c->outbox, head, (size_t)n);
	c->posts = true;
	conn_send(&c->post, c->outbox, c->outbox_n + (size_t)n);
	free(c->outbox);
	c->outbox = NULL;
	c->outbox_n = 0;
}

static void on_post_open(struct conn *conn)
{
	flush(conn->owner);
}

void client_post(struct client *c, const char *packet, size_t n)
{
	size_t at = c->outbox_n;

	c->outbox = realloc(c->outbox, at + n + 1);
	if (!c->outbox)
		abort();
	if (at)
		c->outbox[at++] = SEPARATOR;
	memcpy(c->outbox + at, packet, n);
	c->outbox_n = at + n;
	if (!c->post.is_busy && conn_start(&c->post))
		client_lose(c, 0);
	else
		flush(c);
}

static size_t on_post_bytes(struct conn *conn, const char *p, size_t n)
{
	struct client *c = conn->owner;
	enum http_progress done = http_feed(&c->posted, p, &n);

	if (done == HTTP_MORE)
		return n;
	if (done == HTTP_BROKEN || c->posted.status != 200) {
		client_lose(c, c->posted.status);
		return n;
	}
	http_reset(&c->posted);
	c->posts = false;
	flush(c);
	if (!c->posts && c->probed && !c->polls && !c->on_socket)
		client_switch(c);
	else if (c->handler->on_posted)
		c->handler->on_posted(c);
	return n;
}

/* --- both -------------------------------------------------------------------------- */

/* A connection on which nothing is under way may be closed by the server at any time. */
static void on_get_lost(struct conn *conn, int error)
{
	struct client *c = conn->owner;

	(void)error;
	if (c->polls || c->state == CLIENT_OPENS)
		client_lose(c, 0);
	else
		poll_again(c);
}

static void on_post_lost(struct conn *conn, int error)
{
	struct client *c = conn->owner;

	(void)error;
	if (c->posts || c->outbox_n)
		client_lose(c, 0);
}

const struct conn_handler client_get_conn = { on_get_open, on_get_bytes, on_get_lost };
const struct conn_handler client_post_conn = { on_post_open, on_post_bytes, on_post_lost };
