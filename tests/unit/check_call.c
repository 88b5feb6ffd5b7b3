/* check_call.c - the state machine of one call */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call.h"
#include "run_suite.h"

#define ID "AAAAAAAAAAAAAAAAAAAAAA"

static const struct user_id alice = { .text = "7", .number = true };
static const struct user_id bob = { .text = "bob" };
static const struct call_limits limits = { .ring_ms = 45000,
					   .grace_ms = 20000,
					   .length_ms = 14400000 };

static const struct call_spec direct = { .call_id = ID,
					 .room_name = "room",
					 .type = CALL_VIDEO,
					 .caller = &alice,
					 .invited = &bob,
					 .invited_n = 1 };

static struct call_time at(uint64_t now_ms)
{
	return (struct call_time){ .now_ms = now_ms, .wall_ms = 1700000000000 + (int64_t)now_ms };
}

static struct call *in_state(enum call_state s)
{
	struct call *c;

	ck_assert_int_eq(call_new(&c, &direct, at(1000)), 0);
	if (s >= CALL_RINGING)
		ck_assert_int_eq(call_apply(c, CALL_EV_RING, NULL, at(1001)), 1);
	if (s >= CALL_ACTIVE)
		ck_assert_int_eq(call_apply(c, CALL_EV_ACCEPT, NULL, at(5000)), 1);
	if (s >= CALL_ENDED)
		ck_assert_int_eq(call_apply(c, CALL_EV_CALLER_END, "bye", at(9000)), 1);
	ck_assert_int_eq(call_state(c), s);
	return c;
}

/* Written from the contract, not from the machine's table: what each event does
 * in each living state. "-" refused, "=" nothing, else the state or end code. */
static const struct cell {
	enum call_ev ev;
	const char *initiated, *ringing, *active;
} cells[] = {
	{ CALL_EV_NONE, "-", "-", "-" },
	{ CALL_EV_RING, "ringing", "=", "=" },
	{ CALL_EV_ACCEPT, "active", "active", "=" },
	{ CALL_EV_REJECT, "rejected", "rejected", "completed" },
	{ CALL_EV_CALLER_END, "cancelled", "cancelled", "completed" },
	{ CALL_EV_CALLEE_END, "rejected", "rejected", "completed" },
	{ CALL_EV_OFFLINE, "offline", "offline", "-" },
	{ CALL_EV_BUSY, "busy", "busy", "-" },
	{ CALL_EV_NO_ANSWER, "no_answer", "no_answer", "-" },
	{ CALL_EV_CALLER_GONE, "cancelled", "cancelled", "failed" },
	{ CALL_EV_CALLEE_GONE, "offline", "offline", "failed" },
	{ CALL_EV_TOO_LONG, "-", "-", "completed" },
	{ CALL_EV_REPLACE, "replaced", "replaced", "replaced" },
	{ CALL_EV_EMPTY, "no_answer", "no_answer", "completed" },
	{ CALL_EV_SERVER, "server", "server", "server" },
	{ CALL_EV_FAIL, "failed", "failed", "failed" },
};

static void check_cell(enum call_state from, enum call_ev ev, const char *want)
{
	struct call *c = in_state(from);
	int rc = call_apply(c, ev, NULL, at(6000));

	if (strcmp(want, "-") == 0 || strcmp(want, "=") == 0) {
		ck_assert_int_eq(rc, *want == '-' ? -EPROTO : 0);
		ck_assert_int_eq(call_state(c), from);
	} else {
		ck_assert_int_eq(rc, 1);
		ck_assert_str_eq(call_state(c) == CALL_ENDED ? call_code_name(call_code(c))
							     : call_state_name(call_state(c)),
				 want);
	}
	call_free(c);
}

START_TEST(every_event_in_every_living_state_does_what_the_contract_says)
{
	ck_assert_uint_eq(sizeof(cells) / sizeof(cells[0]), CALL_EV_N);
	for (size_t i = 0; i < CALL_EV_N; i++) {
		check_cell(CALL_INITIATED, cells[i].ev, cells[i].initiated);
		check_cell(CALL_RINGING, cells[i].ev, cells[i].ringing);
		check_cell(CALL_ACTIVE, cells[i].ev, cells[i].active);
	}
}
END_TEST

