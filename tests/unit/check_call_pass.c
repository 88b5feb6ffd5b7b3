/* check_call_pass.c - what goes through a call as it is: renegotiation, media states, rooms; and
 * call_signal */
#include "calls_fixture.h"
#include "nth_alloc.h"
#include "run_suite.h"

#define R "\"roomName\":\"r\""

START_TEST(each_event_that_passes_has_its_name_and_fields_on_the_other_side)
{
	static const struct {
		const char *event, *payload, *out, *args;
	} rows[] = {
		{ "call:toggle_audio", "{" R ",\"userId\":1,\"audioEnabled\":false}",
		  "participant:audio_changed", "{" R ",\"userId\":1,\"audioEnabled\":false}" },
		{ "call:toggle_video", "{" R ",\"videoEnabled\":true}", "participant:video_changed",
		  "{" R ",\"userId\":1,\"videoEnabled\":true}" },
		{ "call:toggle_media", "{" R ",\"userId\":\"1\",\"video\":false,\"audio\":true}",
		  "user:media_changed", "{" R ",\"userId\":1,\"audio\":true,\"video\":false}" },
		{ "call:screen_share", "{" R ",\"userId\":1,\"action\":\"start\"}",
		  "call:screen_share", "{" R ",\"userId\":1,\"action\":\"start\"}" },
		{ "call:noise_cancellation", "{" R ",\"enabled\":true,\"x\":null}",
		  "call:noise_cancellation", "{" R ",\"userId\":1,\"enabled\":true}" },
		{ "call:renegotiate",
		  "{" R ",\"fromUserId\":1,\"toUserId\":2,\"sdpOffer\":\"o\",\"type\":\"evil\"}",
		  "call:renegotiate",
		  "{" R ",\"fromUserId\":1,\"sdpOffer\":\"o\",\"type\":\"renegotiate\"}" },
		{ "call:renegotiate_answer", "{" R ",\"sdpAnswer\":\"a\"}",
		  "call:renegotiate_answer",
		  "{" R ",\"fromUserId\":1,\"sdpAnswer\":\"a\",\"type\":\"renegotiate_answer\"}" },
		{ "call:join_room", "{" R ",\"userId\":1}", "user:joined_call",
		  "{" R ",\"userId\":1}" },
	};

	active();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say('A', rows[i].event, "%s", rows[i].payload);
		ck_assert_uint_eq(sent_n, 1);
		ck_assert_int_eq(sent[0].to, 'B');
		ck_assert_str_eq(sent[0].event, rows[i].out);
		ARGS(0, rows[i].args);
		forget();
	}
	COUNTED(CALLS_N_MALFORMED, 0);
}
END_TEST

START_TEST(a_recording_is_told_to_all_with_the_time)
{
	active();
	say('B', "call:recording", "{" R ",\"userName\":\"Bo\",\"action\":\"stop\"}");
	TOLD("A call:recording, B call:recording");
	for (size_t i = 0; i < 2; i++)
		ARGS(i, "{" R ",\"userId\":2,\"userName\":\"Bo\",\"action\":\"stop\","
			"\"timestamp\":1700000001000}");
	forget();
	say('B', "call:recording", "{" R ",\"action\":\"start\"}");
	FIELD(0, "userName", "");
}
END_TEST

START_TEST(media_states_are_of_active_calls_and_of_the_sockets_in_them)
{
	static const char *const payloads[][2] = {
		{ "call:toggle_audio", "{" R ",\"audioEnabled\":true}" },
		{ "call:toggle_video", "{" R ",\"videoEnabled\":true}" },
		{ "call:toggle_media", "{" R ",\"audio\":true,\"video\":true}" },
		{ "call:screen_share", "{" R ",\"action\":\"start\"}" },
		{ "call:recording", "{" R ",\"action\":\"start\"}" },
		{ "call:noise_cancellation", "{" R ",\"enabled\":true}" },
	};
	const size_t n = sizeof(payloads) / sizeof(payloads[0]);

	ringing();
	for (size_t i = 0; i < n; i++) {
		say('A', payloads[i][0], "%s", payloads[i][1]);
		say('B', payloads[i][0], "%s", payloads[i][1]);
	}
	COUNTED(CALLS_N_OUT_OF_PLACE, 2 * n);
	accept('B', "r");
	forget();
	join('C', "2"); /* another device of the callee's */
	join('D', "3");
	for (size_t i = 0; i < n; i++) {
		say('C', payloads[i][0], "%s", payloads[i][1]);
		say('D', payloads[i][0], "%s", payloads[i][1]);
	}
	TOLD("");
	COUNTED(CALLS_N_ECHO, n);
	COUNTED(CALLS_N_FOREIGN, n);
	end('A', "r");
	forget();
	for (size_t i = 0; i < n; i++)
		say('B', payloads[i][0], "%s", payloads[i][1]);
	TOLD("");
	COUNTED(CALLS_N_LATE, n);
}
END_TEST

