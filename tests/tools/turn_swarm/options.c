/* options.c - the swarm's command line, one table */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "client.h"
#include "payload.h"

static const char *const families[] = { "4", "6", NULL };
static const char *const transports[] = { "udp", "tcp", "tls", NULL };
static const char *const vias[] = { "send", "channel", NULL };
static const char *const ends[] = { "refresh", "close", "expire", "stay", NULL };

static const struct argument_row rows[] = {
#define AT(field) offsetof(struct options, field)
	{ "allocations", ARG_NUMBER, AT(allocations), 1, 100000, NULL, "how many at first (1)" },
	{ "ramp", ARG_NUMBER, AT(ramp), 1, 100000, NULL, "of them begun a second (200)" },
	{ "churn", ARG_NUMBER, AT(churn), 0, 100000, NULL, "more begun a second after these (0)" },
	{ "max", ARG_NUMBER, AT(max), 1, 1000000, NULL, "allocations in all (100000)" },
	{ "duration-ms", ARG_NUMBER, AT(duration_ms), 0, 86400000, NULL,
	  "then stop; 0: on a signal only (0)" },
	{ "quiet-ms", ARG_NUMBER, AT(quiet_ms), 10, 10000, NULL,
	  "without a packet until it is the end (250)" },
	{ "rate", ARG_NUMBER, AT(rate), 1, 10000, NULL,
	  "packets a second, each direction and allocation (20)" },
	{ "size", ARG_NUMBER, AT(size), PAYLOAD_MIN, PAYLOAD_MAX, NULL, "bytes of a packet (172)" },
	{ "count", ARG_NUMBER, AT(count), 0, 1000000000, NULL,
	  "packets a direction, then silence; 0: no limit (0)" },
	{ "peers", ARG_NUMBER, AT(peers), 1, 10000, NULL, "UDP peers a family (64)" },
	{ "life-ms", ARG_RANGE, AT(life_from_ms), 1, 86400000, NULL,
	  "FROM:TO, how long the mortal ones relay" },
	{ "mortal", ARG_NUMBER, AT(mortal), 0, 100, NULL,
	  "percent that end after their life (100; needs life-ms)" },
	{ "lifetime", ARG_NUMBER, AT(lifetime), 1, 86400, NULL, "seconds asked for (3600)" },
	{ "ttl", ARG_NUMBER, AT(ttl), 1, 86400, NULL, "seconds of the credential (3600)" },
	{ "seed", ARG_NUMBER, AT(seed), 0, 4294967295, NULL,
	  "of the lives and of the run's id (1)" },
	{ "server4", ARG_TEXT, AT(server4), 0, 0, NULL, "the server's address (127.0.0.1)" },
	{ "server6", ARG_TEXT, AT(server6), 0, 0, NULL, "(::1)" },
	{ "port", ARG_NUMBER, AT(port), 1, 65535, NULL, "of the server, UDP and TCP (3478)" },
	{ "tls-port", ARG_NUMBER, AT(tls_port), 1, 65535, NULL, "(5349)" },
	{ "peer4", ARG_TEXT, AT(peer4), 0, 0, NULL, "where the peers are (127.0.0.1)" },
	{ "peer6", ARG_TEXT, AT(peer6), 0, 0, NULL, "(::1)" },
	{ "transports", ARG_WORDS, AT(transports), 0, 0, transports, "udp,tcp,tls in turn (udp)" },
	{ "families", ARG_WORDS, AT(families), 0, 0, families, "4,6 in turn (4)" },
	{ "via", ARG_WORDS, AT(via), 0, 0, vias, "send,channel in turn (both)" },
	{ "ends", ARG_WORDS, AT(ends), 0, 0, ends, "refresh,close,expire,stay in turn (refresh)" },
	{ "user", ARG_TEXT, AT(user), 0, 0, NULL,
	  "user is this and the allocation's number (swarm)" },
	{ "call", ARG_TEXT, AT(call), 0, 0, NULL, "call is this and its number in 22 characters" },
	{ "per-call", ARG_NUMBER, AT(per_call), 1, 100000, NULL, "allocations of a call (1)" },
	{ "name", ARG_TEXT, AT(name), 0, 0, NULL,
	  "exactly this user name for all, expiry included" },
	{ "mobility", ARG_FLAG, AT(mobility), 0, 0, NULL, "with a mobility ticket" },
	{ "no-send", ARG_FLAG, AT(no_send), 0, 0, NULL, "nothing from client to peer" },
	{ "no-echo", ARG_FLAG, AT(no_echo), 0, 0, NULL, "nothing from peer to client" },
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

static const struct argument_table table = {
	.program = "turn-swarm",
	.usage = "TURN_SECRET=SECRET turn-swarm [--OPTION [VALUE]]...\n"
		 "(or TURN_PASSWORD, with --name)",
	.rows = rows,
	.n = sizeof(rows) / sizeof(rows[0]),
};

int options_read(struct options *o, int argc, char **argv)
{
	*o = defaults;
	return arguments_read(&table, o, argc, argv);
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
