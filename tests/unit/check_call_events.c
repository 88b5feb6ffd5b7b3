/* check_call_events.c - what each user of a call is told, and who is told nothing */
#include "calls_world.h"

/* --- the README's flow ------------------------------------------------------ */

START_TEST(a_call_goes_from_initiate_through_answer_to_end)
{
	join('A', "1");
	join('B', "\"bob\"");
	ck_assert_uint_eq(sent_n, 0);
	initiate('A', "\"1\"", "\"bob\"", "r");
	TOLD("B call:incoming");
	FIELD(0, "fromId", "1"); /* the type of its first mention */
	FIELD(0, "toId", "\"bob\"");
	FIELD(0, "fromName", "\"1\"");
	FIELD(0, "fromAvatar", "");
	FIELD(0, "callType", "\"video\"");
	FIELD(0, "roomName", "\"r\"");
	FIELD(0, "sdpOffer", SDP_O);
	FIELD(0, "callId", "\"0000000000000000000001\"");
	ck_assert_ptr_nonnull(
		strstr(field(0, "iceServers"), "\"1700003601:bob:0000000000000000000001\""));
	state_is("ringing");
	forget();

	clock_ms += 2000;
	say('B', "call:accept", "{\"roomName\":\"r\",\"fromId\":1,\"sdpAnswer\":" SDP_A "}");
	TOLD("A call:answer");
	FIELD(0, "sdpAnswer", SDP_A);
	FIELD(0, "acceptedBy", "\"bob\"");
	FIELD(0, "callId", "\"0000000000000000000001\"");
	ck_assert_ptr_nonnull(
		strstr(field(0, "iceServers"), "\"1700003603:1:0000000000000000000001\""));
	state_is("active");
	forget();

	candidate('A', "r", "candidate:1 typ relay");
	candidate('B', "r", "candidate:2 typ relay");
	TOLD("B ice:candidate, A ice:candidate");
	FIELD(0, "candidate", "\"candidate:1 typ relay\"");
	FIELD(0, "fromUserId", "1");
	FIELD(0, "sdpMLineIndex", "0");
	FIELD(0, "sdpMid", "\"0\"");
	FIELD(1, "fromUserId", "\"bob\"");
	forget();

	say('A', "call:end", "{\"roomName\":\"r\",\"reason\":\"bye\"}");
	TOLD("B call:ended");
	FIELD(0, "reason", "\"bye\"");
	FIELD(0, "endedBy", "1");
	FIELD(0, "code", "\"completed\"");
	code_is("completed");
	COUNTED(CALLS_N_STARTED, 1);
	COUNTED(CALLS_N_ANSWERED, 1);
}
END_TEST

START_TEST(upward_notifications_tell_a_call_from_new_to_ended)
{
	join('A', "1");
	join('B', "2");
	initiate('A', "1", "2", "r");
	candidate('A', "r", "c1");
	accept('B', "r");
	say('B', "ice:candidate",
	    "{\"roomName\":\"r\",\"candidate\":{\"candidate\":\"c\\u0032\",\"sdpMid\":\"0\"}}");
	end('B', "r");
	ck_assert_str_eq(notes,
			 "+1 +2 new:r member:r:1:192.0.2.1 candidate:r:1:c1 "
			 "active:r member:r:2:192.0.2.1 candidate:r:2:c2 ended:r:completed ");
}
END_TEST

START_TEST(names_come_from_the_proof_then_the_client_then_the_id)
{
	static const struct calls_identity anna = { .id = { .text = "1" },
						    .name = "Anna",
						    .avatar = "http://a/1" };

	join('A', "1");
	join('B', "2");
	ck_assert_int_eq(calls_identify(cs, sockets[0], &anna, now()), 0);
	initiate('A', "1", "2", "r1");
	FIELD(0, "fromName", "\"Anna\"");
	FIELD(0, "fromAvatar", "\"http://a/1\"");
	end('A', "r1");
	forget();
	say('A', "call:initiate",
	    "{\"fromId\":1,\"toId\":2,\"callType\":\"audio\",\"roomName\":\"r2\","
	    "\"sdpOffer\":" SDP_O ",\"fromName\":\"\\u0410nn\",\"fromAvatar\":null}");
	FIELD(0, "fromName", "\"Anna\"");
	FIELD(0, "callType", "\"audio\"");
	end('A', "r2");
	forget();
	say('B', "call:initiate",
	    "{\"fromId\":2,\"toId\":1,\"callType\":\"audio\",\"roomName\":\"r3\","
	    "\"sdpOffer\":" SDP_O ",\"fromName\":\"\\u0410nn\",\"fromAvatar\":null}");
	FIELD(0, "fromName", "\"\\u0410nn\"");
	end('B', "r3");
	forget();
	initiate('B', "2", "1", "r4");
	FIELD(0, "fromName", "\"2\"");
}
END_TEST

