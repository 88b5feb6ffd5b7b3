/* registry.h - the live allocations on main: by id, by call, by user, in order of birth
 *
 * Main only. An entry is the registry's part of a cell and lies in it, so that
 * an allocation is one piece of memory; the cell stays its maker's. A name that
 * many share (a secret with users=) is nobody: it has neither call nor user. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cells.h"
#include "relay_command.h"
#include "relay_event.h"

struct registry;

struct chain { /* of a hash bucket */
	struct chain *next;
};

/* In a list of the allocations of one call, or of one user, in order of birth. The
 * first is in the index; so a list of one, as most are, takes nothing more. */
struct member {
	struct chain chain;
	struct entry *prev; /* of the first: the last; NULL: the name has none */
	struct entry *next; /* NULL: the last */
};

/* Read only for everyone else. */
struct entry {
	uint64_t seq; /* of its "new"; 0: not registered */
	TAILQ_ENTRY(entry) birth;
	struct chain by_sid;
	struct member in[2]; /* of its call, of its user */
};

/* max: entries at a time. Returns 0, -ENOMEM. */
int registry_new(struct registry **out, size_t max);
void registry_free(struct registry *r); /* entries go, cells stay; NULL is fine */

/* seq: of its "new", not 0. Returns 0, -EEXIST (the id), -ENOBUFS (max; counted), -ENOMEM. */
int registry_add(struct registry *r, struct cell *c, uint64_t seq, struct entry **out);
void registry_remove(struct registry *r, struct entry *e);
struct entry *registry_entry(struct cell *c); /* NULL: it is not registered */

size_t registry_count(const struct registry *r);
size_t registry_calls(const struct registry *r); /* how many calls their names carry */
uint64_t registry_refused(const struct registry *r);

struct entry *registry_oldest(const struct registry *r);
struct entry *registry_after(const struct entry *e); /* next in order of birth; NULL: none */

/* Walk what a command's filters select, through the narrowest index:
 *	for (e = registry_match(r, c, NULL); e; e = registry_match(r, c, e))
 * Without a filter all match. */
struct entry *registry_match(const struct registry *r, const struct relay_command *c,
			     const struct entry *after);

#endif
