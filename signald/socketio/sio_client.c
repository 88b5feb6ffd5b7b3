/* sio_client.c - one Engine.IO session: its packets in, its budget, its time to join */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_priv.h"

void sio_parse_error(struct sio_client *c)
{
	c->srv->counters.parse_errors++;
	eio_fail(c->session);
}

void sio_out_of_memory(struct sio_client *c)
{
	c->srv->counters.out_of_memory++;
	eio_close(c->session, "forced close");
}

/* --- the budget of events --- */

/* The generic cell rate algorithm (ITU-T I.371): the budget is whole at
 * budget_us, and each packet puts that off by its share of a second. */
static bool within_budget(struct sio_client *c, uint64_t now_ms)
{
	const struct sio_config *cfg = &c->srv->cfg;
	uint64_t now_us = now_ms * 1000, each_us, whole_us;

	if (!cfg->events_per_s)
		return true;
	each_us = 1000000 / cfg->events_per_s;
	whole_us = c->budget_us > now_us ? c->budget_us : now_us;
	if (whole_us + each_us > now_us + cfg->events_burst * each_us)
		return false;
	c->budget_us = whole_us + each_us;
	return true;
}

static void over_budget(struct sio_client *c)
{
	struct sio_socket *s;

	c->srv->counters.rate_limited++;
	for (s = c->sockets; s; s = s->next) {
		const struct sio_namespace *def = s->nsp->def;
		const char *args = def->limit_args ? def->limit_args : "";

		if (def->limit_event)
			sio_emit(s, def->limit_event, args, strlen(args));
	}
	eio_close(c->session, "forced server close");
}

/* An answer that was asked for is free; the others are charged when they turn out so. */
static bool is_answer(const char *text, size_t n)
{
	return n && (*text == '0' + SIO_ACK || *text == '0' + SIO_BINARY_ACK);
}

/* --- packets --- */

static int decode(struct sio_client *c, const char *text, size_t n, struct sio_packet *p)
{
	struct sio_counters *counters = &c->srv->counters;
	int rc = sio_packet_decode(text, n, &c->srv->limits, p);

	counters->attachments_refused += rc == -ENOSPC;
	counters->names_refused += rc == -ENAMETOOLONG;
	counters->json_refused += rc == -E2BIG;
	return rc;
}

static void on_packet(struct sio_client *c, const struct sio_packet *p, const char *text, size_t n,
		      uint64_t now_ms)
{
	struct sio_socket *s = sio_client_socket(c, p->nsp, p->nsp_n);

	if ((p->type == SIO_CONNECT) == (s != NULL))
		sio_parse_error(c); /* joined already; not joined: connection-wide, as in Node */
	else if (p->type == SIO_CONNECT)
		sio_socket_connect(c, p, now_ms);
	else if (p->type == SIO_DISCONNECT)
		sio_socket_gone(s, "client namespace disconnect");
	else if (p->attachments)
		sio_partial_begin(c, p, text, n, now_ms);
	else
		sio_deliver(c, p, NULL, now_ms);
}

static void on_text(struct sio_client *c, const char *text, size_t n, uint64_t now_ms)
{
	struct sio_packet p;

	if (!is_answer(text, n) && !within_budget(c, now_ms))
		over_budget(c);
	else if (c->partial || decode(c, text, n, &p)) /* attachments are due, no text */
		sio_parse_error(c);
	else
		on_packet(c, &p, text, n, now_ms);
}

void sio_unknown_ack(struct sio_client *c, uint64_t now_ms)
{
	c->srv->counters.unknown_acks++;
	if (!within_budget(c, now_ms))
		over_budget(c);
}

/* --- until the first namespace --- */

struct sio_unjoined {
	struct sio_client *client;
	struct timeq_node deadline;
};

static int unjoined_add(struct sio_client *c, uint64_t now_ms)
{
	struct sio_server *srv = c->srv;

	c->unjoined = calloc(1, sizeof(*c->unjoined));
	if (!c->unjoined)
		return -ENOMEM;
	c->unjoined->client = c;
	timeq_add(&srv->connects, &c->unjoined->deadline, now_ms + srv->cfg.connect_timeout_ms);
	srv->counters.unjoined++;
	return 0;
}

