/* call_dispatch.c - the table of events: which names are ours, and whose they are */
#include <string.h>

#include "calls_priv.h"

static const struct event_row events[] = {
	/* who a socket is */
	{ "user:join", on_user_join },
	/* calls begin, are answered and end */
	{ "call:initiate", on_initiate },
	{ "group_call:initiate", on_group_initiate },
	{ "call:accept", on_accept },
	{ "call:reject", on_reject },
	{ "call:end", on_end },
	/* in between */
	{ "ice:candidate", on_candidate },
	{ "ice:request", on_ice_request },
};

#define EVENTS_N (sizeof(events) / sizeof(events[0]))

const char *calls_event_name(size_t i)
{
	return i < EVENTS_N ? events[i].name : NULL;
}

const struct event_row *calls_find_event(const char *name)
{
	for (size_t i = 0; i < EVENTS_N; i++)
		if (strcmp(events[i].name, name) == 0)
			return &events[i];
	return NULL;
}
