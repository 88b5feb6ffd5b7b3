/* unbroken.c - see unbroken.h */
#include "unbroken.h"

#include <signal.h>
#include <stddef.h>

static sigset_t before;

/* SIGPIPE, too: who has stopped reading what we tell does not stop what we do. */
void unbroken_begin(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGPIPE };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
}

void unbroken_end(void)
{
	sigprocmask(SIG_SETMASK, &before, NULL);
}
