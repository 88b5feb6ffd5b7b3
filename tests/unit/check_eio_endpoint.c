/* check_eio_endpoint.c - Engine.IO on real sockets: what options and the application change
 *
 * Server and clients share this thread: whoever waits for bytes runs the loop.
 * What needs no options is in tests/integration/sio_polling.test.mjs. */
#include "transport/eio_endpoint.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_address.h"
#include "engineio/eio_server.h"
#include "loop.h"
#include "run_suite.h"
#include "transport/admission.h"
#include "transport/frame.h"
#include "transport/http_server.h"
#include "transport/origin.h"

#define WAIT_MS 20000
#define POLLING "/e/?EIO=4&transport=polling"
#define WEBSOCKET "/e/?EIO=4&transport=websocket"
#define UPGRADE                                                                                    \
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"               \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct loop *loop;
static struct http_server *http;
static struct eio_server *eio;
static struct eio_endpoint *endpoint;
static struct origin_policy *origins;
static struct eio_config cfg;
static struct eio_session *last; /* opened */
static unsigned closes, drained;
static const char *not_welcome;

/* What the application remembers of a handshake. */
static struct {
	char address[INET6_ADDRSTRLEN], client[INET6_ADDRSTRLEN];
	char origin[64], query[128], url[128], token[64];
	bool secure;
	uint64_t issued_ms;
} seen;

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "(none)");
}

static const char *allow(const struct eio_handshake *h, void *ctx)
{
	(void)ctx;
	copy(seen.address, sizeof(seen.address), h->address);
	copy(seen.origin, sizeof(seen.origin), h->origin);
	copy(seen.query, sizeof(seen.query), h->query);
	copy(seen.url, sizeof(seen.url), h->url);
	copy(seen.token, sizeof(seen.token), eio_handshake_header(h, "x-token"));
	client_address_text(h->client, seen.client);
	seen.secure = h->secure;
	seen.issued_ms = h->issued_ms;
	return not_welcome;
}

static int on_open(struct eio_session *s, const struct eio_handshake *h, uint64_t now_ms, void *ctx)
{
	(void)h;
	(void)now_ms;
	(void)ctx;
	last = s;
	return 0;
}

/* Echo. */
static void on_message(struct eio_session *s, bool binary, const void *p, size_t n, uint64_t now_ms,
		       void *ctx)
{
	struct frame *f = frame_new(binary, n + 1);

	(void)now_ms;
	(void)ctx;
	*frame_payload(f) = '4';
	memcpy(frame_payload(f) + 1, p, n);
	eio_send(s, f, false);
	frame_unref(f);
}

static void on_close(struct eio_session *s, const char *reason, void *ctx)
{
	(void)s;
	(void)reason;
	(void)ctx;
	closes++;
}

static const struct eio_handler handler = {
	.allow = allow, .on_open = on_open, .on_message = on_message, .on_close = on_close
};

static void start(void)
{
	static const char *const all[] = { "*", NULL };
	const struct http_listen address = { .address = "127.0.0.1:0" };
	struct http_config hc = { .listen = &address, .listen_n = 1 };
	const char *bad;

	closes = drained = 0;
	not_welcome = NULL;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(origin_policy_new(&origins, all, &bad), 0);
	hc.origins = origins;
	ck_assert_int_eq(http_server_new(&http, loop_base(loop), &hc), 0);
	ck_assert_int_eq(eio_server_new(&eio, &cfg, &handler), 0);
	ck_assert_int_eq(eio_endpoint_new(&endpoint, http, loop_base(loop), "/e", eio), 0);
	ck_assert_int_eq(http_server_start(http, &bad), 0);
}

static void teardown(void)
{
	eio_endpoint_free(endpoint);
	http_server_free(http);
	eio_server_free(eio);
	origin_policy_free(origins);
	loop_free(loop);
}

static void setup(void)
{
	eio_config_defaults(&cfg);
	start();
}

/* --- clients --- */

struct client {
	int fd;
	char in[65536];
	size_t n;
	bool eof;
};

static struct client a, b;

