/* sio_polling.c - a GET that waits, POSTs beside it, each on a connection of its own */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sio_priv.h"

#define SEPARATOR '\x1e'

static int http_failed(const struct http_answer *a, struct client_error *err)
{
	client_error_set(err, "polling is answered with HTTP %d", a->status);
	return -EPROTO;
}

static int begin(struct sio_client *c, struct http_exchange **x, const char *method,
		 const char *body, size_t body_n, uint64_t deadline_ms, struct client_error *err)
{
	char path[128];
	struct http_request rq = { .method = method,
				   .path = path,
				   .headers = body ? "Content-Type: text/plain;charset=UTF-8\r\n"
						     "Connection: close\r\n"
						   : "Connection: close\r\n",
				   .body = body,
				   .body_n = body_n };
	int r;

	snprintf(path, sizeof(path), SIO_PATH "polling%s%s", *c->sid ? "&sid=" : "", c->sid);
	r = http_begin(x, &c->to, &rq, deadline_ms, err);
	if (!r)
		c->fault = net_tls_fault((*x)->net);
	return r;
}

static int polling_receive(struct sio_client *c, uint64_t deadline_ms, struct client_error *err)
{
	struct http_exchange *x;
	const char *p, *end, *sep;
	int r = 0;

	if (!c->poll)
		r = begin(c, &c->poll, "GET", NULL, 0, deadline_ms, err);
	if (!r)
		r = http_wait(c->poll, deadline_ms, err);
	if (r)
		return r;
	x = c->poll;
	c->poll = NULL;
	if (x->answer.status != 200)
		r = http_failed(&x->answer, err);
	p = x->answer.body;
	end = p + x->answer.body_n;
	for (; !r && p && p < end; p = sep + 1) {
		sep = memchr(p, SEPARATOR, (size_t)(end - p));
		if (!sep)
			sep = end;
		r = sio_packet(c, p, (size_t)(sep - p), err);
	}
	http_end(x);
	return r;
}

static int polling_send(struct sio_client *c, const char *packet, size_t n, uint64_t deadline_ms,
			struct client_error *err)
{
	struct http_exchange *x;
	int r = begin(c, &x, "POST", packet, n, deadline_ms, err);

	if (r)
		return r;
	r = http_wait(x, deadline_ms, err);
	if (!r && x->answer.status != 200)
		r = http_failed(&x->answer, err);
	http_end(x);
	return r;
}

static void polling_close(struct sio_client *c)
{
	http_end(c->poll);
	c->poll = NULL;
}

const struct sio_way sio_polling = { polling_receive, polling_send, polling_receive,
				     polling_close };
