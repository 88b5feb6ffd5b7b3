/* relay_write.c - the admin socket's lines, written */
#include <errno.h>
#include <string.h>

#include "relay_priv.h"

static void begin(struct json_out *o, char *out, size_t size, const char *kind, const char *name)
{
	json_out_fixed(o, out, size < RELAY_LINE_MAX ? size : RELAY_LINE_MAX);
	json_out_open(o, '{');
	json_put_string(o, kind, name);
}

static int finish(struct json_out *o)
{
	json_out_close(o, '}');
	json_out_bytes(o, "\n", 1);
	return o->failed ? -ENOBUFS : (int)o->n;
}

/* Text that came from the network through coturn may hold any bytes, and a JSON
 * text may not: what is not UTF-8 becomes '?'. At most max bytes are written. */
static void put_text(struct json_out *o, const char *key, const char *s, size_t max)
{
	char clean[TURN_NAME_MAX];
	size_t n, at;

	n = strnlen(s, max < sizeof(clean) ? max : sizeof(clean));
	json_out_key(o, key);
	at = json_utf8_span(s, n);
	if (at < n) {
		memcpy(clean, s, n);
		for (; at < n; at += json_utf8_span(clean + at, n - at))
			clean[at++] = '?';
		s = clean;
	}
	json_out_string_n(o, s, n);
}

static void put_text_if_any(struct json_out *o, const char *key, const char *s, size_t max)
{
	if (*s)
		put_text(o, key, s, max);
}

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

static void put_allocation(struct json_out *o, uint64_t seq, const struct relay_allocation *a)
{
	json_put_u64(o, "seq", seq);
	put_text(o, "id", a->id, RELAY_ID_LEN);
	put_text(o, "name", a->name, TURN_NAME_MAX);
	put_user_and_call(o, a);
	put_text(o, "realm", a->realm, RELAY_REALM_MAX);
	put_text(o, "secret", a->secret, SECRET_ID_MAX);
	json_put_bool(o, "shared", a->shared);
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

	begin(&o, out, size, "e", "hello");
	json_put_u64(&o, "v", h->major);
	put_text(&o, "epoch", h->epoch, sizeof(h->epoch) - 1);
	put_text(&o, "version", h->version, sizeof(h->version) - 1);
	json_put_u64(&o, "threads", h->relay_threads);
	json_put_u64(&o, "interval_ms", h->interval_ms);
	json_put_u64(&o, "seq", h->seq);
	json_put_u64(&o, "live", h->live);
	return finish(&o);
}

int relay_write_new(char *out, size_t size, uint64_t seq, const struct relay_allocation *a)
{
	struct json_out o;

	begin(&o, out, size, "e", "new");
	put_allocation(&o, seq, a);
	return finish(&o);
}

int relay_write_snap(char *out, size_t size, uint64_t seq, const struct relay_allocation *a,
		     const struct relay_totals *t)
{
	struct json_out o;

	begin(&o, out, size, "e", "snap");
	put_allocation(&o, seq, a);
	put_totals(&o, t);
	return finish(&o);
}

int relay_write_synced(char *out, size_t size, uint64_t seq, uint64_t live)
{
	struct json_out o;

	begin(&o, out, size, "e", "synced");
	json_put_u64(&o, "seq", seq);
	json_put_u64(&o, "live", live);
	return finish(&o);
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
	begin(&o, out, size, "e", "usage");
	json_put_u64(&o, "skipped", skipped);
	json_out_key(&o, "s");
	json_out_open(&o, '[');
	for (size_t i = 0; i < n; i++)
		out_row(&o, &rows[i]);
	json_out_close(&o, ']');
	return finish(&o);
}

int relay_write_end(char *out, size_t size, uint64_t seq, const struct relay_allocation *a,
		    const struct relay_totals *t, const char *reason)
{
	struct json_out o;

	begin(&o, out, size, "e", "end");
	json_put_u64(&o, "seq", seq);
	put_text(&o, "id", a->id, RELAY_ID_LEN);
	put_text(&o, "name", a->name, TURN_NAME_MAX);
	json_put_u64(&o, "age_ms", a->age_ms);
	put_totals(&o, t);
	if (reason)
		put_text(&o, "reason", reason, RELAY_REASON_MAX);
	return finish(&o);
}

int relay_write_ok(char *out, size_t size, uint64_t id, uint64_t count, const char *extra)
{
	struct json_out o;

	begin(&o, out, size, "e", "reply");
	json_put_u64(&o, "id", id);
	json_put_bool(&o, "ok", true);
	json_put_u64(&o, "count", count);
	if (extra && *extra) {
		json_out_bytes(&o, ",", 1);
		json_out_bytes(&o, extra, strlen(extra));
	}
	return finish(&o);
}

int relay_write_error(char *out, size_t size, uint64_t id, const char *error)
{
	struct json_out o;

	begin(&o, out, size, "e", "reply");
	json_put_u64(&o, "id", id);
	json_put_bool(&o, "ok", false);
	put_text(&o, "error", error, sizeof(((struct relay_event *)NULL)->error) - 1);
	return finish(&o);
}

int relay_command_write(char *out, size_t size, const struct relay_command *c)
{
	struct json_out o;

	begin(&o, out, size, "c", relay_command_names[c->type]);
	if (c->id)
		json_put_u64(&o, "id", c->id);
	put_text_if_any(&o, "alloc", c->alloc, RELAY_ID_LEN);
	put_text_if_any(&o, "call", c->call, TURN_CALL_ID_LEN);
	put_text_if_any(&o, "user", c->user, TURN_USER_ID_MAX);
	put_text_if_any(&o, "reason", c->reason, RELAY_REASON_MAX);
	return finish(&o);
}