START_TEST(who_is_only_invited_to_a_group_call_shows_it_nothing)
{
	join('A', "1");
	join('B', "2");
	join('C', "3");
	say('A', "group_call:join", "{" R ",\"callType\":\"video\",\"memberIds\":[2,3]}");
	say('B', "group_call:join", "{" R "}");
	forget();
	say('C', "call:toggle_audio", "{" R ",\"audioEnabled\":false}");
	say('C', "call:recording", "{" R ",\"action\":\"start\"}");
	TOLD("");
	COUNTED(CALLS_N_OUT_OF_PLACE, 2);
	say('B', "call:toggle_audio", "{" R ",\"audioEnabled\":false}");
	TOLD("A participant:audio_changed");
}
END_TEST

START_TEST(fields_missing_or_of_another_type_are_malformed)
{
	static const char *const payloads[][2] = {
		{ "call:toggle_audio", "{" R "}" },
		{ "call:toggle_audio", "{" R ",\"audioEnabled\":1}" },
		{ "call:toggle_audio", "{" R ",\"audioEnabled\":null}" },
		{ "call:toggle_video", "{" R ",\"videoEnabled\":\"true\"}" },
		{ "call:toggle_media", "{" R ",\"audio\":true}" },
		{ "call:screen_share", "{" R ",\"action\":true}" },
		{ "call:screen_share",
		  "{" R ",\"action\":\"a word of more than thirty-two bytes!\"}" },
		{ "call:screen_share", "{\"action\":\"start\"}" },
		{ "call:recording", "{" R "}" },
		{ "call:noise_cancellation", "{" R ",\"enabled\":{}}" },
		{ "call:renegotiate", "{" R ",\"sdpOffer\":\"\"}" },
		{ "call:renegotiate", "{" R ",\"sdpOffer\":5}" },
		{ "call:renegotiate_answer", "{" R "}" },
		{ "call:join_room", "{\"roomName\":\"\"}" },
		{ "call:leave_room", "7" },
	};

	active();
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		say('A', payloads[i][0], "%s", payloads[i][1]);
		TOLD("A call:error");
		FIELD(0, "code", "\"malformed\"");
		forget();
	}
}
END_TEST

START_TEST(an_sdp_beyond_the_limit_goes_nowhere)
{
	active();
	say('A', "call:renegotiate", "{" R ",\"sdpOffer\":\"%0*d\"}", CALLS_SDP_BYTES_MAX - 2, 0);
	TOLD("B call:renegotiate");
	forget();
	say('A', "call:renegotiate", "{" R ",\"sdpOffer\":\"%0*d\"}", CALLS_SDP_BYTES_MAX - 1, 0);
	TOLD("A call:error");
}
END_TEST

START_TEST(nobody_speaks_in_anothers_name)
{
	active();
	say('A', "call:toggle_audio", "{" R ",\"userId\":2,\"audioEnabled\":true}");
	say('A', "call:renegotiate", "{" R ",\"fromUserId\":2,\"sdpOffer\":\"o\"}");
	TOLD("A call:error, A call:error");
	FIELD(0, "code", "\"forbidden\"");
	forget();
	say('A', "call:renegotiate", "{" R ",\"toUserId\":3,\"sdpOffer\":\"o\"}");
	TOLD("");
	COUNTED(CALLS_N_FORBIDDEN, 2);
	COUNTED(CALLS_N_FOREIGN, 1);
}
END_TEST

