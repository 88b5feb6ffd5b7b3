/* sio_ask.c - events of ours that want an answer: the client's, none in time, or none at all */
#include <errno.h>
#include <stdlib.h>

#include "socketio/sio_priv.h"

struct sio_ask {
	struct sio_socket *socket;
	struct sio_ask *next; /* of the socket */
	struct timeq_node deadline;
	sio_answer_fn *fn;
	void *ctx;
	uint32_t id;
};

/* Take it out of all lists, tell its owner, free it. */
static void end(struct sio_ask **at, const struct sio_args *args, int error)
{
	struct sio_ask *a = *at;

	*at = a->next;
	timeq_remove(&a->deadline);
	a->socket->nsp->srv->counters.acks_pending--;
	a->fn(a->socket, args, error, a->ctx);
	free(a);
}

static unsigned pending(const struct sio_socket *s)
{
	const struct sio_ask *a;
	unsigned n = 0;

	for (a = s->asks; a; a = a->next)
		n++;
	return n;
}

static int begin(struct sio_socket *s, struct sio_ask **out)
{
	struct sio_server *srv = s->nsp->srv;

	if (pending(s) >= srv->cfg.acks_max) {
		srv->counters.acks_refused++;
		return -ENOSPC;
	}
	*out = calloc(1, sizeof(**out));
	if (!*out) {
		srv->counters.out_of_memory++;
		return -ENOMEM;
	}
	return 0;
}

/* One counter for each namespace, as in the original. */
static uint32_t next_id(struct sio_nsp *nsp)
{
	uint32_t id = nsp->next_ack;

	nsp->next_ack = id + 1 < SIO_ACK_ID_END ? id + 1 : 0;
	return id;
}

/* A client's word may be behind the timeout: neither 0, which is no deadline, nor for ever. */
static uint64_t deadline(uint64_t now_ms, uint64_t timeout_ms)
{
	if (timeout_ms > SIO_TIMEOUT_MAX_MS)
		timeout_ms = SIO_TIMEOUT_MAX_MS;
	return now_ms + (timeout_ms ? timeout_ms : 1);
}

int sio_ask(struct sio_socket *s, const struct sio_message *m, uint64_t now_ms, uint64_t timeout_ms,
	    sio_answer_fn *fn, void *ctx)
{
	struct sio_server *srv = s->nsp->srv;
	struct sio_ask *a;
	int rc = s->state == SIO_PENDING ? -ENOTCONN : begin(s, &a);

	if (rc)
		return rc;
	*a = (struct sio_ask){ .socket = s, .fn = fn, .ctx = ctx, .id = next_id(s->nsp) };
	rc = sio_send_form(s, SIO_AS_EVENT, a->id, m);
	if (rc) {
		free(a);
		return rc;
	}
	a->next = s->asks;
	s->asks = a;
	srv->counters.acks_pending++;
	timeq_add(&srv->asks, &a->deadline, deadline(now_ms, timeout_ms));
	eio_server_wake(srv->eio); /* it may be the earliest deadline of all */
	return 0;
}

int sio_answered(struct sio_socket *s, int64_t id, const struct sio_args *args)
{
	struct sio_ask **a;

	for (a = &s->asks; *a; a = &(*a)->next) {
		if ((*a)->id == id) {
			end(a, args, 0);
			return 0;
		}
	}
	return -ENOENT;
}

void sio_ask_drop_all(struct sio_socket *s)
{
	while (s->asks)
		end(&s->asks, NULL, -ENOTCONN);
}

void sio_ask_tick(struct sio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;
	struct sio_ask *a, **at;
	int i;

	for (i = 0; i < SIO_TICK_MAX && (n = timeq_take(&srv->asks, now_ms)); i++) {
		a = timeq_owner(n, struct sio_ask, deadline);
		for (at = &a->socket->asks; *at != a; at = &(*at)->next)
			;
		srv->counters.acks_expired++;
		end(at, NULL, -ETIMEDOUT);
	}
}
