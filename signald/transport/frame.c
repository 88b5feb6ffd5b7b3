/* frame.c - one outgoing message, encoded once and shared */
#include "transport/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "transport/ws_frame.h"

struct frame {
	unsigned refs, queues;
	size_t n;
	bool binary;
	uint8_t skip;	 /* unused bytes before the header: it ends where the payload begins */
	uint8_t bytes[]; /* WS_HEAD_MAX, then n of payload */
};

struct frame *frame_new(bool binary, size_t n)
{
	struct frame *f;
	uint8_t head[WS_HEAD_MAX];
	size_t head_n;

	if (n > SIZE_MAX - sizeof(*f) - WS_HEAD_MAX)
		return NULL;
	f = malloc(sizeof(*f) + WS_HEAD_MAX + n);
	if (!f)
		return NULL;
	head_n = ws_head(head, binary ? WS_OP_BINARY : WS_OP_TEXT, n);
	f->refs = 1;
	f->queues = 0;
	f->binary = binary;
	f->skip = (uint8_t)(WS_HEAD_MAX - head_n);
	f->n = n;
	memcpy(f->bytes + f->skip, head, head_n);
	return f;
}

struct frame *frame_text(const char *text)
{
	size_t n = strlen(text);
	struct frame *f = frame_new(false, n);

	if (f)
		memcpy(frame_payload(f), text, n);
	return f;
}

struct frame *frame_ref(struct frame *f)
{
	f->refs++;
	assert(f->refs);
	return f;
}

void frame_unref(struct frame *f)
{
	if (f && --f->refs == 0)
		free(f);
}

bool frame_enqueued(struct frame *f)
{
	return f->queues++ == 0;
}

bool frame_dequeued(struct frame *f)
{
	assert(f->queues);
	return --f->queues == 0;
}

char *frame_payload(struct frame *f)
{
	return (char *)f->bytes + WS_HEAD_MAX;
}

size_t frame_size(const struct frame *f)
{
	return f->n;
}

bool frame_is_binary(const struct frame *f)
{
	return f->binary;
}

size_t frame_wire(const struct frame *f, const uint8_t **p)
{
	*p = f->bytes + f->skip;
	return WS_HEAD_MAX - f->skip + f->n;
}
