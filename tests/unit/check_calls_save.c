/* check_calls_save.c - a call that was saved goes on in the next process as if nothing had been */
#include <errno.h>

#include "calls/calls_save.h"
#include "calls_fixture.h"
#include "run_suite.h"

#define CLOCK "boot 1"

static struct json_out text;
static unsigned changed, members;

static void on_changed(const struct call *c, void *ctx)
{
	(void)c;
	(void)ctx;
	changed++;
}

static void on_member(const struct call *c, const char *user, const char *address, void *ctx)
{
	(void)c;
	(void)user;
	(void)ctx;
	members += address == NULL;
}

static void begin(void)
{
	ops.on_call_changed = on_changed;
	ops.on_member = on_member;
	changed = members = 0;
	setup();
	json_out_heap(&text, 1 << 20);
}

static void finish(void)
{
	json_out_free(&text);
	teardown();
}

static struct call *the_call(void)
{
	return call_table_next_live(calls_table(cs), NULL);
}

static void join_as(char letter, const char *id)
{
	open_socket(letter);
	say(letter, "user:join", "\"%s\"", id);
}

static void ring(void)
{
	join_as('A', "ann");
	join_as('B', "bob");
	say('A', "call:initiate",
	    "{\"fromId\":\"ann\",\"toId\":\"bob\",\"callType\":\"video\",\"roomName\":\"r\","
	    "\"sdpOffer\":{\"sdp\":\"v=0\",\n\"type\":\"offer\"}}");
	say('A', "ice:candidate", "{\"roomName\":\"r\",\"candidate\":\"one\"}");
	say('A', "ice:candidate", "{\"roomName\":\"r\",\"candidate\":\"two\"}");
}

static void accept_call(char letter)
{
	say(letter, "call:accept", "{\"roomName\":\"r\",\"sdpAnswer\":\"v=0\"}");
}

static void save(void)
{
	ck_assert_int_eq(calls_save(cs, the_call(), CLOCK, &text), 0);
	ck_assert_ptr_null(memchr(text.p, '\n', text.n));
}

static int take_over(const char *clock)
{
	restart();
	return calls_restore(cs, text.p, text.n, clock, 0, now());
}

/* What the socket got since forget(), by name. */
static const char *got(char letter)
{
	static char names[512];

	names[0] = '\0';
	for (size_t i = 0; i < sent_n; i++)
		if (sent[i].to == letter)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 sent[i].event);
	return names;
}

/* The caller is not to know that he is blocked, also not by a restart. */
START_TEST(a_call_that_only_seems_to_ring_goes_on_like_that)
{
	static const char was[] = "\"state\":\"invited\"",
			  is[] = "\"state\":\"out\",\"why\":\"blocked\"";
	struct json_out edited;
	const char *at;

	ring();
	save();
	at = memmem(text.p, text.n, was, strlen(was));
	ck_assert_ptr_nonnull(at);
	json_out_heap(&edited, 1 << 20);
	json_out_bytes(&edited, text.p, (size_t)(at - text.p));
	json_out_bytes(&edited, is, strlen(is));
	at += strlen(was);
	json_out_bytes(&edited, at, (size_t)(text.p + text.n - at));
	restart();
	ck_assert_int_eq(calls_restore(cs, edited.p, edited.n, CLOCK, 0, now()), 0);
	json_out_free(&edited);
	join_as('A', "ann");
	join_as('B', "bob");
	ck_assert_str_eq(got('B'), "");
	ck_assert_int_eq(call_state(the_call()), CALL_RINGING);
	json_out_reset(&text);
	save();
	ck_assert_ptr_nonnull(memmem(text.p, text.n, is, strlen(is)));
}
END_TEST

