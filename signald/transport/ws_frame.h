/* ws_frame.h - WebSocket frames, RFC 6455: a server's decoder and the header writer
 *
 * Incremental: bytes come as the network cuts them. A message that arrives
 * whole is handed on from where it lies; memory is held only between the pieces
 * of one. No extensions. Pure; loop thread only. */
#ifndef WS_FRAME_H
#define WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/utf8.h"

#define WS_HEAD_MAX 10	   /* bytes of an unmasked header */
#define WS_CONTROL_MAX 125 /* bytes of a control frame's payload, section 5.5 */

enum ws_opcode {
	WS_OP_CONTINUATION = 0x0,
	WS_OP_TEXT = 0x1,
	WS_OP_BINARY = 0x2,
	WS_OP_CLOSE = 0x8,
	WS_OP_PING = 0x9,
	WS_OP_PONG = 0xa,
};

/* Section 7.4.1 */
enum ws_close_code {
	WS_NO_FRAME = 1, /* ours: the connection ends without a Close frame */
	WS_NORMAL = 1000,
	WS_GOING_AWAY = 1001,
	WS_PROTOCOL_ERROR = 1002,
	WS_NO_CODE = 1005, /* never sent: the Close frame was empty */
	WS_BAD_TEXT = 1007,
	WS_POLICY = 1008,
	WS_TOO_BIG = 1009,
	WS_INTERNAL = 1011,
	WS_TRY_LATER = 1013, /* registered with IANA since */
};

enum ws_got {
	WS_NOTHING, /* all bytes used, more needed */
	WS_TEXT,
	WS_BINARY,
	WS_PING,
	WS_PONG,
	WS_CLOSE, /* code says which; p, n the reason */
	WS_BAD,	  /* fail the connection with code */
};

struct ws_event {
	enum ws_got got;
	const uint8_t *p; /* a loan until the next ws_decode() */
	size_t n;
	unsigned code;
};

struct ws_decoder {
	size_t max;	  /* bytes of a message */
	uint8_t head[14]; /* header so far; its last 4 bytes are the masking key */
	uint8_t head_n;
	bool in_payload; /* the header is complete */
	bool finished;	 /* closed or failed: everything is ignored */
	bool release;	 /* what was handed on may go */
	uint8_t message; /* opcode of the message under way, 0: none */
	uint8_t mask_at; /* 0..3: position in the key */
	uint8_t control_n;
	struct utf8 utf8;
	uint64_t left; /* bytes of this frame's payload to come */
	uint8_t *buf;  /* the message so far */
	size_t n, size;
	uint8_t *control; /* a control frame cut in two */
};

void ws_decoder_init(struct ws_decoder *d, size_t max);
void ws_decoder_deinit(struct ws_decoder *d);

/* Between two frames of no message: nothing would be lost by starting anew. */
bool ws_decoder_idle(const struct ws_decoder *d);
size_t ws_decoder_held(const struct ws_decoder *d); /* bytes of memory beside *d */

/* Read until something is complete; bytes at p are unmasked in place. Call it
 * again with the rest until it reports WS_NOTHING (or WS_BAD): only then it
 * holds no more memory than it needs. Returns how many bytes were used. */
size_t ws_decode(struct ws_decoder *d, uint8_t *p, size_t n, struct ws_event *ev);

/* Write the header of an unfragmented server frame. Returns its length. */
size_t ws_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode op, uint64_t n);

#endif
