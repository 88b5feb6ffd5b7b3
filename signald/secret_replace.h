/* secret_replace.h - a file of secrets is replaced by another text, whole or not at all
 *
 * By rename, as both daemons expect of writers: owner, group and mode are those of the file before.
 * A symbolic link stays one. It waits for the disk. */
#ifndef SECRET_REPLACE_H
#define SECRET_REPLACE_H

#include <stddef.h>

#include "secret_file.h"
#include "secret_stamp.h"

/* seen: of the file when the text was made from it; somebody else's change since then is not
 * overwritten. Returns 0, -EBUSY (it has changed), or -errno; err->text says what could not be
 * done. */
int secret_replace(const char *path, const struct secret_stamp *seen, const char *text, size_t n,
		   struct secret_error *err);

#endif
