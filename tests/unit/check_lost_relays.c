/* check_lost_relays.c - calls whose relay is gone are told once, and end if they get no media */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "relay/lost_relays.h"
#include "run_suite.h"

#define GRACE_MS 1000

static struct lost_relays *l;
static char log_text[256];
static const char *well; /* this call has media */

static void note(const char *what, const char *id)
{
	const size_t n = strlen(log_text);

	snprintf(log_text + n, sizeof(log_text) - n, "%s %s ", what, id);
}

static void tell(void *arg, const char *id)
{
	(void)arg;
	note("tell", id);
}

static bool has_media(void *arg, const char *id)
{
	(void)arg;
	return well && strcmp(well, id) == 0;
}

static void give_up(void *arg, const char *id)
{
	(void)arg;
	note("end", id);
	lost_relays_forget(l, id);
}

static void setup(void)
{
	const struct lost_relays_ops ops = { .tell = tell,
					     .has_media = has_media,
					     .give_up = give_up };

	log_text[0] = '\0';
	well = NULL;
	ck_assert_int_eq(lost_relays_new(&l, 3, &ops), 0);
}

static void teardown(void)
{
	lost_relays_free(l);
}

START_TEST(a_call_is_told_when_there_are_relays_and_ends_when_it_has_none)
{
	lost_relays_add(l, "A");
	lost_relays_add(l, "A");
	lost_relays_add(l, "B");
	lost_relays_tick(l, GRACE_MS, 100000);
	ck_assert_str_eq(log_text, "");
	lost_relays_ready(l, 200000);
	lost_relays_ready(l, 200500);
	ck_assert_str_eq(log_text, "tell A tell B ");
	log_text[0] = '\0';
	well = "B";
	lost_relays_tick(l, GRACE_MS, 200999);
	ck_assert_str_eq(log_text, "");
	ck_assert_uint_eq(lost_relays_n(l), 1);
	lost_relays_tick(l, GRACE_MS, 201000);
	ck_assert_str_eq(log_text, "end A ");
	ck_assert_uint_eq(lost_relays_n(l), 0);
	ck_assert_uint_eq(lost_relays_counters(l)->calls_recovered, 1);
	ck_assert_uint_eq(lost_relays_counters(l)->calls_given_up, 1);
}
END_TEST

START_TEST(a_turnserver_that_goes_again_begins_the_time_again)
{
	lost_relays_add(l, "A");
	lost_relays_ready(l, 1000);
	lost_relays_add(l, "A");
	lost_relays_tick(l, GRACE_MS, 9000);
	lost_relays_ready(l, 9000);
	lost_relays_tick(l, GRACE_MS, 9999);
	ck_assert_str_eq(log_text, "tell A tell A ");
	lost_relays_forget(l, "A");
	lost_relays_tick(l, GRACE_MS, 99999);
	ck_assert_str_eq(log_text, "tell A tell A ");
}
END_TEST

START_TEST(a_full_list_counts_what_it_does_not_watch)
{
	lost_relays_add(l, "A");
	lost_relays_add(l, "B");
	lost_relays_add(l, "C");
	lost_relays_add(l, "D");
	ck_assert_uint_eq(lost_relays_n(l), 3);
	ck_assert_uint_eq(lost_relays_counters(l)->calls_unwatched, 1);
	ck_assert_uint_eq(lost_relays_counters(l)->calls_lost_relay, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lost_relays");
	TCase *t = tcase_create("lost_relays");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_call_is_told_when_there_are_relays_and_ends_when_it_has_none);
	tcase_add_test(t, a_turnserver_that_goes_again_begins_the_time_again);
	tcase_add_test(t, a_full_list_counts_what_it_does_not_watch);
	suite_add_tcase(s, t);
	return run_suite(s);
}
