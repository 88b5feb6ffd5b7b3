/* check_relay_event.c - turnserver's lines, there and back */
#include "relay_event.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALL "AbCdEfGhIjKlMnOpQr-_09"

static struct relay_event ev;
static char line[RELAY_LINE_MAX];

static const struct relay_allocation alice = {
	.id = "000000000000000042",
	.name = "1700000000:alice:" CALL,
	.realm = "example.test",
	.secret = "new",
	.transport = "tls",
	.relay_transport = "udp",
	.client = "[2001:db8::1]:50000",
	.relayed = "203.0.113.9:49152",
	.relayed6 = "[2001:db8::2]:49153",
	.lifetime_s = 600,
	.age_ms = 12345,
};

static const struct relay_totals some = {
	1, 2, 3, 4, 5, 6, 7, RELAY_TOTAL_MAX - 1, 9, 10, 11, false
};

static int parse(const char *text, size_t n)
{
	char *p = malloc(n ? n : 1); /* a sanitizer sees a read past it */
	int r;

	memcpy(p, text, n);
	r = relay_event_parse(p, n, &ev);
	free(p);
	return r;
}

static int parse_text(const char *text)
{
	return parse(text, strlen(text));
}

/* A line as written: one JSON text and one newline at its end. */
static void must_be_line(int n)
{
	ck_assert_int_gt(n, 1);
	ck_assert_int_eq(line[n - 1], '\n');
	ck_assert_ptr_null(memchr(line, '\n', (size_t)n - 1));
	ck_assert_int_eq(json_check(line, (size_t)n - 1, 4), 0);
	ck_assert_int_eq(parse(line, (size_t)n - 1), 0);
}

static void must_be_totals(const struct relay_totals *a, const struct relay_totals *b)
{
	ck_assert_uint_eq(a->client_received_packets, b->client_received_packets);
	ck_assert_uint_eq(a->client_received_bytes, b->client_received_bytes);
	ck_assert_uint_eq(a->client_sent_packets, b->client_sent_packets);
	ck_assert_uint_eq(a->client_sent_bytes, b->client_sent_bytes);
	ck_assert_uint_eq(a->peer_received_packets, b->peer_received_packets);
	ck_assert_uint_eq(a->peer_received_bytes, b->peer_received_bytes);
	ck_assert_uint_eq(a->peer_sent_packets, b->peer_sent_packets);
	ck_assert_uint_eq(a->peer_sent_bytes, b->peer_sent_bytes);
	ck_assert_uint_eq(a->dropped_packets, b->dropped_packets);
	ck_assert_uint_eq(a->dropped_bytes, b->dropped_bytes);
	ck_assert_uint_eq(a->wire_bytes, b->wire_bytes);
	ck_assert_int_eq(a->saturated, b->saturated);
}

static void must_be_alice(void)
{
	ck_assert_uint_eq(ev.seq, 7);
	ck_assert_str_eq(ev.alloc.id, alice.id);
	ck_assert_str_eq(ev.alloc.name, alice.name);
	ck_assert_str_eq(ev.alloc.realm, alice.realm);
	ck_assert_str_eq(ev.alloc.secret, alice.secret);
	ck_assert(!ev.alloc.shared);
	ck_assert_str_eq(ev.alloc.transport, alice.transport);
	ck_assert_str_eq(ev.alloc.relay_transport, alice.relay_transport);
	ck_assert_str_eq(ev.alloc.client, alice.client);
	ck_assert_str_eq(ev.alloc.relayed, alice.relayed);
	ck_assert_str_eq(ev.alloc.relayed6, alice.relayed6);
	ck_assert_uint_eq(ev.alloc.lifetime_s, alice.lifetime_s);
	ck_assert_uint_eq(ev.alloc.age_ms, alice.age_ms);
}

