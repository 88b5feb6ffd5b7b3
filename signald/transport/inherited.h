/* inherited.h - listening sockets that whoever started us hands over
 *
 * sd_listen_fds(3): such a socket outlives us, so a restart refuses no
 * connection, and its port may be one that we could not bind. At start-up only. */
#ifndef INHERITED_H
#define INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#define INHERITED_ADDRESS_BYTES 64

struct inherited {
	int fd;	    /* non-blocking, closed on exec */
	bool plain; /* its name (FileDescriptorName=) is "plain": http, with or without certificates
		     */
	char address[INHERITED_ADDRESS_BYTES]; /* "127.0.0.1:8449", "[::1]:8449" */
};

/* Take over what is there, up to max; the environment does not tell anybody else of it. Returns how
 * many, 0: nothing was handed over; -E2BIG, -EINVAL (one is no listening socket of TCP, and the log
 * says which), -errno. On failure all of them are closed. */
int inherited_take(struct inherited *out, size_t max);

#endif
