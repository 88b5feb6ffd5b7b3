/* http_client.c - a request out, an answer in */
#include "http_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"

#define HEAD_MAX 16384 /* with a token in it */

static int write_head(char *out, const struct net_target *to, const struct http_request *rq)
{
	const char *name = to->name ? to->name : to->host;
	bool six = strchr(name, ':');
	char length[48] = "";
	int n;

	if (rq->body)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", rq->body_n);
	n = snprintf(out, HEAD_MAX,
		     "%s %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: signalctl\r\n%s%s\r\n",
		     rq->method, rq->path, six ? "[" : "", name, six ? "]" : "", to->port,
		     rq->headers ? rq->headers : "", length);
	return n < HEAD_MAX ? n : -E2BIG;
}

static int send_request(struct http_exchange *x, const struct net_target *to,
			const struct http_request *rq, uint64_t deadline_ms,
			struct client_error *err)
{
	char *text = malloc(HEAD_MAX + rq->body_n);
	int n, r = -ENOMEM;

	if (!text)
		goto out;
	n = write_head(text, to, rq);
	if (n < 0) {
		r = n;
		goto out;
	}
	if (rq->body)
		memcpy(text + n, rq->body, rq->body_n);
	r = net_send(x->net, text, (size_t)n + rq->body_n, deadline_ms, err);
	explicit_bzero(text, (size_t)n);
out:
	if (r == -ENOMEM || r == -E2BIG)
		client_error_set(err, "the request: %s", strerror(-r));
	free(text);
	return r;
}

int http_begin(struct http_exchange **out, const struct net_target *to,
	       const struct http_request *rq, uint64_t deadline_ms, struct client_error *err)
{
	struct http_exchange *x = calloc(1, sizeof(*x));
	int r;

	if (!x) {
		client_error_set(err, "out of memory");
		return -ENOMEM;
	}
	x->answer.keep_body = true;
	x->answer.body_limit = HTTP_BODY_MAX;
	r = net_open(&x->net, to, 0, deadline_ms, err);
	if (!r)
		r = send_request(x, to, rq, deadline_ms, err);
	if (r) {
		http_end(x);
		return r;
	}
	*out = x;
	return 0;
}

int http_wait(struct http_exchange *x, uint64_t deadline_ms, struct client_error *err)
{
	enum http_progress done;
	ssize_t got;
	size_t used;

	for (;;) {
		got = net_receive(x->net, x->rest, sizeof(x->rest), deadline_ms, err);
		if (got < 0)
			return (int)got;
		if (!got) {
			client_error_set(err, "the connection was closed before the answer");
			return -ECONNRESET;
		}
		used = (size_t)got;
		done = http_feed(&x->answer, x->rest, &used);
		if (done == HTTP_BROKEN) {
			client_error_set(err, "what answers there does not speak HTTP");
			return -EPROTO;
		}
		if (done == HTTP_DONE) {
			x->rest_n = (size_t)got - used;
			memmove(x->rest, x->rest + used, x->rest_n);
			return 0;
		}
	}
}

void http_end(struct http_exchange *x)
{
	if (!x)
		return;
	net_close(x->net);
	x->answer.want = NULL;
	http_reset(&x->answer);
	free(x);
}