/* --- events there and back ---------------------------------------------------- */
START_TEST(hello_is_read_as_written)
{
	const struct relay_hello h = {
		.major = RELAY_PROTOCOL_MAJOR,
		.minor = RELAY_PROTOCOL_MINOR,
		.epoch = "0123456789abcdef",
		.version = "4.6.1-2+signald1",
		.base = "4.6.1-2",
		.ledger_checked = "4.17.1",
		.ledger_date = "2026-11-23",
		.relay_threads = 2,
		.interval_ms = 2000,
		.seq = 17,
		.live = 3,
	};

	must_be_line(relay_write_hello(line, sizeof(line), &h));
	ck_assert_int_eq(ev.type, RELAY_HELLO);
	ck_assert_uint_eq(ev.hello.major, 1);
	ck_assert_uint_eq(ev.hello.minor, RELAY_PROTOCOL_MINOR);
	ck_assert_str_eq(ev.hello.epoch, h.epoch);
	ck_assert_str_eq(ev.hello.version, h.version);
	ck_assert_str_eq(ev.hello.base, h.base);
	ck_assert_str_eq(ev.hello.ledger_checked, h.ledger_checked);
	ck_assert_str_eq(ev.hello.ledger_date, h.ledger_date);
	ck_assert_uint_eq(ev.hello.relay_threads, 2);
	ck_assert_uint_eq(ev.hello.interval_ms, 2000);
	ck_assert_uint_eq(ev.hello.seq, 17);
	ck_assert_uint_eq(ev.hello.live, 3);
}
END_TEST

START_TEST(a_hello_of_minor_0_is_read)
{
	ck_assert_int_eq(parse_text("{\"e\":\"hello\",\"v\":1,\"epoch\":\"0123456789abcdef\","
				    "\"version\":\"4.6.1-2+signald1\",\"threads\":2,"
				    "\"interval_ms\":2000,\"seq\":0,\"live\":0}"),
			 0);
	ck_assert_uint_eq(ev.hello.minor, 0);
	ck_assert_str_eq(ev.hello.version, "4.6.1-2+signald1");
	ck_assert_str_eq(ev.hello.base, "");
	ck_assert_str_eq(ev.hello.ledger_checked, "");
	ck_assert_str_eq(ev.hello.ledger_date, "");
}
END_TEST

START_TEST(a_hello_of_a_later_minor_is_read)
{
	ck_assert_int_eq(
		parse_text("{\"e\":\"hello\",\"v\":1,\"minor\":7,\"epoch\":\"0\",\"seq\":0,"
			   "\"news\":{\"a\":[1]}}"),
		0);
	ck_assert_uint_eq(ev.hello.minor, 7);
}
END_TEST

START_TEST(another_major_version_is_named)
{
	ck_assert_int_eq(parse_text("{\"e\":\"hello\",\"v\":2,\"epoch\":[]}"), -EPROTO);
	ck_assert_uint_eq(ev.hello.major, 2);
	ck_assert_int_eq(parse_text("{\"e\":\"hello\",\"v\":99999999999}"), -EPROTO);
	ck_assert_int_eq(parse_text("{\"e\":\"hello\",\"v\":0}"), -EPROTO);
	ck_assert_int_eq(parse_text("{\"e\":\"hello\",\"v\":\"1\"}"), -EINVAL);
	ck_assert_int_eq(parse_text("{\"e\":\"hello\"}"), -EINVAL);
}
END_TEST

START_TEST(allocations_are_read_as_written)
{
	must_be_line(relay_write_new(line, sizeof(line), 7, &alice));
	ck_assert_int_eq(ev.type, RELAY_NEW);
	must_be_alice();
	must_be_line(relay_write_snap(line, sizeof(line), 7, &alice, &some));
	ck_assert_int_eq(ev.type, RELAY_SNAP);
	must_be_alice();
	must_be_totals(&ev.totals, &some);
}
END_TEST

static bool line_has(int n, const char *text)
{
	line[n] = '\0';
	return strstr(line, text) != NULL;
}

