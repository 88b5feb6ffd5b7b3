/* relay_event.c - the lines of turnserver, read
 *
 * What a member is called and where it goes stands in tables, one for each kind
 * of line. Who sends what when is left to coturn-ext and to signald's feed. */
#include "relay_priv.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* The order of the totals in their array. */
static const size_t total_at[RELAY_TOTALS_N] = {
	offsetof(struct relay_totals, client_received_packets),
	offsetof(struct relay_totals, client_received_bytes),
	offsetof(struct relay_totals, client_sent_packets),
	offsetof(struct relay_totals, client_sent_bytes),
	offsetof(struct relay_totals, peer_received_packets),
	offsetof(struct relay_totals, peer_received_bytes),
	offsetof(struct relay_totals, peer_sent_packets),
	offsetof(struct relay_totals, peer_sent_bytes),
	offsetof(struct relay_totals, dropped_packets),
	offsetof(struct relay_totals, dropped_bytes),
	offsetof(struct relay_totals, wire_bytes),
};

static uint64_t *total(struct relay_totals *t, size_t i)
{
	return (uint64_t *)(void *)((char *)t + total_at[i]);
}

uint64_t relay_total_value(const struct relay_totals *t, size_t i)
{
	uint64_t v;

	memcpy(&v, (const char *)t + total_at[i], sizeof(v));
	return v;
}

uint64_t relay_total_clamp(uint64_t v, bool *saturated)
{
	if (v < RELAY_TOTAL_MAX)
		return v;
	*saturated = true;
	return RELAY_TOTAL_MAX;
}

void relay_totals_add(struct relay_totals *sum, const struct relay_totals *t)
{
	sum->saturated |= t->saturated;
	for (size_t i = 0; i < RELAY_TOTALS_N; i++) {
		uint64_t a = relay_total_clamp(relay_total_value(sum, i), &sum->saturated);
		uint64_t b = relay_total_clamp(relay_total_value(t, i), &sum->saturated);

		*total(sum, i) = relay_total_clamp(a + b, &sum->saturated);
	}
}

/* --- read members ----------------------------------------------------------------- */

static int read_u32(struct json_slice v, void *to, size_t size)
{
	uint64_t u;
	uint32_t u32;

	if (json_u64(v, &u) < 0 || u > UINT32_MAX)
		return -EINVAL;
	u32 = (uint32_t)u;
	memcpy(to, &u32, size);
	return 0;
}

/* Only ever sets: totals above the maximum say the same without a flag. */
static int read_saturated(struct json_slice v, void *to, size_t size)
{
	if (json_type(v) != JSON_BOOL)
		return -EINVAL;
	return json_is_true(v) ? read_bool(v, to, size) : 0;
}

static int read_total(struct json_slice v, uint64_t *to, bool *saturated)
{
	uint64_t u = 0;
	int r = json_u64(v, &u);

	if (r == -ERANGE)
		u = UINT64_MAX;
	else if (r < 0)
		return r;
	*to = relay_total_clamp(u, saturated);
	return 0;
}

/* The totals that follow in it; more may come after them. */
static int take_totals(struct json_iter *it, struct relay_totals *t)
{
	struct json_slice v;

	for (size_t i = 0; i < RELAY_TOTALS_N; i++)
		if (!json_next(it, NULL, &v) || read_total(v, total(t, i), &t->saturated) < 0)
			return -EINVAL;
	return 0;
}

static int read_totals(struct json_slice v, void *to, size_t size)
{
	struct json_iter it = json_iter(v);

	(void)size;
	return json_type(v) == JSON_ARRAY ? take_totals(&it, to) : -EINVAL;
}

/* [id, totals, true when saturated] */
static int read_row(struct json_slice v, struct relay_usage_row *row)
{
	struct json_iter it = json_iter(v);
	struct json_slice item;

	memset(row, 0, sizeof(*row));
	if (json_type(v) != JSON_ARRAY || !json_next(&it, NULL, &item))
		return -EINVAL;
	if (read_alloc_id(item, row->id, sizeof(row->id)) < 0 || take_totals(&it, &row->totals) < 0)
		return -EINVAL;
	if (json_next(&it, NULL, &item) && json_is_true(item))
		row->totals.saturated = true;
	return 0;
}

