/* sio_encode.c - a message and its attachments as frames, ready to be shared */
#include <errno.h>
#include <string.h>

#include "socketio/sio_placeholder.h"
#include "socketio/sio_priv.h"

#define ARGS_PIECES_MAX (2 * SIO_BLOBS_MAX + 1) /* text, placeholder, ... text */
#define PIECES_MAX (3 + ARGS_PIECES_MAX + 1)	/* and the name before them, the end behind */

/* Socket.IO v5, "Sending and receiving data": keys in this order */
static const char *const placeholder_text[SIO_BLOBS_MAX] = {
	"{\"_placeholder\":true,\"num\":0}", "{\"_placeholder\":true,\"num\":1}",
	"{\"_placeholder\":true,\"num\":2}", "{\"_placeholder\":true,\"num\":3}",
	"{\"_placeholder\":true,\"num\":4}", "{\"_placeholder\":true,\"num\":5}",
	"{\"_placeholder\":true,\"num\":6}", "{\"_placeholder\":true,\"num\":7}",
	"{\"_placeholder\":true,\"num\":8}", "{\"_placeholder\":true,\"num\":9}",
};

struct json_slice sio_piece(const char *text)
{
	return (struct json_slice){ text, strlen(text) };
}

struct frame *sio_text_frame(const char *head, size_t head_n, const struct json_slice *v,
			     size_t count)
{
	struct frame *f;
	size_t n = head_n, i;
	char *p;

	for (i = 0; i < count; i++) {
		if (v[i].n > SIZE_MAX - n)
			return NULL;
		n += v[i].n;
	}
	f = frame_new(false, n);
	if (!f)
		return NULL;
	p = frame_payload(f);
	memcpy(p, head, head_n);
	p += head_n;
	for (i = 0; i < count; i++) {
		if (v[i].n)
			memcpy(p, v[i].p, v[i].n);
		p += v[i].n;
	}
	return f;
}

/* The arguments, their placeholders numbered anew in the order in which they
 * stand. Returns how many pieces that takes. */
static size_t put_args(struct json_slice *to, const struct sio_message *m,
		       const struct sio_placeholder *at, size_t at_n)
{
	const char *p = m->args;
	size_t i, n = 0;

	for (i = 0; i < at_n; i++) {
		to[n++] = (struct json_slice){ p, (size_t)(at[i].at.p - p) };
		to[n++] = sio_piece(placeholder_text[i]);
		p = at[i].at.p + at[i].at.n;
	}
	to[n++] = (struct json_slice){ p, m->n - (size_t)(p - m->args) };
	return n;
}

static enum sio_type packet_type(enum sio_form form, size_t attachments)
{
	if (form == SIO_AS_ACK)
		return attachments ? SIO_BINARY_ACK : SIO_ACK;
	return attachments ? SIO_BINARY_EVENT : SIO_EVENT;
}

/* ["event",args] or, of an answer, [args] */
static struct frame *message_frame(const char *nsp, enum sio_form form, int64_t id,
				   const struct sio_message *m, const struct sio_placeholder *at,
				   size_t at_n)
{
	struct json_slice v[PIECES_MAX];
	char head[SIO_HEAD_MAX];
	size_t head_n = sio_packet_head(head, packet_type(form, at_n), at_n, nsp, id);
	size_t n = 0;

	if (form == SIO_AS_EVENT) {
		v[n++] = sio_piece("[\"");
		v[n++] = sio_piece(m->event);
		v[n++] = sio_piece(m->n ? "\"," : "\"");
	} else {
		v[n++] = sio_piece("[");
	}
	if (m->n)
		n += put_args(v + n, m, at, at_n);
	v[n++] = sio_piece("]");
	return sio_text_frame(head, head_n, v, n);
}

static struct frame *blob_frame(const struct sio_blob *b)
{
	struct frame *f = frame_new(true, b->n);

	if (f && b->n)
		memcpy(frame_payload(f), b->p, b->n);
	return f;
}

/* One that is named twice is sent twice, and made once. */
static struct frame *attachment(const struct sio_encoded *e, const struct sio_message *m,
				const struct sio_placeholder *at, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++) {
		if (at[k].num == at[i].num)
			return frame_ref(e->v[1 + k]);
	}
	return blob_frame(&m->blobs[at[i].num]);
}

void sio_encoded_free(struct sio_encoded *e)
{
	while (e->n)
		frame_unref(e->v[--e->n]);
}

int sio_encode(struct sio_encoded *e, const struct sio_nsp *nsp, enum sio_form form, int64_t id,
	       const struct sio_message *m)
{
	struct sio_placeholder at[SIO_BLOBS_MAX];
	int at_n = 0, i;

	if (m->blobs_n)
		at_n = sio_placeholders((struct json_slice){ m->args, m->n }, m->blobs_n, at,
					SIO_BLOBS_MAX);
	if (at_n < 0)
		return -EINVAL;
	e->is_volatile = m->is_volatile;
	e->v[0] = message_frame(nsp->def->name, form, id, m, at, (size_t)at_n);
	e->n = e->v[0] != NULL;
	for (i = 0; i < at_n && e->n; i++) {
		e->v[e->n] = attachment(e, m, at, (size_t)i);
		if (e->v[e->n])
			e->n++;
		else
			sio_encoded_free(e);
	}
	if (e->n)
		return 0;
	nsp->srv->counters.out_of_memory++;
	return -ENOMEM;
}
