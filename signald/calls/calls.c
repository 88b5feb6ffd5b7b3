/* calls.c - the module as a whole: made, ended, ticked, looked at */
#include "calls_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"

/* An SDP, a name, an avatar and a list of iceServers fit into one message. */
#define MESSAGE_BYTES_MAX (CALLS_SDP_BYTES_MAX + CREDENTIALS_JSON_MAX + 8192)
#define RATE_USERS_MAX 32768 /* of each rate */

/* What one tick does at most: 0.1 ms of looking, or about as many ends as a loop has time for. */
#define TICK_LOOKS 256
#define TICK_MOVES 16

static const char *const counter_names[CALLS_N] = {
	[CALLS_N_STARTED] = "started",
	[CALLS_N_RESTORED] = "restored",
	[CALLS_N_NOT_RESTORED] = "not_restored",
	[CALLS_N_ANSWERED] = "answered",
	[CALLS_N_MALFORMED] = "malformed",
	[CALLS_N_FORBIDDEN] = "forbidden",
	[CALLS_N_NOT_JOINED] = "not_joined",
	[CALLS_N_FOREIGN] = "foreign",
	[CALLS_N_LATE] = "late",
	[CALLS_N_ECHO] = "echo",
	[CALLS_N_OUT_OF_PLACE] = "out_of_place",
	[CALLS_N_GLARE] = "glare",
	[CALLS_N_BLOCKED] = "blocked",
	[CALLS_N_EXPIRED] = "expired",
	[CALLS_N_BAD_TOKEN] = "bad_token",
	[CALLS_N_UNIDENTIFIED] = "unidentified",
	[CALLS_N_UNAVAILABLE] = "unavailable",
	[CALLS_N_REFUSED_CALLS] = "refused_calls",
	[CALLS_N_REFUSED_USER_CALLS] = "refused_user_calls",
	[CALLS_N_REFUSED_ROOM] = "refused_room",
	[CALLS_N_REFUSED_MEMBERS] = "refused_members",
	[CALLS_N_REFUSED_RATE] = "refused_rate",
	[CALLS_N_REFUSED_SOCKETS] = "refused_sockets",
	[CALLS_N_REFUSED_CANDIDATES] = "refused_candidates",
	[CALLS_N_REFUSED_HELD] = "refused_held",
	[CALLS_N_REFUSED_WAITING] = "refused_waiting",
	[CALLS_N_REFUSED_MEMORY] = "refused_memory",
	[CALLS_N_NO_CREDENTIALS] = "no_credentials",
	[CALLS_N_EMIT_FAILED] = "emit_failed",
};

void calls_config_defaults(struct calls_config *cfg)
{
	*cfg = (struct calls_config){
		.times = { .ring_ms = 45000, .grace_ms = 20000, .length_ms = 4 * 3600 * 1000 },
		.calls = { .live_max = 10000, .per_user_max = 8, .ended_max = 100 },
		.sockets = { .sockets_max = 20000, .sockets_per_user_max = 32 },
		.leg_wait_ms = 3000,
		.open = true,
		.group_members_max = 32,
		.candidates_max = 64,
		.held_bytes_max = 64 << 20,
		.waiting = { .events_max = 32,
			     .bytes_max = 128 << 10,
			     .total_bytes_max = 16 << 20 },
	};
}

static int new_rate(struct rate **out, unsigned per_minute)
{
	return rate_new(
		out, &(struct rate_config){ .per_minute = per_minute, .keys_max = RATE_USERS_MAX });
}

int calls_new(struct calls **out, const struct calls_config *cfg, const struct calls_ops *ops)
{
	struct calls *cs = calloc(1, sizeof(*cs));
	int rc;

	if (!cs)
		return -ENOMEM;
	cs->cfg = *cfg;
	cs->ops = *ops;
	cs->budget.max = cfg->held_bytes_max;
	json_out_heap(&cs->out, MESSAGE_BYTES_MAX);
	rc = identity_new(&cs->identity, &cfg->sockets);
	if (rc == 0)
		rc = call_table_new(&cs->table, &cfg->calls);
	if (rc == 0)
		rc = call_walk_new(&cs->round, cs->table);
	if (rc == 0)
		rc = call_wait_new(&cs->wait, &cfg->waiting);
	if (rc == 0)
		rc = new_rate(&cs->call_rate, cfg->calls_per_minute);
	if (rc == 0)
		rc = new_rate(&cs->ice_rate, cfg->ice_requests_per_minute);
	if (rc < 0) {
		calls_free(cs);
		return rc;
	}
	*out = cs;
	return 0;
}

void calls_free(struct calls *cs)
{
	struct call *c = NULL;

	if (!cs)
		return;
	while (cs->table && (c = call_table_next_live(cs->table, c)))
		dialog_free(dialog_of(c));
	call_walk_free(cs->round);
	call_table_free(cs->table);
	call_wait_free(cs->wait);
	rate_free(cs->call_rate);
	rate_free(cs->ice_rate);
	identity_free(cs->identity);
	json_out_free(&cs->out);
	free(cs);
}

int calls_fresh_id(struct calls *cs, char out[TURN_CALL_ID_LEN + 1])
{
	int rc =
		cs->ops.new_call_id ? cs->ops.new_call_id(out, cs->ops.ctx) : turn_call_id_new(out);

	if (rc < 0)
		return -EIO;
	return call_table_find(cs->table, out) ? -EIO : 0;
}

static void enter(struct calls *cs)
{
	cs->depth++;
}

static void forget(struct calls *cs, struct call_socket *s, struct call_time now)
{
	flow_leave(cs, s, now);
	call_wait_drop(cs->wait, s);
	if (cs->ops.forget)
		cs->ops.forget(s, cs->ops.ctx);
	call_socket_free(s);
}

