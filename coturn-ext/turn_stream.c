/* turn_stream.c - see turn_stream.h */
#include "turn_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STUN_HEADER 20
#define CHANNEL_HEADER 4
#define STUN_DATA_INDICATION 0x0017
#define STUN_ATTR_DATA 0x0013

static const uint8_t stun_cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* RFC 8656 section 12: channel numbers, as coturn takes them. */
static bool is_channel_data(const uint8_t *p, size_t n)
{
	return n >= CHANNEL_HEADER && p[0] >= 0x40 && p[0] <= 0x7f;
}

static bool is_stun(const uint8_t *p, size_t n)
{
	return n >= STUN_HEADER && p[0] < 0x40 && memcmp(p + 4, stun_cookie, 4) == 0;
}

/* Length of the message that begins here; 0: none does. */
static size_t message_length(const uint8_t *p, size_t n)
{
	if (is_channel_data(p, n))
		return padded(CHANNEL_HEADER + u16(p + 2));
	return is_stun(p, n) ? STUN_HEADER + u16(p + 2) : 0;
}

static bool data_attribute(const uint8_t *p, size_t n, size_t *payload)
{
	size_t at = STUN_HEADER;

	while (at + 4 <= n) {
		if (u16(p + at) == STUN_ATTR_DATA) {
			*payload = u16(p + at + 2);
			return true;
		}
		at += 4 + padded(u16(p + at + 2));
	}
	return false;
}

bool turn_message_payload(const uint8_t *p, size_t n, size_t *payload)
{
	if (is_channel_data(p, n)) {
		*payload = u16(p + 2);
		return true;
	}
	return is_stun(p, n) && u16(p) == STUN_DATA_INDICATION && data_attribute(p, n, payload);
}

static void count_message(const uint8_t *p, size_t n, struct turn_stream_rest *out)
{
	size_t payload;

	out->packets++;
	out->bytes += n;
	if (!turn_message_payload(p, n, &payload))
		return;
	out->peer_packets++;
	out->peer_bytes += payload;
}

/* Payload of the message before the first whole one, of which n bytes are left: like that of the
 * next that carries one, if they can be the rest of such a message; else all of them. */
static size_t cut_payload(size_t n, const uint8_t *p, const uint8_t *end)
{
	size_t length, payload;

	for (; p < end; p += length) {
		length = message_length(p, (size_t)(end - p));
		if (turn_message_payload(p, length, &payload))
			return n < length ? payload : n;
	}
	return n;
}

/* The first place from which whole messages follow each other up to the end. */
static size_t first_message(const uint8_t *p, size_t n, bool *whole_from)
{
	size_t first = n, at = n;

	whole_from[n] = true;
	while (at-- > 0) {
		size_t length = message_length(p + at, n - at);

		whole_from[at] = length > 0 && length <= n - at && whole_from[at + length];
		if (whole_from[at])
			first = at;
	}
	return first;
}

int turn_stream_count_rest(const uint8_t *p, size_t n, struct turn_stream_rest *out)
{
	bool *whole_from = calloc(n + 1, sizeof(*whole_from));
	size_t at, first;

	*out = (struct turn_stream_rest){ 0 };
	if (!whole_from)
		return -ENOMEM;
	first = first_message(p, n, whole_from);
	free(whole_from);
	for (at = first; at < n; at += message_length(p + at, n - at))
		count_message(p + at, message_length(p + at, n - at), out);
	if (first == 0)
		return 0;
	if (out->peer_packets || first == n) {
		out->peer_packets++;
		out->peer_bytes += cut_payload(first, p + first, p + n);
	}
	out->packets++;
	out->bytes += first;
	return 0;
}
