/* call_request.h - the payload of an event, read and checked
 *
 * One table of fields for each event, so that what a client may send is seen
 * at once. Private to this folder; pure. */
#ifndef CALL_REQUEST_H
#define CALL_REQUEST_H

#include "call.h"
#include "identity.h"
#include "json_text.h"

/* What a client said. Slices are loans of the event's text, { NULL, 0 } when
 * absent; texts and ids are "" when absent. */
struct call_request {
	char room_name[CALL_ROOM_NAME_MAX + 1];
	struct user_id self;	  /* who the sender says it is */
	struct user_id group;	  /* groupId */
	struct user_id other;	  /* toId, toUserId */
	struct user_id initiator; /* call:accept's fromId in the README's form */
	enum call_type type;
	char reason[CALL_REASON_MAX + 1];
	struct json_slice sdp, candidate, sdp_m_line_index, sdp_mid, name, avatar;
	struct json_slice member_ids;	    /* an array of ids, each to be checked still */
	struct json_slice flag, video_flag; /* true or false: what is on now */
	struct json_slice action;	    /* a word */
};

enum request_kind {
	REQUEST_INITIATE, /* toId or groupId may be absent, also both */
	REQUEST_GROUP_INITIATE,
	REQUEST_ACCEPT,
	REQUEST_END, /* call:end and call:reject */
	REQUEST_CANDIDATE,
	REQUEST_ICE,
	REQUEST_MESH_JOIN, /* of any mesh */
	REQUEST_MESH_MAKE, /* the same, with what a new one needs */
	REQUEST_MESH_OFFER,
	REQUEST_MESH_ANSWER,
	REQUEST_MESH_CANDIDATE,
	REQUEST_ROOM, /* call:join_room, call:leave_room */
	REQUEST_RENEGOTIATE,
	REQUEST_RENEGOTIATE_ANSWER,
	REQUEST_TOGGLE_AUDIO,
	REQUEST_TOGGLE_VIDEO,
	REQUEST_TOGGLE_MEDIA,
	REQUEST_ACTION,	 /* call:screen_share, call:recording */
	REQUEST_ENABLED, /* call:noise_cancellation */
	REQUEST_MEDIA,	 /* call:media */
	REQUEST_REGISTER,
	REQUEST_SIGNAL, /* call_signal */
	REQUESTS_N,
};

/* Read the event's first argument. Returns 0, -EINVAL (no object, a required
 * field missing, one of a wrong type or too big). */
int call_request_read(struct call_request *r, enum request_kind kind, const struct json_slice *args,
		      size_t args_n);

/* The candidate line in an ice:candidate, which may be a bare string or an
 * RTCIceCandidate object. Returns its length, -EINVAL, -ENOBUFS. */
int call_request_candidate_text(const struct call_request *r, char *out, size_t size);

#endif
