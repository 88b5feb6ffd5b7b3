/* ws_client.h - WebSocket frames as a client writes and reads them (RFC 6455). Pure. */
#ifndef WS_CLIENT_H
#define WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_HEAD_MAX 14

enum ws_opcode { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_frame {
	enum ws_opcode opcode;
	const char *p;
	size_t n;
};

/* A whole masked frame into out, of WS_HEAD_MAX + n bytes at least. Returns its length; the payload
 * is its end. Section 5.3: the mask is a new random one each time, unless nothing but our own
 * server will ever see it. */
size_t ws_write(uint8_t *out, enum ws_opcode opcode, const uint8_t mask[4], const char *p,
		size_t n);
/* Returns the bytes of one whole frame, 0: more is needed, -1: what no server may send, or in
 * fragments. */
int64_t ws_read(struct ws_frame *f, const char *p, size_t n);

#endif
