/* check_call_group.c - a group that rings: who is called, who answers, and who is told what
 *
 * A is user 1 and calls; B, C, D ... are users 2, 3, 4 ... */
#include <time.h>

#include "calls_world.h"

static void join_all(char last)
{
	char id[8];

	for (char l = 'A'; l <= last; l++) {
		snprintf(id, sizeof(id), "%d", l - 'A' + 1);
		join(l, id);
	}
}

static void group_call(char letter, const char *room, const char *more)
{
	say(letter, "group_call:initiate",
	    "{\"groupId\":7,\"initiatedBy\":%d,\"callType\":\"audio\",\"roomName\":\"%s\","
	    "\"sdpOffer\":" SDP_O "%s}",
	    letter - 'A' + 1, room, more);
}

static void ring_group(char last, const char *members)
{
	char more[256];

	join_all(last);
	snprintf(more, sizeof(more), ",\"memberIds\":%s", members);
	group_call('A', "g", more);
}

static void reject(char letter, const char *room)
{
	say(letter, "call:reject", "{\"roomName\":\"%s\"}", room);
}

/* --- who is called ------------------------------------------------------------- */

START_TEST(every_member_but_the_caller_is_rung_once_on_every_socket)
{
	join('E', "2");
	ring_group('D', "[1,2,3,\"2\",4]");
	TOLD("E call:incoming, B call:incoming, C call:incoming, D call:incoming");
	for (size_t i = 0; i < 4; i++) {
		FIELD(i, "groupId", "7");
		FIELD(i, "isGroupCall", "true");
		FIELD(i, "fromId", "1");
		FIELD(i, "sdpOffer", SDP_O);
	}
	FIELD(1, "toId", "2");
	ck_assert_ptr_nonnull(strstr(field(2, "iceServers"), ":3:0000000000000000000001\""));
	state_is("ringing");
	ck_assert_uint_eq(call_members_n(the_call()), 4);
}
END_TEST

START_TEST(call_initiate_with_a_group_is_the_same)
{
	join_all('C');
	say('A', "call:initiate",
	    "{\"groupId\":\"g7\",\"fromId\":1,\"callType\":\"audio\",\"roomName\":\"g\","
	    "\"sdpOffer\":" SDP_O ",\"memberIds\":[2,3]}");
	TOLD("B call:incoming, C call:incoming");
	FIELD(0, "groupId", "\"g7\"");
	ck_assert_int_eq(call_kind(the_call()), CALL_RING_GROUP);
}
END_TEST

START_TEST(a_group_rings_without_an_offer)
{
	join_all('C');
	say('A', "group_call:initiate",
	    "{\"groupId\":\"g7\",\"initiatedBy\":1,\"callType\":\"audio\",\"roomName\":\"g\","
	    "\"memberIds\":[1,2,3]}");
	TOLD("B call:incoming, C call:incoming");
	FIELD(0, "sdpOffer", "");
	FIELD(0, "isGroupCall", "true");
	say('A', "group_call:initiate",
	    "{\"groupId\":\"g7\",\"initiatedBy\":1,\"callType\":\"audio\",\"roomName\":\"g\","
	    "\"memberIds\":[1,2,3]}");
	TOLD("B call:incoming, C call:incoming"); /* a repeat rings nobody */
}
END_TEST

START_TEST(a_group_nobody_knows_the_members_of_is_not_called)
{
	static const char *const bad[] = { "", ",\"memberIds\":[]", ",\"memberIds\":[1]",
					   ",\"memberIds\":[2,{}]", ",\"memberIds\":{}" };

	join_all('B');
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget();
		group_call('A', "g", bad[i]);
		ck_assert_str_eq(sent[sent_n - 1].event, "call:error");
		FIELD(sent_n - 1, "code", "\"malformed\"");
	}
	COUNTED(CALLS_N_MALFORMED, sizeof(bad) / sizeof(bad[0]));
	COUNTED(CALLS_N_STARTED, 0);
}
END_TEST

START_TEST(members_beyond_the_limit_are_not_called_and_counted)
{
	cfg.group_members_max = 3;
	restart();
	ring_group('E', "[2,3,4,5]");
	TOLD("B call:incoming, C call:incoming");
	COUNTED(CALLS_N_REFUSED_MEMBERS, 2);
}
END_TEST

