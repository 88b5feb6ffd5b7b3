/* admin_stats.c - all counters, as one reply */
#include "admin_priv.h"

#include "guard.h"
#include "live.h"
#include "policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct number {
	const char *key;
	uint64_t value;
};

static void put_numbers(struct json_out *o, const struct number *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_put_u64(o, v[i].key, v[i].value);
}

static void put_socket(struct json_out *o, const struct admin_socket *s)
{
	const struct number numbers[] = {
		{ "live", registry_count(s->config.registry) },
		{ "unregistered", registry_refused(s->config.registry) },
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
		{ "deniedSkipped", s->counters.denied_skipped },
	};

	put_numbers(o, numbers, COUNT(numbers));
	json_put_string(o, "epoch", s->epoch);
}

static void put_ledger(struct json_out *o, const struct admin_socket *s)
{
	const struct spool *sp = s->config.spool;
	const struct spool_counters *n = spool_counters(sp);
	const struct number numbers[] = {
		{ "unacked", spool_records(sp) },
		{ "spoolBytes", spool_file_bytes(sp) },
		{ "spooled", n->appended },
		{ "acked", n->acked },
		{ "recovered", s->config.recovered },
		{ "repeatedEnds", n->repeated },
		{ "mergedEnds", n->merged_ends },
		{ "lostEnds", n->lost_ends },
		{ "damagedEnds", n->torn + n->corrupt },
		{ "spoolRewritten", n->rewritten },
		{ "ledgerClosed", s->counters.ledger_closed },
	};

	json_put_bool(o, "ledger", s->ledger != NULL);
	put_numbers(o, numbers, COUNT(numbers));
}

static void put_live(struct json_out *o, struct live *live)
{
	struct live_stats st;

	live_stats(live, &st);
	json_put_u64(o, "heapSessions", st.heap_sessions);
	json_put_u64(o, "heapCells", st.heap_cells);
}

static void put_denied(struct json_out *o, const struct policy_stats *st)
{
	json_out_key(o, "denied");
	json_out_open(o, '{');
	for (int i = 0; i < DENIAL_REASONS; i++)
		json_put_u64(o, denial_reason_word((enum denial_reason)i), st->denied[i]);
	json_out_close(o, '}');
}

static void put_policy(struct json_out *o, struct policy *p)
{
	struct policy_stats st;

	policy_stats(p, &st);
	const struct number numbers[] = {
		{ "revocations", st.revocations.entries },
		{ "revocationsRefused", st.revocations.refused },
		{ "revocationsUnstored", st.revocations.write_errors },
		{ "revocationsBroken", st.revocations.broken_lines },
		{ "limitKeys", st.limit_keys },
		{ "limitOverrides", st.limit_overrides },
		{ "limitsRefused", st.limits_refused },
		{ "denialsDropped", st.denials_dropped },
	};

	put_numbers(o, numbers, COUNT(numbers));
	put_denied(o, &st);
	json_put_bool(o, "draining", st.draining);
}

static void put_guard(struct json_out *o)
{
	json_out_key(o, "guard");
	json_out_open(o, '{');
	for (int i = 0; i < GUARD_COUNTERS; i++)
		json_put_u64(o, guard_name((enum guard_counter)i),
			     guard_total((enum guard_counter)i));
	json_out_close(o, '}');
}

/* A reply takes further members without the braces around them. */
void command_stats(struct client *c, const struct relay_command *cmd)
{
	const struct admin_socket *s = c->s;
	char text[4096];
	struct json_out o;

	json_out_fixed(&o, text, sizeof(text) - 1);
	json_out_open(&o, '{');
	put_socket(&o, s);
	if (s->config.spool)
		put_ledger(&o, s);
	if (s->config.live)
		put_live(&o, s->config.live);
	if (s->config.policy)
		put_policy(&o, s->config.policy);
	put_guard(&o);
	text[o.n] = '\0';
	client_reply_ok(c, cmd->id, registry_count(s->config.registry), text + 1);
}
