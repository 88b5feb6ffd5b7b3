/* status_next.h - what an admin does next, by how things are
 *
 * A table: a condition, and the advice. Pure. */
#ifndef STATUS_NEXT_H
#define STATUS_NEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "answers.h"
#include "config.h"

#define STATUS_NEXT_MAX 640

/* The i-th advice, from 0; "" when it is not needed. False: there are no more. */
bool status_next(size_t i, const struct answer_status *s, const struct config *c, char *out,
		 size_t size);

#endif