START_TEST(an_ended_call_takes_no_event_and_keeps_its_end)
{
	struct call *c = in_state(CALL_ENDED);
	enum call_ev due;

	for (int ev = 0; ev < CALL_EV_N; ev++) {
		ck_assert_int_eq(call_apply(c, (enum call_ev)ev, "other", at(99000)), 0);
		ck_assert_int_eq(call_state(c), CALL_ENDED);
		ck_assert_int_eq(call_code(c), CALL_COMPLETED);
		ck_assert_str_eq(call_reason(c), "bye");
		ck_assert_int_eq(call_end_wall_ms(c), 1700000009000);
	}
	ck_assert(!call_due(c, &limits, UINT64_MAX, &due));
	call_free(c);
}
END_TEST

START_TEST(default_reasons_are_the_original_texts_or_the_code)
{
	static const struct {
		enum call_ev ev;
		const char *reason;
	} want[] = {
		{ CALL_EV_REJECT, "User rejected the call" },
		{ CALL_EV_CALLER_END, "Call ended" },
		{ CALL_EV_CALLEE_GONE, "offline" },
		{ CALL_EV_NO_ANSWER, "no_answer" },
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct call *c = in_state(CALL_RINGING);

		ck_assert_ptr_null(call_reason(c));
		ck_assert_int_eq(call_apply(c, want[i].ev, NULL, at(2000)), 1);
		ck_assert_str_eq(call_reason(c), want[i].reason);
		call_free(c);
	}
}
END_TEST

static void due_is(const struct call *c, uint64_t at_ms, enum call_ev want)
{
	enum call_ev ev;

	ck_assert(!call_due(c, &limits, at_ms - 1, &ev));
	ck_assert(call_due(c, &limits, at_ms, &ev));
	ck_assert_int_eq(ev, want);
}

START_TEST(deadlines_are_ring_timeout_and_longest_call)
{
	struct call *c = in_state(CALL_RINGING);

	due_is(c, 46000, CALL_EV_NO_ANSWER);
	ck_assert_int_eq(call_apply(c, CALL_EV_ACCEPT, NULL, at(5000)), 1);
	due_is(c, 14405000, CALL_EV_TOO_LONG);
	call_free(c);
}
END_TEST

START_TEST(a_member_is_due_when_its_grace_has_passed)
{
	struct call *c = in_state(CALL_RINGING);

	ck_assert_int_eq(call_member_due(c, &limits, UINT64_MAX), -ENOENT);
	call_gone(c, CALL_CALLER, 2000);
	call_gone(c, CALL_CALLER, 3000); /* a repeat does not prolong it */
	ck_assert(call_is_gone(c, CALL_CALLER, 500, 2500));
	ck_assert(!call_is_gone(c, CALL_CALLER, 501, 2500));
	ck_assert_int_eq(call_member_due(c, &limits, 21999), -ENOENT);
	ck_assert_int_eq(call_member_due(c, &limits, 22000), CALL_CALLER);
	call_back(c, CALL_CALLER);
	ck_assert_int_eq(call_member_due(c, &limits, UINT64_MAX), -ENOENT);
	call_gone(c, CALL_CALLEE, 10000);
	ck_assert_int_eq(call_member_due(c, &limits, 30000), CALL_CALLEE);
	call_member_out(c, CALL_CALLEE, OUT_GONE);
	ck_assert_int_eq(call_member_due(c, &limits, UINT64_MAX), -ENOENT);
	call_free(c);
}
END_TEST

START_TEST(duration_counts_from_the_answer_and_stops_at_the_end)
{
	struct call *c = in_state(CALL_RINGING);

	ck_assert(call_duration_ms(c, 60000) == 0);
	call_free(c);
	c = in_state(CALL_ACTIVE);
	ck_assert(call_duration_ms(c, 5000) == 0);
	ck_assert(call_duration_ms(c, 8000) == 3000);
	ck_assert(call_duration_ms(c, 4000) == 0);
	call_free(c);
	c = in_state(CALL_ENDED);
	ck_assert(call_duration_ms(c, 99000) == 4000);
	call_free(c);
}
END_TEST

