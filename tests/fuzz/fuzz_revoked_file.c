/* fuzz_revoked_file.c - whatever a file of revocations holds, it opens, goes on, and says the same
 * again */
#include "revocations.h"

#include "fuzz_file.h"

#define NOW 1800000000
#define ENTRIES 8

static struct revocations *opened(struct revocations_stats *stats)
{
	static const struct name_hash_key key = { 1, 2 };
	struct revocations *r;

	MUST(revocations_open(&r, fuzz_path, ENTRIES, &key, NOW) == 0);
	revocations_stats(r, stats);
	MUST(stats->entries <= ENTRIES);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct revocations_stats before, after;
	struct revocations *r;
	bool alice;
	int err;

	fuzz_file_write(data, n);
	r = opened(&before);
	alice = revocations_has(r, REVOKED_USER, "alice", NOW);
	err = revocations_add(r, REVOKED_USER, "next", NOW + 1, NOW);
	MUST(err == 0 || (err < 0 && before.entries == ENTRIES));
	revocations_free(r);

	r = opened(&after);
	MUST(after.broken_lines == before.broken_lines);
	MUST(after.entries == before.entries || (err == 0 && after.entries == before.entries + 1));
	MUST(revocations_has(r, REVOKED_USER, "alice", NOW) == alice);
	MUST(err < 0 || revocations_has(r, REVOKED_USER, "next", NOW));
	revocations_free(r);
	return 0;
}
