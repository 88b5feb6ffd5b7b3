/* client.h - one allocation, from the first request to its end, and what it relays
 *
 * Allocate, permission or channel, refreshes; a packet of each direction every
 * interval; an end of the chosen kind. It counts what was sent; what arrives at
 * the client is counted here, what arrives at the peer by the owner of the peers,
 * through client_flow(). Loop thread. */
#ifndef SWARM_CLIENT_H
#define SWARM_CLIENT_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "link.h"
#include "payload.h"
#include "peers.h"
#include "turn_credential.h"

enum client_end {
	END_REFRESH, /* a Refresh with lifetime 0 */
	END_CLOSE,   /* the connection is closed; UDP: silence */
	END_EXPIRE,  /* no refresh any more, traffic goes on */
	END_STAY,    /* left as it is */
};

enum client_state {
	CLIENT_BEGINS,	/* up to the first permission */
	CLIENT_RELAYS,	/* packets flow */
	CLIENT_SETTLES, /* no more is sent; what is under way arrives */
	CLIENT_ENDED,	/* as was chosen */
	CLIENT_LOST,	/* the connection broke, or nobody answered */
	CLIENT_REFUSED, /* an error response: see error */
};

extern const char *const client_end_names[4];
extern const char *const client_state_names[6];

/* What all clients of a run share; outlives them. */
struct client_config {
	struct event_base *base;
	SSL_CTX *ssl;
	uint32_t run;	       /* of the tags */
	const char *secret;    /* the credential's */
	const char *password;  /* instead of one made from the secret; NULL */
	bool mobility;	       /* with a ticket, draft-wing-tram-turn-mobility */
	bool no_send, no_echo; /* one direction only */
	unsigned size_bytes;   /* payload of a packet */
	unsigned interval_us;  /* between two of one direction */
	uint64_t count;	       /* packets a direction, then silence; 0: no limit */
	unsigned lifetime_s;   /* asked for */
};

/* What one is to be. */
struct client_plan {
	uint32_t index;
	char name[TURN_NAME_MAX + 1];
	enum transport transport;
	struct sockaddr_storage server;
	bool channel; /* ChannelData, not Send and Data */
	struct peer *peer;
	enum client_end end;
	unsigned life_ms; /* from the first packet to the end; 0: until it is told */
};

struct client;

/* Returns 0 or -errno. Its work begins in the loop. */
int client_new(struct client **out, const struct client_config *cfg,
	       const struct client_plan *plan);
void client_free(struct client *c);

/* End it now in the way planned: silence, the rest arrives, then the end. */
void client_finish(struct client *c);
/* No more packets, no requests: there is no server. What comes is still counted. */
void client_silence(struct client *c);
/* Nothing is to be expected from it: ended, lost, refused, or left as it is. */
bool client_settled(const struct client *c);

enum client_state client_state(const struct client *c);
struct flow *client_flow(struct client *c, enum direction d);
const struct client_plan *client_plan(const struct client *c);
/* The relayed address; its family is 0 while there is none. */
const struct sockaddr_storage *client_relayed(const struct client *c);
const struct sockaddr_storage *client_local(const struct client *c);
unsigned client_error(const struct client *c);	/* code of the refusal, or 0 */
const char *client_why(const struct client *c); /* how it was lost, or "" */
uint32_t client_overflowed(const struct client *c);

#endif
