/* rate.c - see rate.h
 *
 * A bucket is one time: when it will be full again (the "theoretical arrival
 * time" of the generic cell rate algorithm, ITU-T I.371). Each token taken
 * moves it one interval on; it may be as far ahead as a whole bucket takes. */
#include "rate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client_address.h"
#include "name_hash.h"

#define WAYS 8 /* places of a row */
#define KEYS_MAX_MOST (1u << 24)
#define MINUTE_US 60000000ULL

/* What a key is; the same text as a user and as an address are two. */
enum { KIND_TEXT = 1, KIND_CLIENT = 2 };

struct bucket {
	uint64_t hash; /* of its key; 0: free */
	uint64_t full_us;
};

struct rate {
	struct name_hash_key key;
	uint64_t interval_us; /* a token */
	uint64_t depth_us;    /* a whole bucket; 0: no limit */
	struct rate_counters counters;
	size_t rows; /* a power of two */
	struct bucket buckets[];
};

static size_t rows_for(const struct rate_config *cfg)
{
	size_t rows = 1;

	while (cfg->per_minute && rows * WAYS < cfg->keys_max)
		rows *= 2;
	return rows;
}

int rate_new(struct rate **out, const struct rate_config *cfg)
{
	size_t rows = rows_for(cfg);
	struct rate *r;
	int err;

	if (cfg->keys_max > KEYS_MAX_MOST)
		return -EINVAL;
	r = calloc(1, sizeof(*r) + rows * WAYS * sizeof(r->buckets[0]));
	if (!r)
		return -ENOMEM;
	err = name_hash_key_new(&r->key);
	if (err) {
		free(r);
		return err;
	}
	r->rows = rows;
	if (cfg->per_minute) {
		r->interval_us = (MINUTE_US + cfg->per_minute - 1) / cfg->per_minute;
		r->depth_us = r->interval_us * (cfg->burst ? cfg->burst : cfg->per_minute);
	}
	*out = r;
	return 0;
}

void rate_free(struct rate *r)
{
	free(r);
}

static bool unlimited(const struct rate *r)
{
	return !r || !r->depth_us;
}

static const struct bucket *row_of(const struct rate *r, uint64_t hash)
{
	return &r->buckets[(hash & (r->rows - 1)) * WAYS];
}

/* NULL: it has none, which is as good as a full one. */
static const struct bucket *find(const struct rate *r, uint64_t hash)
{
	const struct bucket *row = row_of(r, hash);

	for (size_t i = 0; i < WAYS; i++)
		if (row[i].hash == hash)
			return &row[i];
	return NULL;
}

/* Its bucket, or the one of its row that is missed least, emptied for it. */
static struct bucket *get(struct rate *r, uint64_t hash, uint64_t now_us)
{
	struct bucket *row = (struct bucket *)row_of(r, hash), *fullest = row;

	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].hash == hash)
			return &row[i];
		if (row[i].full_us < fullest->full_us)
			fullest = &row[i];
	}
	if (fullest->full_us > now_us)
		r->counters.forgotten++;
	*fullest = (struct bucket){ .hash = hash };
	return fullest;
}

/* When the bucket would be full again with one token less. */
static uint64_t full_after(const struct rate *r, uint64_t full_us, uint64_t now_us)
{
	return (full_us > now_us ? full_us : now_us) + r->interval_us;
}

static bool take(struct rate *r, uint64_t hash, uint64_t now_ms)
{
	uint64_t now_us = now_ms * 1000, full_us;
	const struct bucket *known = find(r, hash);

	full_us = full_after(r, known ? known->full_us : 0, now_us);
	if (full_us - now_us > r->depth_us) {
		r->counters.refused++;
		return false;
	}
	get(r, hash, now_us)->full_us = full_us;
	return true;
}

static uint64_t hash_text(const struct rate *r, const char *key)
{
	return name_hash_of(&r->key, KIND_TEXT, key, strlen(key));
}

static uint64_t hash_client(const struct rate *r, const struct client_address *client)
{
	struct client_address prefix = client_prefix(client);
	unsigned char text[sizeof(prefix.bytes) + 1];

	memcpy(text, prefix.bytes, sizeof(prefix.bytes));
	text[sizeof(prefix.bytes)] = prefix.family;
	return name_hash_of(&r->key, KIND_CLIENT, text, sizeof(text));
}

bool rate_take(struct rate *r, const char *key, uint64_t now_ms)
{
	return unlimited(r) || take(r, hash_text(r, key), now_ms);
}

bool rate_take_client(struct rate *r, const struct client_address *client, uint64_t now_ms)
{
	return unlimited(r) || take(r, hash_client(r, client), now_ms);
}

unsigned rate_wait_client_s(const struct rate *r, const struct client_address *client,
			    uint64_t now_ms)
{
	uint64_t now_us = now_ms * 1000, ahead_us;
	const struct bucket *known;

	if (unlimited(r))
		return 0;
	known = find(r, hash_client(r, client));
	ahead_us = full_after(r, known ? known->full_us : 0, now_us) - now_us;
	return ahead_us <= r->depth_us ? 0
				       : (unsigned)((ahead_us - r->depth_us + 999999) / 1000000);
}

const struct rate_counters *rate_counters(const struct rate *r)
{
	return &r->counters;
}
