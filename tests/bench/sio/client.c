/* client.c - what a client does whatever its transport: connect, hello, ready, again */
#include "client_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_alarm(struct alarm *a, uint64_t now_ns)
{
	struct client *c = (struct client *)((char *)a - offsetof(struct client, alarm));

	(void)now_ns;
	client_open(c);
}

void client_init(struct client *c, struct target *t, const struct client_handler *h, void *owner,
		 unsigned index)
{
	memset(c, 0, sizeof(*c));
	c->handler = h;
	c->target = t;
	c->owner = owner;
	c->index = index;
	c->alarm.on_due = on_alarm;
	c->got.keep_body = true;
	conn_init(&c->ws, t, &client_ws_conn, c);
	conn_init(&c->get, t, &client_get_conn, c);
	conn_init(&c->post, t, &client_post_conn, c);
}

void client_close(struct client *c)
{
	reactor_cancel(c->target->reactor, &c->alarm);
	conn_close(&c->ws);
	conn_close(&c->get);
	conn_close(&c->post);
	http_reset(&c->shaken);
	http_reset(&c->got);
	http_reset(&c->posted);
	free(c->outbox);
	c->outbox = NULL;
	c->outbox_n = 0;
	c->polls = c->posts = c->shook = c->probed = c->on_socket = c->acked = false;
	c->life++;
	c->sid[0] = '\0';
	c->state = CLIENT_NEW;
}

void client_lose(struct client *c, int status)
{
	client_close(c);
	c->state = CLIENT_LOST;
	c->handler->on_lost(c, status);
}

void client_open(struct client *c)
{
	struct conn *first = c->via == CLIENT_WEBSOCKET ? &c->ws : &c->get;

	client_close(c);
	c->state = CLIENT_OPENS;
	c->opened_ns = clock_ns();
	if (conn_start(first))
		client_lose(c, 0);
}

void client_open_in(struct client *c, uint64_t ns)
{
	c->state = CLIENT_WAITS;
	if (reactor_alarm(c->target->reactor, &c->alarm, clock_ns() + ns))
		abort();
}

uint64_t client_backoff_ns(struct client *c, double random, bool longer)
{
	double ms = 1000.0 * (1u << (c->attempts < 10 ? c->attempts : 10));

	c->attempts++;
	ms += (longer ? 0.5 : -0.5) * random * ms;
	return (uint64_t)((ms > 5000 ? 5000 : ms) * 1e6);
}

/* --- packets ----------------------------------------------------------------------- */

void client_send(struct client *c, const char *packet, size_t n)
{
	if (c->via == CLIENT_WEBSOCKET || c->on_socket)
		client_ws_send(c, packet, n);
	else
		client_post(c, packet, n);
}

void client_send_frames(struct client *c, const void *p, size_t n)
{
	conn_send(&c->ws, p, n);
}

void client_deafen(struct client *c)
{
	conn_deafen(&c->ws);
}

static void say_hello(struct client *c)
{
	const char *p = c->hello, *end;

	for (; *p; p = end + (*end != '\0')) {
		end = strchrnul(p, SEPARATOR);
		client_send(c, p, (size_t)(end - p));
	}
}

bool client_text_of(const char *p, size_t n, const char *key, char *out, size_t max)
{
	size_t len = strlen(key);
	const char *at = memmem(p, n, key, len), *end;

	if (!at)
		return false;
	at += len;
	end = memchr(at, '"', n - (size_t)(at - p));
	if (!end || (size_t)(end - at) >= max)
		return false;
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = '\0';
	return true;
}

/* The real client probes while it connects by polling. */
static void opened(struct client *c, const char *p, size_t n)
{
	if (!client_text_of(p, n, "\"sid\":\"", c->sid, sizeof(c->sid))) {
		client_lose(c, 0);
		return;
	}
	client_send(c, "40", 2);
	if (c->via == CLIENT_UPGRADE && conn_start(&c->ws))
		client_lose(c, 0);
}

void client_look_whether_ready(struct client *c)
{
	if (c->state != CLIENT_OPENS || !c->acked || (c->via == CLIENT_UPGRADE && !c->on_socket))
		return;
	c->state = CLIENT_READY;
	c->attempts = 0;
	c->ready_ns = clock_ns();
	c->handler->on_ready(c);
}

static void message(struct client *c, const char *p, size_t n)
{
	switch (*p) {
	case '0': say_hello(c); break;
	case '1':
	case '4': client_lose(c, 0); break;
	case '2':
	case '3':
		if (*p == '3' && !c->acked) {
			c->acked = true;
			client_look_whether_ready(c);
		} else if (c->handler->on_packet) {
			c->handler->on_packet(c, p + 1, n - 1);
		}
		break;
	default: break;
	}
}

void client_packet(struct client *c, const char *p, size_t n)
{
	if (!n)
		return;
	switch (*p) {
	case '0': opened(c, p, n); break;
	case '1': client_lose(c, 0); break;
	case '2': client_send(c, "3", 1); break;
	case '4':
		if (n > 1)
			message(c, p + 1, n - 1);
		break;
	default: break; /* 6 has done its work by ending a GET */
	}
}
