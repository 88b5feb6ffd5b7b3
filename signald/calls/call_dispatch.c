/* call_dispatch.c - the table of events: which names are ours, and whose they are */
#include <string.h>

#include "mesh.h"

static const struct event_row events[] = {
	/* who a socket is */
	{ "user:join", calls_on_user_join },
	/* calls begin, are answered and end */
	{ "call:initiate", calls_on_initiate },
	{ "group_call:initiate", calls_on_group_initiate },
	{ "call:accept", calls_on_accept },
	{ "call:reject", calls_on_reject },
	{ "call:end", calls_on_end },
	/* in between */
	{ "ice:candidate", calls_on_candidate },
	{ "ice:request", calls_on_ice_request },
	/* a mesh */
	{ "group_call:join", mesh_on_join },
	{ "group_call:leave", mesh_on_leave },
	{ "group_call:offer", mesh_on_offer },
	{ "group_call:answer", mesh_on_answer },
	{ "group_call:candidate", mesh_on_candidate },
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
