/* revocations.h - users and calls that are refused until a time
 *
 * Main changes the set, relay threads look into it and never wait: one load
 * when it is empty, else a probe of an open table whose slots are atomics.
 * Each change is a line of a file before it is answered, so it outlives
 * kill -9 (not a power failure: nothing is synced). The file is rewritten a
 * few lines at a time when more than half of it is out of date, and then
 * renamed over the old one. */
#ifndef REVOCATIONS_H
#define REVOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "name_hash.h"

#define REVOCATIONS_MAX 262144
#define REVOCATIONS_FILE_MAX                                                                       \
	(256ULL << 20) /* bytes; only a file that cannot be rewritten gets there */

enum revocation_kind { REVOKED_USER, REVOKED_CALL };

struct revocations;

/* Read the file, which is made if it is missing. path NULL: memory only.
 * Lines that are broken are logged with file and line, and skipped. max:
 * entries; key stays the caller's. now_s: seconds since 1970. Main.
 * Returns 0, -ENOMEM, -EFBIG (larger than REVOCATIONS_FILE_MAX), or what
 * own_file_open() or reading returns. */
int revocations_open(struct revocations **out, const char *path, size_t max,
		     const struct name_hash_key *key, int64_t now_s);
void revocations_free(struct revocations *r); /* no reader left; NULL is fine */

/* Is this one refused at now_s? Wait-free; any thread. */
bool revocations_has(struct revocations *r, enum revocation_kind kind, const char *id,
		     int64_t now_s);
bool revocations_empty(const struct revocations *r); /* one load; any thread */

/* Refuse until until_s; a later call replaces the time. Main. Returns 0,
 * -EINVAL (a text that is no user or call id), -ENOBUFS (full, nothing
 * expired; counted), -ENOMEM; or the write's error: then it is in force, but
 * will not survive a restart (counted and logged). */
int revocations_add(struct revocations *r, enum revocation_kind kind, const char *id,
		    int64_t until_s, int64_t now_s);

/* Returns 0, -ENOENT (was not revoked), or as above. */
int revocations_remove(struct revocations *r, enum revocation_kind kind, const char *id,
		       int64_t now_s);

/* Purge a share of the expired, go on with a rewrite, free what readers have
 * left. Main, about once a second. */
void revocations_poll(struct revocations *r, int64_t now_s);

struct revocations_stats {
	size_t entries;	       /* in force, or expired and not yet purged */
	uint64_t refused;      /* -ENOBUFS */
	uint64_t write_errors; /* changes that are not on disk, rewrites that failed */
	uint64_t broken_lines; /* skipped at open */
	uint64_t rewrites;
	uint64_t file_bytes;
};
void revocations_stats(const struct revocations *r, struct revocations_stats *out); /* main */

#endif
