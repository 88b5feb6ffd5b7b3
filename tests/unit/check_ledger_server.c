/* check_ledger_server.c - faults of coturn's functions that no client can show in a test, by row of
 * SECURITY.md
 *
 * Linked with our coturn all of it passes. The same source linked with stock (ledger_server.stock)
 * must fail in every test that begins with row_, and in no other.
 *
 * turn_ports.c is included: what its cursors are after 2^32 operations has to be set. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mainrelay.h"
#include "ns_ioalib_impl.h"
#include "ns_turn_msg.h"
#include "ns_turn_server.h"
#include "turn_ports.c"
#include "run_suite.h"

/* --- HTTP -------------------------------------------------------------------------------- */

/* The text right before a page that nobody may read. */
static const char *at_the_end(const char *text, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + page, page, PROT_NONE), 0);
	return memcpy(p + page - n, text, n);
}

static const char *const without_a_value[] = {
	"POST / HTTP/1.1\r\nContent-Length: \r\n\r\n",
	"POST / HTTP/1.1\r\nContent-Length:      \r\n\r\n",
};

START_TEST(row_http_is_looked_for_in_what_was_received)
{
	const char *text = without_a_value[_i];
	size_t n = strlen(text);

	ck_assert_int_eq(is_http(at_the_end(text, n), n), (int)n);
}
END_TEST

static const struct {
	const char *text;
	int length;
} requests[] = {
	{ "GET / HTTP/1.1\r\n\r\n", 18 },
	{ "POST /a HTTP/1.1\r\ncontent-length: 10\r\n\r\n0123456789", 50 },
	{ "PUT /a HTTP/1.1\r\nContent-Length:   3\r\nHost: b\r\n\r\nabc", 52 },
	{ "DELETE /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 41 },
	{ "PUT / HTTP/1.1\r\nContent-Length: 1234567890123456789\r\n\r\n", 55 },
	{ "HEAD / HTTP/1.1\r\n\r\n", 0 },
	{ "get / HTTP/1.1\r\n\r\n", 0 },
	{ "GET / HTTP/1.1\r\nHost: a\r\n", 0 },
	{ "GET of nothing", 0 },
	{ "not a request", 0 },
};

START_TEST(a_whole_request_is_as_long_as_it_says)
{
	const char *text = requests[_i].text;
	size_t n = strlen(text);

#ifndef LEDGER_STOCK
	text = at_the_end(text, n); /* whether stock reads on here is up to the compiler */
#endif
	ck_assert_int_eq(is_http(text, n), requests[_i].length);
}
END_TEST

/* --- what was exchanged with peers ----------------------------------------------------------- */

START_TEST(row_what_peers_exchange_is_counted_beyond_4_gib)
{
	static turn_turnserver server;
	static ioa_engine engine; /* without a name, redis or a log */
	static ts_ur_super_session session;
	uint64_t sent = 0;

	server.e = &engine;
	session.server = &server;
	while (sent < 5ULL << 30) {
		session.peer_received_packets += 4096;
		session.peer_received_bytes += 1U << 29;
		sent += 1U << 29;
		turn_report_session_usage(&session, 1);
	}
	ck_assert_uint_eq(session.t_peer_received_bytes + session.peer_received_bytes, sent);
}
END_TEST

/* --- relay ports -------------------------------------------------------------------------------
 */

#define FIRST 40000
#define LAST 40099
#define PORTS (LAST - FIRST + 1)

/* As after so many operations: places stay the same modulo 65536. */
static turnports *ports_after(uint32_t operations)
{
	turnports *tp = turnports_create(NULL, FIRST, LAST);
	uint32_t add = operations & 0xffff0000U;
	unsigned i;

	ck_assert_ptr_nonnull(tp);
	tp->low += add;
	tp->high += add;
	for (i = FIRST; i <= LAST; i++)
		tp->status[i] += add;
	return tp;
}

/* coturn's own live as long as it. */
static void ports_free(turnports *tp)
{
	TURN_MUTEX_DESTROY(&tp->mutex);
	free(tp);
}

/* All ports, each once. */
static void take_all(turnports *tp)
{
	bool taken[PORTS] = { false };
	unsigned i;

	for (i = 0; i < PORTS; i++) {
		int port = turnports_allocate(tp);

		ck_assert_int_ge(port, FIRST);
		ck_assert_int_le(port, LAST);
		ck_assert(!taken[port - FIRST]);
		taken[port - FIRST] = true;
	}
	ck_assert_int_eq(turnports_allocate(tp), -1);
	for (i = 0; i < PORTS; i++)
		turnports_release(tp, (uint16_t)(FIRST + i));
}

static void use(turnports *tp, unsigned times)
{
	while (times--) {
		int port = turnports_allocate(tp);

		ck_assert_int_ge(port, FIRST);
		turnports_release(tp, (uint16_t)port);
	}
}

START_TEST(row_relay_ports_do_not_run_out)
{
	turnports *tp = ports_after(0xffff0000U - 0x10000);

	use(tp, 200000);
	take_all(tp);
	ports_free(tp);
}
END_TEST

START_TEST(ports_are_given_out_from_the_first_operation_on)
{
	static const uint32_t after[] = { 0, 1U << 16, 0x7fff0000U, 0x80000000U };
	turnports *tp = ports_after(after[_i]);

	take_all(tp);
	use(tp, 100000);
	take_all(tp);
	ports_free(tp);
}
END_TEST

/* A pair leaves the odd one's old place behind; with this many ports they would meet. */
START_TEST(row_pairs_lose_no_ports)
{
	enum { LOW = 1024, HIGH = 65535, N = HIGH - LOW + 1 };
	turnports *tp = turnports_create(NULL, LOW, HIGH);
	unsigned i, taken = 0;

	ck_assert_ptr_nonnull(tp);
	for (i = 0; i < 10000; i++) {
		int port = turnports_allocate_even(tp, 1, NULL);

		ck_assert_int_ge(port, LOW);
		turnports_release(tp, (uint16_t)port);
		turnports_release(tp, (uint16_t)(port + 1));
	}
	while (turnports_allocate(tp) >= 0)
		taken++;
	ck_assert_uint_eq(taken, N);
	ports_free(tp);
}
END_TEST

/* --- secrets -------------------------------------------------------------------------------------
 */

#define SECRET "the-secret-of-this-test"

/* Copies of the secret that were made and not freed. */
static char *copies[64];

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
void __real_free(void *p);
void __wrap_free(void *p);

char *__wrap_strdup(const char *s)
{
	char *copy = __real_strdup(s);
	size_t i;

	for (i = 0; !strcmp(s, SECRET) && i < sizeof(copies) / sizeof(copies[0]); i++)
		if (!copies[i]) {
			copies[i] = copy;
			break;
		}
	return copy;
}

void __wrap_free(void *p)
{
	size_t i;

	for (i = 0; p && i < sizeof(copies) / sizeof(copies[0]); i++)
		if (copies[i] == p)
			copies[i] = NULL;
	__real_free(p);
}

static unsigned copies_left(void)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		n += copies[i] != NULL;
	return n;
}

