/* line_fields.h - lines that are JSON objects: their members read by a table, and written
 *
 * One object a line, as on the Unix sockets of both daemons. A table says what a member is called,
 * how it is read and where it goes. Nothing is allocated. Pure; any thread. */
#ifndef LINE_FIELDS_H
#define LINE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"

#define LINE_BYTES_MAX 16384 /* of a line, with its newline */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)NULL)->member)

/* Where a member goes: base + at, size bytes. */
struct field {
	const char *key;
	int (*read)(struct json_slice v, void *to, size_t size); /* 0, or below 0 */
	size_t at, size;
	bool required;
	const char *error; /* for the one who sent it */
};

/* What was read: bit i for fields[i]; was there one that the table does not know;
 * what is wrong: NULL when one is missing. */
struct fields_read {
	uint32_t seen;
	bool unknown;
	const struct field *wrong;
};

/* Read the members that the table (32 rows at most) knows.
 * Returns 0, -EINVAL (one is wrong or missing), -EEXIST (one comes twice). */
int read_fields(struct json_slice object, const struct field *fields, size_t n, void *base,
		struct fields_read *out);

int read_text(struct json_slice v, void *to, size_t size);
int read_id(struct json_slice v, void *to, size_t size);       /* not empty */
int read_alloc_id(struct json_slice v, void *to, size_t size); /* letters, digits, "._-" */
int read_call(struct json_slice v, void *to, size_t size);
/* A user of a TURN name; ids compare as text, so whoever types 7 means "7". */
int read_user(struct json_slice v, void *to, size_t size);
int read_u64(struct json_slice v, void *to, size_t size);
int read_bool(struct json_slice v, void *to, size_t size);

/* The line as an object, and what its member "e" or "c" says ("" when that is
 * longer than size). Returns 0, -EINVAL. */
int open_line(const char *line, size_t n, const char *kind, char *name, size_t size,
	      struct json_slice *object);

void begin_line(struct json_out *o, char *out, size_t size, const char *kind, const char *name);
int finish_line(struct json_out *o); /* the length, -ENOBUFS */

/* Text that came from the network through coturn may hold any bytes, and a JSON
 * text may not: what is not UTF-8 becomes '?'. At most max bytes are written. */
void put_text(struct json_out *o, const char *key, const char *s, size_t max);
void put_text_if_any(struct json_out *o, const char *key, const char *s, size_t max);

#endif
