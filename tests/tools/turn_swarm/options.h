/* options.h - the swarm's command line, one table */
#ifndef SWARM_OPTIONS_H
#define SWARM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "arguments.h"

/* choices: one of a few words for each allocation in turn, as "--transports udp,tls" */
struct options {
	unsigned allocations, ramp, churn, max;
	unsigned duration_ms, quiet_ms;
	unsigned rate, size, count, peers;
	unsigned life_from_ms, life_to_ms, mortal;
	unsigned lifetime, ttl, seed;
	unsigned port, tls_port, per_call;
	struct choices transports, families, via, ends;
	const char *server4, *server6, *peer4, *peer6;
	const char *user, *call, *name;
	bool mobility, no_send, no_echo;
};

/* Defaults, then what argv says. Returns 0, -EINVAL (the reason is printed). */
int options_read(struct options *o, int argc, char **argv);
/* A numeric address of either family. Returns 0, -EINVAL. */
int options_address(const char *text, unsigned port, struct sockaddr_storage *out);

#endif
