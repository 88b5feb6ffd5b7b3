/* options.c - the loader's command line, one table */
#include "options.h"

#include <errno.h>

#include "arguments.h"

/* In the order of enum client_via. */
static const char *const vias[] = { "websocket", "polling", "upgrade", NULL };

static const struct argument_row rows[] = {
#define AT(field) offsetof(struct options, field)
	{ "port", ARG_NUMBER, AT(port), 1, 65535, NULL, "of the server, on 127.0.0.1" },
	{ "server-pid", ARG_NUMBER, AT(server_pid), 1, 4194304, NULL,
	  "whose CPU and memory to report" },
	{ "tls", ARG_FLAG, AT(tls), 0, 0, NULL, "nobody checks the certificate" },
	{ "sources", ARG_NUMBER, AT(sources), 0, 250, NULL,
	  "connect from 127.0.0.1 and so many more (8)" },
	{ "via", ARG_WORD, AT(via), 0, 0, vias,
	  "websocket, polling or upgrade: idle and churning clients" },
	{ "opening", ARG_NUMBER, AT(opening), 1, 20000, NULL,
	  "connect at most so many at once (128)" },
	{ "idle", ARG_NUMBER, AT(idle), 0, 20000, NULL, "clients that join a room each and stay" },
	{ "pairs", ARG_NUMBER, AT(pairs), 0, 5000, NULL, "A sends events to B through a room" },
	{ "calls", ARG_NUMBER, AT(calls), 0, 9000, NULL,
	  "signald: so many calls are up; pairs send candidates in the first of them" },
	{ "dials", ARG_NUMBER, AT(dials), 0, 5000, NULL,
	  "pairs that call, answer and hang up, over and over" },
	{ "signald", ARG_FLAG, AT(signald), 0, 0, NULL, "idle clients are users of signald" },
	{ "raw", ARG_FLAG, AT(raw), 0, 0, NULL,
	  "pairs: no protocol, each gets its own bytes back" },
	{ "size", ARG_NUMBER, AT(size), 160, 4000, NULL, "bytes of an event's packet (1177)" },
	{ "rate", ARG_NUMBER, AT(rate), 0, 1000000, NULL,
	  "events or calls a second of all pairs; 0: as many as go" },
	{ "window", ARG_NUMBER, AT(window), 1, 10000, NULL,
	  "events of a pair under way when rate is 0 (32)" },
	{ "stalled", ARG_NUMBER, AT(stalled), 0, 1, NULL,
	  "a reader of these events who stopped reading" },
	{ "churn", ARG_NUMBER, AT(churn), 0, 5000, NULL, "clients that join, leave and come anew" },
	{ "cycles", ARG_NUMBER, AT(cycles), 0, 5000, NULL,
	  "polling clients: POST an event, GET its answer" },
	{ "count", ARG_NUMBER, AT(count), 0, 10000000, NULL,
	  "joins, cycles or calls, then the end; 0: no limit" },
	{ "storm", ARG_FLAG, AT(storm), 0, 0, NULL,
	  "who is lost comes back as socket.io-client does" },
	{ "get", ARG_TEXT, AT(get), 0, 0, NULL, "path to GET all the while" },
	{ "token", ARG_TEXT, AT(token), 0, 0, NULL, "bearer token for it" },
	{ "get-every-ms", ARG_NUMBER, AT(get_every_ms), 1, 60000, NULL, "(1000)" },
	{ "settle-ms", ARG_NUMBER, AT(settle_ms), 0, 60000, NULL,
	  "silence when all are ready (500)" },
	{ "warmup-ms", ARG_NUMBER, AT(warmup_ms), 0, 60000, NULL, "not measured (500)" },
	{ "duration-ms", ARG_NUMBER, AT(duration_ms), 0, 3600000, NULL, "measured (3000)" },
	{ "limit-ms", ARG_NUMBER, AT(limit_ms), 1, 3600000, NULL, "for everything (120000)" },
#undef AT
};

static const struct options defaults = {
	.sources = 8,
	.opening = 128,
	.size = 1177,
	.window = 32,
	.get_every_ms = 1000,
	.settle_ms = 500,
	.warmup_ms = 500,
	.duration_ms = 3000,
	.limit_ms = 120000,
};

static const struct argument_table table = {
	.program = "sio-load",
	.usage = "sio-load --port N [--OPTION [VALUE]]...",
	.rows = rows,
	.n = sizeof(rows) / sizeof(rows[0]),
};

int options_read(struct options *o, int argc, char **argv)
{
	*o = defaults;
	if (arguments_read(&table, o, argc, argv))
		return -EINVAL;
	return o->port ? 0 : arguments_refuse(&table, "--port is missing", "");
}