START_TEST(a_renegotiation_before_the_answer_follows_it)
{
	ringing();
	say('B', "call:renegotiate", "{" R ",\"sdpOffer\":\"more\"}");
	TOLD("");
	accept('B', "r");
	TOLD("A call:answer, A call:renegotiate");
	FIELD(1, "sdpOffer", "\"more\"");
}
END_TEST

START_TEST(a_renegotiation_waits_for_a_leg_that_is_away)
{
	active();
	close_socket('B');
	say('A', "call:renegotiate", "{" R ",\"sdpOffer\":\"1\"}");
	say('A', "call:toggle_audio", "{" R ",\"audioEnabled\":true}"); /* only for show */
	say('A', "call:renegotiate", "{" R ",\"sdpOffer\":\"2\"}");
	join('B', "2");
	TOLD("B call:renegotiate, B call:renegotiate");
	FIELD(0, "sdpOffer", "\"1\"");
	FIELD(1, "sdpOffer", "\"2\"");
}
END_TEST

/* --- rooms ------------------------------------------------------------------- */

START_TEST(who_enters_the_room_of_a_ringing_call_is_announced_to_the_caller)
{
	ringing();
	say('A', "call:join_room", "{" R ",\"userId\":1}"); /* Android's, behind call:initiate */
	TOLD("");
	say('B', "call:join_room", "{" R ",\"userId\":2}");
	TOLD("A user:joined_call");
	ARGS(0, "{" R ",\"userId\":2}");
}
END_TEST

START_TEST(leaving_the_room_ends_a_call_the_caller_makes_and_one_that_is_active)
{
	ringing();
	say('B', "call:leave_room", "{" R "}"); /* it may still ring on another device */
	TOLD("A user:left_call");
	forget();
	say('A', "call:leave_room", "{" R "}");
	TOLD("B call:ended");
	FIELD(0, "code", "\"cancelled\"");
	forget();
	initiate('A', "1", "2", "r");
	accept('B', "r");
	forget();
	say('B', "call:leave_room", "{" R ",\"userId\":2}");
	TOLD("A call:ended");
	FIELD(0, "code", "\"completed\"");
	FIELD(0, "endedBy", "2");
	forget();
	say('B', "call:leave_room", "{" R ",\"userId\":2}");
	say('A', "call:leave_room", "{" R ",\"userId\":1}");
	TOLD("");
	ck_assert_ptr_null(live_call());
}
END_TEST

START_TEST(only_the_leg_leaves_an_active_call)
{
	active();
	join('C', "1");
	say('C', "call:leave_room", "{" R "}");
	TOLD("");
	COUNTED(CALLS_N_ECHO, 1);
	ck_assert_ptr_nonnull(live_call());
}
END_TEST

START_TEST(entering_the_room_of_a_call_that_is_over_closes_the_screen_once)
{
	ringing();
	end('A', "r");
	forget();
	join('C', "2"); /* the answering screen comes up */
	say('C', "call:join_room", "{" R ",\"userId\":2}");
	accept('C', "r");
	say('C', "call:join_room", "{" R ",\"userId\":2}");
	TOLD("C call:ended");
	FIELD(0, "code", "\"cancelled\"");
}
END_TEST

START_TEST(entering_the_room_of_what_another_device_answered_closes_the_screen_once)
{
	active();
	join('C', "2");
	say('C', "call:join_room", "{" R ",\"userId\":2}");
	accept('C', "r");
	TOLD("C call:ended");
	FIELD(0, "code", "\"answered_elsewhere\"");
	forget();
	say('B', "call:join_room", "{" R ",\"userId\":2}"); /* the leg itself */
	TOLD("A user:joined_call");
}
END_TEST

START_TEST(an_unknown_room_is_entered_without_a_word)
{
	join('A', "1");
	say('A', "call:join_room", "{" R ",\"userId\":1}");
	say('A', "call:leave_room", "{" R ",\"userId\":1}");
	TOLD("");
	COUNTED(CALLS_N_FOREIGN, 2);
}
END_TEST

/* --- call_signal --------------------------------------------------------------- */

#define OFFER                                                                                      \
	"{\"type\":\"offer\",\"to\":2,\"from\":1,\"sdp\":{\"type\":\"offer\",\"sdp\":\"v=0\"}}"
#define ROOM "signal_0000000000000000000001"

