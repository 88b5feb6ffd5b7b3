/* find_call.h - a call by the beginning of its id
 *
 * As many characters as make it the only one. Waits for signald. */
#ifndef FIND_CALL_H
#define FIND_CALL_H

#include "talk.h"

#define FIND_CALL_CANDIDATES 8 /* named when there are more than one */

/* What has been seen of a list of calls. */
struct find_call {
	const char *prefix;
	size_t found;
	char ids[FIND_CALL_CANDIDATES][TURN_CALL_ID_LEN + 1];
};

/* One call of the list. */
void find_call_see(struct find_call *f, const char *id);

/* The outcome, said with ctl_error() where it is not one call: an exit status. */
int find_call_judge(const struct find_call *f, const struct signalctl *ctl);

/* Ask for the list, ended: with those that have. Returns an exit status: SIGNALCTL_DONE with the
 * whole id. */
int find_call(struct talk *t, const struct signalctl *ctl, const char *prefix, bool ended,
	      char id[TURN_CALL_ID_LEN + 1]);

#endif
