/* options.c - the loader's command line, one table */
#include "options.h"

#include <errno.h>
#include <stdlib.h>

#include "arguments.h"

const char *const mode_names[] = { "setup", "relay", NULL };
const char *const transport_names[] = { "udp", "tcp", "tls", NULL };

static const struct argument_row rows[] = {
#define AT(field) offsetof(struct options, field)
	{ "mode", ARG_WORD, AT(mode), 0, 0, mode_names, "setup or relay (setup)" },
	{ "transport", ARG_WORD, AT(transport), 0, 0, transport_names,
	  "udp, tcp or tls, to the server (udp)" },
	{ "port", ARG_NUMBER, AT(port), 1, 65535, NULL, "of the server, on 127.0.0.1" },
	{ "server-pid", ARG_NUMBER, AT(server_pid), 1, 4194304, NULL,
	  "whose CPU and memory to report" },
	{ "allocations", ARG_NUMBER, AT(allocations), 1, 60000, NULL, "with a channel each (8)" },
	{ "some", ARG_NUMBER, AT(some), 0, 60000, NULL,
	  "setup: stop after so many first and look at the server (0)" },
	{ "rate", ARG_NUMBER, AT(rate), 0, 100000, NULL,
	  "allocations begun a second; 0: as fast as they go (0)" },
	{ "opening", ARG_NUMBER, AT(opening), 1, 10000, NULL, "of them at once (32)" },
	{ "sources", ARG_NUMBER, AT(sources), 1, 65000, NULL,
	  "addresses 127.0.0.1 and so on they come from, in turn (1000)" },
	{ "peer", ARG_TEXT, AT(peer), 0, 0, NULL,
	  "address of the peers, not one the server relays from (127.0.0.9)" },
	{ "size", ARG_NUMBER, AT(size), 16, 1400, NULL, "bytes of a packet (172)" },
	{ "packets-rate", ARG_NUMBER, AT(packets_rate), 0, 1000000, NULL,
	  "packets a second each way, of all; 0: as many as go (0)" },
	{ "window", ARG_NUMBER, AT(window), 1, 1000, NULL,
	  "packets of an allocation under way when that is 0 (16)" },
	{ "count", ARG_NUMBER, AT(count), 0, 100000000, NULL,
	  "packets back, of all, then the end; 0: by the clock (0)" },
	{ "settle-ms", ARG_NUMBER, AT(settle_ms), 0, 60000, NULL,
	  "silence before the server is looked at (0)" },
	{ "warmup-ms", ARG_NUMBER, AT(warmup_ms), 0, 60000, NULL, "relay: not measured (500)" },
	{ "duration-ms", ARG_NUMBER, AT(duration_ms), 1, 200000, NULL, "relay: measured (3000)" },
	{ "limit-ms", ARG_NUMBER, AT(limit_ms), 1, 3600000, NULL, "for everything (120000)" },
	{ "hold", ARG_FLAG, AT(hold), 0, 0, NULL, "after the result, until SIGTERM" },
#undef AT
};

static const struct options defaults = {
	.allocations = 8,
	.opening = 32,
	.sources = 1000,
	.peer = "127.0.0.9",
	.size = 172,
	.window = 16,
	.warmup_ms = 500,
	.duration_ms = 3000,
	.limit_ms = 120000,
};

static const struct argument_table table = {
	.program = "turn-load",
	.usage = "TURN_SECRET=SECRET turn-load --port N [--OPTION [VALUE]]...",
	.rows = rows,
	.n = sizeof(rows) / sizeof(rows[0]),
};

int options_read(struct options *o, int argc, char **argv)
{
	*o = defaults;
	if (arguments_read(&table, o, argc, argv))
		return -EINVAL;
	if (!getenv("TURN_SECRET"))
		return arguments_refuse(&table, "TURN_SECRET is not set", "");
	return o->port ? 0 : arguments_refuse(&table, "--port is missing", "");
}
