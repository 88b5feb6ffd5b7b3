/* ws_frame.c - WebSocket frames, RFC 6455: a server's decoder and the header writer */
#include "transport/ws_frame.h"

#include <stdlib.h>
#include <string.h>

#define FIN 0x80
#define RSV 0x70
#define MASKED 0x80
#define FIRST_SIZE 512 /* bytes of a message's buffer */

void ws_decoder_init(struct ws_decoder *d, size_t max)
{
	memset(d, 0, sizeof(*d));
	d->max = max;
}

static void drop_message(struct ws_decoder *d)
{
	free(d->buf);
	d->buf = NULL;
	d->n = d->size = 0;
}

static void drop_control(struct ws_decoder *d)
{
	free(d->control);
	d->control = NULL;
	d->control_n = 0;
}

void ws_decoder_deinit(struct ws_decoder *d)
{
	drop_message(d);
	drop_control(d);
}

bool ws_decoder_idle(const struct ws_decoder *d)
{
	return !d->head_n && !d->in_payload && !d->message;
}

size_t ws_decoder_held(const struct ws_decoder *d)
{
	return d->size + (d->control ? WS_CONTROL_MAX : 0);
}

/* May this code stand in a Close frame? RFC 6455 section 7.4 */
static bool close_code_valid(unsigned code)
{
	if (code >= 3000)
		return code <= 4999;
	return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

size_t ws_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode op, uint64_t n)
{
	size_t i, extra = n < 126 ? 0 : n < 65536 ? 2 : 8;

	out[0] = (uint8_t)(FIN | op);
	out[1] = extra == 0 ? (uint8_t)n : extra == 2 ? 126 : 127;
	for (i = 0; i < extra; i++)
		out[2 + i] = (uint8_t)(n >> (8 * (extra - 1 - i)));
	return 2 + extra;
}

static uint8_t opcode(const struct ws_decoder *d)
{
	return d->head[0] & 0x0f;
}

static bool is_control(const struct ws_decoder *d)
{
	return opcode(d) & 0x08;
}

static bool is_final(const struct ws_decoder *d)
{
	return d->head[0] & FIN;
}

/* What the first two bytes tell already. Returns 0 or a close code. */
static unsigned check_start(const struct ws_decoder *d)
{
	uint8_t op = opcode(d), len = d->head[1] & 0x7f;

	if (d->head[0] & RSV) /* section 5.2: no extension was negotiated */
		return WS_PROTOCOL_ERROR;
	if (!(d->head[1] & MASKED)) /* section 5.1: a client masks every frame */
		return WS_PROTOCOL_ERROR;
	if (is_control(d)) /* section 5.5 */
		return op > WS_OP_PONG || !is_final(d) || len > WS_CONTROL_MAX ? WS_PROTOCOL_ERROR
									       : 0;
	if (op > WS_OP_BINARY)
		return WS_PROTOCOL_ERROR;
	/* section 5.4: a continuation continues something, nothing else may come between */
	if ((op == WS_OP_CONTINUATION) != (d->message != 0))
		return WS_PROTOCOL_ERROR;
	return 0;
}

static unsigned length_bytes(const struct ws_decoder *d)
{
	uint8_t len = d->head[1] & 0x7f;

	return len == 127 ? 8 : len == 126 ? 2 : 0;
}

/* The length is there. Returns 0 or a close code. */
static unsigned check_length(struct ws_decoder *d)
{
	unsigned bytes = length_bytes(d), i;
	uint64_t len = bytes ? 0 : d->head[1] & 0x7f;

	for (i = 0; i < bytes; i++)
		len = len << 8 | d->head[2 + i];
	/* section 5.2: the shortest form, and no sign bit */
	if ((bytes == 2 && len < 126) || (bytes == 8 && (len < 65536 || len >> 63)))
		return WS_PROTOCOL_ERROR;
	if (!is_control(d) && (len > d->max || d->n > d->max - len))
		return WS_TOO_BIG;
	d->left = len;
	return 0;
}

