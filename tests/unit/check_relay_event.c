/* check_relay_event.c - the admin socket's lines, there and back */
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

static const struct relay_totals some = { 1, 2, 3, 4, 5, 6, 7, RELAY_TOTAL_MAX - 1, false };

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
		RELAY_PROTOCOL_MAJOR, "0123456789abcdef", "4.6.1-2+signald1", 2, 2000, 17, 3
	};

	must_be_line(relay_write_hello(line, sizeof(line), &h));
	ck_assert_int_eq(ev.type, RELAY_HELLO);
	ck_assert_uint_eq(ev.hello.major, 1);
	ck_assert_str_eq(ev.hello.epoch, h.epoch);
	ck_assert_str_eq(ev.hello.version, h.version);
	ck_assert_uint_eq(ev.hello.relay_threads, 2);
	ck_assert_uint_eq(ev.hello.interval_ms, 2000);
	ck_assert_uint_eq(ev.hello.seq, 17);
	ck_assert_uint_eq(ev.hello.live, 3);
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

START_TEST(a_full_usage_line_is_read_as_written)
{
	static struct relay_usage_row rows[RELAY_USAGE_ROWS + 1];

	for (size_t i = 0; i < RELAY_USAGE_ROWS; i++) {
		struct relay_totals *t = &rows[i].totals;

		snprintf(rows[i].id, sizeof(rows[i].id), "%018zu", i);
		*t = (struct relay_totals){ RELAY_TOTAL_MAX - i, RELAY_TOTAL_MAX, RELAY_TOTAL_MAX,
					    RELAY_TOTAL_MAX,	 RELAY_TOTAL_MAX, RELAY_TOTAL_MAX,
					    RELAY_TOTAL_MAX,	 RELAY_TOTAL_MAX, true };
	}
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
		n += (size_t)sprintf(line + n, "%s[\"1\",1,2,3,4,5,6,7,8]", i ? "," : "");
	n += (size_t)sprintf(line + n, "]}");
	ck_assert_int_eq(parse(line, n), -EINVAL);
}
END_TEST

START_TEST(end_is_read_as_written)
{
	char longer[2 * RELAY_REASON_MAX];

	must_be_line(relay_write_end(line, sizeof(line), 8, &alice, &some, "allocation timeout"));
	ck_assert_int_eq(ev.type, RELAY_END);
	ck_assert_uint_eq(ev.seq, 8);
	ck_assert_str_eq(ev.alloc.id, alice.id);
	ck_assert_str_eq(ev.alloc.name, alice.name);
	ck_assert_uint_eq(ev.alloc.age_ms, alice.age_ms);
	must_be_totals(&ev.totals, &some);
	ck_assert_str_eq(ev.reason, "allocation timeout");
	must_be_line(relay_write_end(line, sizeof(line), 8, &alice, &some, NULL));
	ck_assert_str_eq(ev.reason, "");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	must_be_line(relay_write_end(line, sizeof(line), 8, &alice, &some, longer));
	ck_assert_uint_eq(strlen(ev.reason), RELAY_REASON_MAX);
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
	n = relay_write_end(line, sizeof(line), 1, &alice, &t, NULL);
	must_be_line(n);
	ck_assert(line_has(n, ",7,9007199254740991],\"sat\":true"));
	ck_assert(ev.totals.saturated);
	ck_assert_uint_eq(ev.totals.peer_sent_bytes, RELAY_TOTAL_MAX);

	relay_totals_add(&sum, &(struct relay_totals){ 1, 1, 1, 1, 1, 1, 1, 0, false });
	ck_assert(!sum.saturated);
	ck_assert_uint_eq(sum.client_received_packets, 2);
	ck_assert_uint_eq(sum.peer_sent_packets, 8);
	relay_totals_add(&sum, &some);
	ck_assert(sum.saturated);
	ck_assert_uint_eq(sum.peer_sent_bytes, RELAY_TOTAL_MAX);
	relay_totals_add(&sum, &(struct relay_totals){ UINT64_MAX, 0, 0, 0, 0, 0, 0, 0, false });
	ck_assert_uint_eq(sum.client_received_packets, RELAY_TOTAL_MAX);
	memset(&sum, 0, sizeof(sum));
	relay_totals_add(&sum, &(struct relay_totals){ .saturated = true });
	ck_assert(sum.saturated);
}
END_TEST

