/* check_views.c - the documents of PROTOCOL.md, to the byte */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/views.h"
#include "run_suite.h"

#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define CALL_B "BBBBBBBBBBBBBBBBBBBBBB"
#define WALL_MS 1769860800123
#define NOW_MS 1000000

struct walk {
	const struct view_call *calls;
	size_t n, at;
};

static struct json_out out;
static struct usage *u;

struct walks {
	struct walk *live, *ended;
};

static bool next_call(struct walk *w, struct view_call *c)
{
	if (!w || w->at == w->n)
		return false;
	*c = w->calls[w->at++];
	return true;
}

static bool next_live(void *ctx, struct view_call *c)
{
	return next_call(((struct walks *)ctx)->live, c);
}

static bool next_ended(void *ctx, struct view_call *c)
{
	return next_call(((struct walks *)ctx)->ended, c);
}

static struct json_slice slice(const char *text)
{
	return (struct json_slice){ text, strlen(text) };
}

static void event(enum relay_event_type type, const char *id, const char *name, uint64_t sent,
		  uint64_t received)
{
	static struct relay_event ev;

	memset(&ev, 0, sizeof(ev));
	ev.type = type;
	snprintf(ev.alloc.id, sizeof(ev.alloc.id), "%s", id);
	snprintf(ev.alloc.name, sizeof(ev.alloc.name), "%s", name);
	strcpy(ev.alloc.transport, "udp");
	strcpy(ev.alloc.relay_transport, "udp");
	strcpy(ev.alloc.client, "192.0.2.1:50000");
	strcpy(ev.alloc.relayed, "198.51.100.1:49160");
	ev.alloc.age_ms = 1000;
	ev.totals.peer_sent_bytes = sent;
	ev.totals.peer_sent_packets = sent / 100;
	ev.totals.peer_received_bytes = received;
	ev.totals.peer_received_packets = received / 100;
	ev.totals.client_sent_bytes = 77777;
	ev.totals.wire_bytes = received + 1000;
	ev.totals.dropped_packets = 2;
	ev.totals.dropped_bytes = 120;
	ck_assert_int_eq(usage_event(u, &ev, NOW_MS), 0);
}

static const char *text_of(struct json_out *o)
{
	static char text[16384];

	ck_assert(!o->failed);
	ck_assert_uint_lt(o->n, sizeof(text));
	memcpy(text, o->p, o->n);
	text[o->n] = '\0';
	ck_assert_int_eq(json_check(text, o->n, 16), 0);
	return text;
}

/* The document, taken in pieces of at least so many bytes. */
static const char *stats_in_pieces(struct walks *w, bool connected, size_t bytes)
{
	struct usage_walk *loose;
	struct view_stats_doc doc = {
		.s = {
			.next_live = next_live,
			.next_ended = next_ended,
			.ctx = w,
			.live_n = w->live ? w->live->n : 0,
			.usage = u,
			.connected = connected,
			.now_ms = WALL_MS,
			.wall_offset_ms = WALL_MS - NOW_MS,
		},
	};
	struct json_out piece;
	bool more = true;

	ck_assert_int_eq(usage_walk_new(&loose, u), 0);
	doc.s.loose = loose;
	json_out_heap(&piece, 1 << 20);
	json_out_reset(&out);
	while (more) {
		piece.n = 0;
		more = view_stats_more(&doc, &piece, bytes);
		ck_assert(!piece.failed);
		json_out_bytes(&out, piece.p, piece.n);
	}
	json_out_free(&piece);
	usage_walk_free(loose);
	return text_of(&out);
}

/* Whole, and the same in pieces of any size. */
static const char *stats(struct walk *live, struct walk *ended, bool connected)
{
	struct walks w = { live, ended };
	size_t live_at = live ? live->at : 0, ended_at = ended ? ended->at : 0, bytes;
	char *whole = strdup(stats_in_pieces(&w, connected, SIZE_MAX));

	for (bytes = 1; bytes < strlen(whole); bytes += 1 + bytes / 4) {
		if (live)
			live->at = live_at;
		if (ended)
			ended->at = ended_at;
		ck_assert_str_eq(stats_in_pieces(&w, connected, bytes), whole);
	}
	free(whole);
	return text_of(&out);
}

