/* check_call_legs.c - whose socket speaks for a member, and what calls stand in each other's way */
#include "calls_world.h"

static void identify(char letter, const char *id, int64_t expires_s)
{
	struct calls_identity who = { .expires_s = expires_s };

	snprintf(who.id.text, sizeof(who.id.text), "%s", id);
	open_socket(letter);
	ck_assert_int_eq(calls_identify(cs, sockets[letter - 'A'], &who, now()), 0);
}

static const char *ended_code(size_t i)
{
	static char text[32];

	ck_assert_str_eq(sent[i].event, "call:ended");
	snprintf(text, sizeof(text), "%s", field(i, "code"));
	return text;
}

/* --- legs --------------------------------------------------------------------- */

START_TEST(an_orphaned_leg_goes_to_the_youngest_free_socket_after_the_wait)
{
	active();
	join('C', "2");
	join('D', "2");
	join('E', "3");
	identify('F', "2", 0);	      /* for chat alone */
	initiate('E', "3", "1", "x"); /* busy; nothing to do with it */
	close_socket('B');
	forget();
	tick(2999);
	candidate('A', "r", "a1");
	TOLD("");
	tick(1);
	TOLD("D ice:candidate, C ice:candidate");
	forget();
	candidate('D', "r", "d");
	candidate('C', "r", "c");
	COUNTED(CALLS_N_ECHO, 1);
	TOLD("A ice:candidate");
	tick(60000);
	state_is("active");
}
END_TEST

/* An application has several call sockets; which has the call on its screen nobody says. */
START_TEST(all_that_came_back_hear_of_the_call_until_one_of_them_speaks)
{
	active();
	close_socket('B');
	join('C', "2");
	join('D', "2");
	candidate('A', "r", "a1");
	TOLD("C ice:candidate, D ice:candidate");
	forget();
	candidate('D', "r", "d");
	candidate('A', "r", "a2");
	TOLD("A ice:candidate, D ice:candidate");
	forget();
	end('C', "r");
	COUNTED(CALLS_N_ECHO, 1);
	TOLD("");
	end('D', "r");
	TOLD("A call:ended");
	state_is("ended");
}
END_TEST

START_TEST(the_screen_that_came_back_second_can_hang_up_and_is_told_of_it)
{
	active();
	close_socket('B');
	join('C', "2");
	join('D', "2");
	end('D', "r");
	TOLD("A call:ended");
	forget();
	initiate('A', "1", "2", "s");
	accept('D', "s");
	close_socket('D');
	join('E', "2");
	join('F', "2");
	forget();
	end('A', "s");
	TOLD("F call:ended, E call:ended");
}
END_TEST

START_TEST(a_socket_that_is_a_leg_elsewhere_takes_no_other)
{
	cfg.busy_rings = true;
	restart();
	active();
	join('C', "2");
	join('D', "3");
	initiate('C', "2", "3", "other");
	close_socket('B');
	tick(10000);
	forget();
	join('E', "2"); /* the first new one does at once */
	candidate('A', "r", "a");
	TOLD("E ice:candidate");
}
END_TEST

START_TEST(registering_again_takes_an_orphaned_leg_up)
{
	active();
	join('C', "2");
	close_socket('B');
	say('C', "user:join", "2");
	candidate('A', "r", "a");
	TOLD("C ice:candidate");
}
END_TEST

START_TEST(while_a_leg_is_orphaned_nobody_speaks_for_it_and_all_waits)
{
	active();
	join('C', "2");
	close_socket('B');
	end('C', "r");
	candidate('C', "r", "c");
	candidate('A', "r", "a1");
	candidate('A', "r", "a2");
	TOLD("");
	state_is("active");
	COUNTED(CALLS_N_ECHO, 2);
	tick(3000);
	TOLD("C ice:candidate, C ice:candidate");
	FIELD(0, "candidate", "\"a1\"");
	FIELD(1, "candidate", "\"a2\"");
	forget();
	close_socket('C');
	for (int i = 0; i < 70; i++)
		candidate('A', "r", "x");
	COUNTED(CALLS_N_REFUSED_CANDIDATES, 6);
	join('D', "2");
	ck_assert_uint_eq(sent_n, 64);
}
END_TEST

