/* admin_ledger.c - the one subscriber that keeps the ends
 *
 * What the spool holds is replayed first, as fast as the ledger acknowledges;
 * then it becomes a subscriber like the others. An end reaches it from the
 * spool, so that the order of identities is that of the file: at once when all
 * before it were sent, else when the replay comes to it. */
#include "admin_priv.h"

#include "log.h"

void ledger_begin(struct client *c, const struct relay_command *cmd)
{
	struct admin_socket *s = c->s;

	if (s->ledger) {
		client_reply_error(c, cmd->id, "ledger-taken");
		return;
	}
	s->ledger = c;
	spool_begin(s->config.spool, cmd->epoch[0] ? cmd->epoch : NULL, cmd->seq);
	log_info(TOKEN, "a ledger is here, %llu end records wait for it",
		 (unsigned long long)spool_records(s->config.spool));
	walk_start(c, WALK_REPLAY, NULL);
	walk_on(c);
}

void ledger_leave(struct client *c)
{
	struct admin_socket *s = c->s;

	if (s->ledger != c)
		return;
	s->ledger = NULL;
	spool_end(s->config.spool);
	log_warn(TOKEN, "the ledger is gone; end records wait for it in the spool");
}

void ledger_ack(struct client *c, const struct relay_command *cmd)
{
	if (c->s->ledger != c) {
		client_reply_error(c, cmd->id, "ack is for the ledger");
		return;
	}
	spool_ack(c->s->config.spool, cmd->epoch, cmd->seq);
	if (c->walk.kind == WALK_REPLAY)
		walk_on(c);
}

void ledger_tell_end(struct client *c, const char *line, int n, bool kept)
{
	struct spool *sp = c->s->config.spool;

	if (kept && !spool_take_last(sp))
		return;
	client_tell(c, line, n);
	if (!c->dead && spool_ledger_is_dead(sp)) {
		c->s->counters.ledger_closed++;
		log_error(TOKEN, "the ledger acknowledges nothing, closed");
		client_drop(c);
	}
}
