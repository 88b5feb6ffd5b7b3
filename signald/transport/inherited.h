/* inherited.h - listening sockets that whoever started us hands over
 *
 * The convention of sd_listen_fds(3): LISTEN_FDS descriptors from 3 on, meant
 * for the process LISTEN_PID. Such a socket outlives us, so a restart refuses
 * no connection. At start-up only. */
#ifndef INHERITED_H
#define INHERITED_H

#include <stddef.h>

#define INHERITED_MAX 64

struct inherited {
	int fds[INHERITED_MAX]; /* -1: taken */
	size_t n;
};

/* Take over what is there: closed on exec, non-blocking; the variables go from
 * the environment. What is no listening TCP socket is left out. */
void inherited_open(struct inherited *in);

/* The socket that listens on this address ("127.0.0.1:8449"), now the caller's;
 * -1: there is none. */
int inherited_take(struct inherited *in, const char *address);

/* Close what nobody took. Returns how many those were. */
size_t inherited_close(struct inherited *in);

#endif
