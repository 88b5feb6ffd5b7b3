/* check_call_bounds.c - what one user's calls may do to another's
 *
 * A is user 1, B user 2 and so on. Whoever wants to be a nuisance is M, the victim V. */
#include "calls_world.h"

static void join_as(char letter, int user)
{
	char id[8];

	snprintf(id, sizeof(id), "%d", user);
	join(letter, id);
}

/* Users 1, 2, 3 ... on the sockets A, B, C ... */
static void join_all(char last)
{
	for (char l = 'A'; l <= last; l++)
		join_as(l, l - 'A' + 1);
}

static void group_call(char letter, const char *group_id, const char *room, const char *members)
{
	say(letter, "group_call:initiate",
	    "{\"groupId\":\"%s\",\"initiatedBy\":%d,\"callType\":\"audio\",\"roomName\":\"%s\","
	    "\"sdpOffer\":" SDP_O ",\"memberIds\":%s}",
	    group_id, letter - 'A' + 1, room, members);
}

static void reject(char letter, const char *room)
{
	say(letter, "call:reject", "{\"roomName\":\"%s\"}", room);
}

/* Users from 100 on, each of whom rings user 2. Returns how many were refused. */
static int ring_from_everywhere(int n)
{
	int refused = 0;
	char room[16], id[8];

	for (int i = 0; i < n; i++) {
		snprintf(room, sizeof(room), "m%d", i);
		snprintf(id, sizeof(id), "%d", 100 + i);
		join('M', id); /* moves the socket; its calls go on for their grace */
		forget();
		initiate('M', id, "2", room);
		refused += sent_n > 0 && strcmp(sent[0].event, "call:incoming") != 0;
	}
	return refused;
}

/* --- limits of a user -------------------------------------------------------- */

START_TEST(who_is_rung_by_many_can_call_and_answer)
{
	cfg.calls.per_user_max = 2;
	restart();
	join_all('C');
	ck_assert_int_eq(ring_from_everywhere(8), 0);
	forget();
	initiate('C', "3", "2", "friend");
	TOLD("B call:incoming");
	initiate('B', "2", "1", "mine");
	TOLD("B call:incoming, A call:incoming");
	end('B', "mine");
	forget();
	accept('B', "friend");
	TOLD("C call:answer");
}
END_TEST

START_TEST(who_is_rung_by_too_many_is_busy)
{
	join_all('C');
	ck_assert_int_eq(ring_from_everywhere(CALL_INVITATIONS_MAX + 3), 3);
	COUNTED(CALLS_N_REFUSED_USER_CALLS, 3);
	forget();
	initiate('A', "1", "2", "r");
	TOLD("A call:rejected, A call:error");
	FIELD(0, "code", "\"busy\"");
	FIELD(0, "rejectedBy", "2");
	initiate('B', "2", "3", "mine");
	TOLD("A call:rejected, A call:error, C call:incoming");
	tick(45000);
	forget();
	initiate('A', "1", "2", "r");
	TOLD("B call:incoming");
}
END_TEST

START_TEST(invitations_to_meshes_are_in_the_way_of_nothing)
{
	char room[16];

	cfg.calls.per_user_max = CALL_INVITATIONS_MAX + 4;
	restart();
	join_all('C');
	for (int i = 0; i < CALL_INVITATIONS_MAX + 2; i++) {
		snprintf(room, sizeof(room), "m%d", i);
		say('A', "group_call:join",
		    "{\"roomName\":\"%s\",\"callType\":\"audio\",\"memberIds\":[2]}", room);
	}
	COUNTED(CALLS_N_REFUSED_USER_CALLS, 2);
	forget();
	initiate('C', "3", "2", "r");
	TOLD("B call:incoming");
	accept('B', "r");
	TOLD("B call:incoming, C call:answer");
	forget();
	say('B', "group_call:join", "{\"roomName\":\"m%d\"}", CALL_INVITATIONS_MAX + 1);
	TOLD("A group_call:participant_joined, B group_call:joined"); /* rung or not */
}
END_TEST

START_TEST(nobody_is_in_more_calls_than_he_may)
{
	cfg.calls.per_user_max = 1;
	restart();
	join_all('D');
	initiate('A', "1", "2", "r");
	initiate('C', "3", "2", "s");
	accept('B', "r");
	forget();
	accept('B', "s");
	TOLD("B call:error");
	FIELD(0, "code", "\"too_many_calls\"");
	COUNTED(CALLS_N_REFUSED_USER_CALLS, 1);
	end('B', "r");
	forget();
	accept('B', "s"); /* that still rings */
	TOLD("C call:answer");
	forget();
	say('D', "group_call:join",
	    "{\"roomName\":\"m\",\"callType\":\"audio\",\"memberIds\":[2]}");
	forget();
	say('B', "group_call:join", "{\"roomName\":\"m\"}");
	TOLD("B call:error");
	FIELD(0, "code", "\"too_many_calls\"");
}
END_TEST