START_TEST(a_leg_whose_socket_becomes_another_users_is_orphaned)
{
	active();
	say('B', "user:join", "9");
	candidate('A', "r", "a");
	TOLD("");
	join('C', "2");
	TOLD("C ice:candidate");
	end('B', "r");
	state_is("active");
}
END_TEST

START_TEST(what_waits_is_not_lost_with_a_socket_that_dies_while_it_is_told)
{
	active();
	close_socket('B');
	candidate('A', "r", "a1");
	candidate('A', "r", "a2");
	candidate('A', "r", "a3");
	hangs_up = 'C';
	join('C', "2");
	TOLD("");
	join('D', "2");
	TOLD("D ice:candidate, D ice:candidate, D ice:candidate");
	FIELD(0, "candidate", "\"a1\"");
}
END_TEST

START_TEST(an_accepting_socket_that_dies_at_once_leaves_an_orphaned_leg)
{
	ringing();
	candidate('A', "r", "a1");
	hangs_up = 'B';
	accept('B', "r");
	TOLD("A call:answer");
	state_is("active");
	tick(20000);
	TOLD("A call:answer, A call:ended");
	code_is("failed");
}
END_TEST

START_TEST(a_caller_who_dies_when_he_is_told_the_answer_may_come_back)
{
	ringing();
	candidate('B', "r", "b1");
	hangs_up = 'A';
	accept('B', "r");
	TOLD("");
	join('C', "1");
	TOLD("C call:answer, C ice:candidate");
	state_is("active");
}
END_TEST

START_TEST(an_unregistered_socket_may_be_a_leg_and_is_registered_by_it)
{
	identify('A', "1", 0);
	identify('B', "2", 0);
	initiate('A', "1", "2", "r");
	TOLD("A call:ended, A call:error"); /* B rings for nobody */
	ck_assert(call_socket_registered(sockets[0]));
	ck_assert(!call_socket_registered(sockets[1]));
	say('B', "user:join", "2");
	forget();
	identify('C', "2", 0);
	initiate('A', "1", "2", "r");
	TOLD("B call:incoming");
	accept('C', "r");
	TOLD("B call:incoming, A call:answer, B call:ended");
	ck_assert(call_socket_registered(sockets[2]));
}
END_TEST

START_TEST(who_is_online_is_who_has_a_registered_socket)
{
	identify('A', "1", 0);
	ck_assert_str_eq(notes, "");
	say('A', "user:join", "1");
	join('B', "1");
	close_socket('A');
	ck_assert_str_eq(notes, "+1 ");
	say('B', "user:join", "2");
	ck_assert_str_eq(notes, "+1 -1 +2 ");
}
END_TEST

/* --- offline, busy, glare ------------------------------------------------------- */

START_TEST(with_offline_ring_a_callee_is_waited_for)
{
	cfg.offline_rings = true;
	restart();
	join('A', "1");
	initiate('A', "1", "2", "r");
	TOLD("");
	state_is("initiated");
	tick(30000);
	join('B', "2");
	TOLD("B call:incoming");
	state_is("ringing");
	close_socket('B'); /* and comes back by a push, say */
	tick(14000);
	state_is("ringing");
	tick(1000);
	TOLD("B call:incoming, A call:ended");
	code_is("no_answer");
}
END_TEST

START_TEST(a_callee_who_leaves_while_it_rings_is_offline_after_the_grace)
{
	ringing();
	identify('C', "2", 0); /* a chat does not ring */
	close_socket('B');
	tick(19999);
	TOLD("");
	tick(1);
	TOLD("A call:ended");
	FIELD(0, "code", "\"offline\"");
	FIELD(0, "reason", "\"offline\"");
	join('B', "2");
	forget();
	initiate('A', "1", "2", "r");
	close_socket('B');
	tick(10000);
	join('D', "2");
	tick(30000);
	state_is("ringing");
}
END_TEST