static int read_rows(struct json_slice v, void *to, size_t size)
{
	struct json_iter it = json_iter(v);
	struct relay_event *ev = to;

	(void)size;
	if (json_type(v) != JSON_ARRAY)
		return -EINVAL;
	for (ev->rows_n = 0; json_next(&it, NULL, &v); ev->rows_n++)
		if (ev->rows_n == RELAY_USAGE_ROWS || read_row(v, &ev->rows[ev->rows_n]) < 0)
			return -EINVAL;
	return 0;
}

/* [id, check] */
static int read_secret(struct json_slice v, struct relay_secret *s)
{
	struct json_iter it = json_iter(v);
	struct json_slice id, check;

	if (json_type(v) != JSON_ARRAY || !json_next(&it, NULL, &id) ||
	    !json_next(&it, NULL, &check))
		return -EINVAL;
	if (read_id(id, s->id, sizeof(s->id)) < 0)
		return -EINVAL;
	return read_id(check, s->check, sizeof(s->check));
}

static int read_secrets(struct json_slice v, void *to, size_t size)
{
	struct json_iter it = json_iter(v);
	struct relay_event *ev = to;

	(void)size;
	if (json_type(v) != JSON_ARRAY)
		return -EINVAL;
	for (; json_next(&it, NULL, &v); ev->secrets_n++)
		if (ev->secrets_n == SECRETS_MAX || read_secret(v, &ev->secrets[ev->secrets_n]) < 0)
			return -EINVAL;
	return 0;
}

/* --- read events ------------------------------------------------------------------ */

#define FIELD(key, read, member)                                                                   \
	{                                                                                          \
		key, read, MEMBER(struct relay_event, member), false, NULL                         \
	}
#define REQUIRED(key, read, member)                                                                \
	{                                                                                          \
		key, read, MEMBER(struct relay_event, member), true, NULL                          \
	}

static const struct field hello_fields[] = {
	REQUIRED("epoch", read_id, hello.epoch),
	FIELD("minor", read_u32, hello.minor),
	FIELD("version", read_text, hello.version),
	FIELD("base", read_text, hello.base),
	FIELD("ledger_checked", read_text, hello.ledger_checked),
	FIELD("ledger_date", read_text, hello.ledger_date),
	FIELD("threads", read_u32, hello.relay_threads),
	FIELD("interval_ms", read_u32, hello.interval_ms),
	REQUIRED("seq", read_u64, hello.seq),
	FIELD("live", read_u64, hello.live),
};

/* Of snap; new has all but the last two. */
static const struct field allocation_fields[] = {
	REQUIRED("seq", read_u64, seq),
	REQUIRED("id", read_alloc_id, alloc.id),
	REQUIRED("name", read_text, alloc.name),
	FIELD("realm", read_text, alloc.realm),
	FIELD("secret", read_text, alloc.secret),
	FIELD("shared", read_bool, alloc.shared),
	FIELD("transport", read_text, alloc.transport),
	FIELD("relay_transport", read_text, alloc.relay_transport),
	FIELD("client", read_text, alloc.client),
	FIELD("relayed", read_text, alloc.relayed),
	FIELD("relayed6", read_text, alloc.relayed6),
	FIELD("lifetime_s", read_u32, alloc.lifetime_s),
	FIELD("age_ms", read_u64, alloc.age_ms),
	REQUIRED("totals", read_totals, totals),
	FIELD("sat", read_saturated, totals.saturated),
};

static const struct field synced_fields[] = {
	REQUIRED("seq", read_u64, seq),
	FIELD("live", read_u64, hello.live),
};

static const struct field usage_fields[] = {
	FIELD("skipped", read_u64, skipped),
	{ "s", read_rows, 0, 0, true, NULL },
};

