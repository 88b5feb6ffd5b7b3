/* journal_positions.h - which records the journal has
 *
 * turnserver sends the records of an epoch with rising seq, and one epoch after the other, so "have
 * it" is "not above the last of its epoch". Remembered are the epochs that were written to last; a
 * record of a forgotten one would be taken for new. turnserver never sends again what was
 * acknowledged, so that takes a spool of that many starts ago, put back by hand.
 *
 * One thing breaks the order: power that fails during a batch may leave its lines in any state, a
 * damaged one before good ones. Therefore damaged lines among the last JOURNAL_BATCH_MAX ones open
 * a gap: what belongs there is not taken for known, first() lies before it, and turnserver, which
 * has it still when the batch was not acknowledged, sends it again. A mark ends the search: all
 * before it was on disk before the mark was.
 *
 * Pure; one thread. */
#ifndef JOURNAL_POSITIONS_H
#define JOURNAL_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "journal_line.h"

#define JOURNAL_EPOCHS_MAX 1024
#define JOURNAL_BATCH_MAX 1024 /* records written between two fdatasync */

struct journal_positions;

/* Returns 0, -ENOMEM. */
int journal_positions_new(struct journal_positions **out);
void journal_positions_free(struct journal_positions *p); /* NULL is fine */

/* While a journal is read, line by line; then settled() once. */
void journal_positions_read(struct journal_positions *p, const struct journal_record *r);
void journal_positions_damaged(struct journal_positions *p);
void journal_positions_settled(struct journal_positions *p);

bool journal_positions_has(const struct journal_positions *p, const struct journal_position *at);
void journal_positions_add(struct journal_positions *p, const struct journal_position *at);

/* Of what comes behind this one, something may be missing; epoch "": of everything. */
struct journal_position journal_positions_first(const struct journal_positions *p);

/* False while a record of an earlier batch may still come. */
bool journal_positions_complete(const struct journal_positions *p);

/* The last one of each epoch, the epoch written to last at the end; i from 0. NULL: no more. */
const struct journal_position *journal_positions_at(const struct journal_positions *p, size_t i);

#endif
