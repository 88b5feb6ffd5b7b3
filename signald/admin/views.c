/* views.c - calls and usage as JSON */
#include "views.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void view_time(char out[VIEW_TIME_LEN + 1], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char day[VIEW_TIME_LEN + 1];
	struct tm tm;

	out[0] = '\0';
	if (ms < 0 || !gmtime_r(&s, &tm) || tm.tm_year > 9999 - 1900 ||
	    !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	snprintf(out, VIEW_TIME_LEN + 1, "%.19s.%03dZ", day, (int)(ms % 1000));
}

void view_health(struct json_out *o, int64_t now_ms, uint64_t uptime_ms, bool turn_connected)
{
	char now[VIEW_TIME_LEN + 1];

	view_time(now, now_ms);
	json_out_open(o, '{');
	json_put_string(o, "status", "ok");
	json_put_string(o, "timestamp", now);
	json_out_key(o, "uptime");
	json_out_double(o, (double)uptime_ms / 1000, 3);
	json_out_key(o, "turn");
	json_out_open(o, '{');
	json_put_bool(o, "connected", turn_connected);
	json_out_close(o, '}');
	json_out_close(o, '}');
}

void view_active_count(struct json_out *o, uint64_t live_n, int64_t now_ms)
{
	json_out_open(o, '{');
	json_put_bool(o, "success", true);
	json_put_u64(o, "activeCallsCount", live_n);
	json_put_i64(o, "timestamp", now_ms);
	json_out_close(o, '}');
}

/* A call's relay ----------------------------------------------------------- */

static void put_bytes(struct json_out *o, const struct relay_totals *t)
{
	json_put_u64(o, "sentBytes", t->peer_sent_bytes);
	json_put_u64(o, "receivedBytes", t->peer_received_bytes);
	json_put_u64(o, "wireBytes", t->wire_bytes);
	json_put_u64(o, "droppedPackets", t->dropped_packets);
	json_put_u64(o, "droppedBytes", t->dropped_bytes);
}

static void put_allocation(struct json_out *o, const struct usage_allocation *a,
			   const struct view_stats *s)
{
	json_out_open(o, '{');
	json_put_string(o, "id", a->id);
	json_put_string(o, "transport", a->transport);
	json_put_string(o, "client", a->client);
	json_put_string(o, "relayed", a->relayed);
	json_put_string(o, "by", attribution_rule_name(a->by));
	put_bytes(o, &a->totals);
	json_put_bool(o, "live", a->live);
	json_put_i64(o, "since", a->since_ms + s->wall_offset_ms);
	json_out_close(o, '}');
}

static void put_allocations(struct json_out *o, struct usage_cursor c, const struct view_stats *s)
{
	struct usage_allocation a;

	json_out_key(o, "allocations");
	json_out_open(o, '[');
	while (usage_next_allocation(&c, &a))
		put_allocation(o, &a, s);
	json_out_close(o, ']');
}

static void out_user(struct json_out *o, const struct view_user *u)
{
	if (u->json.p)
		json_out_raw(o, u->json);
	else
		json_out_string(o, u->id);
}

/* Usage knows ids as text; the call knows how they were spelled. */
static struct view_user spelled(const struct view_call *c, const char *id)
{
	for (size_t i = 0; i < c->participants_n; i++)
		if (strcmp(c->participants[i].id, id) == 0)
			return c->participants[i];
	return (struct view_user){ .id = id };
}

