/* answers.c - tables of members: what each is called, how it is read, where it goes */
#include "answers.h"

#include <errno.h>
#include <string.h>

#include "line_fields.h"

#define ROW(type, key, read, member)                                                               \
	{                                                                                          \
		key, read, MEMBER(type, member), true, NULL                                        \
	}
#define MAY(type, key, read, member)                                                               \
	{                                                                                          \
		key, read, MEMBER(type, member), false, NULL                                       \
	}

static int read_array(struct json_slice v, void *to, size_t size)
{
	if (json_type(v) != JSON_ARRAY)
		return -EINVAL;
	memcpy(to, &v, size);
	return 0;
}

static int read_object(struct json_slice v, void *to, size_t size)
{
	if (json_type(v) != JSON_OBJECT)
		return -EINVAL;
	memcpy(to, &v, size);
	return 0;
}

static int read_all(struct json_slice line, const struct field *fields, size_t n, void *out)
{
	struct fields_read read;

	return read_fields(line, fields, n, out, &read) ? -EINVAL : 0;
}

/* --- calls ------------------------------------------------------------------------- */

struct call_and_relay {
	struct answer_call call;
	struct json_slice relay;
};

static const struct field call_fields[] = {
	ROW(struct call_and_relay, "call", read_call, call.id),
	ROW(struct call_and_relay, "room", read_text, call.room),
	ROW(struct call_and_relay, "kind", read_text, call.kind),
	ROW(struct call_and_relay, "type", read_text, call.type),
	ROW(struct call_and_relay, "state", read_text, call.state),
	MAY(struct call_and_relay, "group", read_text, call.group),
	MAY(struct call_and_relay, "start_ms", read_u64, call.start_ms),
	MAY(struct call_and_relay, "answer_ms", read_u64, call.answer_ms),
	MAY(struct call_and_relay, "end_ms", read_u64, call.end_ms),
	ROW(struct call_and_relay, "duration_ms", read_u64, call.duration_ms),
	MAY(struct call_and_relay, "code", read_text, call.code),
	MAY(struct call_and_relay, "reason", read_text, call.reason),
	ROW(struct call_and_relay, "members", read_array, call.members),
	MAY(struct call_and_relay, "relay", read_object, relay),
};

static const struct field relay_fields[] = {
	ROW(struct answer_relay, "allocations", read_u64, allocations),
	ROW(struct answer_relay, "live", read_u64, live),
	ROW(struct answer_relay, "sent_bytes", read_u64, sent_bytes),
	ROW(struct answer_relay, "received_bytes", read_u64, received_bytes),
	ROW(struct answer_relay, "wire_bytes", read_u64, wire_bytes),
	ROW(struct answer_relay, "dropped_bytes", read_u64, dropped_bytes),
	ROW(struct answer_relay, "exact", read_bool, exact),
};

int answer_call(struct json_slice line, struct answer_call *out)
{
	struct call_and_relay all = { .relay = { NULL, 0 } };

	if (read_all(line, call_fields, COUNT(call_fields), &all))
		return -EINVAL;
	all.call.has_relay = all.relay.p;
	if (all.relay.p && read_all(all.relay, relay_fields, COUNT(relay_fields), &all.call.relay))
		return -EINVAL;
	*out = all.call;
	return 0;
}

static const struct field member_fields[] = {
	ROW(struct answer_member, "user", read_text, user),
	ROW(struct answer_member, "state", read_text, state),
	MAY(struct answer_member, "socket", read_u64, socket),
	MAY(struct answer_member, "address", read_text, address),
};

int answer_member(struct json_slice member, struct answer_member *out)
{
	memset(out, 0, sizeof(*out));
	return read_all(member, member_fields, COUNT(member_fields), out);
}

/* --- users ------------------------------------------------------------------------- */

static const struct field user_fields[] = {
	ROW(struct answer_user, "user", read_text, user),
	ROW(struct answer_user, "sockets", read_u64, sockets),
	ROW(struct answer_user, "registered", read_u64, registered),
	ROW(struct answer_user, "calls", read_u64, calls),
};

int answer_user(struct json_slice line, struct answer_user *out)
{
	memset(out, 0, sizeof(*out));
	return read_all(line, user_fields, COUNT(user_fields), out);
}

/* --- replies ----------------------------------------------------------------------- */

static const struct field status_fields[] = {
	ROW(struct answer_status, "version", read_text, version),
	ROW(struct answer_status, "auth", read_text, auth),
	MAY(struct answer_status, "backend", read_text, backend),
	ROW(struct answer_status, "uptime_ms", read_u64, uptime_ms),
	ROW(struct answer_status, "sessions", read_u64, sessions),
	ROW(struct answer_status, "sockets", read_u64, sockets),
	ROW(struct answer_status, "users", read_u64, users),
	ROW(struct answer_status, "calls", read_u64, calls),
	MAY(struct answer_status, "relay", read_bool, relay),
	MAY(struct answer_status, "relay_version", read_text, relay_version),
	MAY(struct answer_status, "relay_protocol", read_text, relay_protocol),
	MAY(struct answer_status, "relay_base", read_text, relay_base),
	MAY(struct answer_status, "relay_ledger_checked", read_text, relay_ledger_checked),
	MAY(struct answer_status, "relay_ledger_date", read_text, relay_ledger_date),
	MAY(struct answer_status, "relay_draining", read_bool, relay_draining),
	MAY(struct answer_status, "relay_lacks", read_text, relay_lacks),
	MAY(struct answer_status, "relay_problem", read_text, relay_problem),
	MAY(struct answer_status, "next", read_text, next),
	MAY(struct answer_status, "secret", read_text, secret),
};

int answer_status(struct json_slice line, struct answer_status *out)
{
	struct json_slice v;

	memset(out, 0, sizeof(*out));
	out->has_relay = json_member(line, "relay", &v);
	out->has_secret = json_member(line, "secret", &v);
	return read_all(line, status_fields, COUNT(status_fields), out);
}

static const struct field rotation_fields[] = {
	ROW(struct answer_rotation, "secret", read_text, secret),
	ROW(struct answer_rotation, "not_before_s", read_u64, not_before_s),
	ROW(struct answer_rotation, "not_after_s", read_u64, not_after_s),
	ROW(struct answer_rotation, "count", read_u64, count),
};

int answer_rotation(struct json_slice line, struct answer_rotation *out)
{
	memset(out, 0, sizeof(*out));
	return read_all(line, rotation_fields, COUNT(rotation_fields), out);
}

int answer_count(struct json_slice line, uint64_t *out)
{
	struct json_slice v;

	return json_member(line, "count", &v) ? json_u64(v, out) : -EINVAL;
}
