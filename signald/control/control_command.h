/* control_command.h - the lines that clients of the control socket write
 *
 * One JSON object a line, as on turnserver's admin socket; PROTOCOL.md says what each command does
 * and answers. Pure; loop thread only. */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calls/call.h"
#include "json_text.h"
#include "line_fields.h"

enum control_command_type {
	CONTROL_HELP,
	CONTROL_STATUS,
	CONTROL_CALLS,
	CONTROL_CALL,
	CONTROL_USERS,
	CONTROL_USER,
	CONTROL_END,
	CONTROL_KICK,
	CONTROL_ROTATE,
	CONTROL_COMMANDS_N
};

/* What a client asks. Texts that are "" were not given; filters that are "" match everything. */
struct control_command {
	enum control_command_type type;
	uint64_t id; /* echoed in the reply; 0 without */
	char call[TURN_CALL_ID_LEN + 1];
	char user[TURN_USER_ID_MAX + 1];
	char room[CALL_ROOM_NAME_MAX + 1];
	char state[16];			  /* calls: "" or one of call_state_name() */
	char reason[CALL_REASON_MAX + 1]; /* end, kick: for the log */
	bool ended;			  /* calls: those that have ended, too */
};

/* Read one command; a user may also be a JSON integer. A member that is not of this command, known
 * or not, is an error, and so is one that comes twice.
 * Returns 0, -EINVAL with *err (a constant text for the reply) and the command's id, if it had one,
 * in c->id. */
int control_command_parse(const char *line, size_t n, struct control_command *c, const char **err);

/* Write one command line, which control_command_parse() takes if c is one that it makes. Returns
 * the length, -ENOBUFS. */
int control_command_write(char *out, size_t size, const struct control_command *c);

/* The table of commands, an array of objects, as `help` shows it. */
void control_put_commands(struct json_out *o);

#endif
