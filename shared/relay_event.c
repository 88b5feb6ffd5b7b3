/* relay_event.c - the admin socket's lines, written and read
 *
 * What a member is called and where it goes stands in tables, one for each kind
 * of line. Who sends what when is left to coturn-ext and to signald's feed. */
#include "relay_event.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define LINE_DEPTH_MAX 16 /* ours need 3; the rest is room for what is newer */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The order of the eight totals in their array. */
static const size_t total_at[] = {
	offsetof(struct relay_totals, client_received_packets),
	offsetof(struct relay_totals, client_received_bytes),
	offsetof(struct relay_totals, client_sent_packets),
	offsetof(struct relay_totals, client_sent_bytes),
	offsetof(struct relay_totals, peer_received_packets),
	offsetof(struct relay_totals, peer_received_bytes),
	offsetof(struct relay_totals, peer_sent_packets),
	offsetof(struct relay_totals, peer_sent_bytes),
};

static uint64_t *total(struct relay_totals *t, size_t i)
{
	return (uint64_t *)(void *)((char *)t + total_at[i]);
}

static uint64_t total_value(const struct relay_totals *t, size_t i)
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
	for (size_t i = 0; i < COUNT(total_at); i++) {
		uint64_t a = relay_total_clamp(total_value(sum, i), &sum->saturated);
		uint64_t b = relay_total_clamp(total_value(t, i), &sum->saturated);

		*total(sum, i) = relay_total_clamp(a + b, &sum->saturated);
	}
}

/* --- write -------------------------------------------------------------------- */

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

	for (size_t i = 0; i < COUNT(total_at); i++)
		json_out_u64(o, relay_total_clamp(total_value(t, i), &saturated));
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

/* --- read members ----------------------------------------------------------------- */

/* Where a member goes: base + at, size bytes. */
struct field {
	const char *key;
	int (*read)(struct json_slice v, void *to, size_t size);
	size_t at, size;
	bool required;
	const char *error; /* for the one who sent it */
};

static int read_text(struct json_slice v, void *to, size_t size)
{
	return json_string(v, to, size) < 0 ? -EINVAL : 0;
}

static int read_id(struct json_slice v, void *to, size_t size)
{
	return json_string(v, to, size) < 1 ? -EINVAL : 0;
}

static int read_u64(struct json_slice v, void *to, size_t size)
{
	uint64_t u;

	if (json_u64(v, &u) < 0)
		return -EINVAL;
	memcpy(to, &u, size);
	return 0;
}

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

static int read_bool(struct json_slice v, void *to, size_t size)
{
	bool b = json_is_true(v);

	if (json_type(v) != JSON_BOOL)
		return -EINVAL;
	memcpy(to, &b, size);
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

/* The eight totals that follow in it; more may come after them. */
static int take_totals(struct json_iter *it, struct relay_totals *t)
{
	struct json_slice v;

	for (size_t i = 0; i < COUNT(total_at); i++)
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

/* [id, 8 totals, true when saturated] */
static int read_row(struct json_slice v, struct relay_usage_row *row)
{
	struct json_iter it = json_iter(v);
	struct json_slice item;

	memset(row, 0, sizeof(*row));
	if (json_type(v) != JSON_ARRAY || !json_next(&it, NULL, &item))
		return -EINVAL;
	if (read_id(item, row->id, sizeof(row->id)) < 0 || take_totals(&it, &row->totals) < 0)
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

static const struct field *find_field(const struct field *fields, size_t n, struct json_slice key)
{
	char text[32]; /* longer than all of ours */

	if (json_string(key, text, sizeof(text)) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, text) == 0)
			return &fields[i];
	return NULL;
}

static bool all_there(const struct field *fields, size_t n, uint32_t seen)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].required && !(seen >> i & 1))
			return false;
	return true;
}

/* Returns 0, or -EINVAL with *wrong: the field, or NULL when one is missing. */
static int read_fields(struct json_slice object, const struct field *fields, size_t n, void *base,
		       const struct field **wrong)
{
	struct json_iter it = json_iter(object);
	struct json_slice key, value;
	uint32_t seen = 0;

	while (json_next(&it, &key, &value)) {
		const struct field *f = find_field(fields, n, key);

		if (!f)
			continue;
		*wrong = f;
		if (f->read(value, (char *)base + f->at, f->size) < 0)
			return -EINVAL;
		seen |= 1U << (f - fields);
	}
	*wrong = NULL;
	return all_there(fields, n, seen) ? 0 : -EINVAL;
}

/* --- read events ------------------------------------------------------------------ */

#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)NULL)->member)
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
	FIELD("version", read_text, hello.version),
	FIELD("threads", read_u32, hello.relay_threads),
	FIELD("interval_ms", read_u32, hello.interval_ms),
	REQUIRED("seq", read_u64, hello.seq),
	FIELD("live", read_u64, hello.live),
};

