/* echo.h - UDP peers behind the relay, which send back what they get */
#ifndef BENCH_RELAY_ECHO_H
#define BENCH_RELAY_ECHO_H

#include <netinet/in.h>

#include "reactor.h"

/* Embedded. */
struct echo {
	struct source source;
	struct sockaddr_in address;
	uint64_t *taken; /* packets; where all peers count */
};

/* Returns 0, -errno. */
int echo_open(struct echo *e, struct reactor *r, const char *address, uint64_t *taken);
void echo_close(struct echo *e, struct reactor *r);

#endif
