/* check_entry.c - new connections, from accept() to HTTP: on a loop of its own, over loopback */
#include "transport/entry.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "transport/address_set.h"
#include "transport/admission.h"
#include "transport/bridge.h"
#include "transport/frame.h"
#include "transport/http_endpoint.h"
#include "transport/lane.h"
#include "transport/listener.h"
#include "transport/origin.h"
#include "transport/outq.h"
#include "transport/ws_conn.h"
#include "run_suite.h"
#include "tls_fixture.h"

#define PATIENCE_MS 15000
#define GET(path) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
#define UPGRADE                                                                                    \
	"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"     \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define HELLO "\x81\x85\0\0\0\0hello" /* masked with nothing */
#define V2_LOCAL_PROXY "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"

/* --- a server ----------------------------------------------------------------- */

static struct event_base *base;
static struct http_server *srv;
static struct origin_policy *origins;
static struct address_set *proxies, *trusted;
static struct admission *admission;
static struct tls_context *tls;
static struct http_listen rows[2]; /* plain, and TLS */
static struct http_config cfg;
static struct outq_marks marks = { .soft = 100000, .hard = 100000 };
static struct http_request *waiting; /* at /wait */
static int waiting_gone;

static void on_who(struct http_request *r, void *ctx)
{
	char json[128];
	int n = snprintf(json, sizeof(json), "\"%s %s\"", http_address(r),
			 http_secure(r) ? "https" : "http");

	(void)ctx;
	http_reply_json(r, 200, json, (size_t)n);
}

static void on_wait(struct http_request *r, void *ctx)
{
	(void)ctx;
	waiting = r;
}

static void on_wait_gone(struct http_request *r, void *ctx)
{
	(void)ctx;
	ck_assert_ptr_eq(r, waiting);
	waiting = NULL;
	waiting_gone++;
}

static void on_message(struct ws_conn *ws, bool binary, const void *p, size_t n, void *ctx)
{
	struct frame *f = frame_new(binary, n);

	(void)ctx;
	memcpy(frame_payload(f), p, n);
	ck_assert_int_eq(ws_conn_send(ws, f, false), 0);
	frame_unref(f);
}

static void on_ws_gone(struct ws_conn *ws, const char *reason, void *ctx)
{
	(void)ws;
	(void)reason;
	(void)ctx;
}

static const struct ws_handler ws_handler = { on_message, on_ws_gone };

static void on_websocket(struct http_request *r, void *ctx)
{
	struct ws_conn *ws;

	(void)ctx;
	ck_assert_int_eq(ws_conn_new(&ws, http_server_ws(srv), &ws_handler, NULL, 1000000, &marks),
			 0);
	http_ws_accept(r, ws);
}

static void on_no_websocket(struct http_request *r, void *ctx)
{
	(void)ctx;
	http_reply_error(r, 426, "Upgrade Required");
}

static const struct http_route routes[] = { { HTTP_GET | HTTP_POST, "/who", on_who } };
static const struct http_endpoint endpoints[] = {
	{ .path = "/wait", .on_request = on_wait, .on_gone = on_wait_gone },
	{ .path = "/ws",
	  .on_request = on_no_websocket,
	  .on_websocket = on_websocket,
	  .on_gone = on_wait_gone },
};

/* Nothing but cfg is set; then start(). */
static void setup(void)
{
	static const char *const everybody[] = { "*", NULL };
	const char *bad;

	signal(SIGPIPE, SIG_IGN);
	tls_setup();
	base = event_base_new();
	ck_assert_int_eq(origin_policy_new(&origins, everybody, &bad), 0);
	rows[0].address = rows[1].address = "127.0.0.1:0";
	rows[1].tls = true;
	cfg = (struct http_config){ .listen = rows, .listen_n = 1, .origins = origins };
}

