/* journal_sums.h - records added up: one sum a call, one a day (UTC) for those of no call
 *
 * Pure; one thread. */
#ifndef JOURNAL_SUMS_H
#define JOURNAL_SUMS_H

#include <stddef.h>

#include "journal_line.h"

struct journal_sums;

/* At most max sums at once. Returns 0, -ENOMEM. */
int journal_sums_new(struct journal_sums **out, size_t max);
void journal_sums_free(struct journal_sums *s); /* NULL is fine */

/* Add an end or a sum. Returns 0, -ENOSPC (the table is full: take what it has, clear it, and add
 * again), -ENOMEM; the sums are then as before. */
int journal_sums_add(struct journal_sums *s, const struct journal_record *r);

/* The sums, in order of their first record; i from 0. NULL: no more. A loan until clear or free. */
const struct journal_record *journal_sums_at(const struct journal_sums *s, size_t i);
void journal_sums_clear(struct journal_sums *s);

#endif
