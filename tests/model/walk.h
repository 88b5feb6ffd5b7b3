/* walk.h - random steps that lead somewhere */
#ifndef WALK_H
#define WALK_H

#include "model.h"

#define WALK_STEPS 300

struct walk {
	struct rules rules;
	struct step steps[WALK_STEPS];
	size_t n;
	bool sleeps; /* in the end the whole machine sleeps through all timeouts at once */
};

/* The next step of a walk that has come to where the model is. */
struct step walk_next(const struct model *m, uint64_t *random, int number);
uint64_t walk_random(uint64_t *state);

#endif