START_TEST(a_ringing_call_rings_each_new_socket_once_and_is_answered)
{
	ring();
	save();
	ck_assert_int_eq(take_over(CLOCK), 0);
	ck_assert_uint_eq(members, 1); /* the caller, from nowhere yet */
	join_as('B', "bob");
	ck_assert_str_eq(got('B'), "call:incoming ");
	ck_assert_ptr_nonnull(strstr(sent[0].args, "\"sdpOffer\":{\"sdp\":\"v=0\", \"type\""));
	say('B', "user:join", "\"bob\"");
	ck_assert_str_eq(got('B'), "call:incoming ");
	accept_call('B');
	ck_assert_str_eq(got('B'), "call:incoming ice:candidate ice:candidate ");
	join_as('A', "ann");
	ck_assert_str_eq(got('A'), "call:answer ");
	ck_assert_int_eq(call_state(the_call()), CALL_ACTIVE);
}
END_TEST

START_TEST(an_active_call_goes_on_and_what_waited_comes_without_credentials)
{
	ring();
	accept_call('B');
	clock_ms += 1000;
	close_socket('A');
	say('B', "ice:candidate", "{\"roomName\":\"r\",\"candidate\":\"three\"}");
	ck_assert_int_eq(calls_tell_ice_servers(cs, call_id(the_call()), now()), 0);
	save();
	ck_assert_ptr_null(memmem(text.p, text.n, "credential", 10));
	clock_ms += 5000;
	ck_assert_int_eq(take_over(CLOCK), 0);
	ck_assert_uint_eq(call_duration_ms(the_call(), now().now_ms), 6000);
	join_as('A', "ann");
	ck_assert_ptr_nonnull(strstr(got('A'), "ice:candidate "));
	join_as('B', "bob");
	forget();
	say('A', "call:end", "{\"roomName\":\"r\"}");
	ck_assert_str_eq(got('B'), "call:ended ");
	ck_assert_ptr_null(the_call());
}
END_TEST

START_TEST(who_does_not_come_back_ends_it_after_the_grace_time)
{
	ring();
	accept_call('B');
	save();
	clock_ms += 60000; /* nobody's fault */
	ck_assert_int_eq(take_over(CLOCK), 0);
	join_as('A', "ann");
	clock_ms += cfg.times.grace_ms - 1;
	calls_tick(cs, now());
	ck_assert_ptr_nonnull(the_call());
	clock_ms += 1;
	calls_tick(cs, now());
	ck_assert_ptr_null(the_call());
	ck_assert_ptr_nonnull(strstr(sent[sent_n - 1].args, "\"code\":\"failed\""));
}
END_TEST

START_TEST(a_ring_time_that_is_over_ends_it_at_once)
{
	ring();
	save();
	clock_ms += cfg.times.ring_ms;
	ck_assert_int_eq(take_over(CLOCK), 0);
	calls_tick(cs, now());
	ck_assert_ptr_null(the_call());
}
END_TEST

START_TEST(another_boot_counts_by_the_wall_clock_even_if_it_went_back)
{
	ring();
	accept_call('B');
	clock_ms += 7000;
	save();
	ck_assert_int_eq(take_over("boot 2"), 0);
	ck_assert_uint_eq(call_duration_ms(the_call(), now().now_ms), 7000);
	clock_ms = 500; /* before it all began */
	ck_assert_int_eq(take_over("boot 3"), 0);
	ck_assert_uint_eq(call_duration_ms(the_call(), now().now_ms), 0);
}
END_TEST

START_TEST(what_is_no_call_is_refused_and_counted)
{
	ring();
	save();
	for (size_t n = 0; n < text.n; n++) {
		restart();
		ck_assert_int_lt(calls_restore(cs, text.p, n, CLOCK, 0, now()), 0);
		ck_assert_ptr_null(the_call());
	}
	ck_assert_int_eq(take_over(CLOCK), 0);
	ck_assert_int_eq(calls_restore(cs, text.p, text.n, CLOCK, 0, now()), -EEXIST);
	ck_assert_uint_eq(calls_counter(cs, CALLS_N_RESTORED), 1);
	ck_assert_uint_eq(calls_counter(cs, CALLS_N_NOT_RESTORED), 1);
}
END_TEST

