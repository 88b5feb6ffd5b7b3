/* utf8.c - check UTF-8 that comes in pieces (RFC 3629) */
#include "transport/utf8.h"

#include <string.h>

/* Lead bytes and what may follow (RFC 3629 section 4). */
static const struct lead {
	uint8_t first, last, need, low, high;
} leads[] = {
	{ 0xc2, 0xdf, 1, 0x80, 0xbf }, { 0xe0, 0xe0, 2, 0xa0, 0xbf }, { 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f }, { 0xee, 0xef, 2, 0x80, 0xbf }, { 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf }, { 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static bool begin(struct utf8 *u, uint8_t c)
{
	size_t i;

	for (i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (c < leads[i].first || c > leads[i].last)
			continue;
		u->need = leads[i].need;
		u->low = leads[i].low;
		u->high = leads[i].high;
		return true;
	}
	return false;
}

/* Most of what we carry is ASCII: eight bytes a step. */
static size_t skip_ascii(const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t w;

		memcpy(&w, p + i, 8);
		if (w & 0x8080808080808080ULL)
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

bool utf8_feed(struct utf8 *u, const void *text, size_t n)
{
	const uint8_t *p = text, *end = p + n;

	while (p < end) {
		if (!u->need) {
			p += skip_ascii(p, (size_t)(end - p));
			if (p < end && !begin(u, *p++))
				return false;
			continue;
		}
		if (*p < u->low || *p > u->high)
			return false;
		u->low = 0x80;
		u->high = 0xbf;
		u->need--;
		p++;
	}
	return true;
}

bool utf8_complete(const struct utf8 *u)
{
	return u->need == 0;
}

bool utf8_valid(const void *p, size_t n)
{
	struct utf8 u = { 0 };

	return utf8_feed(&u, p, n) && utf8_complete(&u);
}
