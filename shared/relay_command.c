/* relay_command.c - the lines that clients of the admin socket write, both ways
 *
 * Two tables: what a member is called and where it goes, and which members a
 * command takes and needs. */
#include "relay_command.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "relay_priv.h"

/* --- values ----------------------------------------------------------------------- */

/* Any spelling of an address; ours is the one addresses are printed in. */
static int read_ip(struct json_slice v, void *to, size_t size)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[RELAY_IP_MAX];
	int family;

	if (json_string(v, text, sizeof(text)) < 0)
		return -EINVAL;
	family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, text, address) != 1)
		return -EINVAL;
	return inet_ntop(family, address, to, (socklen_t)size) ? 0 : -EINVAL;
}

/* What a number of JavaScript can hold, as all our numbers. */
static int read_amount(struct json_slice v, void *to, size_t size)
{
	uint64_t u;

	if (json_u64(v, &u) < 0 || u > RELAY_TOTAL_MAX)
		return -EINVAL;
	memcpy(to, &u, size);
	return 0;
}

static int read_limit(struct json_slice v, void *to, size_t size)
{
	struct relay_limit_value *limit = to;

	(void)size;
	limit->set = true;
	limit->to_default = json_type(v) == JSON_NULL;
	if (limit->to_default)
		return 0;
	return read_amount(v, &limit->v, sizeof(limit->v));
}

/* The command's name, which open_line() has read. */
static int read_nothing(struct json_slice v, void *to, size_t size)
{
	(void)v;
	(void)to;
	(void)size;
	return 0;
}

static int read_role(struct json_slice v, void *to, size_t size)
{
	char text[8];
	bool ledger;

	if (json_string(v, text, sizeof(text)) < 0)
		return -EINVAL;
	ledger = strcmp(text, "ledger") == 0;
	memcpy(to, &ledger, size);
	return ledger || strcmp(text, "watch") == 0 ? 0 : -EINVAL;
}

static const char *const each_names[RELAY_EACH_N] = {
	[RELAY_EACH_NONE] = "",	  [RELAY_EACH_USER] = "user",	  [RELAY_EACH_CALL] = "call",
	[RELAY_EACH_TAG] = "tag", [RELAY_EACH_CLIENT] = "client",
};

static int read_each(struct json_slice v, void *to, size_t size)
{
	char text[8];

	if (json_string(v, text, sizeof(text)) < 0)
		return -EINVAL;
	for (unsigned i = RELAY_EACH_NONE + 1; i < RELAY_EACH_N; i++)
		if (strcmp(each_names[i], text) == 0) {
			enum relay_each each = (enum relay_each)i;

			memcpy(to, &each, size);
			return 0;
		}
	return -EINVAL;
}

#define ROW(key, read, member, required, error)                                                    \
	{                                                                                          \
		key, read, MEMBER(struct relay_command, member), required, error                   \
	}

/* A ledger's last record: an object in a command. */
static const struct field from_fields[] = {
	ROW("epoch", read_id, epoch, true, NULL),
	ROW("seq", read_u64, seq, true, NULL),
};

static int read_from(struct json_slice v, void *to, size_t size)
{
	struct fields_read read;

	(void)size;
	if (json_type(v) != JSON_OBJECT)
		return -EINVAL;
	return read_fields(v, from_fields, COUNT(from_fields), to, &read);
}

/* --- members ---------------------------------------------------------------------- */

/* Bits of the rows below. */
enum {
	ID = 1 << 0,
	ALLOC = 1 << 1,
	CALL = 1 << 2,
	USER = 1 << 3,
	CLIENT = 1 << 4,
	SECRET = 1 << 5,
	REASON = 1 << 6,
	UNTIL = 1 << 7,
	ROLE = 1 << 8,
	FROM = 1 << 9,
	EPOCH = 1 << 10,
	SEQ = 1 << 11,
	EACH = 1 << 12,
	ALLOCATIONS = 1 << 13,
	BYTES = 1 << 14,
	OFF = 1 << 15,
	NAME = 1 << 16,
};

static const struct field members[] = {
	ROW("id", read_u64, id, false, "id is not a whole number"),
	ROW("alloc", read_alloc_id, alloc, false, "alloc is not an allocation id"),
	ROW("call", read_call, call, false, "call is not a call id"),
	ROW("user", read_user, user, false, "user is not a user id"),
	ROW("client", read_ip, client, false, "client is not an IP address"),
	ROW("secret", read_id, secret, false, "secret is not the id of a secret"),
	ROW("reason", read_text, reason, false, "reason is not a text of up to 63 bytes"),
	ROW("until", read_amount, until_s, false, "until is not a time in seconds since 1970"),
	ROW("role", read_role, ledger, false, "role is neither watch nor ledger"),
	{ "from", read_from, 0, 0, false, "from is not an object with epoch and seq" },
	ROW("epoch", read_id, epoch, false, "epoch is not an epoch"),
	ROW("seq", read_u64, seq, false, "seq is not a whole number"),
	ROW("each", read_each, each, false, "each is none of user, call, tag, client"),
	ROW("allocations", read_limit, allocations, false,
	    "allocations is neither a whole number nor null"),
	ROW("bytes_per_s", read_limit, bytes_per_s, false,
	    "bytes_per_s is neither a whole number nor null"),
	ROW("off", read_bool, off, false, "off is neither true nor false"),
	{ "c", read_nothing, 0, 0, false, NULL },
};

/* --- commands --------------------------------------------------------------------- */

/* Of these members at least and at most so many. */
struct need {
	unsigned of;
	int min, max;
	const char *error; /* NULL: nothing is needed */
};