START_TEST(totals_too_large_for_us_are_saturated)
{
	ck_assert_int_eq(parse_text("{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"totals\":"
				    "[1,2,3,4,5,6,7,99999999999999999999999]}"),
			 0);
	ck_assert(ev.totals.saturated);
	ck_assert_uint_eq(ev.totals.peer_sent_bytes, RELAY_TOTAL_MAX);
	ck_assert_int_eq(
		parse_text("{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"sat\":false,\"totals\":"
			   "[1,2,3,4,5,6,7,9007199254740992],\"sat\":false}"),
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
	{ "{\"e\":\"usage\",\"s\":[[\"1\",1,2,3,4,5,6,7,8,true,\"more\"]]}", 0 },
	{ "{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"totals\":[1,2,3,4,5,6,7,8,9]}", 0 },
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
	{ "{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"totals\":[1,2,3,4,5,6,7]}", -EINVAL },
	{ "{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"totals\":[1,2,3,4,5,6,7,-8]}", -EINVAL },
	{ "{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"totals\":[1,2,3,4,5,6,7,8.5]}", -EINVAL },
	{ "{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"totals\":{}}", -EINVAL },
	{ "{\"e\":\"end\",\"seq\":1,\"id\":\"1\",\"totals\":[1,2,3,4,5,6,7,8],\"sat\":1}",
	  -EINVAL },
	{ "{\"e\":\"usage\"}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":{}}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[1]}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[[]]}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[[1,1,2,3,4,5,6,7,8]]}", -EINVAL },
	{ "{\"e\":\"usage\",\"s\":[[\"1\",1,2,3,4,5,6,7]]}", -EINVAL },
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

/* --- commands ------------------------------------------------------------------------ */
START_TEST(commands_are_read_as_written)
{
	static const struct relay_command commands[] = {
		{ .type = RELAY_SUB },
		{ .type = RELAY_STATS, .id = 1 },
		{ .type = RELAY_LIST, .id = UINT64_MAX, .user = "7" },
		{ .type = RELAY_KILL,
		  .id = 2,
		  .alloc = "000000000000000042",
		  .reason = "call ended" },
		{ .type = RELAY_KILL, .id = 3, .call = CALL, .user = "a.b@c" },
	};

	for (size_t i = 0; i < COUNT(commands); i++) {
		int n = relay_command_write(line, sizeof(line), &commands[i]);
		struct relay_command c;
		const char *err;

		ck_assert_int_gt(n, 1);
		ck_assert_int_eq(line[n - 1], '\n');
		ck_assert_int_eq(relay_command_parse(line, (size_t)n - 1, &c, &err), 0);
		ck_assert_mem_eq(&c, &commands[i], sizeof(c));
		for (int cut = 0; cut < n - 1; cut++)
			ck_assert_int_eq(relay_command_parse(line, (size_t)cut, &c, &err), -EINVAL);
		ck_assert_int_eq(relay_command_write(line, (size_t)n - 1, &commands[i]), -ENOBUFS);
	}
}
END_TEST