START_TEST(sdp_may_be_an_object_and_is_passed_on_as_written)
{
	join('A', "1");
	join('B', "2");
	say('A', "call:initiate",
	    "{\"fromId\":1,\"toId\":2,\"callType\":\"video\",\"roomName\":\"r\","
	    "\"sdpOffer\":{ \"type\" : \"offer\", \"sdp\":\"v=0\"}}");
	FIELD(0, "sdpOffer", "{ \"type\" : \"offer\", \"sdp\":\"v=0\"}");
}
END_TEST

START_TEST(a_reject_is_told_to_the_caller_with_the_default_text)
{
	ringing();
	say('B', "call:reject", "{\"roomName\":\"r\"}");
	TOLD("A call:rejected");
	FIELD(0, "reason", "\"User rejected the call\"");
	FIELD(0, "rejectedBy", "2");
	FIELD(0, "code", "\"rejected\"");
	forget();
	end('A', "r"); /* Android's echo */
	TOLD("");
	code_is("rejected");
	COUNTED(CALLS_N_LATE, 1);
}
END_TEST

START_TEST(a_reason_that_is_too_long_or_no_text_gives_way_to_the_default)
{
	ringing();
	say('A', "call:end", "{\"roomName\":\"r\",\"reason\":\"%065d\"}", 0);
	TOLD("B call:ended");
	FIELD(0, "reason", "\"Call ended\"");
	FIELD(0, "code", "\"cancelled\"");
	forget();
	initiate('A', "1", "2", "r");
	forget();
	say('A', "call:end", "{\"roomName\":\"r\",\"reason\":{\"x\":1}}");
	FIELD(0, "reason", "\"Call ended\"");
}
END_TEST

START_TEST(a_callee_may_end_while_it_rings)
{
	ringing();
	end('B', "r");
	TOLD("A call:ended");
	FIELD(0, "code", "\"rejected\"");
	FIELD(0, "endedBy", "2");
}
END_TEST

START_TEST(a_caller_cannot_accept_or_reject_its_own_ringing_call)
{
	ringing();
	accept('A', "r");
	say('A', "call:reject", "{\"roomName\":\"r\"}");
	TOLD("");
	state_is("ringing");
	COUNTED(CALLS_N_OUT_OF_PLACE, 2);
}
END_TEST

START_TEST(a_reject_of_an_active_call_is_its_end)
{
	active();
	say('A', "call:reject", "{\"roomName\":\"r\"}");
	TOLD("B call:ended");
	code_is("completed");
}
END_TEST

/* --- several devices --------------------------------------------------------- */

START_TEST(all_devices_ring_and_the_first_accept_wins)
{
	join('A', "1");
	join('B', "2");
	join('C', "2");
	initiate('A', "1", "2", "r");
	TOLD("B call:incoming, C call:incoming");
	forget();
	accept('C', "r");
	TOLD("A call:answer, B call:ended");
	FIELD(1, "code", "\"answered_elsewhere\"");
	forget();
	accept('B', "r");
	TOLD("B call:ended");
	FIELD(0, "code", "\"answered_elsewhere\"");
	forget();
	end('B', "r"); /* an echo */
	candidate('B', "r", "c");
	accept('C', "r"); /* a repeat */
	TOLD("");
	state_is("active");
	COUNTED(CALLS_N_ECHO, 4);
}
END_TEST

START_TEST(a_cancel_stops_every_device_and_one_reject_the_others)
{
	join('A', "1");
	join('B', "2");
	join('C', "2");
	initiate('A', "1", "2", "r");
	forget();
	end('A', "r");
	TOLD("B call:ended, C call:ended");
	initiate('A', "1", "2", "r");
	forget();
	say('B', "call:reject", "{\"roomName\":\"r\",\"userId\":2}");
	TOLD("C call:ended, A call:rejected");
	FIELD(0, "code", "\"rejected\"");
	FIELD(0, "reason", "\"User rejected the call\"");
	FIELD(0, "endedBy", "2");
	FIELD(1, "rejectedBy", "2");
}
END_TEST

START_TEST(a_socket_that_joins_while_its_user_is_rung_rings_once)
{
	ringing();
	join('C', "2");
	TOLD("C call:incoming");
	FIELD(0, "sdpOffer", SDP_O);
	forget();
	say('C', "user:join", "\"2\"");
	TOLD("");
	accept('C', "r");
	TOLD("A call:answer, B call:ended");
}
END_TEST

START_TEST(an_end_of_another_call_is_not_told_to_a_socket_in_a_call)
{
	cfg.busy_rings = true;
	restart();
	active();
	join('C', "3");
	initiate('C', "3", "1", "other");
	TOLD("A call:incoming");
	forget();
	end('C', "other");
	TOLD("");
	state_is("active");
}
END_TEST

/* --- early candidates ---------------------------------------------------------- */

