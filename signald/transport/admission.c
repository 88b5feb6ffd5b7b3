/* admission.c - an open-addressed table of addresses, 24 bytes each */
#include "transport/admission.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "name_hash.h"

#define SLOTS_MIN 64	 /* a power of two, as every size is */
#define GIVE_BACK 4	 /* slots looked at for every new address */
#define GIVE_BACK_MAX 64 /* when there is no room otherwise */
#define RATE_MAX 1000000
#define RETRY_S 1 /* for what has no time of its own */

/* A token bucket as the time at which it will be full: what was taken lies in the future. Those of
 * rate.h are by key; these lie in the address whose connections are counted. */
typedef uint64_t bucket;

struct pace {
	uint64_t each_us;  /* until one token is back; 0: no limit */
	uint64_t burst_us; /* what may be taken ahead, the last token not counted */
};

struct address {
	uint64_t id; /* 0: free */
	bucket handshakes;
	uint32_t connections, sessions;
};

struct admission {
	struct admission_config cfg;
	struct pace total_pace, address_pace;
	bucket handshakes;
	struct name_hash_key key;
	struct address *slots;
	size_t size, used, slots_max, used_max;
	size_t hand; /* where to look next for something to forget */
	struct admission_counters counters;
};

/* --- paces --------------------------------------------------------------------- */

static struct pace pace_of(unsigned per_s, unsigned burst)
{
	struct pace p = { 0 };

	if (per_s) {
		p.each_us = 1000000 / per_s;
		p.burst_us = p.each_us * ((burst ? burst : per_s) - 1);
	}
	return p;
}

/* How long until a token is there; 0: now. */
static uint64_t bucket_wait(bucket b, const struct pace *p, uint64_t now_us)
{
	uint64_t ready_us = now_us + p->burst_us;

	return p->each_us && b > ready_us ? b - ready_us : 0;
}

static void bucket_take(bucket *b, const struct pace *p, uint64_t now_us)
{
	*b = (*b > now_us ? *b : now_us) + p->each_us;
}

/* --- the table ------------------------------------------------------------------- */

static size_t home(const struct admission *a, uint64_t id)
{
	return (size_t)id & (a->size - 1);
}

/* The slot with this id, or the free one where it would be. */
static struct address *probe(struct admission *a, uint64_t id)
{
	size_t i = home(a, id);

	while (a->slots[i].id && a->slots[i].id != id)
		i = (i + 1) & (a->size - 1);
	return &a->slots[i];
}

/* Knuth 6.4, algorithm R: what follows moves up, so that nobody's way to his slot is broken. */
static void forget(struct admission *a, size_t gap)
{
	size_t mask = a->size - 1;

	for (size_t i = (gap + 1) & mask; a->slots[i].id; i = (i + 1) & mask) {
		size_t way = (i - home(a, a->slots[i].id)) & mask;

		if (way >= ((i - gap) & mask)) {
			a->slots[gap] = a->slots[i];
			gap = i;
		}
	}
	a->slots[gap] = (struct address){ 0 };
	a->used--;
}

/* Look at n slots, by turns. whole: give back only those that would come again as they are. */
static void give_back(struct admission *a, size_t n, bool whole, uint64_t now_us)
{
	while (n-- > 0) {
		struct address *s = &a->slots[a->hand];

		if (s->id && !s->connections && !s->sessions &&
		    (!whole || s->handshakes <= now_us)) {
			forget(a, a->hand); /* and look at what moved here */
			continue;
		}
		a->hand = (a->hand + 1) & (a->size - 1);
	}
}

static int resize(struct admission *a, size_t size)
{
	struct address *old = a->slots;
	size_t old_size = a->size;

	a->slots = calloc(size, sizeof(*a->slots));
	if (!a->slots) {
		a->slots = old;
		return -ENOMEM;
	}
	a->size = size;
	a->hand = 0;
	for (size_t i = 0; i < old_size; i++) {
		if (old[i].id)
			*probe(a, old[i].id) = old[i];
	}
	free(old);
	return 0;
}

/* Is there a slot for one more? An eighth at least stays free: ways are short, and end. */
static bool room(struct admission *a, uint64_t now_us)
{
	if (a->size)
		give_back(a, GIVE_BACK, true, now_us);
	if (a->used >= a->size / 4 * 3 && a->size < a->slots_max)
		resize(a, a->size ? a->size * 2 : SLOTS_MIN); /* without memory: as it is */
	if (a->used >= a->used_max || a->used >= a->size / 8 * 7) {
		if (!a->size)
			return false;
		give_back(a, GIVE_BACK_MAX, false, now_us);
	}
	return a->used < a->used_max && a->used < a->size / 8 * 7;
}

static uint64_t id_of(const struct admission *a, const struct client_address *from)
{
	struct client_address prefix = client_prefix(from);

	return name_hash_of(&a->key, prefix.family, prefix.bytes, sizeof(prefix.bytes));
}

