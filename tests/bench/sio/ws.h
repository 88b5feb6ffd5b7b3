/* ws.h - WebSocket frames as a client writes and reads them (RFC 6455) */
#ifndef BENCH_WS_H
#define BENCH_WS_H

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

/* The mask of every frame of ours. It is no secret here, and must not be 0, which would spare the
 * server its work. */
extern const uint8_t ws_mask[4];

/* A whole masked frame into out, of WS_HEAD_MAX + n bytes at least. Returns its length; the payload
 * is its end. */
size_t ws_write(uint8_t *out, enum ws_opcode opcode, const char *p, size_t n);
/* Returns the bytes of one whole frame, 0: more is needed, -1: what no server may send, or in
 * fragments. */
int64_t ws_read(struct ws_frame *f, const char *p, size_t n);

#endif