START_TEST(early_candidates_of_the_caller_wait_for_the_socket_that_accepts)
{
	ringing();
	join('C', "2");
	forget();
	candidate('A', "r", "a1");
	candidate('A', "r", "a2");
	candidate('A', "r", "a3");
	TOLD("");
	accept('C', "r");
	TOLD("A call:answer, B call:ended, C ice:candidate, C ice:candidate, C ice:candidate");
	FIELD(2, "candidate", "\"a1\"");
	FIELD(4, "candidate", "\"a3\"");
	forget();
	accept('C', "r");
	candidate('A', "r", "a4");
	TOLD("C ice:candidate");
}
END_TEST

START_TEST(early_candidates_of_the_callee_follow_the_answer)
{
	ringing();
	join('C', "2");
	forget();
	candidate('B', "r", "b1");
	candidate('C', "r", "c1"); /* the device that will not accept */
	candidate('B', "r", "b2");
	accept('B', "r");
	TOLD("A call:answer, A ice:candidate, A ice:candidate, C call:ended");
	FIELD(1, "candidate", "\"b1\"");
	FIELD(2, "candidate", "\"b2\"");
}
END_TEST

START_TEST(no_more_than_the_configured_candidates_wait)
{
	ringing();
	for (int i = 0; i < 70; i++)
		candidate('A', "r", "a");
	COUNTED(CALLS_N_REFUSED_CANDIDATES, 6);
	accept('B', "r");
	ck_assert_uint_eq(sent_n, 1 + 64);
}
END_TEST

START_TEST(waiting_bytes_are_bounded_over_all_calls)
{
	cfg.held_bytes_max = 1000;
	restart();
	ringing();
	for (int i = 0; i < 20; i++)
		candidate('A', "r", "a");
	ck_assert_uint_gt(calls_counter(cs, CALLS_N_REFUSED_HELD), 10);
	end('A', "r");
	forget();
	initiate('A', "1", "2", "r2"); /* what waited was given back */
	TOLD("B call:incoming");
	cfg.held_bytes_max = 10;
	restart();
	join('A', "1");
	join('B', "2");
	initiate('A', "1", "2", "r");
	TOLD("A call:ended, A call:error");
	COUNTED(CALLS_N_REFUSED_HELD, 1);
}
END_TEST

/* --- offline, retry, replaced ------------------------------------------------ */

START_TEST(an_offline_callee_is_told_to_the_caller_at_once)
{
	join('A', "1");
	initiate('A', "1", "2", "r");
	TOLD("A call:ended, A call:error");
	FIELD(0, "code", "\"offline\"");
	FIELD(0, "reason", "\"offline\"");
	FIELD(0, "roomName", "\"r\"");
	FIELD(1, "code", "\"offline\"");
	FIELD(1, "status", "\"missed\"");
	code_is("offline");
	ck_assert_str_eq(notes, "+1 new:r member:r:1:192.0.2.1 ended:r:offline ");
}
END_TEST

START_TEST(a_callee_that_takes_no_message_is_offline)
{
	join('A', "1");
	join('B', "2");
	deaf = 'B';
	initiate('A', "1", "2", "r");
	TOLD("A call:ended, A call:error");
	code_is("offline");
	COUNTED(CALLS_N_EMIT_FAILED, 1);
}
END_TEST

START_TEST(a_retry_of_the_same_call_changes_nothing)
{
	ringing();
	initiate('A', "1", "2", "r");
	TOLD("");
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 1);
	join('C', "1"); /* the screen was made anew */
	initiate('C', "1", "2", "r");
	accept('B', "r");
	TOLD("C call:answer");
	COUNTED(CALLS_N_ECHO, 2);
}
END_TEST

START_TEST(a_new_call_in_a_live_room_replaces_the_old_one_silently)
{
	ringing();
	join('C', "3");
	initiate('A', "1", "3", "r");
	TOLD("B call:ended, C call:incoming");
	FIELD(0, "code", "\"replaced\"");
	forget();
	say('A', "call:initiate",
	    "{\"fromId\":1,\"toId\":3,\"callType\":\"video\",\"roomName\":\"r\","
	    "\"sdpOffer\":\"v=0 another\"}");
	TOLD("C call:ended, C call:incoming");
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 1);
}
END_TEST

START_TEST(calls_of_strangers_with_one_room_name_do_not_meet)
{
	active();
	join('C', "3");
	join('D', "4");
	initiate('C', "3", "4", "r");
	accept('D', "r");
	TOLD("D call:incoming, C call:answer");
	forget();
	candidate('C', "r", "c");
	end('D', "r");
	TOLD("D ice:candidate, C call:ended");
	state_is("active");
}
END_TEST

