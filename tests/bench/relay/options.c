/* options.c - the loader's command line, one table */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NUMBER, TEXT, FLAG, WORD };

const char *const mode_names[] = { "setup", "relay", NULL };
const char *const transport_names[] = { "udp", "tcp", "tls", NULL };

static const struct option_row {
	const char *name;
	enum kind kind;
	size_t offset;
	unsigned min, max;
	const char *const *words;
	const char *help;
} rows[] = {
#define AT(field) offsetof(struct options, field)
	{ "mode", WORD, AT(mode), 0, 0, mode_names, "setup or relay (setup)" },
	{ "transport", WORD, AT(transport), 0, 0, transport_names,
	  "udp, tcp or tls, to the server (udp)" },
	{ "port", NUMBER, AT(port), 1, 65535, NULL, "of the server, on 127.0.0.1" },
	{ "server-pid", NUMBER, AT(server_pid), 1, 4194304, NULL,
	  "whose CPU and memory to report" },
	{ "allocations", NUMBER, AT(allocations), 1, 60000, NULL, "with a channel each (8)" },
	{ "some", NUMBER, AT(some), 0, 60000, NULL,
	  "setup: stop after so many first and look at the server (0)" },
	{ "rate", NUMBER, AT(rate), 0, 100000, NULL,
	  "allocations begun a second; 0: as fast as they go (0)" },
	{ "opening", NUMBER, AT(opening), 1, 10000, NULL, "of them at once (32)" },
	{ "sources", NUMBER, AT(sources), 1, 65000, NULL,
	  "addresses 127.0.0.1 and so on they come from, in turn (1000)" },
	{ "peer", TEXT, AT(peer), 0, 0, NULL,
	  "address of the peers, not one the server relays from (127.0.0.9)" },
	{ "size", NUMBER, AT(size), 16, 1400, NULL, "bytes of a packet (172)" },
	{ "packets-rate", NUMBER, AT(packets_rate), 0, 1000000, NULL,
	  "packets a second each way, of all; 0: as many as go (0)" },
	{ "window", NUMBER, AT(window), 1, 1000, NULL,
	  "packets of an allocation under way when that is 0 (16)" },
	{ "count", NUMBER, AT(count), 0, 100000000, NULL,
	  "packets back, of all, then the end; 0: by the clock (0)" },
	{ "settle-ms", NUMBER, AT(settle_ms), 0, 60000, NULL,
	  "silence before the server is looked at (0)" },
	{ "warmup-ms", NUMBER, AT(warmup_ms), 0, 60000, NULL, "relay: not measured (500)" },
	{ "duration-ms", NUMBER, AT(duration_ms), 1, 200000, NULL, "relay: measured (3000)" },
	{ "limit-ms", NUMBER, AT(limit_ms), 1, 3600000, NULL, "for everything (120000)" },
	{ "hold", FLAG, AT(hold), 0, 0, NULL, "after the result, until SIGTERM" },
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

static bool word(const char *text, const struct option_row *row, unsigned *out)
{
	unsigned i;

	for (i = 0; row->words[i] && strcmp(row->words[i], text) != 0; i++)
		;
	*out = i;
	return row->words[i] != NULL;
}

static bool set(struct options *o, const struct option_row *row, const char *value)
{
	void *field = (char *)o + row->offset;

	switch (row->kind) {
	case FLAG: *(bool *)field = true; return true;
	case TEXT: *(const char **)field = value; return true;
	case NUMBER: return number(value, row, field);
	case WORD: return word(value, row, field);
	}
	return false;
}

static int usage(const char *why, const char *what)
{
	size_t i;

	fprintf(stderr,
		"turn-load: %s%s\nusage: TURN_SECRET=SECRET turn-load --port N [--OPTION "
		"[VALUE]]...\n",
		why, what);
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
	if (!getenv("TURN_SECRET"))
		return usage("TURN_SECRET is not set", "");
	return o->port ? 0 : usage("--port is missing", "");
}