static void dial(struct client *c)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(http_server_port(http, 0)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	memset(c, 0, sizeof(*c));
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(c->fd, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

static void turn(void)
{
	event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
	usleep(500);
}

static void receive(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n, MSG_DONTWAIT);

	c->eof |= n == 0 || (n < 0 && errno != EAGAIN);
	c->n += n > 0 ? (size_t)n : 0;
	c->in[c->n] = '\0';
}

static bool whole(const char *in)
{
	const char *end = strstr(in, "\r\n\r\n"), *length = strstr(in, "Content-Length: ");

	return end &&
	       (!length || length > end || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void say(struct client *c, const char *text)
{
	c->n = 0;
	c->in[0] = '\0';
	ck_assert_int_eq(send(c->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void request(struct client *c, const char *verb, const char *target, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", verb, target, more);
	say(c, text);
}

/* The headers, and as much of the body as is there. */
static void begin_post(struct client *c, const char *target, size_t n, const char *body)
{
	char text[1024];

	snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
		 target, n, body);
	say(c, text);
}

/* The answer's body; its status is the caller's to look at in c->in. */
static const char *answer(struct client *c)
{
	uint64_t until = loop_now_ms() + WAIT_MS;

	while (!whole(c->in) && !c->eof && loop_now_ms() < until) {
		turn();
		receive(c);
	}
	ck_assert_msg(whole(c->in), "no answer but \"%s\"", c->in);
	return strstr(c->in, "\r\n\r\n") + 4;
}

static const char *ask(struct client *c, const char *verb, const char *target, const char *more)
{
	request(c, verb, target, more);
	return answer(c);
}

static void until_eof(struct client *c)
{
	uint64_t until = loop_now_ms() + WAIT_MS;

	while (!c->eof && loop_now_ms() < until) {
		turn();
		receive(c);
	}
	ck_assert(c->eof);
}

#define STATUS(c, expected)                                                                        \
	ck_assert_msg(strncmp((c)->in, "HTTP/1.1 " expected " ", 13) == 0, "%s", (c)->in)

/* Bytes that are on their way arrive. */
static void settle(void)
{
	for (int i = 0; i < 20; i++)
		turn();
}

/* Polling on a; target is for more requests, upgrade for a WebSocket. */
static char sid[EIO_SID_LEN + 1], target[128], upgrade[128];

static void open_polling(void)
{
	const char *body;

	dial(&a);
	body = ask(&a, "GET", POLLING, "");
	STATUS(&a, "200");
	ck_assert_int_eq(sscanf(body, "0{\"sid\":\"%20[^\"]\"", sid), 1);
	snprintf(target, sizeof(target), POLLING "&sid=%s", sid);
	snprintf(upgrade, sizeof(upgrade), WEBSOCKET "&sid=%s", sid);
}

static void open_ws(struct client *c, const char *path)
{
	dial(c);
	ask(c, "GET", path, UPGRADE);
	STATUS(c, "101");
}

/* --- tests --- */

START_TEST(the_application_sees_the_request)
{
	dial(&a);
	ask(&a, "GET", POLLING "&token=%41", "Origin: http://page\r\nX-Token: abc\r\n");
	STATUS(&a, "200");
	ck_assert_str_eq(seen.address, "127.0.0.1");
	ck_assert_str_eq(seen.client, "127.0.0.1");
	ck_assert_str_eq(seen.origin, "http://page");
	ck_assert_str_eq(seen.query, "EIO=4&transport=polling&token=%41");
	ck_assert_str_eq(seen.url, POLLING "&token=%41");
	ck_assert_str_eq(seen.token, "abc");
	ck_assert(!seen.secure);
	ck_assert_uint_gt(seen.issued_ms, 1700000000000);
	ask(&a, "GET", POLLING, "");
	ck_assert_str_eq(seen.origin, "(none)");
	ck_assert_str_eq(seen.token, "(none)");
	close(a.fd);
}
END_TEST

START_TEST(a_refused_client_gets_the_applications_message)
{
	dial(&a);
	not_welcome = "not \"you\"";
	ck_assert_str_eq(ask(&a, "GET", POLLING, ""),
			 "{\"code\":4,\"message\":\"not \\\"you\\\"\"}");
	STATUS(&a, "403");
	ck_assert_ptr_nonnull(strstr(a.in, "Content-Type: application/json\r\n"));
	ck_assert_str_eq(ask(&a, "GET", WEBSOCKET, UPGRADE), "not \"you\"");
	STATUS(&a, "400");
	ck_assert_ptr_nonnull(strstr(a.in, "Connection: close\r\n"));
	until_eof(&a);
	close(a.fd);
	ck_assert_uint_eq(eio_server_counters(eio)->forbidden, 2);
	ck_assert_uint_eq(eio_server_counters(eio)->sessions, 0);
}
END_TEST

START_TEST(a_cookie_comes_with_the_handshake_alone)
{
	char cookie[128];

	open_polling();
	ck_assert_ptr_null(strstr(a.in, "Set-Cookie"));
	close(a.fd);
	teardown();
	cfg.cookie = "io";
	start();
	open_polling();
	snprintf(cookie, sizeof(cookie), "Set-Cookie: io=%s; Path=/; HttpOnly; SameSite=Lax\r\n",
		 sid);
	ck_assert_ptr_nonnull(strstr(a.in, cookie));
	begin_post(&a, target, 2, "4x");
	ck_assert_str_eq(answer(&a), "ok");
	ck_assert_ptr_null(strstr(a.in, "Set-Cookie"));
	ck_assert_str_eq(ask(&a, "GET", target, ""), "4x");
	ck_assert_ptr_null(strstr(a.in, "Set-Cookie"));
	open_ws(&b, upgrade); /* no handshake either */
	ck_assert_ptr_null(strstr(b.in, "Set-Cookie"));
	close(b.fd);
	open_ws(&b, WEBSOCKET);
	ck_assert_ptr_nonnull(strstr(b.in, "Set-Cookie: io="));
	close(a.fd);
	close(b.fd);
}
END_TEST

START_TEST(who_may_not_come_now_is_told_when)
{
	struct admission_config ac = { .sessions_per_address = 1 };

	teardown();
	ck_assert_int_eq(admission_new(&cfg.admission, &ac), 0);
	start();
	open_polling();
	ck_assert_str_eq(ask(&a, "GET", POLLING, ""),
			 "{\"code\":6,\"message\":\"Service unavailable\"}");
	STATUS(&a, "503");
	ck_assert_ptr_nonnull(strstr(a.in, "Retry-After: "));
	ask(&a, "GET", WEBSOCKET, UPGRADE);
	STATUS(&a, "503");
	ck_assert_ptr_nonnull(strstr(a.in, "Retry-After: "));
	close(a.fd);
	ck_assert_uint_eq(eio_server_counters(eio)->admission_refused, 2);
	teardown();
	admission_free(cfg.admission);
	cfg.admission = NULL;
	start();
}
END_TEST

static void on_drained(void *ctx)
{
	(void)ctx;
	drained++;
	loop_stop(loop);
}

START_TEST(a_drain_answers_cuts_refuses_and_says_when_it_is_done)
{
	uint64_t from, until;
	const char *body;

	open_polling();
	open_ws(&b, WEBSOCKET);
	request(&a, "GET", target, "");
	settle();
	receive(&b);
	b.n = 0;
	from = loop_now_ms();
	eio_server_drain(eio, 200, from, on_drained, NULL);
	body = answer(&a);
	STATUS(&a, "200");
	ck_assert_str_eq(body, "1");
	until_eof(&b);
	ck_assert_uint_eq(b.n, 0); /* neither a Close frame nor anything else */
	ask(&a, "GET", POLLING, "");
	STATUS(&a, "503");
	ck_assert_ptr_nonnull(strstr(a.in, "Retry-After: "));
	for (until = from + WAIT_MS; !drained && loop_now_ms() < until;)
		turn();
	ck_assert_uint_eq(drained, 1);
	ck_assert_uint_eq(closes, 2);
	ck_assert_uint_lt(loop_now_ms() - from, WAIT_MS / 2);
	close(a.fd);
	close(b.fd);
}
END_TEST

START_TEST(a_client_that_reads_nothing_gets_nothing_volatile)
{
	struct frame *big = frame_new(false, 400000), *small = frame_text("4v");
	uint64_t dropped;

	memset(frame_payload(big), '4', 400000);
	teardown();
	cfg.queue_soft = cfg.queue_hard; /* it is the socket that says no */
	start();
	open_ws(&a, WEBSOCKET);
	ck_assert_int_eq(eio_send(last, small, true), 0);
	turn();
	for (int i = 0; i < 10; i++) /* more than the kernel holds, less than the hard mark */
		ck_assert_int_eq(eio_send(last, big, false), 0);
	settle();
	dropped = eio_server_counters(eio)->volatile_dropped;
	ck_assert_int_eq(eio_send(last, small, true), -ENOBUFS);
	ck_assert_uint_eq(eio_server_counters(eio)->volatile_dropped, dropped + 1);
	for (uint64_t until = loop_now_ms() + WAIT_MS; eio_send(last, small, true);) {
		ck_assert_uint_lt(loop_now_ms(), until);
		a.n = 0;
		receive(&a);
		turn();
	}
	frame_unref(big);
	frame_unref(small);
	close(a.fd);
}
END_TEST

START_TEST(a_post_under_way_is_taken_after_the_upgrade)
{
	static const uint8_t five[] = { 0x81, 0x81, 0, 0, 0, 0, '5' }; /* masked with zeros */

	open_polling();
	open_ws(&b, upgrade);
	begin_post(&a, target, 4, "4ab");
	settle();
	ck_assert_int_eq(send(b.fd, five, sizeof(five), 0), sizeof(five));
	settle();
	b.n = 0;
	say(&a, "c");
	ck_assert_str_eq(answer(&a), "ok");
	settle();
	receive(&b);
	ck_assert_str_eq(b.in, "\x81\x04"
			       "4abc");
	close(a.fd);
	close(b.fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("eio_endpoint");
	TCase *t = tcase_create("eio_endpoint");

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_application_sees_the_request);
	tcase_add_test(t, a_refused_client_gets_the_applications_message);
	tcase_add_test(t, a_cookie_comes_with_the_handshake_alone);
	tcase_add_test(t, who_may_not_come_now_is_told_when);
	tcase_add_test(t, a_drain_answers_cuts_refuses_and_says_when_it_is_done);
	tcase_add_test(t, a_client_that_reads_nothing_gets_nothing_volatile);
	tcase_add_test(t, a_post_under_way_is_taken_after_the_upgrade);
	return run_suite(s);
}
