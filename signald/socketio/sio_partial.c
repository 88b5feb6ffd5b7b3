/* sio_partial.c - events whose attachments are under way: bounded in number, bytes and time */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_placeholder.h"
#include "socketio/sio_priv.h"

struct sio_partial {
	struct sio_client *client;
	struct timeq_node deadline;
	struct sio_packet packet; /* points into text */
	size_t bytes;		  /* of text and attachments, as the client's limit counts them */
	size_t charged;		  /* to the limit of all clients */
	size_t have;
	char *text;		 /* behind blobs */
	struct sio_blob blobs[]; /* packet.attachments of them */
};

static bool charge(struct sio_server *srv, size_t n)
{
	uint64_t *used = &srv->counters.partial_bytes;

	if (n > srv->cfg.partial_bytes_max || *used > srv->cfg.partial_bytes_max - n) {
		srv->counters.partials_refused++;
		return false;
	}
	*used += n;
	return true;
}

static void partial_free(struct sio_partial *part)
{
	size_t i;

	timeq_remove(&part->deadline);
	part->client->srv->counters.partial_bytes -= part->charged;
	for (i = 0; i < part->have; i++)
		free((void *)part->blobs[i].p);
	free(part);
}

void sio_partial_drop(struct sio_client *c)
{
	if (c->partial)
		partial_free(c->partial);
	c->partial = NULL;
}

static struct sio_partial *partial_new(struct sio_client *c, unsigned attachments, size_t text_n)
{
	size_t blobs_n = attachments * sizeof(struct sio_blob);
	size_t n = sizeof(struct sio_partial) + blobs_n + text_n;
	struct sio_partial *part;

	if (!charge(c->srv, n)) {
		eio_close(c->session, "forced close");
		return NULL;
	}
	part = malloc(n);
	if (!part) {
		c->srv->counters.partial_bytes -= n;
		sio_out_of_memory(c);
		return NULL;
	}
	memset(part, 0, sizeof(*part));
	part->client = c;
	part->charged = n;
	part->bytes = text_n;
	part->text = (char *)part->blobs + blobs_n;
	return part;
}

/* Each attachment may be named, by several placeholders even: but to name one a
 * thousand times would make a thousand of it. */
static int check_placeholders(struct sio_server *srv, const struct sio_packet *p)
{
	struct sio_placeholder at[SIO_BLOBS_MAX];
	int rc = sio_placeholders(p->data, p->attachments, at, srv->cfg.attachments_max);

	srv->counters.attachments_refused += rc == -ENOSPC;
	return rc;
}

void sio_partial_begin(struct sio_client *c, const struct sio_packet *p, const char *text, size_t n,
		       uint64_t now_ms)
{
	struct sio_server *srv = c->srv;
	struct sio_partial *part;

	if (check_placeholders(srv, p) < 0) {
		sio_parse_error(c);
		return;
	}
	part = partial_new(c, p->attachments, n);
	if (!part)
		return;
	memcpy(part->text, text, n);
	sio_packet_decode(part->text, n, &srv->limits, &part->packet); /* like the original */
	timeq_add(&srv->partials, &part->deadline, now_ms + srv->cfg.engine.ping_interval_ms);
	c->partial = part;
	eio_server_wake(srv->eio); /* there is a new deadline */
}

/* Returns 0, -EINVAL (over the payload's maximum), -ENOBUFS, -ENOMEM. */
static int add_blob(struct sio_server *srv, struct sio_partial *part, const void *p, size_t n)
{
	size_t cost = sizeof(void *) + n;
	void *copy;

	if (n > srv->cfg.engine.max_payload - part->bytes)
		return -EINVAL;
	if (!charge(srv, cost))
		return -ENOBUFS;
	part->charged += cost;
	copy = malloc(n ? n : 1);
	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, p, n);
	part->bytes += n;
	part->blobs[part->have++] = (struct sio_blob){ copy, n };
	return 0;
}

void sio_partial_add(struct sio_client *c, const void *p, size_t n, uint64_t now_ms)
{
	struct sio_partial *part = c->partial;
	int rc = part ? add_blob(c->srv, part, p, n) : -EINVAL;

	if (rc == -EINVAL) {
		c->srv->counters.attachments_refused += part != NULL;
		sio_parse_error(c);
	} else if (rc == -ENOMEM) {
		sio_out_of_memory(c);
	} else if (rc) {
		eio_close(c->session, "forced close");
	} else if (part->have == part->packet.attachments) {
		c->partial = NULL;
		sio_deliver(c, &part->packet, part->blobs, now_ms);
		partial_free(part);
	}
}

void sio_partial_tick(struct sio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;
	int i;

	for (i = 0; i < SIO_TICK_MAX && (n = timeq_take(&srv->partials, now_ms)); i++) {
		srv->counters.partials_expired++;
		sio_parse_error(timeq_owner(n, struct sio_partial, deadline)->client);
	}
}
