/* table.h - uthash as signald uses it: keyed, and without exits
 *
 * Include this instead of <uthash.h>. Keys that come from clients (session
 * ids, rooms, users, addresses) are hashed with SipHash-1-3 under a key made
 * when the program starts, so nobody can choose names that meet in one bucket.
 * When memory ends an add leaves elt->hh.tbl NULL. Any thread. */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdint.h>

/* The lower half of the keyed hash of n bytes. */
unsigned table_hash(const void *p, size_t n);

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, n, hash) ((hash) = table_hash((key), (n)))
#include <uthash.h>

#endif