static void put_participants(struct json_out *o, const struct view_call *c,
			     const struct view_stats *s)
{
	struct usage_cursor it = usage_participants(s->usage, c->call_id);
	struct usage_participant p;

	json_out_key(o, "participants");
	json_out_open(o, '[');
	while (usage_next_participant(&it, &p)) {
		struct view_user u = spelled(c, p.user_id);

		json_out_open(o, '{');
		json_out_key(o, "userId");
		out_user(o, &u);
		put_bytes(o, &p.sums.totals);
		put_allocations(o, p.allocations, s);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

static void put_call_relay(struct json_out *o, const struct view_call *c,
			   const struct view_stats *s)
{
	struct usage_sums sums;

	usage_call_sums(s->usage, c->call_id, &sums);
	json_out_key(o, "relay");
	json_out_open(o, '{');
	json_put_u64(o, "allocations", sums.allocations);
	json_put_u64(o, "liveAllocations", sums.live);
	put_bytes(o, &sums.totals);
	json_put_u64(o, "sentPackets", sums.totals.peer_sent_packets);
	json_put_u64(o, "receivedPackets", sums.totals.peer_received_packets);
	json_put_bool(o, "exact", sums.exact);
	put_participants(o, c, s);
	json_out_close(o, '}');
}

/* Calls --------------------------------------------------------------------- */

static void put_time(struct json_out *o, const char *key, int64_t ms)
{
	if (ms)
		json_put_i64(o, key, ms);
}

static void put_call(struct json_out *o, const struct view_call *c, const struct view_stats *s)
{
	json_out_open(o, '{');
	json_put_string(o, "roomName", c->room_name);
	json_put_string(o, "callId", c->call_id);
	json_out_key(o, "participants");
	json_out_open(o, '[');
	for (size_t i = 0; i < c->participants_n; i++)
		out_user(o, &c->participants[i]);
	json_out_close(o, ']');
	json_put_string(o, "callType", c->call_type);
	json_put_string(o, "state", c->state);
	put_time(o, "startTime", c->start_ms);
	put_time(o, "answerTime", c->answer_ms);
	put_time(o, "endTime", c->end_ms);
	json_put_string(o, "endReason", c->end_reason);
	json_put_string(o, "endCode", c->end_code);
	if (c->initiator.id) {
		json_out_key(o, "initiator");
		out_user(o, &c->initiator);
	}
	if (c->group.id) {
		json_out_key(o, "groupId");
		out_user(o, &c->group);
	}
	json_put_u64(o, "duration", c->duration_ms / 1000);
	put_call_relay(o, c, s);
	json_out_close(o, '}');
}

static void put_ledger(struct json_out *o, const struct ledger_counters *c)
{
	json_out_key(o, "ledger");
	json_out_open(o, '{');
	json_put_u64(o, "written", c->written);
	json_put_u64(o, "duplicates", c->duplicates);
	json_put_u64(o, "corrupt", c->corrupt);
	json_put_u64(o, "bytes", c->bytes);
	json_put_u64(o, "unacknowledged", c->unacknowledged);
	json_put_bool(o, "failing", c->failing);
	json_out_close(o, '}');
}

/* The whole document ------------------------------------------------------------ */

static bool open_document(struct view_stats_doc *d, struct json_out *o)
{
	struct usage_sums sums;

	usage_unlisted_sums(d->s.usage, &sums);
	d->loose = sums.totals;
	json_out_open(o, '{');
	json_put_bool(o, "success", true);
	json_out_key(o, "stats");
	json_out_open(o, '{');
	json_put_u64(o, "totalCalls", d->s.live_n);
	json_out_key(o, "calls");
	json_out_open(o, '[');
	return false;
}

static bool put_next_call(struct view_stats_doc *d, struct json_out *o, view_next_call next)
{
	struct view_call c;

	if (!next(d->s.ctx, &c))
		return false;
	put_call(o, &c, &d->s);
	return true;
}

static bool put_live(struct view_stats_doc *d, struct json_out *o)
{
	if (put_next_call(d, o, d->s.next_live))
		return true;
	json_out_close(o, ']');
	json_out_key(o, "endedCalls");
	json_out_open(o, '[');
	return false;
}

static bool put_ended(struct view_stats_doc *d, struct json_out *o)
{
	if (put_next_call(d, o, d->s.next_ended))
		return true;
	json_out_close(o, ']');
	json_out_key(o, "relay");
	json_out_open(o, '{');
	json_put_bool(o, "connected", d->s.connected);
	json_put_u64(o, "liveAllocations", usage_live(d->s.usage));
	json_out_key(o, "unattributed");
	json_out_open(o, '{');
	json_out_key(o, "allocations");
	json_out_open(o, '[');
	return false;
}

static bool put_loose(struct view_stats_doc *d, struct json_out *o)
{
	struct usage_allocation a;

	if (d->s.loose && usage_walk_next(d->s.loose, &a)) {
		put_allocation(o, &a, &d->s);
		relay_totals_add(&d->loose, &a.totals);
		return true;
	}
	json_out_close(o, ']');
	put_bytes(o, &d->loose);
	json_out_close(o, '}');
	return false;
}

static bool close_document(struct view_stats_doc *d, struct json_out *o)
{
	if (d->s.ledger)
		put_ledger(o, d->s.ledger);
	json_out_close(o, '}');
	json_out_close(o, '}');
	json_put_i64(o, "timestamp", d->s.now_ms);
	json_out_close(o, '}');
	return false;
}

/* True: there is more of the same part. */
static bool (*const parts[])(struct view_stats_doc *d, struct json_out *o) = {
	open_document, put_live, put_ended, put_loose, close_document,
};
#define PARTS_N (sizeof(parts) / sizeof(parts[0]))

bool view_stats_more(struct view_stats_doc *d, struct json_out *o, size_t bytes)
{
	while (d->part < PARTS_N && o->n < bytes && !o->failed)
		if (!parts[d->part](d, o))
			d->part++;
	return d->part < PARTS_N;
}
