/* help.c - see help.h */
#include "help.h"

#include <string.h>

#include "arguments.h"

#define LEFT 30 /* columns of what is explained */

static void put_row(FILE *out, const char *left, const char *help)
{
	if (strlen(left) > LEFT - 2)
		fprintf(out, "  %s\n  %-*s%s\n", left, LEFT, "", help);
	else
		fprintf(out, "  %-*s%s\n", LEFT, left, help);
}

static void put_option(FILE *out, char letter, const struct signalctl_option *o)
{
	char left[128], first[8] = "";

	if (letter)
		snprintf(first, sizeof(first), "-%c, ", letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", first, o->name, o->argument ? " " : "",
		 o->argument ? o->argument : "");
	put_row(out, left, o->help);
}

static void put_commands(FILE *out)
{
	fputs("\nCommands:\n", out);
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++) {
		char left[128];

		snprintf(left, sizeof(left), "%s%s%s", c->name, *c->operands ? " " : "",
			 c->operands);
		put_row(out, left, c->help);
	}
}

static void put_globals(FILE *out)
{
	fputs("\nOptions of every command:\n", out);
	for (size_t i = 0; arguments_global[i].name; i++)
		put_option(out, arguments_letters[i], &arguments_global[i]);
}

void help_put(FILE *out, const struct signalctl_command *command)
{
	if (!command) {
		fputs("signalctl - sees, ends, sets up and checks the calls of signald\n\n"
		      "  signalctl [OPTION...] COMMAND [ARGUMENT...]\n",
		      out);
		put_commands(out);
		put_globals(out);
		fputs("\nExit status: 0 done; 1 it failed, or a check did; 2 wrong arguments or "
		      "configuration;\n3 signald cannot be reached; 4 no such call "
		      "or user.\n",
		      out);
		return;
	}
	fprintf(out, "%s\n\n  signalctl %s%s%s%s\n", command->help, command->name,
		*command->operands ? " " : "", command->operands,
		command->options ? " [OPTION...]" : "");
	if (command->options)
		fputs("\nOptions:\n", out);
	for (const struct signalctl_option *o = command->options; o && o->name; o++)
		put_option(out, 0, o);
	put_globals(out);
}
