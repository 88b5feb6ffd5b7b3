/* relay_side.c - who hears what between calls, usage, the ledger and turnserver
 *
 *	calls --> usage: a call, its members, their candidates	(which relay is whose)
 *	feed --> usage --> feed: relay events in, kills out	(the relay ends with its call)
 *	calls --> revoke_list --> feed: ids of ended calls	(and stays ended)
 *	feed --> ledger --> feed: ends in, "it is on disk" out	(turnserver may forget them)
 *	feed --> lost_relays --> calls: fresh iceServers, or an end	(turnserver was started
 *anew) feed --> signing: which secrets turnserver has */
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
#include "relay/hook_version.h"
#include "relay/ledger.h"
#include "relay/lost_relays.h"
#include "relay/revoke_list.h"
#include "relay/usage.h"
#include "turn_credential.h"

#define REASON_SERVER_STOP "server-stop"

struct relay_side {
	struct relay_side_config config;
	struct usage *usage;
	struct revoke_list *revoke_list;
	struct lost_relays *lost;
	struct ledger *ledger;
	struct feed *feed;
	char epoch[RELAY_EPOCH_LEN + 1]; /* of the turnserver that feed has greeted */
	bool draining;			 /* it is */

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

	lost_relays_forget(r->lost, call_id(c));
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

static void add_lost(void *arg, const char *id)
{
	struct relay_side *r = arg;

	lost_relays_add(r->lost, id);
}

/* Another epoch is another process: what the last one relayed is gone. Usage knows until it hears.
 */
static void on_hello(struct relay_side *r, const char *epoch)
{
	if (r->epoch[0] && strcmp(r->epoch, epoch) != 0)
		usage_each_relaying(r->usage, add_lost, r);
	snprintf(r->epoch, sizeof(r->epoch), "%s", epoch);
}

/* One that is asked to stop says the ends of what it relays. */
static void on_end(struct relay_side *r, const struct relay_event *ev)
{
	const char *id = NULL;

	if (strcmp(ev->reason, REASON_SERVER_STOP) == 0)
		id = usage_call_of(r->usage, ev->epoch, ev->alloc.id);
	if (id && usage_call_lives(r->usage, id))
		lost_relays_add(r->lost, id);
}

/* They come behind the snapshot; before them no credentials can be made. */
static void on_secrets(struct relay_side *r, const struct relay_event *ev)
{
	signing_announced(r->config.signing, r->epoch, ev->secrets, ev->secrets_n);
	lost_relays_ready(r->lost, loop_now_ms());
}

static void on_drain(struct relay_side *r, bool on)
{
	r->draining = on;
	log_info("relay", "turnserver %s",
		 on ? "drains: it makes no new allocations" : "does not drain any more");
}

static void on_event(void *arg, const struct relay_event *ev)
{
	struct relay_side *r = arg;

	if (ev->type == RELAY_HELLO)
		on_hello(r, ev->hello.epoch);
	if (ev->type == RELAY_END)
		on_end(r, ev);
	if (ev->type == RELAY_SECRETS)
		on_secrets(r, ev);
	if (ev->type == RELAY_DRAIN)
		on_drain(r, ev->on);
	usage_event(r->usage, ev, loop_now_ms()); /* refusals are counted there */
}

static void tell_lost(void *arg, const char *id)
{
	struct relay_side *r = arg;

	log_info("relay", "call %s had a relay in the turnserver that is gone", id);
	r->config.tell_ice_servers(r->config.ctx, id);
}

static bool has_media(void *arg, const char *id)
{
	struct relay_side *r = arg;

	return usage_call_relays(r->usage, id) || r->config.media_direct(r->config.ctx, id);
}

static void give_up(void *arg, const char *id)
{
	struct relay_side *r = arg;

	r->config.fail(r->config.ctx, id);
}

/* Without turnserver nobody can begin again. */
void relay_side_tick(struct relay_side *r)
{
	if (relay_side_connected(r))
		lost_relays_tick(r->lost, r->config.grace_ms, loop_now_ms());
}

static void on_state(void *arg, bool connected)
{
	struct relay_side *r = arg;

	log_info("relay", "turnserver's admin socket %s is %s", r->config.socket,
		 connected ? "connected" : "lost; calls go on");
	if (connected) {
		revoke_list_synced(r->revoke_list, now_s());
		return;
	}
	r->draining = false; /* the next one says so itself */
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

static int make_lost(struct relay_side *r)
{
	const struct lost_relays_ops ops = {
		.tell = tell_lost, .has_media = has_media, .give_up = give_up, .arg = r
	};

	return lost_relays_new(&r->lost, 0, &ops);
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
	if (!ret)
		ret = make_lost(r);
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
	lost_relays_free(r->lost);
	free(r);
}

bool relay_side_connected(const struct relay_side *r)
{
	return r->feed && feed_connected(r->feed);
}

void relay_side_peer(const struct relay_side *r, struct relay_peer *out)
{
	*out = (struct relay_peer){ .hello = NULL };
	if (!r->feed)
		return;
	out->hello = feed_peer(r->feed);
	out->problem = feed_problem(r->feed);
	out->draining = r->draining;
	if (out->hello)
		out->lacks = hook_version_lacks(out->hello->minor);
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

const struct lost_relays_counters *relay_side_lost_counters(const struct relay_side *r)
{
	return lost_relays_counters(r->lost);
}

const struct revoke_list_counters *relay_side_revoke_counters(const struct relay_side *r)
{
	return revoke_list_counters(r->revoke_list);
}
