/* call_request.c - tables of fields and the readers of their kinds */
#include "call_request.h"

#include <errno.h>
#include <string.h>

#include "call_events.h"

typedef int (*field_reader)(void *to, struct json_slice v);

/* Required and optional fields that do not read make the event malformed; a
 * lenient one is then left out, as it is only decoration. */
enum need { REQUIRED, OPTIONAL, LENIENT };

struct request_field {
	const char *name;
	enum need need;
	field_reader read;
	size_t offset; /* of the member of struct call_request */
};

#define FIELDS_MAX 10 /* of one event; unused ones have no name */
#define INTO(member) offsetof(struct call_request, member)

static int read_user(void *to, struct json_slice v)
{
	return user_id_read(v, to);
}

static int read_room(void *to, struct json_slice v)
{
	int n = json_string(v, to, CALL_ROOM_NAME_MAX + 1);

	return n > 0 && call_room_name_valid(to, (size_t)n) ? 0 : -EINVAL;
}

static int read_call_type(void *to, struct json_slice v)
{
	char word[8];

	if (json_string(v, word, sizeof(word)) < 0)
		return -EINVAL;
	for (enum call_type t = CALL_AUDIO; t <= CALL_VIDEO; t++) {
		if (strcmp(word, call_type_name(t)) == 0) {
			*(enum call_type *)to = t;
			return 0;
		}
	}
	return -EINVAL;
}

/* The ender's words are shown to people, so they are one short line. */
static int read_reason(void *to, struct json_slice v)
{
	int n = json_string(v, to, CALL_REASON_MAX + 1);

	if (n > 0 && call_room_name_valid(to, (size_t)n))
		return 0;
	*(char *)to = '\0';
	return -EINVAL;
}

static int keep(void *to, struct json_slice v, size_t max)
{
	if (v.n > max)
		return -EINVAL;
	*(struct json_slice *)to = v;
	return 0;
}

/* Some clients send the text, some the browser's whole description or candidate. */
static bool is_text_or_object(struct json_slice v)
{
	return (json_type(v) == JSON_STRING && v.n > 2) || json_type(v) == JSON_OBJECT;
}

static int read_sdp(void *to, struct json_slice v)
{
	return is_text_or_object(v) ? keep(to, v, CALLS_SDP_BYTES_MAX) : -EINVAL;
}

static int read_candidate(void *to, struct json_slice v)
{
	/* "" is the browser's end of candidates (WebRTC section 4.8.1.2). */
	if (json_type(v) != JSON_STRING && json_type(v) != JSON_OBJECT)
		return -EINVAL;
	return keep(to, v, CALLS_CANDIDATE_BYTES_MAX);
}

static int read_m_line_index(void *to, struct json_slice v)
{
	uint64_t index;

	return json_u64(v, &index) == 0 && index <= UINT16_MAX ? keep(to, v, 8) : -EINVAL;
}

static int read_string(void *to, struct json_slice v, size_t max)
{
	return json_type(v) == JSON_STRING ? keep(to, v, max) : -EINVAL;
}

static int read_flag(void *to, struct json_slice v)
{
	return json_type(v) == JSON_BOOL ? keep(to, v, 5) : -EINVAL;
}

static int read_action(void *to, struct json_slice v)
{
	return v.n > 2 ? read_string(to, v, CALLS_ACTION_BYTES_MAX) : -EINVAL;
}

static int read_mid(void *to, struct json_slice v)
{
	return read_string(to, v, 128);
}

static int read_name(void *to, struct json_slice v)
{
	return v.n > 2 ? read_string(to, v, CALLS_NAME_BYTES_MAX) : -EINVAL;
}

static int read_avatar(void *to, struct json_slice v)
{
	return v.n > 2 ? read_string(to, v, CALLS_AVATAR_BYTES_MAX) : -EINVAL;
}

static int read_members(void *to, struct json_slice v)
{
	return json_type(v) == JSON_ARRAY ? keep(to, v, CALLS_MEMBERS_BYTES_MAX) : -EINVAL;
}