/* A (user 1) is a Windows client and has called B (user 2). */
static void signalled(void)
{
	open_socket('A');
	join('B', "2");
	say('A', "call_signal", OFFER);
}

START_TEST(an_offer_rings_those_who_know_call_incoming)
{
	signalled();
	TOLD("B call:incoming");
	FIELD(0, "roomName", "\"" ROOM "\"");
	FIELD(0, "callId", "\"0000000000000000000001\"");
	FIELD(0, "sdpOffer", "\"v=0\"");
	FIELD(0, "callType", "\"audio\"");
	FIELD(0, "fromId", "1");
	FIELD(0, "toId", "2");
}
END_TEST

START_TEST(an_offer_with_a_picture_is_a_video_call)
{
	open_socket('A');
	join('B', "2");
	say('A', "call_signal",
	    "{\"type\":\"offer\",\"to\":2,\"from\":1,\"sdp\":\"v=0\\r\\nm=video 9\"}");
	FIELD(0, "callType", "\"video\"");
}
END_TEST

START_TEST(an_offer_goes_as_it_came_to_those_who_know_call_signal)
{
	const struct calls_identity two = { .id = { .text = "2", .number = true } };

	open_socket('A');
	open_socket('B');
	ck_assert_int_eq(calls_identify(cs, sockets[1], &two, now()), 0);
	call_socket_signals(sockets[1])->hears = true; /* as by its join */
	say('A', "call_signal", OFFER);
	TOLD("B call_signal");
	ARGS(0, OFFER);
	ck_assert_int_eq(call_state(live_call()), CALL_RINGING);
	join('C', "2"); /* comes later, knows the other words */
	TOLD("B call_signal, C call:incoming");
}
END_TEST

START_TEST(an_offer_to_nobody_is_answered_in_the_words_of_all)
{
	open_socket('A');
	say('A', "call_signal", OFFER);
	TOLD("A call:ended, A call:error");
	FIELD(0, "code", "\"offline\"");
	FIELD(1, "code", "\"offline\"");
}
END_TEST

START_TEST(what_comes_back_is_said_in_its_words)
{
	signalled();
	forget();
	say('B', "ice:candidate",
	    "{\"roomName\":\"" ROOM "\",\"candidate\":\"c\",\"sdpMid\":\"0\"}");
	accept('B', ROOM);
	say('B', "ice:candidate",
	    "{\"roomName\":\"" ROOM "\",\"candidate\":{\"candidate\":\"d\"}}");
	say('B', "call:renegotiate", "{\"roomName\":\"" ROOM "\",\"sdpOffer\":\"more\"}");
	end('B', ROOM);
	TOLD("A call_signal, A call_signal, A call_signal, A call_signal, A call_signal");
	FIELD(0, "type", "\"answer\"");
	FIELD(0, "from", "2");
	FIELD(0, "to", "1");
	FIELD(0, "sdp", "{\"type\":\"answer\",\"sdp\":" SDP_A "}");
	FIELD(0, "roomName", "\"" ROOM "\"");
	FIELD(1, "type", "\"candidate\"");
	FIELD(1, "candidate", "{\"candidate\":\"c\",\"sdpMid\":\"0\"}");
	FIELD(2, "candidate", "{\"candidate\":\"d\"}");
	FIELD(3, "type", "\"offer\"");
	FIELD(3, "sdp", "{\"type\":\"offer\",\"sdp\":\"more\"}");
	FIELD(4, "type", "\"end\"");
	FIELD(4, "code", "\"completed\"");
}
END_TEST

START_TEST(a_client_of_call_signal_can_answer_trickle_and_end)
{
	signalled();
	open_socket('C');
	say('C', "call_signal", "{\"type\":\"end\",\"to\":1,\"from\":3}");
	COUNTED(CALLS_N_FOREIGN, 1);
	forget();
	say('B', "call_signal",
	    "{\"type\":\"answer\",\"to\":1,\"from\":2,\"sdp\":{\"type\":\"answer\",\"sdp\":\"x\"}"
	    "}");
	say('B', "call_signal",
	    "{\"type\":\"candidate\",\"to\":1,\"candidate\":{\"candidate\":\"c\",\"sdpMLineIndex\":"
	    "0}}");
	say('A', "call_signal", "{\"type\":\"candidate\",\"to\":2,\"candidate\":\"d\"}");
	TOLD("A call_signal, A call_signal, B call_signal");
	FIELD(0, "sdp", "{\"type\":\"answer\",\"sdp\":\"x\"}");
	FIELD(1, "candidate", "{\"candidate\":\"c\",\"sdpMLineIndex\":0}");
	FIELD(2, "candidate", "{\"candidate\":\"d\"}");
	forget();
	say('A', "call_signal", "{\"type\":\"end\",\"to\":2,\"reason\":\"bye\"}");
	TOLD("B call_signal");
	FIELD(0, "reason", "\"bye\"");
	ck_assert_ptr_null(live_call());
	forget();
	initiate('A', "1", "2", "r"); /* and in the words of all again */
	TOLD("B call:incoming");
}
END_TEST

