/* admin_token.h - the token of the admin API, and the site key
 *
 * Kept as its SHA-256, compared in constant time. Loop thread only. */
#ifndef ADMIN_TOKEN_H
#define ADMIN_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#define ADMIN_TOKEN_MIN 16  /* bytes */
#define ADMIN_TOKEN_MAX 512 /* bytes */
#define SITE_KEY_MIN 8	    /* bytes; at most as many as a token */

struct admin_token {
	bool set; /* false: nobody is let in */
	uint8_t sha256[32];
};

/* Read the file's first line. Returns 0, -errno of open/read, -EPERM (others
 * may read or write it), -EINVAL (too short, too long, not printable, no file), -EFBIG (what is
 * behind it is too long), -ENOMEM, -EIO. */
int admin_token_load(struct admin_token *t, const char *path);

/* The same for the site key, which is public: everybody may read its file, but not write it. */
int site_key_load(struct admin_token *t, const char *path);

/* Is it this one? NULL: no. */
bool admin_token_is(const struct admin_token *t, const char *text);

/* Does an Authorization header's value carry the token: "Bearer T", or the
 * bare token as the original's example sends it? NULL: no. */
bool admin_token_matches(const struct admin_token *t, const char *authorization);

#endif