/* Of snap; new has all but the last two. */
static const struct field allocation_fields[] = {
	REQUIRED("seq", read_u64, seq),
	REQUIRED("id", read_id, alloc.id),
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
	REQUIRED("seq", read_u64, seq),		 REQUIRED("id", read_id, alloc.id),
	FIELD("name", read_text, alloc.name),	 FIELD("age_ms", read_u64, alloc.age_ms),
	REQUIRED("totals", read_totals, totals), FIELD("sat", read_saturated, totals.saturated),
	FIELD("reason", read_text, reason),
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

/* The line as an object, and what its member "e" or "c" says. */
static int open_line(const char *line, size_t n, const char *kind, char *name, size_t size,
		     struct json_slice *object)
{
	struct json_slice v;

	if (n >= RELAY_LINE_MAX || json_check(line, n, LINE_DEPTH_MAX) < 0)
		return -EINVAL;
	*object = json_trim(line, n);
	if (!json_member(*object, kind, &v) || json_type(v) != JSON_STRING)
		return -EINVAL;
	if (json_string(v, name, size) < 0)
		*name = '\0'; /* longer than all of ours */
	return 0;
}

int relay_event_parse(const char *line, size_t n, struct relay_event *ev)
{
	const struct event_kind *kind;
	const struct field *wrong;
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
	return read_fields(object, kind->fields, kind->fields_n, ev, &wrong);
}

/* --- commands --------------------------------------------------------------------- */

static int read_call(struct json_slice v, void *to, size_t size)
{
	int n = json_string(v, to, size);

	return n >= 0 && turn_call_id_valid(to, (size_t)n) ? 0 : -EINVAL;
}

/* Ids compare as text, so whoever types 7 means "7". */
static int read_user(struct json_slice v, void *to, size_t size)
{
	char *text = to;
	int n;

	if (json_type(v) == JSON_NUMBER && v.n < size) {
		memcpy(text, v.p, v.n);
		text[v.n] = '\0';
		return text[strcspn(text, ".eE")] ? -EINVAL : 0;
	}
	n = json_string(v, text, size);
	return n >= 0 && turn_user_id_valid(text, (size_t)n) ? 0 : -EINVAL;
}

#define COMMAND(key, read, member, error)                                                          \
	{                                                                                          \
		key, read, MEMBER(struct relay_command, member), false, error                      \
	}

static const struct field command_fields[] = {
	COMMAND("id", read_u64, id, "id is not a whole number"),
	COMMAND("alloc", read_id, alloc, "alloc is not an allocation id"),
	COMMAND("call", read_call, call, "call is not a call id"),
	COMMAND("user", read_user, user, "user is not a user id"),
	COMMAND("reason", read_text, reason, "reason is not a text of up to 63 bytes"),
};

static const char *const command_names[] = {
	[RELAY_SUB] = "sub",
	[RELAY_LIST] = "list",
	[RELAY_STATS] = "stats",
	[RELAY_KILL] = "kill",
};

static int find_command(const char *name)
{
	for (size_t i = 0; i < COUNT(command_names); i++)
		if (strcmp(command_names[i], name) == 0)
			return (int)i;
	return -EINVAL;
}

static int refuse(const char **err, const char *text)
{
	*err = text;
	return -EINVAL;
}

int relay_command_parse(const char *line, size_t n, struct relay_command *c, const char **err)
{
	const struct field *wrong;
	struct json_slice object, v;
	char name[16];
	int type;

	memset(c, 0, sizeof(*c));
	if (open_line(line, n, "c", name, sizeof(name), &object) < 0)
		return refuse(err, "not a JSON object with \"c\"");
	if (json_member(object, "id", &v))
		json_u64(v, &c->id); /* first: also an error is told which command it was */
	type = find_command(name);
	if (type < 0)
		return refuse(err, "unknown command");
	c->type = (enum relay_command_type)type;
	if (read_fields(object, command_fields, COUNT(command_fields), c, &wrong) < 0)
		return refuse(err, wrong->error);
	if (c->type == RELAY_KILL && !*c->alloc && !*c->call && !*c->user)
		return refuse(err, "kill needs alloc, call or user");
	return 0;
}

int relay_command_write(char *out, size_t size, const struct relay_command *c)
{
	struct json_out o;

	begin(&o, out, size, "c", command_names[c->type]);
	if (c->id)
		json_put_u64(&o, "id", c->id);
	put_text_if_any(&o, "alloc", c->alloc, RELAY_ID_LEN);
	put_text_if_any(&o, "call", c->call, TURN_CALL_ID_LEN);
	put_text_if_any(&o, "user", c->user, TURN_USER_ID_MAX);
	put_text_if_any(&o, "reason", c->reason, RELAY_REASON_MAX);
	return finish(&o);
}
