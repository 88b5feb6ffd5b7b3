/* cycles.c - polling clients: a POST with an event, its acknowledgement in the GET that waits */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char question[] = "421[\"message-with-ack\",\"what time is it\"]";
static struct load *load;
static struct client *clients;
static bool *answered; /* of each client: the acknowledgement is here */
static uint64_t measured;
static struct latency latency;

static void ask(struct client *c)
{
	answered[c->index] = false;
	c->opened_ns = clock_ns();
	client_send(c, question, sizeof(question) - 1);
}

/* Both the POST and the GET have come back. */
static void look_whether_done(struct client *c)
{
	if (!answered[c->index] || c->posts || load->phase == LOAD_ENDED)
		return;
	if (load->phase == LOAD_MEASURES) {
		measured++;
		latency_add(&latency, clock_ns() - c->opened_ns);
	}
	ask(c);
}

static void on_ready(struct client *c)
{
	load_ready(load, c);
}

static void on_packet(struct client *c, const char *p, size_t n)
{
	if (n && *p == '1') /* the id of the question */
		answered[c->index] = true;
	look_whether_done(c);
}

static void on_lost(struct client *c, int status)
{
	load_lost(load, c, status);
	load_open_again(load, c);
}

static const struct client_handler handler = {
	.on_ready = on_ready,
	.on_packet = on_packet,
	.on_posted = look_whether_done,
	.on_lost = on_lost,
};

static bool is_asked_for(const struct options *o)
{
	return o->cycles > 0;
}

static int start(struct load *l)
{
	unsigned i;
	int rc = 0;

	load = l;
	clients = calloc(l->o.cycles, sizeof(*clients));
	answered = calloc(l->o.cycles, sizeof(*answered));
	if (!clients || !answered)
		return -ENOMEM;
	for (i = 0; i < l->o.cycles && !rc; i++) {
		client_init(&clients[i], &l->target, &handler, l, i);
		clients[i].via = CLIENT_POLLING;
		snprintf(clients[i].hello, CLIENT_HELLO_MAX, "420[\"join\",\"cycle-%u\"]", i);
		rc = load_add(l, &clients[i]);
	}
	return rc;
}

static void begin(uint64_t now_ns)
{
	unsigned i;

	(void)now_ns;
	for (i = 0; i < load->o.cycles; i++)
		ask(&clients[i]);
}

static void report(FILE *out)
{
	fprintf(out,
		",\"cycles\":{\"n\":%" PRIu64 ",\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 "}",
		measured, latency_at(&latency, 0.5) / 1000, latency_at(&latency, 0.99) / 1000);
}

static void finish(void)
{
	free(clients);
	free(answered);
}

const struct role cycles_role = {
	.name = "cycles",
	.is_asked_for = is_asked_for,
	.start = start,
	.begin = begin,
	.report = report,
	.finish = finish,
};
