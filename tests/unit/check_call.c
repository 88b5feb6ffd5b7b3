/* check_call.c - the state machine of one call */
#include <check.h>
#include <errno.h>
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

static struct call_time at(uint64_t now_ms)
{
	return (struct call_time){ .now_ms = now_ms, .wall_ms = 1700000000000 + (int64_t)now_ms };
}

static struct call *in_state(enum call_state s)
{
	struct call *c;

	ck_assert_int_eq(call_new(&c, ID, "room", CALL_VIDEO, &alice, &bob, at(1000)), 0);
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
	{ CALL_EV_RING, "ringing", "=", "=" },
	{ CALL_EV_ACCEPT, "-", "active", "=" },
	{ CALL_EV_REJECT, "-", "rejected", "completed" },
	{ CALL_EV_CALLER_END, "cancelled", "cancelled", "completed" },
	{ CALL_EV_CALLEE_END, "-", "rejected", "completed" },
	{ CALL_EV_OFFLINE, "offline", "-", "-" },
	{ CALL_EV_NO_ANSWER, "no_answer", "no_answer", "-" },
	{ CALL_EV_CALLER_GONE, "cancelled", "cancelled", "failed" },
	{ CALL_EV_CALLEE_GONE, "offline", "offline", "failed" },
	{ CALL_EV_TOO_LONG, "-", "-", "completed" },
	{ CALL_EV_REPLACE, "replaced", "replaced", "replaced" },
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
		{ CALL_EV_CALLEE_GONE, "Participant disconnected" },
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

START_TEST(deadlines_are_ring_timeout_longest_call_and_grace)
{
	struct call *c = in_state(CALL_RINGING);

	due_is(c, 46000, CALL_EV_NO_ANSWER);
	call_gone(c, CALL_CALLER, 2000);
	call_gone(c, CALL_CALLER, 3000); /* a repeat does not prolong it */
	due_is(c, 22000, CALL_EV_CALLER_GONE);
	call_back(c, CALL_CALLER);
	due_is(c, 46000, CALL_EV_NO_ANSWER);
	ck_assert_int_eq(call_apply(c, CALL_EV_ACCEPT, NULL, at(5000)), 1);
	due_is(c, 14405000, CALL_EV_TOO_LONG);
	call_gone(c, CALL_CALLEE, 10000);
	due_is(c, 30000, CALL_EV_CALLEE_GONE);
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

START_TEST(ids_and_names_against_the_grammar_make_no_call)
{
	char long_name[CALL_ROOM_NAME_MAX + 2];
	struct call *c = NULL;

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_int_eq(call_new(&c, "short", "r", CALL_AUDIO, &alice, &bob, at(0)), -EINVAL);
	ck_assert_int_eq(call_new(&c, ID, "", CALL_AUDIO, &alice, &bob, at(0)), -EINVAL);
	ck_assert_int_eq(call_new(&c, ID, "a\nb", CALL_AUDIO, &alice, &bob, at(0)), -EINVAL);
	ck_assert_int_eq(call_new(&c, ID, long_name, CALL_AUDIO, &alice, &bob, at(0)), -EINVAL);
	ck_assert_int_eq(call_new(&c, ID, "r", CALL_AUDIO, &alice, &alice, at(0)), -EINVAL);
	ck_assert_ptr_null(c);
	long_name[CALL_ROOM_NAME_MAX] = '\0';
	ck_assert_int_eq(call_new(&c, ID, long_name, CALL_AUDIO, &alice, &bob, at(0)), 0);
	call_free(c);
	call_free(NULL);
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
	tcase_add_test(t, deadlines_are_ring_timeout_longest_call_and_grace);
	tcase_add_test(t, duration_counts_from_the_answer_and_stops_at_the_end);
	tcase_add_test(t, ids_and_names_against_the_grammar_make_no_call);
	tcase_add_test(t, what_was_told_can_be_read_back);
	suite_add_tcase(s, t);
	return run_suite(s);
}
