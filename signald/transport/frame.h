/* frame.h - one outgoing message, encoded once and shared
 *
 * The payload stands behind its finished WebSocket header, so that a broadcast
 * to a thousand WebSockets is a thousand pointers to the same bytes; polling
 * takes the payload alone. Counted references; written by its maker before it
 * is shared, never after. Pure; loop thread only. */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;

/* A frame with room for n bytes of payload and one reference, the caller's.
 * NULL: out of memory. */
struct frame *frame_new(bool binary, size_t n);
struct frame *frame_text(const char *text);

struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f); /* NULL is fine */

char *frame_payload(struct frame *f);
size_t frame_size(const struct frame *f); /* of the payload, bytes */
bool frame_is_binary(const struct frame *f);

/* It begins, ceases to wait in a queue. Returns true when it is the first, the
 * last: a frame that waits in many costs its memory once. */
bool frame_enqueued(struct frame *f);
bool frame_dequeued(struct frame *f);

/* The whole RFC 6455 frame. Returns its length. */
size_t frame_wire(const struct frame *f, const uint8_t **p);

#endif
