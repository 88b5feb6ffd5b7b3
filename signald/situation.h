/* situation.h - how signald is, in one line, and what its admin should do next
 *
 * The line that "systemctl status" shows, and status of the control socket; "next" is in the log,
 * too. Pure: facts in, words out. */
#ifndef SITUATION_H
#define SITUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SITUATION_LINE_MAX 384 /* bytes */

/* Loans for the call. */
struct situation {
	const char *address; /* the first one that is served; "": none yet */
	size_t more;	     /* beside it */
	bool loopback_only;  /* all of them */
	bool turn_loopback;  /* no turn-urls that another host could reach */
	bool relay_away;     /* turnserver is configured, and has not been there for a while */
	const char *relay_problem; /* it is there and not served as it should be; NULL: it is */
	bool relay_draining;	   /* it makes no new allocations, and exits with the last */
	bool signs;		   /* a secret does: clients can be given TURN credentials */
	bool stopping;
	uint64_t sessions, calls;
};

/* Does this url (turn:HOST...) name a host that is this one for everybody? */
bool situation_is_loopback(const char *turn_url);

/* What the line says beside counts; NULL: nothing, all is well. "": only what to do next. */
const char *situation_trouble(const struct situation *s);

/* What to do next; NULL: nothing. */
const char *situation_next(const struct situation *s);

/* The line, without a newline. Returns its length; it is cut to size. */
size_t situation_line(char *out, size_t size, const struct situation *s);

#endif
