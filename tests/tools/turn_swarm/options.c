/* options.c - the swarm's command line, one table */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "payload.h"

enum kind {
	NUMBER,
	TEXT,
	FLAG,
	RANGE, /* FROM:TO, two numbers side by side */
	WORDS, /* a list out of words */
};

static const char *const families[] = { "4", "6", NULL };
static const char *const transports[] = { "udp", "tcp", "tls", NULL };
static const char *const vias[] = { "send", "channel", NULL };
static const char *const ends[] = { "refresh", "close", "expire", "stay", NULL };

static const struct option_row {
	const char *name;
	enum kind kind;
	size_t offset;
	unsigned min, max;
	const char *const *words;
	const char *help;
} rows[] = {
#define AT(field) offsetof(struct options, field)
	{ "allocations", NUMBER, AT(allocations), 1, 100000, NULL, "how many at first (1)" },
	{ "ramp", NUMBER, AT(ramp), 1, 100000, NULL, "of them begun a second (200)" },
	{ "churn", NUMBER, AT(churn), 0, 100000, NULL, "more begun a second after these (0)" },
	{ "max", NUMBER, AT(max), 1, 1000000, NULL, "allocations in all (100000)" },
	{ "duration-ms", NUMBER, AT(duration_ms), 0, 86400000, NULL,
	  "then stop; 0: on a signal only (0)" },
	{ "quiet-ms", NUMBER, AT(quiet_ms), 10, 10000, NULL,
	  "without a packet until it is the end (250)" },
	{ "rate", NUMBER, AT(rate), 1, 10000, NULL,
	  "packets a second, each direction and allocation (20)" },
	{ "size", NUMBER, AT(size), PAYLOAD_MIN, PAYLOAD_MAX, NULL, "bytes of a packet (172)" },
	{ "count", NUMBER, AT(count), 0, 1000000000, NULL,
	  "packets a direction, then silence; 0: no limit (0)" },
	{ "peers", NUMBER, AT(peers), 1, 10000, NULL, "UDP peers a family (64)" },
	{ "life-ms", RANGE, AT(life_from_ms), 1, 86400000, NULL,
	  "FROM:TO, how long the mortal ones relay" },
	{ "mortal", NUMBER, AT(mortal), 0, 100, NULL,
	  "percent that end after their life (100; needs life-ms)" },
	{ "lifetime", NUMBER, AT(lifetime), 1, 86400, NULL, "seconds asked for (3600)" },
	{ "ttl", NUMBER, AT(ttl), 1, 86400, NULL, "seconds of the credential (3600)" },
	{ "seed", NUMBER, AT(seed), 0, 4294967295, NULL, "of the lives and of the run's id (1)" },
	{ "server4", TEXT, AT(server4), 0, 0, NULL, "the server's address (127.0.0.1)" },
	{ "server6", TEXT, AT(server6), 0, 0, NULL, "(::1)" },
	{ "port", NUMBER, AT(port), 1, 65535, NULL, "of the server, UDP and TCP (3478)" },
	{ "tls-port", NUMBER, AT(tls_port), 1, 65535, NULL, "(5349)" },
	{ "peer4", TEXT, AT(peer4), 0, 0, NULL, "where the peers are (127.0.0.1)" },
	{ "peer6", TEXT, AT(peer6), 0, 0, NULL, "(::1)" },
	{ "transports", WORDS, AT(transports), 0, 0, transports, "udp,tcp,tls in turn (udp)" },
	{ "families", WORDS, AT(families), 0, 0, families, "4,6 in turn (4)" },
	{ "via", WORDS, AT(via), 0, 0, vias, "send,channel in turn (both)" },
	{ "ends", WORDS, AT(ends), 0, 0, ends, "refresh,close,expire,stay in turn (refresh)" },
	{ "user", TEXT, AT(user), 0, 0, NULL, "user is this and the allocation's number (swarm)" },
	{ "call", TEXT, AT(call), 0, 0, NULL, "call is this and its number in 22 characters" },
	{ "per-call", NUMBER, AT(per_call), 1, 100000, NULL, "allocations of a call (1)" },
	{ "name", TEXT, AT(name), 0, 0, NULL, "exactly this user name for all, expiry included" },
	{ "mobility", FLAG, AT(mobility), 0, 0, NULL, "with a mobility ticket" },
	{ "no-send", FLAG, AT(no_send), 0, 0, NULL, "nothing from client to peer" },
	{ "no-echo", FLAG, AT(no_echo), 0, 0, NULL, "nothing from peer to client" },
#undef AT
};

static const struct options defaults = {
	.allocations = 1,
	.ramp = 200,
	.max = 100000,
	.quiet_ms = 250,
	.rate = 20,
	.size = 172,
	.peers = 64,
	.mortal = 100,
	.lifetime = 3600,
	.ttl = 3600,
	.seed = 1,
	.port = 3478,
	.tls_port = 5349,
	.per_call = 1,
	.transports = { 1, { LINK_UDP } },
	.families = { 1, { 0 } },
	.via = { 2, { 0, 1 } },
	.ends = { 1, { END_REFRESH } },
	.server4 = "127.0.0.1",
	.server6 = "::1",
	.peer4 = "127.0.0.1",
	.peer6 = "::1",
	.user = "swarm",
};

static bool number(const char *text, const struct option_row *row, char stop, unsigned *out)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end != stop || v < row->min || v > row->max)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool words(const char *text, const struct option_row *row, struct choices *out)
{
	size_t len;
	unsigned i;

	for (out->n = 0;; text += len + 1) {
		len = strcspn(text, ",");
		for (i = 0; row->words[i]; i++)
			if (strlen(row->words[i]) == len && !strncmp(row->words[i], text, len))
				break;
		if (!row->words[i] || out->n == CHOICES_MAX)
			return false;
		out->v[out->n++] = i;
		if (!text[len])
			return true;
	}
}

static bool set(struct options *o, const struct option_row *row, const char *value)
{
	void *field = (char *)o + row->offset;
	const char *colon;

	switch (row->kind) {
	case FLAG: *(bool *)field = true; return true;
	case TEXT: *(const char **)field = value; return true;
	case NUMBER: return number(value, row, '\0', field);
	case WORDS: return words(value, row, field);
	case RANGE:
		colon = strchr(value, ':');
		return colon && number(value, row, ':', field) &&
		       number(colon + 1, row, '\0', (unsigned *)field + 1) &&
		       ((unsigned *)field)[1] >= *(unsigned *)field;
	}
	return false;
}

static int usage(const char *why, const char *what)
{
	size_t i;

	fprintf(stderr, "turn-swarm: %s%s\n", why, what);
	fprintf(stderr, "usage: TURN_SECRET=SECRET turn-swarm [--OPTION VALUE]...\n"
			"(or TURN_PASSWORD, with --name)\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(stderr, "  --%-12s %s\n", rows[i].name, rows[i].help);
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
	return 0;
}

int options_address(const char *text, unsigned port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return 0;
	}
	return -EINVAL;
}
