/* check_client.c - what clients read: addresses, STUN, HTTP answers, frames, iceServers */
#include "http_client.h"
#include "ice_servers.h"
#include "run_suite.h"
#include "sio_priv.h"
#include "stun.h"
#include "turn_client.h"
#include "turn_credential.h"
#include "turn_login.h"
#include "url.h"
#include "ws_client.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *text;
	int result;
	const char *host;
	unsigned port;
	enum net_transport transport;
} ice[] = {
	{ "turn:chat.net", 0, "chat.net", 3478, NET_UDP },
	{ "turn:chat.net:3479?transport=tcp", 0, "chat.net", 3479, NET_TCP },
	{ "turn:[2001:db8::1]:99?transport=udp", 0, "2001:db8::1", 99, NET_UDP },
	{ "turns:chat.net", 0, "chat.net", 5349, NET_TLS },
	{ "turns:chat.net:443?transport=tcp", 0, "chat.net", 443, NET_TLS },
	{ "turns:chat.net?transport=udp", -EPROTONOSUPPORT, "", 0, 0 },
	{ "turn:", -EINVAL, "", 0, 0 },
	{ "turn::3478", -EINVAL, "", 0, 0 },
	{ "turn:a:0", -EINVAL, "", 0, 0 },
	{ "turn:a:65536", -EINVAL, "", 0, 0 },
	{ "turn:a:1x", -EINVAL, "", 0, 0 },
	{ "turn:a b", -EINVAL, "", 0, 0 },
	{ "turn:[::1", -EINVAL, "", 0, 0 },
	{ "turn:a?transport=sctp", -EINVAL, "", 0, 0 },
	{ "http://a", -EINVAL, "", 0, 0 },
};

START_TEST(a_turn_uri_is_read_or_refused)
{
	struct net_target t;
	bool is_turn;

	ck_assert_int_eq(url_ice(ice[_i].text, strlen(ice[_i].text), &t, &is_turn), ice[_i].result);
	if (ice[_i].result)
		return;
	ck_assert(is_turn);
	ck_assert_str_eq(t.host, ice[_i].host);
	ck_assert_uint_eq(t.port, ice[_i].port);
	ck_assert_int_eq(t.transport, ice[_i].transport);
}
END_TEST

START_TEST(urls_and_endpoints_are_read_or_refused)
{
	struct net_target t;

	ck_assert_int_eq(url_http("https://chat.net/", &t), 0);
	ck_assert(t.transport == NET_TLS && t.port == 443);
	ck_assert_int_eq(url_http("http://[::1]:449", &t), 0);
	ck_assert_str_eq(t.host, "::1");
	ck_assert_int_eq(url_http("https://chat.net/path", &t), -EINVAL);
	ck_assert_int_eq(url_http("ftp://chat.net", &t), -EINVAL);
	ck_assert_int_eq(url_endpoint("0.0.0.0:449", &t), 0);
	ck_assert_str_eq(t.host, "127.0.0.1");
	ck_assert_int_eq(url_endpoint("[::]:449", &t), 0);
	ck_assert_str_eq(t.host, "::1");
	ck_assert_int_eq(url_endpoint("127.0.0.1", &t), -EINVAL);
	ck_assert(url_is_address("::1") && !url_is_address("chat.net"));
}
END_TEST

START_TEST(an_answer_is_believed_only_with_its_signature)
{
	static const uint8_t key[16] = "a long-term key", other[16] = "another";
	static const uint8_t tid[STUN_TID_LEN] = "transaction";
	struct stun_out o;
	struct stun_in in;

	stun_begin(&o, STUN_REFRESH | STUN_SUCCESS, tid);
	stun_put_u32(&o, ATTR_LIFETIME, 600);
	ck_assert_int_eq(stun_sign(&o, key), 0);
	ck_assert(stun_read(&in, o.b, o.n));
	ck_assert(stun_verify(&in, key) && !stun_verify(&in, other));
	o.b[24] ^= 1; /* a bit of the lifetime */
	ck_assert(!stun_verify(&in, key));
	stun_begin(&o, STUN_REFRESH | STUN_SUCCESS, tid);
	ck_assert(stun_read(&in, o.b, o.n) && !stun_verify(&in, key));
}
END_TEST

