/* check_ledger_tickets.c - the tickets of mobile sessions, by row of SECURITY.md
 *
 * Linked as check_ledger_parsers.c is, with the one file in it that has the functions to look at.
 */
#include <check.h>
#include <stdint.h>

#define turn_random scripted_random
#include "ns_turn_server.c" /* coturn's */
#undef turn_random

#include "run_suite.h"

/* The same number as often as said, then others. */
static unsigned repeats;

long scripted_random(void)
{
	static long next = 1000;

	if (repeats > 0) {
		repeats--;
		return 7;
	}
	return next++;
}

START_TEST(row_a_ticket_that_is_there_is_not_looked_up_for_ever)
{
	turn_turnserver server = { .id = 1 };
	mobile_id_t first, second;

	server.mobile_connections_map = ur_map_create();
	repeats = 4;
	first = get_new_mobile_id(&server);
	ur_map_put(server.mobile_connections_map, first, 1);
	repeats = 4;
	second = get_new_mobile_id(&server);
	ck_assert_uint_ne(second, 0);
	ck_assert_uint_ne(first, second);
	ur_map_free(&server.mobile_connections_map);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ledger_tickets");
	TCase *t = tcase_create("tickets");

	tcase_add_test(t, row_a_ticket_that_is_there_is_not_looked_up_for_ever);
	tcase_set_timeout(t, 3);
	suite_add_tcase(s, t);
	return run_suite(s);
}
