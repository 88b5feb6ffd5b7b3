/* sio_send.c - events and acknowledgements to one socket */
#include <errno.h>
#include <stdlib.h>

#include "socketio/sio_priv.h"

static int append_held(struct sio_server *srv, struct frame *f)
{
	struct sio_held *h;

	if (frame_size(f) > srv->cfg.engine.queue_hard - srv->held_bytes)
		return -ENOBUFS;
	h = malloc(sizeof(*h));
	if (!h)
		return -ENOMEM;
	*h = (struct sio_held){ NULL, frame_ref(f) };
	*srv->held_last = h;
	srv->held_last = &h->next;
	srv->held_bytes += frame_size(f);
	return 0;
}

/* Behind the CONNECT answer, which is not decided yet. */
static int hold(struct sio_client *c, struct frame *f)
{
	int rc = append_held(c->srv, f);

	if (rc)
		eio_close(c->session, "forced close");
	return rc;
}

struct frame *sio_held_pop(struct sio_server *srv)
{
	struct sio_held *h = srv->held;
	struct frame *f;

	if (!h)
		return NULL;
	f = h->f;
	srv->held = h->next;
	if (!srv->held)
		srv->held_last = &srv->held;
	srv->held_bytes -= frame_size(f);
	free(h);
	return f;
}

int sio_push(struct sio_socket *s, struct frame *f, bool is_volatile)
{
	if (s->state == SIO_CONNECTING || s->state == SIO_UNWANTED)
		return hold(s->client, f);
	return eio_send(s->client->session, f, is_volatile);
}

/* The first frame decides for all: attachments follow or are not sent either. */
int sio_send_encoded(struct sio_socket *s, const struct sio_encoded *e)
{
	size_t i;
	int rc;

	if (s->state >= SIO_LEAVING || s->state == SIO_PENDING)
		return -ENOTCONN;
	for (i = 0; i < e->n; i++) {
		rc = sio_push(s, e->v[i], e->is_volatile && i == 0);
		if (rc)
			return rc;
	}
	s->client->srv->counters.packets_out++;
	return 0;
}

int sio_send_form(struct sio_socket *s, enum sio_form form, int64_t id, const struct sio_message *m)
{
	struct sio_encoded e;
	int rc;

	if (s->state >= SIO_LEAVING || s->state == SIO_PENDING)
		return -ENOTCONN;
	rc = sio_encode(&e, s->nsp, form, id, m);
	if (rc)
		return rc;
	rc = sio_send_encoded(s, &e);
	sio_encoded_free(&e);
	return rc;
}

int sio_send(struct sio_socket *s, const struct sio_message *m)
{
	return sio_send_form(s, SIO_AS_EVENT, -1, m);
}

int sio_ack_send(struct sio_socket *s, int64_t ack, const struct sio_message *m)
{
	return ack < 0 ? 0 : sio_send_form(s, SIO_AS_ACK, ack, m);
}

int sio_emit(struct sio_socket *s, const char *event, const char *args, size_t n)
{
	return sio_send(s, &(struct sio_message){ .event = event, .args = args, .n = n });
}

int sio_ack(struct sio_socket *s, int64_t ack, const char *args, size_t n)
{
	return sio_ack_send(s, ack, &(struct sio_message){ .args = args, .n = n });
}
