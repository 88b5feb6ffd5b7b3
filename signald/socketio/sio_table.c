/* sio_table.c - sockets by id and rooms by name, at one pointer each */
#include "socketio/sio_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define FIRST_SIZE 16

static struct sio_link **bucket(const struct sio_table *t, const char *name, size_t n)
{
	return &t->buckets[table_hash(name, n) & (t->size - 1)];
}

static struct sio_link **bucket_of(const struct sio_table *t, const struct sio_link *e)
{
	size_t n;
	const char *name = t->name(e, &n);

	return bucket(t, name, n);
}

static void put(struct sio_table *t, struct sio_link *e)
{
	struct sio_link **b = bucket_of(t, e);

	e->next = *b;
	*b = e;
}

static int grow(struct sio_table *t)
{
	struct sio_table old = *t;
	struct sio_link *e;
	size_t i;

	t->size = old.size ? old.size * 2 : FIRST_SIZE;
	t->buckets = calloc(t->size, sizeof(struct sio_link *));
	if (!t->buckets) {
		*t = old;
		return -ENOMEM;
	}
	for (i = 0; i < old.size; i++) {
		while ((e = old.buckets[i])) {
			old.buckets[i] = e->next;
			put(t, e);
		}
	}
	free(old.buckets);
	return 0;
}

void sio_table_deinit(struct sio_table *t)
{
	free(t->buckets);
	t->buckets = NULL;
	t->size = t->n = 0;
}

int sio_table_add(struct sio_table *t, struct sio_link *e)
{
	if (t->n >= t->size && grow(t) && !t->size)
		return -ENOMEM;
	put(t, e);
	t->n++;
	return 0;
}

void sio_table_remove(struct sio_table *t, struct sio_link *e)
{
	struct sio_link **p = bucket_of(t, e);

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	t->n--;
}

struct sio_link *sio_table_find(const struct sio_table *t, const char *name, size_t n)
{
	struct sio_link *e = t->size ? *bucket(t, name, n) : NULL;

	for (; e; e = e->next) {
		size_t own_n;
		const char *own = t->name(e, &own_n);

		if (own_n == n && memcmp(own, name, n) == 0)
			return e;
	}
	return NULL;
}

struct sio_link *sio_table_next(const struct sio_table *t, const struct sio_link *e)
{
	size_t i = 0;

	if (e && e->next)
		return e->next;
	if (e)
		i = (size_t)(bucket_of(t, e) - t->buckets) + 1;
	while (i < t->size && !t->buckets[i])
		i++;
	return i < t->size ? t->buckets[i] : NULL;
}
