/* payload.h - what is relayed, and what a far end knows of it
 *
 * Each packet names its run, its allocation, its direction and its number, and
 * the rest is a pattern made of these: a far end counts it for the right
 * allocation whatever address it came from, sees what is missing, and sees a
 * flipped byte. Pure. */
#ifndef SWARM_PAYLOAD_H
#define SWARM_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_MIN 16 /* bytes */
#define PAYLOAD_MAX 1400

enum direction {
	TO_PEER,
	TO_CLIENT,
	DIRECTIONS,
};

struct payload_tag {
	uint32_t run;	/* so that a packet of an earlier run is a stranger */
	uint32_t index; /* of the allocation */
	uint32_t seq;	/* from 0, for each direction */
	enum direction direction;
};

/* What one direction of one allocation carried. */
struct flow {
	uint64_t sent, sent_bytes;	   /* at the near end */
	uint64_t received, received_bytes; /* at the far end */
	uint64_t damaged;		   /* of those received, not as sent */
	uint64_t late;		    /* of those received, after a later one: reordered or twice */
	uint32_t next_seq;	    /* one more than the greatest seen */
	uint64_t first_us, last_us; /* arrival, us since 1970; 0: none */
};

void payload_make(uint8_t *p, size_t n, const struct payload_tag *tag);
/* Is this one of ours, and which? */
bool payload_read(const uint8_t *p, size_t n, struct payload_tag *tag);
/* Count it, as read, at the far end. */
void flow_take(struct flow *f, const uint8_t *p, size_t n, const struct payload_tag *tag,
	       uint64_t at_us);
/* How many of those up to the last that came are missing. */
uint64_t flow_gaps(const struct flow *f);

#endif
