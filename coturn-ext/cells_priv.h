/* cells_priv.h - what cells.c and cell_ring.c share
 *
 *	cells		a cell's life, and the queue that tells main of it
 *	cell_ring	the cells of one relay thread, published by turns */
#ifndef CELLS_PRIV_H
#define CELLS_PRIV_H

#include <stdatomic.h>

#include "cells.h"
#include "live.h"
#include "registry.h"

struct cell {
	struct live_cell live; /* first; what a successor reads, and who it is behind the cell */
	struct cell_note born, gone;
	_Atomic(char *) why; /* a mark, or coturn's own text; a constant, or the cell's own */
	/* main only */
	struct entry entry;
};

/* --- cell_ring.c: the relay thread --- */

/* For one more. Returns 0, -ENOMEM. */
int cell_ring_make_room(struct cell_ring *ring);
void cell_ring_push(struct cell_ring *ring, struct cell *c); /* there is room; n stays */
void cell_ring_remove(struct cell_ring *ring, const struct cell *c);

#endif
