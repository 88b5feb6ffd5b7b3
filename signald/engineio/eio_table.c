/* eio_table.c - sessions by their sid */
#include "engineio/eio_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engineio/eio_priv.h"
#include "table.h"

#define FIRST_SIZE 64

static size_t bucket_of(const char *sid, size_t size)
{
	return table_hash(sid, EIO_SID_LEN) & (size - 1);
}

static void put(struct eio_session **buckets, size_t size, struct eio_session *s)
{
	size_t i = bucket_of(s->sid, size);

	s->next = buckets[i];
	buckets[i] = s;
}

static int grow(struct eio_table *t)
{
	size_t size = t->size ? t->size * 2 : FIRST_SIZE, i;
	struct eio_session **buckets = calloc(size, sizeof(*buckets)), *s;

	if (!buckets)
		return -ENOMEM;
	for (i = 0; i < t->size; i++) {
		while ((s = t->buckets[i])) {
			t->buckets[i] = s->next;
			put(buckets, size, s);
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->size = size;
	return 0;
}

void eio_table_deinit(struct eio_table *t)
{
	free(t->buckets);
	*t = (struct eio_table){ 0 };
}

int eio_table_add(struct eio_table *t, struct eio_session *s)
{
	if (t->n >= t->size && grow(t) && !t->size)
		return -ENOMEM;
	put(t->buckets, t->size, s);
	t->n++;
	return 0;
}

void eio_table_remove(struct eio_table *t, struct eio_session *s)
{
	struct eio_session **p = &t->buckets[bucket_of(s->sid, t->size)];

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	t->n--;
}

struct eio_session *eio_table_find(const struct eio_table *t, const char *sid)
{
	struct eio_session *s = t->size ? t->buckets[bucket_of(sid, t->size)] : NULL;

	while (s && memcmp(s->sid, sid, EIO_SID_LEN) != 0)
		s = s->next;
	return s;
}
