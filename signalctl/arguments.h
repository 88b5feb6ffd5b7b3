/* arguments.h - the command line, read by the table of commands
 *
 * Options that every command has may stand before the command and behind it. Pure but for
 * getopt()'s own state. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "signalctl.h"

/* What is to be done instead of a command, or with it. */
enum arguments_ask { ARGUMENTS_RUN, ARGUMENTS_HELP, ARGUMENTS_VERSION, ARGUMENTS_COMPLETION };

/* Options that every command has. */
struct arguments_global {
	const char *config; /* NULL: not given */
	bool json;
	enum arguments_ask ask;
};

#define ARGUMENTS_GLOBAL_N 5
extern const struct signalctl_option arguments_global[ARGUMENTS_GLOBAL_N + 1];
extern const char arguments_letters[ARGUMENTS_GLOBAL_N]; /* 0: without one */

/* Read argv (which getopt may sort). *command is NULL when none was named, which is right only for
 * an ask without one. Returns 0, or -EINVAL with a line for people in err. */
int arguments_read(int argc, char **argv, struct arguments_global *global,
		   const struct signalctl_command **command, struct arguments *out, char *err,
		   size_t err_size);

/* How many operands a row's words mean. */
void arguments_count(const char *words, size_t *min, size_t *max);

/* Is text what the word means? "a|b" is one of these, a word in capitals ("FILE", "IP|auto") any
 * text. */
bool arguments_choice(const char *words, const char *text);

#endif