START_TEST(what_waits_is_left_out_where_there_is_no_room)
{
	struct json_out small;

	ring();
	save();
	json_out_heap(&small, text.n - 1);
	ck_assert_int_eq(calls_save(cs, the_call(), CLOCK, &small), 1);
	ck_assert_ptr_null(memmem(small.p, small.n, "two", 3));
	json_out_free(&small);
	json_out_heap(&small, 100);
	ck_assert_int_eq(calls_save(cs, the_call(), CLOCK, &small), -ENOBUFS);
	json_out_free(&small);
}
END_TEST

START_TEST(a_word_about_media_is_kept_and_only_the_legs_counts)
{
	ring();
	accept_call('B');
	open_socket('C');
	say('C', "user:join", "\"bob\"");
	say('C', "call:media", "{\"roomName\":\"r\",\"path\":\"direct\"}");
	ck_assert(!calls_media_direct(cs, call_id(the_call())));
	say('B', "call:media", "{\"roomName\":\"r\",\"path\":\"somehow\"}");
	ck_assert(!calls_media_direct(cs, call_id(the_call())));
	changed = 0;
	say('B', "call:media", "{\"roomName\":\"r\",\"path\":\"direct\"}");
	ck_assert_uint_eq(changed, 1);
	ck_assert(calls_media_direct(cs, call_id(the_call())));
	save();
	ck_assert_int_eq(take_over(CLOCK), 0);
	ck_assert(calls_media_direct(cs, call_id(the_call())));
	join_as('B', "bob");
	say('B', "call:media", "{\"roomName\":\"r\",\"path\":\"relay\"}");
	ck_assert(!calls_media_direct(cs, call_id(the_call())));
}
END_TEST

/* ann and bob are in, dan was; carol is invited and has never been there. */
static void mesh(void)
{
	join_as('A', "ann");
	join_as('B', "bob");
	join_as('D', "dan");
	say('A', "group_call:join",
	    "{\"roomName\":\"r\",\"callType\":\"video\","
	    "\"memberIds\":[\"bob\",\"carol\",\"dan\"]}");
	say('B', "group_call:join", "{\"roomName\":\"r\",\"fromName\":\"Bob\"}");
	say('D', "group_call:join", "{\"roomName\":\"r\"}");
	say('D', "group_call:leave", "{\"roomName\":\"r\"}");
}

START_TEST(a_mesh_goes_on_and_who_was_invited_still_is)
{
	mesh();
	save();
	ck_assert_int_eq(take_over(CLOCK), 0);
	ck_assert_uint_eq(members, 2);
	join_as('A', "ann");
	join_as('B', "bob");
	join_as('D', "dan");
	ck_assert_uint_eq(sent_n, 0); /* nobody is told anything anew */
	clock_ms += cfg.times.grace_ms + 1000;
	calls_tick(cs, now());
	ck_assert_uint_eq(sent_n, 0);
	join_as('C', "carol");
	ck_assert_str_eq(got('C'), "group_call:incoming ");
	forget();
	say('C', "group_call:join", "{\"roomName\":\"r\"}");
	ck_assert_str_eq(got('C'), "group_call:joined ");
	ck_assert_str_eq(got('A'), "group_call:participant_joined ");
	ck_assert_ptr_nonnull(strstr(sent[1].args, "carol"));
	forget();
	say('D', "group_call:join", "{\"roomName\":\"r\"}");
	ck_assert_str_eq(got('B'), "group_call:participant_joined ");
	say('C', "group_call:offer",
	    "{\"roomName\":\"r\",\"toUserId\":\"bob\",\"sdpOffer\":\"v=0\"}");
	ck_assert_str_eq(got('B'), "group_call:participant_joined group_call:offer ");
}
END_TEST

