/* sio_table.h - sockets by id and rooms by name, at one pointer each
 *
 * The element begins with its link. Hashed with a key of the process, because
 * clients may choose the names. Pure; loop thread only. */
#ifndef SIO_TABLE_H
#define SIO_TABLE_H

#include <stddef.h>

struct sio_link {
	struct sio_link *next;
};

struct sio_table {
	/* The name of an element, *n bytes. */
	const char *(*name)(const struct sio_link *e, size_t *n);
	struct sio_link **buckets; /* a power of two of them; NULL before the first element */
	size_t size, n;
};

void sio_table_deinit(struct sio_table *t); /* its elements are the caller's */

/* Returns 0, -ENOMEM (only for the first: later buckets become long instead). */
int sio_table_add(struct sio_table *t, struct sio_link *e);
void sio_table_remove(struct sio_table *t, struct sio_link *e);
struct sio_link *sio_table_find(const struct sio_table *t, const char *name, size_t n);

/* Walk all: from NULL to NULL. None may be added or removed meanwhile. */
struct sio_link *sio_table_next(const struct sio_table *t, const struct sio_link *e);

#endif
