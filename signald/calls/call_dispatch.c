/* call_dispatch.c - the table of events: which names are ours, and whose they are */
#include <string.h>

#include "mesh.h"

static const struct event_row events[] = {
	/* who a socket is */
	{ "join", calls_on_join },
	{ "user:join", calls_on_user_join },
	{ "call:register", calls_on_register },
	/* calls begin, are answered and end */
	{ "call:initiate", calls_on_initiate },
	{ "group_call:initiate", calls_on_group_initiate },
	{ "call:accept", calls_on_accept },
	{ "call:reject", calls_on_reject },
	{ "call:end", calls_on_end },
	{ "call:join_room", calls_on_join_room },
	{ "call:leave_room", calls_on_leave_room },
	{ "call_signal", calls_on_signal },
	/* in between */
	{ "ice:candidate", calls_on_candidate },
	{ "ice:request", calls_on_ice_request },
	{ "call:media", calls_on_media },
	{ "call:renegotiate", calls_on_pass },
	{ "call:renegotiate_answer", calls_on_pass },
	{ "call:toggle_audio", calls_on_pass },
	{ "call:toggle_video", calls_on_pass },
	{ "call:toggle_media", calls_on_pass },
	{ "call:screen_share", calls_on_pass },
	{ "call:recording", calls_on_pass },
	{ "call:noise_cancellation", calls_on_pass },
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
	return strcmp(proof_connect_row.name, name) == 0 ? &proof_connect_row : NULL;
}
