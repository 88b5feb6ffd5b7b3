/* get.c - one who asks for a document all the while, as an admin's page does */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "load.h"

static struct load *load;
static struct conn conn;
static struct http_answer answer;
static struct alarm next;
static uint64_t asked_ns, answers, failures, bytes;
static struct latency latency;

static void later(void)
{
	reactor_alarm(load->reactor, &next, clock_ns() + (uint64_t)load->o.get_every_ms * 1000000u);
}

static void ask(struct conn *c)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s\r\n",
			 load->o.get, load->o.token ? "Authorization: Bearer " : "",
			 load->o.token ? load->o.token : "", load->o.token ? "\r\n" : "");

	asked_ns = clock_ns();
	http_reset(&answer);
	conn_send(c, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static size_t on_bytes(struct conn *c, const char *p, size_t n)
{
	enum http_progress done = http_feed(&answer, p, &n);

	(void)c;
	if (done == HTTP_MORE)
		return n;
	if (done == HTTP_DONE && answer.status == 200) {
		answers++;
		bytes = answer.body_bytes;
		latency_add(&latency, clock_ns() - asked_ns);
	} else {
		failures++;
	}
	later();
	return n;
}

static void on_lost(struct conn *c, int error)
{
	(void)c;
	(void)error;
	failures += next.at == 0; /* while an answer was due */
	later();
}

static const struct conn_handler handler = { ask, on_bytes, on_lost };

static void on_due(struct alarm *a, uint64_t now_ns)
{
	(void)a;
	(void)now_ns;
	if (conn.is_open)
		ask(&conn);
	else if (conn_start(&conn))
		later();
}

static bool is_asked_for(const struct options *o)
{
	return o->get != NULL;
}

static int start(struct load *l)
{
	load = l;
	conn_init(&conn, &l->target, &handler, NULL);
	next.on_due = on_due;
	return 0;
}

static void begin(uint64_t now_ns)
{
	reactor_alarm(load->reactor, &next, now_ns);
}

static void report(FILE *out)
{
	fprintf(out,
		",\"get\":{\"n\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"bytes\":%" PRIu64
		",\"p50_us\":%" PRIu64 ",\"max_us\":%" PRIu64 "}",
		answers, failures, bytes, latency_at(&latency, 0.5) / 1000, latency.max_ns / 1000);
}

static void finish(void)
{
	conn_close(&conn);
	http_reset(&answer);
}

const struct role get_role = {
	.name = "get",
	.is_asked_for = is_asked_for,
	.start = start,
	.begin = begin,
	.report = report,
	.finish = finish,
};