START_TEST(user_and_call_are_written_for_readers)
{
	struct relay_allocation a = alice;
	int n = relay_write_new(line, sizeof(line), 1, &a);

	ck_assert(line_has(n, ",\"user\":\"alice\",\"call\":\"" CALL "\","));
	a.shared = true;
	n = relay_write_new(line, sizeof(line), 1, &a);
	ck_assert(!line_has(n, "\"user\"") && !line_has(n, "\"call\""));
	must_be_line(n);
	ck_assert(ev.alloc.shared);
	strcpy(a.name, "1700000000");
	strcpy(a.relayed6, "");
	a.shared = false;
	n = relay_write_new(line, sizeof(line), 1, &a);
	ck_assert(!line_has(n, "\"user\"") && !line_has(n, "relayed6"));
}
END_TEST

START_TEST(any_bytes_of_a_name_make_a_valid_line)
{
	static const struct {
		const char *name, *read;
	} names[] = {
		{ "\xff", "?" },
		{ "17:\xd0\x96\xe2\x82", "17:\xd0\x96??" },
		{ "\xed\xa0\x80x\xc0\x80", "???x??" },
		{ "\x01\"\\\n\x7f", "\x01\"\\\n\x7f" },
		{ "0123456789\x80"
		  "0123456789\x80",
		  "0123456789?0123456789?" },
	};
	struct relay_allocation a = alice;

	for (size_t i = 0; i < COUNT(names); i++) {
		strcpy(a.name, names[i].name);
		must_be_line(relay_write_new(line, sizeof(line), 1, &a));
		ck_assert_str_eq(ev.alloc.name, names[i].read);
	}
	for (int c = 1; c < 256; c++) {
		memset(a.name, c, TURN_NAME_MAX);
		memset(a.realm, c, RELAY_REALM_MAX);
		must_be_line(relay_write_new(line, sizeof(line), 1, &a));
		ck_assert_uint_eq(strlen(ev.alloc.name), TURN_NAME_MAX);
	}
}
END_TEST

START_TEST(synced_is_read_as_written)
{
	must_be_line(relay_write_synced(line, sizeof(line), 9, 4));
	ck_assert_int_eq(ev.type, RELAY_SYNCED);
	ck_assert_uint_eq(ev.seq, 9);
	ck_assert_uint_eq(ev.hello.live, 4);
}
END_TEST

/* The longest line there can be: the longest ids and numbers in every row. */
START_TEST(a_full_usage_line_is_read_as_written)
{
	static struct relay_usage_row rows[RELAY_USAGE_ROWS + 1];

	for (size_t i = 0; i < RELAY_USAGE_ROWS; i++) {
		struct relay_totals *t = &rows[i].totals;

		snprintf(rows[i].id, sizeof(rows[i].id), "%018zu", i);
		*t = (struct relay_totals){ RELAY_TOTAL_MAX - i, RELAY_TOTAL_MAX, RELAY_TOTAL_MAX,
					    RELAY_TOTAL_MAX,	 RELAY_TOTAL_MAX, RELAY_TOTAL_MAX,
					    RELAY_TOTAL_MAX,	 RELAY_TOTAL_MAX, RELAY_TOTAL_MAX,
					    RELAY_TOTAL_MAX,	 RELAY_TOTAL_MAX, true };
	}
	must_be_line(relay_write_usage(line, sizeof(line), rows, RELAY_USAGE_ROWS, UINT64_MAX));
	rows[3].totals = some;
	must_be_line(relay_write_usage(line, sizeof(line), rows, RELAY_USAGE_ROWS, 5));
	ck_assert_int_eq(ev.type, RELAY_USAGE);
	ck_assert_uint_eq(ev.skipped, 5);
	ck_assert_uint_eq(ev.rows_n, RELAY_USAGE_ROWS);
	for (size_t i = 0; i < RELAY_USAGE_ROWS; i++) {
		ck_assert_str_eq(ev.rows[i].id, rows[i].id);
		must_be_totals(&ev.rows[i].totals, &rows[i].totals);
	}
	ck_assert_int_eq(relay_write_usage(line, sizeof(line), rows, RELAY_USAGE_ROWS + 1, 0),
			 -ENOBUFS);
	must_be_line(relay_write_usage(line, sizeof(line), rows, 0, 0));
	ck_assert_uint_eq(ev.rows_n, 0);
}
END_TEST