START_TEST(who_is_in_a_call_is_busy_and_hears_nothing)
{
	active();
	join('C', "3");
	join('D', "2");
	initiate('C', "3", "2", "x");
	TOLD("C call:rejected, C call:error");
	FIELD(0, "code", "\"busy\"");
	FIELD(0, "reason", "\"busy\"");
	FIELD(0, "rejectedBy", "2");
	FIELD(1, "code", "\"busy\"");
	ck_assert_ptr_nonnull(strstr(notes, "new:x member:x:3:192.0.2.1 ended:x:busy "));
	forget();
	initiate('C', "3", "1", "x"); /* and so is who made it */
	TOLD("C call:rejected, C call:error");
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 1);
}
END_TEST

START_TEST(to_call_is_to_be_busy_and_to_be_rung_is_not)
{
	ringing();
	join('C', "3");
	initiate('C', "3", "1", "x");
	TOLD("C call:rejected, C call:error");
	forget();
	initiate('C', "3", "2", "x");
	TOLD("B call:incoming");
	accept('B', "x");
	forget();
	accept('B', "r"); /* answers both, if he likes */
	TOLD("A call:answer");
}
END_TEST

START_TEST(with_busy_ring_everybody_rings)
{
	cfg.busy_rings = true;
	restart();
	active();
	join('C', "3");
	join('D', "2");
	initiate('C', "3", "2", "x");
	TOLD("B call:incoming, D call:incoming");
	forget();
	accept('D', "x"); /* B is in its call: not told that another device answered */
	TOLD("C call:answer");
}
END_TEST

START_TEST(of_two_who_call_each_other_the_older_call_stays)
{
	ringing();
	initiate('B', "2", "1", "mine");
	TOLD("B call:ended, B call:error");
	FIELD(0, "code", "\"replaced\"");
	FIELD(0, "reason", "\"replaced\"");
	FIELD(0, "roomName", "\"mine\"");
	FIELD(1, "code", "\"glare\"");
	COUNTED(CALLS_N_GLARE, 1);
	state_is("ringing");
	accept('B', "r");
	state_is("active");
}
END_TEST

START_TEST(calls_that_are_not_made_end_no_other_call_of_their_socket)
{
	active();
	initiate('A', "1", "5", "x"); /* offline */
	initiate('B', "2", "1", "y"); /* busy */
	TOLD("A call:error, B call:error");
	FIELD(0, "code", "\"offline\"");
	FIELD(1, "code", "\"busy\"");
	accept('A', "nowhere");
	TOLD("A call:error, B call:error");
	state_is("active");
}
END_TEST

/* --- a screen made anew ---------------------------------------------------------- */

START_TEST(calling_the_same_user_again_replaces_what_is_not_answered)
{
	ringing();
	join('C', "1");
	initiate('C', "1", "2", "again");
	TOLD("B call:ended, B call:incoming");
	FIELD(0, "code", "\"replaced\"");
	FIELD(0, "reason", "\"replaced\"");
	FIELD(0, "roomName", "\"r\"");
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 1);
}
END_TEST

START_TEST(an_active_call_is_replaced_only_by_the_socket_that_speaks_for_it)
{
	active();
	join('C', "1");
	initiate('C', "1", "2", "again");
	TOLD("C call:rejected, C call:error");
	FIELD(0, "code", "\"busy\"");
	forget();
	initiate('A', "1", "2", "again");
	TOLD("B call:ended, B call:incoming");
	FIELD(0, "code", "\"replaced\"");
	accept('B', "again");
	close_socket('A');
	forget();
	initiate('C', "1", "2", "third"); /* nobody speaks for it */
	TOLD("B call:ended, B call:incoming");
}
END_TEST

/* --- who may --------------------------------------------------------------------- */