START_TEST(a_room_name_a_member_is_in_already_is_refused)
{
	ringing();
	join('C', "3");
	initiate('C', "3", "2", "r");
	TOLD("C call:ended, C call:error");
	FIELD(0, "code", "\"failed\"");
	FIELD(1, "code", "\"room_in_use\"");
	forget();
	initiate('B', "2", "3", "r"); /* as the callee of it: its ring goes on */
	TOLD("B call:error");
	state_is("ringing");
	COUNTED(CALLS_N_REFUSED_ROOM, 2);
}
END_TEST

START_TEST(accepting_what_is_over_closes_that_screen)
{
	ringing();
	end('A', "r");
	forget();
	accept('B', "r");
	TOLD("B call:ended");
	FIELD(0, "code", "\"cancelled\"");
	COUNTED(CALLS_N_LATE, 1);
}
END_TEST

/* --- who is who ---------------------------------------------------------------- */

START_TEST(naming_another_user_is_refused)
{
	ringing();
	initiate('B', "1", "3", "x");
	say('B', "call:accept", "{\"roomName\":\"r\",\"userId\":1,\"sdpAnswer\":" SDP_A "}");
	say('B', "call:accept", "{\"roomName\":\"r\",\"fromId\":9,\"sdpAnswer\":" SDP_A "}");
	say('B', "call:end", "{\"roomName\":\"r\",\"userId\":1}");
	say('B', "ice:candidate", "{\"roomName\":\"r\",\"candidate\":\"c\",\"fromUserId\":1}");
	TOLD("B call:error, B call:error, B call:error, B call:error, B call:error");
	FIELD(0, "code", "\"forbidden\"");
	COUNTED(CALLS_N_FORBIDDEN, 5);
	state_is("ringing");
}
END_TEST

START_TEST(a_guessed_room_name_is_worth_nothing)
{
	active();
	join('C', "3");
	accept('C', "r");
	end('C', "r");
	say('C', "call:reject", "{\"roomName\":\"r\"}");
	candidate('C', "r", "c");
	TOLD("C call:ended, C call:error"); /* as of any call that never was */
	FIELD(0, "code", "\"failed\"");
	FIELD(0, "callId", "");
	FIELD(1, "code", "\"no_such_call\"");
	state_is("active");
	COUNTED(CALLS_N_FOREIGN, 4);
}
END_TEST

START_TEST(a_socket_that_has_not_joined_can_only_initiate)
{
	ringing();
	open_socket('C');
	accept('C', "r");
	end('C', "r");
	TOLD("C call:error, C call:error");
	FIELD(0, "code", "\"not_joined\"");
	forget();
	initiate('C', "3", "2", "x");
	TOLD("B call:incoming");
	ck_assert_ptr_nonnull(identity_find(calls_users(cs), "3"));
}
END_TEST

START_TEST(joining_as_somebody_else_moves_the_socket)
{
	active();
	say('B', "user:join", "5");
	ck_assert_ptr_null(identity_find(calls_users(cs), "2"));
	end('B', "r");
	COUNTED(CALLS_N_FOREIGN, 1);
	TOLD("");
	tick(20000);
	TOLD("A call:ended");
	FIELD(0, "reason", "\"failed\"");
}
END_TEST

START_TEST(nobody_calls_himself)
{
	join('A', "1");
	initiate('A', "1", "\"1\"", "r");
	TOLD("A call:ended, A call:error");
	FIELD(1, "code", "\"self_call\"");
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 0);
}
END_TEST

START_TEST(sockets_of_one_user_are_bounded)
{
	cfg.sockets.sockets_per_user_max = 2;
	cfg.sockets.sockets_max = 4;
	restart();
	join('A', "1");
	join('B', "1");
	join('C', "2");
	say('C', "user:join", "1");
	TOLD("C call:error");
	FIELD(0, "code", "\"too_many_sockets\"");
	ck_assert_ptr_nonnull(identity_find(calls_users(cs), "2"));
	open_socket('D');
	ck_assert_int_eq(calls_socket_opened(cs, &letters[4], "192.0.2.1", &sockets[4]), -ENOSPC);
	COUNTED(CALLS_N_REFUSED_SOCKETS, 2);
}
END_TEST

START_TEST(calls_in_all_and_of_one_user_are_bounded)
{
	cfg.calls.live_max = 3;
	cfg.calls.per_user_max = 2;
	restart();
	join('A', "1");
	join('B', "2");
	join('C', "3");
	join('D', "4");
	initiate('A', "1", "2", "r1");
	initiate('A', "1", "3", "r2");
	forget();
	initiate('A', "1", "4", "r3");
	TOLD("A call:error"); /* its other calls go on */
	FIELD(0, "code", "\"too_many_calls\"");
	forget();
	initiate('C', "3", "4", "r4");
	initiate('D', "4", "2", "r5");
	TOLD("D call:incoming, D call:ended, D call:error");
	COUNTED(CALLS_N_REFUSED_USER_CALLS, 1);
	COUNTED(CALLS_N_REFUSED_CALLS, 1);
}
END_TEST

