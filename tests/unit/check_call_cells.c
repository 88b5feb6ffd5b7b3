/* check_call_cells.c - the table of PROTOCOL.md: event x state x who sends it */
#include "calls_world.h"

/* Who sends: one letter each. */
enum role {
	LEG,	   /* A: the socket that called */
	CALLER_2,  /* B: another one of the caller */
	CALLEE,	   /* C: a socket of the callee; the one that accepts */
	CALLEE_2,  /* D: another one */
	STRANGER,  /* E: another user */
	ANONYMOUS, /* F: nobody knows whose */
	ROLES_N,
};

enum when { INITIATED, RINGING, ACTIVE, OVER, WHENS_N };

static void people(bool callee_registers)
{
	struct calls_identity callee = { .id = { .text = "2" } };

	cfg.offline_rings = !callee_registers;
	restart();
	join('A', "1");
	join('B', "1");
	join('E', "3");
	open_socket('C');
	open_socket('D');
	open_socket('F');
	if (callee_registers) {
		say('C', "user:join", "2");
		say('D', "user:join", "2");
	} else {
		ck_assert_int_eq(calls_identify(cs, sockets['C' - 'A'], &callee, now()), 0);
		ck_assert_int_eq(calls_identify(cs, sockets['D' - 'A'], &callee, now()), 0);
	}
}

static void prepare(enum when when)
{
	people(when != INITIATED);
	initiate('A', "1", "2", "r");
	if (when >= ACTIVE)
		accept('C', "r");
	if (when == OVER)
		end('A', "r");
	forget();
}

/* What came of it: "told -> state or code (counter)". */
static const char *outcome(const uint64_t before[CALLS_N])
{
	static const enum calls_counter counters[] = { CALLS_N_LATE,	     CALLS_N_ECHO,
						       CALLS_N_OUT_OF_PLACE, CALLS_N_FOREIGN,
						       CALLS_N_FORBIDDEN,    CALLS_N_NOT_JOINED };
	const struct call *c = the_call();
	static char text[512];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "%s%s-> %s", told(), sent_n ? " " : "",
			     call_state(c) == CALL_ENDED ? call_code_name(call_code(c))
							 : call_state_name(call_state(c)));
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (calls_counter(cs, counters[i]) != before[counters[i]])
			n += (size_t)snprintf(text + n, sizeof(text) - n, " (%s)",
					      calls_counter_name(counters[i]));
	return text;
}

static void send(const char *event, char letter)
{
	if (strcmp(event, "call:initiate") == 0)
		initiate(letter,
			 letter < 'C'	? "1"
			 : letter < 'E' ? "2"
					: "3",
			 letter == 'C' || letter == 'D' ? "1" : "2", "r");
	else if (strcmp(event, "call:accept") == 0)
		accept(letter, "r");
	else if (strcmp(event, "ice:candidate") == 0)
		candidate(letter, "r", "c");
	else
		say(letter, event, "{\"roomName\":\"r\"}");
}

