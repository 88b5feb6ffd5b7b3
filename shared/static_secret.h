/* static_secret.h - the static-auth-secret of a turnserver.conf
 *
 * Read as turnserver reads it: blanks before the key are skipped; blanks or '=' stand between key
 * and value, and the value may stand in double quotes; '#' begins a comment line. Nothing else of
 * the file is looked at. Of several lines the first counts: turnserver reads its configuration only
 * when it starts, and lines are added at the end, so the first is the one that a running turnserver
 * is most likely to know. No clock, no log; any thread. */
#ifndef STATIC_SECRET_H
#define STATIC_SECRET_H

#include <stddef.h>

#include "secret_file.h"

#define STATIC_SECRET_MAX 256		       /* bytes; coturn's AUTH_SECRET_SIZE */
#define STATIC_SECRET_FILE_BYTES_MAX (1 << 20) /* a long list of peers may stand there too */

/* Find it in a file's text. Returns 0 and the caller's *value (free it with static_secret_free()),
 * -ENOENT (no such line: *value is NULL), -EINVAL with *err filled (never with the value),
 * -ENOMEM. */
int static_secret_parse(const char *text, size_t n, char **value, struct secret_error *err);

/* Read and parse a file. Besides those: the errors of secret_text_load(), but for a file that is
 * not there, which is -ENODATA: -ENOENT says that the file has no such line. */
int static_secret_load(const char *path, char **value, struct secret_error *err);
void static_secret_free(char *value); /* wipes it; NULL is fine */

#endif
