/* admin_command.c - what may be asked for on the admin socket */
#include "admin_priv.h"

#include <string.h>

static const char busy[] = "busy with a snapshot or a list";

static void do_sub(struct client *c, const struct relay_command *cmd)
{
	if (c->subscribed) {
		client_reply_error(c, cmd->id, "subscribed already");
		return;
	}
	if (c->walk.kind != WALK_NONE) {
		client_reply_error(c, cmd->id, busy);
		return;
	}
	c->subscribed = true;
	walk_start(c, WALK_SNAPSHOT, NULL);
	walk_on(c);
}

static void do_list(struct client *c, const struct relay_command *cmd)
{
	if (c->walk.kind == WALK_USAGE) {
		c->behind = true; /* give way; starts over afterwards */
	} else if (c->walk.kind != WALK_NONE) {
		client_reply_error(c, cmd->id, busy);
		return;
	}
	walk_start(c, WALK_LIST, cmd);
	walk_on(c);
}

static void do_stats(struct client *c, const struct relay_command *cmd)
{
	const struct admin_socket *s = c->s;
	const struct registry *r = s->config.registry;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "live", registry_count(r) },
		{ "unregistered", registry_refused(r) },
		{ "unreported", cell_queue_refused(s->config.queue) },
		{ "seq", s->seq },
		{ "clients", s->clients_n },
		{ "accepted", s->counters.accepted },
		{ "turnedAway", s->counters.turned_away },
		{ "commands", s->counters.commands },
		{ "commandsRefused", s->counters.commands_refused },
		{ "malformed", s->counters.malformed },
		{ "closedSlow", s->counters.closed_slow },
		{ "usageSkipped", s->counters.usage_skipped },
	};
	char text[1024];
	struct json_out o;
	size_t i;

	json_out_fixed(&o, text, sizeof(text) - 1);
	json_out_open(&o, '{');
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_put_u64(&o, numbers[i].key, numbers[i].value);
	json_put_string(&o, "epoch", s->epoch);
	text[o.n] = '\0';
	client_reply_ok(c, cmd->id, registry_count(r),
			text + 1); /* members only, without the '{' */
}

/* "kill" or "kill: why", cut between two characters. */
static void mark_killed(struct entry *e, const char *why)
{
	static const char prefix[] = "kill: ";
	char text[RELAY_REASON_MAX + 1];
	size_t n = strlen(why), room = sizeof(text) - sizeof(prefix);

	if (n == 0) {
		cell_mark(e->cell, "kill");
		return;
	}
	if (n > room)
		for (n = room; n > 0 && ((unsigned char)why[n] & 0xc0) == 0x80; n--)
			;
	memcpy(text, prefix, sizeof(prefix) - 1);
	memcpy(text + sizeof(prefix) - 1, why, n);
	text[sizeof(prefix) - 1 + n] = '\0';
	cell_mark(e->cell, text);
}

static void do_kill(struct client *c, const struct relay_command *cmd)
{
	const struct registry *r = c->s->config.registry;
	struct entry *e;
	uint64_t count = 0;

	if (!c->may_command) {
		c->s->counters.commands_refused++;
		client_reply_error(c, cmd->id, "not permitted");
		return;
	}
	for (e = registry_match(r, cmd, NULL); e; e = registry_match(r, cmd, e)) {
		if (c->s->config.cancel(cell_sid(e->cell)) < 0)
			continue;
		mark_killed(e, cmd->reason);
		count++;
	}
	client_reply_ok(c, cmd->id, count, NULL);
}

static void (*const commands[RELAY_COMMANDS_N])(struct client *c,
						const struct relay_command *cmd) = {
	[RELAY_SUB] = do_sub,
	[RELAY_LIST] = do_list,
	[RELAY_STATS] = do_stats,
	[RELAY_KILL] = do_kill,
};

void command_run(struct client *c, const struct relay_command *cmd)
{
	if (commands[cmd->type])
		commands[cmd->type](c, cmd);
	else
		client_reply_error(c, cmd->id, "unknown command");
}
