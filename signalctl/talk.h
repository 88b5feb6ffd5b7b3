/* talk.h - asking signald over its control socket
 *
 * One question at a time; the lines of a list are handed on as they come, so nothing here grows
 * with them. Whatever the other side does or leaves undone ends as one line of ctl_error(). Waits,
 * each line at most TALK_WAIT_S, or what ctl->wait_s says. */
#ifndef TALK_H
#define TALK_H

#include "control/control_command.h"
#include "signalctl.h"

#define TALK_WAIT_S 15	    /* for a line; a rotation waits for the disk */
#define TALK_WAIT_TRIAL_S 3 /* where signald itself is on trial */
#define TALK_LINE_MAX 65536 /* bytes: twice what signald writes */

struct talk;

/* A line of a list: its "e", and all of it; both are loans. Another status than SIGNALCTL_DONE, for
 * which it has said why, ends the talk. */
typedef int (*talk_line_fn)(void *arg, const char *kind, struct json_slice line);

/* To the control-socket of the configuration. Returns an exit status: SIGNALCTL_DONE with the
 * caller's *out, or after a ctl_error(). quiet: without one. */
int talk_open(struct talk **out, struct signalctl *ctl, bool quiet);
void talk_close(struct talk *t); /* NULL is fine */
/* Wait no longer than TALK_WAIT_TRIAL_S from now on. */
void talk_on_trial(struct signalctl *ctl);

/* what: its id is chosen here. on_line NULL: nothing but a reply is expected. Returns an exit
 * status: SIGNALCTL_DONE, *reply (may be NULL) a loan until the next question; SIGNALCTL_NOT_FOUND
 * or SIGNALCTL_FAILED, when signald said so; SIGNALCTL_UNREACHABLE. */
int talk_ask(struct talk *t, struct control_command *what, talk_line_fn on_line, void *arg,
	     struct json_slice *reply);

/* An answer that is not as it should be: says so, and returns SIGNALCTL_UNREACHABLE. */
int talk_strange(const struct signalctl *ctl);

#endif
