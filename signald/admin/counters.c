/* counters.c - the table of counters worth a line, and the last value seen of each */
#include "counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/rights.h"
#include "auth/auth.h"
#include "backend/backend.h"
#include "backend/http_client.h"
#include "call_keeper.h"
#include "calls/call_events.h"
#include "control/control_socket.h"
#include "demo_page.h"
#include "engineio/eio_server.h"
#include "log.h"
#include "relay/feed.h"
#include "relay/ledger.h"
#include "relay/lost_relays.h"
#include "relay/revoke_list.h"
#include "relay/usage.h"
#include "socketio/sio_server.h"
#include "state_file.h"
#include "transport/admission.h"
#include "transport/bridge.h"
#include "transport/entry.h"
#include "transport/http_server.h"
#include "transport/lane.h"
#include "transport/listener.h"
#include "transport/outq.h"
#include "transport/tls_context.h"
#include "transport/ws_conn.h"

#define LINE_MAX_BYTES 960 /* a log message has 1024 */

enum layer {
	LAYER_LISTENER,
	LAYER_LANE,
	LAYER_ENTRY,
	LAYER_ADMISSION,
	LAYER_TLS,
	LAYER_BRIDGES,
	LAYER_HTTP,
	LAYER_WS,
	LAYER_QUEUES,
	LAYER_EIO,
	LAYER_SIO,
	LAYER_RIGHTS,
	LAYER_AUTH,
	LAYER_USAGE,
	LAYER_FEED,
	LAYER_REVOKE,
	LAYER_LOST,
	LAYER_LEDGER,
	LAYER_KEEPER,
	LAYER_KEEPER_FILE,
	LAYER_BACKEND,
	LAYER_BACKEND_HTTP,
	LAYER_DEMO,
	LAYER_CONTROL,
	LAYER_CONTROL_SOCKET,
	LAYERS_N
};

static const char *const layer_names[LAYERS_N] = {
	[LAYER_LISTENER] = "listener",
	[LAYER_LANE] = "lane",
	[LAYER_ENTRY] = "entry",
	[LAYER_ADMISSION] = "admission",
	[LAYER_TLS] = "tls",
	[LAYER_BRIDGES] = "bridges",
	[LAYER_WS] = "ws",
	[LAYER_QUEUES] = "queues",
	[LAYER_HTTP] = "http",
	[LAYER_EIO] = "eio",
	[LAYER_SIO] = "sio",
	[LAYER_RIGHTS] = "rights",
	[LAYER_AUTH] = "auth",
	[LAYER_USAGE] = "usage",
	[LAYER_FEED] = "feed",
	[LAYER_REVOKE] = "relay",
	[LAYER_LOST] = "relay",
	[LAYER_LEDGER] = "ledger",
	[LAYER_KEEPER] = "keeper",
	[LAYER_KEEPER_FILE] = "keeper",
	[LAYER_BACKEND] = "backend",
	[LAYER_BACKEND_HTTP] = "backend",
	[LAYER_DEMO] = "demo",
	[LAYER_CONTROL] = "control",
	[LAYER_CONTROL_SOCKET] = "control",
};

#define NAMED_ROW(layer, name, type, member)                                                       \
	{                                                                                          \
		layer, name, offsetof(struct type, member)                                         \
	}
#define ROW(layer, type, member) NAMED_ROW(layer, #member, type, member)

/* Tokens that were refused, by reason: token_fault_name(). */
#define AUTH_ROW(name, fault) NAMED_ROW(LAYER_AUTH, name, auth_counters, refused[fault])

