/* dialog.h - what is kept for a live call beside its state: legs and what waits
 *
 * A leg is a member's place in the call: the socket that speaks for it, what the
 * member said before anybody could hear it, and what waits until the member can
 * be told. Private to this folder; pure. */
#ifndef DIALOG_H
#define DIALOG_H

#include "call.h"
#include "identity.h"

/* Bytes kept for all calls together. */
struct held_budget {
	size_t bytes, max;
};

/* What a call may keep: the greatest offer and some candidates, and beyond that a part of what is
 * left for all, which gets smaller as that does. So nobody keeps all of it from the others. */
#define HELD_SHARE_BYTES (80 << 10)
#define HELD_SHARE_PART 16

struct held {
	struct held *next;
	const char *event;    /* a constant */
	uint64_t from_serial; /* the socket that sent it */
	size_t n;
	char text[]; /* event arguments, ready to be sent */
};

struct held_queue {
	struct held *first, *last;
	size_t n;
};

struct leg {
	struct call_socket *socket; /* NULL: invited only, or orphaned, or out */
	struct held_queue said;	    /* by the member, before the answer */
	struct held_queue waiting;  /* for the member, once answered */
	uint64_t announced;	    /* serial of the socket last reported as the member's */
	struct held *name;	    /* of a mesh: what the member calls itself, as JSON; or NULL */
	bool direct;		    /* the member's media go without a relay: its last word */
	bool passed;   /* the socket got it by registering and has not spoken for it since */
	uint64_t lost; /* serial of the last one that was sure to be it; 0: of an earlier run */
};

struct dialog {
	struct held_budget *budget;
	size_t bytes;	     /* of the budget */
	struct held *offer;  /* call:incoming without its iceServers; NULL once answered */
	uint64_t offer_hash; /* of the sdpOffer, to know a retry from a new call */
	size_t legs_n;
	struct leg legs[]; /* by index of the member */
};

/* Returns 0 and the caller's *out, -ENOMEM. */
int dialog_new(struct dialog **out, size_t members_n, struct held_budget *budget);
void dialog_free(struct dialog *d); /* NULL is fine */

/* Returns 0, -ENOBUFS (the budget, or the call's share), -ENOMEM. */
int dialog_set_offer(struct dialog *d, const char *text, size_t n);
void dialog_drop_offer(struct dialog *d);

/* Put a text into a queue of this dialog. Returns 0, -ENOSPC (max are waiting already),
 * -ENOBUFS (the budget, or the call's share), -ENOMEM. */
int dialog_hold(struct dialog *d, struct held_queue *q, size_t max, uint64_t from_serial,
		const char *event, const char *text, size_t n);

/* The first of a queue, NULL: it is empty. The caller ends it with held_free(). */
struct held *dialog_take(struct held_queue *q);
void held_free(struct dialog *d, struct held *h);

/* Move to the end of another queue what was sent by that socket (0: by any), forget the rest. */
void dialog_move(struct dialog *d, struct held_queue *to, struct held_queue *from,
		 uint64_t from_serial);

/* From now on this socket speaks for the member; NULL: none does. */
void leg_set_socket(struct leg *leg, struct call_socket *s);

/* What the member calls itself (JSON), absent: nothing. It is left out where there is no room. */
void dialog_set_name(struct dialog *d, size_t i, struct json_slice name);

/* The member is out: nothing of it or for it is kept. */
void dialog_clear_leg(struct dialog *d, size_t i);

uint64_t dialog_hash(const char *p, size_t n);

#endif