START_TEST(where_members_are_known_only_those_are_called)
{
	static const char *const members[] = { "1", "2", "3", NULL };

	group = members;
	restart();
	join_all('D');
	group_call('A', "g", "");
	TOLD("B call:incoming, C call:incoming");
	end('A', "g");
	forget();
	group_call('A', "g", ",\"memberIds\":[3,4]");
	TOLD("C call:incoming");
	end('A', "g");
	forget();
	group_call('D', "g", ",\"memberIds\":[1,2]"); /* no member */
	TOLD("D call:ended, D call:error");
	FIELD(1, "code", "\"forbidden\"");
	answer_rc = -ENOENT;
	group_call('A', "g", "");
	FIELD(3, "code", "\"forbidden\"");
	answer_rc = -EHOSTDOWN;
	group_call('A', "g", "");
	FIELD(5, "code", "\"unavailable\"");
	COUNTED(CALLS_N_STARTED, 2);
}
END_TEST

START_TEST(a_group_call_waits_for_its_members)
{
	static const char *const members[] = { "1", "2", NULL };

	group = members;
	restart();
	join_all('B');
	answer_rc = -EAGAIN;
	group_call('A', "g", "");
	TOLD("");
	answer_rc = 0;
	calls_resume(cs, sockets[0], now());
	tick(0);
	TOLD("B call:incoming");
}
END_TEST

START_TEST(nobody_rings_who_has_blocked_the_caller)
{
	block_list = "1>3 ";
	restart();
	ring_group('D', "[2,3,4]");
	TOLD("B call:incoming, D call:incoming");
	ck_assert_uint_eq(asked, 3);
	COUNTED(CALLS_N_BLOCKED, 1);
}
END_TEST

START_TEST(who_is_busy_or_not_there_is_left_out)
{
	join_all('F');
	initiate('B', "2", "3", "x");
	accept('C', "x");
	forget();
	group_call('A', "g", ",\"memberIds\":[2,3,4,99]");
	TOLD("D call:incoming");
	end('C', "g");
	COUNTED(CALLS_N_LATE, 1);
	forget();
	reject('D', "g");
	TOLD("A call:rejected");
	FIELD(0, "rejectedBy", "4");
}
END_TEST

START_TEST(a_group_that_cannot_be_rung_ends_at_once)
{
	join_all('C');
	group_call('A', "g", ",\"memberIds\":[8,9]");
	TOLD("A call:ended, A call:error");
	FIELD(0, "code", "\"offline\"");
	initiate('B', "2", "3", "x");
	accept('C', "x");
	forget();
	group_call('A', "g", ",\"memberIds\":[2,3]");
	TOLD("A call:rejected, A call:error");
	FIELD(0, "code", "\"busy\"");
	forget();
	group_call('A', "g", ",\"memberIds\":[2,9]"); /* busy wins */
	TOLD("A call:rejected, A call:error");
	FIELD(0, "rejectedBy", "2");
	FIELD(1, "code", "\"busy\"");
}
END_TEST

START_TEST(with_offline_ring_a_group_is_waited_for)
{
	cfg.offline_rings = true;
	restart();
	join('A', "1");
	group_call('A', "g", ",\"memberIds\":[2,3]");
	TOLD("");
	join('B', "2");
	TOLD("B call:incoming");
	accept('B', "g");
	join('C', "3"); /* too late */
	TOLD("B call:incoming, A call:answer");
}
END_TEST

/* --- the answer ------------------------------------------------------------------ */

