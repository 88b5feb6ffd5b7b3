/* check_situation.c - the line that says how signald is and what its admin should do next */
#include "situation.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

#define SETUP                                                                                      \
	"sudo signalctl setup --realm NAME --host NAME --external-ip auto --cert FILE --pkey FILE"

static const struct situation fine = {
	.address = "192.0.2.1:449", .signs = true, .sessions = 12, .calls = 3
};

static void must_say(const struct situation *s, const char *line, const char *next)
{
	char out[SITUATION_LINE_MAX];

	ck_assert_uint_eq(situation_line(out, sizeof(out), s), strlen(line));
	ck_assert_str_eq(out, line);
	if (next)
		ck_assert_str_eq(situation_next(s), next);
	else
		ck_assert_ptr_null(situation_next(s));
}

START_TEST(a_fresh_installation_names_the_command_that_sets_it_up)
{
	const struct situation s = { .address = "127.0.0.1:449",
				     .loopback_only = true,
				     .turn_loopback = true,
				     .signs = true };

	must_say(&s, "serving 127.0.0.1:449 only; next: " SETUP, SETUP);
}
END_TEST

START_TEST(when_all_is_well_it_counts)
{
	struct situation s = fine;

	must_say(&s, "serving 192.0.2.1:449; 12 sessions, 3 calls", NULL);
	s.more = 2;
	s.sessions = s.calls = 1;
	must_say(&s, "serving 192.0.2.1:449 and 2 more; 1 session, 1 call", NULL);
}
END_TEST

START_TEST(behind_a_proxy_loopback_is_all_right)
{
	struct situation s = fine;

	s.address = "127.0.0.1:449";
	s.loopback_only = true;
	must_say(&s, "serving 127.0.0.1:449 only; 12 sessions, 3 calls", NULL);
}
END_TEST

START_TEST(what_stands_in_the_way_is_said_first)
{
	struct situation s = fine;

	s.signs = false;
	must_say(&s,
		 "serving 192.0.2.1:449; 12 sessions, 3 calls; no secret signs, so nobody is given "
		 "TURN credentials; next: sudo signalctl check",
		 "sudo signalctl check");
	s.relay_draining = true;
	must_say(&s,
		 "serving 192.0.2.1:449; 12 sessions, 3 calls; turnserver drains: no new calls "
		 "over it, and it exits with the last one",
		 NULL);
	s.relay_away = true;
	must_say(&s,
		 "serving 192.0.2.1:449; 12 sessions, 3 calls; turnserver is away; next: systemctl "
		 "status coturn",
		 "systemctl status coturn");
	s.relay_problem = "it is too old: upgrade it";
	must_say(&s, "serving 192.0.2.1:449; 12 sessions, 3 calls; it is too old: upgrade it",
		 "it is too old: upgrade it");
}
END_TEST

START_TEST(while_it_stops_only_that_is_said)
{
	struct situation s = fine;

	s.stopping = true;
	s.relay_away = true;
	must_say(&s, "stopping: 12 sessions yet to leave", NULL);
}
END_TEST

START_TEST(a_line_is_cut_to_its_size)
{
	const char *whole = "serving 192.0.2.1:449; 12 sessions, 3 calls";
	char out[64];
	size_t size;

	for (size = 1; size <= strlen(whole); size++) {
		memset(out, 'x', sizeof(out));
		ck_assert_uint_eq(situation_line(out, size, &fine), size - 1);
		ck_assert(!strncmp(out, whole, size - 1) && !out[size - 1] && out[size] == 'x');
	}
}
END_TEST

START_TEST(urls_of_this_host_alone_are_known)
{
	static const struct {
		const char *url;
		bool loopback;
	} rows[] = {
		{ "turn:127.0.0.1:3478?transport=udp", true },
		{ "turns:127.9.9.9", true },
		{ "turn:localhost", true },
		{ "turn:localhost:3478", true },
		{ "turn:localhost?transport=tcp", true },
		{ "turn:[::1]:3478", true },
		{ "turn:localhost.example.org", false },
		{ "turn:turn.example.org:3478", false },
		{ "turn:192.0.2.1", false },
		{ "turn:[2001:db8::1]", false },
		{ "nonsense", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(situation_is_loopback(rows[i].url) == rows[i].loopback, "%s",
			      rows[i].url);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("situation");
	TCase *t = tcase_create("line");

	tcase_add_test(t, a_fresh_installation_names_the_command_that_sets_it_up);
	tcase_add_test(t, when_all_is_well_it_counts);
	tcase_add_test(t, behind_a_proxy_loopback_is_all_right);
	tcase_add_test(t, what_stands_in_the_way_is_said_first);
	tcase_add_test(t, while_it_stops_only_that_is_said);
	tcase_add_test(t, a_line_is_cut_to_its_size);
	tcase_add_test(t, urls_of_this_host_alone_are_known);
	suite_add_tcase(s, t);
	return run_suite(s);
}