/* --- time and lost sockets ----------------------------------------------------- */

START_TEST(an_unanswered_ring_ends_as_no_answer_for_both)
{
	ringing();
	tick(44999);
	TOLD("");
	tick(1);
	TOLD("A call:ended, B call:ended");
	FIELD(0, "reason", "\"no_answer\"");
	FIELD(0, "endedBy", "");
	code_is("no_answer");
}
END_TEST

START_TEST(a_lost_leg_ends_the_call_after_its_grace)
{
	active();
	close_socket('B');
	tick(19999);
	TOLD("");
	tick(1);
	TOLD("A call:ended");
	FIELD(0, "reason", "\"failed\"");
	FIELD(0, "code", "\"failed\"");
	code_is("failed");
}
END_TEST

START_TEST(a_user_who_comes_back_in_time_takes_the_leg_up)
{
	active();
	close_socket('B');
	candidate('A', "r", "a1");
	tick(10000);
	join('C', "2");
	TOLD("C ice:candidate"); /* what was sent meanwhile */
	tick(30000);
	forget();
	candidate('A', "r", "a2");
	end('C', "r");
	TOLD("C ice:candidate, A call:ended");
}
END_TEST

START_TEST(a_leg_passes_to_a_newer_socket_that_joined_before_the_old_one_died)
{
	active();
	join('C', "2");
	close_socket('B');
	tick(60000);
	state_is("active");
	end('A', "r");
	TOLD("C call:ended");
}
END_TEST

START_TEST(an_answer_waits_for_a_caller_who_lost_his_socket)
{
	ringing();
	close_socket('A');
	candidate('B', "r", "b1");
	accept('B', "r");
	candidate('B', "r", "b2");
	TOLD("");
	join('C', "1");
	TOLD("C call:answer, C ice:candidate, C ice:candidate");
	FIELD(1, "candidate", "\"b1\"");
}
END_TEST

START_TEST(a_ringing_call_ends_when_caller_or_callee_stay_away)
{
	ringing();
	close_socket('A');
	tick(20000);
	TOLD("B call:ended");
	FIELD(0, "code", "\"cancelled\"");
	forget();
	join('A', "1");
	initiate('A', "1", "2", "r2");
	close_socket('B');
	forget();
	tick(20000);
	TOLD("A call:ended");
	FIELD(0, "code", "\"offline\"");
}
END_TEST

START_TEST(a_call_ends_at_its_longest_permitted_length)
{
	active();
	tick(4 * 3600 * 1000 - 1);
	TOLD("");
	tick(1);
	TOLD("A call:ended, B call:ended");
	FIELD(0, "code", "\"completed\"");
}
END_TEST

START_TEST(a_socket_that_closes_while_it_is_told_something_is_taken_out_afterwards)
{
	join('A', "1");
	join('B', "2");
	join('C', "2");
	hangs_up = 'B';
	initiate('A', "1", "2", "r");
	TOLD("C call:incoming");
	ck_assert_uint_eq(user_sockets_n(identity_find(calls_users(cs), "2")), 1);
	forget();
	hangs_up = 'C';
	end('A', "r");
	TOLD("");
	ck_assert_ptr_null(identity_find(calls_users(cs), "2"));
}
END_TEST

/* --- ice:request ----------------------------------------------------------------- */

START_TEST(an_ice_request_reserves_the_id_of_the_next_call)
{
	join('A', "1");
	join('B', "2");
	ck_assert(fire('A', "ice:request", 7, "{\"userId\":1}"));
	TOLD("A ack");
	ck_assert_int_eq(sent[0].ack, 7);
	FIELD(0, "success", "true");
	FIELD(0, "callId", "\"0000000000000000000001\"");
	FIELD(0, "timestamp", "1700000001000");
	ck_assert_ptr_nonnull(
		strstr(field(0, "iceServers"), "\"1700003601:1:0000000000000000000001\""));
	ck_assert(fire('A', "ice:request", 8, "{\"userId\":1}"));
	FIELD(1, "callId", "\"0000000000000000000001\"");
	initiate('A', "1", "2", "r");
	FIELD(2, "callId", "\"0000000000000000000001\"");
	end('A', "r");
	forget();
	initiate('A', "1", "2", "r2"); /* used once */
	FIELD(0, "callId", "\"0000000000000000000002\"");
}
END_TEST

START_TEST(a_reserved_id_waits_for_a_call_that_can_be_made)
{
	join('A', "1");
	join('B', "2");
	join('C', "3");
	initiate('C', "3", "2", "x");
	fire('A', "ice:request", 1, "{\"userId\":1}");
	forget();
	initiate('A', "1", "2", "x"); /* 2 is rung under that name */
	FIELD(1, "code", "\"room_in_use\"");
	end('C', "x");
	forget();
	initiate('A', "1", "2", "x");
	FIELD(0, "callId", "\"0000000000000000000002\"");
}
END_TEST

