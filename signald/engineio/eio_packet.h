/* eio_packet.h - Engine.IO protocol 4: packets, and payloads of several
 *
 * A packet is a type digit and data; in a payload packets are joined by 0x1e
 * and a binary message is "b" and base64. Decoded packets point into the
 * caller's bytes. Pure; any thread. */
#ifndef EIO_PACKET_H
#define EIO_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#define EIO_SEPARATOR '\x1e'

enum eio_type {
	EIO_OPEN,
	EIO_CLOSE,
	EIO_PING,
	EIO_PONG,
	EIO_MESSAGE,
	EIO_UPGRADE,
	EIO_NOOP,
};

struct eio_packet {
	enum eio_type type;
	bool binary; /* a message whose data is base64 */
	const char *p;
	size_t n;
};

/* Read one packet in text form. Returns 0, -EINVAL (empty, unknown type). */
int eio_packet_decode(const char *p, size_t n, struct eio_packet *out);

/* Cut the next packet's text off a payload:
 *	while (eio_payload_next(&p, &left, &text, &n)) ...
 * left starts with the payload's size; an empty payload holds one empty packet,
 * as does the place behind a trailing separator. */
bool eio_payload_next(const char **p, size_t *left, const char **text, size_t *n);

#define EIO_PAYLOAD_END ((size_t)-1) /* what left is when nothing is left */

#endif
