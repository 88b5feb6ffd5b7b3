/* sio_packet.c - Socket.IO protocol 5: the text form of a packet */
#include "socketio/sio_packet.h"

#include <assert.h>
#include <errno.h>
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
	return out->nsp_n <= SIO_NAMESPACE_MAX ? 0 : -ENAMETOOLONG;
}

static int read_id(struct reader *r, struct sio_packet *out)
{
	int64_t v;
	size_t digits = read_digits(r, &v);

	out->id = digits ? v : -1;
	return digits <= ID_DIGITS_MAX && out->id <= SIO_ID_MAX ? 0 : -EINVAL;
}

static int read_data(struct reader *r, struct sio_packet *out, const struct json_limits *limits)
{
	struct json_items items = { out->items, SIO_ITEMS_MAX, 0 };
	size_t n = (size_t)(r->end - r->p);
	int rc;

	if (!n)
		return 0;
	rc = json_check_items(r->p, n, limits, &items);
	if (rc)
		return rc == -E2BIG ? rc : -EINVAL;
	out->data = json_trim(r->p, n);
	out->items_n = items.n;
	return 0;
}

/* An array whose first element is the event's name: a string or a number. */
static bool is_event(const struct sio_packet *p)
{
	enum json_type t;

	if (json_type(p->data) != JSON_ARRAY || !p->items_n)
		return false;
	t = json_type(p->items[0]);
	return t == JSON_STRING || t == JSON_NUMBER;
}

/* Socket.IO v5, "Packet types": what each may carry */
static bool data_fits(const struct sio_packet *p)
{
	switch (p->type) {
	case SIO_CONNECT: return !p->data.p || json_type(p->data) == JSON_OBJECT;
	case SIO_DISCONNECT: return !p->data.p;
	case SIO_EVENT:
	case SIO_BINARY_EVENT: return is_event(p);
	case SIO_ACK:
	case SIO_BINARY_ACK: return json_type(p->data) == JSON_ARRAY;
	case SIO_CONNECT_ERROR: return false; /* only servers send it */
	}
	return false;
}

int sio_packet_decode(const char *p, size_t n, const struct sio_packet_limits *limits,
		      struct sio_packet *out)
{
	struct reader r = { p, p + n };
	int rc;

	*out = (struct sio_packet){ .data = { NULL, 0 } };
	rc = read_type(&r, &out->type);
	if (!rc)
		rc = read_attachments(&r, out, limits->attachments);
	if (!rc)
		rc = read_namespace(&r, out);
	if (!rc)
		rc = read_id(&r, out);
	if (!rc)
		rc = read_data(&r, out, &limits->json);
	if (!rc && !data_fits(out))
		rc = -EINVAL;
	return rc;
}

static char *put_text(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n);
	return to + n;
}

static char *put_number(char *to, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (n)
		*to++ = digits[--n];
	return to;
}

size_t sio_packet_head(char out[SIO_HEAD_MAX], enum sio_type type, size_t attachments,
		       const char *nsp, int64_t id)
{
	char *to = out;

	assert(strlen(nsp) <= SIO_NAMESPACE_MAX);
	*to++ = '4';
	*to++ = (char)('0' + type);
	if (attachments) {
		to = put_number(to, attachments);
		*to++ = '-';
	}
	if (strcmp(nsp, "/") != 0) {
		to = put_text(to, nsp);
		*to++ = ',';
	}
	if (id >= 0)
		to = put_number(to, (uint64_t)id);
	return (size_t)(to - out);
}
