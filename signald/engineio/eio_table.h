/* eio_table.h - sessions by their sid
 *
 * One pointer in each session and one for each bucket: uthash wants seven.
 * Pure; loop thread only. */
#ifndef EIO_TABLE_H
#define EIO_TABLE_H

#include <stddef.h>

struct eio_session;

struct eio_table {
	struct eio_session **buckets; /* a power of two of them; NULL before the first session */
	size_t size, n;
};

void eio_table_deinit(struct eio_table *t); /* its sessions are the caller's */

/* Returns 0, -ENOMEM (only while it is empty: otherwise buckets become long instead). */
int eio_table_add(struct eio_table *t, struct eio_session *s);
void eio_table_remove(struct eio_table *t, struct eio_session *s);

/* NULL: unknown. sid has EIO_SID_LEN characters. */
struct eio_session *eio_table_find(const struct eio_table *t, const char *sid);

#endif