static int try_new(const char *id, const char *room_name, const struct user_id *callee)
{
	struct call_spec spec = direct;
	struct call *c;
	int rc;

	spec.call_id = id;
	spec.room_name = room_name;
	spec.invited = callee;
	rc = call_new(&c, &spec, at(0));
	if (rc == 0)
		call_free(c);
	return rc;
}

START_TEST(ids_and_names_against_the_grammar_make_no_call)
{
	char long_name[CALL_ROOM_NAME_MAX + 2];

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_int_eq(try_new("short", "r", &bob), -EINVAL);
	ck_assert_int_eq(try_new(ID, "", &bob), -EINVAL);
	ck_assert_int_eq(try_new(ID, "a\nb", &bob), -EINVAL);
	ck_assert_int_eq(try_new(ID, long_name, &bob), -EINVAL);
	ck_assert_int_eq(try_new(ID, "r", &alice), -EINVAL);
	long_name[CALL_ROOM_NAME_MAX] = '\0';
	ck_assert_int_eq(try_new(ID, long_name, &bob), 0);
	call_free(NULL);
}
END_TEST

/* --- members ---------------------------------------------------------------- */

static struct call *of_many(enum call_kind kind, size_t invited_n)
{
	struct user_id invited[CALL_MEMBERS_MAX] = { 0 };
	struct call_spec spec = direct;
	struct call *c;

	for (size_t i = 0; i < invited_n; i++)
		snprintf(invited[i].text, sizeof(invited[i].text), "m%zu", i + 1);
	spec.kind = kind;
	spec.group = &bob;
	spec.invited = invited;
	spec.invited_n = invited_n;
	ck_assert_int_eq(call_new(&c, &spec, at(1000)), 0);
	ck_assert_int_eq(call_apply(c, CALL_EV_RING, NULL, at(1001)), 1);
	return c;
}

START_TEST(members_are_bounded_and_different)
{
	struct user_id invited[CALL_MEMBERS_MAX];
	struct call_spec spec = direct;
	struct call *c;

	for (size_t i = 0; i < CALL_MEMBERS_MAX; i++) {
		invited[i] = bob;
		snprintf(invited[i].text, sizeof(invited[i].text), "m%zu", i);
	}
	spec.invited = invited;
	spec.invited_n = 2;
	ck_assert_int_eq(call_new(&c, &spec, at(0)), -EINVAL); /* a call of two */
	spec.kind = CALL_RING_GROUP;
	spec.invited_n = CALL_MEMBERS_MAX;
	ck_assert_int_eq(call_new(&c, &spec, at(0)), -EINVAL);
	spec.invited_n = 0;
	ck_assert_int_eq(call_new(&c, &spec, at(0)), -EINVAL);
	spec.invited_n = CALL_MEMBERS_MAX - 1;
	ck_assert_int_eq(call_new(&c, &spec, at(0)), 0);
	ck_assert_uint_eq(call_members_n(c), CALL_MEMBERS_MAX);
	ck_assert_int_eq(call_find_member(c, "m62"), CALL_MEMBERS_MAX - 1);
	call_free(c);
	invited[5] = invited[9];
	ck_assert_int_eq(call_new(&c, &spec, at(0)), -EINVAL);
}
END_TEST

