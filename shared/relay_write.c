/* relay_write.c - the lines of turnserver, written */
#include <errno.h>
#include <string.h>

#include "relay_priv.h"

/* Returns whether one of them is saturated. */
static bool out_totals(struct json_out *o, const struct relay_totals *t)
{
	bool saturated = t->saturated;

	for (size_t i = 0; i < RELAY_TOTALS_N; i++)
		json_out_u64(o, relay_total_clamp(relay_total_value(t, i), &saturated));
	return saturated;
}

static void put_totals(struct json_out *o, const struct relay_totals *t)
{
	bool saturated;

	json_out_key(o, "totals");
	json_out_open(o, '[');
	saturated = out_totals(o, t);
	json_out_close(o, ']');
	if (saturated)
		json_put_bool(o, "sat", true);
}

/* For those who read along; our own reader parses the name itself. */
static void put_user_and_call(struct json_out *o, const struct relay_allocation *a)
{
	struct turn_name name;

	if (a->shared || turn_name_parse(a->name, strlen(a->name), &name) < 0)
		return;
	put_text_if_any(o, "user", name.user, TURN_USER_ID_MAX);
	put_text_if_any(o, "call", name.call, TURN_CALL_ID_LEN);
}

static void put_name(struct json_out *o, const struct relay_allocation *a)
{
	put_text(o, "name", a->name, TURN_NAME_MAX);
	put_user_and_call(o, a);
	put_text(o, "realm", a->realm, RELAY_REALM_MAX);
	put_text(o, "secret", a->secret, SECRET_ID_MAX);
	json_put_bool(o, "shared", a->shared);
}

static void put_record(struct json_out *o, const char *epoch, uint64_t seq)
{
	put_text(o, "epoch", epoch, RELAY_EPOCH_LEN);
	json_put_u64(o, "seq", seq);
}

static void put_allocation(struct json_out *o, uint64_t seq, const struct relay_allocation *a)
{
	json_put_u64(o, "seq", seq);
	put_text(o, "id", a->id, RELAY_ID_LEN);
	put_name(o, a);
	put_text(o, "transport", a->transport, sizeof(a->transport) - 1);
	put_text(o, "relay_transport", a->relay_transport, sizeof(a->relay_transport) - 1);
	put_text(o, "client", a->client, RELAY_ADDR_MAX - 1);
	put_text(o, "relayed", a->relayed, RELAY_ADDR_MAX - 1);
	put_text_if_any(o, "relayed6", a->relayed6, RELAY_ADDR_MAX - 1);
	json_put_u64(o, "lifetime_s", a->lifetime_s);
	json_put_u64(o, "age_ms", a->age_ms);
}

int relay_write_hello(char *out, size_t size, const struct relay_hello *h)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "hello");
	json_put_u64(&o, "v", h->major);
	json_put_u64(&o, "minor", h->minor);
	put_text(&o, "epoch", h->epoch, sizeof(h->epoch) - 1);
	put_text(&o, "version", h->version, sizeof(h->version) - 1);
	put_text_if_any(&o, "base", h->base, sizeof(h->base) - 1);
	put_text_if_any(&o, "ledger_checked", h->ledger_checked, sizeof(h->ledger_checked) - 1);
	put_text_if_any(&o, "ledger_date", h->ledger_date, sizeof(h->ledger_date) - 1);
	json_put_u64(&o, "threads", h->relay_threads);
	json_put_u64(&o, "interval_ms", h->interval_ms);
	json_put_u64(&o, "seq", h->seq);
	json_put_u64(&o, "live", h->live);
	return finish_line(&o);
}

int relay_write_new(char *out, size_t size, uint64_t seq, const struct relay_allocation *a)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "new");
	put_allocation(&o, seq, a);
	return finish_line(&o);
}

int relay_write_snap(char *out, size_t size, uint64_t seq, const struct relay_allocation *a,
		     const struct relay_totals *t)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "snap");
	put_allocation(&o, seq, a);
	put_totals(&o, t);
	return finish_line(&o);
}

int relay_write_synced(char *out, size_t size, uint64_t seq, uint64_t live)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "synced");
	json_put_u64(&o, "seq", seq);
	json_put_u64(&o, "live", live);
	return finish_line(&o);
}

