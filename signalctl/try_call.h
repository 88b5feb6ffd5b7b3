/* try_call.h - a call between two built-in clients, step by step
 *
 * What two real clients do: connect, call, allocate at the relay with what they were given, meet
 * there, hang up. Every step is bounded by one deadline. Touches the network; one thread. */
#ifndef TRY_CALL_H
#define TRY_CALL_H

#include "ice_servers.h"
#include "signalctl.h"
#include "sio_client.h"
#include "turn_client.h"

#define TRY_NOTE_MAX 200

enum try_side { TRY_CALLER, TRY_CALLEE, TRY_SIDES };

struct try_client {
	char user[TURN_USER_ID_MAX + 1];
	char *token; /* NULL: auth = open */
	enum sio_via via;
	struct sio_client *sio;
	struct ice_login login;
	struct turn_client *turn;
	struct sockaddr_storage far; /* the other's relayed address, out of a candidate */
};

struct try_call {
	struct signalctl *ctl;
	struct net_target signald;
	const struct net_target *relay; /* NULL: as the iceServers say */
	const char *ca_file;
	bool insecure;
	bool local; /* signald's control socket is here to be asked */
	uint64_t deadline_ms;
	struct try_client side[TRY_SIDES];
	char room[64];
	char call[TURN_CALL_ID_LEN + 1];
	uint64_t relayed_bytes;	 /* payload that arrived */
	char note[TRY_NOTE_MAX]; /* what the step just done found */
};

/* What became of a step. */
enum try_outcome { TRY_OK, TRY_SKIPPED, TRY_FAILED };

struct try_step {
	const char *name;   /* one word */
	const char *advice; /* what to do when it fails */
	/* Returns 0 with t->note, 1 when there is nothing to be done here (t->note says why), or
	 * -errno with *err. */
	int (*run)(struct try_call *t, struct client_error *err);
};

extern const struct try_step try_steps[]; /* a row without a name ends it */

/* End what is open, whatever step it came to. */
void try_call_close(struct try_call *t);

#endif
