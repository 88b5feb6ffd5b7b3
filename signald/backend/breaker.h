/* breaker.h - a circuit breaker: do not go on asking who does not answer
 *
 * Closed: everybody may ask. So many failures in a row open it: nobody may, for
 * a while. Then one may (the probe): its success closes the breaker, its failure
 * opens it again for twice as long, up to a limit. Pure; time comes in. */
#ifndef BREAKER_H
#define BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct breaker_config {
	unsigned failures; /* in a row */
	uint64_t open_ms;  /* the first time */
	uint64_t open_max_ms;
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING };

struct breaker {
	struct breaker_config cfg;
	enum breaker_state state;
	unsigned failures; /* in a row */
	uint64_t open_for_ms, until_ms;
	uint64_t opened; /* how often, to be counted */
};

void breaker_init(struct breaker *b, const struct breaker_config *cfg);

/* May somebody ask now? *probe says that he is the one whose answer decides;
 * he owes one of the three below, with the same probe. */
bool breaker_admit(struct breaker *b, uint64_t now_ms, bool *probe);

/* Each returns whether the breaker closed, or opened, by it. */
bool breaker_success(struct breaker *b);
bool breaker_failure(struct breaker *b, bool probe, uint64_t now_ms);

void breaker_withdrawn(struct breaker *b, bool probe); /* nobody was asked after all */

#endif