static void out_row(struct json_out *o, const struct relay_usage_row *row)
{
	json_out_open(o, '[');
	json_out_string_n(o, row->id, strnlen(row->id, RELAY_ID_LEN));
	if (out_totals(o, &row->totals))
		json_out_bool(o, true);
	json_out_close(o, ']');
}

int relay_write_usage(char *out, size_t size, const struct relay_usage_row *rows, size_t n,
		      uint64_t skipped)
{
	struct json_out o;

	if (n > RELAY_USAGE_ROWS)
		return -ENOBUFS;
	begin_line(&o, out, size, "e", "usage");
	json_put_u64(&o, "skipped", skipped);
	json_out_key(&o, "s");
	json_out_open(&o, '[');
	for (size_t i = 0; i < n; i++)
		out_row(&o, &rows[i]);
	json_out_close(&o, ']');
	return finish_line(&o);
}

int relay_write_end(char *out, size_t size, const struct relay_end *e)
{
	const struct relay_allocation *a = e->alloc;
	struct json_out o;

	begin_line(&o, out, size, "e", "end");
	put_record(&o, e->epoch, e->seq);
	put_text(&o, "id", a->id, RELAY_ID_LEN);
	put_name(&o, a);
	put_text(&o, "client", a->client, RELAY_ADDR_MAX - 1);
	json_put_u64(&o, "age_ms", a->age_ms);
	json_put_u64(&o, "ended_ms", e->ended_ms);
	put_totals(&o, e->totals);
	json_put_bool(&o, "exact", e->exact);
	put_text_if_any(&o, "reason", e->reason ? e->reason : "", RELAY_REASON_MAX);
	return finish_line(&o);
}

int relay_write_sum(char *out, size_t size, const struct relay_sum *s)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "sum");
	put_record(&o, s->epoch, s->seq);
	put_text_if_any(&o, "call", s->call, TURN_CALL_ID_LEN);
	json_put_u64(&o, "ends", s->ends);
	json_put_u64(&o, "from_ms", s->from_ms);
	json_put_u64(&o, "to_ms", s->to_ms);
	put_totals(&o, s->totals);
	json_put_bool(&o, "exact", s->exact);
	return finish_line(&o);
}

int relay_write_denied(char *out, size_t size, const struct relay_denied *d)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "denied");
	put_text_if_any(&o, "user", d->user, TURN_USER_ID_MAX);
	put_text_if_any(&o, "call", d->call, TURN_CALL_ID_LEN);
	put_text(&o, "reason", d->reason, RELAY_REASON_MAX);
	put_text(&o, "client", d->client, RELAY_ADDR_MAX - 1);
	json_put_u64(&o, "n", d->n);
	return finish_line(&o);
}

int relay_write_secrets(char *out, size_t size, const struct relay_secret *v, size_t n)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "secrets");
	json_out_key(&o, "ids");
	json_out_open(&o, '[');
	for (size_t i = 0; i < n; i++) {
		json_out_open(&o, '[');
		json_out_string(&o, v[i].id);
		json_out_string(&o, v[i].check);
		json_out_close(&o, ']');
	}
	json_out_close(&o, ']');
	return finish_line(&o);
}

int relay_write_drain(char *out, size_t size, bool on)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "drain");
	json_put_bool(&o, "on", on);
	return finish_line(&o);
}

int relay_write_ok(char *out, size_t size, uint64_t id, uint64_t count, const char *extra)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "reply");
	json_put_u64(&o, "id", id);
	json_put_bool(&o, "ok", true);
	json_put_u64(&o, "count", count);
	if (extra && *extra) {
		json_out_bytes(&o, ",", 1);
		json_out_bytes(&o, extra, strlen(extra));
	}
	return finish_line(&o);
}

int relay_write_error(char *out, size_t size, uint64_t id, const char *error)
{
	struct json_out o;

	begin_line(&o, out, size, "e", "reply");
	json_put_u64(&o, "id", id);
	json_put_bool(&o, "ok", false);
	put_text(&o, "error", error, RELAY_ERROR_MAX);
	return finish_line(&o);
}
