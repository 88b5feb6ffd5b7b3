/* views.h - the JSON that admins and load balancers read
 *
 * Plain structs in, text out: who fills them knows calls and sockets, this file only knows the
 * shapes of PROTOCOL.md. Totals are whole numbers and never pass through a double.
 * Check o->failed afterwards. Pure; loop thread because usage is. */
#ifndef VIEWS_H
#define VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"
#include "relay/ledger.h"
#include "relay/usage.h"

/* A user as a call knows it: its id as text, and as it was first spelled (7 or "7"). */
struct view_user {
	const char *id;
	struct json_slice json; /* NULL slice: the text as a string */
};

/* A call as reported; loans until the next one is asked for. Times: ms since 1970, 0: not yet. */
struct view_call {
	const char *call_id, *room_name, *call_type, *state;
	struct view_user initiator;
	const struct view_user *participants; /* in order of joining */
	size_t participants_n;
	struct json_slice group_id; /* NULL slice: none */
	int64_t start_ms, answer_ms, end_ms;
	uint64_t duration_ms;	/* by the monotonic clock: the times above may jump */
	const char *end_reason; /* NULL: none */
};

/* Yields the calls one after another; false at the end. */
typedef bool (*view_next_call)(void *it, struct view_call *out);

struct view_stats {
	view_next_call next;
	void *live, *ended; /* iterators for next(); NULL: no such calls */
	uint64_t live_n;    /* totalCalls */
	const struct usage *usage;
	const struct ledger_counters *ledger; /* NULL: there is none */
	bool connected;			      /* feed_connected() */
	int64_t now_ms;			      /* since 1970 */
	int64_t wall_offset_ms;		      /* ms since 1970 minus usage's clock, now */
};

/* GET /api/admin/calls/stats */
void view_stats(struct json_out *o, const struct view_stats *s);

/* GET /api/health */
void view_health(struct json_out *o, int64_t now_ms, uint64_t uptime_ms, bool turn_connected);

/* GET /api/calls/active-count */
void view_active_count(struct json_out *o, uint64_t live_n, int64_t now_ms);

/* "2026-01-31T12:00:00.123Z" */
#define VIEW_TIME_LEN 24
void view_time(char out[VIEW_TIME_LEN + 1], int64_t ms);

#endif