/* Refusals and losses; what is the ordinary course of things is not here. */
static const struct row {
	enum layer layer;
	const char *name;
	size_t offset; /* of a uint64_t */
} rows[] = {
	ROW(LAYER_LISTENER, listener_counters, paused),
	ROW(LAYER_LANE, lane_counters, yields),
	ROW(LAYER_ENTRY, entry_counters, no_room),
	ROW(LAYER_ENTRY, entry_counters, not_admitted),
	ROW(LAYER_ENTRY, entry_counters, late),
	ROW(LAYER_ENTRY, entry_counters, bad_proxy_headers),
	ROW(LAYER_ENTRY, entry_counters, strangers),
	ROW(LAYER_ENTRY, entry_counters, tls_failed),
	ROW(LAYER_ENTRY, entry_counters, tls_waited),
	ROW(LAYER_ADMISSION, admission_counters, connections_refused),
	ROW(LAYER_ADMISSION, admission_counters, address_connections_refused),
	ROW(LAYER_ADMISSION, admission_counters, address_sessions_refused),
	ROW(LAYER_ADMISSION, admission_counters, handshakes_refused),
	ROW(LAYER_ADMISSION, admission_counters, address_handshakes_refused),
	ROW(LAYER_ADMISSION, admission_counters, addresses_refused),
	ROW(LAYER_TLS, tls_counters, reloads_refused),
	ROW(LAYER_BRIDGES, bridge_counters, refused),
	ROW(LAYER_BRIDGES, bridge_counters, slow),
	ROW(LAYER_WS, ws_counters, failed),
	ROW(LAYER_WS, ws_counters, slow),
	ROW(LAYER_WS, ws_counters, crowded_out),
	ROW(LAYER_WS, ws_counters, no_close),
	NAMED_ROW(LAYER_QUEUES, "volatile_refused", outq_budget, refused[OUTQ_VOLATILE]),
	NAMED_ROW(LAYER_QUEUES, "must_refused", outq_budget, refused[OUTQ_MUST]),
	ROW(LAYER_HTTP, http_counters, bad_requests),
	ROW(LAYER_HTTP, http_counters, origins_refused),
	ROW(LAYER_HTTP, http_counters, bodies_refused),
	ROW(LAYER_HTTP, http_counters, websockets_refused),
	ROW(LAYER_HTTP, http_counters, connections_refused),
	ROW(LAYER_HTTP, http_counters, slow),
	ROW(LAYER_HTTP, http_counters, crowded_out),
	ROW(LAYER_HTTP, http_counters, forwarded_garbage),
	ROW(LAYER_HTTP, http_counters, forwarded_refused),
	ROW(LAYER_HTTP, http_counters, busy),
	ROW(LAYER_HTTP, http_counters, out_of_memory),
	ROW(LAYER_EIO, eio_counters, upgrade_failures),
	ROW(LAYER_EIO, eio_counters, parse_errors),
	ROW(LAYER_EIO, eio_counters, sessions_refused),
	ROW(LAYER_EIO, eio_counters, admission_refused),
	ROW(LAYER_EIO, eio_counters, forbidden),
	ROW(LAYER_EIO, eio_counters, queue_closed),
	ROW(LAYER_EIO, eio_counters, volatile_dropped),
	ROW(LAYER_EIO, eio_counters, out_of_memory),
	ROW(LAYER_SIO, sio_counters, parse_errors),
	ROW(LAYER_SIO, sio_counters, unknown_events),
	ROW(LAYER_SIO, sio_counters, unknown_acks),
	ROW(LAYER_SIO, sio_counters, connects_refused),
	ROW(LAYER_SIO, sio_counters, connect_timeouts),
	ROW(LAYER_SIO, sio_counters, laters_refused),
	ROW(LAYER_SIO, sio_counters, laters_expired),
	ROW(LAYER_SIO, sio_counters, namespaces_refused),
	ROW(LAYER_SIO, sio_counters, unjoined_refused),
	ROW(LAYER_SIO, sio_counters, rooms_refused),
	ROW(LAYER_SIO, sio_counters, acks_refused),
	ROW(LAYER_SIO, sio_counters, acks_expired),
	ROW(LAYER_SIO, sio_counters, attachments_refused),
	ROW(LAYER_SIO, sio_counters, partials_refused),
	ROW(LAYER_SIO, sio_counters, partials_expired),
	ROW(LAYER_SIO, sio_counters, names_refused),
	ROW(LAYER_SIO, sio_counters, json_refused),
	ROW(LAYER_SIO, sio_counters, rate_limited),
	ROW(LAYER_SIO, sio_counters, out_of_memory),
	ROW(LAYER_RIGHTS, rights_counters, admin_failures),
	ROW(LAYER_RIGHTS, rights_counters, token_failures),
	ROW(LAYER_RIGHTS, rights_counters, failures_limited),
	ROW(LAYER_RIGHTS, rights_counters, site_refused),
	ROW(LAYER_RIGHTS, rights_counters, site_limited),
	ROW(LAYER_RIGHTS, rights_counters, credentials_limited),
	ROW(LAYER_RIGHTS, rights_counters, foreign),
	AUTH_ROW("malformed", TOKEN_MALFORMED),
	AUTH_ROW("alg", TOKEN_ALG),
	AUTH_ROW("key", TOKEN_KEY),
	AUTH_ROW("extended", TOKEN_EXTENDED),
	AUTH_ROW("signature", TOKEN_SIGNATURE),
	AUTH_ROW("expired", TOKEN_EXPIRED),
	AUTH_ROW("early", TOKEN_EARLY),
	AUTH_ROW("issuer", TOKEN_ISSUER),
	AUTH_ROW("claims", TOKEN_CLAIMS),
	AUTH_ROW("no_memory", TOKEN_NO_MEMORY),
	ROW(LAYER_USAGE, usage_counters, allocations_refused),
	ROW(LAYER_USAGE, usage_counters, calls_refused),
	ROW(LAYER_USAGE, usage_counters, participants_refused),
	ROW(LAYER_USAGE, usage_counters, candidates_refused),
	ROW(LAYER_USAGE, usage_counters, candidates_malformed),
	ROW(LAYER_USAGE, usage_counters, addresses_malformed),
	ROW(LAYER_USAGE, usage_counters, unknown),
	ROW(LAYER_USAGE, usage_counters, vanished),
	ROW(LAYER_FEED, feed_counters, malformed),
	ROW(LAYER_FEED, feed_counters, overlong),
	ROW(LAYER_FEED, feed_counters, other_major),
	ROW(LAYER_FEED, feed_counters, samples_skipped),
	ROW(LAYER_FEED, feed_counters, commands_refused),
	ROW(LAYER_FEED, feed_counters, commands_dropped),
	ROW(LAYER_REVOKE, revoke_list_counters, revocations_refused),
	ROW(LAYER_REVOKE, revoke_list_counters, revocations_dropped),
	ROW(LAYER_FEED, feed_counters, paused),
	ROW(LAYER_FEED, feed_counters, ledger_refused),
	ROW(LAYER_LOST, lost_relays_counters, calls_lost_relay),
	ROW(LAYER_LOST, lost_relays_counters, calls_recovered),
	ROW(LAYER_LOST, lost_relays_counters, calls_given_up),
	ROW(LAYER_LOST, lost_relays_counters, calls_unwatched),
	ROW(LAYER_LEDGER, ledger_counters, duplicates),
	ROW(LAYER_LEDGER, ledger_counters, refused),
	ROW(LAYER_LEDGER, ledger_counters, io_errors),
	ROW(LAYER_LEDGER, ledger_counters, corrupt),
	ROW(LAYER_LEDGER, ledger_counters, torn),
	ROW(LAYER_LEDGER, ledger_counters, expired),
	ROW(LAYER_KEEPER, call_keeper_counters, trimmed),
	ROW(LAYER_KEEPER, call_keeper_counters, not_saved),
	ROW(LAYER_KEEPER, call_keeper_counters, postponed),
	ROW(LAYER_KEEPER_FILE, state_file_counters, refused),
	ROW(LAYER_KEEPER_FILE, state_file_counters, io_errors),
	ROW(LAYER_KEEPER_FILE, state_file_counters, damaged),
	ROW(LAYER_KEEPER_FILE, state_file_counters, torn),
	ROW(LAYER_BACKEND, backend_counters, bad_tokens),
	ROW(LAYER_BACKEND, backend_counters, failed),
	ROW(LAYER_BACKEND, backend_counters, garbage),
	ROW(LAYER_BACKEND, backend_counters, stale),
	ROW(LAYER_BACKEND, backend_counters, unavailable),
	ROW(LAYER_BACKEND, backend_counters, opened),
	ROW(LAYER_BACKEND, backend_counters, refused),
	ROW(LAYER_BACKEND, backend_counters, evicted),
	ROW(LAYER_BACKEND_HTTP, http_client_counters, overdue),
	ROW(LAYER_BACKEND_HTTP, http_client_counters, oversize),
	ROW(LAYER_BACKEND_HTTP, http_client_counters, timeouts),
	ROW(LAYER_DEMO, demo_counters, users_refused),
	ROW(LAYER_CONTROL, control_counters, malformed),
	ROW(LAYER_CONTROL, control_counters, failed),
	ROW(LAYER_CONTROL_SOCKET, control_socket_counters, turned_away),
	ROW(LAYER_CONTROL_SOCKET, control_socket_counters, closed_slow),
};