START_TEST(a_reserved_id_lapses_and_belongs_to_its_user)
{
	join('A', "1");
	join('B', "2");
	fire('A', "ice:request", 1, "{\"userId\":1}");
	clock_ms += CALLS_RESERVATION_MS;
	initiate('A', "1", "2", "r");
	FIELD(1, "callId", "\"0000000000000000000002\"");
	forget();
	open_socket('C');
	fire('C', "ice:request", 1, "{\"userId\":3}");
	FIELD(0, "callId", "\"0000000000000000000003\"");
	initiate('C', "4", "2", "x");
	FIELD(1, "callId", "\"0000000000000000000004\"");
}
END_TEST

START_TEST(in_a_call_an_ice_request_is_for_that_call)
{
	ringing();
	fire('B', "ice:request", 1, "{}");
	FIELD(0, "callId", "\"0000000000000000000001\"");
	fire('A', "ice:request", 1, "{\"userId\":1}");
	FIELD(1, "callId", "\"0000000000000000000001\"");
}
END_TEST

START_TEST(a_call_knows_how_long_its_credentials_are_good)
{
	join('A', "1");
	join('B', "2");
	fire('A', "ice:request", 1, "{\"userId\":1}"); /* good for an hour from here */
	initiate('A', "1", "2", "r");
	clock_ms += 5000;
	fire('B', "ice:request", 1, "{}");
	clock_ms += 5000;
	end('A', "r");
	ck_assert_int_eq(granted_until_s, 1700003606);
	credentials_set_signing(creds, NULL);
	fire('A', "ice:request", 1, "{\"userId\":1}");
	initiate('A', "1", "2", "r");
	end('A', "r");
	ck_assert_int_eq(granted_until_s, 0);
	credentials_set_signing(creds, signing);
}
END_TEST

START_TEST(an_expiry_promised_before_the_call_counts_for_it)
{
	join('A', "1");
	join('B', "2");
	fire('A', "ice:request", 1, "{\"userId\":1}");
	credentials_set_signing(creds, NULL);
	initiate('A', "1", "2", "r");
	end('A', "r");
	ck_assert_int_eq(granted_until_s, 1700003601);
	initiate('A', "1", "2", "r"); /* another id: nothing was promised for it */
	end('A', "r");
	ck_assert_int_eq(granted_until_s, 0);
	credentials_set_signing(creds, signing);
}
END_TEST

START_TEST(ice_requests_are_answered_without_ack_and_on_errors)
{
	join('A', "1");
	fire('A', "ice:request", -1, "{\"userId\":1}");
	TOLD("A ice:response");
	FIELD(0, "success", "true");
	forget();
	fire('A', "ice:request", 3, "{\"userId\":2}");
	fire('A', "ice:request", 4, "[]");
	credentials_set_signing(creds, NULL);
	fire('A', "ice:request", 5, "{\"userId\":1}");
	TOLD("A ack, A ack, A ack");
	for (size_t i = 0; i < 3; i++) {
		FIELD(i, "success", "false");
		ck_assert_str_ne(field(i, "error"), "");
		FIELD(i, "iceServers", "");
	}
	COUNTED(CALLS_N_NO_CREDENTIALS, 1);
	credentials_set_signing(creds, signing);
}
END_TEST

START_TEST(a_call_goes_on_without_credentials)
{
	credentials_set_signing(creds, NULL);
	join('A', "1");
	join('B', "2");
	initiate('A', "1", "2", "r");
	FIELD(0, "iceServers", "[]");
	credentials_set_signing(creds, signing);
}
END_TEST

/* --- hostile payloads --------------------------------------------------------------- */

static char *huge(const char *event_json_before, size_t n, const char *after)
{
	char *p = __real_malloc(strlen(event_json_before) + n + strlen(after) + 1);
	size_t at = strlen(event_json_before);

	memcpy(p, event_json_before, at);
	memset(p + at, 'x', n);
	strcpy(p + at + n, after);
	return p;
}