static void setup(void)
{
	json_out_heap(&out, 1 << 20);
	ck_assert_int_eq(usage_new(&u, NULL, NULL, NULL), 0);
}

static void teardown(void)
{
	usage_free(u);
	json_out_free(&out);
}

START_TEST(nothing_going_on_is_a_whole_document)
{
	ck_assert_str_eq(
		stats(NULL, NULL, false),
		"{\"success\":true,\"stats\":{\"totalCalls\":0,\"calls\":[],\"endedCalls\":[],"
		"\"relay\":{\"connected\":false,\"liveAllocations\":0,\"unattributed\":{"
		"\"allocations\":[],\"sentBytes\":0,\"receivedBytes\":0,\"wireBytes\":0,"
		"\"droppedPackets\":0,\"droppedBytes\":0}}},"
		"\"timestamp\":1769860800123}");
}
END_TEST

START_TEST(a_call_is_reported_with_its_relay)
{
	static const struct view_user members[] = { { "123", { "123", 3 } }, { "bob", { 0 } } };
	const struct view_call call = {
		.call_id = CALL_A,
		.room_name = "room \"1\"",
		.call_type = "video",
		.state = "active",
		.initiator = members[0],
		.participants = members,
		.participants_n = 2,
		.start_ms = WALL_MS - 100000,
		.answer_ms = WALL_MS - 95999,
		.duration_ms = 95999,
	};
	struct walk w = { &call, 1, 0 };

	ck_assert_int_eq(usage_call_begin(u, CALL_A), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "123", "192.0.2.1"), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "bob", "192.0.2.2"), 0);
	event(RELAY_SNAP, "001000000000000001", "1700000000:123:" CALL_A, 1500, 700);
	event(RELAY_SNAP, "001000000000000002", "1700000000:carol", 5, 6);
	ck_assert_str_eq(
		stats(&w, NULL, true),
		"{\"success\":true,\"stats\":{\"totalCalls\":1,\"calls\":[{"
		"\"roomName\":\"room \\\"1\\\"\",\"callId\":\"" CALL_A
		"\",\"participants\":[123,\"bob\"],"
		"\"callType\":\"video\",\"state\":\"active\",\"startTime\":1769860700123,"
		"\"answerTime\":1769860704124,\"initiator\":123,\"duration\":95,\"relay\":{"
		"\"allocations\":1,\"liveAllocations\":1,\"sentBytes\":1500,\"receivedBytes\":700,"
		"\"wireBytes\":1700,"
		"\"droppedPackets\":2,\"droppedBytes\":120,"
		"\"sentPackets\":15,\"receivedPackets\":7,\"exact\":true,\"participants\":["
		"{\"userId\":123,\"sentBytes\":1500,\"receivedBytes\":700,\"wireBytes\":1700,"
		"\"droppedPackets\":2,\"droppedBytes\":120,\"allocations\":["
		"{\"id\":\"001000000000000001\",\"transport\":\"udp\",\"client\":\"192.0.2.1:"
		"50000\","
		"\"relayed\":\"198.51.100.1:49160\",\"by\":\"name\",\"sentBytes\":1500,"
		"\"receivedBytes\":700,\"wireBytes\":1700,"
		"\"droppedPackets\":2,\"droppedBytes\":120,\"live\":true,\"since\":1769860799123}]}"
		","
		"{\"userId\":\"bob\",\"sentBytes\":0,\"receivedBytes\":0,\"wireBytes\":0,"
		"\"droppedPackets\":0,\"droppedBytes\":0,\"allocations\":[]}]}}],"
		"\"endedCalls\":[],\"relay\":{\"connected\":true,\"liveAllocations\":2,"
		"\"unattributed\":{\"allocations\":[{\"id\":\"001000000000000002\","
		"\"transport\":\"udp\",\"client\":\"192.0.2.1:50000\","
		"\"relayed\":\"198.51.100.1:49160\",\"sentBytes\":5,\"receivedBytes\":6,"
		"\"wireBytes\":1006,"
		"\"droppedPackets\":2,\"droppedBytes\":120,"
		"\"live\":true,\"since\":1769860799123}],\"sentBytes\":5,\"receivedBytes\":6,"
		"\"wireBytes\":1006,"
		"\"droppedPackets\":2,\"droppedBytes\":120}}},"
		"\"timestamp\":1769860800123}");
}
END_TEST