START_TEST(the_first_answer_wins_and_all_others_stop_ringing)
{
	join('E', "3");
	ring_group('D', "[2,3,4]");
	candidate('A', "g", "a1");
	candidate('B', "g", "b1");
	candidate('C', "g", "c1");
	forget();
	accept('C', "g");
	TOLD("A call:answer, A ice:candidate, B call:ended, E call:ended, D call:ended, "
	     "C ice:candidate");
	FIELD(0, "acceptedBy", "3");
	FIELD(1, "candidate", "\"c1\"");
	FIELD(2, "code", "\"answered_elsewhere\"");
	FIELD(4, "code", "\"answered_elsewhere\"");
	FIELD(5, "candidate", "\"a1\"");
	ck_assert_ptr_nonnull(strstr(notes, "left:g:2 ")); /* who had said something */
	ck_assert_ptr_null(strstr(notes, "left:g:4 "));
	forget();
	accept('B', "g");
	accept('B', "g");
	TOLD("B call:ended");
	FIELD(0, "code", "\"answered_elsewhere\"");
	COUNTED(CALLS_N_LATE, 2);
	forget();
	candidate('B', "g", "b2");
	end('B', "g");
	reject('D', "g");
	TOLD("");
	candidate('C', "g", "c2");
	candidate('A', "g", "a2");
	TOLD("A ice:candidate, C ice:candidate");
	forget();
	end('A', "g");
	TOLD("C call:ended");
	code_is("completed");
	ck_assert(call_member_was_in(the_call(), 2) && !call_member_was_in(the_call(), 1));
}
END_TEST

START_TEST(who_lost_a_group_call_is_free_for_others)
{
	ring_group('D', "[2,3]");
	accept('C', "g");
	forget();
	initiate('D', "4", "2", "g"); /* the same name, even */
	TOLD("B call:incoming");
	accept('B', "g");
	TOLD("B call:incoming, D call:answer");
	forget();
	initiate('D', "4", "3", "y");
	TOLD("D call:error"); /* C is busy, D in a call */
}
END_TEST

/* --- refusals --------------------------------------------------------------------- */

START_TEST(a_refusal_takes_out_only_who_refuses)
{
	join('E', "2");
	ring_group('D', "[2,3,4]");
	forget();
	reject('B', "g");
	TOLD("E call:ended");
	FIELD(0, "code", "\"rejected\"");
	FIELD(0, "endedBy", "2");
	reject('B', "g");
	reject('E', "g");
	COUNTED(CALLS_N_LATE, 2);
	forget();
	say('C', "call:end", "{\"roomName\":\"g\",\"reason\":\"not now\"}");
	TOLD("");
	reject('D', "g");
	TOLD("A call:rejected");
	FIELD(0, "rejectedBy", "4");
	FIELD(0, "code", "\"rejected\"");
	code_is("rejected");
}
END_TEST

START_TEST(a_refusal_counts_more_than_that_others_have_gone)
{
	ring_group('C', "[2,3]");
	reject('B', "g");
	forget();
	close_socket('C');
	tick(20000);
	TOLD("A call:rejected");
	FIELD(0, "code", "\"rejected\"");
	FIELD(0, "rejectedBy", "");
}
END_TEST

START_TEST(a_group_nobody_answers_ends_for_all_who_still_ring)
{
	ring_group('D', "[2,3,4]");
	reject('B', "g");
	forget();
	tick(45000);
	TOLD("A call:ended, C call:ended, D call:ended");
	code_is("no_answer");
}
END_TEST

START_TEST(a_caller_who_cancels_stops_all_who_ring)
{
	ring_group('C', "[2,3]");
	forget();
	end('A', "g");
	TOLD("B call:ended, C call:ended");
	FIELD(0, "code", "\"cancelled\"");
	accept('B', "g");
	FIELD(2, "code", "\"cancelled\"");
}
END_TEST

START_TEST(a_group_call_said_again_is_the_same_and_under_another_name_replaces_it)
{
	ring_group('C', "[2,3]");
	forget();
	group_call('A', "g", ",\"memberIds\":[2,3]");
	TOLD("");
	COUNTED(CALLS_N_ECHO, 1);
	group_call('A', "h", ",\"memberIds\":[2,3]");
	TOLD("B call:ended, C call:ended, B call:incoming, C call:incoming");
	FIELD(0, "code", "\"replaced\"");
}
END_TEST

START_TEST(an_admin_who_sends_one_away_ends_only_his_part_of_what_rings)
{
	ring_group('C', "[2,3]");
	forget();
	calls_kick_user(cs, "2", NULL, now());
	TOLD("");
	state_is("ringing");
	accept('C', "g");
	forget();
	calls_kick_user(cs, "3", NULL, now());
	TOLD("A call:ended, C call:ended");
	code_is("server");
}
END_TEST

/* --- size --------------------------------------------------------------------------- */

static size_t incoming_n;

