/* commands.c - the table that help, completion and the manual's check are made from */
#include "signalctl.h"

#include <string.h>

const struct signalctl_command signalctl_commands[] = {
	{ "status", "", "Show how signald and its turnserver are, and what to do next", NULL,
	  cmd_status },
	{ "calls", "", "List the calls there are", options_calls, cmd_calls },
	{ "call", "CALL", "Show all of one call; the beginning of its id is enough", NULL,
	  cmd_call },
	{ "end", "CALL", "End a call", options_reason, cmd_end },
	{ "users", "", "List who is connected", NULL, cmd_users },
	{ "kick", "USER", "End a user's part in calls and close its connections", options_reason,
	  cmd_kick },
	{ "secrets", "list|rotate",
	  "List the shared secrets, never what they are; or make a new one", NULL, cmd_secrets },
	{ "token", "USER", "Print a client's token, for auth = token", options_token, cmd_token },
	{ "credentials", "USER", "Print a TURN user name and password, and how to try them",
	  options_credentials, cmd_credentials },
	{ "setup", "", "Write configurations of turnserver and signald that agree", options_setup,
	  cmd_setup },
	{ "certificates", "",
	  "Copy a certificate and its key for both daemons, and have them read it",
	  options_certificates, cmd_certificates },
	{ "check", "", "Look at everything that may be wrong with an installation", options_check,
	  cmd_check },
	{ "try", "", "Make a call between two built-in clients, relayed: does all of it work?",
	  options_try, cmd_try },
	{ .name = NULL },
};

const struct signalctl_command *signalctl_command_find(const char *name)
{
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
