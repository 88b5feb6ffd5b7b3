/* dialog.c - bounded storage for offers and early candidates */
#include "dialog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int dialog_new(struct dialog **out, struct held_budget *budget)
{
	struct dialog *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->budget = budget;
	*out = d;
	return 0;
}

void dialog_free(struct dialog *d)
{
	struct held *h;

	if (!d)
		return;
	dialog_drop_offer(d);
	for (enum call_role r = CALL_CALLER; r <= CALL_CALLEE; r++)
		while ((h = leg_take(d, r)))
			held_free(d, h);
	free(d);
}

static int held_new(struct held **out, struct dialog *d, const char *text, size_t n)
{
	const size_t bytes = sizeof(struct held) + n;
	struct held *h;

	if (bytes > d->budget->max - d->budget->bytes)
		return -ENOBUFS;
	h = malloc(bytes);
	if (!h)
		return -ENOMEM;
	*h = (struct held){ .n = n };
	memcpy(h->text, text, n);
	d->budget->bytes += bytes;
	*out = h;
	return 0;
}

void held_free(struct dialog *d, struct held *h)
{
	if (!h)
		return;
	d->budget->bytes -= sizeof(*h) + h->n;
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

int leg_hold(struct dialog *d, enum call_role to, size_t max, uint64_t from_serial,
	     const char *event, const char *text, size_t n)
{
	struct leg *leg = &d->legs[to];
	struct held *h;
	int rc;

	if (leg->held_n >= max)
		return -ENOSPC;
	rc = held_new(&h, d, text, n);
	if (rc < 0)
		return rc;
	h->event = event;
	h->from_serial = from_serial;
	if (leg->last)
		leg->last->next = h;
	else
		leg->first = h;
	leg->last = h;
	leg->held_n++;
	return 0;
}

int leg_hold_first(struct dialog *d, enum call_role to, uint64_t from_serial, const char *event,
		   const char *text, size_t n)
{
	struct leg *leg = &d->legs[to];
	struct held *h;
	int rc = held_new(&h, d, text, n);

	if (rc < 0)
		return rc;
	h->event = event;
	h->from_serial = from_serial;
	h->next = leg->first;
	leg->first = h;
	if (!leg->last)
		leg->last = h;
	leg->held_n++;
	return 0;
}

struct held *leg_take(struct dialog *d, enum call_role to)
{
	struct leg *leg = &d->legs[to];
	struct held *h = leg->first;

	if (!h)
		return NULL;
	leg->first = h->next;
	if (!leg->first)
		leg->last = NULL;
	leg->held_n--;
	return h;
}

void leg_keep_only(struct dialog *d, enum call_role to, uint64_t from_serial)
{
	struct leg *leg = &d->legs[to];
	struct held **link = &leg->first;

	leg->last = NULL;
	while (*link) {
		struct held *h = *link;

		if (h->from_serial == from_serial) {
			leg->last = h;
			link = &h->next;
			continue;
		}
		*link = h->next;
		leg->held_n--;
		held_free(d, h);
	}
}

/* FNV-1a, 64 bits: tells a retry from a new offer of the same client, nothing more. */
uint64_t dialog_hash(const char *p, size_t n)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return h;
}