#define ROWS_N (sizeof(rows) / sizeof(rows[0]))

/* Calls keep theirs as an array: all but the first two, which count what went well. */
#define CALLS_FIRST CALLS_N_MALFORMED
#define ALL_N (ROWS_N + CALLS_N - CALLS_FIRST)

struct counters {
	const void *base[LAYERS_N];
	const struct calls *calls;
	uint64_t last[ALL_N];
	uint64_t next_ms; /* no line before that */
};

static enum calls_counter calls_row(size_t i)
{
	return (enum calls_counter)(i - ROWS_N + CALLS_FIRST);
}

static uint64_t value_of(const struct counters *c, size_t i)
{
	const char *base;

	if (i >= ROWS_N)
		return c->calls ? calls_counter(c->calls, calls_row(i)) : 0;
	base = c->base[rows[i].layer];
	return base ? *(const uint64_t *)(const void *)(base + rows[i].offset) : 0;
}

int counters_new(struct counters **out, const struct counters_sources *s)
{
	struct counters *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->base[LAYER_LISTENER] = s->listener;
	c->base[LAYER_LANE] = s->lane;
	c->base[LAYER_ENTRY] = s->entry;
	c->base[LAYER_ADMISSION] = s->admission;
	c->base[LAYER_TLS] = s->tls;
	c->base[LAYER_BRIDGES] = s->bridges;
	c->base[LAYER_WS] = s->ws;
	c->base[LAYER_QUEUES] = s->queues;
	c->base[LAYER_HTTP] = s->http;
	c->base[LAYER_EIO] = s->eio;
	c->base[LAYER_SIO] = s->sio;
	c->base[LAYER_RIGHTS] = s->rights;
	c->base[LAYER_AUTH] = s->auth;
	c->base[LAYER_USAGE] = s->usage;
	c->base[LAYER_FEED] = s->feed;
	c->base[LAYER_REVOKE] = s->revoke_list;
	c->base[LAYER_LOST] = s->lost_relays;
	c->base[LAYER_LEDGER] = s->ledger;
	c->base[LAYER_KEEPER] = s->keeper;
	c->base[LAYER_KEEPER_FILE] = s->keeper_file;
	c->base[LAYER_BACKEND] = s->backend;
	c->base[LAYER_BACKEND_HTTP] = s->backend_http;
	c->base[LAYER_DEMO] = s->demo;
	c->base[LAYER_CONTROL] = s->control;
	c->base[LAYER_CONTROL_SOCKET] = s->control_socket;
	c->calls = s->calls;
	for (size_t i = 0; i < ALL_N; i++)
		c->last[i] = value_of(c, i);
	*out = c;
	return 0;
}

