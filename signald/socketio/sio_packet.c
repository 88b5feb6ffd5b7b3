/* sio_packet.c - Socket.IO protocol 5: the text form of a packet */
#include "socketio/sio_packet.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID_DIGITS_MAX 16

struct reader {
	const char *p, *end;
};

static bool is_digit(const struct reader *r)
{
	return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

/* Plain decimal digits. Returns how many there were; *v stops growing above SIO_ID_MAX. */
static size_t read_digits(struct reader *r, int64_t *v)
{
	const char *start = r->p;

	for (*v = 0; is_digit(r); r->p++) {
		if (*v <= SIO_ID_MAX)
			*v = *v * 10 + (*r->p - '0');
	}
	return (size_t)(r->p - start);
}

static int read_type(struct reader *r, enum sio_type *type)
{
	if (!is_digit(r) || *r->p > '6')
		return -EINVAL;
	*type = (enum sio_type)(*r->p++ - '0');
	return 0;
}

static int read_attachments(struct reader *r, struct sio_packet *out, unsigned max)
{
	int64_t n;

	if (out->type != SIO_BINARY_EVENT && out->type != SIO_BINARY_ACK)
		return 0;
	if (!read_digits(r, &n) || r->p == r->end || *r->p != '-')
		return -EINVAL;
	r->p++;
	if (n < 1) /* the original accepted 0 once and kept such packets for ever */
		return -EINVAL;
	if (n > max)
		return -ENOSPC;
	out->attachments = (unsigned)n;
	return 0;
}

static int read_namespace(struct reader *r, struct sio_packet *out)
{
	const char *comma;

	out->nsp = "/";
	out->nsp_n = 1;
	if (r->p == r->end || *r->p != '/')
		return 0;
	comma = memchr(r->p, ',', (size_t)(r->end - r->p));
	out->nsp = r->p;
	out->nsp_n = (size_t)((comma ? comma : r->end) - r->p);
	r->p = comma ? comma + 1 : r->end;
	return out->nsp_n <= SIO_NAMESPACE_MAX ? 0 : -EINVAL;
}

static int read_id(struct reader *r, struct sio_packet *out)
{
	int64_t v;
	size_t digits = read_digits(r, &v);

	out->id = digits ? v : -1;
	return digits <= ID_DIGITS_MAX && out->id <= SIO_ID_MAX ? 0 : -EINVAL;
}

static int read_data(struct reader *r, struct sio_packet *out, unsigned depth)
{
	size_t n = (size_t)(r->end - r->p);

	out->data = (struct json_slice){ NULL, 0 };
	if (!n)
		return 0;
	if (json_check(r->p, n, depth))
		return -EINVAL;
	out->data = json_trim(r->p, n);
	return 0;
}

/* An array whose first element is the event's name: a string or a number. */
static bool is_event(struct json_slice data)
{
	struct json_iter it;
	struct json_slice first;
	enum json_type t;

	if (json_type(data) != JSON_ARRAY)
		return false;
	it = json_iter(data);
	if (!json_next(&it, NULL, &first))
		return false;
	t = json_type(first);
	return t == JSON_STRING || t == JSON_NUMBER;
}

/* Socket.IO v5, "Packet types": what each may carry */
static bool data_fits(const struct sio_packet *p)
{
	switch (p->type) {
	case SIO_CONNECT: return !p->data.p || json_type(p->data) == JSON_OBJECT;
	case SIO_DISCONNECT: return !p->data.p;
	case SIO_EVENT:
	case SIO_BINARY_EVENT: return is_event(p->data);
	case SIO_ACK:
	case SIO_BINARY_ACK: return json_type(p->data) == JSON_ARRAY;
	case SIO_CONNECT_ERROR: return false; /* only servers send it */
	}
	return false;
}

int sio_packet_decode(const char *p, size_t n, unsigned attachments_max, unsigned json_depth,
		      struct sio_packet *out)
{
	struct reader r = { p, p + n };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_type(&r, &out->type);
	if (!rc)
		rc = read_attachments(&r, out, attachments_max);
	if (!rc)
		rc = read_namespace(&r, out);
	if (!rc)
		rc = read_id(&r, out);
	if (!rc)
		rc = read_data(&r, out, json_depth);
	if (!rc && !data_fits(out))
		rc = -EINVAL;
	return rc;
}

/* An open bracket of the walk below. */
struct level {
	bool object;
	bool named; /* a member's name was read, its value follows */
	bool is_mark, is_num;
	bool marked, fits; /* "_placeholder":true, "num": one that is there */
};

static void read_name(struct level *l, struct json_slice name)
{
	char text[16];

	l->named = true;
	if (json_string(name, text, sizeof(text)) < 0)
		text[0] = '\0';
	l->is_mark = strcmp(text, "_placeholder") == 0;
	l->is_num = strcmp(text, "num") == 0;
}

/* The last of several equal names wins, as in JavaScript. */
static void read_value(struct level *l, struct json_slice v, bool scalar, size_t n)
{
	uint64_t k;

	if (l->named && l->is_mark)
		l->marked = scalar && json_is_true(v);
	if (l->named && l->is_num)
		l->fits = scalar && json_u64(v, &k) == 0 && k < n;
	l->named = false;
}

bool sio_placeholders_valid(struct json_slice v, size_t n)
{
	struct level levels[JSON_DEPTH_MAX + 1] = { { .object = false } }, *l = levels;
	const char *p = v.p, *end = p + v.n;
	struct json_slice t;
	char c;

	while ((c = json_token(&p, end, &t))) {
		if (c == '}' || c == ']') {
			if (l == levels || (l->marked && !l->fits))
				return false;
			l--;
		} else if (l->object && !l->named) {
			read_name(l, t);
		} else {
			read_value(l, t, c == '"' || c == '0', n);
			if (c != '{' && c != '[')
				continue;
			if (l == levels + JSON_DEPTH_MAX)
				return false;
			*++l = (struct level){ .object = c == '{' };
		}
	}
	return true;
}

size_t sio_packet_head(char out[SIO_HEAD_MAX], enum sio_type type, size_t attachments,
		       const char *nsp, int64_t id)
{
	int n = snprintf(out, SIO_HEAD_MAX, "4%d", (int)type);

	assert(strlen(nsp) <= SIO_NAMESPACE_MAX);
	if (attachments)
		n += snprintf(out + n, SIO_HEAD_MAX - (size_t)n, "%zu-", attachments);
	if (strcmp(nsp, "/") != 0)
		n += snprintf(out + n, SIO_HEAD_MAX - (size_t)n, "%s,", nsp);
	if (id >= 0)
		n += snprintf(out + n, SIO_HEAD_MAX - (size_t)n, "%lld", (long long)id);
	return (size_t)n;
}