START_TEST(where_identity_is_proved_nobody_says_who_he_is)
{
	cfg.open = false;
	restart();
	open_socket('A');
	say('A', "user:join", "1");
	initiate('A', "1", "2", "r");
	fire('A', "ice:request", 1, "{\"userId\":1}");
	TOLD("A call:error, A call:error, A ack");
	FIELD(0, "code", "\"not_joined\"");
	FIELD(1, "code", "\"not_joined\"");
	FIELD(2, "success", "false");
	COUNTED(CALLS_N_NOT_JOINED, 3);
	forget();
	identify('B', "2", 0);
	say('B', "user:join", "1");
	initiate('B', "1", "2", "r");
	fire('B', "ice:request", 1, "{\"userId\":1}");
	TOLD("B call:error, B call:error, B ack");
	FIELD(0, "code", "\"forbidden\"");
	FIELD(1, "code", "\"forbidden\"");
	COUNTED(CALLS_N_FORBIDDEN, 3);
	ck_assert_ptr_null(identity_find(calls_users(cs), "1"));
	say('B', "user:join", "\"2\"");
	ck_assert(call_socket_registered(sockets[1]));
}
END_TEST

START_TEST(a_proved_id_is_a_number_once_its_client_writes_one)
{
	cfg.open = false;
	restart();
	identify('A', "7", 0);
	identify('B', "8", 0);
	say('A', "call:register", "{\"userId\":7,\"user_id\":7}");
	say('B', "user:join", "\"8\"");
	say('A', "call:initiate",
	    "{\"fromId\":7,\"toId\":8,\"callType\":\"audio\",\"roomName\":\"r\","
	    "\"sdpOffer\":" SDP_O "}");
	FIELD(0, "fromId", "7");
	FIELD(0, "toId", "\"8\"");
	forget();
	say('B', "call:accept", "{\"roomName\":\"r\",\"userId\":8,\"sdpAnswer\":" SDP_A "}");
	FIELD(0, "acceptedBy", "\"8\"");
	end('B', "r");
	forget();
	initiate('B', "8", "7", "r2");
	FIELD(0, "fromId", "8");
}
END_TEST

START_TEST(an_identity_is_for_life_and_bounded)
{
	struct calls_identity two = { .id = { .text = "2" }, .name = "Zwei" };

	cfg.open = false;
	cfg.sockets.sockets_per_user_max = 1;
	restart();
	identify('A', "1", 0);
	ck_assert_int_eq(calls_identify(cs, sockets[0], &two, now()), -EPERM);
	open_socket('B');
	ck_assert_int_eq(calls_identify(cs, sockets[1], &two, now()), 0);
	ck_assert_str_eq(call_socket_name(sockets[1]), "Zwei");
	two.name[0] = '\0';
	two.expires_s = 5;
	ck_assert_int_eq(calls_identify(cs, sockets[1], &two, now()), 0);
	ck_assert_ptr_null(call_socket_name(sockets[1]));
	ck_assert_int_eq(call_socket_expiry(sockets[1]), 5);
	open_socket('C');
	ck_assert_int_eq(calls_identify(cs, sockets[2], &two, now()), -EDQUOT);
	COUNTED(CALLS_N_REFUSED_SOCKETS, 1);
}
END_TEST

START_TEST(an_expired_token_has_credentials_for_its_calls_alone)
{
	identify('A', "1", 1700000001 + 10);
	join('B', "2");
	initiate('A', "1", "2", "r");
	accept('B', "r");
	clock_ms += 10000;
	forget();
	fire('A', "ice:request", 1, "{\"userId\":1}");
	FIELD(0, "success", "true");
	end('A', "r");
	forget();
	fire('A', "ice:request", 2, "{\"userId\":1}");
	TOLD("A ack");
	FIELD(0, "success", "false");
	COUNTED(CALLS_N_EXPIRED, 1);
}
END_TEST