static const struct request_field fields[REQUESTS_N][FIELDS_MAX] = {
	[REQUEST_INITIATE] = {
		{ "fromId", REQUIRED, read_user, INTO(self) },
		{ "toId", OPTIONAL, read_user, INTO(other) },
		{ "groupId", OPTIONAL, read_user, INTO(group) },
		{ "memberIds", OPTIONAL, read_members, INTO(member_ids) },
		{ "callType", REQUIRED, read_call_type, INTO(type) },
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "sdpOffer", REQUIRED, read_sdp, INTO(sdp) },
		{ "fromName", LENIENT, read_name, INTO(name) },
		{ "fromAvatar", LENIENT, read_avatar, INTO(avatar) },
	},
	/* The README has no offer here: members are rung, and the caller renegotiates. */
	[REQUEST_GROUP_INITIATE] = {
		{ "initiatedBy", REQUIRED, read_user, INTO(self) },
		{ "groupId", REQUIRED, read_user, INTO(group) },
		{ "memberIds", OPTIONAL, read_members, INTO(member_ids) },
		{ "callType", REQUIRED, read_call_type, INTO(type) },
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "sdpOffer", OPTIONAL, read_sdp, INTO(sdp) },
		{ "fromName", LENIENT, read_name, INTO(name) },
		{ "fromAvatar", LENIENT, read_avatar, INTO(avatar) },
	},
	/* fromId is the initiator's id in the README, userId the acceptor's on Android. */
	[REQUEST_ACCEPT] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "sdpAnswer", REQUIRED, read_sdp, INTO(sdp) },
		{ "fromId", OPTIONAL, read_user, INTO(initiator) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	/* call:end and call:reject alike */
	[REQUEST_END] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
		{ "reason", LENIENT, read_reason, INTO(reason) },
	},
	[REQUEST_CANDIDATE] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "candidate", REQUIRED, read_candidate, INTO(candidate) },
		{ "sdpMLineIndex", LENIENT, read_m_line_index, INTO(sdp_m_line_index) },
		{ "sdpMid", LENIENT, read_mid, INTO(sdp_mid) },
		{ "fromUserId", OPTIONAL, read_user, INTO(self) },
		{ "toUserId", OPTIONAL, read_user, INTO(other) },
	},
	[REQUEST_ICE] = {
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	[REQUEST_MESH_JOIN] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
		{ "groupId", OPTIONAL, read_user, INTO(group) },
		{ "memberIds", OPTIONAL, read_members, INTO(member_ids) },
		{ "fromName", LENIENT, read_name, INTO(name) },
	},
	[REQUEST_MESH_MAKE] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
		{ "callType", REQUIRED, read_call_type, INTO(type) },
		{ "groupId", OPTIONAL, read_user, INTO(group) },
		{ "memberIds", OPTIONAL, read_members, INTO(member_ids) },
		{ "fromName", LENIENT, read_name, INTO(name) },
	},
	[REQUEST_MESH_OFFER] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "fromUserId", OPTIONAL, read_user, INTO(self) },
		{ "toUserId", REQUIRED, read_user, INTO(other) },
		{ "sdpOffer", REQUIRED, read_sdp, INTO(sdp) },
	},
	[REQUEST_MESH_ANSWER] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "fromUserId", OPTIONAL, read_user, INTO(self) },
		{ "toUserId", REQUIRED, read_user, INTO(other) },
		{ "sdpAnswer", REQUIRED, read_sdp, INTO(sdp) },
	},
	[REQUEST_MESH_CANDIDATE] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "candidate", REQUIRED, read_candidate, INTO(candidate) },
		{ "sdpMLineIndex", LENIENT, read_m_line_index, INTO(sdp_m_line_index) },
		{ "sdpMid", LENIENT, read_mid, INTO(sdp_mid) },
		{ "fromUserId", OPTIONAL, read_user, INTO(self) },
		{ "toUserId", REQUIRED, read_user, INTO(other) },
	},
	[REQUEST_ROOM] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	[REQUEST_RENEGOTIATE] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "sdpOffer", REQUIRED, read_sdp, INTO(sdp) },
		{ "fromUserId", OPTIONAL, read_user, INTO(self) },
		{ "toUserId", OPTIONAL, read_user, INTO(other) },
	},
	[REQUEST_RENEGOTIATE_ANSWER] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "sdpAnswer", REQUIRED, read_sdp, INTO(sdp) },
		{ "fromUserId", OPTIONAL, read_user, INTO(self) },
		{ "toUserId", OPTIONAL, read_user, INTO(other) },
	},
	[REQUEST_TOGGLE_AUDIO] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "audioEnabled", REQUIRED, read_flag, INTO(flag) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	[REQUEST_TOGGLE_VIDEO] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "videoEnabled", REQUIRED, read_flag, INTO(flag) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	[REQUEST_TOGGLE_MEDIA] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "audio", REQUIRED, read_flag, INTO(flag) },
		{ "video", REQUIRED, read_flag, INTO(video_flag) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	[REQUEST_ACTION] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "action", REQUIRED, read_action, INTO(action) },
		{ "userName", LENIENT, read_name, INTO(name) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	[REQUEST_ENABLED] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "enabled", REQUIRED, read_flag, INTO(flag) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	[REQUEST_MEDIA] = {
		{ "roomName", REQUIRED, read_room, INTO(room_name) },
		{ "path", REQUIRED, read_action, INTO(action) },
		{ "userId", OPTIONAL, read_user, INTO(self) },
	},
	/* Android sends both, and both are the same */
	[REQUEST_REGISTER] = {
		{ "userId", OPTIONAL, read_user, INTO(self) },
		{ "user_id", OPTIONAL, read_user, INTO(other) },
	},
	[REQUEST_SIGNAL] = {
		{ "type", REQUIRED, read_action, INTO(action) },
		{ "to", REQUIRED, read_user, INTO(other) },
		{ "from", OPTIONAL, read_user, INTO(self) },
		{ "sdp", OPTIONAL, read_sdp, INTO(sdp) },
		{ "candidate", OPTIONAL, read_candidate, INTO(candidate) },
		{ "reason", LENIENT, read_reason, INTO(reason) },
		{ "roomName", OPTIONAL, read_room, INTO(room_name) },
	},
};

static int read_field(struct call_request *r, const struct request_field *f,
		      struct json_slice object)
{
	struct json_slice v;

	/* JavaScript's undefined becomes null on some ways: both are "absent". */
	if (!json_member(object, f->name, &v) || json_type(v) == JSON_NULL)
		return f->need == REQUIRED ? -EINVAL : 0;
	if (f->read((char *)r + f->offset, v) < 0 && f->need != LENIENT)
		return -EINVAL;
	return 0;
}

int call_request_read(struct call_request *r, enum request_kind kind, const struct json_slice *args,
		      size_t args_n)
{
	memset(r, 0, sizeof(*r));
	if (args_n == 0 || json_type(args[0]) != JSON_OBJECT)
		return -EINVAL;
	for (size_t i = 0; i < FIELDS_MAX && fields[kind][i].name; i++)
		if (read_field(r, &fields[kind][i], args[0]) < 0)
			return -EINVAL;
	return 0;
}

int call_request_candidate_text(const struct call_request *r, char *out, size_t size)
{
	struct json_slice v = r->candidate;

	if (json_type(v) == JSON_OBJECT && !json_member(v, "candidate", &v))
		return -EINVAL;
	return json_string(v, out, size);
}
