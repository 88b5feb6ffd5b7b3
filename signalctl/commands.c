/* commands.c - the table that help, completion and the manual's check are made from */
#include "signalctl.h"

#include <string.h>

const struct signalctl_command signalctl_commands[] = {
	{ "status", "", "Show how signald and its turnserver are", NULL, cmd_status },
	{ .name = NULL },
};

const struct signalctl_command *signalctl_command_find(const char *name)
{
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