START_TEST(who_comes_with_an_expired_token_is_there_for_its_call_alone)
{
	struct calls_identity fresh = { .id = { .text = "2" }, .expires_s = 1800000000 };

	cfg.busy_rings = true;
	restart();
	active();
	join('E', "3");
	close_socket('B');
	identify('C', "2", 1700000000);
	say('C', "user:join", "2");
	candidate('A', "r", "a");
	forget();
	candidate('C', "r", "c");
	TOLD("A ice:candidate");
	forget();
	initiate('E', "3", "2", "x");
	TOLD("E call:ended, E call:error");
	FIELD(1, "code", "\"offline\"");
	forget();
	initiate('C', "2", "3", "y");
	TOLD("C call:error");
	FIELD(0, "code", "\"token_expired\"");
	join('D', "2");
	forget();
	initiate('E', "3", "2", "z");
	TOLD("D call:incoming");
	forget();
	accept('C', "z");
	TOLD("C call:error");
	FIELD(0, "code", "\"token_expired\"");
	forget();
	say('C', "call:reject", "{\"roomName\":\"z\"}");
	TOLD("");
	ck_assert_int_eq(calls_identify(cs, sockets['C' - 'A'], &fresh, now()), 0);
	accept('C', "z");
	TOLD("E call:answer, D call:ended");
}
END_TEST

START_TEST(an_expired_token_ends_the_right_to_start_calls_and_no_call)
{
	identify('A', "1", 1700000001 + 10);
	join('B', "2");
	initiate('A', "1", "2", "r");
	accept('B', "r");
	forget();
	clock_ms += 10000;
	candidate('A', "r", "a");
	TOLD("B ice:candidate");
	end('A', "r");
	forget();
	initiate('A', "1", "2", "r2");
	TOLD("A call:ended, A call:error");
	FIELD(1, "code", "\"token_expired\"");
	COUNTED(CALLS_N_EXPIRED, 1);
	forget();
	initiate('B', "2", "1", "back");
	TOLD("A call:incoming");
	accept('A', "back");
	state_is("active");
}
END_TEST

START_TEST(whom_the_callee_has_blocked_hears_that_he_is_offline)
{
	block_list = "1>2 ";
	restart();
	join('A', "1");
	join('B', "2");
	initiate('A', "1", "2", "r");
	TOLD("A call:ended, A call:error");
	FIELD(0, "code", "\"offline\"");
	FIELD(1, "code", "\"offline\"");
	FIELD(1, "status", "\"missed\"");
	COUNTED(CALLS_N_BLOCKED, 1);
	forget();
	initiate('B', "2", "1", "r");
	TOLD("A call:incoming");
}
END_TEST

START_TEST(a_call_waits_for_an_answer_and_is_not_made_without_one)
{
	block_list = "";
	restart();
	join('A', "1");
	join('B', "2");
	answer_rc = -EAGAIN;
	initiate('A', "1", "2", "r");
	end('A', "r"); /* stays behind it */
	TOLD("");
	answer_rc = 0;
	calls_resume(cs, sockets[0], now());
	tick(0);
	TOLD("B call:incoming, B call:ended");
	FIELD(1, "code", "\"cancelled\"");
	forget();
	answer_rc = -EAGAIN;
	initiate('A', "1", "2", "r");
	calls_resume(cs, sockets[0], now());
	tick(0);
	TOLD("A call:ended, A call:error");
	FIELD(1, "code", "\"unavailable\"");
	COUNTED(CALLS_N_UNAVAILABLE, 1);
}
END_TEST

/* --- what others want ------------------------------------------------------------- */

START_TEST(an_admin_ends_a_call_for_all)
{
	active();
	ck_assert_int_eq(calls_end(cs, "nosuch", CALL_EV_SERVER, NULL, now()), -ENOENT);
	ck_assert_int_eq(calls_end(cs, call_id(the_call()), CALL_EV_SERVER, "test", now()), 0);
	TOLD("A call:ended, B call:ended");
	FIELD(0, "code", "\"server\"");
	FIELD(0, "reason", "\"server\"");
	FIELD(0, "endedBy", "");
	code_is("server");
	end('A', "r");
	COUNTED(CALLS_N_LATE, 1);
}
END_TEST

START_TEST(who_is_sent_away_is_out_of_his_calls_and_disconnected)
{
	active();
	join('C', "1");
	join('D', "3");
	initiate('D', "3", "1", "x");
	forget();
	ck_assert_uint_eq(calls_kick_user(cs, "nobody", NULL, now()), 0);
	ck_assert_uint_eq(calls_kick_user(cs, "1", "test", now()), 2);
	TOLD("A call:ended, B call:ended");
	ck_assert_str_eq(ended_code(1), "\"server\"");
	ck_assert_ptr_nonnull(strstr(notes, "kick:A kick:C -1 "));
	ck_assert_ptr_null(identity_find(calls_users(cs), "1"));
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 0);
}
END_TEST

