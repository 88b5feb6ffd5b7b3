/* secret_stamp.h - has the file of secrets changed since it was read?
 *
 * Both daemons look at it every few seconds. Any thread. */
#ifndef SECRET_STAMP_H
#define SECRET_STAMP_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* All zero: there was no file. */
struct secret_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime; /* a mode that is put right counts as well */
};

/* What the file looks like. Taken before it is read, so that what changes
 * meanwhile shows at the next look. */
void secret_stamp_take(struct secret_stamp *out, const char *path);
bool secret_stamp_equal(const struct secret_stamp *a, const struct secret_stamp *b);

/* This error of secret_set_load() is not the file's fault: it may pass without
 * the file changing, so the next look is worth another try. */
bool secret_error_passes(int error);

#endif