START_TEST(calls_made_in_the_words_of_all_are_told_in_them_whatever_else_the_socket_says)
{
	active();
	say('A', "call_signal", "{\"type\":\"end\",\"to\":9}");
	say('A', "call_signal",
	    "{\"type\":\"candidate\",\"to\":2,\"roomName\":\"r\",\"candidate\":\"c\"}");
	TOLD("B ice:candidate");
	forget();
	say('B', "ice:candidate", "{\"roomName\":\"r\",\"candidate\":\"d\"}");
	end('B', "r");
	TOLD("A ice:candidate, A call:ended");
}
END_TEST

START_TEST(a_call_signal_that_says_nothing_or_lies_is_refused)
{
	static const struct {
		const char *payload, *code;
	} rows[] = {
		{ "{\"type\":\"offer\",\"to\":2,\"from\":1}", "\"malformed\"" },
		{ "{\"type\":\"offer\",\"to\":2,\"from\":1,\"sdp\":{\"type\":\"offer\"}}",
		  "\"malformed\"" },
		{ "{\"type\":\"offer\",\"to\":2,\"from\":1,\"sdp\":{\"sdp\":7}}", "\"malformed\"" },
		{ "{\"type\":\"dance\",\"to\":2,\"from\":1}", "\"malformed\"" },
		{ "{\"type\":\"offer\",\"from\":1,\"sdp\":\"v=0\"}", "\"malformed\"" },
		{ "\"offer\"", "\"malformed\"" },
		{ "{\"type\":\"offer\",\"to\":2,\"from\":3,\"sdp\":\"v=0\"}", "\"forbidden\"" },
	};

	join('A', "1");
	join('B', "2");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say('A', "call_signal", "%s", rows[i].payload);
		TOLD("A call:error");
		FIELD(0, "code", rows[i].code);
		forget();
	}
	open_socket('C');
	say('C', "call_signal", "{\"type\":\"offer\",\"to\":2,\"sdp\":\"v=0\"}");
	FIELD(0, "code", "\"not_joined\"");
}
END_TEST

/* --- call:register ---------------------------------------------------------------- */

START_TEST(call_register_takes_either_id_and_the_socket_rings_from_then_on)
{
	join('A', "1");
	open_socket('B');
	open_socket('C');
	say('B', "call:register", "{\"userId\":2,\"user_id\":2}");
	say('C', "call:register", "{\"user_id\":\"2\"}");
	initiate('A', "1", "2", "r");
	TOLD("B call:incoming, C call:incoming");
	forget();
	say('C', "call:register", "{\"userId\":2}"); /* again: rung already */
	TOLD("");
	open_socket('D');
	say('D', "call:register", "{\"userId\":2,\"user_id\":3}");
	FIELD(0, "code", "\"forbidden\"");
	forget();
	say('D', "call:register", "{}");
	FIELD(0, "code", "\"malformed\"");
}
END_TEST

/* --- out of memory --------------------------------------------------------------- */

static void hand(char letter, const char *event, const char *json)
{
	struct json_slice arg = { json, strlen(json) };

	MUST(calls_event(cs, sockets[letter - 'A'], event, &arg, 1, -1, now()));
}

static int emit_nothing(void *handle, const char *event, const char *text, size_t n, void *ctx)
{
	(void)handle;
	(void)event;
	(void)ctx;
	return json_check(text, n, 16);
}

