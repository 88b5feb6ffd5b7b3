/* admin_command.c - what may be asked for on the admin socket */
#include "admin_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "policy.h"

static const char busy[] = "busy with a snapshot or a list";

static void do_sub(struct client *c, const struct relay_command *cmd)
{
	if (c->subscribed || c->s->ledger == c) {
		client_reply_error(c, cmd->id, "subscribed already");
		return;
	}
	if (c->walk.kind != WALK_NONE) {
		client_reply_error(c, cmd->id, busy);
		return;
	}
	if (cmd->ledger) {
		ledger_begin(c, cmd);
		return;
	}
	c->subscribed = true;
	walk_start(c, WALK_SNAPSHOT, NULL);
	walk_on(c);
}

static void catch_up(const struct admin_socket *s)
{
	if (s->config.catch_up)
		s->config.catch_up(s->config.arg);
}

static void do_list(struct client *c, const struct relay_command *cmd)
{
	if (c->walk.kind == WALK_USAGE) {
		c->behind = true; /* give way; starts over afterwards */
	} else if (c->walk.kind != WALK_NONE) {
		client_reply_error(c, cmd->id, busy);
		return;
	}
	catch_up(c->s);
	walk_start(c, WALK_LIST, cmd);
	walk_on(c);
}

/* --- ends by command --------------------------------------------------------------- */

/* The word, or "word: why" cut between two characters. */
static void reason_of_end(char out[RELAY_REASON_MAX + 1], const char *word, const char *why)
{
	size_t at = (size_t)snprintf(out, RELAY_REASON_MAX + 1, "%s%s", word, *why ? ": " : "");
	size_t n = strlen(why), room = RELAY_REASON_MAX - at;

	if (n > room)
		for (n = room; n > 0 && ((unsigned char)why[n] & 0xc0) == 0x80; n--)
			;
	memcpy(out + at, why, n);
	out[at + n] = '\0';
}

/* End what the command's filters select. Returns how many. */
static uint64_t end_all(struct admin_socket *s, const struct relay_command *cmd, const char *word)
{
	const struct registry *r = s->config.registry;
	char reason[RELAY_REASON_MAX + 1];
	struct entry *e;
	uint64_t count = 0;

	reason_of_end(reason, word, cmd->reason);
	catch_up(s);
	for (e = registry_match(r, cmd, NULL); e; e = registry_match(r, cmd, e)) {
		cell_mark(cell_of_entry(e), reason); /* first: it may end on its thread at once */
		count += s->config.cancel(cell_sid(cell_of_entry(e))) >= 0;
	}
	return count;
}

static void do_kill(struct client *c, const struct relay_command *cmd)
{
	client_reply_ok(c, cmd->id, end_all(c->s, cmd, "kill"), NULL);
}

/* --- policy ------------------------------------------------------------------------ */

static enum revocation_kind revoked_kind(const struct relay_command *cmd)
{
	return cmd->call[0] ? REVOKED_CALL : REVOKED_USER;
}

static const char *revoked_id(const struct relay_command *cmd)
{
	return cmd->call[0] ? cmd->call : cmd->user;
}

/* In force though it could not be written down: that is no failure, but said. What is alive ends
 * also when there is no room to refuse what comes after it. */
static void do_revoke(struct client *c, const struct relay_command *cmd)
{
	int64_t now_s = time(NULL);
	uint64_t count;
	int r;

	if (cmd->until_s <= (uint64_t)now_s) {
		client_reply_error(c, cmd->id, "until has passed");
		return;
	}
	r = policy_revoke(c->s->config.policy, revoked_kind(cmd), revoked_id(cmd),
			  (int64_t)cmd->until_s, now_s);
	count = end_all(c->s, cmd, "revoked");
	if (r == -ENOBUFS || r == -ENOMEM || r == -EINVAL)
		client_reply_error(c, cmd->id,
				   r == -ENOBUFS ? "too many revocations" : "out of memory");
	else
		client_reply_ok(c, cmd->id, count, r < 0 ? "\"stored\":false" : NULL);
}

static void do_unrevoke(struct client *c, const struct relay_command *cmd)
{
	int r = policy_unrevoke(c->s->config.policy, revoked_kind(cmd), revoked_id(cmd),
				time(NULL));

	client_reply_ok(c, cmd->id, r != -ENOENT,
			r < 0 && r != -ENOENT ? "\"stored\":false" : NULL);
}