static struct stun_in challenge(struct stun_out *o, const char *realm, const void *nonce,
				size_t nonce_n)
{
	static const uint8_t tid[STUN_TID_LEN] = "transaction";
	struct stun_in in;

	stun_begin(o, STUN_ALLOCATE | STUN_ERROR, tid);
	if (realm)
		stun_put(o, ATTR_REALM, realm, strlen(realm));
	stun_put(o, ATTR_NONCE, nonce, nonce_n);
	ck_assert(stun_read(&in, o->b, o->n));
	return in;
}

/* A request with the credential: is it signed as of this realm, and does it carry this nonce? */
static void ck_login(const struct turn_login *l, const char *realm, const char *nonce)
{
	static const uint8_t tid[STUN_TID_LEN] = "another one";
	struct stun_out o;
	struct stun_in in;
	uint8_t key[16];
	const void *p;
	size_t n;

	stun_begin(&o, STUN_ALLOCATE, tid);
	turn_login_put(l, &o, "ann");
	ck_assert(stun_read(&in, o.b, o.n));
	ck_assert_int_eq(turn_long_term_key(key, "ann", realm, "pw"), 0);
	ck_assert(stun_verify(&in, key));
	p = stun_get(&in, ATTR_NONCE, &n);
	ck_assert(p && n == strlen(nonce) && !memcmp(p, nonce, n));
}

START_TEST(a_login_follows_the_challenges_of_its_server)
{
	static const char long_text[129] = { [0 ... 127] = 'a' };
	struct turn_login l = { .nonce_n = 0 };
	struct stun_out o, bare;
	struct stun_in in;

	stun_begin(&bare, STUN_ALLOCATE, (const uint8_t *)"transaction1");
	turn_login_put(&l, &bare, "ann");
	ck_assert_uint_eq(bare.n, 20);
	ck_assert(turn_login_challenged(&l, 401) && turn_login_challenged(&l, 438));
	ck_assert(!turn_login_challenged(&l, 403));
	in = challenge(&o, "turn.test", "", 0);
	ck_assert(!turn_login_take(&l, &in, "ann", "pw"));
	in = challenge(&o, "turn.test", long_text, sizeof(long_text));
	ck_assert(!turn_login_take(&l, &in, "ann", "pw"));
	ck_assert_uint_eq(l.nonce_n, 0);
	in = challenge(&o, "turn.test", "one", 3);
	ck_assert(turn_login_take(&l, &in, "ann", "pw"));
	ck_login(&l, "turn.test", "one");
	ck_assert(!turn_login_challenged(&l, 401) && turn_login_challenged(&l, 438));
	in = challenge(&o, NULL, "two", 3);
	ck_assert(turn_login_take(&l, &in, "ann", "pw"));
	ck_login(&l, "turn.test", "two");
	in = challenge(&o, long_text, "three", 5); /* no realm that we could hold */
	ck_assert(turn_login_take(&l, &in, "ann", "pw"));
	ck_login(&l, "turn.test", "three");
}
END_TEST

START_TEST(what_a_server_told_is_empty_when_none_was_asked)
{
	char longer[TURN_NAME_MAX + 2];
	struct turn_client_told told;
	struct client_error err;
	struct turn_client *c;
	struct net_target to = { .transport = NET_UDP };

	memset(&told, 0xff, sizeof(told));
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(turn_client_open(&c, &to, longer, "b", net_now_ms(), &told, &err),
			 -EINVAL);
	ck_assert_uint_eq(told.code, 0);
	ck_assert_str_eq(told.realm, "");
}
END_TEST

