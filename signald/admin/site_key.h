/* site_key.h - the key that shipped applications show for TURN credentials
 *
 * Kept as its SHA-256, compared in constant time. Loop thread only. */
#ifndef SITE_KEY_H
#define SITE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#define SITE_KEY_MIN 8	 /* bytes */
#define SITE_KEY_MAX 512 /* bytes */

struct site_key {
	bool set; /* false: nobody is let in */
	uint8_t sha256[32];
};

/* Read the file's first line. It is public: everybody may read the file, but not write it.
 * Returns 0, -errno of open/read, -EPERM (others may write it), -EINVAL (too short, too long, not
 * printable, no file), -EFBIG (what is behind it is too long), -ENOMEM, -EIO. */
int site_key_load(struct site_key *k, const char *path);

bool site_key_is(const struct site_key *k, const char *text); /* NULL: no */

#endif