START_TEST(more_rows_than_a_line_may_have_are_refused)
{
	size_t n = (size_t)sprintf(line, "{\"e\":\"usage\",\"s\":[");

	for (int i = 0; i <= RELAY_USAGE_ROWS; i++)
		n += (size_t)sprintf(line + n, "%s[\"1\",1,2,3,4,5,6,7,8,9,10,11]", i ? "," : "");
	n += (size_t)sprintf(line + n, "]}");
	ck_assert_int_eq(parse(line, n), -EINVAL);
}
END_TEST

static int write_end(const struct relay_allocation *a, const struct relay_totals *t,
		     const char *reason)
{
	return relay_write_end(
		line, sizeof(line),
		&(struct relay_end){ "0123456789abcdef", 8, a, t, 1795436036123, true, reason });
}

START_TEST(end_is_read_as_written)
{
	char longer[2 * RELAY_REASON_MAX];

	must_be_line(write_end(&alice, &some, "allocation timeout"));
	ck_assert_int_eq(ev.type, RELAY_END);
	ck_assert_str_eq(ev.epoch, "0123456789abcdef");
	ck_assert_uint_eq(ev.seq, 8);
	ck_assert_str_eq(ev.alloc.id, alice.id);
	ck_assert_str_eq(ev.alloc.name, alice.name);
	ck_assert_str_eq(ev.alloc.realm, alice.realm);
	ck_assert_str_eq(ev.alloc.secret, alice.secret);
	ck_assert(!ev.alloc.shared);
	ck_assert_str_eq(ev.alloc.client, alice.client);
	ck_assert_uint_eq(ev.alloc.age_ms, alice.age_ms);
	ck_assert_uint_eq(ev.ended_ms, 1795436036123);
	ck_assert(ev.exact);
	must_be_totals(&ev.totals, &some);
	ck_assert_str_eq(ev.reason, "allocation timeout");
	must_be_line(write_end(&alice, &some, NULL));
	ck_assert_str_eq(ev.reason, "");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	must_be_line(write_end(&alice, &some, longer));
	ck_assert_uint_eq(strlen(ev.reason), RELAY_REASON_MAX);
}
END_TEST

START_TEST(a_shared_name_says_no_user_and_no_call_at_its_end)
{
	struct relay_allocation a = alice;
	int n = write_end(&a, &some, "timeout");

	ck_assert(line_has(n, ",\"user\":\"alice\",\"call\":\"" CALL "\","));
	a.shared = true;
	n = write_end(&a, &some, "timeout");
	ck_assert(!line_has(n, "\"user\"") && !line_has(n, "\"call\""));
	must_be_line(n);
	ck_assert(ev.alloc.shared);
}
END_TEST

START_TEST(sum_is_read_as_written)
{
	struct relay_sum s = { "0123456789abcdef", 90,	  CALL, 12, 1795436036123,
			       1795436099000,	   &some, false };

	must_be_line(relay_write_sum(line, sizeof(line), &s));
	ck_assert_int_eq(ev.type, RELAY_SUM);
	ck_assert_str_eq(ev.epoch, s.epoch);
	ck_assert_uint_eq(ev.seq, 90);
	ck_assert_str_eq(ev.call, CALL);
	ck_assert_uint_eq(ev.ends, 12);
	ck_assert_uint_eq(ev.from_ms, s.from_ms);
	ck_assert_uint_eq(ev.to_ms, s.to_ms);
	must_be_totals(&ev.totals, &some);
	ck_assert(!ev.exact);
	s.call = "";
	must_be_line(relay_write_sum(line, sizeof(line), &s));
	ck_assert_str_eq(ev.call, "");
}
END_TEST

