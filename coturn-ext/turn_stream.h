/* turn_stream.h - TURN messages as they lie one after the other in a stream to a client
 *
 * RFC 8656 section 12.5 pads ChannelData to four bytes on a stream; STUN messages
 * always are. Pure. */
#ifndef TURN_STREAM_H
#define TURN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is this message one that carries what a peer sent (ChannelData, Data
 * indication)? *payload: so many bytes. */
bool turn_message_payload(const uint8_t *p, size_t n, size_t *payload);

/* What a client will not get whole of a stream's last bytes. */
struct turn_stream_rest {
	uint64_t packets, bytes;	   /* messages; the bytes that are there of them */
	uint64_t peer_packets, peer_bytes; /* of them: what peers sent */
};

/* Count n bytes that end with a message. The first may lack its beginning; it
 * is taken to carry a peer's packet, as long as the next one, if one follows that
 * does; where none does or what is left is longer, its bytes are taken to be payload.
 * Returns 0, -ENOMEM. */
int turn_stream_count_rest(const uint8_t *p, size_t n, struct turn_stream_rest *out);

#endif
