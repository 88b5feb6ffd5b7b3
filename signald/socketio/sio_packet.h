/* sio_packet.h - Socket.IO protocol 5: the text form of a packet
 *
 *	<type>[<attachments>-][<namespace>,][<ack id>][JSON]
 * A decoded packet points into the caller's bytes; its JSON has been checked,
 * once and for all. Pure; any thread. */
#ifndef SIO_PACKET_H
#define SIO_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"

#define SIO_NAMESPACE_MAX 128	      /* bytes */
#define SIO_ID_MAX 9007199254740991LL /* 2^53-1 */
#define SIO_ITEMS_MAX 9		      /* an event's name and its first arguments */

enum sio_type {
	SIO_CONNECT,
	SIO_DISCONNECT,
	SIO_EVENT,
	SIO_ACK,
	SIO_CONNECT_ERROR,
	SIO_BINARY_EVENT,
	SIO_BINARY_ACK,
};

struct sio_packet {
	enum sio_type type;
	unsigned attachments;
	const char *nsp; /* "/" when none is written */
	size_t nsp_n;
	int64_t id;				/* -1: none */
	struct json_slice data;			/* { NULL, 0 }: none */
	struct json_slice items[SIO_ITEMS_MAX]; /* of data, an array */
	size_t items_n;				/* all of them, also those beyond */
};

struct sio_packet_limits {
	unsigned attachments;
	struct json_limits json;
};

/* Read one packet and check that its parts fit its type.
 * Returns 0, -EINVAL, -ENOSPC (more attachments than allowed), -ENAMETOOLONG
 * (the namespace's), -E2BIG (JSON over its limits). */
int sio_packet_decode(const char *p, size_t n, const struct sio_packet_limits *limits,
		      struct sio_packet *out);

/* Write everything before the JSON, with the Engine.IO type digit. The
 * namespace "/" is not written. Returns the length, at most SIO_HEAD_MAX. */
#define SIO_HEAD_MAX (SIO_NAMESPACE_MAX + 64)
size_t sio_packet_head(char out[SIO_HEAD_MAX], enum sio_type type, size_t attachments,
		       const char *nsp, int64_t id);

#endif
