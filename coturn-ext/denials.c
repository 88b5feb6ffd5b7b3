/* denials.c - see denials.h
 *
 * A source's table is sets of a few entries: the key says the set, the entry
 * that was told longest ago gives way. Its ring has one writer, the thread,
 * and one reader, main. */
#include "denials.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client_address.h"

#define WAYS 4
#define SETS (DENIAL_CLIENTS_MAX / WAYS)

_Static_assert((SETS & (SETS - 1)) == 0 && (DENIAL_RING_MAX & (DENIAL_RING_MAX - 1)) == 0,
	       "powers of two");

static const char *const words[DENIAL_REASONS] = {
	[DENIAL_USER_LIMIT] = "user-limit", [DENIAL_CALL_LIMIT] = "call-limit",
	[DENIAL_TAG_LIMIT] = "tag-limit",   [DENIAL_CLIENT_LIMIT] = "client-limit",
	[DENIAL_QUOTA] = "quota",	    [DENIAL_REVOKED] = "revoked",
	[DENIAL_EXPIRED] = "expired",	    [DENIAL_DRAINING] = "draining",
};

struct record {
	enum denial_reason reason;
	uint32_t n;
	struct client_address client;
	char user[TURN_USER_ID_MAX + 1];
	char call[TURN_CALL_ID_LEN + 1];
};

struct entry {
	struct client_address key; /* the client's prefix */
	bool used;
	uint64_t quiet_until_ms;
	struct record record; /* of the latest refusal; n: not told yet */
};

struct denial_source {
	struct denials *owner;
	struct denial_source *next;
	size_t waiting;				  /* entries with something not told */
	uint64_t period_ms;			  /* when it began */
	unsigned told;				  /* in this period */
	struct entry entries[DENIAL_CLIENTS_MAX]; /* SETS times WAYS */
	_Atomic unsigned head;			  /* next to take; main */
	_Atomic unsigned tail;			  /* next to fill; the thread */
	struct record ring[DENIAL_RING_MAX];
};

struct denials {
	_Atomic(struct denial_source *) sources;
	_Atomic unsigned sources_n;
	_Atomic bool pending; /* main was woken and has not come yet */
	_Atomic uint64_t dropped;
	void (*wake)(void *arg);
	void *wake_arg;
};

const char *denial_reason_word(enum denial_reason reason)
{
	return words[reason];
}

