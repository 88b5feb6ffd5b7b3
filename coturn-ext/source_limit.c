/* source_limit.c - see source_limit.h */
#include "source_limit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "client_address.h"

#define CORNERS (SOURCE_LIMIT_SOURCES / SOURCE_LIMIT_WAYS)
#define KIND_SOURCE 's'

/* Times are those of the clock modulo 2^32: a source that is quiet for 49 days may find its budget
 * as it left it. */
struct source {
	uint64_t hash; /* 0: free */
	uint32_t heard_ms, free_ms;
	uint32_t budget_milli; /* thousandths of an answer */
	uint32_t credit_bytes; /* received beyond the budget, and not answered yet */
};

struct source_limit {
	struct name_hash_key key;
	uint32_t rate; /* answers per second, so thousandths of one per millisecond */
	uint32_t full_milli;
	struct source sources[SOURCE_LIMIT_SOURCES];
};

int source_limit_new(struct source_limit **out, const struct name_hash_key *key,
		     unsigned answers_per_s)
{
	struct source_limit *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->key = *key;
	l->rate = answers_per_s;
	l->full_milli = answers_per_s * SOURCE_LIMIT_BURST_S * 1000;
	*out = l;
	return 0;
}

void source_limit_free(struct source_limit *l)
{
	free(l);
}

/* Nobody else's datagrams come from there (RFC 1122 section 3.2.1.3). */
static bool is_loopback(const struct client_address *a)
{
	static const struct client_address v6 = { .bytes = { [15] = 1 }, .family = 6 };

	return (a->family == 4 && a->bytes[0] == IN_LOOPBACKNET) || client_address_equal(a, &v6);
}

static uint64_t hash_of(const struct source_limit *l, const struct client_address *address)
{
	struct client_address prefix = client_prefix(address);

	return name_hash_of(&l->key, KIND_SOURCE, &prefix, sizeof(prefix));
}

/* The one of this hash, or in its place the one heard longest ago. */
static struct source *find(struct source_limit *l, uint64_t hash, uint32_t now_ms)
{
	struct source *s = &l->sources[hash % CORNERS * SOURCE_LIMIT_WAYS], *end, *oldest = s;

	for (end = s + SOURCE_LIMIT_WAYS; s < end; s++) {
		if (s->hash == hash)
			return s;
		if (!oldest->hash)
			continue;
		if (!s->hash || now_ms - s->heard_ms > now_ms - oldest->heard_ms)
			oldest = s;
	}
	*oldest = (struct source){ .hash = hash,
				   .heard_ms = now_ms,
				   .free_ms = now_ms - SOURCE_LIMIT_FREE_MS,
				   .budget_milli = l->full_milli };
	return oldest;
}

static void fill(const struct source_limit *l, struct source *s, uint32_t now_ms)
{
	uint64_t earned = (uint64_t)(now_ms - s->heard_ms) * l->rate;

	s->heard_ms = now_ms;
	if (earned >= l->full_milli - s->budget_milli)
		s->budget_milli = l->full_milli;
	else
		s->budget_milli += (uint32_t)earned;
}

static bool within_budget(struct source *s, size_t answer_bytes)
{
	size_t cost_milli =
		(answer_bytes + SOURCE_LIMIT_UNIT_BYTES - 1) / SOURCE_LIMIT_UNIT_BYTES * 1000;

	if (s->budget_milli < cost_milli)
		return false;
	s->budget_milli -= (uint32_t)cost_milli;
	return true;
}

static bool no_more_than_received(struct source *s, size_t received_bytes, size_t answer_bytes)
{
	size_t credit = s->credit_bytes + received_bytes;
	bool enough = answer_bytes <= credit;

	if (enough)
		credit -= answer_bytes;
	if (credit > SOURCE_LIMIT_CREDIT_BYTES)
		credit = SOURCE_LIMIT_CREDIT_BYTES;
	s->credit_bytes = (uint32_t)credit;
	return enough;
}

static bool one_of_the_free(struct source *s, uint32_t now_ms)
{
	if (now_ms - s->free_ms < SOURCE_LIMIT_FREE_MS)
		return false;
	s->free_ms = now_ms;
	return true;
}

bool source_limit_admit(struct source_limit *l, const struct sockaddr *source, uint64_t now_ms,
			size_t received_bytes, size_t answer_bytes)
{
	uint32_t now = (uint32_t)now_ms;
	struct client_address address;
	struct source *s;

	client_address_read(&address, source);
	if (!l->rate || is_loopback(&address))
		return true;
	s = find(l, hash_of(l, &address), now);
	fill(l, s, now);
	return within_budget(s, answer_bytes) ||
	       no_more_than_received(s, received_bytes, answer_bytes) || one_of_the_free(s, now);
}