static void unjoined_drop(struct sio_client *c)
{
	if (!c->unjoined)
		return;
	timeq_remove(&c->unjoined->deadline);
	c->srv->counters.unjoined--;
	free(c->unjoined);
	c->unjoined = NULL;
}

/* The first whose time is over by then is told to go. False: there is none. */
static bool unjoined_end(struct sio_server *srv, uint64_t by_ms)
{
	struct timeq_node *n = timeq_take(&srv->connects, by_ms);
	struct sio_client *c;

	if (!n)
		return false;
	c = timeq_owner(n, struct sio_unjoined, deadline)->client;
	unjoined_drop(c);
	eio_close(c->session, "forced close");
	return true;
}

/* Who has had the longest time to join makes room for who comes: to refuse the
 * new ones would let a few that never join keep out everybody else. */
static void make_room(struct sio_server *srv)
{
	if (srv->cfg.unjoined_max && srv->counters.unjoined >= srv->cfg.unjoined_max)
		srv->counters.unjoined_refused += unjoined_end(srv, UINT64_MAX);
}

static unsigned joined(const struct sio_client *c)
{
	const struct sio_socket *s;
	unsigned n = 0;

	for (s = c->sockets; s; s = s->next)
		n += s->state == SIO_JOINED;
	return n;
}

void sio_joined(struct sio_client *c)
{
	unjoined_drop(c);
	if (joined(c) < c->srv->namespaces_n)
		return;
	free(c->arrival);
	c->arrival = NULL;
}

/* --- Engine.IO's callbacks --- */

static void client_free(struct sio_client *c)
{
	unjoined_drop(c);
	free(c->arrival);
	sio_partial_drop(c);
	free(c);
}

static int on_open(struct eio_session *session, const struct eio_handshake *h, uint64_t now_ms,
		   void *ctx)
{
	struct sio_server *srv = ctx;
	size_t address_n = strlen(h->address) + 1;
	struct sio_client *c = calloc(1, sizeof(*c) + address_n);

	if (!c)
		goto fail;
	c->srv = srv;
	c->session = session;
	memcpy(c->address, h->address, address_n);
	make_room(srv);
	c->arrival = sio_arrival_new(srv, h);
	if (!c->arrival || unjoined_add(c, now_ms))
		goto fail;
	eio_set_data(session, c);
	return 0;
fail:
	if (c)
		client_free(c);
	srv->counters.out_of_memory++;
	return -ENOMEM;
}

static void on_message(struct eio_session *session, bool binary, const void *p, size_t n,
		       uint64_t now_ms, void *ctx)
{
	struct sio_client *c = eio_data(session);

	(void)ctx;
	if (binary)
		sio_partial_add(c, p, n, now_ms);
	else
		on_text(c, p, n, now_ms);
}

static void on_close(struct eio_session *session, const char *reason, void *ctx)
{
	struct sio_client *c = eio_data(session);

	(void)ctx;
	while (c->sockets)
		sio_socket_gone(c->sockets, reason);
	client_free(c);
}

static void on_flush(void *ctx)
{
	sio_leaving_flush(ctx);
}

static void on_tick(uint64_t now_ms, void *ctx)
{
	struct sio_server *srv = ctx;
	int i;

	for (i = 0; i < SIO_TICK_MAX && unjoined_end(srv, now_ms); i++)
		srv->counters.connect_timeouts++;
	sio_partial_tick(srv, now_ms);
	sio_ask_tick(srv, now_ms);
	sio_later_tick(srv, now_ms);
}

static uint64_t next_deadline(void *ctx)
{
	const struct sio_server *srv = ctx;
	uint64_t t = timeq_earlier(timeq_next(&srv->connects), timeq_next(&srv->partials));

	t = timeq_earlier(t, timeq_next(&srv->laters));
	return timeq_earlier(t, timeq_next(&srv->asks));
}

const struct eio_handler sio_client_handler = {
	.on_open = on_open,
	.on_message = on_message,
	.on_close = on_close,
	.on_flush = on_flush,
	.on_tick = on_tick,
	.next_deadline = next_deadline,
};