static int count_only(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	(void)handle;
	(void)args;
	(void)n;
	(void)ctx;
	incoming_n += strcmp(event, "call:incoming") == 0;
	return 0;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

START_TEST(the_biggest_group_with_all_its_sockets_is_rung_and_stopped_without_a_pause)
{
	const struct calls_ops ops = { .emit = count_only, .ack = ack };
	char handle, json[64], more[256] = ",\"memberIds\":[";
	struct calls *before = cs;
	struct call_socket *s;
	struct json_slice arg;
	double since;

	ck_assert_int_eq(calls_new(&cs, &cfg, &ops), 0);
	join('A', "1");
	for (int u = 2; u <= 32; u++) {
		snprintf(json, sizeof(json), "%d", u);
		arg = (struct json_slice){ json, strlen(json) };
		for (int i = 0; i < 32; i++) {
			ck_assert_int_eq(calls_socket_opened(cs, &handle, "192.0.2.1", &s), 0);
			calls_event(cs, s, "user:join", &arg, 1, -1, now());
		}
		snprintf(more + strlen(more), sizeof(more) - strlen(more), "%s%d", u > 2 ? "," : "",
			 u);
	}
	strcat(more, "]");
	since = seconds();
	group_call('A', "g", more);
	end('A', "g");
	ck_assert_uint_eq(incoming_n, 31 * 32);
	ck_assert_double_lt(seconds() - since, 0.25); /* 5 ms; sanitizers are slow */
	calls_free(cs);
	cs = before;
	memset(sockets, 0, sizeof(sockets));
}
END_TEST

/* Whatever allocation fails, the module goes on and nothing leaks. */
START_TEST(running_out_of_memory_anywhere_is_survived)
{
	for (long n = 0; n < 60; n++) {
		restart();
		for (char l = 'A'; l <= 'C'; l++)
			open_socket(l);
		fail_in = n;
		say('A', "user:join", "1");
		say('B', "user:join", "2");
		say('C', "user:join", "3");
		group_call('A', "g", ",\"memberIds\":[2,3]");
		candidate('A', "g", "a");
		candidate('B', "g", "b");
		reject('C', "g");
		accept('B', "g");
		end('A', "g");
		fail_in = -1;
		forget();
		join_all('A'); /* another socket */
		say('B', "user:join", "2");
		group_call('A', "again", ",\"memberIds\":[2]");
		TOLD("B call:incoming");
		close_socket('A');
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_group");
	TCase *t = tcase_create("call_group");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_member_but_the_caller_is_rung_once_on_every_socket);
	tcase_add_test(t, call_initiate_with_a_group_is_the_same);
	tcase_add_test(t, a_group_rings_without_an_offer);
	tcase_add_test(t, a_group_nobody_knows_the_members_of_is_not_called);
	tcase_add_test(t, members_beyond_the_limit_are_not_called_and_counted);
	tcase_add_test(t, where_members_are_known_only_those_are_called);
	tcase_add_test(t, a_group_call_waits_for_its_members);
	tcase_add_test(t, nobody_rings_who_has_blocked_the_caller);
	tcase_add_test(t, who_is_busy_or_not_there_is_left_out);
	tcase_add_test(t, a_group_that_cannot_be_rung_ends_at_once);
	tcase_add_test(t, with_offline_ring_a_group_is_waited_for);
	tcase_add_test(t, the_first_answer_wins_and_all_others_stop_ringing);
	tcase_add_test(t, who_lost_a_group_call_is_free_for_others);
	tcase_add_test(t, a_refusal_takes_out_only_who_refuses);
	tcase_add_test(t, a_refusal_counts_more_than_that_others_have_gone);
	tcase_add_test(t, a_group_nobody_answers_ends_for_all_who_still_ring);
	tcase_add_test(t, a_caller_who_cancels_stops_all_who_ring);
	tcase_add_test(t, a_group_call_said_again_is_the_same_and_under_another_name_replaces_it);
	tcase_add_test(t, an_admin_who_sends_one_away_ends_only_his_part_of_what_rings);
	tcase_add_test(t,
		       the_biggest_group_with_all_its_sockets_is_rung_and_stopped_without_a_pause);
	tcase_add_test(t, running_out_of_memory_anywhere_is_survived);
	suite_add_tcase(s, t);
	return run_suite(s);
}
