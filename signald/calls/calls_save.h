/* calls_save.h - live calls as text, and back
 *
 * For who wants calls to outlive the process: what on_call_changed tells of is written as one JSON
 * object without line feeds, and read again by the next process, where all legs are orphaned and
 * grace runs. It holds what members said to each other and no credentials. Where and when, others
 * decide. Pure; loop thread only. */
#ifndef CALLS_SAVE_H
#define CALLS_SAVE_H

#include "call_events.h"

/* What a clock's zero is: monotonic times of the same one can be compared. */
#define CALLS_CLOCK_MAX 63

/* Write a live call. What waits in it is left out where all would not fit into o.
 * Returns 0, 1 (something was left out), -ENOBUFS (it does not fit at all). */
int calls_save(const struct calls *cs, const struct call *c, const char *clock, struct json_out *o);

/* Take a call that was saved. Told as a new one (on_call_new, on_member without an address for
 * those who are in). With another clock its age is told by the wall clock, which may have been set.
 * granted_until_s: when the last credentials expire that may have been made for it since.
 * Returns 0, -EINVAL (no call), -EEXIST, -ENOSPC, -EDQUOT (as call_table_add()), -ENOBUFS (too many
 * bytes wait), -ENOMEM. */
int calls_restore(struct calls *cs, const char *text, size_t n, const char *clock,
		  int64_t granted_until_s, struct call_time now);

#endif