START_TEST(denied_is_read_as_written)
{
	struct relay_denied d = { "alice", CALL, "user-limit", "2001:db8::1", 17 };

	must_be_line(relay_write_denied(line, sizeof(line), &d));
	ck_assert_int_eq(ev.type, RELAY_DENIED);
	ck_assert_str_eq(ev.user, "alice");
	ck_assert_str_eq(ev.call, CALL);
	ck_assert_str_eq(ev.reason, "user-limit");
	ck_assert_str_eq(ev.client, "2001:db8::1");
	ck_assert_uint_eq(ev.n, 17);
	d.user = d.call = "";
	must_be_line(relay_write_denied(line, sizeof(line), &d));
	ck_assert_str_eq(ev.user, "");
	ck_assert_str_eq(ev.call, "");
}
END_TEST

START_TEST(as_many_secrets_as_a_file_may_have_fit_a_line)
{
	static struct relay_secret v[SECRETS_MAX];

	for (size_t i = 0; i < SECRETS_MAX; i++) {
		memset(v[i].id, 'k', SECRET_ID_MAX);
		snprintf(v[i].check, sizeof(v[i].check), "%08zx", i);
	}
	must_be_line(relay_write_secrets(line, sizeof(line), v, SECRETS_MAX));
	ck_assert_int_eq(ev.type, RELAY_SECRETS);
	ck_assert_uint_eq(ev.secrets_n, SECRETS_MAX);
	ck_assert_mem_eq(ev.secrets, v, sizeof(v));
	must_be_line(relay_write_secrets(line, sizeof(line), NULL, 0));
	ck_assert_uint_eq(ev.secrets_n, 0);
}
END_TEST

START_TEST(more_secrets_than_a_file_may_have_are_refused)
{
	size_t n = (size_t)sprintf(line, "{\"e\":\"secrets\",\"ids\":[");

	for (int i = 0; i <= SECRETS_MAX; i++)
		n += (size_t)sprintf(line + n, "%s[\"k\",\"00000000\"]", i ? "," : "");
	n += (size_t)sprintf(line + n, "]}");
	ck_assert_int_eq(parse(line, n), -EINVAL);
}
END_TEST

START_TEST(drain_is_read_as_written)
{
	must_be_line(relay_write_drain(line, sizeof(line), true));
	ck_assert_int_eq(ev.type, RELAY_DRAIN);
	ck_assert(ev.on);
	must_be_line(relay_write_drain(line, sizeof(line), false));
	ck_assert(!ev.on);
}
END_TEST

START_TEST(totals_stay_at_the_maximum)
{
	struct relay_totals t = some, sum = some;
	bool saturated = false;
	int n;

	ck_assert_uint_eq(relay_total_clamp(RELAY_TOTAL_MAX - 1, &saturated), RELAY_TOTAL_MAX - 1);
	ck_assert(!saturated);
	ck_assert_uint_eq(relay_total_clamp(RELAY_TOTAL_MAX, &saturated), RELAY_TOTAL_MAX);
	ck_assert(saturated);
	ck_assert_uint_eq(relay_total_clamp(UINT64_MAX, &saturated), RELAY_TOTAL_MAX);

	t.peer_sent_bytes = UINT64_MAX;
	n = write_end(&alice, &t, NULL);
	must_be_line(n);
	ck_assert(line_has(n, ",7,9007199254740991,9,10,11],\"sat\":true"));
	ck_assert(ev.totals.saturated);
	ck_assert_uint_eq(ev.totals.peer_sent_bytes, RELAY_TOTAL_MAX);

	relay_totals_add(&sum, &(struct relay_totals){ 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, false });
	ck_assert(!sum.saturated);
	ck_assert_uint_eq(sum.client_received_packets, 2);
	ck_assert_uint_eq(sum.peer_sent_packets, 8);
	ck_assert_uint_eq(sum.dropped_bytes, 11);
	ck_assert_uint_eq(sum.wire_bytes, 12);
	relay_totals_add(&sum, &some);
	ck_assert(sum.saturated);
	ck_assert_uint_eq(sum.peer_sent_bytes, RELAY_TOTAL_MAX);
	relay_totals_add(&sum, &(struct relay_totals){ .client_received_packets = UINT64_MAX });
	ck_assert_uint_eq(sum.client_received_packets, RELAY_TOTAL_MAX);
	memset(&sum, 0, sizeof(sum));
	relay_totals_add(&sum, &(struct relay_totals){ .saturated = true });
	ck_assert(sum.saturated);
}
END_TEST

