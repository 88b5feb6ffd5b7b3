/* secret_text.h - the text of a file that holds secrets
 *
 * Who keeps secrets in a file keeps it from others: one they may read or write is refused, and
 * what was read is wiped when it is let go. No clock, no log; any thread. */
#ifndef SECRET_TEXT_H
#define SECRET_TEXT_H

#include <stddef.h>

#include "secret_file.h"

/* Read a whole file of at most max bytes into memory that the caller frees with
 * secret_text_free(). Returns 0, -EPERM (others may read or write it: mode & 0007), -EINVAL (no
 * regular file), -EFBIG, -ENOMEM, -errno of open and read; *err then says it in words. */
int secret_text_load(const char *path, size_t max, char **out, size_t *n, struct secret_error *err);
/* The same for a file that everybody may read, like a public key: only one that others may write
 * is refused (mode & 0002). */
int public_text_load(const char *path, size_t max, char **out, size_t *n, struct secret_error *err);
/* How long the first line of such a text is, which is a token of min to max printable bytes. Returns
 * 0 with *length, -EINVAL: it is none. */
int secret_text_token(const char *text, size_t n, size_t min, size_t max, size_t *length);
void secret_text_free(char *text, size_t n); /* wipes the n bytes; NULL is fine */

#endif