static uint64_t limit_change(const struct relay_limit_value *v)
{
	if (v->to_default)
		return LIMIT_DEFAULT;
	return v->set ? v->v : LIMIT_LEAVE;
}

static void do_limit(struct client *c, const struct relay_command *cmd)
{
	static const enum limit_kind kinds[RELAY_EACH_N] = {
		[RELAY_EACH_USER] = LIMIT_USER,
		[RELAY_EACH_CALL] = LIMIT_CALL,
		[RELAY_EACH_TAG] = LIMIT_TAG,
		[RELAY_EACH_CLIENT] = LIMIT_CLIENT,
	};
	const struct limit change = { .allocations = limit_change(&cmd->allocations),
				      .bytes_per_s = limit_change(&cmd->bytes_per_s) };
	enum limit_kind kind = cmd->call[0] ? LIMIT_CALL : LIMIT_USER;
	const char *one = cmd->each ? NULL : revoked_id(cmd);
	uint64_t count = 0;

	if (cmd->each)
		kind = kinds[cmd->each];
	if (policy_limit(c->s->config.policy, kind, one, &change, &count) < 0)
		client_reply_error(c, cmd->id, "too many limits");
	else
		client_reply_ok(c, cmd->id, count, NULL);
}

static void do_drain(struct client *c, const struct relay_command *cmd)
{
	struct admin_socket *s = c->s;
	bool changes = policy_draining(s->config.policy) == cmd->off;

	if (cmd->off && s->config.stopping && s->config.stopping(s->config.arg)) {
		client_reply_error(c, cmd->id, "turnserver is stopping");
		return;
	}
	catch_up(s);
	policy_drain(s->config.policy, !cmd->off);
	client_reply_ok(c, cmd->id, registry_count(s->config.registry), NULL);
	if (!changes)
		return;
	log_info(TOKEN, "%s", cmd->off ? "drain was taken back" : "draining: no new allocations");
	admin_socket_drain(s);
	if (s->config.drain)
		s->config.drain(s->config.arg);
}

static void do_reload(struct client *c, const struct relay_command *cmd)
{
	char err[RELAY_ERROR_MAX + 1] = "";
	int r = c->s->config.reload(c->s->config.arg, err, sizeof(err));

	if (r < 0)
		client_reply_error(c, cmd->id, err);
	else
		client_reply_ok(c, cmd->id, (uint64_t)r, NULL);
}

/* --- which command ----------------------------------------------------------------- */

static const struct {
	void (*run)(struct client *c, const struct relay_command *cmd);
	bool commands; /* needs the right to */
	bool policy;   /* needs one */
} commands[RELAY_COMMANDS_N] = {
	[RELAY_SUB] = { do_sub, false, false },
	[RELAY_LIST] = { do_list, false, false },
	[RELAY_STATS] = { command_stats, false, false },
	[RELAY_KILL] = { do_kill, true, false },
	[RELAY_ACK] = { ledger_ack, true, false },
	[RELAY_REVOKE] = { do_revoke, true, true },
	[RELAY_UNREVOKE] = { do_unrevoke, true, true },
	[RELAY_LIMIT] = { do_limit, true, true },
	[RELAY_DRAIN_NEW] = { do_drain, true, true },
	[RELAY_RELOAD] = { do_reload, true, false },
};

static const char *refusal(struct client *c, const struct relay_command *cmd)
{
	if ((commands[cmd->type].commands || cmd->ledger) && !client_may_command_now(c))
		return "not permitted";
	return commands[cmd->type].policy && !c->s->config.policy ? "there is no policy" : NULL;
}

/* Who asked for what, of all that changes something but acks, of which there is one an end. */
static void log_command(const struct client *c, const struct relay_command *cmd)
{
	char line[1024];
	int n = relay_command_write(line, sizeof(line), cmd);

	if (n > 0 && commands[cmd->type].commands && cmd->type != RELAY_ACK)
		log_info(TOKEN, "uid %lu, pid %ld: %.*s", (unsigned long)c->uid, (long)c->pid,
			 n - 1, line);
}

void command_run(struct client *c, const struct relay_command *cmd)
{
	const char *error = refusal(c, cmd);

	if (!error) {
		log_command(c, cmd);
		commands[cmd->type].run(c, cmd);
		return;
	}
	c->s->counters.commands_refused++;
	client_reply_error(c, cmd->id, error);
}
