/* lean_table.h - few entries found by a 32-bit hash, at the price of few
 *
 * What an allocation has of permissions, of channels, and a permission of
 * channels: nearly always one, now and then hundreds. The entries are the
 * caller's structs and carry their links; the table itself is four words. Up to
 * LEAN_TABLE_FEW of them are one chain; more are spread over buckets, at least as
 * many as there are entries, and the buckets go with the last entry.
 *
 * It has no limit of its own: who adds entries counts them (lean_table.count).
 * One thread at a time: an allocation belongs to one relay thread. */
#ifndef LEAN_TABLE_H
#define LEAN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define LEAN_TABLE_FEW 4

/* First in the caller's struct, or anywhere: LEAN_ENTRY_OF(). */
struct lean_entry {
	struct lean_entry *next; /* of its chain */
	uint32_t hash;
};

/* All zeros is an empty table. */
struct lean_table {
	struct lean_entry **buckets; /* NULL: all are in chain */
	struct lean_entry *chain;
	uint32_t mask; /* buckets - 1 */
	uint32_t count;
};

#define LEAN_ENTRY_OF(entry, type, member)                                                         \
	((type *)(void *)((char *)(entry)-offsetof(type, member)))

/* The chain in which every entry of this hash is, among others: the caller compares.
 * It is inline for the sake of relayed packets. */
static inline struct lean_entry *lean_table_chain(const struct lean_table *t, uint32_t hash)
{
	return t->buckets ? t->buckets[hash & t->mask] : t->chain;
}

/* Put e into t, where it stays at its address until it is removed; an equal entry is not
 * looked for. It cannot fail: without memory for more buckets the chains grow longer. */
void lean_table_add(struct lean_table *t, struct lean_entry *e, uint32_t hash);

/* Take e out of t, whose entry it is. Its memory is the caller's. */
void lean_table_remove(struct lean_table *t, struct lean_entry *e);

/* The entry behind e, or the first for NULL; NULL at the end. Each entry once, in no order,
 * as long as none is added; to remove e itself, ask for the one behind it before. */
struct lean_entry *lean_table_next(const struct lean_table *t, const struct lean_entry *e);

#endif
