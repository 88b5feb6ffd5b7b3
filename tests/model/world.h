/* world.h - the machine under its public interface, and all that it says
 *
 * Sockets are numbers, time is virtual, every message is read back into a
 * struct said. Keeps a watch of its own on what must never happen, whatever
 * the model thinks. */
#ifndef WORLD_H
#define WORLD_H

#include "model.h"

struct world;

struct world *world_new(const struct rules *rules);
void world_free(struct world *w);

/* Do a step at this time; for OP_WAIT: tick. False: the socket is not there, and nothing was done.
 * *seen is good until the next call. */
bool world_step(struct world *w, const struct step *st, uint64_t now_ms, struct observed *seen);

/* What must never happen did, or, once everything is over, is something left? NULL: no. */
const char *world_watch(const struct world *w);
const char *world_left_over(struct world *w, uint64_t now_ms);

/* The step as the line a client would have sent, to be read by people. */
void world_describe(char *out, size_t size, const struct step *st);

#endif
