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
	struct view_user group; /* id NULL: none */
	int64_t start_ms, answer_ms, end_ms;
	uint64_t duration_ms;	/* by the monotonic clock: the times above may jump */
	const char *end_reason; /* text for people; NULL: none */
	const char *end_code;	/* "completed" ...; NULL: none */
};

/* Yields the calls one after another; false at the end. */
typedef bool (*view_next_call)(void *ctx, struct view_call *out);

struct view_stats {
	view_next_call next_live, next_ended; /* the ended ones come after the live ones */
	void *ctx;			      /* for both */
	uint64_t live_n;		      /* totalCalls */
	const struct usage *usage;
	struct usage_walk *loose;	      /* allocations without a call; NULL: none */
	const struct ledger_counters *ledger; /* NULL: there is none */
	bool connected;			      /* feed_connected() */
	int64_t now_ms;			      /* since 1970 */
	int64_t wall_offset_ms;		      /* ms since 1970 minus usage's clock, now */
};

/* GET /api/admin/calls/stats, piece by piece: calls may come and go between two pieces, the
 * iterators see to that. Begin with all but s zero. */
struct view_stats_doc {
	struct view_stats s;
	size_t part;
	struct relay_totals loose; /* of those without a call, so far */
};

/* Append to o until it holds at least this many bytes, or the document is whole. A piece ends with
 * a call or an allocation; between two of them o->n may be set to 0. False: it is whole. */
bool view_stats_more(struct view_stats_doc *d, struct json_out *o, size_t bytes);

/* GET /api/health */
void view_health(struct json_out *o, int64_t now_ms, uint64_t uptime_ms, bool turn_connected);

/* GET /api/calls/active-count */
void view_active_count(struct json_out *o, uint64_t live_n, int64_t now_ms);

/* "2026-01-31T12:00:00.123Z" */
#define VIEW_TIME_LEN 24
void view_time(char out[VIEW_TIME_LEN + 1], int64_t ms);

#endif
