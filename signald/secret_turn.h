/* secret_turn.h - a rotation under way: a thread waits for the disk, and the loop goes on
 *
 * Puts a new secret into a file of secrets, and an end to those before it (secret_rotation.h,
 * secret_replace.h). All functions are for the loop thread, done is called there. */
#ifndef SECRET_TURN_H
#define SECRET_TURN_H

#include <stdint.h>

#include "secret_rotation.h"

struct event_base;
struct secret_turn;

/* result: 0, or -errno with why->text; then nothing has changed. It may call secret_turn_free(). */
typedef void (*secret_turn_done_fn)(void *arg, int result, const struct secret_rotation *rotation,
				    const struct secret_error *why);

/* path is copied; now_s: seconds since 1970; ttl_s: how long credentials live at most. Returns 0
 * and the caller's *out, and done is called once; or -errno. */
int secret_turn_start(struct secret_turn **out, struct event_base *base, const char *path,
		      int64_t now_s, int64_t ttl_s, secret_turn_done_fn done, void *arg);

/* Waits for the disk if it is not done; then nobody is told. NULL is fine. */
void secret_turn_free(struct secret_turn *t);

#endif
