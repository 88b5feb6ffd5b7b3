/* policy_watch.h - what main does for policy: opened by options, kept fresh, its denials told
 *
 * Main, except where a function says otherwise. */
#ifndef POLICY_WATCH_H
#define POLICY_WATCH_H

#include <stddef.h>

#include "options.h"

struct admin_socket;
struct event_base;
struct policy;
struct policy_watch;

/* Before there are threads that ask. Revocations survive in the state folder
 * if there is an admin socket to make them. Returns 0, or -errno with err, one line. */
int policy_watch_open(struct policy_watch **out, const struct options *o, char *err,
		      size_t err_size);

/* Serve on base; denials go to admin (a loan; NULL: to nobody). Returns 0, -ENOMEM. */
int policy_watch_start(struct policy_watch *w, struct event_base *base, struct admin_socket *admin);

/* With no thread left that asks. NULL is fine. */
void policy_watch_free(struct policy_watch *w);

struct policy *policy_watch_policy(const struct policy_watch *w); /* any thread */

#endif
