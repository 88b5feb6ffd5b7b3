/* relay_event.c - the admin socket's lines, read
 *
 * What a member is called and where it goes stands in tables, one for each kind
 * of line. Who sends what when is left to coturn-ext and to signald's feed. */
#include "relay_priv.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define LINE_DEPTH_MAX 16 /* ours need 3; the rest is room for what is newer */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The order of the eight totals in their array. */
static const size_t total_at[RELAY_TOTALS_N] = {
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

const char *const relay_command_names[RELAY_COMMANDS_N] = {
	[RELAY_SUB] = "sub",
	[RELAY_LIST] = "list",
	[RELAY_STATS] = "stats",
	[RELAY_KILL] = "kill",
};

static int find_command(const char *name)
{
	for (size_t i = 0; i < RELAY_COMMANDS_N; i++)
		if (strcmp(relay_command_names[i], name) == 0)
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