#define SOME_END                                                                                   \
	"{\"e\":\"end\",\"epoch\":\"0\",\"seq\":1,\"id\":\"1\",\"name\":\"\",\"ended_ms\":1,"      \
	"\"exact\":true,"

START_TEST(totals_too_large_for_us_are_saturated)
{
	ck_assert_int_eq(parse_text(SOME_END "\"totals\":[1,2,3,4,5,6,7,8,9,10,"
					     "99999999999999999999999]}"),
			 0);
	ck_assert(ev.totals.saturated);
	ck_assert_uint_eq(ev.totals.wire_bytes, RELAY_TOTAL_MAX);
	ck_assert_int_eq(parse_text(SOME_END "\"sat\":false,\"totals\":[1,2,3,4,5,6,7,"
					     "9007199254740992,9,10,11]}"),
			 0);
	ck_assert(ev.totals.saturated);
	ck_assert_int_eq(parse_text(SOME_END "\"totals\":[1,2,3,4,5,6,7,9007199254740992,"
					     "9,10,11],\"sat\":false}"),
			 0);
	ck_assert(ev.totals.saturated);
}
END_TEST

START_TEST(replies_are_read_as_written)
{
	must_be_line(relay_write_ok(line, sizeof(line), 5, 3, "\"live\":2,\"x\":[{}]"));
	ck_assert_int_eq(ev.type, RELAY_REPLY);
	ck_assert_uint_eq(ev.command_id, 5);
	ck_assert(ev.ok);
	ck_assert_uint_eq(ev.count, 3);
	must_be_line(relay_write_ok(line, sizeof(line), 5, 3, NULL));
	must_be_line(relay_write_error(line, sizeof(line), 6, "unknown command"));
	ck_assert(!ev.ok);
	ck_assert_uint_eq(ev.command_id, 6);
	ck_assert_str_eq(ev.error, "unknown command");
}
END_TEST