/* Written from the contract: what the event, said once, does in each state. */
static const struct cell {
	const char *event;
	enum role role;
	const char *outcome[WHENS_N];
} cells[] = {
	{ "call:initiate",
	  LEG,
	  { "-> initiated (echo)", "-> ringing (echo)", "-> active (echo)",
	    "C call:incoming, D call:incoming -> ringing" } },
	{ "call:initiate",
	  CALLER_2,
	  { "-> initiated (echo)", "-> ringing (echo)", "-> active (echo)",
	    "C call:incoming, D call:incoming -> ringing" } },
	{ "call:initiate",
	  CALLEE,
	  { "C call:error, C call:incoming -> ringing", "C call:error -> ringing",
	    "C call:error -> active", "A call:incoming, B call:incoming -> ringing" } },
	{ "call:initiate",
	  CALLEE_2,
	  { "D call:error, D call:incoming -> ringing", "D call:error -> ringing",
	    "D call:error -> active", "A call:incoming, B call:incoming -> ringing" } },
	{ "call:initiate",
	  STRANGER,
	  { "E call:ended, E call:error -> initiated", "E call:ended, E call:error -> ringing",
	    "E call:ended, E call:error -> active",
	    "C call:incoming, D call:incoming -> ringing" } },
	{ "call:initiate",
	  ANONYMOUS,
	  { "F call:ended, F call:error -> initiated", "F call:ended, F call:error -> ringing",
	    "F call:ended, F call:error -> active",
	    "C call:incoming, D call:incoming -> ringing" } },
	{ "call:accept",
	  LEG,
	  { "-> initiated (out_of_place)", "-> ringing (out_of_place)", "-> active (out_of_place)",
	    "-> completed (late)" } },
	{ "call:accept",
	  CALLER_2,
	  { "-> initiated (out_of_place)", "-> ringing (out_of_place)", "-> active (out_of_place)",
	    "-> completed (late)" } },
	{ "call:accept",
	  CALLEE,
	  { "A call:answer -> active", "A call:answer, D call:ended -> active", "-> active (echo)",
	    "C call:ended -> completed (late)" } },
	{ "call:accept",
	  CALLEE_2,
	  { "A call:answer -> active", "A call:answer, C call:ended -> active",
	    "D call:ended -> active (echo)", "D call:ended -> completed (late)" } },
	{ "call:accept",
	  STRANGER,
	  { "E call:ended, E call:error -> initiated (foreign)",
	    "E call:ended, E call:error -> ringing (foreign)",
	    "E call:ended, E call:error -> active (foreign)",
	    "E call:ended, E call:error -> completed (foreign)" } },
	{ "call:accept",
	  ANONYMOUS,
	  { "F call:error -> initiated (not_joined)", "F call:error -> ringing (not_joined)",
	    "F call:error -> active (not_joined)", "F call:error -> completed (not_joined)" } },
	{ "call:reject",
	  LEG,
	  { "-> initiated (out_of_place)", "-> ringing (out_of_place)", "C call:ended -> completed",
	    "-> completed (late)" } },
	{ "call:reject",
	  CALLER_2,
	  { "-> initiated (echo)", "-> ringing (echo)", "-> active (echo)",
	    "-> completed (late)" } },
	{ "call:reject",
	  CALLEE,
	  { "A call:rejected -> rejected", "D call:ended, A call:rejected -> rejected",
	    "A call:ended -> completed", "-> completed (late)" } },
	{ "call:reject",
	  CALLEE_2,
	  { "A call:rejected -> rejected", "C call:ended, A call:rejected -> rejected",
	    "-> active (echo)", "-> completed (late)" } },
	{ "call:reject",
	  STRANGER,
	  { "-> initiated (foreign)", "-> ringing (foreign)", "-> active (foreign)",
	    "-> completed (foreign)" } },
	{ "call:reject",
	  ANONYMOUS,
	  { "F call:error -> initiated (not_joined)", "F call:error -> ringing (not_joined)",
	    "F call:error -> active (not_joined)", "F call:error -> completed (not_joined)" } },
	{ "call:end",
	  LEG,
	  { "-> cancelled", "C call:ended, D call:ended -> cancelled", "C call:ended -> completed",
	    "-> completed (late)" } },
	{ "call:end",
	  CALLER_2,
	  { "-> initiated (echo)", "-> ringing (echo)", "-> active (echo)",
	    "-> completed (late)" } },
	{ "call:end",
	  CALLEE,
	  { "A call:ended -> rejected", "D call:ended, A call:ended -> rejected",
	    "A call:ended -> completed", "-> completed (late)" } },
	{ "call:end",
	  CALLEE_2,
	  { "A call:ended -> rejected", "C call:ended, A call:ended -> rejected",
	    "-> active (echo)", "-> completed (late)" } },
	{ "call:end",
	  STRANGER,
	  { "-> initiated (foreign)", "-> ringing (foreign)", "-> active (foreign)",
	    "-> completed (foreign)" } },
	{ "call:end",
	  ANONYMOUS,
	  { "F call:error -> initiated (not_joined)", "F call:error -> ringing (not_joined)",
	    "F call:error -> active (not_joined)", "F call:error -> completed (not_joined)" } },
	{ "ice:candidate",
	  LEG,
	  { "-> initiated", "-> ringing", "C ice:candidate -> active", "-> completed (late)" } },
	{ "ice:candidate",
	  CALLER_2,
	  { "-> initiated (echo)", "-> ringing (echo)", "-> active (echo)",
	    "-> completed (late)" } },
	{ "ice:candidate",
	  CALLEE,
	  { "-> initiated", "-> ringing", "A ice:candidate -> active", "-> completed (late)" } },
	{ "ice:candidate",
	  CALLEE_2,
	  { "-> initiated", "-> ringing", "-> active (echo)", "-> completed (late)" } },
	{ "ice:candidate",
	  STRANGER,
	  { "-> initiated (foreign)", "-> ringing (foreign)", "-> active (foreign)",
	    "-> completed (foreign)" } },
	{ "ice:candidate",
	  ANONYMOUS,
	  { "F call:error -> initiated (not_joined)", "F call:error -> ringing (not_joined)",
	    "F call:error -> active (not_joined)", "F call:error -> completed (not_joined)" } },
};
#define CELLS_N (sizeof(cells) / sizeof(cells[0]))