static const struct command {
	const char *name;
	unsigned takes; /* beside id and c */
	struct need needs[2];
} commands[RELAY_COMMANDS_N] = {
	[RELAY_SUB] = { "sub", ROLE | FROM, { { 0 } } },
	[RELAY_LIST] = { "list", ALLOC | CALL | USER | CLIENT | SECRET, { { 0 } } },
	[RELAY_STATS] = { "stats", 0, { { 0 } } },
	[RELAY_KILL] = { "kill",
			 ALLOC | CALL | USER | REASON,
			 { { ALLOC | CALL | USER, 1, 3, "kill needs alloc, call or user" } } },
	[RELAY_ACK] = { "ack", EPOCH | SEQ, { { EPOCH | SEQ, 2, 2, "ack needs epoch and seq" } } },
	[RELAY_REVOKE] = { "revoke",
			   CALL | USER | UNTIL | REASON,
			   { { CALL | USER, 1, 1, "revoke needs either call or user" },
			     { UNTIL, 1, 1, "revoke needs until" } } },
	[RELAY_UNREVOKE] = { "unrevoke",
			     CALL | USER,
			     { { CALL | USER, 1, 1, "unrevoke needs either call or user" } } },
	[RELAY_LIMIT] = { "limit",
			  CALL | USER | EACH | ALLOCATIONS | BYTES,
			  { { CALL | USER | EACH, 1, 1, "limit needs one of call, user, each" },
			    { ALLOCATIONS | BYTES, 1, 2,
			      "limit needs allocations or bytes_per_s" } } },
	[RELAY_DRAIN_NEW] = { "drain", OFF, { { 0 } } },
	[RELAY_RELOAD] = { "reload", 0, { { 0 } } },
};

static int find_command(const char *name)
{
	for (int i = 0; i < RELAY_COMMANDS_N; i++)
		if (strcmp(commands[i].name, name) == 0)
			return i;
	return -EINVAL;
}

static bool met(const struct need *need, unsigned seen)
{
	int n = __builtin_popcount(need->of & seen);

	return !need->error || (n >= need->min && n <= need->max);
}

/* NULL: the members that were seen make sense together. */
static const char *complaint(const struct command *command, const struct relay_command *c,
			     const struct fields_read *read)
{
	unsigned seen = read->seen;

	if (read->unknown || (seen & ~(command->takes | ID | NAME)))
		return "this command does not take one of its members";
	for (size_t i = 0; i < COUNT(command->needs); i++)
		if (!met(&command->needs[i], seen))
			return command->needs[i].error;
	if ((seen & FROM) && !c->ledger)
		return "from is for a ledger";
	return NULL;
}

static int refuse(const char **err, const char *text)
{
	*err = text;
	return -EINVAL;
}

int relay_command_parse(const char *line, size_t n, struct relay_command *c, const char **err)
{
	struct json_slice object, v;
	struct fields_read read;
	const char *wrong;
	char name[16];
	int r;

	memset(c, 0, sizeof(*c));
	if (open_line(line, n, "c", name, sizeof(name), &object) < 0)
		return refuse(err, "not a JSON object with \"c\"");
	if (json_member(object, "id", &v))
		json_u64(v, &c->id); /* first: also an error is told which command it was */
	r = find_command(name);
	if (r < 0)
		return refuse(err, "unknown command");
	c->type = (enum relay_command_type)r;
	r = read_fields(object, members, COUNT(members), c, &read);
	if (r < 0)
		return refuse(err, r == -EEXIST ? "a member comes twice" : read.wrong->error);
	wrong = complaint(&commands[c->type], c, &read);
	return wrong ? refuse(err, wrong) : 0;
}

/* --- written ---------------------------------------------------------------------- */

static void put_last_record(struct json_out *o, const struct relay_command *c)
{
	if (!c->epoch[0])
		return;
	if (c->type == RELAY_SUB) {
		json_out_key(o, "from");
		json_out_open(o, '{');
	}
	put_text(o, "epoch", c->epoch, RELAY_EPOCH_LEN);
	json_put_u64(o, "seq", c->seq);
	if (c->type == RELAY_SUB)
		json_out_close(o, '}');
}

static void put_limit(struct json_out *o, const char *key, const struct relay_limit_value *limit)
{
	const struct json_slice null = { "null", 4 };

	if (limit->to_default)
		json_put_raw(o, key, null);
	else if (limit->set)
		json_put_u64(o, key, limit->v);
}

int relay_command_write(char *out, size_t size, const struct relay_command *c)
{
	struct json_out o;

	begin_line(&o, out, size, "c", commands[c->type].name);
	if (c->id)
		json_put_u64(&o, "id", c->id);
	put_text_if_any(&o, "alloc", c->alloc, RELAY_ID_LEN);
	put_text_if_any(&o, "call", c->call, TURN_CALL_ID_LEN);
	put_text_if_any(&o, "user", c->user, TURN_USER_ID_MAX);
	put_text_if_any(&o, "client", c->client, RELAY_IP_MAX - 1);
	put_text_if_any(&o, "secret", c->secret, SECRET_ID_MAX);
	put_text_if_any(&o, "reason", c->reason, RELAY_REASON_MAX);
	if (c->type == RELAY_REVOKE)
		json_put_u64(&o, "until", c->until_s);
	if (c->ledger)
		json_put_string(&o, "role", "ledger");
	put_last_record(&o, c);
	if (c->each)
		json_put_string(&o, "each", each_names[c->each]);
	put_limit(&o, "allocations", &c->allocations);
	put_limit(&o, "bytes_per_s", &c->bytes_per_s);
	if (c->off)
		json_put_bool(&o, "off", true);
	return finish_line(&o);
}