/* --- what others may send --------------------------------------------------------- */
static const struct {
	const char *text;
	int r;
} lines[] = {
	{ "{\"e\":\"tomorrow\",\"x\":[[[1]]]}", 0 },
	{ "{\"e\":\"a name longer than all of ours\"}", 0 },
	{ "{\"e\":\"synced\",\"seq\":1,\"new\":{\"a\":[]},\"a key longer than all those of "
	  "ours\":1}",
	  0 },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"1\",\"name\":\"\",\"totals\":\"ignored here\"}", 0 },
	{ "{\"e\":\"usage\",\"s\":[[\"1\",1,2,3,4,5,6,7,8,9,10,11,true,\"more\"]]}", 0 },
	{ SOME_END "\"totals\":[1,2,3,4,5,6,7,8,9,10,11,12]}", 0 },
	{ "{\"e\":\"sum\",\"epoch\":\"0\",\"seq\":1,\"ends\":2,\"from_ms\":1,\"to_ms\":2,"
	  "\"totals\":[1,2,3,4,5,6,7,8,9,10,11],\"exact\":false}",
	  0 },
	{ "{\"e\":\"denied\",\"reason\":\"quota\",\"n\":1}", 0 },
	{ "{\"e\":\"secrets\",\"ids\":[[\"k1\",\"00000000\",\"more\"]]}", 0 },
	{ "{\"e\":\"reply\",\"ok\":true}", 0 },
	{ "", -EINVAL },
	{ "[]", -EINVAL },
	{ "\"e\"", -EINVAL },
	{ "{}", -EINVAL },
	{ "{\"e\":1}", -EINVAL },
	{ "{\"c\":\"sub\"}", -EINVAL },
	{ "{\"e\":\"synced\"", -EINVAL },
	{ "{\"e\":\"synced\"}", -EINVAL },
	{ "{\"e\":\"synced\",\"seq\":-1}", -EINVAL },
	{ "{\"e\":\"synced\",\"seq\":\"1\"}", -EINVAL },
	{ "{\"e\":\"synced\",\"seq\":1,\"\xff\":1}", -EINVAL },
	{ "{\"e\":\"hello\",\"v\":1,\"seq\":1}", -EINVAL },
	{ "{\"e\":\"hello\",\"v\":1,\"seq\":1,\"epoch\":\"0123456789abcdef0\"}", -EINVAL },
	{ "{\"e\":\"hello\",\"v\":1,\"seq\":1,\"epoch\":\"0\",\"threads\":4294967296}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"1\"}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"\",\"name\":\"a\"}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":1,\"name\":\"a\"}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"1234567890123456789\",\"name\":\"a\"}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"1\",\"name\":\"a\\u0000b\"}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"1\",\"name\":\"a\",\"shared\":1}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"1\",\"name\":\"a\",\"transport\":\"carrier\"}", 0 },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"1\",\"name\":\"a\",\"transport\":\"carriers\"}",
	  -EINVAL },
	{ "{\"e\":\"snap\",\"seq\":1,\"id\":\"1\",\"name\":\"a\"}", -EINVAL },
	{ SOME_END "\"totals\":[1,2,3,4,5,6,7,8,9,10]}", -EINVAL },
	{ SOME_END "\"totals\":[1,2,3,4,5,6,7,-8,9,10,11]}", -EINVAL },
	{ SOME_END "\"totals\":[1,2,3,4,5,6,7,8,9,10,11.5]}", -EINVAL },
	{ SOME_END "\"totals\":{}}", -EINVAL },
	{ SOME_END "\"totals\":[1,2,3,4,5,6,7,8,9,10,11],\"sat\":1}", -EINVAL },
	{ SOME_END "\"totals\":[1,2,3,4,5,6,7,8,9,10,11],\"seq\":1}", -EINVAL },
	{ "{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"name\":\"\",\"ended_ms\":1,\"exact\":true,"
	  "\"totals\":[1,2,3,4,5,6,7,8,9,10,11]}",
	  -EINVAL },
	{ "{\"e\":\"sum\",\"epoch\":\"0\",\"seq\":1,\"ends\":2,\"from_ms\":1,\"to_ms\":2,"
	  "\"totals\":[1,2,3,4,5,6,7,8,9,10,11]}",
	  -EINVAL },
	{ "{\"e\":\"denied\",\"reason\":\"quota\"}", -EINVAL },
	{ "{\"e\":\"denied\",\"reason\":\"quota\",\"n\":1,\"call\":\"x\"}", -EINVAL },
	{ "{\"e\":\"secrets\"}", -EINVAL },
	{ "{\"e\":\"secrets\",\"ids\":{}}", -EINVAL },
	{ "{\"e\":\"secrets\",\"ids\":[\"k1\"]}", -EINVAL },
	{ "{\"e\":\"secrets\",\"ids\":[[\"k1\"]]}", -EINVAL },
	{ "{\"e\":\"secrets\",\"ids\":[[\"\",\"00000000\"]]}", -EINVAL },
	{ "{\"e\":\"secrets\",\"ids\":[[\"k1\",\"000000000\"]]}", -EINVAL },
	{ "{\"e\":\"drain\"}", -EINVAL },
	{ "{\"e\":\"new\",\"seq\":1,\"id\":\"a b\",\"name\":\"a\"}", -EINVAL },
	{ "{\"e\":\"usage\"}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":{}}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[1]}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[[]]}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[[1,1,2,3,4,5,6,7,8,9,10,11]]}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[[\"1\",1,2,3,4,5,6,7,8,9,10]]}", -EINVAL },
	{ "{\"e\":\"reply\"}", -EINVAL },
	{ "{\"e\":\"reply\",\"ok\":1}", -EINVAL },
	{ "{\"e\":\"x\",\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", -EINVAL },
};

