/* dialog.h - what is kept for a live call beside its state: legs and what waits
 *
 * A leg is a member's place in the call: the socket that speaks for it and the
 * messages that wait until it can take them. Private to this folder; pure. */
#ifndef DIALOG_H
#define DIALOG_H

#include "call.h"
#include "identity.h"

/* Bytes kept for all calls together. */
struct held_budget {
	size_t bytes, max;
};

struct held {
	struct held *next;
	const char *event;    /* a constant */
	uint64_t from_serial; /* the socket that sent it */
	size_t n;
	char text[]; /* event arguments, ready to be sent */
};

struct leg {
	struct call_socket *socket; /* NULL: not accepted yet, or gone */
	struct held *first, *last;
	size_t held_n;
	uint64_t announced; /* serial of the socket last reported as the member's */
};

struct dialog {
	struct held_budget *budget;
	struct leg legs[CALL_MEMBERS_MAX];
	struct held *offer;  /* call:incoming without its iceServers; NULL once accepted */
	uint64_t offer_hash; /* of the sdpOffer, to know a retry from a new call */
};

/* Returns 0 and the caller's *out, -ENOMEM. */
int dialog_new(struct dialog **out, struct held_budget *budget);
void dialog_free(struct dialog *d); /* NULL is fine */

/* Returns 0, -ENOBUFS (the budget), -ENOMEM. */
int dialog_set_offer(struct dialog *d, const char *text, size_t n);
void dialog_drop_offer(struct dialog *d);

/* Let a text wait for a leg. Returns 0, -ENOSPC (max are waiting already),
 * -ENOBUFS (the budget), -ENOMEM. */
int leg_hold(struct dialog *d, enum call_role to, size_t max, uint64_t from_serial,
	     const char *event, const char *text, size_t n);

/* The same, in front of everything that waits and whatever max is. */
int leg_hold_first(struct dialog *d, enum call_role to, uint64_t from_serial, const char *event,
		   const char *text, size_t n);

/* The first that waits, NULL: none. The caller ends it with held_free(). */
struct held *leg_take(struct dialog *d, enum call_role to);
void held_free(struct dialog *d, struct held *h);

/* Forget what waits for a leg and was not sent by that socket. */
void leg_keep_only(struct dialog *d, enum call_role to, uint64_t from_serial);

uint64_t dialog_hash(const char *p, size_t n);

#endif
