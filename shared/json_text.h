/* json_text.h - JSON as text: check it, find slices in it, write it
 *
 * For both processes, on every hot path: nothing is allocated, nothing is
 * parsed into a tree, and what is only forwarded (an SDP, an ICE candidate)
 * is copied as the bytes the sender wrote. Pure; any thread.
 *
 * The finders expect text that json_check() has accepted and never read
 * outside the slice they are given. */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 1024

/* One JSON value as it stands in the text, quotes and brackets included.
 * A loan: valid as long as the bytes it points into. p == NULL: no value. */
struct json_slice {
	const char *p;
	size_t n;
};

enum json_type {
	JSON_NONE,
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* Check that text is exactly one JSON value (RFC 8259), spaces around it
 * allowed, in valid UTF-8, nested no deeper than max_depth (a lone scalar is
 * depth 0; above JSON_DEPTH_MAX counts as that). Surrogate escapes must come
 * in pairs.
 * Returns 0, -EINVAL (not JSON), -EILSEQ (not UTF-8, a lone surrogate),
 * -E2BIG (nested too deep). */
int json_check(const char *text, size_t n, unsigned max_depth);

/* The same with a limit on the number of values (members' names do not count),
 * noting on the way where the values directly in the outermost bracket stand.
 * Returns as json_check(); -E2BIG for too many values, too. */
struct json_limits {
	unsigned depth;
	unsigned nodes;
};
struct json_items {
	struct json_slice *v; /* room for max of them */
	size_t max;
	size_t n; /* all there are, max or not; written */
};
int json_check_items(const char *text, size_t n, const struct json_limits *limits,
		     struct json_items *items);

/* How many bytes at the start of text are whole, valid UTF-8 characters (RFC 3629). */
size_t json_utf8_span(const char *text, size_t n);

/* The value without the spaces around it. */
struct json_slice json_trim(const char *text, size_t n);

enum json_type json_type(struct json_slice v);

/* Find a member of an object; keys are compared as decoded text, and the last
 * of several equal keys wins, as in JavaScript. False: no such member, or not
 * an object; *out is then { NULL, 0 }. */
bool json_member(struct json_slice object, const char *key, struct json_slice *out);

/* Walk an array or an object's members:
 *	struct json_iter it = json_iter(v);
 *	while (json_next(&it, &key, &value)) ...
 * key is { NULL, 0 } for array elements and may be NULL if unwanted. */
struct json_iter {
	const char *p, *end;
	bool object;
};
struct json_iter json_iter(struct json_slice v);
bool json_next(struct json_iter *it, struct json_slice *key, struct json_slice *value);

/* Walk a value with all it holds, reading every byte once: cut the next token off
 * *p. Returns '{' '}' '[' ']', '"' for a string (a member's name, too), '0' for
 * any other scalar, and 0 at the end; commas and colons are passed over. */
char json_token(const char **p, const char *end, struct json_slice *token);

/* Decode a string into out, NUL-terminated.
 * Returns its length in bytes, -EINVAL (not a string, or U+0000 in it),
 * -ENOBUFS (longer than size - 1). */
int json_string(struct json_slice v, char *out, size_t size);

/* Decode a whole number without sign, fraction or exponent.
 * Returns 0, -EINVAL (something else), -ERANGE (above UINT64_MAX). */
int json_u64(struct json_slice v, uint64_t *out);

/* Decode any number. Returns 0, -EINVAL, -ERANGE (not finite). */
int json_double(struct json_slice v, double *out);

bool json_is_true(struct json_slice v);

/* Writing. Either into a caller's buffer (json_out_fixed) or into one that
 * grows up to max bytes (json_out_heap; end with json_out_free). Nothing is
 * written past the end: the first thing that does not fit sets failed, and
 * everything after it is ignored, so one check at the end is enough.
 * Commas are set by the writer. */
struct json_out {
	char *p;
	size_t n, size, max;
	bool heap, failed;
	bool comma; /* the next value or key needs one before it */
};
void json_out_fixed(struct json_out *o, char *buf, size_t size);
void json_out_heap(struct json_out *o, size_t max);
void json_out_free(struct json_out *o);	 /* heap only; NULL-safe, leaves o empty */
void json_out_reset(struct json_out *o); /* forget what was written, keep the buffer */

void json_out_open(struct json_out *o, char bracket);	 /* '{' or '[' */
void json_out_close(struct json_out *o, char bracket);	 /* '}' or ']' */
void json_out_key(struct json_out *o, const char *key);	 /* key: our own constant, not escaped */
void json_out_string(struct json_out *o, const char *s); /* escaped; s is valid UTF-8 */
void json_out_string_n(struct json_out *o, const char *s, size_t n);
void json_out_u64(struct json_out *o, uint64_t v);
void json_out_i64(struct json_out *o, int64_t v);
void json_out_double(struct json_out *o, double v, int decimals);
void json_out_bool(struct json_out *o, bool v);
void json_out_raw(struct json_out *o, struct json_slice v);	  /* checked JSON, copied */
void json_out_bytes(struct json_out *o, const char *p, size_t n); /* verbatim, no comma logic */

/* Shorthands: key and value. A NULL string or slice writes nothing at all:
 * fields are omitted, never null. */
void json_put_string(struct json_out *o, const char *key, const char *s);
void json_put_u64(struct json_out *o, const char *key, uint64_t v);
void json_put_i64(struct json_out *o, const char *key, int64_t v);
void json_put_bool(struct json_out *o, const char *key, bool v);
void json_put_raw(struct json_out *o, const char *key, struct json_slice v);

#endif