/* What it amounts to when a member goes out. */
START_TEST(every_way_out_of_every_kind_of_call_amounts_to_what_the_contract_says)
{
	static const struct {
		enum call_kind kind;
		enum call_state state;
		size_t who;
		enum member_out why;
		enum call_ev want;
	} ways[] = {
		{ CALL_DIRECT, CALL_RINGING, 0, OUT_END, CALL_EV_CALLER_END },
		{ CALL_DIRECT, CALL_RINGING, 0, OUT_GONE, CALL_EV_CALLER_GONE },
		{ CALL_DIRECT, CALL_RINGING, 1, OUT_END, CALL_EV_CALLEE_END },
		{ CALL_DIRECT, CALL_RINGING, 1, OUT_REJECT, CALL_EV_REJECT },
		{ CALL_DIRECT, CALL_RINGING, 1, OUT_GONE, CALL_EV_CALLEE_GONE },
		{ CALL_DIRECT, CALL_RINGING, 1, OUT_BUSY, CALL_EV_BUSY },
		{ CALL_DIRECT, CALL_RINGING, 1, OUT_OFFLINE, CALL_EV_OFFLINE },
		{ CALL_DIRECT, CALL_ACTIVE, 0, OUT_REJECT, CALL_EV_REJECT },
		{ CALL_DIRECT, CALL_ACTIVE, 1, OUT_GONE, CALL_EV_CALLEE_GONE },
		{ CALL_RING_GROUP, CALL_RINGING, 0, OUT_END, CALL_EV_CALLER_END },
		{ CALL_RING_GROUP, CALL_RINGING, 1, OUT_REJECT, CALL_EV_NONE },
		{ CALL_RING_GROUP, CALL_RINGING, 1, OUT_GONE, CALL_EV_NONE },
		{ CALL_RING_GROUP, CALL_ACTIVE, 1, OUT_REJECT, CALL_EV_REJECT },
		{ CALL_RING_GROUP, CALL_ACTIVE, 1, OUT_GONE, CALL_EV_CALLEE_GONE },
		{ CALL_MESH, CALL_RINGING, 0, OUT_END, CALL_EV_EMPTY },
		{ CALL_MESH, CALL_RINGING, 1, OUT_REJECT, CALL_EV_NONE },
		{ CALL_MESH, CALL_ACTIVE, 0, OUT_END, CALL_EV_NONE },
		{ CALL_MESH, CALL_ACTIVE, 1, OUT_GONE, CALL_EV_NONE },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct call *c = of_many(ways[i].kind, ways[i].kind == CALL_DIRECT ? 1 : 3);
		enum call_ev ev;

		if (ways[i].state == CALL_ACTIVE)
			call_apply(c, call_member_in(c, 1), NULL, at(2000));
		ev = call_member_out(c, ways[i].who, ways[i].why);
		ck_assert_msg(ev == ways[i].want, "way %zu amounts to %d", i, (int)ev);
		ck_assert_int_eq(call_member_state(c, ways[i].who), MEMBER_OUT);
		ck_assert_int_eq(call_member_out(c, ways[i].who, OUT_END), CALL_EV_NONE);
		call_free(c);
	}
}
END_TEST

START_TEST(the_weightiest_reason_ends_a_group_that_nobody_answers)
{
	static const struct {
		enum member_out why[3];
		enum call_ev want;
	} groups[] = {
		{ { OUT_OFFLINE, OUT_OFFLINE, OUT_GONE }, CALL_EV_OFFLINE },
		{ { OUT_BUSY, OUT_OFFLINE, OUT_OFFLINE }, CALL_EV_BUSY },
		{ { OUT_OFFLINE, OUT_GONE, OUT_BUSY }, CALL_EV_BUSY },
		{ { OUT_REJECT, OUT_BUSY, OUT_OFFLINE }, CALL_EV_REJECT },
		{ { OUT_BUSY, OUT_END, OUT_GONE }, CALL_EV_REJECT },
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct call *c = of_many(CALL_RING_GROUP, 3);

		for (size_t k = 0; k < 2; k++)
			ck_assert_int_eq(call_member_out(c, k + 1, groups[i].why[k]), CALL_EV_NONE);
		ck_assert_int_eq(call_member_out(c, 3, groups[i].why[2]), groups[i].want);
		ck_assert_int_eq(call_member_why_out(c, 3), groups[i].why[2]);
		call_free(c);
	}
}
END_TEST

