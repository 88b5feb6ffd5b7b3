/* payload.c - what is relayed, and what a far end knows of it */
#include "payload.h"

#include <assert.h>
#include <string.h>

#define MARK 0x53570000u /* "SW", and the direction */

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t pattern(const struct payload_tag *tag, size_t i)
{
	return (uint8_t)(tag->index * 31 + tag->seq * 7 + i);
}

void payload_make(uint8_t *p, size_t n, const struct payload_tag *tag)
{
	size_t i;

	assert(n >= PAYLOAD_MIN);
	put32(p, MARK | tag->direction);
	put32(p + 4, tag->run);
	put32(p + 8, tag->index);
	put32(p + 12, tag->seq);
	for (i = PAYLOAD_MIN; i < n; i++)
		p[i] = pattern(tag, i);
}

bool payload_read(const uint8_t *p, size_t n, struct payload_tag *tag)
{
	if (n < PAYLOAD_MIN || (get32(p) & 0xffff0000u) != MARK ||
	    (get32(p) & 0xffff) >= DIRECTIONS)
		return false;
	tag->direction = (enum direction)(get32(p) & 0xffff);
	tag->run = get32(p + 4);
	tag->index = get32(p + 8);
	tag->seq = get32(p + 12);
	return true;
}

static bool intact(const uint8_t *p, size_t n, const struct payload_tag *tag)
{
	size_t i;

	for (i = PAYLOAD_MIN; i < n; i++)
		if (p[i] != pattern(tag, i))
			return false;
	return true;
}

void flow_take(struct flow *f, const uint8_t *p, size_t n, const struct payload_tag *tag,
	       uint64_t at_us)
{
	f->received++;
	f->received_bytes += n;
	f->damaged += !intact(p, n, tag);
	if (tag->seq < f->next_seq)
		f->late++;
	else
		f->next_seq = tag->seq + 1;
	if (!f->first_us)
		f->first_us = at_us;
	if (at_us > f->last_us)
		f->last_us = at_us;
}

uint64_t flow_gaps(const struct flow *f)
{
	return f->next_seq > f->received ? f->next_seq - f->received : 0;
}
