/* options.c - the loader's command line, one table */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NUMBER, TEXT, FLAG, WORD };

/* In the order of enum client_via. */
static const char *const vias[] = { "websocket", "polling", "upgrade", NULL };

static const struct option_row {
	const char *name;
	enum kind kind;
	size_t offset;
	unsigned min, max;
	const char *help;
} rows[] = {
#define AT(field) offsetof(struct options, field)
	{ "port", NUMBER, AT(port), 1, 65535, "of the server, on 127.0.0.1" },
	{ "server-pid", NUMBER, AT(server_pid), 1, 4194304, "whose CPU and memory to report" },
	{ "tls", FLAG, AT(tls), 0, 0, "nobody checks the certificate" },
	{ "sources", NUMBER, AT(sources), 0, 250, "connect from 127.0.0.1 and so many more (8)" },
	{ "via", WORD, AT(via), 0, 0, "websocket, polling or upgrade: idle and churning clients" },
	{ "opening", NUMBER, AT(opening), 1, 20000, "connect at most so many at once (128)" },
	{ "idle", NUMBER, AT(idle), 0, 20000, "clients that join a room each and stay" },
	{ "pairs", NUMBER, AT(pairs), 0, 5000, "A sends events to B through a room" },
	{ "calls", NUMBER, AT(calls), 0, 9000,
	  "signald: so many calls are up; pairs send candidates in the first of them" },
	{ "dials", NUMBER, AT(dials), 0, 5000,
	  "pairs that call, answer and hang up, over and over" },
	{ "signald", FLAG, AT(signald), 0, 0, "idle clients are users of signald" },
	{ "raw", FLAG, AT(raw), 0, 0, "pairs: no protocol, each gets its own bytes back" },
	{ "size", NUMBER, AT(size), 160, 4000, "bytes of an event's packet (1177)" },
	{ "rate", NUMBER, AT(rate), 0, 1000000, "events or calls a second of all pairs; 0: as many as go" },
	{ "window", NUMBER, AT(window), 1, 10000,
	  "events of a pair under way when rate is 0 (32)" },
	{ "stalled", NUMBER, AT(stalled), 0, 1, "a reader of these events who stopped reading" },
	{ "churn", NUMBER, AT(churn), 0, 5000, "clients that join, leave and come anew" },
	{ "cycles", NUMBER, AT(cycles), 0, 5000, "polling clients: POST an event, GET its answer" },
	{ "count", NUMBER, AT(count), 0, 10000000, "joins, cycles or calls, then the end; 0: no limit" },
	{ "storm", FLAG, AT(storm), 0, 0, "who is lost comes back as socket.io-client does" },
	{ "get", TEXT, AT(get), 0, 0, "path to GET all the while" },
	{ "token", TEXT, AT(token), 0, 0, "bearer token for it" },
	{ "get-every-ms", NUMBER, AT(get_every_ms), 1, 60000, "(1000)" },
	{ "settle-ms", NUMBER, AT(settle_ms), 0, 60000, "silence when all are ready (500)" },
	{ "warmup-ms", NUMBER, AT(warmup_ms), 0, 60000, "not measured (500)" },
	{ "duration-ms", NUMBER, AT(duration_ms), 0, 3600000, "measured (3000)" },
	{ "limit-ms", NUMBER, AT(limit_ms), 1, 3600000, "for everything (120000)" },
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

static bool number(const char *text, const struct option_row *row, unsigned *out)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || v < row->min || v > row->max)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool word(const char *text, unsigned *out)
{
	unsigned i;

	for (i = 0; vias[i]; i++) {
		if (!strcmp(vias[i], text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool set(struct options *o, const struct option_row *row, const char *value)
{
	void *field = (char *)o + row->offset;

	switch (row->kind) {
	case FLAG: *(bool *)field = true; return true;
	case TEXT: *(const char **)field = value; return true;
	case WORD: return word(value, field);
	case NUMBER: return number(value, row, field);
	}
	return false;
}

static int usage(const char *why, const char *what)
{
	size_t i;

	fprintf(stderr, "sio-load: %s%s\nusage: sio-load --port N [--OPTION [VALUE]]...\n", why,
		what);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(stderr, "  --%-13s %s\n", rows[i].name, rows[i].help);
	return -EINVAL;
}

static const struct option_row *find(const char *arg)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strncmp(arg, "--", 2) && !strcmp(arg + 2, rows[i].name))
			return &rows[i];
	return NULL;
}

int options_read(struct options *o, int argc, char **argv)
{
	const struct option_row *row;
	int i;

	*o = defaults;
	for (i = 1; i < argc; i++) {
		row = find(argv[i]);
		if (!row)
			return usage("unknown option ", argv[i]);
		if (row->kind != FLAG && ++i == argc)
			return usage("no value for --", row->name);
		if (!set(o, row, argv[i]))
			return usage("bad value for --", row->name);
	}
	return o->port ? 0 : usage("--port is missing", "");
}
