/* secrets.h - the secrets of the auth-secrets file, replaced while others read them
 *
 * Main loads and reloads the file; the threads that authenticate and relay
 * read it. Readers never wait: a set never changes once it is published, and
 * main frees a replaced one only after it has seen a moment without readers. */
#ifndef SECRETS_H
#define SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay_event.h"
#include "secret_file.h"

struct secrets;

/* Load a file. Main. Returns 0, or what secret_set_load() returns with *err filled. */
int secrets_open(struct secrets **out, const char *path, struct secret_error *err);
void secrets_free(struct secrets *s); /* with no reader left; NULL is fine */

/* Look whether the file was changed or replaced, and read it again if so. A
 * file that cannot be used is reported once and leaves the old set in force;
 * lack of memory or descriptors is reported, and tried again, at each look.
 * Main, every few seconds. Returns 1 (new set), 0 (nothing new), or the error. */
int secrets_poll(struct secrets *s, struct secret_error *err);

/* Read the file again, whatever it looks like, and report what is wrong with it
 * each time. Main. Returns 1 (new set), -EAGAIN (a reader is at the set that the
 * last one replaced: for microseconds), or the error; the old set stays in force. */
int secrets_reload(struct secrets *s, struct secret_error *err);

/* Hand over each secret that may authenticate this TURN user name at now_s,
 * newest not-before first, at most SECRETS_ACTIVE_MAX. The text is a loan for
 * the time of the callback. Any thread. Returns how many. */
typedef void (*secrets_fn)(void *arg, const char *secret);
size_t secrets_each(struct secrets *s, const char *name, int64_t now_s, secrets_fn fn, void *arg);

/* May this secret, which came from elsewhere (static-auth-secret, coturn's
 * database), authenticate this name? Not if the file restricts it with users=
 * to others: it is public. Any thread. */
bool secrets_permit(struct secrets *s, const char *name, const char *value);

struct secret_match {
	char id[SECRET_ID_MAX + 1];
	char tag[SECRET_TAG_MAX + 1];
	bool shared;
};

/* Find the secret this long-term key was made with, also among those that
 * were replaced or ran out a moment ago. id and tag are "" when none matches;
 * shared says that the secret has users=, or that none matched and the user is
 * in some users=: the key may be older than the file, of a public secret that is
 * no longer in it. Any thread. Returns whether one matched. */
bool secrets_match(struct secrets *s, const uint8_t key[16], const char *name, const char *realm,
		   struct secret_match *out);

/* The same for who knows the value of the secret that the key was made with:
 * without a hash for each secret. */
bool secrets_match_value(struct secrets *s, const char *value, const char *name,
			 struct secret_match *out);

/* The same match, constant, kept once for all who keep it, until each has let go
 * of it. Without memory it is one without id and tag. Any thread; a mutex. */
const struct secret_match *secrets_keep(struct secrets *s, const struct secret_match *m);
void secrets_let_go(struct secrets *s, const struct secret_match *kept); /* NULL is fine */

/* The secrets that are accepted at now_s or later, in the order of the file.
 * Main. Returns how many are in out, or -EIO. */
int secrets_announce(const struct secrets *s, int64_t now_s, const char *epoch,
		     struct relay_secret out[SECRETS_MAX]);

size_t secrets_count(const struct secrets *s); /* main */

/* How many a name could be made with that no users= restricts. More than
 * SECRETS_ACTIVE_MAX: the oldest are not tried. Main. */
size_t secrets_active_count(const struct secrets *s, int64_t now_s);

#endif
