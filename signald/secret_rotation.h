/* secret_rotation.h - the text of auth-secret-file with a new secret in it
 *
 * The new one begins to count when both daemons have read the file; the ordinary ones before it
 * get an end that leaves time for the last credentials made with them. Every other line, comments
 * included, stays as it is. Deciding code: no clock, no files. Loop thread only. */
#ifndef SECRET_ROTATION_H
#define SECRET_ROTATION_H

#include <stddef.h>
#include <stdint.h>

#include "secret_file.h"

#define ROTATION_AHEAD_S 30 /* turnserver looks every 5 s, signald every 5 s and waits up to 15 */
#define ROTATION_MORE_S 60  /* what clocks may differ */

struct secret_rotation {
	char id[SECRET_ID_MAX + 1]; /* of the new secret: the day, and a number if that is taken */
	int64_t not_before_s;	    /* of the new one */
	int64_t not_after_s;	    /* of those before it */
	size_t ended;		    /* so many got that end now */
};

/* text is a whole file; now_s is in seconds since 1970; ttl_s is how long credentials live at most.
 * Returns 0 with the caller's *out (NUL-terminated; secret_text_free()), or with why it cannot be
 * in err->text: -EINVAL (the text is no file of secrets), -EBUSY (a rotation is under way: a secret
 * waits for its time), -ENOSPC (too many secrets, in the file or active), -EIO (no randomness),
 * -ENOMEM. */
int secret_rotation_make(const char *text, size_t n, int64_t now_s, int64_t ttl_s, char **out,
			 size_t *out_n, struct secret_rotation *rotation, struct secret_error *err);

#endif