START_TEST(an_ended_call_says_when_and_why)
{
	static const struct view_user members[] = { { "1", { "1", 1 } }, { "2", { "2", 1 } } };
	const struct view_call calls[] = {
		{ .call_id = CALL_A,
		  .room_name = "a",
		  .call_type = "audio",
		  .state = "ended",
		  .initiator = { "1", { "1", 1 } },
		  .participants = members,
		  .participants_n = 2,
		  .group = { .id = "g" },
		  .start_ms = WALL_MS - 9000,
		  .answer_ms = WALL_MS - 8000,
		  .duration_ms = 6500,
		  .end_ms = WALL_MS - 1500,
		  .end_reason = "user_ended",
		  .end_code = "completed" },
		{ .call_id = CALL_B,
		  .room_name = "b",
		  .call_type = "audio",
		  .state = "ended",
		  .initiator = { "1", { "1", 1 } },
		  .participants = members,
		  .participants_n = 1,
		  .start_ms = WALL_MS - 9000,
		  .end_ms = WALL_MS,
		  .end_reason = "rejected" },
	};
	struct walk w = { calls, 2, 0 };
	const char *text = stats(NULL, &w, true);

	ck_assert_ptr_nonnull(strstr(text, "\"calls\":[],\"endedCalls\":[{\"roomName\":\"a\""));
	ck_assert_ptr_nonnull(strstr(
		text,
		"\"endTime\":1769860798623,\"endReason\":\"user_ended\","
		"\"endCode\":\"completed\",\"initiator\":1,\"groupId\":\"g\",\"duration\":6,"));
	/* never answered: no answerTime, no duration */
	ck_assert_ptr_nonnull(strstr(text,
				     "\"startTime\":1769860791123,\"endTime\":1769860800123,"
				     "\"endReason\":\"rejected\",\"initiator\":1,\"duration\":0,"));
}
END_TEST

START_TEST(totals_are_whole_numbers_up_to_their_maximum)
{
	static const struct view_user alice = { "alice", { 0 } };
	const struct view_call call = { .call_id = CALL_A,
					.room_name = "r",
					.call_type = "video",
					.state = "active",
					.initiator = { "alice", { 0 } },
					.participants = &alice,
					.participants_n = 1 };
	struct walk w = { &call, 1, 0 };
	const char *text;

	ck_assert_int_eq(usage_call_begin(u, CALL_A), 0);
	event(RELAY_SNAP, "1", "1700000000:alice:" CALL_A, 9007199254740990, 4294967297);
	text = stats(&w, NULL, true);
	ck_assert_ptr_nonnull(strstr(text, "\"sentBytes\":9007199254740990,"
					   "\"receivedBytes\":4294967297,\"wireBytes\":4294968297,"
					   "\"droppedPackets\":2,\"droppedBytes\":120,"));
	ck_assert_ptr_nonnull(strstr(text, "\"exact\":true"));
	event(RELAY_SNAP, "2", "1700000000:alice:" CALL_A, 5, 5);
	w.at = 0;
	text = stats(&w, NULL, true);
	ck_assert_ptr_nonnull(strstr(text, "\"allocations\":2,\"liveAllocations\":2,"
					   "\"sentBytes\":9007199254740991,"
					   "\"receivedBytes\":4294967302,\"wireBytes\":4294969302,"
					   "\"droppedPackets\":4,\"droppedBytes\":240,"));
	ck_assert_ptr_nonnull(strstr(text, "\"exact\":false"));
}
END_TEST

