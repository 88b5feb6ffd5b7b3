/* allocation.h - one allocation and its channel: 401, Allocate, ChannelBind (RFC 8656)
 *
 * Each has a user name of its own and its own way to the server. Nothing is
 * refreshed: a run is shorter than a permission lives. */
#ifndef BENCH_RELAY_ALLOCATION_H
#define BENCH_RELAY_ALLOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include "echo.h"
#include "turn_credential.h"
#include "turn_login.h"
#include "way.h"

struct allocation;
struct load;

enum allocation_state { ALLOCATION_BEGINS, ALLOCATION_READY, ALLOCATION_FAILED };

/* What all of a run share. */
struct allocation_owner {
	struct target target;
	enum transport transport;
	const char *secret;
	void (*on_settled)(struct allocation *a); /* ready, or failed: once */
	void (*on_data)(struct allocation *a, const uint8_t *p, size_t n);
};

struct flow {
	uint64_t sent, received, late; /* packets */
	uint32_t next_seq;	       /* to be sent */
	uint32_t seen_seq;	       /* one more than the greatest that came back */
	uint64_t last_ns;	       /* when one came back, or the window was filled anew */
};

struct allocation {
	struct allocation_owner *owner;
	struct way way;
	uint32_t index;
	enum allocation_state state;
	unsigned error; /* code of an error response; 0: another cause */
	struct sockaddr_in peer;
	char name[TURN_NAME_MAX + 1];
	struct turn_login login;
	unsigned method, tries, challenges;
	uint8_t *request; /* to be sent again; NULL: nothing is under way */
	size_t request_n;
	struct alarm again;
	struct flow flow;
};

/* Begin. Returns 0, -errno. */
int allocation_open(struct allocation *a, struct allocation_owner *o, uint32_t index,
		    const struct sockaddr_in *peer);
void allocation_close(struct allocation *a);

/* n bytes of payload to the peer; they follow the 4 bytes at p that get the header of ChannelData,
 * and 3 bytes of room are behind them. */
void allocation_send(struct allocation *a, uint8_t *p, size_t n);

#endif