START_TEST(one_member_with_a_call_of_that_name_stops_no_group)
{
	join_all('D');
	initiate('D', "4", "2", "g");
	forget();
	group_call('A', "7", "g", "[2,3]");
	TOLD("C call:incoming");
	COUNTED(CALLS_N_REFUSED_ROOM, 1);
	end('A', "g");
	forget();
	say('A', "group_call:join",
	    "{\"roomName\":\"g\",\"callType\":\"audio\",\"memberIds\":[2,3]}");
	TOLD("C group_call:incoming, A group_call:joined");
}
END_TEST

/* --- who is not to know -------------------------------------------------------- */

START_TEST(with_offline_ring_a_blocked_call_is_like_one_nobody_answers)
{
	block_list = "1>2 ";
	cfg.offline_rings = true;
	restart();
	join_all('B');
	initiate('A', "1", "2", "r");
	TOLD("");
	state_is("initiated");
	COUNTED(CALLS_N_BLOCKED, 1);
	join('C', "2"); /* another device of the callee does not ring either */
	candidate('A', "r", "a");
	initiate('A', "1", "2", "r"); /* a retry */
	TOLD("");
	tick(44999);
	TOLD("");
	tick(1);
	TOLD("A call:ended");
	FIELD(0, "code", "\"no_answer\"");
	code_is("no_answer");
}
END_TEST

START_TEST(a_blocked_call_takes_nothing_from_the_callee)
{
	block_list = "1>2 1>3 ";
	cfg.offline_rings = true;
	restart();
	join_all('D');
	initiate('D', "4", "3", "other");
	accept('C', "other");
	initiate('A', "1", "2", "r");
	forget();
	initiate('B', "2", "4", "r"); /* the name is free */
	TOLD("B call:rejected, B call:error");
	forget();
	initiate('A', "1", "3", "s"); /* in a call, which is not to be seen */
	TOLD("");
	initiate('A', "1", "3", "other"); /* nor its name */
	TOLD("");
	end('A', "other");
	TOLD("");
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 2);
}
END_TEST

START_TEST(a_blocked_caller_does_not_learn_the_names_of_calls)
{
	block_list = "1>2 ";
	restart();
	join_all('C');
	initiate('C', "3", "2", "r");
	forget();
	initiate('A', "1", "2", "r");
	TOLD("A call:ended, A call:error");
	FIELD(1, "code", "\"offline\"");
}
END_TEST

START_TEST(with_offline_ring_a_group_waits_for_who_has_blocked_the_caller)
{
	block_list = "1>3 ";
	cfg.offline_rings = true;
	restart();
	join_all('C');
	group_call('A', "7", "g", "[2,3]");
	TOLD("B call:incoming");
	reject('B', "g");
	TOLD("B call:incoming");
	tick(45000);
	TOLD("B call:incoming, A call:ended");
	FIELD(1, "code", "\"no_answer\"");
	forget();
	group_call('A', "7", "h", "[2,3]");
	accept('B', "h");
	TOLD("B call:incoming, A call:answer");
}
END_TEST

/* --- one call of a group ---------------------------------------------------------- */

START_TEST(of_two_who_call_their_group_the_older_call_stays)
{
	join_all('C');
	group_call('A', "7", "g", "[2,3]");
	forget();
	group_call('B', "7", "h", "[1,3]");
	TOLD("B call:ended, B call:error");
	FIELD(0, "code", "\"replaced\"");
	FIELD(1, "code", "\"glare\"");
	forget();
	accept('B', "g");
	TOLD("A call:answer, C call:ended");
}
END_TEST

START_TEST(a_call_of_a_stranger_is_no_glare)
{
	join_all('D');
	group_call('D', "7", "g", "[1,2,3]"); /* whatever group D says it is */
	forget();
	group_call('A', "7", "h", "[2,3]");
	TOLD("B call:incoming, C call:incoming");
	forget();
	group_call('B', "8", "i", "[1,3]"); /* another group */
	ck_assert_str_eq(sent[0].event, "call:incoming");
}
END_TEST

/* --- bytes, time ------------------------------------------------------------------ */