START_TEST(malformed_payloads_change_nothing_and_their_sender_is_told)
{
	static const char *const values[] = {
		"null",
		"true",
		"1.5",
		"\"\"",
		"[]",
		"{}",
		"[{}]",
		"{\"roomName\":null}",
		"{\"roomName\":7}",
		"{\"roomName\":\"\"}",
		"{\"roomName\":\"a\\u0001b\"}",
		"{\"roomName\":\"r\",\"userId\":{}}",
		"{\"roomName\":\"r\",\"candidate\":7,\"sdpAnswer\":7,\"userId\":[]}",
	};
	static const char *const initiates[] = {
		"{\"fromId\":1,\"toId\":{},\"callType\":\"video\",\"roomName\":\"x\",\"sdpOffer\":"
		"\"v\"}",
		"{\"fromId\":1,\"toId\":2,\"callType\":\"fax\",\"roomName\":\"x\",\"sdpOffer\":"
		"\"v\"}",
		"{\"fromId\":1,\"toId\":2,\"callType\":\"video\",\"roomName\":\"x\"}",
		"{\"toId\":2,\"callType\":\"video\",\"roomName\":\"x\",\"sdpOffer\":\"v\"}",
	};
	uint64_t before;

	active();
	before = calls_counter(cs, CALLS_N_MALFORMED);
	for (size_t i = 0; i < sizeof(initiates) / sizeof(initiates[0]); i++) {
		forget();
		fire('A', "call:initiate", -1, initiates[i]);
		TOLD("A call:error");
		FIELD(0, "code", "\"malformed\"");
	}
	COUNTED(CALLS_N_MALFORMED, before + sizeof(initiates) / sizeof(initiates[0]));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (size_t e = 0; calls_event_name(e); e++) {
			before = calls_counter(cs, CALLS_N_MALFORMED);
			if (strcmp(calls_event_name(e), "ice:request") == 0 ||
			    strcmp(calls_event_name(e), "join") == 0)
				continue; /* one without userId is a request; what proves nothing */
			forget();
			ck_assert(fire('A', calls_event_name(e), -1, values[i]));
			TOLD(strstr(calls_event_name(e), ":candidate") ? "" : "A call:error");
			ck_assert_msg(calls_counter(cs, CALLS_N_MALFORMED) == before + 1,
				      "%s took %s", calls_event_name(e), values[i]);
		}
	}
	for (size_t e = 0; calls_event_name(e); e++)
		calls_event(cs, sockets[0], calls_event_name(e), NULL, 0, -1, now());
	state_is("active");
	ck_assert(!fire('A', "no:such", -1, "{}"));
}
END_TEST

START_TEST(what_is_too_big_is_refused)
{
	const struct {
		const char *event, *before;
		size_t n;
		const char *after;
	} big[] = {
		{ "call:initiate",
		  "{\"fromId\":1,\"toId\":2,\"callType\":\"video\",\"roomName\":\"x\",\"sdpOffer\":"
		  "\"",
		  CALLS_SDP_BYTES_MAX - 1, "\"}" },
		{ "call:accept", "{\"roomName\":\"r\",\"sdpAnswer\":\"", CALLS_SDP_BYTES_MAX - 1,
		  "\"}" },
		{ "ice:candidate", "{\"roomName\":\"r\",\"candidate\":\"",
		  CALLS_CANDIDATE_BYTES_MAX - 1, "\"}" },
		{ "call:end", "{\"roomName\":\"", CALL_ROOM_NAME_MAX + 1, "\"}" },
		{ "user:join", "\"", TURN_USER_ID_MAX + 1, "\"" },
	};

	active();
	for (size_t i = 0; i < sizeof(big) / sizeof(big[0]); i++) {
		char *json = huge(big[i].before, big[i].n, big[i].after);

		ck_assert(fire('A', big[i].event, -1, json));
		free(json);
	}
	TOLD("A call:error, A call:error, A call:error, A call:error");
	COUNTED(CALLS_N_MALFORMED, 5);
}
END_TEST

START_TEST(the_biggest_permitted_sdp_goes_through)
{
	char *json = huge("{\"fromId\":1,\"toId\":2,\"callType\":\"video\",\"roomName\":\"x\","
			  "\"sdpOffer\":\"",
			  CALLS_SDP_BYTES_MAX - 2, "\"}");

	join('A', "1");
	join('B', "2");
	ck_assert(fire('A', "call:initiate", -1, json));
	TOLD("B call:incoming");
	free(json);
}
END_TEST

START_TEST(a_candidates_decoration_is_left_out_when_it_is_none)
{
	active();
	say('A', "ice:candidate",
	    "{\"roomName\":\"r\",\"candidate\":\"\",\"sdpMLineIndex\":null,\"sdpMid\":5}");
	TOLD("B ice:candidate");
	FIELD(0, "candidate", "\"\"");
	FIELD(0, "sdpMLineIndex", "");
	FIELD(0, "sdpMid", "");
}
END_TEST

/* --- names ----------------------------------------------------------- */

START_TEST(every_counter_has_a_name)
{
	for (int i = 0; i < CALLS_N; i++)
		ck_assert_ptr_nonnull(calls_counter_name((enum calls_counter)i));
}
END_TEST