static void begin_payload(struct ws_decoder *d)
{
	memmove(d->head + 10, d->head + d->head_n - 4, 4);
	d->in_payload = true;
	d->mask_at = 0;
	if (!is_control(d) && !d->message) {
		d->message = opcode(d);
		memset(&d->utf8, 0, sizeof(d->utf8));
	}
}

/* Where something can be said about the header: after its start, its length, its key. */
static unsigned head_stop(const struct ws_decoder *d)
{
	unsigned length_end = 2 + length_bytes(d);

	return d->head_n < 2 ? 2 : d->head_n < length_end ? length_end : length_end + 4;
}

/* Collect the header; what is wrong with it is said at the first byte that tells. Returns
 * bytes used; *code is set when it is illegal. */
static size_t read_head(struct ws_decoder *d, const uint8_t *p, size_t n, unsigned *code)
{
	size_t used = 0;

	while (used < n && !d->in_payload) {
		unsigned stop = head_stop(d);
		size_t step = stop - d->head_n;

		if (step > n - used)
			step = n - used;
		memcpy(d->head + d->head_n, p + used, step);
		d->head_n = (uint8_t)(d->head_n + step);
		used += step;
		if (d->head_n < stop)
			break;
		if (stop == 2 && (*code = check_start(d)))
			break;
		if (stop == 2 + length_bytes(d) && (*code = check_length(d)))
			break;
		if (stop == 2 + length_bytes(d) + 4)
			begin_payload(d);
	}
	return used;
}

typedef uint64_t block __attribute__((vector_size(16))); /* as gcc and clang know it everywhere */

/* Section 5.3, 32 bytes a step, in place. Returns whether all of them are ASCII, as most of what
 * we carry: nothing else needs to look at those. */
static bool unmask(struct ws_decoder *d, uint8_t *p, size_t n)
{
	uint8_t key[8], rest = 0;
	uint64_t k, v;
	block w[2], kk, seen = { 0, 0 };
	size_t i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = d->head[10 + ((d->mask_at + i) & 3)];
	memcpy(&k, key, sizeof(k));
	kk = (block){ k, k };
	d->mask_at = (uint8_t)((d->mask_at + n) & 3);
	for (; n >= sizeof(w); p += sizeof(w), n -= sizeof(w)) {
		memcpy(w, p, sizeof(w));
		w[0] ^= kk;
		w[1] ^= kk;
		seen |= w[0] | w[1];
		memcpy(p, w, sizeof(w));
	}
	for (; n >= sizeof(v); p += sizeof(v), n -= sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		seen[0] |= v ^= k;
		memcpy(p, &v, sizeof(v));
	}
	for (i = 0; i < n; i++)
		rest |= p[i] ^= key[i & 3];
	return !(((seen[0] | seen[1]) & 0x8080808080808080ULL) | (rest & 0x80));
}

static bool reserve(struct ws_decoder *d, size_t n)
{
	size_t need = d->n + n, size = d->size ? d->size : FIRST_SIZE;
	uint8_t *p;

	if (need <= d->size)
		return true;
	while (size < need)
		size *= 2;
	if (size > d->max)
		size = d->max; /* need is no more: check_length() */
	p = realloc(d->buf, size);
	if (!p)
		return false;
	d->buf = p;
	d->size = size;
	return true;
}