START_TEST(the_first_answer_in_a_group_is_the_only_one)
{
	struct call *c = of_many(CALL_RING_GROUP, 3);

	ck_assert_int_eq(call_peer(c, CALL_CALLER), -ENOENT);
	call_member_out(c, 1, OUT_REJECT);
	ck_assert_int_eq(call_member_in(c, 2), CALL_EV_ACCEPT);
	ck_assert_int_eq(call_apply(c, CALL_EV_ACCEPT, NULL, at(2000)), 1);
	ck_assert_int_eq(call_member_why_out(c, 1), OUT_REJECT);
	ck_assert_int_eq(call_member_state(c, 3), MEMBER_OUT);
	ck_assert_int_eq(call_member_why_out(c, 3), OUT_LOST);
	ck_assert_int_eq(call_peer(c, CALL_CALLER), 2);
	ck_assert_int_eq(call_peer(c, 2), CALL_CALLER);
	ck_assert(call_member_was_in(c, 2) && !call_member_was_in(c, 3));
	ck_assert_str_eq(call_group(c)->text, "bob");
	call_free(c);
}
END_TEST

START_TEST(members_of_a_mesh_come_and_go_until_it_is_empty)
{
	struct call *c = of_many(CALL_MESH, 3);

	ck_assert_int_eq(call_member_in(c, 1), CALL_EV_ACCEPT);
	ck_assert_int_eq(call_apply(c, CALL_EV_ACCEPT, NULL, at(2000)), 1);
	ck_assert_int_eq(call_member_in(c, 2), CALL_EV_NONE);
	ck_assert_int_eq(call_member_state(c, 3), MEMBER_INVITED);
	ck_assert_int_eq(call_member_out(c, 0, OUT_END), CALL_EV_NONE);
	ck_assert_int_eq(call_member_out(c, 1, OUT_END), CALL_EV_NONE);
	ck_assert_int_eq(call_member_in(c, 1), CALL_EV_NONE);
	ck_assert_int_eq(call_member_out(c, 2, OUT_END), CALL_EV_NONE);
	ck_assert_int_eq(call_member_out(c, 1, OUT_GONE), CALL_EV_EMPTY);
	call_free(c);
}
END_TEST

START_TEST(what_was_told_can_be_read_back)
{
	struct call *c = in_state(CALL_ACTIVE);

	ck_assert_str_eq(call_id(c), ID);
	ck_assert_str_eq(call_room_name(c), "room");
	ck_assert_str_eq(call_type_name(call_type(c)), "video");
	ck_assert_uint_eq(call_members_n(c), 2);
	ck_assert_str_eq(call_member(c, CALL_CALLER)->text, "7");
	ck_assert_int_eq(call_find_member(c, "bob"), CALL_CALLEE);
	ck_assert_int_eq(call_find_member(c, "eve"), -ENOENT);
	ck_assert_int_eq(call_start_wall_ms(c), 1700000001000);
	ck_assert_int_eq(call_answer_wall_ms(c), 1700000005000);
	ck_assert_int_eq(call_end_wall_ms(c), 0);
	call_free(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call");
	TCase *t = tcase_create("call");

	tcase_add_test(t, every_event_in_every_living_state_does_what_the_contract_says);
	tcase_add_test(t, an_ended_call_takes_no_event_and_keeps_its_end);
	tcase_add_test(t, default_reasons_are_the_original_texts_or_the_code);
	tcase_add_test(t, deadlines_are_ring_timeout_and_longest_call);
	tcase_add_test(t, a_member_is_due_when_its_grace_has_passed);
	tcase_add_test(t, members_are_bounded_and_different);
	tcase_add_test(t, every_way_out_of_every_kind_of_call_amounts_to_what_the_contract_says);
	tcase_add_test(t, the_weightiest_reason_ends_a_group_that_nobody_answers);
	tcase_add_test(t, the_first_answer_in_a_group_is_the_only_one);
	tcase_add_test(t, members_of_a_mesh_come_and_go_until_it_is_empty);
	tcase_add_test(t, duration_counts_from_the_answer_and_stops_at_the_end);
	tcase_add_test(t, ids_and_names_against_the_grammar_make_no_call);
	tcase_add_test(t, what_was_told_can_be_read_back);
	suite_add_tcase(s, t);
	return run_suite(s);
}