/* Whatever allocation fails, the module goes on and nothing leaks. */
START_TEST(running_out_of_memory_anywhere_is_survived)
{
	for (long n = 0; n < 60; n++) {
		restart();
		open_socket('A');
		open_socket('B');
		fail_in = n;
		say('A', "user:join", "1");
		say('B', "user:join", "2");
		fire('A', "ice:request", 1, "{\"userId\":1}");
		initiate('A', "1", "2", "r");
		candidate('A', "r", "a");
		accept('B', "r");
		end('A', "r");
		fail_in = -1;
		forget();
		say('A', "user:join", "1");
		say('B', "user:join", "2");
		initiate('A', "1", "2", "again");
		TOLD("B call:incoming");
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_events");
	TCase *t = tcase_create("call_events");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_call_goes_from_initiate_through_answer_to_end);
	tcase_add_test(t, upward_notifications_tell_a_call_from_new_to_ended);
	tcase_add_test(t, names_come_from_the_proof_then_the_client_then_the_id);
	tcase_add_test(t, sdp_may_be_an_object_and_is_passed_on_as_written);
	tcase_add_test(t, a_reject_is_told_to_the_caller_with_the_default_text);
	tcase_add_test(t, a_reason_that_is_too_long_or_no_text_gives_way_to_the_default);
	tcase_add_test(t, a_callee_may_end_while_it_rings);
	tcase_add_test(t, a_caller_cannot_accept_or_reject_its_own_ringing_call);
	tcase_add_test(t, a_reject_of_an_active_call_is_its_end);
	tcase_add_test(t, all_devices_ring_and_the_first_accept_wins);
	tcase_add_test(t, a_cancel_stops_every_device_and_one_reject_the_others);
	tcase_add_test(t, a_socket_that_joins_while_its_user_is_rung_rings_once);
	tcase_add_test(t, an_end_of_another_call_is_not_told_to_a_socket_in_a_call);
	tcase_add_test(t, early_candidates_of_the_caller_wait_for_the_socket_that_accepts);
	tcase_add_test(t, early_candidates_of_the_callee_follow_the_answer);
	tcase_add_test(t, no_more_than_the_configured_candidates_wait);
	tcase_add_test(t, waiting_bytes_are_bounded_over_all_calls);
	tcase_add_test(t, an_offline_callee_is_told_to_the_caller_at_once);
	tcase_add_test(t, a_callee_that_takes_no_message_is_offline);
	tcase_add_test(t, a_retry_of_the_same_call_changes_nothing);
	tcase_add_test(t, a_new_call_in_a_live_room_replaces_the_old_one_silently);
	tcase_add_test(t, calls_of_strangers_with_one_room_name_do_not_meet);
	tcase_add_test(t, a_room_name_a_member_is_in_already_is_refused);
	tcase_add_test(t, accepting_what_is_over_closes_that_screen);
	tcase_add_test(t, naming_another_user_is_refused);
	tcase_add_test(t, a_guessed_room_name_is_worth_nothing);
	tcase_add_test(t, a_socket_that_has_not_joined_can_only_initiate);
	tcase_add_test(t, joining_as_somebody_else_moves_the_socket);
	tcase_add_test(t, nobody_calls_himself);
	tcase_add_test(t, sockets_of_one_user_are_bounded);
	tcase_add_test(t, calls_in_all_and_of_one_user_are_bounded);
	tcase_add_test(t, an_unanswered_ring_ends_as_no_answer_for_both);
	tcase_add_test(t, a_lost_leg_ends_the_call_after_its_grace);
	tcase_add_test(t, a_user_who_comes_back_in_time_takes_the_leg_up);
	tcase_add_test(t, a_leg_passes_to_a_newer_socket_that_joined_before_the_old_one_died);
	tcase_add_test(t, an_answer_waits_for_a_caller_who_lost_his_socket);
	tcase_add_test(t, a_ringing_call_ends_when_caller_or_callee_stay_away);
	tcase_add_test(t, a_call_ends_at_its_longest_permitted_length);
	tcase_add_test(t, a_socket_that_closes_while_it_is_told_something_is_taken_out_afterwards);
	tcase_add_test(t, an_ice_request_reserves_the_id_of_the_next_call);
	tcase_add_test(t, a_reserved_id_waits_for_a_call_that_can_be_made);
	tcase_add_test(t, a_reserved_id_lapses_and_belongs_to_its_user);
	tcase_add_test(t, a_call_knows_how_long_its_credentials_are_good);
	tcase_add_test(t, an_expiry_promised_before_the_call_counts_for_it);
	tcase_add_test(t, in_a_call_an_ice_request_is_for_that_call);
	tcase_add_test(t, ice_requests_are_answered_without_ack_and_on_errors);
	tcase_add_test(t, a_call_goes_on_without_credentials);
	tcase_add_test(t, malformed_payloads_change_nothing_and_their_sender_is_told);
	tcase_add_test(t, what_is_too_big_is_refused);
	tcase_add_test(t, the_biggest_permitted_sdp_goes_through);
	tcase_add_test(t, a_candidates_decoration_is_left_out_when_it_is_none);
	tcase_add_test(t, every_counter_has_a_name);
	tcase_add_test(t, running_out_of_memory_anywhere_is_survived);
	suite_add_tcase(s, t);
	return run_suite(s);
}
