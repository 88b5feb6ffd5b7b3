/* service_side.c - see service_side.h */
#include "service_side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls/call_events.h"
#include "calls/call_table.h"
#include "calls/signing.h"
#include "config.h"
#include "engineio/eio_server.h"
#include "front.h"
#include "log.h"
#include "loop.h"
#include "relay_side.h"
#include "secret_files.h"
#include "service_manager.h"
#include "situation.h"

struct service_side {
	struct service_side_config cfg;
	struct service_manager *manager;
	bool stopping;
	uint64_t relay_ms, signs_ms;   /* when turnserver was there, and a secret; or we began */
	char line[SITUATION_LINE_MAX]; /* as it is now */
	char next[SITUATION_LINE_MAX]; /* "": nothing */
	const char *trouble;	       /* of the line; to be compared only */
	char told[SITUATION_LINE_MAX]; /* the line that the service manager has, since told_ms */
	uint64_t told_ms;
};

/* --- facts ------------------------------------------------------------------------- */

static bool turn_loopback(const struct config *c)
{
	for (size_t i = 0; i < c->turn_urls.n; i++)
		if (!situation_is_loopback(c->turn_urls.v[i]))
			return false;
	return true;
}

/* Is this so for so long that it is worth a word? since_ms: when it was not. */
static bool lasts(bool bad, uint64_t *since_ms)
{
	uint64_t now_ms = loop_now_ms();

	if (!bad)
		*since_ms = now_ms;
	return now_ms - *since_ms >= SERVICE_PATIENCE_MS;
}

static bool relay_away(const struct service_side *s)
{
	return s->cfg.config->relay_socket && !relay_side_connected(s->cfg.relay);
}

static bool unsigned_now(const struct service_side *s)
{
	return !signing_secret(secret_files_signing(s->cfg.secrets), time(NULL), NULL);
}

static void look(struct service_side *s, struct situation *out)
{
	struct front_place place;
	struct relay_peer peer;

	front_place(s->cfg.front, &place);
	relay_side_peer(s->cfg.relay, &peer);
	*out = (struct situation){
		.address = place.address,
		.more = place.more,
		.loopback_only = place.loopback_only,
		.turn_loopback = turn_loopback(s->cfg.config),
		.relay_away = lasts(relay_away(s), &s->relay_ms),
		.relay_problem = peer.problem,
		.relay_draining = peer.draining,
		.signs = !lasts(unsigned_now(s), &s->signs_ms),
		.stopping = s->stopping,
		.sessions = eio_server_counters(s->cfg.engine)->sessions,
		.calls = call_table_live_n(calls_table(s->cfg.calls)),
	};
}

/* --- words ------------------------------------------------------------------------- */

/* Returns whether what to do next is another thing than before. A problem may well go and come
 * back: the log has it each time it comes. */
static bool compose(struct service_side *s)
{
	struct situation now;
	const char *next;

	look(s, &now);
	situation_line(s->line, sizeof(s->line), &now);
	next = situation_next(&now);
	s->trouble = situation_trouble(&now);
	if (strcmp(next ? next : "", s->next) == 0)
		return false;
	snprintf(s->next, sizeof(s->next), "%s", next ? next : "");
	if (next)
		log_info("signald", "next: %s", next);
	return true;
}

static void note_told(struct service_side *s)
{
	memcpy(s->told, s->line, sizeof(s->told));
	s->told_ms = loop_now_ms();
}

void service_side_tick(struct service_side *s)
{
	const char *trouble = s->trouble;
	bool at_once = compose(s) || s->stopping || s->trouble != trouble;

	if (strcmp(s->line, s->told) == 0)
		return;
	if (!at_once && loop_now_ms() - s->told_ms < SERVICE_COUNTS_MS)
		return;
	note_told(s);
	service_manager_status(s->manager, s->line);
}

void service_side_ready(struct service_side *s)
{
	if (s->stopping)
		return;
	compose(s);
	note_told(s);
	service_manager_ready(s->manager, s->line);
}

void service_side_reloading(struct service_side *s)
{
	if (!s->stopping)
		service_manager_reloading(s->manager);
}

void service_side_stopping(struct service_side *s, uint64_t within_ms)
{
	s->stopping = true;
	compose(s);
	note_told(s);
	service_manager_stopping(s->manager, s->line, within_ms);
}

const char *service_side_line(const struct service_side *s)
{
	return s->line;
}

const char *service_side_next(const struct service_side *s)
{
	return s->next[0] ? s->next : NULL;
}

/* --- life -------------------------------------------------------------------------- */

int service_side_new(struct service_side **out, const struct service_side_config *cfg)
{
	struct service_side *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	s->relay_ms = s->signs_ms = loop_now_ms();
	if (service_manager_new(&s->manager, cfg->loop)) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void service_side_free(struct service_side *s)
{
	if (!s)
		return;
	service_manager_free(s->manager);
	free(s);
}