static bool per_address(const struct admission *a)
{
	return a->cfg.connections_per_address || a->cfg.sessions_per_address ||
	       a->cfg.handshakes_per_address;
}

/* NULL: no room. */
static struct address *get(struct admission *a, const struct client_address *from, uint64_t now_us)
{
	uint64_t id = id_of(a, from);
	struct address *s = a->size ? probe(a, id) : NULL;

	if (s && s->id)
		return s;
	if (!room(a, now_us)) {
		a->counters.addresses_refused++;
		return NULL;
	}
	s = probe(a, id);
	*s = (struct address){ .id = id };
	a->used++;
	return s;
}

/* Of an address that holds something. NULL: it is nobody's. */
static struct address *held_by(struct admission *a, const struct client_address *from)
{
	struct address *s;

	if (!from || !per_address(a))
		return NULL;
	s = probe(a, id_of(a, from));
	assert(s->id);
	return s;
}

/* --- contract ----------------------------------------------------------------------- */

static size_t power_of_two_above(size_t n)
{
	size_t size = SLOTS_MIN;

	while (size <= n)
		size *= 2;
	return size;
}

int admission_new(struct admission **out, const struct admission_config *cfg)
{
	struct admission *a;
	int r;

	if (cfg->handshakes_per_s > RATE_MAX || cfg->handshakes_per_address > RATE_MAX)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	r = name_hash_key_new(&a->key);
	if (r) {
		free(a);
		return r;
	}
	a->cfg = *cfg;
	a->used_max = cfg->addresses_max ? cfg->addresses_max : ADMISSION_ADDRESSES_MAX;
	a->slots_max = power_of_two_above(a->used_max + a->used_max / 4);
	a->total_pace = pace_of(cfg->handshakes_per_s, 0);
	a->address_pace = pace_of(cfg->handshakes_per_address, cfg->handshakes_burst);
	*out = a;
	return 0;
}

void admission_free(struct admission *a)
{
	if (!a)
		return;
	free(a->slots);
	free(a);
}

const struct admission_counters *admission_counters(const struct admission *a)
{
	return &a->counters;
}

static int count_refusal(uint64_t *counter)
{
	(*counter)++;
	return -EBUSY;
}

static bool reached(unsigned limit, uint64_t held)
{
	return limit && held >= limit;
}

int admission_connect(struct admission *a, const struct client_address *from, uint64_t now_ms)
{
	struct address *s = NULL;

	if (!a)
		return 0;
	if (reached(a->cfg.connections_max, a->counters.connections))
		return count_refusal(&a->counters.connections_refused);
	if (from && per_address(a)) {
		s = get(a, from, now_ms * 1000);
		if (!s)
			return -EBUSY;
		if (reached(a->cfg.connections_per_address, s->connections))
			return count_refusal(&a->counters.address_connections_refused);
		s->connections++;
	}
	a->counters.connections++;
	a->counters.addresses = a->used;
	return 0;
}

void admission_disconnect(struct admission *a, const struct client_address *from)
{
	struct address *s;

	if (!a)
		return;
	s = held_by(a, from);
	assert(a->counters.connections && (!s || s->connections));
	a->counters.connections--;
	if (s)
		s->connections--;
}

/* Which limit stands in the way? NULL: none. */
static uint64_t *limit_reached(struct admission *a, const struct address *s, uint64_t now_us,
			       uint64_t *wait_us)
{
	*wait_us = 0;
	if (s && reached(a->cfg.sessions_per_address, s->sessions))
		return &a->counters.address_sessions_refused;
	if (s && (*wait_us = bucket_wait(s->handshakes, &a->address_pace, now_us)))
		return &a->counters.address_handshakes_refused;
	if ((*wait_us = bucket_wait(a->handshakes, &a->total_pace, now_us)))
		return &a->counters.handshakes_refused;
	return NULL;
}

int admission_open(struct admission *a, const struct client_address *from, uint64_t now_ms,
		   unsigned *retry_after_s)
{
	struct address *s = NULL;
	uint64_t *refused, wait_us, now_us = now_ms * 1000;

	if (!a)
		return 0;
	*retry_after_s = RETRY_S;
	if (from && per_address(a)) {
		s = get(a, from, now_us);
		if (!s)
			return -EBUSY;
	}
	a->counters.addresses = a->used;
	refused = limit_reached(a, s, now_us, &wait_us);
	if (refused) {
		*retry_after_s = (unsigned)(wait_us / 1000000) + RETRY_S;
		return count_refusal(refused);
	}
	bucket_take(&a->handshakes, &a->total_pace, now_us);
	if (s) {
		bucket_take(&s->handshakes, &a->address_pace, now_us);
		s->sessions++;
	}
	return 0;
}

void admission_close(struct admission *a, const struct client_address *from)
{
	struct address *s = a ? held_by(a, from) : NULL;

	assert(!s || s->sessions);
	if (s)
		s->sessions--;
}
