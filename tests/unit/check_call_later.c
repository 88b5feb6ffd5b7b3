/* check_call_later.c - events whose answers come later: order, others, ends and limits
 *
 * Connections are letters, and users by the same name. The question is may_call,
 * and its answer whatever the test says. What is sent is one word each. */
#include "calls/call_events.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "run_suite.h"

static struct calls *cs;
static struct calls_config cfg;
static struct call_socket *sockets[4];
static char letters[] = "ABCD";
static char words[4096];
static int verdict; /* of may_call */
static size_t asked;
static char hangs_up;		    /* this letter, when it is sent something */
static struct call_socket *resumes; /* this one, when somebody is sent something */

static struct call_time now(void)
{
	return (struct call_time){ .now_ms = 1000, .wall_ms = 1700000000000 };
}

static void word(char to, const char *event, const char *args, size_t n)
{
	const struct json_slice object = { args, n };
	const size_t at = strlen(words);
	struct json_slice v;
	char code[32] = "";

	if (json_member(object, "code", &v))
		json_string(v, code, sizeof(code));
	snprintf(words + at, sizeof(words) - at, "%c<%s%s%s ", to, event, *code ? ":" : "", code);
}

static int on_emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	const char letter = *(char *)handle;
	struct call_socket *s = resumes;

	(void)ctx;
	resumes = NULL;
	if (s)
		calls_resume(cs, s, now());
	if (letter == hangs_up) {
		calls_socket_closed(cs, sockets[letter - 'A'], now());
		sockets[letter - 'A'] = NULL;
		return -ENOTCONN;
	}
	word(letter, event, args, n);
	return 0;
}

static int on_ack(void *handle, int64_t id, const char *args, size_t n, void *ctx)
{
	(void)id;
	(void)ctx;
	word(*(char *)handle, "ack", args, n);
	return 0;
}

static int on_may_call(struct call_socket *asker, const char *from, const char *to, void *ctx)
{
	(void)asker;
	(void)from;
	(void)to;
	(void)ctx;
	asked++;
	return verdict;
}

static void on_forget(struct call_socket *asker, void *ctx)
{
	const size_t at = strlen(words);

	(void)asker;
	(void)ctx;
	snprintf(words + at, sizeof(words) - at, "forget ");
}

static void start(void)
{
	const struct calls_ops ops = {
		.emit = on_emit, .ack = on_ack, .may_call = on_may_call, .forget = on_forget
	};

	ck_assert_int_eq(calls_new(&cs, &cfg, &ops), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(calls_socket_opened(cs, &letters[i], "192.0.2.1", &sockets[i]), 0);
}

static void send(char from, const char *event, const char *arg)
{
	const struct json_slice v = { arg, strlen(arg) };

	ck_assert(calls_event(cs, sockets[from - 'A'], event, &v, 1, -1, now()));
}

static void setup(void)
{
	words[0] = '\0';
	verdict = -EAGAIN;
	asked = 0;
	hangs_up = 0;
	resumes = NULL;
	calls_config_defaults(&cfg);
	start();
	send('A', "user:join", "\"A\"");
	send('B', "user:join", "\"B\"");
	send('C', "user:join", "\"C\"");
}

static void teardown(void)
{
	calls_free(cs);
}

static void call_user(char from, char to, const char *room)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "{\"fromId\":\"%c\",\"toId\":\"%c\",\"callType\":\"audio\",\"roomName\":\"%s\","
		 "\"sdpOffer\":\"v=0\"}",
		 from, to, room);
	send(from, "call:initiate", text);
}

static void end_call(char from, const char *room)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"roomName\":\"%s\"}", room);
	send(from, "call:end", text);
}

static void resume(char who)
{
	calls_resume(cs, sockets[who - 'A'], now());
}

/* What was sent since the last look. */
static void ck_words(const char *expected)
{
	ck_assert_str_eq(words, expected);
	words[0] = '\0';
}

START_TEST(an_event_waits_for_its_answer_and_the_next_ones_behind_it)
{
	call_user('A', 'B', "r");
	end_call('A', "r");
	ck_words("");
	ck_assert_uint_eq(asked, 1);
	verdict = 0;
	resume('A');
	ck_words("B<call:incoming B<call:ended:cancelled ");
	ck_assert_uint_eq(asked, 2);
	resume('A');
	ck_words("");
}
END_TEST