/* The cell with everybody in his place, and the event sent once. */
static const char *play(const struct cell *c, enum when when)
{
	uint64_t before[CALLS_N];

	prepare(when);
	for (int i = 0; i < CALLS_N; i++)
		before[i] = calls_counter(cs, (enum calls_counter)i);
	send(c->event, (char)('A' + c->role));
	return outcome(before);
}

START_TEST(every_event_in_every_state_by_everybody_does_what_the_table_says)
{
	const struct cell *c = &cells[_i];

	for (int w = 0; w < WHENS_N; w++) {
		const char *is = play(c, (enum when)w);

		ck_assert_msg(strcmp(is, c->outcome[w]) == 0, "%s by %c in state %d: %s", c->event,
			      'A' + c->role, w, is);
	}
}
END_TEST

/* Clients repeat themselves and echo what they are told: nobody else is to hear of it. */
START_TEST(an_event_said_again_is_heard_by_nobody_else)
{
	const struct cell *c = &cells[_i];
	const char letter = (char)('A' + c->role);

	if (strcmp(c->event, "ice:candidate") == 0)
		return; /* two of them are two */
	for (int w = 0; w < WHENS_N; w++) {
		enum call_state state;

		play(c, (enum when)w);
		state = call_state(the_call());
		for (int i = 0; i < 3; i++) {
			forget();
			send(c->event, letter);
			for (size_t k = 0; k < sent_n; k++)
				ck_assert_msg(sent[k].to == letter, "%s again in state %d: %s",
					      c->event, w, told());
			ck_assert_int_eq(call_state(the_call()), state);
		}
	}
}
END_TEST

/* A late device is told once, so that its screen closes, and then no more. */
START_TEST(a_late_accept_is_answered_once_for_each_socket)
{
	prepare(OVER);
	accept('C', "r");
	accept('D', "r");
	accept('C', "r");
	accept('D', "r");
	TOLD("C call:ended, D call:ended");
	FIELD(0, "code", "\"completed\"");
	FIELD(0, "reason", "\"Call ended\"");
	COUNTED(CALLS_N_LATE, 4);
}
END_TEST

START_TEST(two_accepts_in_one_turn_have_one_winner)
{
	prepare(RINGING);
	accept('D', "r");
	accept('C', "r");
	TOLD("A call:answer, C call:ended, C call:ended");
	FIELD(1, "code", "\"answered_elsewhere\"");
	FIELD(2, "code", "\"answered_elsewhere\"");
	COUNTED(CALLS_N_ANSWERED, 1);
	forget();
	candidate('A', "r", "c");
	TOLD("D ice:candidate");
}
END_TEST

START_TEST(a_ring_timeout_never_ends_a_call_that_was_accepted_before_it)
{
	prepare(RINGING);
	clock_ms += 44999;
	accept('C', "r");
	tick(1);
	tick(100000);
	state_is("active");
	prepare(RINGING);
	tick(45000);
	forget();
	accept('C', "r");
	TOLD("C call:ended");
	FIELD(0, "code", "\"no_answer\"");
	code_is("no_answer");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_cells");
	TCase *t = tcase_create("call_cells");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, every_event_in_every_state_by_everybody_does_what_the_table_says, 0,
			    CELLS_N);
	tcase_add_loop_test(t, an_event_said_again_is_heard_by_nobody_else, 0, CELLS_N);
	tcase_add_test(t, a_late_accept_is_answered_once_for_each_socket);
	tcase_add_test(t, two_accepts_in_one_turn_have_one_winner);
	tcase_add_test(t, a_ring_timeout_never_ends_a_call_that_was_accepted_before_it);
	suite_add_tcase(s, t);
	return run_suite(s);
}