/* One piece of a data frame. Returns 0 or a close code. */
static unsigned take_data(struct ws_decoder *d, uint8_t *p, size_t n, struct ws_event *ev)
{
	bool last = d->left == 0 && is_final(d), ascii;

	if (!(last && !d->n)) { /* not the message in one piece: keep it */
		if (n && !reserve(d, n))
			return WS_INTERNAL;
		if (n)
			memcpy(d->buf + d->n, p, n);
		p = d->buf ? d->buf + d->n : p;
		d->n += n;
	}
	ascii = unmask(d, p, n) && utf8_complete(&d->utf8);
	if (d->message == WS_OP_TEXT && !ascii && !utf8_feed(&d->utf8, p, n))
		return WS_BAD_TEXT;
	if (!last)
		return 0;
	if (d->message == WS_OP_TEXT && !utf8_complete(&d->utf8))
		return WS_BAD_TEXT;
	ev->got = d->message == WS_OP_TEXT ? WS_TEXT : WS_BINARY;
	ev->p = d->n ? d->buf : p;
	ev->n = d->n ? d->n : n;
	d->message = 0;
	d->release = true;
	return 0;
}

/* Section 5.5.1. Returns 0 or a close code. */
static unsigned take_close(struct ws_event *ev)
{
	ev->code = WS_NO_CODE;
	if (ev->n == 0)
		return 0;
	if (ev->n == 1)
		return WS_PROTOCOL_ERROR;
	ev->code = (unsigned)ev->p[0] << 8 | ev->p[1];
	ev->p += 2;
	ev->n -= 2;
	if (!close_code_valid(ev->code))
		return WS_PROTOCOL_ERROR;
	return utf8_valid(ev->p, ev->n) ? 0 : WS_BAD_TEXT;
}

/* One piece of a control frame. Returns 0 or a close code. */
static unsigned take_control(struct ws_decoder *d, uint8_t *p, size_t n, struct ws_event *ev)
{
	if (d->left || d->control) { /* cut in two */
		if (!d->control)
			d->control = malloc(WS_CONTROL_MAX);
		if (!d->control)
			return WS_INTERNAL;
		memcpy(d->control + d->control_n, p, n);
		p = d->control + d->control_n;
		d->control_n = (uint8_t)(d->control_n + n);
	}
	unmask(d, p, n);
	if (d->left)
		return 0;
	ev->p = d->control ? d->control : p;
	ev->n = d->control ? d->control_n : n;
	ev->got = opcode(d) == WS_OP_PING ? WS_PING : opcode(d) == WS_OP_PONG ? WS_PONG : WS_CLOSE;
	d->release = true;
	return ev->got == WS_CLOSE ? take_close(ev) : 0;
}

/* As much of the payload as there is. Returns bytes used. */
static size_t read_payload(struct ws_decoder *d, uint8_t *p, size_t n, struct ws_event *ev,
			   unsigned *code)
{
	if (n > d->left)
		n = (size_t)d->left;
	d->left -= n;
	*code = is_control(d) ? take_control(d, p, n, ev) : take_data(d, p, n, ev);
	if (!d->left) {
		d->in_payload = false;
		d->head_n = 0;
	}
	return n;
}

/* Free what the last event was lent. */
static void release(struct ws_decoder *d)
{
	if (!d->release)
		return;
	d->release = false;
	if (!d->message)
		drop_message(d);
	drop_control(d);
}

static void fail(struct ws_decoder *d, struct ws_event *ev, unsigned code)
{
	*ev = (struct ws_event){ .got = WS_BAD, .code = code };
	d->finished = true;
	ws_decoder_deinit(d);
}

size_t ws_decode(struct ws_decoder *d, uint8_t *p, size_t n, struct ws_event *ev)
{
	size_t used = 0;
	unsigned code = 0;

	*ev = (struct ws_event){ .got = WS_NOTHING };
	release(d);
	if (d->finished)
		return n;
	while (!code && ev->got == WS_NOTHING) {
		if (!d->in_payload)
			used += read_head(d, p + used, n - used, &code);
		if (code || !d->in_payload)
			break;
		if (used == n && d->left)
			break;
		used += read_payload(d, p + used, n - used, ev, &code);
	}
	if (code)
		fail(d, ev, code);
	if (ev->got == WS_CLOSE) { /* nothing is read after it: a message under way has no end */
		d->finished = true;
		drop_message(d);
	}
	return used;
}