START_TEST(lines_are_taken_or_refused)
{
	ck_assert_msg(parse_text(lines[_i].text) == lines[_i].r, "%s", lines[_i].text);
}
END_TEST

START_TEST(a_line_cut_anywhere_is_refused)
{
	int n = relay_write_snap(line, sizeof(line), 7, &alice, &some) - 1;

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(parse(line, (size_t)i), -EINVAL);
}
END_TEST

START_TEST(an_over_long_line_is_refused)
{
	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"e\":\"x\"}", 9);
	ck_assert_int_eq(parse(line, RELAY_LINE_MAX - 1), 0);
	ck_assert_int_eq(parse(line, RELAY_LINE_MAX), -EINVAL);
}
END_TEST

START_TEST(a_line_that_does_not_fit_is_not_written)
{
	static char extra[RELAY_LINE_MAX];
	static char big[2 * RELAY_LINE_MAX];
	int n = relay_write_snap(line, sizeof(line), 7, &alice, &some);

	for (int i = 0; i < n; i++) {
		char *p = malloc((size_t)i + 1);

		p[i] = 'x';
		ck_assert_int_eq(relay_write_snap(p, (size_t)i, 7, &alice, &some), -ENOBUFS);
		ck_assert_int_eq(p[i], 'x');
		free(p);
	}
	ck_assert_int_eq(relay_write_snap(line, (size_t)n, 7, &alice, &some), n);
	/* nor one that the other side would refuse */
	memset(extra, ' ', sizeof(extra) - 1);
	ck_assert_int_eq(relay_write_ok(big, sizeof(big), 1, 1, extra), -ENOBUFS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_event");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_test(t, hello_is_read_as_written);
	tcase_add_test(t, a_hello_of_minor_0_is_read);
	tcase_add_test(t, a_hello_of_a_later_minor_is_read);
	tcase_add_test(t, another_major_version_is_named);
	tcase_add_test(t, allocations_are_read_as_written);
	tcase_add_test(t, user_and_call_are_written_for_readers);
	tcase_add_test(t, any_bytes_of_a_name_make_a_valid_line);
	tcase_add_test(t, synced_is_read_as_written);
	tcase_add_test(t, a_full_usage_line_is_read_as_written);
	tcase_add_test(t, more_rows_than_a_line_may_have_are_refused);
	tcase_add_test(t, end_is_read_as_written);
	tcase_add_test(t, a_shared_name_says_no_user_and_no_call_at_its_end);
	tcase_add_test(t, sum_is_read_as_written);
	tcase_add_test(t, denied_is_read_as_written);
	tcase_add_test(t, as_many_secrets_as_a_file_may_have_fit_a_line);
	tcase_add_test(t, more_secrets_than_a_file_may_have_are_refused);
	tcase_add_test(t, drain_is_read_as_written);
	tcase_add_test(t, totals_stay_at_the_maximum);
	tcase_add_test(t, totals_too_large_for_us_are_saturated);
	tcase_add_test(t, replies_are_read_as_written);
	tcase_add_loop_test(t, lines_are_taken_or_refused, 0, (int)COUNT(lines));
	tcase_add_test(t, a_line_cut_anywhere_is_refused);
	tcase_add_test(t, an_over_long_line_is_refused);
	tcase_add_test(t, a_line_that_does_not_fit_is_not_written);
	suite_add_tcase(s, t);
	return run_suite(s);
}