START_TEST(who_is_invited_without_an_offer_is_refused)
{
	char *offer; /* the last but its hash */

	mesh();
	save();
	offer = memmem(text.p, text.n, ",\"offer\"", 8);
	ck_assert_ptr_nonnull(offer);
	*offer = '}';
	text.n = (size_t)(offer + 1 - text.p);
	ck_assert_int_eq(take_over(CLOCK), -EINVAL);
}
END_TEST

START_TEST(who_does_not_come_back_to_a_mesh_leaves_it_and_no_other)
{
	mesh();
	save();
	ck_assert_int_eq(take_over(CLOCK), 0);
	join_as('A', "ann");
	clock_ms += cfg.times.grace_ms;
	calls_tick(cs, now());
	ck_assert_str_eq(got('A'), "group_call:participant_left ");
	ck_assert_ptr_nonnull(the_call());
	join_as('B', "bob");
	forget();
	say('B', "group_call:join", "{\"roomName\":\"r\"}");
	ck_assert_str_eq(got('A'), "group_call:participant_joined ");
}
END_TEST

static void ring_group(void)
{
	join_as('A', "ann");
	join_as('B', "bob");
	join_as('C', "carol");
	join_as('D', "dan");
	say('A', "group_call:initiate",
	    "{\"initiatedBy\":\"ann\",\"groupId\":\"g\",\"callType\":\"audio\","
	    "\"roomName\":\"r\",\"sdpOffer\":\"v=0\","
	    "\"memberIds\":[\"bob\",\"carol\",\"dan\"]}");
	say('D', "call:reject", "{\"roomName\":\"r\"}");
}

START_TEST(a_group_that_rings_goes_on_ringing_and_the_first_answer_wins)
{
	ring_group();
	save();
	ck_assert_int_eq(take_over(CLOCK), 0);
	join_as('B', "bob");
	join_as('C', "carol");
	join_as('D', "dan");
	join_as('A', "ann");
	ck_assert_str_eq(got('B'), "call:incoming ");
	ck_assert_str_eq(got('C'), "call:incoming ");
	ck_assert_str_eq(got('D'), ""); /* said no */
	ck_assert_ptr_nonnull(strstr(sent[0].args, "\"isGroupCall\":true"));
	forget();
	accept_call('C');
	ck_assert_str_eq(got('A'), "call:answer ");
	ck_assert_str_eq(got('B'), "call:ended ");
	for (size_t i = 0; i < sent_n; i++)
		if (sent[i].to == 'B')
			ck_assert_ptr_nonnull(strstr(sent[i].args, "answered_elsewhere"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("calls_save");
	TCase *t = tcase_create("calls_save");

	tcase_add_checked_fixture(t, begin, finish);
	tcase_add_test(t, a_call_that_only_seems_to_ring_goes_on_like_that);
	tcase_add_test(t, a_ringing_call_rings_each_new_socket_once_and_is_answered);
	tcase_add_test(t, an_active_call_goes_on_and_what_waited_comes_without_credentials);
	tcase_add_test(t, who_does_not_come_back_ends_it_after_the_grace_time);
	tcase_add_test(t, a_ring_time_that_is_over_ends_it_at_once);
	tcase_add_test(t, another_boot_counts_by_the_wall_clock_even_if_it_went_back);
	tcase_add_test(t, what_is_no_call_is_refused_and_counted);
	tcase_add_test(t, what_waits_is_left_out_where_there_is_no_room);
	tcase_add_test(t, a_word_about_media_is_kept_and_only_the_legs_counts);
	tcase_add_test(t, a_mesh_goes_on_and_who_was_invited_still_is);
	tcase_add_test(t, who_is_invited_without_an_offer_is_refused);
	tcase_add_test(t, who_does_not_come_back_to_a_mesh_leaves_it_and_no_other);
	tcase_add_test(t, a_group_that_rings_goes_on_ringing_and_the_first_answer_wins);
	suite_add_tcase(s, t);
	return run_suite(s);
}