static const struct {
	const char *text;
	uint64_t id;
	const char *err; /* NULL: fine */
} typed[] = {
	{ "{\"c\":\"list\",\"user\":7}", 0, NULL },
	{ "{\"c\":\"list\",\"user\":-7,\"more\":{}}", 0, NULL },
	{ "{\"c\":\"kill\",\"id\":1,\"user\":\"7\",\"reason\":\"\"}", 1, NULL },
	{ "", 0, "not a JSON object with \"c\"" },
	{ "kill", 0, "not a JSON object with \"c\"" },
	{ "[\"c\"]", 0, "not a JSON object with \"c\"" },
	{ "{\"c\":null}", 0, "not a JSON object with \"c\"" },
	{ "{\"c\":\"Kill\",\"id\":4}", 4, "unknown command" },
	{ "{\"c\":\"a name longer than all of ours\",\"id\":4}", 4, "unknown command" },
	{ "{\"c\":\"\"}", 0, "unknown command" },
	{ "{\"c\":\"kill\",\"id\":4}", 4, "kill needs alloc, call or user" },
	{ "{\"c\":\"kill\",\"id\":4,\"reason\":\"x\"}", 4, "kill needs alloc, call or user" },
	{ "{\"c\":\"kill\",\"id\":\"4\"}", 0, "id is not a whole number" },
	{ "{\"c\":\"kill\",\"user\":\"\",\"id\":4}", 4, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":\"a:b\",\"id\":4}", 4, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":1.5}", 0, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":1e3}", 0, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":null}", 0, "user is not a user id" },
	{ "{\"c\":\"kill\",\"user\":\"a\",\"call\":\"\"}", 0, "call is not a call id" },
	{ "{\"c\":\"kill\",\"call\":\"x\"}", 0, "call is not a call id" },
	{ "{\"c\":\"kill\",\"alloc\":\"\"}", 0, "alloc is not an allocation id" },
	{ "{\"c\":\"kill\",\"alloc\":7}", 0, "alloc is not an allocation id" },
	{ "{\"c\":\"kill\",\"alloc\":\"7\",\"reason\":"
	  "\"0123456789012345678901234567890123456789012345678901234567890123\"}",
	  0, "reason is not a text of up to 63 bytes" },
};

START_TEST(typed_commands_are_taken_or_explained)
{
	struct relay_command c;
	const char *err = NULL;
	int r = relay_command_parse(typed[_i].text, strlen(typed[_i].text), &c, &err);

	ck_assert_int_eq(r, typed[_i].err ? -EINVAL : 0);
	ck_assert_uint_eq(c.id, typed[_i].id);
	if (typed[_i].err)
		ck_assert_str_eq(err, typed[_i].err);
}
END_TEST

START_TEST(a_typed_number_is_a_user_id)
{
	struct relay_command c;
	const char *err, *text = "{\"c\":\"list\",\"user\":7}";

	ck_assert_int_eq(relay_command_parse(text, strlen(text), &c, &err), 0);
	ck_assert_str_eq(c.user, "7");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_event");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_test(t, hello_is_read_as_written);
	tcase_add_test(t, another_major_version_is_named);
	tcase_add_test(t, allocations_are_read_as_written);
	tcase_add_test(t, user_and_call_are_written_for_readers);
	tcase_add_test(t, any_bytes_of_a_name_make_a_valid_line);
	tcase_add_test(t, synced_is_read_as_written);
	tcase_add_test(t, a_full_usage_line_is_read_as_written);
	tcase_add_test(t, more_rows_than_a_line_may_have_are_refused);
	tcase_add_test(t, end_is_read_as_written);
	tcase_add_test(t, totals_stay_at_the_maximum);
	tcase_add_test(t, totals_too_large_for_us_are_saturated);
	tcase_add_test(t, replies_are_read_as_written);
	tcase_add_loop_test(t, lines_are_taken_or_refused, 0, (int)COUNT(lines));
	tcase_add_test(t, a_line_cut_anywhere_is_refused);
	tcase_add_test(t, an_over_long_line_is_refused);
	tcase_add_test(t, a_line_that_does_not_fit_is_not_written);
	tcase_add_test(t, commands_are_read_as_written);
	tcase_add_loop_test(t, typed_commands_are_taken_or_explained, 0, (int)COUNT(typed));
	tcase_add_test(t, a_typed_number_is_a_user_id);
	suite_add_tcase(s, t);
	return run_suite(s);
}
