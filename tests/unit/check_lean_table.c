/* check_lean_table.c - entries by their hash, at the price of few */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lean_table.h"
#include "run_suite.h"

enum { MANY = 5000 };

struct item {
	int value;
	struct lean_entry entry; /* not first: LEAN_ENTRY_OF() has something to do */
	bool seen;
};

static struct lean_table table;
static struct item items[MANY];

/* --- memory that runs out: --wrap in local.mk ------------------------------------------ */

static bool no_memory;
static unsigned refused;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	refused += no_memory;
	return no_memory ? NULL : __real_calloc(n, size);
}

static void setup(void)
{
	memset(&table, 0, sizeof(table));
	memset(items, 0, sizeof(items));
	no_memory = false;
	refused = 0;
}

static struct item *find(uint32_t hash, int value)
{
	for (struct lean_entry *e = lean_table_chain(&table, hash); e; e = e->next) {
		struct item *i = LEAN_ENTRY_OF(e, struct item, entry);

		if (i->value == value)
			return i;
	}
	return NULL;
}

static void add(int from, int to, uint32_t hash_step)
{
	for (int i = from; i < to; i++) {
		items[i].value = i;
		lean_table_add(&table, &items[i].entry, (uint32_t)i * hash_step);
	}
}

/* All of from..to-1 and nobody else. */
static void expect_all(int from, int to, uint32_t hash_step)
{
	int n = 0;

	for (int i = 0; i < MANY; i++)
		items[i].seen = false;
	for (struct lean_entry *e = lean_table_next(&table, NULL); e;
	     e = lean_table_next(&table, e)) {
		struct item *i = LEAN_ENTRY_OF(e, struct item, entry);

		ck_assert(!i->seen);
		i->seen = true;
		n++;
	}
	ck_assert_int_eq(n, to - from);
	ck_assert_uint_eq(table.count, (uint32_t)(to - from));
	for (int i = from; i < to; i++) {
		ck_assert(items[i].seen);
		ck_assert_ptr_eq(find((uint32_t)i * hash_step, i), &items[i]);
	}
}

static void remove_items(int from, int to)
{
	for (int i = from; i < to; i++)
		lean_table_remove(&table, &items[i].entry);
}

START_TEST(zeros_are_an_empty_table)
{
	ck_assert_ptr_null(lean_table_chain(&table, 0));
	ck_assert_ptr_null(lean_table_chain(&table, UINT32_MAX));
	ck_assert_ptr_null(lean_table_next(&table, NULL));
}
END_TEST

START_TEST(a_few_need_no_memory)
{
	no_memory = true;
	add(0, LEAN_TABLE_FEW, 1);
	expect_all(0, LEAN_TABLE_FEW, 1);
	ck_assert_uint_eq(refused, 0);
	remove_items(0, LEAN_TABLE_FEW);
	expect_all(0, 0, 1);
}
END_TEST

/* Hashes in a row, all of them equal, and all alike in their low bits. */
static const uint32_t steps[] = { 1, 0, 1u << 16, 0x9E3779B1u };

START_TEST(thousands_are_found_whatever_their_hashes)
{
	const uint32_t step = steps[_i];

	add(0, MANY, step);
	expect_all(0, MANY, step);
	ck_assert_uint_ge(table.mask + 1, MANY);
	remove_items(0, MANY / 2);
	expect_all(MANY / 2, MANY, step);
	add(0, MANY / 2, step);
	expect_all(0, MANY, step);
	remove_items(0, MANY);
	expect_all(0, 0, step);
}
END_TEST

START_TEST(the_buckets_go_with_the_last_entry)
{
	add(0, MANY, 1);
	ck_assert_ptr_nonnull(table.buckets);
	remove_items(0, MANY - 1);
	ck_assert_ptr_nonnull(table.buckets);
	remove_items(MANY - 1, MANY);
	ck_assert_ptr_null(table.buckets);
	ck_assert_uint_eq(table.mask, 0);
}
END_TEST

START_TEST(all_may_be_removed_on_a_walk)
{
	struct lean_entry *next;

	add(0, MANY, 3);
	for (struct lean_entry *e = lean_table_next(&table, NULL); e; e = next) {
		next = lean_table_next(&table, e);
		lean_table_remove(&table, e);
	}
	expect_all(0, 0, 3);
}
END_TEST

START_TEST(without_memory_for_buckets_all_are_found)
{
	add(0, 100, 1);
	no_memory = true;
	add(100, 500, 1);
	ck_assert_uint_gt(refused, 0);
	expect_all(0, 500, 1);
	no_memory = false;
	add(500, 520, 1);
	expect_all(0, 520, 1);
	ck_assert_uint_ge(table.mask + 1, 520);
	remove_items(0, 520);

	no_memory = true;
	add(0, 100, 1);
	expect_all(0, 100, 1);
	ck_assert_ptr_null(table.buckets);
	remove_items(0, 100);
	expect_all(0, 0, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lean_table");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, zeros_are_an_empty_table);
	tcase_add_test(t, a_few_need_no_memory);
	tcase_add_loop_test(t, thousands_are_found_whatever_their_hashes, 0,
			    (int)(sizeof(steps) / sizeof(steps[0])));
	tcase_add_test(t, the_buckets_go_with_the_last_entry);
	tcase_add_test(t, all_may_be_removed_on_a_walk);
	tcase_add_test(t, without_memory_for_buckets_all_are_found);
	suite_add_tcase(s, t);
	return run_suite(s);
}