static const struct field end_fields[] = {
	REQUIRED("epoch", read_id, epoch),	  REQUIRED("seq", read_u64, seq),
	REQUIRED("id", read_alloc_id, alloc.id),  REQUIRED("name", read_text, alloc.name),
	FIELD("realm", read_text, alloc.realm),	  FIELD("secret", read_text, alloc.secret),
	FIELD("shared", read_bool, alloc.shared), FIELD("client", read_text, alloc.client),
	FIELD("age_ms", read_u64, alloc.age_ms),  REQUIRED("ended_ms", read_u64, ended_ms),
	REQUIRED("totals", read_totals, totals),  FIELD("sat", read_saturated, totals.saturated),
	REQUIRED("exact", read_bool, exact),	  FIELD("reason", read_text, reason),
};

static const struct field sum_fields[] = {
	REQUIRED("epoch", read_id, epoch),	 REQUIRED("seq", read_u64, seq),
	FIELD("call", read_call, call),		 REQUIRED("ends", read_u64, ends),
	REQUIRED("from_ms", read_u64, from_ms),	 REQUIRED("to_ms", read_u64, to_ms),
	REQUIRED("totals", read_totals, totals), FIELD("sat", read_saturated, totals.saturated),
	REQUIRED("exact", read_bool, exact),
};

static const struct field denied_fields[] = {
	FIELD("user", read_text, user),
	FIELD("call", read_call, call),
	REQUIRED("reason", read_text, reason),
	FIELD("client", read_text, client),
	REQUIRED("n", read_u64, n),
};

static const struct field secrets_fields[] = {
	{ "ids", read_secrets, 0, 0, true, NULL },
};

static const struct field drain_fields[] = {
	REQUIRED("on", read_bool, on),
};

static const struct field reply_fields[] = {
	FIELD("id", read_u64, command_id),
	REQUIRED("ok", read_bool, ok),
	FIELD("error", read_text, error),
	FIELD("count", read_u64, count),
};

static const struct event_kind {
	const char *name;
	enum relay_event_type type;
	const struct field *fields;
	size_t fields_n;
} event_kinds[] = {
	{ "hello", RELAY_HELLO, hello_fields, COUNT(hello_fields) },
	{ "snap", RELAY_SNAP, allocation_fields, COUNT(allocation_fields) },
	{ "synced", RELAY_SYNCED, synced_fields, COUNT(synced_fields) },
	{ "new", RELAY_NEW, allocation_fields, COUNT(allocation_fields) - 2 },
	{ "usage", RELAY_USAGE, usage_fields, COUNT(usage_fields) },
	{ "end", RELAY_END, end_fields, COUNT(end_fields) },
	{ "sum", RELAY_SUM, sum_fields, COUNT(sum_fields) },
	{ "denied", RELAY_DENIED, denied_fields, COUNT(denied_fields) },
	{ "secrets", RELAY_SECRETS, secrets_fields, COUNT(secrets_fields) },
	{ "drain", RELAY_DRAIN, drain_fields, COUNT(drain_fields) },
	{ "reply", RELAY_REPLY, reply_fields, COUNT(reply_fields) },
};

static const struct event_kind *find_event_kind(const char *name)
{
	for (size_t i = 0; i < COUNT(event_kinds); i++)
		if (strcmp(event_kinds[i].name, name) == 0)
			return &event_kinds[i];
	return NULL;
}

/* Before anything else of a hello: another version may look different. */
static int check_version(struct json_slice line, struct relay_hello *h)
{
	struct json_slice v;
	uint64_t major;

	if (!json_member(line, "v", &v) || json_u64(v, &major) < 0)
		return -EINVAL;
	h->major = major < UINT_MAX ? (unsigned)major : UINT_MAX;
	return major == RELAY_PROTOCOL_MAJOR ? 0 : -EPROTO;
}

int relay_event_parse(const char *line, size_t n, struct relay_event *ev)
{
	const struct event_kind *kind;
	struct fields_read read;
	struct json_slice object;
	char name[16];
	int r;

	memset(ev, 0, sizeof(*ev));
	ev->type = RELAY_OTHER;
	if (open_line(line, n, "e", name, sizeof(name), &object) < 0)
		return -EINVAL;
	kind = find_event_kind(name);
	if (!kind)
		return 0;
	ev->type = kind->type;
	if (kind->type == RELAY_HELLO) {
		r = check_version(object, &ev->hello);
		if (r < 0)
			return r;
	}
	return read_fields(object, kind->fields, kind->fields_n, ev, &read) < 0 ? -EINVAL : 0;
}
