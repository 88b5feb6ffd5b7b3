/* churn.c - clients that connect, join a room, leave, and come again: what a join costs */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "load.h"

static struct load *load;
static struct client *clients;
static uint64_t joined, measured, failed, started_before;
static struct latency latency;

static void on_ready(struct client *c)
{
	joined++;
	if (load->phase == LOAD_MEASURES) {
		measured++;
		latency_add(&latency, c->ready_ns - c->opened_ns);
	}
	client_open(c);
}

static void on_lost(struct client *c, int status)
{
	(void)status;
	failed++;
	client_open_in(c, 10000000);
}

static const struct client_handler handler = { .on_ready = on_ready, .on_lost = on_lost };

static bool is_asked_for(const struct options *o)
{
	return o->churn > 0;
}

static int start(struct load *l)
{
	unsigned i;

	load = l;
	clients = calloc(l->o.churn, sizeof(*clients));
	if (!clients)
		return -ENOMEM;
	for (i = 0; i < l->o.churn; i++) {
		client_init(&clients[i], &l->target, &handler, l, i);
		clients[i].via = (enum client_via)l->o.via;
		snprintf(clients[i].hello, CLIENT_HELLO_MAX, "420[\"join\",\"churn-%u\"]", i);
	}
	return 0;
}

static void begin(uint64_t now_ns)
{
	unsigned i;

	(void)now_ns;
	for (i = 0; i < load->o.churn; i++)
		client_open(&clients[i]);
}

static void measure(uint64_t now_ns)
{
	(void)now_ns;
	started_before = joined;
}

static bool is_done(void)
{
	if (load->o.count)
		return measured >= load->o.count;
	return clock_ns() >= load->measure_ns + (uint64_t)load->o.duration_ms * 1000000u;
}

static void report(FILE *out)
{
	fprintf(out,
		",\"joins\":{\"n\":%" PRIu64 ",\"before\":%" PRIu64 ",\"failed\":%" PRIu64
		",\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 "}",
		measured, started_before, failed, latency_at(&latency, 0.5) / 1000,
		latency_at(&latency, 0.99) / 1000);
}

static void finish(void)
{
	unsigned i;

	for (i = 0; i < load->o.churn; i++)
		client_close(&clients[i]);
	free(clients);
}

const struct role churn_role = {
	.name = "churn",
	.is_asked_for = is_asked_for,
	.start = start,
	.begin = begin,
	.measure = measure,
	.is_done = is_done,
	.report = report,
	.finish = finish,
};
