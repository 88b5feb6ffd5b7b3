/* relay_side.c - who hears what between calls, usage, the ledger and turnserver
 *
 *	calls --> usage: a call, its members, their candidates	(which relay is whose)
 *	feed --> usage --> feed: relay events in, kills out	(the relay ends with its call)
 *	calls --> revoke_list --> feed: ids of ended calls	(and stays ended)
 *	feed --> ledger --> feed: ends in, "it is on disk" out	(turnserver may forget them)
 *	feed --> signing: which secrets turnserver has */
#include "relay_side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls/call.h"
#include "calls/signing.h"
#include "log.h"
#include "loop.h"
#include "relay/feed.h"
#include "relay/ledger.h"
#include "relay/revoke_list.h"
#include "relay/usage.h"
#include "turn_credential.h"

struct relay_side {
	struct relay_side_config config;
	struct usage *usage;
	struct revoke_list *revoke_list;
	struct ledger *ledger;
	struct feed *feed;
	char epoch[RELAY_EPOCH_LEN + 1]; /* of the turnserver that feed has greeted */

	/* A ring of the ended calls that usage still holds, oldest at ended_at. */
	char ended[RELAY_ENDED_KEPT][TURN_CALL_ID_LEN + 1];
	size_t ended_at;
};

static int64_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

/* --- calls to usage, usage to feed --------------------------------------- */

void relay_side_call_new(struct relay_side *r, const struct call *c)
{
	int ret = usage_call_begin(r->usage, call_id(c));

	if (ret)
		log_warn("relay", "call %s has no usage record: %s", call_id(c), strerror(-ret));
}

void relay_side_member(struct relay_side *r, const struct call *c, const char *user,
		       const char *address)
{
	usage_member(r->usage, call_id(c), user, address); /* refusals are counted there */
}

void relay_side_member_left(struct relay_side *r, const struct call *c, const char *user)
{
	usage_member_leave(r->usage, call_id(c), user);
}

void relay_side_candidate(struct relay_side *r, const struct call *c, const char *user,
			  const char *candidate)
{
	usage_candidate(r->usage, call_id(c), user, candidate, strlen(candidate));
}

/* Nobody relays in the name of this call any more, as long as somebody could. */
static void revoke_call(struct relay_side *r, const struct call *c)
{
	int ret;

	if (!r->feed)
		return;
	ret = revoke_list_add(r->revoke_list, call_id(c), call_granted_until_s(c), now_s());
	if (ret)
		log_warn("relay", "call %s is not revoked: %s", call_id(c), strerror(-ret));
}

static int send_revocation(void *arg, const char *id, int64_t until_s, uint64_t *command_id)
{
	struct relay_side *r = arg;

	return feed_revoke_call(r->feed, id, until_s, "call ended", command_id);
}

void relay_side_call_ended(struct relay_side *r, const struct call *c)
{
	char *slot = r->ended[r->ended_at];
	uint64_t now_ms = loop_now_ms();

	revoke_call(r, c);
	usage_call_end(r->usage, call_id(c), now_ms);
	if (*slot)
		usage_call_forget(r->usage, slot, now_ms);
	snprintf(slot, sizeof(r->ended[0]), "%s", call_id(c));
	r->ended_at = (r->ended_at + 1) % RELAY_ENDED_KEPT;
}

static void on_kill(void *arg, const struct usage_kill *kill)
{
	struct relay_side *r = arg;

	/* What a call's name carries ends with its revocation. */
	if (r->feed && kill->alloc)
		feed_kill_alloc(r->feed, kill->alloc, "call ended");
}

static void on_reply(void *arg, uint64_t command_id, bool ok, const char *error)
{
	struct relay_side *r = arg;

	(void)error;
	revoke_list_reply(r->revoke_list, command_id, ok);
}

/* --- feed to ledger, ledger to feed -------------------------------------- */

static bool on_subscribe(void *arg, struct journal_position *from)
{
	struct relay_side *r = arg;

	return ledger_begin(r->ledger, from);
}