START_TEST(an_answer_of_http_is_bounded_and_gives_the_header_that_is_wanted)
{
	static const char text[] = "HTTP/1.1 101 Switching Protocols\r\nX: y\r\n"
				   "Sec-WebSocket-Accept:  abc= \r\n\r\nrest";
	static const char longer[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789";
	static const char no_size[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
	static const char no_status[] = "HTTP/1.1 99999999999 OK\r\n\r\n";
	struct http_answer a = { .want = "sec-websocket-accept:" };
	struct http_answer b = { .keep_body = true, .body_limit = 8 };
	enum http_progress done = HTTP_MORE;
	size_t n, at;

	for (at = 0; done == HTTP_MORE && text[at]; at++) { /* byte by byte */
		n = 1;
		done = http_feed(&a, text + at, &n);
	}
	ck_assert_uint_eq(strlen(text) - at, strlen("rest"));
	ck_assert_int_eq(a.status, 101);
	ck_assert_str_eq(a.value, "abc=");
	n = strlen(longer);
	ck_assert_int_eq(http_feed(&b, longer, &n), HTTP_BROKEN);
	http_reset(&b);
	n = strlen(no_size);
	ck_assert_int_eq(http_feed(&b, no_size, &n), HTTP_BROKEN);
	http_reset(&b);
	n = strlen(no_status);
	ck_assert_int_eq(http_feed(&b, no_status, &n), HTTP_BROKEN);
	http_reset(&b);
	ck_assert_uint_eq(b.body_limit, 8);
}
END_TEST

START_TEST(frames_are_masked_with_what_is_given_and_read_whole)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	uint8_t out[WS_HEAD_MAX + 300];
	char server[] = { (char)0x81, 2, 'h', 'i', (char)0x81 };
	struct ws_frame frame;

	ck_assert_uint_eq(ws_write(out, WS_TEXT, mask, "abc", 3), 9);
	ck_assert(out[6] == ('a' ^ 1) && out[7] == ('b' ^ 2));
	ck_assert_int_eq(ws_read(&frame, server, 1), 0);
	ck_assert_int_eq(ws_read(&frame, server, 3), 0);
	ck_assert_int_eq(ws_read(&frame, server, sizeof(server)), 4);
	ck_assert(frame.n == 2 && frame.opcode == WS_TEXT);
	server[1] = (char)0x82; /* a server masks nothing */
	ck_assert_int_eq(ws_read(&frame, server, sizeof(server)), -1);
}
END_TEST

static int nothing_comes(struct sio_client *c, uint64_t deadline_ms, struct client_error *err)
{
	(void)c;
	(void)deadline_ms;
	client_error_set(err, "no answer in time");
	return -ETIMEDOUT;
}

START_TEST(the_inbox_is_bounded_and_who_waits_in_vain_is_told_what_it_dropped)
{
	static const char *const events[] = { "other", NULL };
	const struct sio_way way = { .receive = nothing_comes };
	struct sio_client c = { .way = &way };
	struct client_error err;
	char text[32], *payload;

	ck_assert_int_eq(sio_client_next(&c, events, &payload, 0, &err), -ETIMEDOUT);
	ck_assert_str_eq(err.text, "no other came");

	for (int i = 0; i < SIO_INBOX_MAX + 3; i++) {
		snprintf(text, sizeof(text), "42[\"e\",%d]", i);
		ck_assert_int_eq(sio_packet(&c, text, strlen(text), &err), 0);
	}
	ck_assert_uint_eq(c.inbox_n, SIO_INBOX_MAX);
	ck_assert_str_eq(c.inbox[0].payload, "3");
	ck_assert_int_eq(sio_client_next(&c, events, &payload, 0, &err), -ETIMEDOUT);
	ck_assert_str_eq(err.text, "no other came, or it was among 3 dropped events");
	for (size_t i = 0; i < c.inbox_n; i++) {
		free(c.inbox[i].event);
		free(c.inbox[i].payload);
	}
}
END_TEST

static const struct {
	const char *packet;
	int result;
} packets[] = {
	{ "0{\"sid\":\"abc\"}", 0 },
	{ "0{\"sid\":\"a b\"}", -EPROTO },
	{ "0{\"sid\":7}", -EPROTO },
	{ "0", -EPROTO },
	{ "", -EPROTO },
	{ "2", 0 },
	{ "40{\"sid\":\"x\"}", 0 },
	{ "44{\"message\":\"no\"}", -EACCES },
	{ "41", -ECONNRESET },
	{ "1", -ECONNRESET },
	{ "42[", -EPROTO },
	{ "42[]", -EPROTO },
	{ "42[7]", -EPROTO },
	{ "43[1]", -EPROTO },
	{ "439[1]", 0 },
	{ "9", 0 },
};

START_TEST(a_packet_is_taken_or_refused_with_a_reason)
{
	struct sio_client c = { .awaited_ack = 1 };
	struct client_error err = { "" };

	ck_assert_int_eq(sio_packet(&c, packets[_i].packet, strlen(packets[_i].packet), &err),
			 packets[_i].result);
	ck_assert(!packets[_i].result || *err.text);
}
END_TEST

START_TEST(what_a_client_is_given_is_read)
{
	static const char text[] =
		"[{\"urls\":\"stun:a\"},{\"urls\":[\"turn:a:1\",\"stun:a\",\"turns:b\"],"
		"\"username\":\"9:u\",\"credential\":\"p\"}]";
	static const char without[] = "[{\"urls\":\"stun:a\"}]";
	static const char odd[] = "[{\"urls\":7,\"username\":\"9:u\",\"credential\":\"p\"}]";
	struct ice_login l;

	ck_assert_int_eq(ice_login_read(json_trim(text, strlen(text)), &l), 0);
	ck_assert_str_eq(l.name, "9:u");
	ck_assert_uint_eq(l.urls_n, 2);
	ck_assert_int_eq(l.url[1].transport, NET_TLS);
	ck_assert_int_eq(ice_login_read(json_trim(without, strlen(without)), &l), -ENOENT);
	ck_assert_int_eq(ice_login_read(json_trim(odd, strlen(odd)), &l), -EINVAL);
}
END_TEST

START_TEST(a_candidate_comes_back_as_it_was_written)
{
	static const char *const bad[] = { "", "candidate:1 1 udp 1 a 1 typ relay",
					   "candidate:1 1 udp 1 1.2.3.4 70000 typ relay",
					   "candidate:1 1 udp 1 1.2.3.4 0 typ relay" };
	static const char *const good[] = {
		"candidate:1 1 udp 16777215 93.184.216.34 50000 typ relay raddr 0.0.0.0 rport 0",
		"candidate:1 1 udp 16777215 2001:db8::1 50000 typ relay raddr :: rport 0"
	};
	struct sockaddr_storage a;
	char text[ICE_CANDIDATE_MAX];

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(ice_candidate_read(bad[i], &a), -EINVAL);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(ice_candidate_read(good[i], &a), 0);
		ck_assert_int_gt(ice_candidate_write(text, sizeof(text), &a), 0);
		ck_assert_str_eq(text, good[i]);
		ck_assert_int_eq(ice_candidate_write(text, 20, &a), -ENOBUFS);
	}
}
END_TEST

