/* signing.h - which secret signs credentials
 *
 * A credential that turnserver does not know the secret of breaks a call, so one of the file's
 * secrets (never one with users=) signs between its dates, and then only
 * - after turnserver announced it: the id and the check of its value stood in the last
 *   announcement. What was announced last stays good when the connection is lost: turnserver drops
 *   a secret only when its file does, and that is the file we read;
 * - or, while there is no connection that has announced anything, SIGNING_WAIT_S after its
 *   not-before: by then turnserver has read a file that was there in time. A secret that came to
 *   the file later also waits as long from when it was first seen, as long as there is another that
 *   may sign; without one, what turnserver will know in a moment is better than nothing.
 * Of those the one with the greatest not-before signs, the last line among equals.
 *
 * When the file has no secret at its dates at all, the static-auth-secret of turnserver.conf does;
 * but not if the file has its value with users=, which makes it a public one.
 *
 * now_s is in seconds since 1970. Deciding code: no clock, no files, no log. Loop thread only. */
#ifndef SIGNING_H
#define SIGNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay_event.h"
#include "secret_file.h"

#define SIGNING_WAIT_S 15 /* turnserver looks at its file every 5 s */

struct signing;

int signing_new(struct signing **out); /* Returns 0, -ENOMEM. */
void signing_free(struct signing *s);  /* NULL is fine */

/* The secrets of the file from now on; a loan until the next call. NULL: there is no file. What
 * was announced or first seen of an id and value stays so. */
void signing_set_secrets(struct signing *s, const struct secret_set *set, int64_t now_s);

/* The static-auth-secret (copied), or NULL for none. Returns 0, -ENOMEM (the old one stays). */
int signing_set_static(struct signing *s, const char *value);

/* turnserver of this epoch accepts these and no others. n: up to SECRETS_MAX. */
void signing_announced(struct signing *s, const char *epoch, const struct relay_secret *v,
		       size_t n);
void signing_disconnected(struct signing *s);

/* Why there is a secret, or none. */
enum signing_reason {
	SIGNING_FILE,	 /* one of the file */
	SIGNING_STATIC,	 /* that of turnserver.conf */
	SIGNING_WAITS,	 /* the file has active ones; turnserver has announced none of them */
	SIGNING_NOTHING, /* none is active */
};

/* The secret to sign with now; NULL: none. The result is good until the next signing_set_*().
 * why may be NULL. The static secret has the id "". */
const struct secret *signing_secret(const struct signing *s, int64_t now_s,
				    enum signing_reason *why);

#endif