static int on_record(void *arg, const struct relay_event *ev, const char *line, size_t n)
{
	struct relay_side *r = arg;
	const char *call = NULL;
	int ret;

	if (ev->type == RELAY_END)
		call = usage_call_of(r->usage, ev->epoch, ev->alloc.id);
	ret = ledger_push(r->ledger, ev, line, n, call);
	return ret ? ret : !ledger_room(r->ledger);
}

static void on_ledger_change(void *arg)
{
	struct relay_side *r = arg;
	struct journal_position at = ledger_durable(r->ledger);

	feed_ack(r->feed, &at);
	if (ledger_counters(r->ledger)->failing)
		feed_leave_ledger(r->feed);
	else if (ledger_room(r->ledger))
		feed_resume(r->feed);
}

/* --- what turnserver tells ------------------------------------------------ */

static void on_event(void *arg, const struct relay_event *ev)
{
	struct relay_side *r = arg;

	if (ev->type == RELAY_HELLO)
		memcpy(r->epoch, ev->hello.epoch, sizeof(r->epoch));
	if (ev->type == RELAY_SECRETS)
		signing_announced(r->config.signing, r->epoch, ev->secrets, ev->secrets_n);
	usage_event(r->usage, ev, loop_now_ms()); /* refusals are counted there */
}

static void on_state(void *arg, bool connected)
{
	struct relay_side *r = arg;

	log_info("relay", "turnserver's admin socket %s is %s", r->config.socket,
		 connected ? "connected" : "lost; calls go on");
	if (connected)
		revoke_list_synced(r->revoke_list, now_s());
	else
		signing_disconnected(r->config.signing);
}

/* --- putting it together -------------------------------------------------- */

static int make_ledger(struct relay_side *r)
{
	struct ledger_config lc = { .dir = r->config.state_dir,
				    .on_change = on_ledger_change,
				    .arg = r };

	return ledger_new(&r->ledger, r->config.base, &lc);
}

static int make_feed(struct relay_side *r)
{
	struct feed_callbacks cb = { .on_event = on_event,
				     .on_reply = on_reply,
				     .on_state = on_state,
				     .on_subscribe = on_subscribe,
				     .on_record = on_record,
				     .arg = r };
	int ret = feed_new(&r->feed, r->config.base, r->config.socket, &cb, NULL);

	if (ret == -EINVAL)
		log_error("config", "relay-socket %s: too long for a socket's path",
			  r->config.socket);
	return ret;
}

int relay_side_new(struct relay_side **out, const struct relay_side_config *config)
{
	struct relay_side *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	r->config = *config;
	ret = usage_new(&r->usage, NULL, on_kill, r);
	if (!ret)
		ret = revoke_list_new(&r->revoke_list, 0, send_revocation, r);
	if (!ret && config->socket)
		ret = make_ledger(r);
	if (!ret && config->socket)
		ret = make_feed(r);
	if (ret) {
		relay_side_free(r);
		return ret;
	}
	*out = r;
	return 0;
}

void relay_side_free(struct relay_side *r)
{
	if (!r)
		return;
	feed_free(r->feed);
	ledger_free(r->ledger);
	usage_free(r->usage);
	revoke_list_free(r->revoke_list);
	free(r);
}

bool relay_side_connected(const struct relay_side *r)
{
	return r->feed && feed_connected(r->feed);
}

const struct usage *relay_side_usage(const struct relay_side *r)
{
	return r->usage;
}

const struct ledger *relay_side_ledger(const struct relay_side *r)
{
	return r->ledger;
}

const struct feed_counters *relay_side_feed_counters(const struct relay_side *r)
{
	return r->feed ? feed_counters(r->feed) : NULL;
}

const struct ledger_counters *relay_side_ledger_counters(const struct relay_side *r)
{
	return r->ledger ? ledger_counters(r->ledger) : NULL;
}

const struct revoke_list_counters *relay_side_revoke_counters(const struct relay_side *r)
{
	return revoke_list_counters(r->revoke_list);
}
