/* turnserver_conf.h - the settings of a turnserver.conf, in its own order
 *
 * Read as turnserver reads it: blanks before the key are skipped; blanks or '=' stand between key
 * and value, and the value may stand in double quotes; '#' begins a comment line; a line is read in
 * pieces of 1023 bytes, each a line of its own, and as far as its first NUL byte. Which keys there
 * are, and what they mean, is left to whoever asks. Secrets may stand in the file: what was read is
 * wiped. Pure but for turnserver_conf_load(); no log; any thread, a parsed file never changes. */
#ifndef TURNSERVER_CONF_H
#define TURNSERVER_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "secret_file.h"

#define TURNSERVER_CONF_BYTES_MAX (1 << 20) /* a long list of peers may stand there */
#define TURNSERVER_CONF_SETTINGS_MAX 16384

struct turnserver_setting {
	unsigned line;
	const char *key;   /* never empty */
	const char *value; /* "" without one */
};

struct turnserver_conf;

/* Parse a file's text, copying what is kept. Returns 0 and the caller's *out (free it with
 * turnserver_conf_free()), -E2BIG (more settings than that), -ENOMEM. */
int turnserver_conf_parse(const char *text, size_t n, struct turnserver_conf **out);

/* Read and parse a file. Besides those: -ENOENT, -EPERM (others may write it), -EINVAL (no regular
 * file), -EFBIG, -errno of open and read; *err says it in words. */
int turnserver_conf_load(const char *path, struct turnserver_conf **out, struct secret_error *err);
void turnserver_conf_free(struct turnserver_conf *c); /* NULL is fine */

/* The setting after prev (NULL: the first) with this key (NULL: any), or NULL. */
const struct turnserver_setting *turnserver_conf_next(const struct turnserver_conf *c,
						      const char *key,
						      const struct turnserver_setting *prev);

/* The value of a key that counts once: the last one, as turnserver has it. NULL: not there. */
const char *turnserver_conf_get(const struct turnserver_conf *c, const char *key);

/* Is this switch on? One that stands alone is; without the line, or with a word that turnserver
 * would not take, it is off. */
bool turnserver_conf_flag(const struct turnserver_conf *c, const char *key);

/* The number of a key: absent without the line. As atoi() has it, which is turnserver's own reader.
 */
int turnserver_conf_number(const struct turnserver_conf *c, const char *key, int absent);

#endif
