/* eio_fake.h - the endpoint's side of engineio, on paper: what was sent is text to compare */
#ifndef EIO_FAKE_H
#define EIO_FAKE_H

#include <stdio.h>
#include <string.h>

#include "engineio/eio_server.h"
#include "transport/frame.h"

#define FAKE_BYTES 65536

/* A GET or a WebSocket. What came is in text, packets ended by '|'; binary in <>. */
struct fake {
	char text[FAKE_BYTES];
	size_t n;
	bool answered, refused, closed;
	unsigned code;
	int fail;		  /* ws_send returns it */
	const struct frame *last; /* that came by ws_send */
	unsigned frames;	  /* different ones in a row */
};

static inline void fake_reset(struct fake *f)
{
	memset(f, 0, sizeof(*f));
}

static inline void fake_write(struct fake *f, const char *p, size_t n)
{
	if (f->n + n >= sizeof(f->text))
		return;
	memcpy(f->text + f->n, p, n);
	f->n += n;
	f->text[f->n] = '\0';
}

static inline void fake_poll_reply(void *poll, const char *body, size_t n)
{
	struct fake *f = poll;

	f->answered = true;
	fake_write(f, body, n);
}

static inline void fake_poll_refuse(void *poll, enum eio_error e)
{
	struct fake *f = poll;

	f->refused = true;
	f->code = (unsigned)e;
}

static inline int fake_ws_send(void *ws, struct frame *fr, bool is_volatile)
{
	struct fake *f = ws;

	(void)is_volatile;
	if (f->fail)
		return f->fail;
	f->frames += f->last != fr;
	f->last = fr;
	if (frame_is_binary(fr))
		fake_write(f, "<", 1);
	fake_write(f, frame_payload(fr), frame_size(fr));
	fake_write(f, frame_is_binary(fr) ? ">|" : "|", frame_is_binary(fr) ? 2 : 1);
	return 0;
}

static inline void fake_ws_close(void *ws, unsigned code)
{
	struct fake *f = ws;

	f->closed = true;
	f->code = code;
}

static inline void fake_wake(void *ctx)
{
	++*(unsigned *)ctx;
}

static inline struct eio_link fake_link(unsigned *wakes)
{
	return (struct eio_link){ fake_poll_reply, fake_poll_refuse, fake_ws_send,
				  fake_ws_close,   fake_wake,	     wakes };
}

static struct eio_handshake fake_handshake = { .address = "192.0.2.1", .query = "EIO=4" };

#endif
