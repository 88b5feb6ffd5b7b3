/* control_lines.c - see control_lines.h */
#include "control/control_lines.h"

#include <stdio.h>

#include "calls/call_table.h"
#include "relay_event.h"
#include "relay/usage.h"

/* {"e":kind */
static void line_begin(struct json_out *o, const char *kind)
{
	json_out_open(o, '{');
	json_put_string(o, "e", kind);
}

void line_begin_reply(struct json_out *o, uint64_t id, bool ok)
{
	line_begin(o, "reply");
	json_put_u64(o, "id", id);
	json_put_bool(o, "ok", ok);
}

void line_end(struct json_out *o)
{
	json_out_close(o, '}');
	json_out_bytes(o, "\n", 1);
}

/* --- calls ------------------------------------------------------------------------ */

static const char *kind_name(enum call_kind k)
{
	static const char *const names[] = {
		[CALL_DIRECT] = "direct",
		[CALL_RING_GROUP] = "group",
		[CALL_MESH] = "mesh",
	};

	return names[k];
}

static const char *member_state_name(enum member_state s)
{
	static const char *const names[] = {
		[MEMBER_INVITED] = "invited",
		[MEMBER_IN] = "in",
		[MEMBER_OUT] = "out",
	};

	return names[s];
}

static void put_members(struct json_out *o, const struct call *c)
{
	json_out_key(o, "members");
	json_out_open(o, '[');
	for (size_t i = 0; i < call_members_n(c); i++) {
		const struct call_socket *leg = calls_leg(c, i);

		json_out_open(o, '{');
		json_put_string(o, "user", call_member(c, i)->text);
		json_put_string(o, "state", member_state_name(call_member_state(c, i)));
		if (leg) {
			json_put_u64(o, "socket", call_socket_serial(leg));
			json_put_string(o, "address", call_socket_address(leg));
		}
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

static void put_relay(struct json_out *o, const struct call *c, const struct usage *usage)
{
	struct usage_sums sums;

	if (!usage_call_sums(usage, call_id(c), &sums))
		return;
	json_out_key(o, "relay");
	json_out_open(o, '{');
	json_put_u64(o, "allocations", sums.allocations);
	json_put_u64(o, "live", sums.live);
	json_put_u64(o, "sent_bytes", sums.totals.peer_sent_bytes);
	json_put_u64(o, "received_bytes", sums.totals.peer_received_bytes);
	json_put_u64(o, "wire_bytes", sums.totals.wire_bytes);
	json_put_u64(o, "dropped_bytes", sums.totals.dropped_bytes);
	json_put_bool(o, "exact", sums.exact);
	json_out_close(o, '}');
}

static void put_time(struct json_out *o, const char *key, int64_t ms)
{
	if (ms)
		json_put_i64(o, key, ms);
}

void line_call(struct json_out *o, const struct call *c, const struct usage *usage, uint64_t now_ms)
{
	line_begin(o, "call");
	json_put_string(o, "call", call_id(c));
	json_put_string(o, "room", call_room_name(c));
	json_put_string(o, "kind", kind_name(call_kind(c)));
	json_put_string(o, "type", call_type_name(call_type(c)));
	json_put_string(o, "state", call_state_name(call_state(c)));
	if (call_group(c))
		json_put_string(o, "group", call_group(c)->text);
	put_time(o, "start_ms", call_start_wall_ms(c));
	put_time(o, "answer_ms", call_answer_wall_ms(c));
	put_time(o, "end_ms", call_end_wall_ms(c));
	json_put_u64(o, "duration_ms", call_duration_ms(c, now_ms));
	json_put_string(o, "code", call_code_name(call_code(c)));
	json_put_string(o, "reason", call_reason(c));
	put_members(o, c);
	put_relay(o, c, usage);
	line_end(o);
}

/* --- users ------------------------------------------------------------------------ */

void line_user(struct json_out *o, const struct user *u, size_t calls_n)
{
	line_begin(o, "user");
	json_put_string(o, "user", user_id_of(u)->text);
	json_put_u64(o, "sockets", user_sockets_n(u));
	json_put_u64(o, "registered", user_registered_n(u));
	json_put_u64(o, "calls", calls_n);
	line_end(o);
}

void line_socket(struct json_out *o, const struct call_socket *s)
{
	line_begin(o, "socket");
	json_put_u64(o, "socket", call_socket_serial(s));
	json_put_string(o, "address", call_socket_address(s));
	json_put_bool(o, "registered", call_socket_registered(s));
	line_end(o);
}

/* --- status ----------------------------------------------------------------------- */

static void put_counters(struct json_out *o, const struct calls *calls)
{
	json_out_key(o, "counters");
	json_out_open(o, '{');
	for (int i = 0; i < CALLS_N; i++)
		json_put_u64(o, calls_counter_name((enum calls_counter)i),
			     calls_counter(calls, (enum calls_counter)i));
	json_out_close(o, '}');
}

static void put_if_any(struct json_out *o, const char *key, const char *text)
{
	if (*text)
		json_put_string(o, key, text);
}

static void put_turnserver(struct json_out *o, const struct control_status *st)
{
	const struct relay_hello *h = st->relay;
	char protocol[24];

	json_put_bool(o, "relay", st->relay_connected);
	if (h) {
		snprintf(protocol, sizeof(protocol), "%u.%u", h->major, h->minor);
		json_put_string(o, "relay_protocol", protocol);
		put_if_any(o, "relay_version", h->version);
		put_if_any(o, "relay_base", h->base);
		put_if_any(o, "relay_ledger_checked", h->ledger_checked);
		put_if_any(o, "relay_ledger_date", h->ledger_date);
	}
	if (st->relay_draining)
		json_put_bool(o, "relay_draining", true);
	json_put_string(o, "relay_lacks", st->relay_lacks);
	json_put_string(o, "relay_problem", st->relay_problem);
}

void line_put_status(struct json_out *o, const struct control_status *st, const struct calls *calls)
{
	const struct identity *identity = calls_users(calls);

	json_put_string(o, "version", st->version);
	json_put_u64(o, "uptime_ms", st->uptime_ms);
	json_put_string(o, "auth", st->auth);
	json_put_string(o, "backend", st->backend);
	json_put_u64(o, "sessions", st->sessions);
	json_put_u64(o, "sockets", identity_sockets_n(identity));
	json_put_u64(o, "users", identity_users_n(identity));
	json_put_u64(o, "calls", call_table_live_n(calls_table(calls)));
	if (st->has_relay)
		put_turnserver(o, st);
	json_put_string(o, "secret", st->secret);
	json_put_string(o, "summary", st->summary);
	json_put_string(o, "next", st->next);
	put_counters(o, calls);
}