/* --- servers that lie -------------------------------------------------------------- */

/* What a server does with its socket, in a process of its own, until it is killed. */
typedef void (*lie_fn)(int fd);

static pid_t serve(int type, lie_fn lie, struct net_target *to)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, type, 0);
	pid_t pid;

	ck_assert(fd >= 0 && !bind(fd, (struct sockaddr *)&a, len) &&
		  !getsockname(fd, (struct sockaddr *)&a, &len));
	ck_assert(type != SOCK_STREAM || !listen(fd, 8));
	memset(to, 0, sizeof(*to));
	to->transport = type == SOCK_STREAM ? NET_TCP : NET_UDP;
	strcpy(to->host, "127.0.0.1");
	to->port = ntohs(a.sin_port);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		alarm(20);
		for (;;)
			lie(fd);
	}
	close(fd);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Headers without end, faster than they are read. */
static void endless_headers(int fd)
{
	static char b[65536];
	int c = accept(fd, NULL, NULL);

	memset(b, 'x', sizeof(b));
	for (size_t i = 99; i < sizeof(b); i += 100)
		b[i] = '\n';
	if (send(c, "HTTP/1.1 200 OK\r\n", 17, 0) == 17)
		while (send(c, b, sizeof(b), 0) > 0)
			;
	close(c);
}

