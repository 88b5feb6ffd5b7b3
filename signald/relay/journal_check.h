/* journal_check.h - what a journal says, for administrators and tests
 *
 * Reads the file and changes nothing; a signald may be writing it meanwhile. */
#ifndef JOURNAL_CHECK_H
#define JOURNAL_CHECK_H

#include <stdio.h>

/* Write a line {"e":"sum",...} for each call, and for each day what belongs to none; then one with
 * what was found: {"e":"check","records","marks","damaged","duplicates","torn_bytes"}.
 * Returns 0, -EBADMSG (damaged lines, or records that are there twice), other -errno. */
int journal_check(const char *path, FILE *out);

#endif
