/* hooks_priv.h - what the files hooks*.c share
 *
 * They are the only ones that know coturn's structs and ours. A
 * session's functions are for its relay thread. */
#ifndef HOOKS_PRIV_H
#define HOOKS_PRIV_H

#include "mainrelay.h"

#include "cells.h"
#include "options.h"
#include "policy.h"
#include "relay_event.h"
#include "secrets.h"
#include "watch.h"

struct watch *hooks_watch(void);	   /* NULL: not configured */
const struct options *hooks_options(void); /* read and checked before there are threads */

/* Seconds since 1970, to the instant. time() may still say the second before, for as long as a tick
 * of the kernel: a secret that signald signs with from its first moment would not be known yet. */
int64_t hooks_now_s(void);

/* --- hooks_warnings.c */

/* A line in the log for each option in use that we advise against. Once, when the
 * options are read and checked. Main thread. */
void warn_of_options(void);

/* --- hooks_count.c */

/* What the session relayed so far, exactly; of streams the wire bytes since the
 * kernel was last asked are estimated. */
void session_totals(const ts_ur_super_session *ss, struct relay_totals *out);

/* The allocation was made, or its client came back another way: look at what
 * its packets cost. */
void session_set_overheads(ts_ur_super_session *ss);

/* Ask the kernel what the session's streams carried. A system call for each. */
void session_settle_streams(ts_ur_super_session *ss);
bool session_has_streams(const ts_ur_super_session *ss);

/* Write out what waits at its sockets; take back what cannot be written. */
void session_finish_streams(ts_ur_super_session *ss);

/* --- hooks_policy.c */

/* Which secret the session's key was made with; found out once. A loan until
 * the session has another key. */
const struct secret_match *session_secret(ts_ur_super_session *ss);
void session_forget_secret(ts_ur_super_session *ss);
void session_apply_speed(ts_ur_super_session *ss);
void session_release_hold(ts_ur_super_session *ss);
void thread_tell_denials(void);

/* --- hooks_peers.c: main, before there are threads */

/* How many permissions and channels an allocation may have; in force without the hook, too. */
void peers_bound(const struct options *o);

/* The hook is on: from here on peers are what the options allow, and this host's addresses are
 * known. Returns 0, -errno. */
int peers_open(const struct options *o);

/* Look at the interfaces again and again. Returns 0, -ENOMEM. */
int peers_start(struct event_base *base);

#endif
