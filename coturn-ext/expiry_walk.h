/* expiry_walk.h - end the allocations whose credential ran out (strict-expiry)
 *
 * A walk over the registry every EXPIRY_WALK_S, a share at a time; the expiry
 * is in the name, so nothing is kept per allocation. One that is still there
 * at the next walk is asked again. A clock that was set back ends nobody. Main. */
#ifndef EXPIRY_WALK_H
#define EXPIRY_WALK_H

#include <stdbool.h>
#include <stdint.h>

#define EXPIRY_WALK_S 2
#define EXPIRY_WALK_SHARE 1024 /* entries looked at in one go */

struct entry;
struct event_base;
struct expiry_walk;
struct policy;
struct registry;

/* policy and registry are loans; cancel as watch_host's. Returns 0, -ENOMEM. */
int expiry_walk_new(struct expiry_walk **out, struct event_base *base, struct policy *policy,
		    struct registry *registry, int (*cancel)(uint64_t sid));
void expiry_walk_free(struct expiry_walk *w); /* NULL is fine */

/* The entry is about to leave the registry. NULL w is fine. */
void expiry_walk_leave(struct expiry_walk *w, const struct entry *e);

/* Look at one share; a walk that came to its end begins anew. Returns whether
 * there is more of this walk. */
bool expiry_walk_step(struct expiry_walk *w, int64_t now_s);

#endif
