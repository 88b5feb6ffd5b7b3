/* admin_walk.c - what is written a piece at a time, as the output drains
 *
 * A client has at most one walk over the registry under way: its snapshot, a
 * list, or a round of usage to make up for lines it was too slow for; or, before
 * its snapshot, over the spool (a ledger). Live
 * events that come while a snapshot is written wait in "pending" and follow
 * "synced", so that a reader sees the order: snapshot, synced, everything after. */
#include "admin_priv.h"

#include <string.h>

#define WALK_ENTRIES 256 /* looked at in one go */

static struct entry *clip(const struct walk *w, struct entry *e)
{
	return e && e->seq <= w->until_seq ? e : NULL;
}

void walk_start(struct client *c, enum walk_kind kind, const struct relay_command *what)
{
	struct walk *w = &c->walk;

	*w = (struct walk){ .kind = kind, .until_seq = c->s->seq };
	if (what)
		w->what = *what;
	w->at = clip(w, registry_match(c->s->config.registry, &w->what, NULL));
}

static void walk_advance(struct client *c)
{
	struct walk *w = &c->walk;

	w->at = clip(w, registry_match(c->s->config.registry, &w->what, w->at));
}

/* "192.0.2.1:5000", "[2001:db8::1]:5000" */
static bool comes_from(const char *client, const char *ip)
{
	const char *host = client + (*client == '[');
	size_t n = strlen(ip);

	return !strncmp(host, ip, n) && host[n] == (*client == '[' ? ']' : ':');
}

/* The filters that have no index. */
static bool wanted(const struct relay_command *what, const struct relay_allocation *a)
{
	return (!what->client[0] || comes_from(a->client, what->client)) &&
	       (!what->secret[0] || !strcmp(a->secret, what->secret));
}

static void say_snap(struct client *c, const struct entry *e)
{
	char line[RELAY_LINE_MAX];
	struct relay_allocation a;
	struct relay_totals t;

	cell_describe(cell_of_entry(e), admin_now_ms(), &a);
	if (!wanted(&c->walk.what, &a))
		return;
	cell_totals(cell_of_entry(e), &t);
	client_say(c, line, relay_write_snap(line, sizeof(line), e->seq, &a, &t));
	c->walk.count++;
}

static size_t step_snap(struct client *c)
{
	say_snap(c, c->walk.at);
	walk_advance(c);
	return 1;
}

static void row_of(const struct entry *e, struct relay_usage_row *row)
{
	struct relay_allocation a;

	cell_describe(cell_of_entry(e), 0, &a);
	memcpy(row->id, a.id, sizeof(row->id));
	cell_totals(cell_of_entry(e), &row->totals);
}

static size_t step_usage(struct client *c)
{
	struct relay_usage_row rows[RELAY_USAGE_ROWS];
	char line[RELAY_LINE_MAX];
	size_t n = 0;

	for (; c->walk.at && n < RELAY_USAGE_ROWS; walk_advance(c))
		row_of(c->walk.at, &rows[n++]);
	client_say(c, line, relay_write_usage(line, sizeof(line), rows, n, c->skipped));
	return n;
}

static int entries_left(const struct client *c)
{
	return c->walk.at != NULL;
}

static int records_left(const struct client *c)
{
	return spool_waiting(c->s->config.spool);
}

static size_t step_replay(struct client *c)
{
	char line[RELAY_LINE_MAX];

	client_say(c, line, spool_next(c->s->config.spool, line, sizeof(line)));
	return 1;
}

static void done_replay(struct client *c)
{
	c->subscribed = true;
	walk_start(c, WALK_SNAPSHOT, NULL);
}

static void done_snapshot(struct client *c)
{
	char line[RELAY_LINE_MAX];

	client_say(c, line,
		   relay_write_synced(line, sizeof(line), c->walk.until_seq, c->walk.count));
	client_say_state(c);
	if (!c->dead && evbuffer_add_buffer(bufferevent_get_output(c->bev), c->pending) < 0)
		client_drop(c);
}

static void done_list(struct client *c)
{
	client_reply_ok(c, c->walk.what.id, c->walk.count, NULL);
}

static const struct {
	int (*left)(const struct client *c); /* 0: at the end; below 0: not now */
	size_t (*step)(struct client *c);    /* write the next entries; returns how many */
	void (*done)(struct client *c);
} walks[] = {
	[WALK_REPLAY] = { records_left, step_replay, done_replay },
	[WALK_SNAPSHOT] = { entries_left, step_snap, done_snapshot },
	[WALK_LIST] = { entries_left, step_snap, done_list },
	[WALK_USAGE] = { entries_left, step_usage, NULL },
};

static bool room_for_walk(const struct client *c)
{
	return !c->dead && !c->closing &&
	       evbuffer_get_length(bufferevent_get_output(c->bev)) < WALK_BYTES;
}

void walk_on(struct client *c)
{
	size_t budget = WALK_ENTRIES;

	while (c->walk.kind != WALK_NONE && room_for_walk(c)) {
		enum walk_kind kind = c->walk.kind;
		int left = walks[kind].left(c);
		size_t n;

		if (left < 0)
			return;
		if (left == 0) {
			c->walk.kind = WALK_NONE;
			if (walks[kind].done)
				walks[kind].done(c);
			continue;
		}
		n = walks[kind].step(c);
		if (n >= budget)
			break;
		budget -= n;
	}
	if (c->walk.kind == WALK_NONE && c->behind && room_for_walk(c)) {
		c->behind = false;
		walk_start(c, WALK_USAGE, NULL);
	}
	if (c->walk.kind != WALK_NONE && room_for_walk(c))
		bufferevent_trigger(c->bev, EV_WRITE,
				    BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void walk_leave(struct client *c, struct entry *e)
{
	struct walk *w = &c->walk;

	if (w->kind == WALK_NONE || !w->at)
		return;
	if (w->kind == WALK_SNAPSHOT && e->seq >= w->at->seq && e->seq <= w->until_seq)
		say_snap(c, e);
	if (w->at == e)
		walk_advance(c);
}
