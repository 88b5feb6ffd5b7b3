/* ws_client.c - one frame out, one frame in */
#include "ws_client.h"

#include <string.h>

static size_t write_length(uint8_t *out, size_t n)
{
	int i;

	if (n < 126) {
		out[0] = (uint8_t)(0x80 | n);
		return 1;
	}
	if (n < 65536) {
		out[0] = 0x80 | 126;
		out[1] = (uint8_t)(n >> 8);
		out[2] = (uint8_t)n;
		return 3;
	}
	out[0] = 0x80 | 127;
	for (i = 0; i < 8; i++)
		out[1 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
	return 9;
}

size_t ws_write(uint8_t *out, enum ws_opcode opcode, const uint8_t mask[4], const char *p, size_t n)
{
	size_t i, at = 1;

	out[0] = (uint8_t)(0x80 | opcode);
	at += write_length(out + 1, n);
	memcpy(out + at, mask, 4);
	at += 4;
	for (i = 0; i < n; i++)
		out[at + i] = (uint8_t)p[i] ^ mask[i & 3];
	return at + n;
}

int64_t ws_read(struct ws_frame *f, const char *p, size_t n)
{
	const uint8_t *b = (const uint8_t *)p;
	size_t head = 2, len, bytes = 0, i;

	if (n < 2)
		return 0;
	if (!(b[0] & 0x80) || b[0] & 0x70 || b[1] & 0x80)
		return -1;
	len = b[1];
	if (len >= 126) {
		bytes = len == 126 ? 2 : 8;
		if (n < 2 + bytes)
			return 0;
		for (len = 0, i = 0; i < bytes; i++)
			len = len << 8 | b[2 + i];
	}
	head += bytes;
	if (n - head < len)
		return 0;
	f->opcode = b[0] & 15;
	f->p = p + head;
	f->n = len;
	return (int64_t)(head + len);
}
