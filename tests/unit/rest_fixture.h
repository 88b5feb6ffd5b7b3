/* rest_fixture.h - the admin's REST routes over a crowd of calls, each with two allocations */
#ifndef TESTS_UNIT_REST_FIXTURE_H
#define TESTS_UNIT_REST_FIXTURE_H

#include <stdio.h>

#include "admin_fixture.h"
#include "admin/rest.h"
#include "admin/rights.h"
#include "calls/call_events.h"
#include "calls/call_table.h"
#include "http_fixture.h"
#include "relay/usage.h"

#define REST_TOKEN "0123456789abcdef"
#define REST_GET_STATS                                                                             \
	"GET /api/admin/calls/stats HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: "                \
	"Bearer " REST_TOKEN "\r\n\r\n"

static struct {
	struct calls *calls;
	struct usage *usage;
	struct admin_tokens *tokens;
	struct site_key site_key;
	struct rest rest;
} crowd;

static struct call_time crowd_now(void)
{
	return (struct call_time){ .now_ms = loop_now_ms(), .wall_ms = 1769860800123 };
}

static bool crowd_connected(void *ctx)
{
	(void)ctx;
	return true;
}

static struct call_table *crowd_table(void)
{
	return (struct call_table *)calls_table(crowd.calls); /* calls themselves are not asked */
}

/* A live allocation of a user, in the name of a call unless that is "". */
static void crowd_allocation(unsigned id, const char *user, const char *call)
{
	struct relay_event ev = { .type = RELAY_NEW };

	snprintf(ev.alloc.id, sizeof(ev.alloc.id), "%018u", id);
	snprintf(ev.alloc.name, sizeof(ev.alloc.name), "1900000000:%s%s%s", user, *call ? ":" : "",
		 call);
	strcpy(ev.alloc.transport, "udp");
	strcpy(ev.alloc.relay_transport, "udp");
	strcpy(ev.alloc.client, "192.0.2.1:50000");
	snprintf(ev.alloc.relayed, sizeof(ev.alloc.relayed), "198.51.100.%u:%u", id % 250,
		 10000 + id % 50000);
	ev.totals.peer_sent_bytes = id * 1000ULL;
	FIXTURE_MUST(usage_event(crowd.usage, &ev, loop_now_ms()) == 0);
}

static void crowd_add_call(unsigned i)
{
	struct user_id a = { .number = false }, b = { .number = false };
	char id[TURN_CALL_ID_LEN + 1], room[32];
	const struct call_spec spec = { .call_id = id,
					.room_name = room,
					.type = CALL_VIDEO,
					.caller = &a,
					.invited = &b,
					.invited_n = 1 };
	struct call *call;

	snprintf(a.text, sizeof(a.text), "caller%u", i);
	snprintf(b.text, sizeof(b.text), "callee%u", i);
	snprintf(id, sizeof(id), "%022u", i);
	snprintf(room, sizeof(room), "room-%u", i);
	FIXTURE_MUST(call_new(&call, &spec, crowd_now()) == 0);
	FIXTURE_MUST(call_table_add(crowd_table(), call) == 0);
	FIXTURE_MUST(usage_call_begin(crowd.usage, id) == 0);
	FIXTURE_MUST(usage_member(crowd.usage, id, a.text, "192.0.2.1") == 0);
	FIXTURE_MUST(usage_member(crowd.usage, id, b.text, "192.0.2.2") == 0);
	crowd_allocation(2 * i, a.text, id);
	crowd_allocation(2 * i + 1, b.text, id);
}

static inline void crowd_end_call(struct call *call)
{
	FIXTURE_MUST(call_apply(call, CALL_EV_CALLER_END, NULL, crowd_now()) == 1);
	call_table_end(crowd_table(), call);
}

/* n calls, numbered from 0. */
static void crowd_start(unsigned n)
{
	static const struct calls_ops ops = { 0 };
	struct http_config config = { 0 };
	struct calls_config cc;

	calls_config_defaults(&cc);
	FIXTURE_MUST(calls_new(&crowd.calls, &cc, &ops) == 0);
	FIXTURE_MUST(usage_new(&crowd.usage, NULL, NULL, NULL) == 0);
	crowd.rest = (struct rest){ .calls = crowd.calls,
				    .usage = crowd.usage,
				    .now = crowd_now,
				    .turn_connected = crowd_connected };
	crowd.tokens = admin_tokens_of(REST_TOKEN "\n");
	FIXTURE_MUST(crowd.tokens);
	FIXTURE_MUST(rights_new(&crowd.rest.rights,
				&(struct rights_config){ .open = true,
							 .admin = crowd.tokens,
							 .site_key = &crowd.site_key,
							 .failures_per_minute = 3 }) == 0);
	for (unsigned i = 0; i < n; i++)
		crowd_add_call(i);
	fixture_start(&config, rest_routes, rest_routes_n, &crowd.rest);
}

static void crowd_stop(void)
{
	fixture_stop();
	rights_free(crowd.rest.rights);
	admin_tokens_free(crowd.tokens);
	usage_free(crowd.usage);
	calls_free(crowd.calls);
}

#endif