START_TEST(a_call_that_usage_refused_is_reported_with_zeros)
{
	static const struct view_user alice = { "alice", { 0 } };
	const struct view_call call = { .call_id = CALL_A,
					.room_name = "r",
					.call_type = "video",
					.state = "ringing",
					.initiator = { "alice", { 0 } },
					.participants = &alice,
					.participants_n = 1,
					.start_ms = 1,
					.answer_ms = WALL_MS + 3600000, /* the clock went back */
					.duration_ms = 5999 };
	struct walk w = { &call, 1, 0 };
	const char *text = stats(&w, NULL, true);

	ck_assert_ptr_nonnull(strstr(text,
				     "\"relay\":{\"allocations\":0,\"liveAllocations\":0,"
				     "\"sentBytes\":0,\"receivedBytes\":0,\"wireBytes\":0,"
				     "\"droppedPackets\":0,\"droppedBytes\":0,\"sentPackets\":0,"
				     "\"receivedPackets\":0,\"exact\":true,\"participants\":[]}"));
	ck_assert_ptr_nonnull(strstr(text, "\"duration\":5,"));
}
END_TEST

START_TEST(a_document_that_does_not_fit_is_a_failure)
{
	char small[64];
	struct json_out o;
	struct walks none = { NULL, NULL };
	struct view_stats_doc doc = {
		.s = { .next_live = next_live, .next_ended = next_ended, .ctx = &none, .usage = u }
	};

	json_out_fixed(&o, small, sizeof(small));
	view_stats_more(&doc, &o, SIZE_MAX);
	ck_assert(o.failed);
}
END_TEST

START_TEST(health_says_time_uptime_and_turn)
{
	view_health(&out, WALL_MS, 12345, true);
	ck_assert_str_eq(text_of(&out),
			 "{\"status\":\"ok\",\"timestamp\":\"2026-01-31T12:00:00.123Z\","
			 "\"uptime\":12.345,\"turn\":{\"connected\":true}}");
}
END_TEST

START_TEST(the_count_of_calls_is_a_number)
{
	view_active_count(&out, 2, WALL_MS);
	ck_assert_str_eq(text_of(&out),
			 "{\"success\":true,\"activeCallsCount\":2,\"timestamp\":1769860800123}");
}
END_TEST

START_TEST(times_are_utc_with_milliseconds)
{
	static const struct {
		int64_t ms;
		const char *text;
	} t[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951782400007, "2000-02-29T00:00:00.007Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ 253402300800000, "" },
		{ -1, "" },
	};
	char text[VIEW_TIME_LEN + 1];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		view_time(text, t[i].ms);
		ck_assert_str_eq(text, t[i].text);
	}
}
END_TEST

START_TEST(ids_keep_their_type_in_every_place)
{
	static const struct view_user members[] = { { "7", { "7", 1 } }, { "8", { 0 } } };
	const struct view_call call = { .call_id = CALL_A,
					.room_name = "r",
					.call_type = "video",
					.state = "active",
					.initiator = { "8", { 0 } },
					.participants = members,
					.participants_n = 2,
					.group = { .id = "42", .json = slice("42") } };
	struct walk w = { &call, 1, 0 };
	const char *text;

	ck_assert_int_eq(usage_call_begin(u, CALL_A), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "7", NULL), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "8", NULL), 0);
	event(RELAY_SNAP, "1", "1700000000:9:" CALL_A, 1, 1); /* named, not a member */
	text = stats(&w, NULL, true);
	ck_assert_ptr_nonnull(strstr(text, "\"participants\":[7,\"8\"]"));
	ck_assert_ptr_nonnull(strstr(text, "\"initiator\":\"8\",\"groupId\":42,"));
	ck_assert_ptr_nonnull(strstr(text, "{\"userId\":7,"));
	ck_assert_ptr_nonnull(strstr(text, "{\"userId\":\"8\","));
	ck_assert_ptr_nonnull(strstr(text, "{\"userId\":\"9\","));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing_going_on_is_a_whole_document,
		a_call_is_reported_with_its_relay,
		an_ended_call_says_when_and_why,
		totals_are_whole_numbers_up_to_their_maximum,
		a_call_that_usage_refused_is_reported_with_zeros,
		a_document_that_does_not_fit_is_a_failure,
		health_says_time_uptime_and_turn,
		the_count_of_calls_is_a_number,
		times_are_utc_with_milliseconds,
		ids_keep_their_type_in_every_place,
	};
	Suite *s = suite_create("views");
	TCase *tc = tcase_create("all");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	return run_suite(s);
}