START_TEST(fresh_ice_servers_reach_the_legs_and_wait_for_the_lost)
{
	active();
	close_socket('B');
	ck_assert_int_eq(calls_tell_ice_servers(cs, call_id(the_call()), now()), 0);
	ck_assert_int_eq(calls_tell_ice_servers(cs, "nosuch", now()), -ENOENT);
	TOLD("A ice:servers");
	FIELD(0, "roomName", "\"r\"");
	ck_assert_ptr_nonnull(strstr(field(0, "iceServers"), ":1:0000000000000000000001\""));
	forget();
	join('C', "2");
	TOLD("C ice:servers");
	ck_assert_ptr_nonnull(strstr(field(0, "iceServers"), ":2:0000000000000000000001\""));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_legs");
	TCase *t = tcase_create("call_legs");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_orphaned_leg_goes_to_the_youngest_free_socket_after_the_wait);
	tcase_add_test(t, all_that_came_back_hear_of_the_call_until_one_of_them_speaks);
	tcase_add_test(t, the_screen_that_came_back_second_can_hang_up_and_is_told_of_it);
	tcase_add_test(t, a_socket_that_is_a_leg_elsewhere_takes_no_other);
	tcase_add_test(t, registering_again_takes_an_orphaned_leg_up);
	tcase_add_test(t, while_a_leg_is_orphaned_nobody_speaks_for_it_and_all_waits);
	tcase_add_test(t, a_leg_whose_socket_becomes_another_users_is_orphaned);
	tcase_add_test(t, what_waits_is_not_lost_with_a_socket_that_dies_while_it_is_told);
	tcase_add_test(t, an_accepting_socket_that_dies_at_once_leaves_an_orphaned_leg);
	tcase_add_test(t, a_caller_who_dies_when_he_is_told_the_answer_may_come_back);
	tcase_add_test(t, an_unregistered_socket_may_be_a_leg_and_is_registered_by_it);
	tcase_add_test(t, who_is_online_is_who_has_a_registered_socket);
	tcase_add_test(t, with_offline_ring_a_callee_is_waited_for);
	tcase_add_test(t, a_callee_who_leaves_while_it_rings_is_offline_after_the_grace);
	tcase_add_test(t, who_is_in_a_call_is_busy_and_hears_nothing);
	tcase_add_test(t, to_call_is_to_be_busy_and_to_be_rung_is_not);
	tcase_add_test(t, with_busy_ring_everybody_rings);
	tcase_add_test(t, of_two_who_call_each_other_the_older_call_stays);
	tcase_add_test(t, calls_that_are_not_made_end_no_other_call_of_their_socket);
	tcase_add_test(t, calling_the_same_user_again_replaces_what_is_not_answered);
	tcase_add_test(t, an_active_call_is_replaced_only_by_the_socket_that_speaks_for_it);
	tcase_add_test(t, where_identity_is_proved_nobody_says_who_he_is);
	tcase_add_test(t, a_proved_id_is_a_number_once_its_client_writes_one);
	tcase_add_test(t, an_identity_is_for_life_and_bounded);
	tcase_add_test(t, who_comes_with_an_expired_token_is_there_for_its_call_alone);
	tcase_add_test(t, an_expired_token_ends_the_right_to_start_calls_and_no_call);
	tcase_add_test(t, an_expired_token_has_credentials_for_its_calls_alone);
	tcase_add_test(t, whom_the_callee_has_blocked_hears_that_he_is_offline);
	tcase_add_test(t, a_call_waits_for_an_answer_and_is_not_made_without_one);
	tcase_add_test(t, an_admin_ends_a_call_for_all);
	tcase_add_test(t, who_is_sent_away_is_out_of_his_calls_and_disconnected);
	tcase_add_test(t, fresh_ice_servers_reach_the_legs_and_wait_for_the_lost);
	suite_add_tcase(s, t);
	return run_suite(s);
}