/* What one Windows client and one Android phone say in a call. */
static void a_signalled_call(void)
{
	if (calls_new(&cs, &cfg, &ops) < 0)
		return;
	for (int i = 0; i < 2; i++)
		if (calls_socket_opened(cs, &letters[i], "192.0.2.1", &sockets[i]) < 0)
			goto out;
	hand('B', "call:register", "{\"userId\":2}");
	hand('A', "call_signal", OFFER);
	hand('B', "call:join_room", "{\"roomName\":\"" ROOM "\"}");
	hand('B', "call:renegotiate", "{\"roomName\":\"" ROOM "\",\"sdpOffer\":\"o\"}");
	hand('B', "call:accept", "{\"roomName\":\"" ROOM "\",\"sdpAnswer\":\"a\"}");
	hand('A', "call_signal", "{\"type\":\"candidate\",\"to\":2,\"candidate\":\"c\"}");
	hand('B', "ice:candidate", "{\"roomName\":\"" ROOM "\",\"candidate\":\"d\"}");
	hand('B', "call:toggle_audio", "{\"roomName\":\"" ROOM "\",\"audioEnabled\":true}");
	hand('B', "call:leave_room", "{\"roomName\":\"" ROOM "\"}");
	hand('A', "call_signal", "{\"type\":\"end\",\"to\":2}");
	for (int i = 0; i < 2; i++)
		calls_socket_closed(cs, sockets[i], now());
	clock_ms += cfg.times.grace_ms + cfg.times.ring_ms;
	while (calls_tick(cs, now()))
		;
	MUST(call_table_live_n(calls_table(cs)) == 0);
out:
	calls_free(cs);
	cs = NULL;
	ids = 0;
}

START_TEST(whatever_allocation_fails_the_calls_of_call_signal_end)
{
	teardown();
	ops.emit = emit_nothing;
	with_each_allocation_failing(a_signalled_call);
	ops.emit = emit;
	start();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_pass");
	TCase *t = tcase_create("pass");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_event_that_passes_has_its_name_and_fields_on_the_other_side);
	tcase_add_test(t, a_recording_is_told_to_all_with_the_time);
	tcase_add_test(t, media_states_are_of_active_calls_and_of_the_sockets_in_them);
	tcase_add_test(t, who_is_only_invited_to_a_group_call_shows_it_nothing);
	tcase_add_test(t, fields_missing_or_of_another_type_are_malformed);
	tcase_add_test(t, an_sdp_beyond_the_limit_goes_nowhere);
	tcase_add_test(t, nobody_speaks_in_anothers_name);
	tcase_add_test(t, a_renegotiation_before_the_answer_follows_it);
	tcase_add_test(t, a_renegotiation_waits_for_a_leg_that_is_away);
	suite_add_tcase(s, t);

	t = tcase_create("rooms");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, who_enters_the_room_of_a_ringing_call_is_announced_to_the_caller);
	tcase_add_test(t, leaving_the_room_ends_a_call_the_caller_makes_and_one_that_is_active);
	tcase_add_test(t, only_the_leg_leaves_an_active_call);
	tcase_add_test(t, entering_the_room_of_a_call_that_is_over_closes_the_screen_once);
	tcase_add_test(t, entering_the_room_of_what_another_device_answered_closes_the_screen_once);
	tcase_add_test(t, an_unknown_room_is_entered_without_a_word);
	suite_add_tcase(s, t);
	t = tcase_create("signal");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_offer_rings_those_who_know_call_incoming);
	tcase_add_test(t, an_offer_with_a_picture_is_a_video_call);
	tcase_add_test(t, an_offer_goes_as_it_came_to_those_who_know_call_signal);
	tcase_add_test(t, an_offer_to_nobody_is_answered_in_the_words_of_all);
	tcase_add_test(t, what_comes_back_is_said_in_its_words);
	tcase_add_test(t, a_client_of_call_signal_can_answer_trickle_and_end);
	tcase_add_test(
		t, calls_made_in_the_words_of_all_are_told_in_them_whatever_else_the_socket_says);
	tcase_add_test(t, a_call_signal_that_says_nothing_or_lies_is_refused);
	tcase_add_test(t, call_register_takes_either_id_and_the_socket_rings_from_then_on);
	tcase_add_test(t, whatever_allocation_fails_the_calls_of_call_signal_end);
	suite_add_tcase(s, t);
	return run_suite(s);
}
