/* dialog.c - bounded storage for offers and what waits */
#include "dialog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

int dialog_new(struct dialog **out, size_t members_n, struct held_budget *budget)
{
	struct dialog *d = calloc(1, sizeof(*d) + members_n * sizeof(d->legs[0]));

	if (!d)
		return -ENOMEM;
	d->budget = budget;
	d->legs_n = members_n;
	*out = d;
	return 0;
}

void dialog_free(struct dialog *d)
{
	if (!d)
		return;
	dialog_drop_offer(d);
	for (size_t i = 0; i < d->legs_n; i++)
		dialog_clear_leg(d, i);
	free(d);
}

static int held_new(struct held **out, struct dialog *d, const char *text, size_t n)
{
	const size_t bytes = sizeof(struct held) + n, left = d->budget->max - d->budget->bytes;
	struct held *h;

	if (bytes > left || d->bytes + bytes > HELD_SHARE_BYTES + left / HELD_SHARE_PART)
		return -ENOBUFS;
	h = malloc(bytes);
	if (!h)
		return -ENOMEM;
	*h = (struct held){ .n = n };
	memcpy(h->text, text, n);
	d->budget->bytes += bytes;
	d->bytes += bytes;
	*out = h;
	return 0;
}

void held_free(struct dialog *d, struct held *h)
{
	if (!h)
		return;
	d->budget->bytes -= sizeof(*h) + h->n;
	d->bytes -= sizeof(*h) + h->n;
	free(h);
}

int dialog_set_offer(struct dialog *d, const char *text, size_t n)
{
	return held_new(&d->offer, d, text, n);
}

void dialog_drop_offer(struct dialog *d)
{
	held_free(d, d->offer);
	d->offer = NULL;
}

static void append(struct held_queue *q, struct held *h)
{
	h->next = NULL;
	if (q->last)
		q->last->next = h;
	else
		q->first = h;
	q->last = h;
	q->n++;
}

int dialog_hold(struct dialog *d, struct held_queue *q, size_t max, uint64_t from_serial,
		const char *event, const char *text, size_t n)
{
	struct held *h;
	int rc;

	if (q->n >= max)
		return -ENOSPC;
	rc = held_new(&h, d, text, n);
	if (rc < 0)
		return rc;
	h->event = event;
	h->from_serial = from_serial;
	if (FAULT(held_in_reverse) && q->first) {
		h->next = q->first;
		q->first = h;
		q->n++;
		return 0;
	}
	append(q, h);
	return 0;
}

struct held *dialog_take(struct held_queue *q)
{
	struct held *h = q->first;

	if (!h)
		return NULL;
	q->first = h->next;
	if (!q->first)
		q->last = NULL;
	q->n--;
	return h;
}

void dialog_move(struct dialog *d, struct held_queue *to, struct held_queue *from,
		 uint64_t from_serial)
{
	struct held *h;

	while ((h = dialog_take(from))) {
		if (from_serial && h->from_serial != from_serial &&
		    !FAULT(held_of_other_devices_too))
			held_free(d, h);
		else
			append(to, h);
	}
}

void leg_set_socket(struct leg *leg, struct call_socket *s)
{
	if (leg->socket) {
		call_socket_count_legs(leg->socket, -1);
		if (!leg->passed)
			leg->lost = call_socket_serial(leg->socket);
	}
	if (s)
		call_socket_count_legs(s, 1);
	leg->socket = s;
	leg->passed = false;
}

void dialog_set_name(struct dialog *d, size_t i, struct json_slice name)
{
	struct leg *leg = &d->legs[i];

	held_free(d, leg->name);
	leg->name = NULL;
	if (name.p && held_new(&leg->name, d, name.p, name.n) < 0)
		leg->name = NULL;
}

void dialog_clear_leg(struct dialog *d, size_t i)
{
	struct leg *leg = &d->legs[i];
	struct held *h;

	while ((h = dialog_take(&leg->said)))
		held_free(d, h);
	while ((h = dialog_take(&leg->waiting)))
		held_free(d, h);
	dialog_set_name(d, i, (struct json_slice){ 0 });
	leg_set_socket(leg, NULL);
	leg->direct = false;
}

/* FNV-1a, 64 bits: tells a retry from a new offer of the same client, nothing more. */
uint64_t dialog_hash(const char *p, size_t n)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return h;
}
