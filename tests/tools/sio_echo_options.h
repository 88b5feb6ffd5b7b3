/* sio_echo_options.h - what sio-echo is told on its command line */
#ifndef SIO_ECHO_OPTIONS_H
#define SIO_ECHO_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "socketio/sio_server.h"

#define ECHO_LIST_MAX 8

struct echo_list {
	const char *v[ECHO_LIST_MAX + 1]; /* NULL ends it */
	size_t n;
};

struct echo_options {
	unsigned long long port;	/* 0: any */
	unsigned long long connections; /* 0: as many as there may be */
	unsigned long long step_ms;	/* for each step of a request; 0: the server's own limits */
	struct echo_list origins;	/* everybody without one */
	struct echo_list certs, keys;	/* https, with these pairs */
	const char *state_dir;		/* for keys of TLS tickets; NULL: kept nowhere */
	struct sio_config sio;
};

/* False: usage has been printed. */
bool echo_options_read(struct echo_options *o, int argc, char **argv);

#endif
