/* counters.h - what the layers refused, as one line in the log when it changed
 *
 * What a client can provoke at will is logged at debug level and counted; this
 * is where an operator sees those counts. Loop thread only. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdint.h>

#define COUNTERS_EVERY_MS 60000

struct admission_counters;
struct auth_counters;
struct backend_counters;
struct bridge_counters;
struct call_keeper_counters;
struct calls;
struct control_counters;
struct control_socket_counters;
struct counters;
struct demo_counters;
struct eio_counters;
struct entry_counters;
struct feed_counters;
struct http_client_counters;
struct http_counters;
struct lane_counters;
struct ledger_counters;
struct listener_counters;
struct lost_relays_counters;
struct outq_budget;
struct rights_counters;
struct revoke_list_counters;
struct sio_counters;
struct state_file_counters;
struct tls_counters;
struct usage_counters;
struct ws_counters;

/* Loans for the life of struct counters; NULL: there is no such layer. */
struct counters_sources {
	const struct listener_counters *listener;
	const struct lane_counters *lane;
	const struct entry_counters *entry;
	const struct admission_counters *admission;
	const struct tls_counters *tls;
	const struct bridge_counters *bridges;
	const struct http_counters *http;
	const struct ws_counters *ws;
	const struct outq_budget *queues;
	const struct eio_counters *eio;
	const struct sio_counters *sio;
	const struct calls *calls;
	const struct rights_counters *rights;
	const struct auth_counters *auth;
	const struct usage_counters *usage;
	const struct feed_counters *feed;
	const struct revoke_list_counters *revoke_list;
	const struct lost_relays_counters *lost_relays;
	const struct ledger_counters *ledger;
	const struct call_keeper_counters *keeper;
	const struct state_file_counters *keeper_file;
	const struct backend_counters *backend;
	const struct http_client_counters *backend_http;
	const struct demo_counters *demo;
	const struct control_counters *control;
	const struct control_socket_counters *control_socket;
};

/* What has been counted until now is known. Returns 0 and the caller's *out, -ENOMEM. */
int counters_new(struct counters **out, const struct counters_sources *sources);
void counters_free(struct counters *c); /* NULL is fine */

/* Log what was added since the last line ("calls.malformed +3, ..."), at most
 * once in COUNTERS_EVERY_MS, and nothing when there is nothing. To be called
 * often; now_ms is monotonic. */
void counters_tick(struct counters *c, uint64_t now_ms);

/* All that is left to say, whatever the time is: the last words before the end. */
void counters_say(struct counters *c);

#endif
