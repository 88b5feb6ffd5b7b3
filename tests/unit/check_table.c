/* check_table.c - tables are keyed: nobody outside knows where a name goes */
#include "table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_suite.h"

#define NAMES 4096
#define PRINT "print"

struct item {
	char name[16];
	UT_hash_handle hh;
};

START_TEST(a_table_finds_what_was_added_and_nothing_else)
{
	struct item *table = NULL, *items = calloc(NAMES, sizeof(*items)), *found;

	for (int i = 0; i < NAMES; i++) {
		snprintf(items[i].name, sizeof(items[i].name), "room %d", i);
		HASH_ADD_STR(table, name, &items[i]);
		ck_assert_ptr_nonnull(items[i].hh.tbl);
	}
	for (int i = 0; i < NAMES; i++) {
		HASH_FIND_STR(table, items[i].name, found);
		ck_assert_ptr_eq(found, &items[i]);
	}
	HASH_FIND_STR(table, "room -1", found);
	ck_assert_ptr_null(found);
	HASH_CLEAR(hh, table);
	free(items);
}
END_TEST

/* Names of one length that end up in one bucket of uthash's own function. */
START_TEST(names_that_met_under_the_function_everybody_knows_do_not_meet)
{
	enum { BUCKETS = 1024, MET = 64 };
	unsigned seen[BUCKETS] = { 0 }, met = 0, most = 0;
	char name[16];

	for (unsigned i = 0; met < MET; i++) {
		unsigned hash, n = (unsigned)snprintf(name, sizeof(name), "%08x", i);

		HASH_JEN(name, n, hash);
		if (hash % BUCKETS)
			continue;
		met++;
		seen[table_hash(name, n) % BUCKETS]++;
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		most = seen[i] > most ? seen[i] : most;
	ck_assert_uint_le(most, 8); /* of 64 thrown into 1024 */
}
END_TEST

START_TEST(each_run_has_a_key_of_its_own)
{
	char ours[16], theirs[16] = "";
	char exe[4096], command[sizeof(exe) + 16];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	FILE *p;

	ck_assert_int_gt(n, 0);
	exe[n] = '\0';
	snprintf(command, sizeof(command), "'%s' " PRINT, exe);
	p = popen(command, "r");
	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_nonnull(fgets(theirs, sizeof(theirs), p));
	ck_assert_int_eq(pclose(p), 0);
	snprintf(ours, sizeof(ours), "%08x\n", table_hash("name", 4));
	ck_assert_str_ne(ours, theirs);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s;
	TCase *t;

	if (argc > 1 && strcmp(argv[1], PRINT) == 0) {
		printf("%08x\n", table_hash("name", 4));
		return 0;
	}
	s = suite_create("table");
	t = tcase_create("table");
	suite_add_tcase(s, t);
	tcase_add_test(t, a_table_finds_what_was_added_and_nothing_else);
	tcase_add_test(t, names_that_met_under_the_function_everybody_knows_do_not_meet);
	tcase_add_test(t, each_run_has_a_key_of_its_own);
	return run_suite(s);
}