/* An Allocate request with a MESSAGE-INTEGRITY of so many bytes; 0: without one. */
static ioa_network_buffer_handle request(int integrity_bytes)
{
	static const uint8_t zeros[64];
	stun_buffer_list_elem *elem = calloc(1, sizeof(*elem));
	size_t n = 0;

	stun_init_request_str(STUN_METHOD_ALLOCATE, ioa_network_buffer_data(elem), &n);
	if (integrity_bytes)
		stun_attr_add_str(ioa_network_buffer_data(elem), &n,
				  STUN_ATTRIBUTE_MESSAGE_INTEGRITY, zeros, integrity_bytes);
	ioa_network_buffer_set_size(elem, n);
	return elem;
}

/* What became of it: what get_user_key() says. */
static int ask_for_key(int integrity_bytes)
{
	uint8_t name[64], realm[] = "test";
	ioa_network_buffer_handle nbh = request(integrity_bytes);
	int oauth = 0, session_time = 0, rc;
	hmackey_t key;

	snprintf((char *)name, sizeof(name), "%ld:user", (long)time(NULL) + 3600);
	set_logfile("stdout");
	create_default_realm();
	turn_params.use_auth_secret_with_timestamp = 1;
	turn_params.rest_api_separator = ':';
	turn_params.default_users_db.userdb_type = TURN_USERDB_TYPE_UNKNOWN;
	add_to_secrets_list(&turn_params.default_users_db.ram_db.static_auth_secrets, SECRET);
	ck_assert_uint_eq(copies_left(), 1); /* that of the configuration */
	rc = get_user_key(0, &oauth, &session_time, name, realm, key, nbh);
	free(nbh);
	return rc;
}

START_TEST(row_a_request_leaves_no_secret_in_memory)
{
	static const int unusable[] = { 0, 16, SHA256SIZEBYTES };

	ck_assert_int_lt(ask_for_key(unusable[_i]), 0);
	ck_assert_uint_eq(copies_left(), 1);
}
END_TEST

START_TEST(a_wrong_password_leaves_no_secret_in_memory)
{
	ck_assert_int_lt(ask_for_key(SHA1SIZEBYTES), 0);
	ck_assert_uint_eq(copies_left(), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ledger_server");
	TCase *http = tcase_create("http");
	TCase *totals = tcase_create("totals");
	TCase *ports = tcase_create("ports");
	TCase *secrets = tcase_create("secrets");

	tcase_add_loop_test(http, row_http_is_looked_for_in_what_was_received, 0,
			    sizeof(without_a_value) / sizeof(without_a_value[0]));
	tcase_add_loop_test(http, a_whole_request_is_as_long_as_it_says, 0,
			    sizeof(requests) / sizeof(requests[0]));
	suite_add_tcase(s, http);
	tcase_add_test(totals, row_what_peers_exchange_is_counted_beyond_4_gib);
	suite_add_tcase(s, totals);
	tcase_add_test(ports, row_relay_ports_do_not_run_out);
	tcase_add_test(ports, row_pairs_lose_no_ports);
	tcase_add_loop_test(ports, ports_are_given_out_from_the_first_operation_on, 0, 4);
	suite_add_tcase(s, ports);
	tcase_add_loop_test(secrets, row_a_request_leaves_no_secret_in_memory, 0, 3);
	tcase_add_test(secrets, a_wrong_password_leaves_no_secret_in_memory);
	suite_add_tcase(s, secrets);
	return run_suite(s);
}