START_TEST(a_server_that_never_pauses_is_given_up_at_the_deadline)
{
	struct http_request rq = { .method = "GET", .path = "/" };
	struct http_exchange *x;
	struct client_error err;
	struct net_target to;
	pid_t pid = serve(SOCK_STREAM, endless_headers, &to);
	uint64_t begin_ms = net_now_ms();

	ck_assert_int_eq(http_begin(&x, &to, &rq, begin_ms + 300, &err), 0);
	ck_assert_int_eq(http_wait(x, begin_ms + 300, &err), -ETIMEDOUT);
	ck_assert_uint_lt(net_now_ms() - begin_ms, 10000); /* the server goes on for 20 s */
	http_end(x);
	stop(pid);
}
END_TEST

/* Grants what nobody proved to be allowed, signed with a key of zeros. */
static void grant_at_once(int fd)
{
	static const uint8_t no_key[16];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t b[STUN_MAX];
	struct stun_out o;

	if (recvfrom(fd, b, sizeof(b), 0, (struct sockaddr *)&from, &len) < 20)
		return;
	stun_begin(&o, STUN_ALLOCATE | STUN_SUCCESS, b + 8);
	stun_put_address(&o, ATTR_RELAYED, (struct sockaddr *)&from);
	stun_sign(&o, no_key);
	sendto(fd, o.b, o.n, 0, (struct sockaddr *)&from, len);
}

START_TEST(an_allocation_that_needed_no_credential_is_none)
{
	struct turn_client *c = NULL;
	struct turn_client_told told;
	struct client_error err;
	struct net_target to;
	pid_t pid = serve(SOCK_DGRAM, grant_at_once, &to);

	ck_assert_int_eq(turn_client_open(&c, &to, "1:a", "b", net_now_ms() + 3000, &told, &err),
			 -EPROTO);
	ck_assert_ptr_nonnull(strstr(err.text, "no credential"));
	stop(pid);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client");
	TCase *tc = tcase_create("reads");

	tcase_add_loop_test(tc, a_turn_uri_is_read_or_refused, 0, sizeof(ice) / sizeof(ice[0]));
	tcase_add_loop_test(tc, a_packet_is_taken_or_refused_with_a_reason, 0,
			    sizeof(packets) / sizeof(packets[0]));
	tcase_add_test(tc, urls_and_endpoints_are_read_or_refused);
	tcase_add_test(tc, an_answer_is_believed_only_with_its_signature);
	tcase_add_test(tc, a_login_follows_the_challenges_of_its_server);
	tcase_add_test(tc, what_a_server_told_is_empty_when_none_was_asked);
	tcase_add_test(tc, an_answer_of_http_is_bounded_and_gives_the_header_that_is_wanted);
	tcase_add_test(tc, frames_are_masked_with_what_is_given_and_read_whole);
	tcase_add_test(tc, the_inbox_is_bounded_and_who_waits_in_vain_is_told_what_it_dropped);
	tcase_add_test(tc, what_a_client_is_given_is_read);
	tcase_add_test(tc, a_candidate_comes_back_as_it_was_written);
	tcase_add_test(tc, a_server_that_never_pauses_is_given_up_at_the_deadline);
	tcase_add_test(tc, an_allocation_that_needed_no_credential_is_none);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
