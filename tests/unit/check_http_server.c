/* check_http_server.c - requests as they come from a wire, and what is answered */
#include "http_fixture.h"

#include <check.h>
#include <stdio.h>

#include "log.h"
#include "run_suite.h"
#include "transport/address_set.h"
#include "transport/origin.h"
#include "transport/static_files.h"

#define HOST "Host: x\r\n"
#define GET(more) "GET / HTTP/1.1\r\n" HOST more "\r\n"

static struct client c;
static char logged[4096];

static void on_log(enum log_level level, const char *token, const char *text)
{
	size_t n = strlen(logged);

	(void)level;
	snprintf(logged + n, sizeof(logged) - n, "%s: %s\n", token, text);
}

/* Who is asking, as the server sees it. */
static void get_who(struct http_request *r, void *ctx)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%s %s", http_address(r),
			 http_secure(r) ? "https" : "http");

	(void)ctx;
	http_reply_bytes(r, 200, "text/plain", text, (size_t)n);
}

static void post_size(struct http_request *r, void *ctx)
{
	char text[32];
	size_t n;

	(void)ctx;
	http_body(r, &n);
	snprintf(text, sizeof(text), "%zu", n);
	http_reply_json(r, 200, text, strlen(text));
}

static void get_busy(struct http_request *r, void *ctx)
{
	(void)ctx;
	http_reply_busy(r, 7);
}

/* --- an answer that takes its time --- */

static struct {
	struct http_request *waits; /* NULL: none */
	unsigned gone;
} later;

static void on_gone(struct http_request *r, void *ctx)
{
	ck_assert_ptr_eq(r, later.waits);
	ck_assert_ptr_eq(ctx, &later);
	later.waits = NULL;
	later.gone++;
}

static void get_later(struct http_request *r, void *ctx)
{
	(void)ctx;
	later.waits = r;
	http_reply_later(r, on_gone, &later);
}

/* --- a long answer --- */

static struct {
	uint64_t length, sent, fail_at;
	unsigned done, blocks;
	size_t biggest;
} flow;

static ssize_t flow_read(void *ctx, uint64_t pos, char *buf, size_t size)
{
	size_t n = size < flow.length - pos ? size : (size_t)(flow.length - pos);

	(void)ctx;
	if (flow.fail_at && pos >= flow.fail_at)
		return -1;
	memset(buf, 'x', n);
	flow.sent = pos + n;
	flow.blocks++;
	if (n > flow.biggest)
		flow.biggest = n;
	return (ssize_t)n;
}

static void flow_done(void *ctx)
{
	(void)ctx;
	flow.done++;
}

static void get_flow(struct http_request *r, void *ctx)
{
	bool known = strcmp(http_raw_query(r), "known") == 0;

	(void)ctx;
	http_reply_stream(r, 200, "text/plain", known ? flow.length : HTTP_LENGTH_UNKNOWN,
			  &(struct http_stream){ flow_read, flow_done, NULL });
}

#define BIG_BYTES (4 * 1024 * 1024)

static void get_big(struct http_request *r, void *ctx)
{
	char *p = calloc(1, BIG_BYTES);

	(void)ctx;
	http_reply_bytes(r, 200, "text/plain", p, p ? BIG_BYTES : 0);
	free(p);
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/", get_who },	   { HTTP_POST, "/", post_size },
	{ HTTP_GET, "/flow", get_flow },   { HTTP_GET, "/busy", get_busy },
	{ HTTP_GET, "/seg/:", get_who },   { HTTP_GET, "/big", get_big },
	{ HTTP_GET, "/later", get_later },
};

static struct http_config config;
static struct origin_policy *origins;
static struct address_set *trusted;

