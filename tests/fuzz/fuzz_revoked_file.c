/* fuzz_revoked_file.c - whatever a file of revocations holds, it opens, goes on, and says the same
 * again
 *
 * The first byte says how the rest becomes the file: as it stands, or each
 * line of it with a right checksum. */
#include "revocations.h"

#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "record_line.h"

#define NOW 1800000000
#define ENTRIES 8

static char dir[] = "/tmp/fuzz_revoked.XXXXXX", path[64];

static void quiet(enum log_level level, const char *token, const char *text)
{
	(void)level;
	(void)token;
	(void)text;
}

static void remove_dir(void)
{
	unlink(path);
	rmdir(dir);
}

static void make_dir(void)
{
	log_set_sink(quiet);
	MUST(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/revoked", dir);
	MUST(atexit(remove_dir) == 0);
}

static void write_records(FILE *f, const char *p, size_t n)
{
	char line[4096];

	while (n) {
		const char *lf = memchr(p, '\n', n);
		size_t len = lf ? (size_t)(lf - p) : n;
		int written = record_line_write(line, sizeof(line), p, len);

		if (written > 0)
			fwrite(line, 1, (size_t)written, f);
		p += len + (lf != NULL);
		n -= len + (lf != NULL);
	}
}

static void write_file(const uint8_t *data, size_t n)
{
	FILE *f = fopen(path, "w");

	MUST(f);
	if (n && data[0] == '=')
		fwrite(data + 1, 1, n - 1, f);
	else if (n)
		write_records(f, (const char *)data + 1, n - 1);
	fclose(f);
}

static struct revocations *opened(struct revocations_stats *stats)
{
	static const struct name_hash_key key = { 1, 2 };
	struct revocations *r;

	MUST(revocations_open(&r, path, ENTRIES, &key, NOW) == 0);
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

	if (!path[0])
		make_dir();
	write_file(data, n);
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
