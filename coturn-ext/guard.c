/* guard.c - see guard.h
 *
 * A flood is counted by all threads at once, so each counts on lines of its own; when there are
 * more threads than rows, some share one, which is slower and as right. */
#include "guard.h"

#include <stdatomic.h>
#include <stddef.h>

#define ROWS 32
#define LINE_BYTES 64 /* of a cache */

struct row {
	_Alignas(LINE_BYTES) _Atomic uint64_t n[GUARD_COUNTERS];
};

static struct row rows[ROWS];

static struct row *own_row(void)
{
	static _Atomic unsigned threads;
	static _Thread_local struct row *row;

	if (!row)
		row = &rows[atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % ROWS];
	return row;
}

void guard_count(enum guard_counter counter)
{
	atomic_fetch_add_explicit(&own_row()->n[counter], 1, memory_order_relaxed);
}

uint64_t guard_total(enum guard_counter counter)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ROWS; i++)
		sum += atomic_load_explicit(&rows[i].n[counter], memory_order_relaxed);
	return sum;
}

const char *guard_name(enum guard_counter counter)
{
	static const char *const names[GUARD_COUNTERS] = {
		[GUARD_PEER_DENIED] = "peerDenied",
		[GUARD_PEER_OWN_PORT] = "peerOwnPort",
		[GUARD_PERMISSIONS_FULL] = "permissionsFull",
		[GUARD_CHANNELS_FULL] = "channelsFull",
		[GUARD_SOURCE_NONCE] = "sourceNonce",
		[GUARD_SOURCE_STALE] = "sourceStale",
		[GUARD_SOURCE_BINDING] = "sourceBinding",
		[GUARD_SOURCE_REFUSED] = "sourceRefused",
		[GUARD_SOURCE_VERIFIED] = "sourceVerified",
		[GUARD_SOURCE_LIMITED] = "sourceLimited",
		[GUARD_SOURCE_INDICATION] = "sourceIndication",
		[GUARD_SOURCE_DROPPED] = "sourceDropped",
		[GUARD_DTLS_HELLO] = "dtlsHello",
	};

	return names[counter];
}
