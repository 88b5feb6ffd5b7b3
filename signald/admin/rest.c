/* rest.c - one handler an endpoint; the shapes are in views.c */
#include "rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/rest_credentials.h"
#include "admin/rights.h"
#include "admin/views.h"
#include "calls/call_events.h"
#include "calls/call_table.h"

#define SMALL_MAX 1024	 /* every answer but the stats */
#define PIECE_BYTES 6000 /* of the stats, written in one turn of the loop: a few calls */
#define PIECE_MAX (64 * 1024 * 1024) /* a call of very many allocations is one piece */

static void reply(struct http_request *r, const struct json_out *o)
{
	if (o->failed)
		http_reply_error(r, 500, "Internal Server Error");
	else
		http_reply_json(r, 200, o->p, o->n);
}

/* --- health and counts --------------------------------------------------- */

static void get_health(struct http_request *r, void *ctx)
{
	const struct rest *rest = ctx;
	struct call_time t = rest->now();
	struct json_out o;
	char buf[SMALL_MAX];

	json_out_fixed(&o, buf, sizeof(buf));
	view_health(&o, t.wall_ms, t.now_ms - rest->start_ms, rest->turn_connected(rest->ctx));
	reply(r, &o);
}

static void get_active_count(struct http_request *r, void *ctx)
{
	const struct rest *rest = ctx;
	struct json_out o;
	char buf[SMALL_MAX];

	json_out_fixed(&o, buf, sizeof(buf));
	view_active_count(&o, call_table_live_n(calls_table(rest->calls)), rest->now().wall_ms);
	reply(r, &o);
}

/* --- admin --------------------------------------------------------------- */

/* A document under way: it goes out in pieces, each written when the one before is sent. */
struct stats {
	struct rest *rest;
	struct call_walk *calls;
	struct usage_walk *loose;
	uint64_t now_ms;			    /* to which durations are counted */
	struct view_user members[CALL_MEMBERS_MAX]; /* who took part */
	size_t members_n;
	struct view_stats_doc doc;
	struct json_out piece;
	size_t sent; /* of it */
};

static struct view_user view_user_of(const struct user_id *id)
{
	struct view_user u = { .id = id->text };

	if (id->number)
		u.json = (struct json_slice){ id->text, strlen(id->text) };
	return u;
}

static bool show(struct stats *st, const struct call *c, struct view_call *out)
{
	if (!c)
		return false;
	st->members_n = 0;
	for (size_t i = 0; i < call_members_n(c); i++)
		if (call_kind(c) == CALL_DIRECT || call_member_was_in(c, i))
			st->members[st->members_n++] = view_user_of(call_member(c, i));
	*out = (struct view_call){
		.call_id = call_id(c),
		.room_name = call_room_name(c),
		.call_type = call_type_name(call_type(c)),
		.state = call_state_name(call_state(c)),
		.initiator = st->members[CALL_CALLER],
		.group = call_group(c) ? view_user_of(call_group(c)) : (struct view_user){ 0 },
		.participants = st->members,
		.participants_n = st->members_n,
		.start_ms = call_start_wall_ms(c),
		.answer_ms = call_answer_wall_ms(c),
		.end_ms = call_end_wall_ms(c),
		.duration_ms = call_duration_ms(c, st->now_ms),
		.end_reason = call_reason(c),
		.end_code = call_code_name(call_code(c)),
	};
	return true;
}

static bool next_live(void *ctx, struct view_call *out)
{
	struct stats *st = ctx;

	return show(st, call_walk_next_live(st->calls), out);
}

static bool next_ended(void *ctx, struct view_call *out)
{
	struct stats *st = ctx;

	return show(st, call_walk_next_ended(st->calls), out);
}

static void stats_done(void *ctx)
{
	struct stats *st = ctx;

	st->rest->stats_n--;
	call_walk_free(st->calls);
	usage_walk_free(st->loose);
	json_out_free(&st->piece);
	free(st);
}

static int stats_new(struct stats **out, struct rest *rest)
{
	struct call_time t = rest->now();
	struct stats *st = calloc(1, sizeof(*st));
	const struct call_table *table = calls_table(rest->calls);
	int r;

	if (!st)
		return -ENOMEM;
	st->rest = rest;
	rest->stats_n++;
	st->now_ms = t.now_ms;
	json_out_heap(&st->piece, PIECE_MAX);
	st->doc.s = (struct view_stats){
		.next_live = next_live,
		.next_ended = next_ended,
		.ctx = st,
		.live_n = call_table_live_n(table),
		.usage = rest->usage,
		.ledger = rest->ledger ? ledger_counters(rest->ledger) : NULL,
		.connected = rest->turn_connected(rest->ctx),
		.now_ms = t.wall_ms,
		.wall_offset_ms = t.wall_ms - (int64_t)t.now_ms,
	};
	r = call_walk_new(&st->calls, table);
	if (!r)
		r = usage_walk_new(&st->loose, rest->usage);
	if (r) {
		stats_done(st);
		return r;
	}
	st->doc.s.loose = st->loose;
	*out = st;
	return 0;
}

static ssize_t stats_read(void *ctx, uint64_t pos, char *buf, size_t size)
{
	struct stats *st = ctx;
	size_t n;

	(void)pos;
	if (st->sent == st->piece.n) {
		st->sent = st->piece.n = 0;
		/* The turn that had the question does no more than begin. */
		view_stats_more(&st->doc, &st->piece, st->doc.part ? PIECE_BYTES : 1);
	}
	if (st->piece.failed)
		return -1;
	n = st->piece.n - st->sent;
	if (n > size)
		n = size;
	memcpy(buf, st->piece.p + st->sent, n);
	st->sent += n;
	return (ssize_t)n;
}

/* False: that was the answer. */
static bool is_admin(struct http_request *r, struct rest *rest)
{
	struct rights_asker asker = rest_asker(r, rest);
	enum right right = rights_admin(rest->rights, &asker);

	if (right == RIGHT_LIMITED)
		rest_reply_limited(r, rights_wait_s(rest->rights, &asker));
	else if (right != RIGHT_FULL)
		rest_reply_unauthorized(r);
	return right == RIGHT_FULL;
}

static void get_stats(struct http_request *r, void *ctx)
{
	struct rest *rest = ctx;
	struct stats *st;

	if (!is_admin(r, rest))
		return;
	if (rest->stats_n == REST_STATS_MAX) {
		http_reply_busy(r, 1);
		return;
	}
	if (stats_new(&st, rest)) {
		http_reply_error(r, 500, "Internal Server Error");
		return;
	}
	http_reply_stream(r, 200, "application/json; charset=utf-8", HTTP_LENGTH_UNKNOWN,
			  &(struct http_stream){ stats_read, stats_done, st });
	http_reply_header(r, "Cache-Control", "no-store");
}

const struct http_route rest_routes[] = {
	{ HTTP_GET, "/api/health", get_health },
	{ HTTP_GET, "/api/ice-servers/:", rest_get_ice_servers },
	{ HTTP_POST, "/api/turn-credentials", rest_post_turn_credentials },
	{ HTTP_GET, "/api/calls/active-count", get_active_count },
	{ HTTP_GET, "/api/admin/calls/stats", get_stats },
};
const size_t rest_routes_n = sizeof(rest_routes) / sizeof(rest_routes[0]);
