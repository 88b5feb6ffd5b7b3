/* revoked_file.h - revocations on disk: a line for each change
 *
 * A record line (shared/record_line.h) of {"user":"alice","until":1796083200}
 * or {"call":"...","until":...}; until 0 takes it back. The last line about
 * someone holds. One write() a line and no sync, so what was written outlives
 * the process, however it ends. A rewrite copies what is still wanted to
 * PATH.new, a few lines at a time while lines are still added to the old
 * file, and then takes its place. Main. */
#ifndef REVOKED_FILE_H
#define REVOKED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "revocations.h"
#include "turn_credential.h"

struct revoked_line {
	enum revocation_kind kind;
	char id[TURN_USER_ID_MAX + 1];
	uint64_t until_s; /* 0: no longer */
};

/* Is this a text a user or a call can have? */
bool revoked_id_valid(enum revocation_kind kind, const char *id);

/* Read a line without its line feed. Returns 0, -EINVAL. Pure. */
int revoked_line_parse(const char *line, size_t n, struct revoked_line *out);

struct revoked_file;

/* Open or make the file and hand over each good line; the others are logged.
 * A last line without its end is cut off: its change was never answered.
 * *broken: lines skipped. Returns as revocations_open(). */
typedef void (*revoked_line_fn)(void *arg, const struct revoked_line *line);
int revoked_file_open(struct revoked_file **out, const char *path, revoked_line_fn fn, void *arg,
		      uint64_t *broken);
void revoked_file_free(struct revoked_file *f); /* a rewrite is given up; NULL is fine */

/* Returns 0, -EFBIG (REVOCATIONS_FILE_MAX), or the write's error: then the file is as before. */
int revoked_file_append(struct revoked_file *f, const struct revoked_line *line);

/* Rewriting: start it, then step until it is over. keep says which lines are
 * still wanted. Step returns 1 (more to do), 0 (done, or none going on), or
 * -errno: it is given up, and the old file goes on. */
typedef bool (*revoked_keep_fn)(void *arg, const struct revoked_line *line);
int revoked_file_rewrite(struct revoked_file *f); /* 0, -EALREADY, -ENOMEM, -errno */
bool revoked_file_rewriting(const struct revoked_file *f);
int revoked_file_step(struct revoked_file *f, size_t lines, revoked_keep_fn keep, void *arg);

uint64_t revoked_file_lines(const struct revoked_file *f);
uint64_t revoked_file_bytes(const struct revoked_file *f);

#endif