static void start(void)
{
	fixture_start(&config, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

static void start_with_origins(const char *a, const char *b)
{
	const char *list[] = { a, b, NULL }, *bad;

	ck_assert_int_eq(origin_policy_new(&origins, list, &bad), 0);
	config.origins = origins;
	start();
}

static void setup(void)
{
	memset(&config, 0, sizeof(config));
	memset(&flow, 0, sizeof(flow));
	logged[0] = '\0';
	log_set_sink(on_log);
}

static void teardown(void)
{
	if (c.text)
		client_close(&c);
	c.text = NULL;
	fixture_stop();
	origin_policy_free(origins);
	origins = NULL;
	address_set_free(trusted);
	trusted = NULL;
}

/* Ask, and close the connection of the question before. */
static struct answer next(const char *request)
{
	if (c.text)
		client_close(&c);
	return ask(&c, request);
}

static const char *header(const struct answer *a, const char *name)
{
	return a->head ? header_of(a->head, name) : NULL;
}

/* --- strictness --- */

static const struct {
	const char *request;
	int status;
} malformed[] = {
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2, 2\r\n\r\nab", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: +2\r\n\r\nab", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2x\r\n\r\nab", 400 },
	{ "POST / HTTP/1.1\r\n" HOST
	  "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  400 },
	{ "POST / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
	  400 },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  400 },
	{ "POST / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  400 },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400 },
	{ "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Expect: wonders\r\nContent-Length: 2\r\n\r\nab", 417 },
	{ "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: x:y\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400 },
	{ GET("Origin: http://a\r\nOrigin: http://a\r\n"), 400 },
	{ GET("Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: a\r\n"), 400 },
	{ GET("Spaced : x\r\n"), 400 },
	{ "GET / HTTP/1.1\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "A: b\rContent-Length: 2\r\n\r\nab", 400 },
	{ GET("A:\rB: c\r\n"), 400 },
	{ GET("A(b: x\r\n"), 400 },
	{ GET("A: x\x01y\r\n"), 400 },
	{ GET("A: x\x7fy\r\n"), 400 },
	{ "GET http://y/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET http://x@y/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET http:///y HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET ftp://x/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET x/y HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET * HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "CONNECT x:80 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /?a\tb HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /seg/a%00b HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "BREW / HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "get / HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
	{ "GET /\r\n\r\n", 400 },
};
#define MALFORMED_N ((int)(sizeof(malformed) / sizeof(malformed[0])))

START_TEST(a_malformed_request_is_refused_and_its_connection_closed)
{
	struct answer a;

	start();
	a = next(malformed[_i].request);
	ck_assert_msg(a.status == malformed[_i].status, "%d: %s", a.status, malformed[_i].request);
	ck_assert_msg(a.closed, "still open: %s", malformed[_i].request);
	ck_assert_uint_eq(flow.done, 0);
}
END_TEST

START_TEST(what_follows_a_malformed_request_is_not_answered)
{
	struct answer a;

	start();
	a = next("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" GET(""));
	ck_assert_int_eq(a.status, 400);
	ck_assert_ptr_null(strstr(a.body, "HTTP/1.1"));
	ck_assert_uint_eq(http_server_counters(fixture.http)->bad_requests, 1);
	ck_assert_uint_eq(http_server_counters(fixture.http)->requests, 1);
}
END_TEST

START_TEST(too_many_headers_are_refused)
{
	char request[8192] = "GET / HTTP/1.1\r\n" HOST;
	struct answer a;

	start();
	for (int i = 0; i < 99; i++)
		strcat(request, "A: b\r\n");
	strcat(request, "\r\n");
	ck_assert_int_eq(next(request).status, 200);
	strcpy(request + strlen(request) - 2, "A: b\r\n\r\n");
	a = next(request);
	ck_assert_int_eq(a.status, 431);
	ck_assert(a.closed);
}
END_TEST

/* Known of libmicrohttpd 0.9.75: what it refuses by itself among the headers has its status line
 * twice. The first one is right, and the connection is closed. */
START_TEST(a_length_that_is_no_number_is_refused)
{
	static const char *const lengths[] = { "abc", "-1", "0x2", "99999999999999999999999" };

	start();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char request[128];
		struct answer a;

		snprintf(request, sizeof(request),
			 "POST / HTTP/1.1\r\n" HOST "Content-Length: %s\r\n\r\nab", lengths[i]);
		a = next(request);
		ck_assert_msg(a.status == 400 || a.status == 413, "%s: %d", lengths[i], a.status);
		ck_assert(a.closed);
	}
}
END_TEST

START_TEST(a_nul_anywhere_does_no_harm)
{
	static const char whole[] = "GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";

	start();
	for (size_t at = 0; at < sizeof(whole) - 1; at++) {
		char request[sizeof(whole)];
		struct answer a;

		memcpy(request, whole, sizeof(whole));
		request[at] = '\0';
		if (at >= sizeof(whole) - 5)
			continue; /* the end of the headers: it would wait for more */
		a = ask_bytes(&c, request, sizeof(whole) - 1);
		ck_assert_msg(a.closed || a.status == 404 || a.status == 400, "at %zu: %d", at,
			      a.status);
		client_close(&c);
		c.text = NULL;
	}
	ck_assert_int_eq(next(GET("")).status, 200);
}
END_TEST

static const struct {
	const char *request;
	int status;
} wellformed[] = {
	{ GET(""), 200 },
	{ "GET / HTTP/1.0\r\n\r\n", 200 },
	{ "GET / HTTP/1.0\r\n" HOST "\r\n", 200 },
	{ "GET http://x/ HTTP/1.1\r\n" HOST "\r\n", 200 },
	{ "GET http://X HTTP/1.1\r\n" HOST "\r\n", 200 },
	{ "GET https://x?q HTTP/1.1\r\n" HOST "\r\n", 200 },
	{ "GET /?a=b&c=%20+d HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200 },
	{ "GET / HTTP/1.1\r\nHost: a-b.c_d:8080\r\n\r\n", 200 },
	{ "GET /seg/\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 200 },
	{ GET("A: \xc3\xa9\ttab\r\nB:\r\n"), 200 },
	{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 204 },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab", 200 },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	  200 },
	{ "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", 100 },
	{ "DELETE / HTTP/1.1\r\n" HOST "\r\n", 405 },
	{ "TRACE / HTTP/1.1\r\n" HOST "\r\n", 405 },
};
#define WELLFORMED_N ((int)(sizeof(wellformed) / sizeof(wellformed[0])))

START_TEST(a_wellformed_request_is_answered)
{
	struct answer a;

	start();
	a = next(wellformed[_i].request);
	ck_assert_msg(a.status == wellformed[_i].status, "%d: %s", a.status,
		      wellformed[_i].request);
}
END_TEST

/* --- answers --- */

START_TEST(pages_and_json_say_what_they_are_not)
{
	static const char *const paths[] = { "/", "/nowhere", "/busy", "/flow" };

	start();
	flow.length = 10;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char request[64];
		struct answer a;

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
		a = next(request);
		ck_assert_str_eq(header(&a, "X-Content-Type-Options"), "nosniff");
		ck_assert_str_eq(header(&a, "X-Frame-Options"), "DENY");
		ck_assert_str_eq(header(&a, "Referrer-Policy"), "no-referrer");
		ck_assert_ptr_nonnull(
			strstr(header(&a, "Content-Security-Policy"), "frame-ancestors 'none'"));
		ck_assert_ptr_null(header(&a, "Server"));
	}
}
END_TEST

START_TEST(a_head_is_the_get_without_its_body)
{
	struct answer get, head;
	char length[32];

	start();
	flow.length = 100000;
	get = next(GET(""));
	strcpy(length, header(&get, "Content-Length"));
	head = next("HEAD / HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_int_eq(head.status, 200);
	ck_assert_str_eq(header(&head, "Content-Length"), length);
	ck_assert_uint_eq(head.body_n, 0);
	head = next("HEAD /flow?known HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_str_eq(header(&head, "Content-Length"), "100000");
	head = next("HEAD /flow HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_int_eq(head.status, 200);
	client_close(&c);
	c.text = NULL;
	for (int i = 0; i < 20; i++)
		fixture_turn();
	ck_assert_uint_eq(flow.done, 2);
	ck_assert_uint_eq(flow.blocks, 0);
}
END_TEST

START_TEST(who_is_turned_away_is_told_when_to_come_back)
{
	struct answer a;

	start();
	a = next("GET /busy HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_int_eq(a.status, 503);
	ck_assert_str_eq(header(&a, "Retry-After"), "7");
	ck_assert_uint_eq(http_server_counters(fixture.http)->busy, 1);
}
END_TEST

static void client_asks_later(void)
{
	static const char get[] = "GET /later HTTP/1.1\r\n" HOST "\r\n";

	memset(&later, 0, sizeof(later));
	c = client_open();
	client_say(&c, get, sizeof(get) - 1);
	while (!later.waits)
		fixture_turn();
	fixture_turn();
}

START_TEST(an_answer_may_come_later)
{
	struct answer a;

	start();
	client_asks_later();
	ck_assert(!answer_read(&c, false, &a));
	http_reply_json(later.waits, 200, "{}", 2);
	a = client_answer(&c, false);
	ck_assert_int_eq(a.status, 200);
	client_close(&c);
	c.text = NULL;
	fixture_turn();
	ck_assert_uint_eq(later.gone, 0);
}
END_TEST

START_TEST(who_promised_an_answer_hears_that_nobody_waits_for_it)
{
	start();
	client_asks_later();
	client_close(&c);
	c.text = NULL;
	while (later.waits)
		fixture_turn();
	fixture_turn();
	ck_assert_uint_eq(later.gone, 1);
}
END_TEST

START_TEST(who_promised_an_answer_hears_that_the_server_stops)
{
	start();
	client_asks_later();
	http_server_stop(fixture.http);
	ck_assert_ptr_null(later.waits);
	ck_assert_uint_eq(later.gone, 1);
}
END_TEST

START_TEST(a_long_answer_comes_in_blocks)
{
	struct answer a;

	start();
	flow.length = 1000000;
	a = next("GET /flow?known HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_uint_eq(a.body_n, flow.length);
	ck_assert_uint_eq(flow.done, 1);
	ck_assert_uint_le(flow.biggest, 32768);
	a = next("GET /flow HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_str_eq(header(&a, "Transfer-Encoding"), "chunked");
	ck_assert_uint_gt(a.body_n, flow.length);
	ck_assert_uint_le(flow.biggest, 32768);
	a = next("GET /flow HTTP/1.0\r\n\r\n");
	ck_assert(a.closed);
	ck_assert_uint_eq(a.body_n, flow.length);
	ck_assert_uint_eq(flow.done, 3);
}
END_TEST

START_TEST(a_broken_answer_cuts_the_connection)
{
	struct answer a;

	start();
	flow.length = 1000000;
	flow.fail_at = 100000;
	a = next("GET /flow HTTP/1.1\r\n" HOST "\r\n");
	ck_assert(a.closed);
	ck_assert_ptr_null(strstr(a.body, "\r\n0\r\n\r\n"));
	ck_assert_uint_eq(flow.done, 1);
}
END_TEST

START_TEST(a_client_that_leaves_ends_its_answer)
{
	static const char request[] = "GET /flow HTTP/1.1\r\n" HOST "\r\n";
	int small = 4096;

	start();
	flow.length = UINT32_MAX;
	c = client_open();
	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_say(&c, request, sizeof(request) - 1);
	for (int i = 0; i < 3000; i++)
		fixture_turn();
	ck_assert_uint_gt(flow.blocks, 0);
	ck_assert_uint_eq(flow.done, 0);
	client_close(&c);
	c.text = NULL;
	for (int i = 0; i < 1000 && !flow.done; i++) {
		fixture_turn();
		usleep(200);
	}
	ck_assert_uint_eq(flow.done, 1);
	ck_assert_uint_lt(flow.sent, flow.length);
}
END_TEST

/* --- what is held --- */

#define CROWD 3

static struct client crowd[CROWD];

/* Each says the same, and none reads, until one of them pays; a busy kernel takes its time. */
static void crowd_says(const char *text, size_t n)
{
	for (size_t i = 0; i < CROWD; i++) {
		crowd[i] = client_open();
		client_say(&crowd[i], text, n);
		for (int turn = 0; turn < 200; turn++)
			fixture_turn();
	}
	for (uint64_t until = loop_now_ms() + FIXTURE_WAIT_MS;
	     !http_server_counters(fixture.http)->crowded_out && loop_now_ms() < until;) {
		fixture_turn();
		usleep(200);
	}
}

static void crowd_leaves(void)
{
	for (size_t i = 0; i < CROWD; i++)
		client_close(&crowd[i]);
	for (uint64_t until = loop_now_ms() + FIXTURE_WAIT_MS;
	     http_server_counters(fixture.http)->held_bytes && loop_now_ms() < until;) {
		fixture_turn();
		usleep(200);
	}
	ck_assert_uint_eq(http_server_counters(fixture.http)->held_bytes, 0);
	ck_assert_uint_eq(http_server_counters(fixture.http)->out_of_memory, 0);
}

START_TEST(bodies_are_bounded_together_and_the_oldest_pays)
{
	static char text[40100] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 40001\r\n\r\n";
	size_t head_n = strlen(text);

	config.held_max = 150000; /* each holds 65536 */
	start();
	memset(text + head_n, 'x', 40000);
	crowd_says(text, head_n + 40000);
	ck_assert_uint_eq(http_server_counters(fixture.http)->crowded_out, 1);
	ck_assert_uint_le(http_server_counters(fixture.http)->held_bytes, config.held_max);
	client_say(&crowd[1], "x", 1);
	ck_assert_str_eq(client_answer(&crowd[1], false).body, "40001");
	ck_assert_int_eq(client_answer(&crowd[0], false).status, 0);
	ck_assert(crowd[0].closed);
	crowd_leaves();
}
END_TEST

START_TEST(answers_are_bounded_together_and_the_oldest_pays)
{
	static const char request[] = "GET /big HTTP/1.1\r\n" HOST "\r\n";

	config.held_max = (CROWD - 1) * BIG_BYTES;
	start();
	crowd_says(request, sizeof(request) - 1);
	ck_assert_uint_eq(http_server_counters(fixture.http)->crowded_out, 1);
	ck_assert_uint_le(http_server_counters(fixture.http)->held_bytes, config.held_max);
	ck_assert_uint_eq(client_answer(&crowd[2], false).body_n, BIG_BYTES);
	ck_assert_uint_lt(client_answer(&crowd[0], false).body_n, BIG_BYTES);
	crowd_leaves();
}
END_TEST

/* --- proxies --- */

static void start_behind(const char *proxy)
{
	const char *list[] = { proxy, NULL }, *bad;

	ck_assert_int_eq(address_set_new(&trusted, list, &bad), 0);
	config.trusted = trusted;
	start();
}

static const char *who(const char *headers)
{
	char request[512];

	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n" HOST "%s\r\n", headers);
	return next(request).body;
}

START_TEST(a_trusted_proxy_says_who_the_client_is)
{
	start_behind("127.0.0.0/8");
	ck_assert_str_eq(who(""), "127.0.0.1 http");
	ck_assert_str_eq(who("X-Forwarded-For: 192.0.2.7\r\n"), "192.0.2.7 http");
	ck_assert_str_eq(who("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"),
			 "192.0.2.7 https");
	ck_assert_str_eq(who("X-Forwarded-For: 10.1.1.1, 192.0.2.7, 127.0.0.9\r\n"),
			 "192.0.2.7 http");
	ck_assert_str_eq(who("X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 2001:db8::7\r\n"),
			 "2001:db8::7 http");
	ck_assert_uint_eq(http_server_counters(fixture.http)->forwarded_garbage, 0);
	ck_assert_str_eq(who("X-Forwarded-For: 192.0.2.7, unknown\r\n"), "127.0.0.1 http");
	ck_assert_str_eq(who("X-Forwarded-Proto: gopher\r\n"), "127.0.0.1 http");
	ck_assert_uint_eq(http_server_counters(fixture.http)->forwarded_garbage, 2);
}
END_TEST

START_TEST(nobody_else_does)
{
	start_behind("192.0.2.1");
	ck_assert_str_eq(who("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"),
			 "127.0.0.1 http");
	ck_assert_uint_eq(http_server_counters(fixture.http)->forwarded_garbage, 0);
}
END_TEST

/* --- origins --- */

#define FROM(origin) "Origin: " origin "\r\n"
#define PREFLIGHT(more)                                                                            \
	"OPTIONS /socket.io/?sid=x HTTP/1.1\r\n" HOST FROM(                                        \
		"https://app.example") "Access-Control-Request-Method: POST\r\n" more "\r\n"

START_TEST(without_a_list_there_is_no_cors)
{
	struct answer a;

	start();
	a = next(GET(""));
	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Origin"));
	a = next(GET(FROM("https://app.example")));
	ck_assert_int_eq(a.status, 403);
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Origin"));
	a = next(PREFLIGHT(""));
	ck_assert_int_eq(a.status, 403);
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Origin"));
}
END_TEST

START_TEST(everybody_is_a_star_and_never_with_credentials)
{
	struct answer a;

	config.cors_credentials = true;
	start_with_origins("*", NULL);
	a = next(GET(FROM("https://any.example")));
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Origin"), "*");
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Credentials"));
	ck_assert_ptr_null(header(&a, "Vary"));
}
END_TEST

START_TEST(a_listed_origin_is_echoed)
{
	struct answer a;

	start_with_origins("https://app.example", NULL);
	a = next(GET(FROM("https://app.example")));
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Origin"), "https://app.example");
	ck_assert_str_eq(header(&a, "Vary"), "Origin");
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Credentials"));
	a = next("GET /nowhere HTTP/1.1\r\n" HOST FROM("https://app.example") "\r\n");
	ck_assert_int_eq(a.status, 404);
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Origin"), "https://app.example");
	a = next("GET /socket.io/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
	ck_assert_int_eq(a.status, 400);
	a = next(GET(FROM("https://evil.example")));
	ck_assert_int_eq(a.status, 403);
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Origin"));
	ck_assert_str_eq(header(&a, "Vary"), "Origin");
}
END_TEST

START_TEST(a_preflight_is_answered_before_anything_else_is_looked_at)
{
	struct answer a;

	start_with_origins("https://app.example", NULL);
	a = next(PREFLIGHT("Access-Control-Request-Headers: x-one, x-two\r\n"
			   "Access-Control-Request-Private-Network: true\r\n"));
	ck_assert_int_eq(a.status, 204);
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Origin"), "https://app.example");
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Headers"), "x-one, x-two");
	ck_assert_ptr_nonnull(strstr(header(&a, "Access-Control-Allow-Methods"), "POST"));
	ck_assert_ptr_nonnull(header(&a, "Access-Control-Max-Age"));
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Private-Network"));
	ck_assert_ptr_nonnull(strstr(a.head, "Access-Control-Request-Headers"));
	a = next(PREFLIGHT("Access-Control-Request-Headers: <script>\r\n"));
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Headers"), "Content-Type, Authorization");
}
END_TEST

START_TEST(credentials_and_private_networks_are_asked_for_by_configuration)
{
	struct answer a;

	config.cors_credentials = config.cors_private_network = true;
	start_with_origins("https://app.example", NULL);
	a = next(PREFLIGHT("Access-Control-Request-Private-Network: true\r\n"));
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Credentials"), "true");
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Private-Network"), "true");
	a = next(PREFLIGHT(""));
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Private-Network"));
	a = next(GET(FROM("https://app.example")));
	ck_assert_str_eq(header(&a, "Access-Control-Allow-Credentials"), "true");
	a = next(GET(FROM("https://evil.example")));
	ck_assert_ptr_null(header(&a, "Access-Control-Allow-Credentials"));
}
END_TEST

#define OWN(more) "GET / HTTP/1.1\r\nHost: a.example\r\n" FROM("http://a.example") more "\r\n"

START_TEST(a_name_is_our_own_origin_only_behind_a_proxy_of_ours)
{
	static const char own[] = OWN("");

	start();
	ck_assert_int_eq(next(own).status, 403);
	ck_assert_int_eq(
		next("GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n" FROM("http://127.0.0.1:1") "\r\n")
			.status,
		200);
	teardown();
	start_behind("127.0.0.1");
	ck_assert_int_eq(next(own).status, 200);
	ck_assert_int_eq(next(OWN("X-Forwarded-Proto: https\r\n")).status, 200);
	ck_assert_int_eq(next(OWN("X-Forwarded-Proto: http\r\n")).status, 403);
	ck_assert_int_eq(next(OWN("X-Forwarded-Proto: https;\r\n")).status, 403);
}
END_TEST

/* --- the access log --- */

static void wait_for_log(void)
{
	for (int i = 0; i < 200 && !*logged; i++) {
		fixture_turn();
		usleep(200);
	}
}

START_TEST(the_access_log_has_a_line_for_each_answer_without_the_query)
{
	config.access_log = true;
	start();
	next("GET /seg/a?token=secret HTTP/1.1\r\n" HOST "\r\n");
	wait_for_log();
	ck_assert_int_eq(strncmp(logged, "access: 127.0.0.1 GET /seg/a 200 14 bytes ", 42), 0);
	ck_assert_ptr_null(strstr(logged, "secret"));
	logged[0] = '\0';
	next("HEAD / HTTP/1.1\r\n" HOST "\r\n");
	wait_for_log();
	ck_assert_ptr_nonnull(strstr(logged, "HEAD / 200 0 bytes "));
	logged[0] = '\0';
	flow.length = 50000;
	next("GET /flow HTTP/1.1\r\n" HOST "\r\n");
	wait_for_log();
	ck_assert_ptr_nonnull(strstr(logged, "GET /flow 200 50000 bytes "));
	logged[0] = '\0';
	next("GET /\x01\x1b[31m HTTP/1.1\r\n" HOST "\r\n");
	wait_for_log();
	ck_assert_ptr_nonnull(strstr(logged, "GET /??[31m 400 "));
}
END_TEST

START_TEST(the_access_log_is_off_unless_asked_for)
{
	start();
	next(GET(""));
	for (int i = 0; i < 20; i++)
		fixture_turn();
	ck_assert_str_eq(logged, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_server");
	TCase *t = tcase_create("http_server");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_malformed_request_is_refused_and_its_connection_closed, 0,
			    MALFORMED_N);
	tcase_add_loop_test(t, a_wellformed_request_is_answered, 0, WELLFORMED_N);
	tcase_add_test(t, what_follows_a_malformed_request_is_not_answered);
	tcase_add_test(t, too_many_headers_are_refused);
	tcase_add_test(t, a_length_that_is_no_number_is_refused);
	tcase_add_test(t, a_nul_anywhere_does_no_harm);
	tcase_add_test(t, pages_and_json_say_what_they_are_not);
	tcase_add_test(t, a_head_is_the_get_without_its_body);
	tcase_add_test(t, who_is_turned_away_is_told_when_to_come_back);
	tcase_add_test(t, an_answer_may_come_later);
	tcase_add_test(t, who_promised_an_answer_hears_that_nobody_waits_for_it);
	tcase_add_test(t, who_promised_an_answer_hears_that_the_server_stops);
	tcase_add_test(t, a_long_answer_comes_in_blocks);
	tcase_add_test(t, a_broken_answer_cuts_the_connection);
	tcase_add_test(t, a_client_that_leaves_ends_its_answer);
	tcase_add_test(t, bodies_are_bounded_together_and_the_oldest_pays);
	tcase_add_test(t, answers_are_bounded_together_and_the_oldest_pays);
	tcase_add_test(t, a_trusted_proxy_says_who_the_client_is);
	tcase_add_test(t, nobody_else_does);
	tcase_add_test(t, without_a_list_there_is_no_cors);
	tcase_add_test(t, everybody_is_a_star_and_never_with_credentials);
	tcase_add_test(t, a_listed_origin_is_echoed);
	tcase_add_test(t, a_preflight_is_answered_before_anything_else_is_looked_at);
	tcase_add_test(t, credentials_and_private_networks_are_asked_for_by_configuration);
	tcase_add_test(t, a_name_is_our_own_origin_only_behind_a_proxy_of_ours);
	tcase_add_test(t, the_access_log_has_a_line_for_each_answer_without_the_query);
	tcase_add_test(t, the_access_log_is_off_unless_asked_for);
	return run_suite(s);
}
