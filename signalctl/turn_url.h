/* turn_url.h - where a turn: or turns: address points (RFC 7065). Pure. */
#ifndef TURN_URL_H
#define TURN_URL_H

#include <stdbool.h>
#include <stdint.h>

struct turn_url {
	char host[256]; /* a name, or an address without brackets */
	uint16_t port;	/* 3478, or 5349 of turns:, where it has none */
	bool tls;	/* turns: */
	bool tcp;	/* transport=tcp; turns: without transport, too */
};

/* Returns 0, -EINVAL. */
int turn_url_parse(const char *text, struct turn_url *out);

#endif
