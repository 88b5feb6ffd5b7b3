/* control_command.c - two tables: what a member is called and where it goes, and which members a
 * command takes and needs */
#include "control/control_command.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* --- members ---------------------------------------------------------------------- */

/* Also of calls that have ended. */
static int read_state(struct json_slice v, void *to, size_t size)
{
	if (json_string(v, to, size) < 0)
		return -EINVAL;
	for (int s = CALL_INITIATED; s <= CALL_ENDED; s++)
		if (strcmp(call_state_name((enum call_state)s), to) == 0)
			return 0;
	return -EINVAL;
}

/* For people, in the log. */
static int read_reason(struct json_slice v, void *to, size_t size)
{
	int n = json_string(v, to, size);

	for (int i = 0; i < n; i++)
		if (iscntrl(((const unsigned char *)to)[i]))
			return -EINVAL;
	return n < 0 ? -EINVAL : 0;
}

static int read_room(struct json_slice v, void *to, size_t size)
{
	int n = json_string(v, to, size);

	return n >= 0 && call_room_name_valid(to, (size_t)n) ? 0 : -EINVAL;
}

/* The command's name, which open_line() has read. */
static int read_nothing(struct json_slice v, void *to, size_t size)
{
	(void)v;
	(void)to;
	(void)size;
	return 0;
}

/* Bits of the rows below. */
enum {
	ID = 1 << 0,
	CALL = 1 << 1,
	USER = 1 << 2,
	ROOM = 1 << 3,
	STATE = 1 << 4,
	REASON = 1 << 5,
	ENDED = 1 << 6,
	NAME = 1 << 7,
};

#define ROW(key, read, member, error)                                                              \
	{                                                                                          \
		key, read, MEMBER(struct control_command, member), false, error                    \
	}

static const struct field members[] = {
	ROW("id", read_u64, id, "id is not a whole number"),
	ROW("call", read_call, call, "call is not a call id"),
	ROW("user", read_user, user, "user is not a user id"),
	ROW("room", read_room, room, "room is not the name of a room"),
	ROW("state", read_state, state, "state is none of initiated, ringing, active, ended"),
	ROW("reason", read_reason, reason, "reason is not a text of up to 64 bytes"),
	ROW("ended", read_bool, ended, "ended is neither true nor false"),
	{ "c", read_nothing, 0, 0, false, NULL },
};

/* --- commands --------------------------------------------------------------------- */

static const struct command {
	const char *name;
	unsigned takes, needs; /* beside id and c */
	const char *needs_what;
	const char *does;
} commands[CONTROL_COMMANDS_N] = {
	[CONTROL_HELP] = { "help", 0, 0, NULL, "shows these commands" },
	[CONTROL_STATUS] = { "status", 0, 0, NULL, "shows how signald is" },
	[CONTROL_CALLS] = { "calls", USER | ROOM | STATE | ENDED, 0, NULL,
			    "lists calls; ended: also those that have ended" },
	[CONTROL_CALL] = { "call", CALL, CALL, "call needs call", "shows one call" },
	[CONTROL_USERS] = { "users", 0, 0, NULL, "lists who is connected" },
	[CONTROL_USER] = { "user", USER, USER, "user needs user",
			   "shows one user's sockets and calls" },
	[CONTROL_END] = { "end", CALL | REASON, CALL, "end needs call", "ends a call" },
	[CONTROL_KICK] = { "kick", USER | REASON, USER, "kick needs user",
			   "ends a user's part in calls and closes the user's connections" },
	[CONTROL_ROTATE] = { "rotate", 0, 0, NULL, "puts a new secret into auth-secret-file" },
};

static int find_command(const char *name)
{
	for (int i = 0; i < CONTROL_COMMANDS_N; i++)
		if (strcmp(commands[i].name, name) == 0)
			return i;
	return -EINVAL;
}

static int refuse(const char **err, const char *text)
{
	*err = text;
	return -EINVAL;
}

int control_command_parse(const char *line, size_t n, struct control_command *c, const char **err)
{
	struct json_slice object, v;
	const struct command *command;
	struct fields_read read;
	char name[16];
	int r;

	memset(c, 0, sizeof(*c));
	if (open_line(line, n, "c", name, sizeof(name), &object) < 0)
		return refuse(err, "not a JSON object with \"c\"; {\"c\":\"help\"} shows commands");
	if (json_member(object, "id", &v))
		json_u64(v, &c->id); /* first: also an error is told which command it was */
	r = find_command(name);
	if (r < 0)
		return refuse(err, "unknown command; {\"c\":\"help\"} shows them");
	c->type = (enum control_command_type)r;
	command = &commands[r];
	r = read_fields(object, members, COUNT(members), c, &read);
	if (r < 0)
		return refuse(err, r == -EEXIST ? "a member comes twice" : read.wrong->error);
	if (read.unknown || (read.seen & ~(command->takes | ID | NAME)))
		return refuse(err, "this command does not take one of its members");
	if ((read.seen & command->needs) != command->needs)
		return refuse(err, command->needs_what);
	return 0;
}

int control_command_write(char *out, size_t size, const struct control_command *c)
{
	struct json_out o;

	begin_line(&o, out, size, "c", commands[c->type].name);
	if (c->id)
		json_put_u64(&o, "id", c->id);
	put_text_if_any(&o, "call", c->call, TURN_CALL_ID_LEN);
	put_text_if_any(&o, "user", c->user, TURN_USER_ID_MAX);
	put_text_if_any(&o, "room", c->room, CALL_ROOM_NAME_MAX);
	put_text_if_any(&o, "state", c->state, sizeof(c->state) - 1);
	put_text_if_any(&o, "reason", c->reason, CALL_REASON_MAX);
	if (c->ended)
		json_put_bool(&o, "ended", true);
	return finish_line(&o);
}

static void put_members(struct json_out *o, const char *key, unsigned which)
{
	if (!which)
		return;
	json_out_key(o, key);
	json_out_open(o, '[');
	for (size_t i = 0; i < COUNT(members); i++)
		if (which & 1U << i)
			json_out_string(o, members[i].key);
	json_out_close(o, ']');
}

void control_put_commands(struct json_out *o)
{
	json_out_open(o, '[');
	for (size_t i = 0; i < CONTROL_COMMANDS_N; i++) {
		json_out_open(o, '{');
		json_put_string(o, "c", commands[i].name);
		put_members(o, "needs", commands[i].needs);
		put_members(o, "takes", commands[i].takes & ~commands[i].needs);
		json_put_string(o, "does", commands[i].does);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}