START_TEST(other_sockets_are_not_held_up)
{
	call_user('A', 'B', "r");
	verdict = 0;
	call_user('C', 'B', "s");
	ck_words("B<call:incoming ");
}
END_TEST

START_TEST(who_asks_in_vain_is_told)
{
	call_user('A', 'B', "r");
	resume('A');
	ck_words("A<call:ended:failed A<call:error:unavailable ");
	call_user('A', 'B', "r");
	verdict = -EHOSTDOWN;
	resume('A');
	ck_words("A<call:ended:failed A<call:error:unavailable ");
}
END_TEST

START_TEST(a_line_goes_on_until_the_next_question)
{
	call_user('A', 'B', "r");
	end_call('A', "r");
	call_user('A', 'C', "s");
	end_call('A', "s");
	resume('A'); /* the first in vain, then the next question */
	ck_words("A<call:ended:failed A<call:error:unavailable ");
	verdict = 0;
	resume('A');
	ck_words("C<call:incoming C<call:ended:cancelled ");
}
END_TEST

START_TEST(a_full_line_refuses_what_comes_and_keeps_what_waits)
{
	call_user('A', 'B', "r");
	for (size_t i = 1; i < cfg.waiting.events_max; i++)
		end_call('A', "other");
	ck_words("");
	end_call('A', "r");
	ck_words("A<call:error:rate_limited ");
	ck_assert_uint_eq(calls_counter(cs, CALLS_N_REFUSED_WAITING), 1);
	verdict = 0;
	resume('A');
	ck_words("B<call:incoming ");
}
END_TEST

START_TEST(without_room_to_wait_in_it_is_as_if_nobody_had_answered)
{
	teardown();
	cfg.waiting.total_bytes_max = 0;
	start();
	send('A', "user:join", "\"A\"");
	call_user('A', 'B', "r");
	ck_words("A<call:ended:failed A<call:error:unavailable ");
	ck_assert_uint_eq(calls_counter(cs, CALLS_N_REFUSED_WAITING), 1);
}
END_TEST

START_TEST(a_socket_that_closes_takes_its_line_along)
{
	call_user('A', 'B', "r");
	end_call('A', "r");
	calls_socket_closed(cs, sockets[0], now());
	ck_words("forget ");
	verdict = 0;
	end_call('B', "r");
	ck_words("");
}
END_TEST

START_TEST(an_answer_within_another_event_is_acted_on_behind_it)
{
	call_user('A', 'D', "r");
	verdict = 0;
	resumes = sockets[0];
	call_user('C', 'B', "s"); /* B's call:incoming resumes A */
	ck_words("B<call:incoming A<call:ended:offline A<call:error:offline ");
}
END_TEST

START_TEST(a_socket_that_closes_while_its_line_goes_on_stops_there)
{
	call_user('A', 'D', "r");
	call_user('A', 'B', "s");
	verdict = 0;
	hangs_up = 'A';
	resume('A');
	ck_words("forget ");
	ck_assert_uint_eq(asked, 2); /* for the first, twice */
}
END_TEST

START_TEST(what_is_no_event_does_not_wait)
{
	call_user('A', 'B', "r");
	ck_assert(!calls_event(cs, sockets[0], "typing", NULL, 0, -1, now()));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_later");
	TCase *tc = tcase_create("call_later");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_event_waits_for_its_answer_and_the_next_ones_behind_it);
	tcase_add_test(tc, other_sockets_are_not_held_up);
	tcase_add_test(tc, who_asks_in_vain_is_told);
	tcase_add_test(tc, a_line_goes_on_until_the_next_question);
	tcase_add_test(tc, a_full_line_refuses_what_comes_and_keeps_what_waits);
	tcase_add_test(tc, without_room_to_wait_in_it_is_as_if_nobody_had_answered);
	tcase_add_test(tc, a_socket_that_closes_takes_its_line_along);
	tcase_add_test(tc, an_answer_within_another_event_is_acted_on_behind_it);
	tcase_add_test(tc, a_socket_that_closes_while_its_line_goes_on_stops_there);
	tcase_add_test(tc, what_is_no_event_does_not_wait);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
