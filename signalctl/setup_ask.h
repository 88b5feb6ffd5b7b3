/* setup_ask.h - what was not said on the command line, asked for on a terminal */
#ifndef SETUP_ASK_H
#define SETUP_ASK_H

#include <stddef.h>

#include "signalctl.h"

#define SETUP_ANSWER_BYTES 512

struct setup_question {
	const char *text;
	const char *
		preset; /* what Enter means; NULL or "": an answer is needed, or none if may_lack */
	bool may_lack;
	const char *(*wrong)(const char *); /* NULL: any answer will do */
	const char **value;		    /* set to answer, unless it was given already */
	char answer[SETUP_ANSWER_BYTES];
};

/* Ask them one after another; a wrong answer is told and asked for again, a few times. Returns an
 * exit status. */
int setup_ask(const struct signalctl *ctl, struct setup_question *q, size_t n);

#endif
