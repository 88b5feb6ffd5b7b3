/* line_fields.c - see line_fields.h */
#include "line_fields.h"

#include <errno.h>
#include <string.h>

#include "turn_credential.h"

#define LINE_DEPTH_MAX 16 /* ours need 4; the rest is room for what is newer */

/* --- values ----------------------------------------------------------------------- */

int read_text(struct json_slice v, void *to, size_t size)
{
	return json_string(v, to, size) < 0 ? -EINVAL : 0;
}

int read_id(struct json_slice v, void *to, size_t size)
{
	return json_string(v, to, size) < 1 ? -EINVAL : 0;
}

int read_u64(struct json_slice v, void *to, size_t size)
{
	uint64_t u;

	if (json_u64(v, &u) < 0)
		return -EINVAL;
	memcpy(to, &u, size);
	return 0;
}

int read_alloc_id(struct json_slice v, void *to, size_t size)
{
	const char *text = to;

	if (read_id(v, to, size) < 0)
		return -EINVAL;
	return text[strspn(text, "0123456789"
				 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-")]
		       ? -EINVAL
		       : 0;
}

int read_call(struct json_slice v, void *to, size_t size)
{
	int n = json_string(v, to, size);

	return n >= 0 && turn_call_id_valid(to, (size_t)n) ? 0 : -EINVAL;
}

int read_user(struct json_slice v, void *to, size_t size)
{
	char *text = to;
	int n;

	if (json_type(v) == JSON_NUMBER && v.n < size) {
		memcpy(text, v.p, v.n);
		text[v.n] = '\0';
		return text[strcspn(text, ".eE")] ? -EINVAL : 0;
	}
	n = json_string(v, text, size);
	return n >= 0 && turn_name_user_valid(text, (size_t)n) ? 0 : -EINVAL;
}

int read_bool(struct json_slice v, void *to, size_t size)
{
	bool b = json_is_true(v);

	if (json_type(v) != JSON_BOOL)
		return -EINVAL;
	memcpy(to, &b, size);
	return 0;
}

/* --- members ---------------------------------------------------------------------- */

static const struct field *find_field(const struct field *fields, size_t n, struct json_slice key)
{
	char text[32]; /* longer than all of ours */

	if (json_string(key, text, sizeof(text)) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, text) == 0)
			return &fields[i];
	return NULL;
}

static bool all_there(const struct field *fields, size_t n, uint32_t seen)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].required && !(seen >> i & 1))
			return false;
	return true;
}

int read_fields(struct json_slice object, const struct field *fields, size_t n, void *base,
		struct fields_read *out)
{
	struct json_iter it = json_iter(object);
	struct json_slice key, value;

	out->seen = 0;
	out->unknown = false;
	while (json_next(&it, &key, &value)) {
		const struct field *f = find_field(fields, n, key);
		uint32_t bit = f ? 1U << (f - fields) : 0;

		if (!f) {
			out->unknown = true;
			continue;
		}
		out->wrong = f;
		if (out->seen & bit)
			return -EEXIST;
		if (f->read(value, (char *)base + f->at, f->size) < 0)
			return -EINVAL;
		out->seen |= bit;
	}
	out->wrong = NULL;
	return all_there(fields, n, out->seen) ? 0 : -EINVAL;
}

/* --- lines ------------------------------------------------------------------------ */

int open_line(const char *line, size_t n, const char *kind, char *name, size_t size,
	      struct json_slice *object)
{
	struct json_slice v;

	if (n >= LINE_BYTES_MAX || json_check(line, n, LINE_DEPTH_MAX) < 0)
		return -EINVAL;
	*object = json_trim(line, n);
	if (!json_member(*object, kind, &v) || json_type(v) != JSON_STRING)
		return -EINVAL;
	if (json_string(v, name, size) < 0)
		*name = '\0'; /* longer than all of ours */
	return 0;
}

void begin_line(struct json_out *o, char *out, size_t size, const char *kind, const char *name)
{
	json_out_fixed(o, out, size < LINE_BYTES_MAX ? size : LINE_BYTES_MAX);
	json_out_open(o, '{');
	json_put_string(o, kind, name);
}

int finish_line(struct json_out *o)
{
	json_out_close(o, '}');
	json_out_bytes(o, "\n", 1);
	return o->failed ? -ENOBUFS : (int)o->n;
}

void put_text(struct json_out *o, const char *key, const char *s, size_t max)
{
	char clean[TURN_NAME_MAX];
	size_t n, at;

	n = strnlen(s, max < sizeof(clean) ? max : sizeof(clean));
	json_out_key(o, key);
	at = json_utf8_span(s, n);
	if (at < n) {
		memcpy(clean, s, n);
		for (; at < n; at += json_utf8_span(clean + at, n - at))
			clean[at++] = '?';
		s = clean;
	}
	json_out_string_n(o, s, n);
}

void put_text_if_any(struct json_out *o, const char *key, const char *s, size_t max)
{
	if (*s)
		put_text(o, key, s, max);
}
