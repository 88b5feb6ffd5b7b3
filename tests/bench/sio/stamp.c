/* stamp.c - the template, its digits, and how they are found again */
#include "stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ws_client.h"

#define MARK "@t="
#define MARK_LEN 3
#define DIGITS 20
#define STAMP_LEN (MARK_LEN + 2 * DIGITS) /* nanoseconds, number */
#define LOOK_MAX 512			  /* bytes from the start in which the mark must be */

const uint8_t stamp_mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

int stamp_init(struct stamp *s, const char *before, const char *after, size_t size, bool raw)
{
	size_t head = strlen(before), tail = strlen(after);
	char *packet;

	if (head + STAMP_LEN + tail > size)
		return -EINVAL;
	packet = malloc(size);
	s->frame = malloc(WS_HEAD_MAX + size);
	if (!packet || !s->frame) {
		free(packet);
		stamp_deinit(s);
		return -ENOMEM;
	}
	memset(packet, 'x', size);
	memcpy(packet, before, head);
	memcpy(packet + head, MARK, MARK_LEN);
	memcpy(packet + size - tail, after, tail);
	s->masked = !raw;
	s->n = size;
	if (raw)
		memcpy(s->frame, packet, size);
	else
		s->n = ws_write(s->frame, WS_TEXT, stamp_mask, packet, size);
	s->at = s->n - size + head + MARK_LEN;
	s->shift = head + MARK_LEN;
	free(packet);
	return 0;
}

void stamp_deinit(struct stamp *s)
{
	free(s->frame);
	s->frame = NULL;
}

static void write_digits(const struct stamp *s, uint8_t *out, size_t at, uint64_t v)
{
	size_t i;

	for (i = DIGITS; i-- > 0; v /= 10) {
		out[s->at + at + i] = (uint8_t)('0' + v % 10);
		if (s->masked)
			out[s->at + at + i] ^= stamp_mask[(s->shift + at + i) & 3];
	}
}

size_t stamp_write(const struct stamp *s, uint8_t *out, uint64_t at_ns, uint64_t number)
{
	memcpy(out, s->frame, s->n);
	write_digits(s, out, 0, at_ns);
	write_digits(s, out, DIGITS, number);
	return s->n;
}

static bool read_digits(const char *p, uint64_t *out)
{
	size_t i;

	for (*out = 0, i = 0; i < DIGITS; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*out = 10 * *out + (uint64_t)(p[i] - '0');
	}
	return true;
}

bool stamp_read(const char *p, size_t n, uint64_t *at_ns, uint64_t *number)
{
	const char *mark = memmem(p, n < LOOK_MAX ? n : LOOK_MAX, MARK, MARK_LEN);

	if (!mark || (size_t)(p + n - mark) < STAMP_LEN)
		return false;
	return read_digits(mark + MARK_LEN, at_ns) && read_digits(mark + MARK_LEN + DIGITS, number);
}