static void start(void)
{
	const char *bad;
	size_t i;

	ck_assert_int_eq(http_server_new(&srv, base, &cfg), 0);
	ck_assert_int_eq(http_server_routes(srv, routes, 1, NULL), 0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(http_server_endpoint(srv, &endpoints[i]), 0);
	ck_assert_int_eq(http_server_start(srv, &bad), 0);
}

static void start_tls(void)
{
	tls_make_pair("ec", "EC", NULL);
	tls = tls_context_of("ec.crt", "ec.key");
	cfg.tls = tls;
	cfg.listen_n = 2;
	start();
}

static struct address_set *set_of(const char *entry)
{
	const char *const list[] = { entry, NULL };
	struct address_set *set;
	const char *bad;

	ck_assert_int_eq(address_set_new(&set, list, &bad), 0);
	return set;
}

static void admit_at_most(unsigned per_address)
{
	const struct admission_config ac = { .connections_per_address = per_address };

	ck_assert_int_eq(admission_new(&admission, &ac), 0);
	cfg.admission = admission;
}

static void teardown(void)
{
	http_server_free(srv);
	if (admission)
		ck_assert_uint_eq(admission_counters(admission)->connections, 0);
	tls_context_free(tls);
	admission_free(admission);
	address_set_free(proxies);
	address_set_free(trusted);
	origin_policy_free(origins);
	event_base_free(base);
	tls_teardown();
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void turns(unsigned ms)
{
	uint64_t end_ms = loop_now_ms() + ms;

	while (loop_now_ms() < end_ms) {
		turn();
		usleep(500);
	}
}

/* --- a client ------------------------------------------------------------------- */

struct client {
	int fd;
	SSL *ssl;
	char heard[8192]; /* all of it, ended by NUL */
	size_t n;
	bool ended;
};

static SSL_CTX *client_ctx;

static struct client *client_new(int i)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(http_server_port(srv, (size_t)i)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct client *c = calloc(1, sizeof(*c));

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(c->fd, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	return c;
}

static void client_free(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	free(c);
}

/* The handshake begins with the first byte that is said or heard. */
static void secure(struct client *c)
{
	if (!client_ctx)
		client_ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = SSL_new(client_ctx);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
}

static void say_n(struct client *c, const char *p, size_t n)
{
	uint64_t end_ms = loop_now_ms() + PATIENCE_MS;

	while (n && loop_now_ms() < end_ms) {
		ssize_t m = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);

		if (m > 0) {
			p += m;
			n -= (size_t)m;
		}
		turn();
	}
	ck_assert_uint_eq(n, 0);
}

static void say(struct client *c, const char *text)
{
	say_n(c, text, strlen(text));
}

static void listen_once(struct client *c)
{
	size_t room = sizeof(c->heard) - 1 - c->n;
	ssize_t m = c->ssl ? SSL_read(c->ssl, c->heard + c->n, (int)room)
			   : recv(c->fd, c->heard + c->n, room, 0);

	if (m > 0)
		c->n += (size_t)m;
	else if (c->ssl)
		c->ended |= SSL_get_error(c->ssl, (int)m) != SSL_ERROR_WANT_READ;
	else
		c->ended |= m == 0 || errno != EAGAIN;
}

static bool hears_within(struct client *c, const char *text, unsigned ms)
{
	uint64_t end_ms = loop_now_ms() + ms;

	while (!strstr(c->heard, text) && !c->ended && loop_now_ms() < end_ms) {
		turn();
		listen_once(c);
		usleep(200);
	}
	return strstr(c->heard, text) != NULL;
}

static void must_hear(struct client *c, const char *text)
{
	ck_assert_msg(hears_within(c, text, PATIENCE_MS), "no %s in: %s (%s)", text, c->heard,
		      c->ended ? "ended" : "open");
	c->n = 0;
	memset(c->heard, 0, sizeof(c->heard));
}

/* Returns after how many milliseconds. */
static uint64_t must_end(struct client *c)
{
	uint64_t begun_ms = loop_now_ms();

	while (!c->ended && loop_now_ms() < begun_ms + PATIENCE_MS) {
		turn();
		listen_once(c);
		usleep(200);
	}
	ck_assert(c->ended);
	return loop_now_ms() - begun_ms;
}

/* One request, one answer; closed, or what it says. */
static void ask(int port, const char *text, size_t n, const char *answer)
{
	struct client *c = client_new(port);

	say_n(c, text, n);
	if (answer)
		must_hear(c, answer);
	else
		must_end(c);
	client_free(c);
}

static const struct entry_counters *counted(void)
{
	return http_server_entry(srv);
}

/* --- accepting --------------------------------------------------------------------- */

START_TEST(where_to_listen_is_said_in_numbers)
{
	static const char *const good[] = { "127.0.0.1:0", "[::1]:449", "0.0.0.0:65535" };
	static const char *const bad[] = { "",
					   "127.0.0.1",
					   "127.0.0.1:",
					   "127.0.0.1:+1",
					   "127.0.0.1:http",
					   "127.0.0.1:65536",
					   "127.0.0.1:99999",
					   "::1:449",
					   "localhost:449" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(listener_is_address(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!listener_is_address(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_new_connection_is_noticed_at_once)
{
	struct client *c;

	start();
	c = client_new(0);
	turns(20); /* libmicrohttpd knows of it only with its first byte */
	ck_assert_uint_eq(counted()->waiting, 1);
	say(c, GET("/who"));
	ck_assert(hears_within(c, "\"127.0.0.1 http\"", 500));
	ck_assert_uint_eq(counted()->waiting, 0);
	client_free(c);
}
END_TEST

START_TEST(without_descriptors_it_waits_and_comes_back_by_itself)
{
	struct rlimit lim;
	struct client *c;
	int spare[64], n = 0;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = 64;
	cfg.connections_max = 16;
	start();
	c = client_new(0);
	setrlimit(RLIMIT_NOFILE, &lim);
	while (n < 64 && (spare[n] = dup(0)) >= 0)
		n++;
	ck_assert_int_eq(errno, EMFILE);
	say(c, GET("/who"));
	turns(350);
	ck_assert_uint_ge(http_server_listeners(srv)->paused, 2);
	ck_assert_uint_le(http_server_listeners(srv)->paused, 5); /* and does not spin */
	ck_assert_uint_eq(http_server_listeners(srv)->accepted, 0);
	while (n)
		close(spare[--n]);
	ck_assert(hears_within(c, "127.0.0.1", 500)); /* nobody else knocks */
	client_free(c);
}
END_TEST

START_TEST(above_its_limit_it_closes_at_once)
{
	struct client *c[22];
	int i, closed = 0;

	cfg.connections_max = 4; /* and 16 that may be told */
	start();
	for (i = 0; i < 22; i++)
		c[i] = client_new(0);
	turns(50);
	for (i = 0; i < 22; i++) {
		listen_once(c[i]);
		closed += c[i]->ended;
	}
	ck_assert_int_eq(closed, 2);
	ck_assert_uint_eq(counted()->no_room, 2);
	client_free(c[0]);
	turns(20);
	ask(0, GET("/who"), strlen(GET("/who")), "127.0.0.1");
	for (i = 1; i < 22; i++)
		client_free(c[i]);
}
END_TEST

START_TEST(who_is_silent_or_slow_has_the_time_from_accept_on)
{
	struct client *silent, *slow;
	uint64_t begun_ms;

	cfg.header_ms = 300;
	start();
	begun_ms = loop_now_ms();
	silent = client_new(0);
	slow = client_new(0);
	say(slow, "GET /who HTTP/1.1\r\nX: ");
	while (!slow->ended) { /* however long it goes on */
		ck_assert_uint_lt(loop_now_ms() - begun_ms, PATIENCE_MS);
		send(slow->fd, "x", 1, MSG_NOSIGNAL);
		turns(10);
		listen_once(slow);
	}
	ck_assert_uint_ge(loop_now_ms() - begun_ms, 280);
	must_end(silent);
	ck_assert_uint_eq(counted()->late, 1);
	ck_assert_uint_eq(http_server_counters(srv)->slow, 1);
	client_free(silent);
	client_free(slow);
}
END_TEST

START_TEST(a_slow_body_and_a_second_slow_request_have_their_times)
{
	struct client *body, *second;

	cfg.header_ms = cfg.body_ms = 200;
	cfg.keep_alive_s = 1;
	start();
	body = client_new(0);
	second = client_new(0);
	say(body, "POST /who HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
	say(second, GET("/who"));
	must_hear(second, "127.0.0.1");
	say(second, "GET /who HTTP/1.1\r\n");
	must_end(body);
	must_end(second);
	client_free(body);
	client_free(second);
}
END_TEST

START_TEST(many_ends_are_not_one_turns_work)
{
	enum { MANY = 200 };
	const uint64_t *slow;
	struct client *c[MANY];
	uint64_t before = 0, end_ms;
	int i;

	cfg.header_ms = 2000;
	start();
	slow = &http_server_counters(srv)->slow;
	for (i = 0; i < MANY; i++) {
		c[i] = client_new(0);
		say(c[i], "GET /");
	}
	turns(20);
	ck_assert_uint_eq(*slow, 0);
	usleep(2100000); /* now all of them are late */
	for (end_ms = loop_now_ms() + PATIENCE_MS; *slow < MANY && loop_now_ms() < end_ms;) {
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		ck_assert_uint_le(*slow - before, 128);
		before = *slow;
	}
	ck_assert_uint_eq(*slow, MANY);
	for (i = 0; i < MANY; i++)
		client_free(c[i]);
	turns(20);
}
END_TEST

START_TEST(what_is_no_http_gets_a_400)
{
	static const struct {
		const char *p;
		size_t n;
	} wrong[] = {
		{ "\x16\x03\x01\x02\0\x01", 6 }, /* TLS */
		{ V2_LOCAL_PROXY, 16 },
		{ "\0\0\0\0", 4 },
		{ "\n\n", 2 },
		{ " GET", 4 },
		{ "\xff\xff", 2 },
	};
	static const char line[] = "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" GET("/who");
	size_t i;

	start();
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ask(0, wrong[i].p, wrong[i].n, "HTTP/1.1 400 ");
	ask(0, line, sizeof(line) - 1, NULL); /* libmicrohttpd's business; 1.0 cuts it without a word */
	ck_assert_uint_eq(counted()->strangers, 6);
	ask(0, "\r\n" GET("/who"), sizeof("\r\n" GET("/who")) - 1, "127.0.0.1"); /* RFC 9112 2.2 */
}
END_TEST

START_TEST(a_stranger_gets_its_answer_though_it_goes_on_talking)
{
	struct client *c;
	char noise[4096];
	int i;

	memset(noise, 0x16, sizeof(noise));
	start();
	c = client_new(0);
	for (i = 0; i < 20; i++) {
		say_n(c, noise, sizeof(noise));
		turns(2);
	}
	must_hear(c, "this port speaks http\n");
	client_free(c);
	turns(20);
	ck_assert_uint_eq(counted()->waiting, 0);
}
END_TEST

/* --- PROXY ------------------------------------------------------------------------ */

#define V1 "PROXY TCP4 192.0.2.7 127.0.0.1 5000 443\r\n"
#define V2_LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
#define V2_TCP4 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\2\x09\x7f\0\0\1\1\1\1\1\4\0\0"
#define WITH(header, text) header text, sizeof(header text) - 1

START_TEST(a_proxy_names_its_client)
{
	struct client *c;
	const char *p = V1;

	cfg.proxies = proxies = set_of("127.0.0.0/8");
	start();
	ask(0, WITH(V1, GET("/who")), "192.0.2.7 http");
	ask(0, WITH(V2_TCP4, GET("/who")), "192.0.2.9 http");
	ask(0, WITH(V2_LOCAL, GET("/who")), "127.0.0.1 http");
	ask(0, WITH("PROXY UNKNOWN\r\n", GET("/who")), "127.0.0.1 http");
	c = client_new(0);
	for (; *p; p++) {
		say_n(c, p, 1);
		turns(1);
	}
	say(c, GET("/who"));
	must_hear(c, "192.0.2.7 http");
	say(c, GET("/who")); /* of the connection, not of a request */
	must_hear(c, "192.0.2.7 http");
	client_free(c);
}
END_TEST

START_TEST(a_proxy_that_names_nobody_is_cut)
{
	cfg.proxies = proxies = set_of("127.0.0.1");
	cfg.header_ms = 300;
	start();
	ask(0, WITH("", GET("/who")), NULL);
	ask(0, WITH("PROXY TCP4 1.2.3.4\r\n", GET("/who")), NULL);
	ask(0, WITH("\x16\x03\x01", ""), NULL);
	ck_assert_uint_eq(counted()->bad_proxy_headers, 3);
	ask(0, WITH("PROXY TCP4 1", ""), NULL);
	ck_assert_uint_eq(counted()->late, 1);
}
END_TEST

START_TEST(a_named_client_is_the_one_that_is_counted)
{
	struct client *a, *b;

	cfg.proxies = proxies = set_of("127.0.0.1");
	admit_at_most(1);
	start();
	a = client_new(0);
	say(a, V1 GET("/who"));
	must_hear(a, "192.0.2.7");
	b = client_new(0);
	say_n(b, WITH(V2_TCP4, GET("/who")));
	must_hear(b, "192.0.2.9");
	ask(0, WITH(V1, GET("/who")), NULL); /* a second of the first */
	ck_assert_uint_eq(counted()->not_admitted, 1);
	client_free(a);
	turns(20);
	ask(0, WITH(V1, GET("/who")), "192.0.2.7");
	client_free(b);
	turns(20);
}
END_TEST

/* --- admission -------------------------------------------------------------------- */

START_TEST(a_place_goes_with_the_connection_to_its_end)
{
	struct client *ws;

	admit_at_most(1);
	start();
	ws = client_new(0);
	ask(0, "", 0, NULL); /* not even the first byte is waited for */
	say(ws, UPGRADE);
	must_hear(ws, "101 Switching");
	turns(20);
	ck_assert_uint_eq(admission_counters(admission)->connections, 1);
	ask(0, "", 0, NULL);
	client_free(ws);
	turns(20);
	ck_assert_uint_eq(admission_counters(admission)->connections, 0);
	ask(0, WITH("", GET("/who")), "127.0.0.1");
	turns(20);
}
END_TEST

START_TEST(a_trusted_proxy_holds_places_for_many)
{
	struct client *c[3];
	int i;

	cfg.trusted = trusted = set_of("127.0.0.1");
	admit_at_most(1);
	start();
	for (i = 0; i < 3; i++) {
		c[i] = client_new(0);
		say(c[i], GET("/who"));
		must_hear(c[i], "127.0.0.1");
	}
	ck_assert_uint_eq(admission_counters(admission)->connections, 3);
	for (i = 0; i < 3; i++)
		client_free(c[i]);
	turns(20);
}
END_TEST

/* --- what libmicrohttpd needs to be told --------------------------------------------- */

START_TEST(an_answer_that_comes_later_goes_out_at_once)
{
	struct client *c;

	start();
	c = client_new(0);
	say(c, GET("/wait"));
	turns(30);
	ck_assert_ptr_nonnull(waiting);
	http_reply_json(waiting, 200, "\"late\"", 6);
	ck_assert(hears_within(c, "\"late\"", 100)); /* no other traffic, and no tick */
	client_free(c);
}
END_TEST

START_TEST(stopping_answers_who_waits)
{
	struct client *c[3];
	int i;

	start();
	for (i = 0; i < 3; i++)
		c[i] = client_new(0);
	for (i = 0; i < 2; i++) {
		say(c[i], GET("/wait"));
		turns(30);
		ck_assert_ptr_nonnull(waiting);
	}
	http_server_stop(srv); /* would abort with one suspended */
	for (i = 0; i < 2; i++)
		must_hear(c[i], "HTTP/1.1 503");
	must_end(c[2]);
	for (i = 0; i < 3; i++)
		client_free(c[i]);
}
END_TEST

START_TEST(frames_sent_with_the_handshake_arrive)
{
	int port;

	start_tls();
	for (port = 0; port < 2; port++) {
		struct client *c = client_new(port);

		if (port)
			secure(c);
		say_n(c, WITH(UPGRADE, HELLO HELLO));
		ck_assert(hears_within(c, "\r\n\r\n\x81\x05hello\x81\x05hello", PATIENCE_MS));
		client_free(c);
	}
	turns(20);
}
END_TEST

static int descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(a_websocket_leaves_libmicrohttpd_and_its_descriptors)
{
	struct client *c[2];
	int port, before;

	start_tls();
	for (port = 0; port < 2; port++) {
		before = descriptors();
		c[port] = client_new(port);
		if (port)
			secure(c[port]);
		say(c[port], UPGRADE);
		must_hear(c[port], "101 Switching");
		turns(50);
		ck_assert_int_eq(descriptors(), before + 2); /* the client's end and ours */
		say_n(c[port], HELLO, sizeof(HELLO) - 1);
		must_hear(c[port], "hello");
	}
	ck_assert_uint_eq(http_server_bridges(srv)->open, 0);
	ck_assert_uint_eq(ws_io_counters(http_server_ws(srv))->open, 2);
	client_free(c[0]);
	client_free(c[1]);
	turns(20);
}
END_TEST

/* --- TLS -------------------------------------------------------------------------- */

START_TEST(https_is_served_and_http_is_told_so)
{
	struct client *c;

	start_tls();
	c = client_new(1);
	secure(c);
	say(c, GET("/who"));
	must_hear(c, "127.0.0.1 https");
	say(c, GET("/who"));
	must_hear(c, "127.0.0.1 https");
	client_free(c);
	ask(1, WITH("", GET("/who")), "this port speaks https\n");
	ask(1, WITH("\x16\x03\x01\0\x04", "GET / HTTP/1.1\r\n"), NULL); /* no ClientHello */
	ck_assert_uint_eq(counted()->strangers, 1);
	ck_assert_uint_eq(counted()->tls_failed, 1);
	turns(20);
}
END_TEST

START_TEST(a_proxy_header_comes_before_tls)
{
	struct client *c;

	cfg.proxies = proxies = set_of("127.0.0.1");
	start_tls();
	c = client_new(1);
	say(c, V1);
	secure(c);
	say(c, GET("/who"));
	must_hear(c, "192.0.2.7 https");
	client_free(c);
	turns(20);
}
END_TEST

START_TEST(an_endless_handshake_ends)
{
	struct client *begun, *idle;

	cfg.header_ms = 300;
	start_tls();
	begun = client_new(1);
	say_n(begun, WITH("\x16\x03\x01\x02", ""));
	idle = client_new(1);
	secure(idle);
	while (!SSL_is_init_finished(idle->ssl)) {
		SSL_do_handshake(idle->ssl);
		turn();
	}
	ck_assert_uint_eq(http_server_bridges(srv)->open, 0); /* nothing was asked yet */
	must_end(begun);
	must_end(idle);
	ck_assert_uint_eq(counted()->late, 2);
	client_free(begun);
	client_free(idle);
}
END_TEST

START_TEST(without_a_bridge_they_wait_their_turn)
{
	struct client *c[4];
	int i;

	cfg.bridges_max = 1;
	start_tls();
	for (i = 0; i < 4; i++) {
		c[i] = client_new(1);
		secure(c[i]);
		say(c[i], GET("/who"));
		turns(30);
	}
	must_hear(c[0], "127.0.0.1 https");
	ck_assert_uint_ge(counted()->tls_waited, 3);
	ck_assert(!hears_within(c[1], "https", 50));
	client_free(c[1]); /* one in the line leaves */
	client_free(c[0]);
	ck_assert(hears_within(c[2], "127.0.0.1 https", PATIENCE_MS));
	ck_assert_ptr_nonnull(strstr(c[2]->heard, "Connection: close")); /* one still waits */
	must_hear(c[3], "127.0.0.1 https");
	client_free(c[2]);
	client_free(c[3]);
	turns(20);
	ck_assert_uint_eq(http_server_bridges(srv)->open, 0);
}
END_TEST

START_TEST(who_has_a_bridge_and_says_nothing_makes_room)
{
	struct client *idle, *next;

	cfg.bridges_max = 1;
	start_tls();
	idle = client_new(1);
	secure(idle);
	say(idle, GET("/who"));
	must_hear(idle, "127.0.0.1 https");
	turns(20);
	next = client_new(1);
	secure(next);
	say(next, GET("/who"));
	must_end(idle);
	must_hear(next, "127.0.0.1 https");
	client_free(idle);
	client_free(next);
	turns(20);
}
END_TEST

/* --- the lane ---------------------------------------------------------------------- */

#define STORM 200
#define STEP_US 300

struct chore {
	struct lane_item item;
	int steps;
};

static struct lane *lane;
static unsigned answered;

static void on_chore(struct lane_item *item)
{
	struct chore *c = lane_owner(item, struct chore, item);
	uint64_t begun_us = loop_now_us();

	while (loop_now_us() - begun_us < STEP_US)
		;
	if (--c->steps)
		lane_add(lane, item);
}

/* Somebody who is connected: it answers itself, again and again. */
static void on_served(evutil_socket_t fd, short what, void *ctx)
{
	char byte;

	(void)what;
	(void)ctx;
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
	answered++;
	ck_assert_int_eq(send(fd, &byte, 1, 0), 1);
}

START_TEST(a_storm_leaves_the_loop_to_those_who_are_served)
{
	static struct chore storm[STORM];
	struct event *served[2];
	int pair[2], i;
	char byte = 'x';

	ck_assert_int_eq(lane_new(&lane, base, 0), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	for (i = 0; i < 2; i++) {
		served[i] = event_new(base, pair[i], EV_READ | EV_PERSIST, on_served, NULL);
		event_add(served[i], NULL);
	}
	for (i = 0; i < STORM; i++) {
		storm[i] = (struct chore){ .item.fn = on_chore, .steps = 2 };
		lane_add(lane, &storm[i].item);
		lane_add(lane, &storm[i].item); /* once is enough */
	}
	ck_assert_uint_eq(lane_counters(lane)->waiting, STORM);
	ck_assert_int_eq(send(pair[0], &byte, 1, 0), 1);
	while (lane_is_busy(lane))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(lane_counters(lane)->steps, 2 * STORM);
	/* 2 ms in steps of 300 us are seven a turn, and one answer between any two turns */
	ck_assert_uint_ge(lane_counters(lane)->turns, 2 * STORM / 8);
	ck_assert_uint_ge(answered, lane_counters(lane)->turns);
	for (i = 0; i < 2; i++) {
		event_free(served[i]);
		close(pair[i]);
	}
	lane_free(lane);
}
END_TEST

START_TEST(what_others_spend_is_taken_off_the_next_turn)
{
	struct chore c = { .item.fn = on_chore, .steps = 1 };

	ck_assert_int_eq(lane_new(&lane, base, 1000), 0);
	lane_add(lane, &c.item);
	lane_charge(lane, 1000000); /* a whole turn, never more */
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert(lane_is_busy(lane));
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert(!lane_is_busy(lane));
	lane_free(lane);
}
END_TEST

static void on_charge(struct lane_item *item)
{
	struct chore *c = lane_owner(item, struct chore, item);

	c->steps--;
	lane_charge(lane, 400);
}

START_TEST(what_a_step_leads_to_is_taken_off_its_own_turn)
{
	struct chore c[9] = { 0 };
	int i, left = 0;

	ck_assert_int_eq(lane_new(&lane, base, 2000), 0);
	for (i = 0; i < 9; i++) {
		c[i] = (struct chore){ .item.fn = on_charge, .steps = 1 };
		lane_add(lane, &c[i].item);
	}
	event_base_loop(base, EVLOOP_ONCE);
	for (i = 0; i < 9; i++)
		left += c[i].steps;
	ck_assert_int_ge(left, 4); /* five at most */
	ck_assert_int_le(left, 8);
	while (lane_is_busy(lane))
		event_base_loop(base, EVLOOP_ONCE);
	lane_free(lane);
}
END_TEST

#define HEARD_A_TURN 4

/* Words that wait to be heard, first come first served. Each newcomer has one; somebody who is
 * connected speaks again as soon as he was heard. */
static struct {
	unsigned waiting, ahead_of_his; /* others' words */
	unsigned turns, heard_at, longest;
} words;

static bool words_wait(void *ctx)
{
	(void)ctx;
	return words.waiting > 0;
}

static void on_newcomer(struct lane_item *item)
{
	on_chore(item);
	words.waiting++;
}

static void hear_him(void)
{
	unsigned turns = words.turns - words.heard_at;

	if (turns > words.longest)
		words.longest = turns;
	words.heard_at = words.turns;
	words.ahead_of_his = words.waiting;
}

static void on_words(evutil_socket_t fd, short what, void *ctx)
{
	int left = HEARD_A_TURN;

	(void)fd;
	(void)what;
	(void)ctx;
	words.turns++;
	while (left--) {
		if (!words.ahead_of_his) {
			hear_him();
			continue;
		}
		words.ahead_of_his--;
		words.waiting--;
	}
}

START_TEST(who_is_connected_is_heard_every_few_turns_though_newcomers_speak)
{
	static struct chore newcomers[STORM];
	struct event *ready;
	int pair[2], i;

	ck_assert_int_eq(lane_new(&lane, base, 0), 0);
	lane_yields(lane, words_wait, NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	ready = event_new(base, pair[0], EV_WRITE | EV_PERSIST, on_words, NULL); /* each turn */
	event_add(ready, NULL);
	for (i = 0; i < STORM; i++) {
		newcomers[i] = (struct chore){ .item.fn = on_newcomer, .steps = 1 };
		lane_add(lane, &newcomers[i].item);
	}
	while (lane_is_busy(lane))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_ge(lane_counters(lane)->yields, 1);
	ck_assert_uint_le(words.turns, STORM); /* and the line has moved all the while */
	ck_assert_uint_le(words.longest, 4);
	event_free(ready);
	close(pair[0]);
	close(pair[1]);
	lane_free(lane);
}
END_TEST

struct guest {
	struct lane_item item;
	char name;
	int steps;
};

static char order[64];

static void on_guest_step(struct lane_item *item)
{
	struct guest *g = lane_owner(item, struct guest, item);

	order[strlen(order)] = g->name;
	if (--g->steps)
		lane_go_on(lane, item);
}

START_TEST(who_has_begun_is_done_before_others_begin)
{
	struct guest g[3];
	int i;

	ck_assert_int_eq(lane_new(&lane, base, 1000000), 0);
	memset(order, 0, sizeof(order));
	for (i = 0; i < 3; i++) {
		g[i] = (struct guest){ { .fn = on_guest_step }, (char)('a' + i), i < 2 ? 3 : 40 };
		lane_add(lane, &g[i].item);
	}
	while (lane_is_busy(lane))
		turn();
	ck_assert_mem_eq(order, "aaabbbccc", 9);
	memset(order, 0, sizeof(order)); /* and whoever goes on and on keeps nobody out for good */
	g[0].steps = 40;
	g[1].steps = 1;
	lane_go_on(lane, &g[0].item);
	lane_add(lane, &g[1].item);
	while (lane_is_busy(lane))
		turn();
	ck_assert_ptr_nonnull(strchr(order, 'b'));
	ck_assert_int_lt(strchr(order, 'b') - order, 20);
	lane_free(lane);
}
END_TEST

START_TEST(who_leaves_the_line_is_not_called)
{
	struct chore a = { .item.fn = on_chore, .steps = 1 }, b = a;

	ck_assert_int_eq(lane_new(&lane, base, 0), 0);
	lane_add(lane, &a.item);
	lane_add(lane, &b.item);
	lane_remove(lane, &a.item);
	lane_remove(lane, &a.item);
	while (lane_is_busy(lane))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(a.steps, 1);
	ck_assert_int_eq(b.steps, 0);
	lane_add(lane, &a.item);
	lane_free(lane); /* with one in line */
}
END_TEST

static void on_accepted(int fd, const struct sockaddr *peer, socklen_t n, void *ctx)
{
	unsigned *accepted = ctx;

	(void)peer;
	(void)n;
	(*accepted)++;
	close(fd);
}

/* The kernel's queue does not wait for ever. */
START_TEST(a_long_line_does_not_keep_connections_from_being_accepted)
{
	static struct chore storm[STORM];
	struct listener_counters counters = { 0 };
	struct listener *l;
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned accepted = 0;
	int fd, client, i;

	ck_assert_int_eq(lane_new(&lane, base, 0), 0);
	ck_assert_int_eq(listener_bind(&fd, "127.0.0.1:0"), 0);
	sa.sin_port = htons(listener_port(fd));
	ck_assert_int_eq(listener_new(&l, base, lane, fd, on_accepted, &accepted, &counters), 0);
	for (i = 0; i < STORM; i++) {
		storm[i] = (struct chore){ .item.fn = on_chore, .steps = 1 };
		lane_add(lane, &storm[i].item);
	}
	client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
	for (i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(accepted, 1);
	ck_assert(lane_is_busy(lane));
	close(client);
	listener_free(l);
	lane_free(lane);
}
END_TEST

START_TEST(handshakes_are_done_in_the_lane)
{
	struct client *c[24];
	int i, done = 0;

	start_tls();
	for (i = 0; i < 24; i++) {
		c[i] = client_new(1);
		secure(c[i]);
		SSL_do_handshake(c[i]->ssl); /* the ClientHello is out */
	}
	for (int round = 0; round < 2000 && done < 24; round++) {
		turn();
		for (i = done = 0; i < 24; i++) {
			SSL_do_handshake(c[i]->ssl);
			done += SSL_is_init_finished(c[i]->ssl);
		}
	}
	ck_assert_int_eq(done, 24);
	ck_assert_uint_ge(http_server_lane(srv)->turns, 3);
	ck_assert_uint_ge(http_server_lane(srv)->steps, 24);
	for (i = 0; i < 24; i++)
		client_free(c[i]);
	turns(20);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("entry");
	TCase *t = tcase_create("entry");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, where_to_listen_is_said_in_numbers);
	tcase_add_test(t, a_new_connection_is_noticed_at_once);
	tcase_add_test(t, without_descriptors_it_waits_and_comes_back_by_itself);
	tcase_add_test(t, above_its_limit_it_closes_at_once);
	tcase_add_test(t, who_is_silent_or_slow_has_the_time_from_accept_on);
	tcase_add_test(t, a_slow_body_and_a_second_slow_request_have_their_times);
	tcase_add_test(t, many_ends_are_not_one_turns_work);
	tcase_add_test(t, what_is_no_http_gets_a_400);
	tcase_add_test(t, a_stranger_gets_its_answer_though_it_goes_on_talking);
	tcase_add_test(t, a_proxy_names_its_client);
	tcase_add_test(t, a_proxy_that_names_nobody_is_cut);
	tcase_add_test(t, a_named_client_is_the_one_that_is_counted);
	tcase_add_test(t, a_place_goes_with_the_connection_to_its_end);
	tcase_add_test(t, a_trusted_proxy_holds_places_for_many);
	tcase_add_test(t, an_answer_that_comes_later_goes_out_at_once);
	tcase_add_test(t, stopping_answers_who_waits);
	tcase_add_test(t, frames_sent_with_the_handshake_arrive);
	tcase_add_test(t, a_websocket_leaves_libmicrohttpd_and_its_descriptors);
	tcase_add_test(t, https_is_served_and_http_is_told_so);
	tcase_add_test(t, a_proxy_header_comes_before_tls);
	tcase_add_test(t, an_endless_handshake_ends);
	tcase_add_test(t, without_a_bridge_they_wait_their_turn);
	tcase_add_test(t, who_has_a_bridge_and_says_nothing_makes_room);
	tcase_add_test(t, a_storm_leaves_the_loop_to_those_who_are_served);
	tcase_add_test(t, what_others_spend_is_taken_off_the_next_turn);
	tcase_add_test(t, what_a_step_leads_to_is_taken_off_its_own_turn);
	tcase_add_test(t, who_is_connected_is_heard_every_few_turns_though_newcomers_speak);
	tcase_add_test(t, who_has_begun_is_done_before_others_begin);
	tcase_add_test(t, who_leaves_the_line_is_not_called);
	tcase_add_test(t, a_long_line_does_not_keep_connections_from_being_accepted);
	tcase_add_test(t, handshakes_are_done_in_the_lane);
	return run_suite(s);
}
