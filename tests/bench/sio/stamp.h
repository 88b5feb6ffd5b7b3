/* stamp.h - events of one size, each with its time and number in it
 *
 * A template is written once; an event is a copy with new digits. Whoever
 * receives one finds the digits by the mark in front of them, wherever the
 * server has put the object they are in. */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The mask of every frame of ours. It is no secret here, and must not be 0, which would spare the
 * server its work. */
extern const uint8_t stamp_mask[4];

struct stamp {
	uint8_t *frame;
	size_t n;
	size_t at;    /* of the digits */
	size_t shift; /* of the mask there */
	bool masked;
};

/* A frame whose packet is before, the digits, as much padding as makes it size bytes, and after.
 * raw: no WebSocket frame around it. Returns 0, -EINVAL: it does not fit in size, -ENOMEM. */
int stamp_init(struct stamp *s, const char *before, const char *after, size_t size, bool raw);
void stamp_deinit(struct stamp *s);
/* The frame with these digits, appended to out. Returns its length. */
size_t stamp_write(const struct stamp *s, uint8_t *out, uint64_t at_ns, uint64_t number);
/* False: there is none in it. */
bool stamp_read(const char *p, size_t n, uint64_t *at_ns, uint64_t *number);

#endif