void counters_free(struct counters *c)
{
	free(c);
}

/* Add "calls.malformed +3". False: the line is full. */
static bool add(char *line, size_t *n, size_t i, uint64_t more)
{
	const char *layer = i < ROWS_N ? layer_names[rows[i].layer] : "calls";
	const char *name = i < ROWS_N ? rows[i].name : calls_counter_name(calls_row(i));
	int len = snprintf(line + *n, LINE_MAX_BYTES - *n, "%s%s.%s +%" PRIu64, *n ? ", " : "",
			   layer, name, more);

	if (len < 0 || (size_t)len >= LINE_MAX_BYTES - *n) {
		line[*n] = '\0';
		return false;
	}
	*n += (size_t)len;
	return true;
}

/* Whatever does not fit into the line stays for the next one. */
static size_t write_line(struct counters *c, char *line)
{
	size_t n = 0;

	for (size_t i = 0; i < ALL_N; i++) {
		uint64_t now = value_of(c, i);
		/* some begin anew with each connection */
		uint64_t more = now < c->last[i] ? now : now - c->last[i];

		if (more && !add(line, &n, i, more))
			break;
		c->last[i] = now;
	}
	return n;
}

static bool say(struct counters *c)
{
	char line[LINE_MAX_BYTES];

	if (!write_line(c, line))
		return false;
	log_info("counters", "%s", line);
	return true;
}

void counters_tick(struct counters *c, uint64_t now_ms)
{
	if (now_ms >= c->next_ms && say(c))
		c->next_ms = now_ms + COUNTERS_EVERY_MS;
}

void counters_say(struct counters *c)
{
	while (say(c))
		;
}