/* Connections that went while we were telling them something are taken out
 * only now, so that nobody's list changed under a walk; events whose answers
 * came meanwhile go on only now. */
static void leave(struct calls *cs, struct call_time now)
{
	struct call_socket *s;

	while (cs->depth == 1) {
		s = identity_first_muted(cs->identity);
		if (s)
			forget(cs, s, now);
		else if (!later_go_on(cs, now))
			break;
	}
	cs->depth--;
}

int calls_socket_opened(struct calls *cs, void *handle, const char *address,
			struct call_socket **out)
{
	int rc = call_socket_new(cs->identity, handle, address, out);

	if (rc < 0)
		count(cs, rc == -ENOSPC ? CALLS_N_REFUSED_SOCKETS : CALLS_N_REFUSED_MEMORY);
	return rc;
}

void calls_socket_closed(struct calls *cs, struct call_socket *s, struct call_time now)
{
	enter(cs);
	call_socket_mute(s);
	leave(cs, now);
}

int calls_connect(struct calls *cs, struct call_socket *s, struct json_slice token,
		  struct call_time now)
{
	int rc;

	enter(cs);
	rc = proof_connect(cs, s, token, now);
	leave(cs, now);
	return rc;
}

bool calls_event(struct calls *cs, struct call_socket *s, const char *event,
		 const struct json_slice *args, size_t args_n, int64_t ack, struct call_time now)
{
	const struct incoming in = {
		.s = s, .event = event, .args = args, .args_n = args_n, .ack = ack, .now = now
	};
	const struct event_row *row = calls_find_event(event);

	if (!row)
		return false;
	enter(cs);
	later_event(cs, row, &in);
	leave(cs, now);
	return true;
}

void calls_resume(struct calls *cs, struct call_socket *s, struct call_time now)
{
	call_wait_set_due(cs->wait, s);
	enter(cs);
	leave(cs, now);
}

/* Looks after the next calls of the round. True: all were looked at. */
static bool look_at_some(struct calls *cs, struct call_time now)
{
	int looks, moves = 0;

	for (looks = 0; looks < TICK_LOOKS && moves < TICK_MOVES; looks++) {
		struct call *c = call_walk_next_live(cs->round);

		if (!c)
			return true;
		moves += flow_tick(cs, c, now);
	}
	return false;
}

bool calls_tick(struct calls *cs, struct call_time now)
{
	enter(cs);
	proof_tick(cs, now);
	if (!cs->in_round)
		call_walk_again(cs->round);
	cs->in_round = !look_at_some(cs, now);
	leave(cs, now);
	return cs->in_round;
}

/* --- what others want ------------------------------------------------------ */

int calls_end(struct calls *cs, const char *id, enum call_ev ev, const char *why,
	      struct call_time now)
{
	struct call *c = call_table_find(cs->table, id);

	if (!c)
		return -ENOENT;
	enter(cs);
	log_info("calls", "call %s ends: %s", id, why ? why : "no reason given");
	flow_end(cs, c, ev, (struct ender){ 0 }, NULL, now);
	leave(cs, now);
	return 0;
}

/* His calls of two are over for the other one as well; others go on without him. */
static void end_calls_of(struct calls *cs, const char *user, struct call_time now)
{
	struct call *c;

	while ((c = call_table_next_of_user(cs->table, user, NULL))) {
		const struct speaker sp = { c, (size_t)call_find_member(c, user) };

		if (call_kind(c) == CALL_DIRECT ||
		    (call_kind(c) == CALL_RING_GROUP && call_member_state(c, sp.i) == MEMBER_IN))
			flow_end(cs, c, CALL_EV_SERVER, (struct ender){ 0 }, NULL, now);
		else
			flow_withdraw(cs, &sp, OUT_GONE, NULL, NULL, now);
	}
}

size_t calls_kick_user(struct calls *cs, const char *user, const char *why, struct call_time now)
{
	const struct user *u;
	struct call_socket *s = NULL;
	size_t n = 0;

	enter(cs);
	log_info("calls", "user %s is sent away: %s", user, why ? why : "no reason given");
	end_calls_of(cs, user, now);
	u = identity_find(cs->identity, user);
	while (u && (s = user_next_socket(u, s))) {
		n++;
		if (call_socket_handle(s) && cs->ops.kick)
			cs->ops.kick(call_socket_handle(s), false, cs->ops.ctx);
	}
	leave(cs, now);
	return n;
}

int calls_tell_ice_servers(struct calls *cs, const char *id, struct call_time now)
{
	struct call *c = call_table_find(cs->table, id);

	if (!c)
		return -ENOENT;
	enter(cs);
	for (size_t i = 0; i < call_members_n(c); i++)
		if (call_member_state(c, i) == MEMBER_IN && tell_write_ice_servers(cs, c, i, now))
			flow_pass_to(cs, c, i, NULL, "ice:servers");
	leave(cs, now);
	return 0;
}

const struct call_table *calls_table(const struct calls *cs)
{
	return cs->table;
}

const struct identity *calls_users(const struct calls *cs)
{
	return cs->identity;
}

const struct call_socket *calls_leg(const struct call *c, size_t member)
{
	const struct dialog *d = call_data(c);

	return d ? d->legs[member].socket : NULL;
}

size_t calls_held_bytes(const struct calls *cs)
{
	return cs->budget.bytes;
}

uint64_t calls_counter(const struct calls *cs, enum calls_counter which)
{
	return cs->counters[which];
}

const char *calls_counter_name(enum calls_counter which)
{
	return counter_names[which];
}
