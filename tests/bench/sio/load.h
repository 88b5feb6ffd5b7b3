/* load.h - what the roles of a run share: its phases, and the clients to be opened
 *
 * A role is one kind of work: idle clients, pairs, churn, ... All roles that
 * the options ask for run together: every client is opened and ready, silence,
 * then a time that is measured. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdio.h>

#include "client.h"
#include "latency.h"
#include "options.h"
#include "server_cost.h"

enum load_phase { LOAD_OPENS, LOAD_SETTLES, LOAD_WARMS_UP, LOAD_MEASURES, LOAD_DRAINS, LOAD_ENDED };

struct role;

struct load {
	struct options o;
	struct reactor *reactor;
	struct target target;
	enum load_phase phase;
	struct client **all; /* of every role, in the order they are opened */
	size_t all_n, all_max, next, opening, ready_n;
	uint64_t lost_n, refused_n; /* clients whose connection ended; that were answered with an
				       HTTP error */
	uint64_t began_ns, ready_ns, measure_ns;
	uint64_t first_lost_ns, all_back_ns; /* of a storm */
	uint64_t storm_refused_n;
	struct latency back; /* of a storm: from the first loss until each was ready */
	struct server_cost at_start, at_ready, at_begin, at_end;
	uint64_t drain_ns;
	struct alarm step, limit;
	uint64_t random;
	int rc;
};

/* Whatever is NULL is not wanted. */
struct role {
	const char *name;
	bool (*is_asked_for)(const struct options *o);
	int (*start)(struct load *l); /* makes its clients; 0, -errno */
	bool (*is_ready)(void);	      /* beyond its clients being so */
	void (*begin)(uint64_t now_ns);
	void (*measure)(uint64_t now_ns); /* from here it counts */
	void (*turn)(uint64_t now_ns);	  /* after each turn of the reactor */
	bool (*is_done)(void);		  /* NULL: when the time is over */
	bool (*is_drained)(void);	  /* all that was sent has arrived */
	void (*report)(FILE *out);	  /* members of the result, each with a comma in front */
	void (*finish)(void);
};

extern const struct role idle_role, pairs_role, churn_role, cycles_role, dials_role, get_role;

/* To be opened, some at a time. Returns 0, -ENOMEM. */
int load_add(struct load *l, struct client *c);
/* Roles tell of each on_ready and on_lost, first thing. */
void load_ready(struct load *l, struct client *c);
void load_lost(struct load *l, struct client *c, int status);
/* What is to be done with a lost one: as socket.io-client does in a storm, else soon. */
void load_open_again(struct load *l, struct client *c);
/* 0 <= x < 1. */
double load_random(struct load *l);
/* The run is worth nothing. */
void load_fail(struct load *l, const char *why, int rc);

#endif