int denials_new(struct denials **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void denials_free(struct denials *d)
{
	struct denial_source *s, *next;

	if (!d)
		return;
	for (s = atomic_load(&d->sources); s; s = next) {
		next = s->next;
		free(s);
	}
	free(d);
}

void denials_set_wake(struct denials *d, void (*wake)(void *arg), void *arg)
{
	d->wake = wake;
	d->wake_arg = arg;
}

/* --- a thread that refuses -------------------------------------------------------------- */

struct denial_source *denial_source_new(struct denials *d)
{
	struct denial_source *s;

	if (atomic_fetch_add(&d->sources_n, 1) >= DENIAL_SOURCES_MAX) {
		atomic_fetch_sub(&d->sources_n, 1);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		atomic_fetch_sub(&d->sources_n, 1);
		return NULL;
	}
	s->owner = d;
	s->next = atomic_load(&d->sources);
	while (!atomic_compare_exchange_weak(&d->sources, &s->next, s))
		;
	return s;
}

static void drop(struct denials *d, uint32_t n)
{
	atomic_fetch_add_explicit(&d->dropped, n, memory_order_relaxed);
}

static void push(struct denial_source *s, const struct record *r)
{
	unsigned tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
	struct denials *d = s->owner;

	if (tail - atomic_load_explicit(&s->head, memory_order_acquire) == DENIAL_RING_MAX) {
		drop(d, r->n);
		return;
	}
	s->ring[tail % DENIAL_RING_MAX] = *r;
	atomic_store(&s->tail, tail + 1);
	if (!atomic_exchange(&d->pending, true) && d->wake)
		d->wake(d->wake_arg);
}

static bool may_tell(struct denial_source *s, uint64_t now_ms)
{
	if (now_ms - s->period_ms >= DENIAL_PERIOD_MS) {
		s->period_ms = now_ms;
		s->told = 0;
	}
	return s->told++ < DENIAL_TOLD_MAX;
}

/* Returns whether it could be told now. */
static bool tell(struct denial_source *s, struct entry *e, uint64_t now_ms)
{
	if (!may_tell(s, now_ms))
		return false;
	push(s, &e->record);
	e->record.n = 0;
	e->quiet_until_ms = now_ms + DENIAL_PERIOD_MS;
	s->waiting--;
	return true;
}

static bool is_of(const struct entry *e, const struct client_address *key,
		  enum denial_reason reason)
{
	return e->used && e->record.reason == reason && client_address_equal(&e->key, key);
}

static void give_way(struct denial_source *s, struct entry *e, uint64_t now_ms)
{
	if (!e->record.n || tell(s, e, now_ms))
		return;
	drop(s->owner, e->record.n);
	s->waiting--;
}

static struct entry *entry_of(struct denial_source *s, const struct client_address *key,
			      enum denial_reason reason, uint64_t now_ms)
{
	unsigned set = (client_address_mix(key) + reason) % SETS;
	struct entry *e = &s->entries[set * WAYS], *stalest = e;
	int i;

	for (i = 0; i < WAYS; i++, e++) {
		if (is_of(e, key, reason))
			return e;
		if (e->quiet_until_ms < stalest->quiet_until_ms)
			stalest = e;
	}
	give_way(s, stalest, now_ms);
	*stalest = (struct entry){ .key = *key, .used = true, .record.reason = reason };
	return stalest;
}

static void copy_text(char *out, size_t size, const char *text)
{
	if (!memccpy(out, text ? text : "", '\0', size))
		out[size - 1] = '\0';
}

void denial_note(struct denial_source *s, enum denial_reason reason, const struct sockaddr *client,
		 const char *user, const char *call, uint64_t now_ms)
{
	struct client_address address, key;
	struct entry *e;

	client_address_read(&address, client);
	key = client_prefix(&address);
	e = entry_of(s, &key, reason, now_ms);
	e->record.client = address;
	copy_text(e->record.user, sizeof(e->record.user), user);
	copy_text(e->record.call, sizeof(e->record.call), call);
	if (!e->record.n)
		s->waiting++;
	if (e->record.n < UINT32_MAX)
		e->record.n++;
	if (now_ms >= e->quiet_until_ms)
		tell(s, e, now_ms);
}

void denial_tick(struct denial_source *s, uint64_t now_ms)
{
	struct entry *e;

	if (!s->waiting)
		return;
	for (e = s->entries; e < s->entries + DENIAL_CLIENTS_MAX; e++)
		if (e->record.n && now_ms >= e->quiet_until_ms)
			tell(s, e, now_ms);
}

/* --- main ------------------------------------------------------------------------------------ */

static bool pop(struct denial_source *s, struct denial *out)
{
	unsigned head = atomic_load_explicit(&s->head, memory_order_relaxed);
	const struct record *r = &s->ring[head % DENIAL_RING_MAX];

	if (head == atomic_load(&s->tail))
		return false;
	out->reason = r->reason;
	out->n = r->n;
	client_address_text(&r->client, out->client);
	memcpy(out->user, r->user, sizeof(out->user));
	memcpy(out->call, r->call, sizeof(out->call));
	atomic_store_explicit(&s->head, head + 1, memory_order_release);
	return true;
}

bool denials_take(struct denials *d, struct denial *out)
{
	struct denial_source *s;

	/* First, so that what is pushed behind our back wakes us again. */
	atomic_store(&d->pending, false);
	for (s = atomic_load(&d->sources); s; s = s->next)
		if (pop(s, out))
			return true;
	return false;
}

uint64_t denials_dropped(const struct denials *d)
{
	return atomic_load_explicit(&d->dropped, memory_order_relaxed);
}