START_TEST(an_offer_to_a_group_is_smaller_and_its_list_no_longer_than_needed)
{
	static char sdp[CALLS_SDP_BYTES_MAX], list[8192] = "[2";

	join_all('B');
	memset(sdp, 'x', sizeof(sdp));
	sdp[0] = sdp[CALLS_GROUP_SDP_BYTES_MAX - 1] = '"';
	sdp[CALLS_GROUP_SDP_BYTES_MAX] = '\0';
	say('A', "group_call:initiate",
	    "{\"groupId\":7,\"initiatedBy\":1,\"callType\":\"audio\",\"roomName\":\"r\","
	    "\"sdpOffer\":%s,\"memberIds\":[2]}",
	    sdp);
	TOLD("B call:incoming");
	sdp[CALLS_GROUP_SDP_BYTES_MAX - 1] = 'x';
	sdp[CALLS_GROUP_SDP_BYTES_MAX] = '"';
	sdp[CALLS_GROUP_SDP_BYTES_MAX + 1] = '\0';
	forget();
	say('A', "group_call:initiate",
	    "{\"groupId\":8,\"initiatedBy\":1,\"callType\":\"audio\",\"roomName\":\"s\","
	    "\"sdpOffer\":%s,\"memberIds\":[2]}",
	    sdp);
	FIELD(sent_n - 1, "code", "\"malformed\"");
	forget();
	initiate('A', "1", "2", "t"); /* one by one it may be as big as ever */
	TOLD("B call:incoming");
	for (int i = 0; i < 512; i++)
		strcat(list, ",2");
	strcat(list, "]");
	forget();
	group_call('A', "9", "u", list);
	FIELD(sent_n - 1, "code", "\"malformed\"");
}
END_TEST

START_TEST(one_call_does_not_keep_the_room_of_all_others)
{
	static char sdp[60000];

	cfg.held_bytes_max = 4 << 20;
	restart();
	join_all('D');
	memset(sdp, 'x', sizeof(sdp));
	sdp[0] = sdp[sizeof(sdp) - 2] = '"';
	sdp[sizeof(sdp) - 1] = '\0';
	initiate('A', "1", "2", "r");
	for (int i = 0; i < 64; i++) {
		say('A', "call:renegotiate", "{\"roomName\":\"r\",\"sdpOffer\":%s}", sdp);
		say('B', "call:renegotiate", "{\"roomName\":\"r\",\"sdpOffer\":%s}", sdp);
	}
	ck_assert_uint_gt(calls_counter(cs, CALLS_N_REFUSED_HELD), 100);
	ck_assert_uint_lt(calls_held_bytes(cs), (80 << 10) + (4 << 20) / 16);
	forget();
	initiate('C', "3", "4", "s");
	TOLD("D call:incoming");
	end('C', "s");
	end('A', "r");
	ck_assert_uint_eq(calls_held_bytes(cs), 0);
}
END_TEST

START_TEST(whoever_lists_calls_does_not_stop_the_clock)
{
	struct call_walk *lists[CALL_WALKS_MAX] = { NULL };
	int n = 0;

	ringing();
	while (call_walk_new(&lists[n], calls_table(cs)) == 0)
		n++;
	ck_assert_int_eq(n, 8);
	tick(45000);
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 0);
	while (n > 0)
		call_walk_free(lists[--n]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_bounds");
	TCase *t = tcase_create("call_bounds");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, who_is_rung_by_many_can_call_and_answer);
	tcase_add_test(t, who_is_rung_by_too_many_is_busy);
	tcase_add_test(t, invitations_to_meshes_are_in_the_way_of_nothing);
	tcase_add_test(t, nobody_is_in_more_calls_than_he_may);
	tcase_add_test(t, one_member_with_a_call_of_that_name_stops_no_group);
	tcase_add_test(t, with_offline_ring_a_blocked_call_is_like_one_nobody_answers);
	tcase_add_test(t, a_blocked_call_takes_nothing_from_the_callee);
	tcase_add_test(t, a_blocked_caller_does_not_learn_the_names_of_calls);
	tcase_add_test(t, with_offline_ring_a_group_waits_for_who_has_blocked_the_caller);
	tcase_add_test(t, of_two_who_call_their_group_the_older_call_stays);
	tcase_add_test(t, a_call_of_a_stranger_is_no_glare);
	tcase_add_test(t, an_offer_to_a_group_is_smaller_and_its_list_no_longer_than_needed);
	tcase_add_test(t, one_call_does_not_keep_the_room_of_all_others);
	tcase_add_test(t, whoever_lists_calls_does_not_stop_the_clock);
	suite_add_tcase(s, t);
	return run_suite(s);
}
