/* live_file.c - see live_file.h */
#include "live_file.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "live_text.h"
#include "reasons.h"

#define SESSION_BYTES_MAX (1u << 20)
#define CHUNK_SLOTS_MAX 4096
#define SID_MAX 999999999999999999u /* RELAY_ID_LEN digits */

#define TOTAL(field) offsetof(struct relay_totals, field)
const size_t live_totals_at[LIVE_TOTALS] = {
	TOTAL(client_received_packets),
	TOTAL(client_received_bytes),
	TOTAL(client_sent_packets),
	TOTAL(client_sent_bytes),
	TOTAL(peer_received_packets),
	TOTAL(peer_received_bytes),
	TOTAL(peer_sent_packets),
	TOTAL(peer_sent_bytes),
	TOTAL(dropped_packets),
	TOTAL(dropped_bytes),
	TOTAL(wire_bytes),
};

struct reader {
	int fd;
	uint64_t file_bytes;
	uint64_t now_ms;
	struct live_header h;
	uint32_t lo, hi;     /* the part of a session that its counters are in */
	unsigned char *part; /* of one session */
	char *block;	     /* LIVE_BLOCK_BYTES of cells */
	struct found {
		uint64_t at; /* of the cell, in the file */
		uint64_t seq;
		uint32_t cell_bytes;
	} * found;
	size_t n, room;
};

/* In the order of struct relay_totals: packets and bytes take turns. */
uint64_t live_wire(const uint64_t totals[LIVE_TOTALS], unsigned client_overhead,
		   unsigned peer_overhead)
{
	uint64_t bytes = totals[1] + totals[3] + totals[5] + totals[7] + totals[9];

	return bytes + client_overhead * (totals[0] + totals[2]) +
	       peer_overhead * (totals[4] + totals[6] + totals[8]);
}

uint32_t live_header_check(const struct live_header *h)
{
	return (uint32_t)crc32(0, (const Bytef *)h, offsetof(struct live_header, check));
}

/* --- reading what cannot be trusted ------------------------------------------------ */

/* n bytes or nothing: what is cut off is not such a file. */
static int read_at(const struct reader *r, void *out, size_t n, uint64_t at)
{
	char *p = out;

	while (n) {
		ssize_t got = at > INT64_MAX - n ? 0 : pread(r->fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static bool good_epoch(const struct live_header *h)
{
	size_t n = strnlen(h->epoch, sizeof(h->epoch));

	return n > 0 && n <= LIVE_EPOCH_MAX && strspn(h->epoch, "0123456789abcdef") == n;
}

static bool good_counter(const struct live_layout *l, const struct live_counter *c)
{
	return c->width == 0 || ((c->width == 4 || c->width == 8) && c->at < l->session_bytes &&
				 l->session_bytes - c->at >= c->width);
}

static bool good_layout(const struct live_layout *l)
{
	size_t i;

	if (l->session_bytes == 0 || l->session_bytes > SESSION_BYTES_MAX)
		return false;
	for (i = 0; i < LIVE_TOTALS; i++)
		if (!good_counter(l, &l->totals[i].running) ||
		    !good_counter(l, &l->totals[i].folded))
			return false;
	return true;
}

static bool good_places(const struct live_header *h, uint64_t file_bytes)
{
	return sizeof(*h) <= h->cells_at && h->cells_at <= h->sessions_at &&
	       h->sessions_at <= h->sessions_end && h->sessions_end <= file_bytes &&
	       h->slot_bytes >= h->layout.session_bytes && h->chunk_slots > 0 &&
	       h->chunk_slots <= CHUNK_SLOTS_MAX &&
	       h->chunk_bytes / h->chunk_slots >= h->slot_bytes &&
	       h->blocks <= (h->sessions_at - h->cells_at) / LIVE_BLOCK_BYTES;
}

static int read_header(struct reader *r)
{
	struct live_header *h = &r->h;
	struct stat st;
	int e;

	if (fstat(r->fd, &st) < 0)
		return -errno;
	r->file_bytes = (uint64_t)st.st_size;
	e = read_at(r, h, sizeof(*h), 0);
	if (e < 0)
		return e;
	if (memcmp(h->magic, LIVE_MAGIC, sizeof(h->magic)) || h->version != LIVE_VERSION ||
	    h->header_bytes != sizeof(*h) || h->check != live_header_check(h) || !good_epoch(h) ||
	    !good_layout(&h->layout) || !good_places(h, r->file_bytes) || h->seq > RELAY_TOTAL_MAX)
		return -EBADMSG;
	return 0;
}

/* --- cells -------------------------------------------------------------------------- */

static int read_text(const struct live_cell *c, struct relay_allocation *out)
{
	return live_text_read((const char *)c + c->text_at, c->text_bytes, out);
}

static bool good_cell(const struct live_cell *c, size_t cell_bytes)
{
	struct relay_allocation a;

	return (c->state == LIVE_ALIVE || c->state == LIVE_ENDED) && c->sid <= SID_MAX &&
	       c->text_at >= sizeof(*c) && c->text_at < cell_bytes &&
	       c->text_bytes <= cell_bytes - c->text_at && read_text(c, &a) == 0;
}

/* The highest number an end may have: the last one announced and, above that,
 * those that a reader before us gave. */
static uint64_t seq_max(const struct live_header *h)
{
	return h->seq + (uint64_t)h->blocks * (LIVE_BLOCK_BYTES / sizeof(struct live_cell));
}

static int remember(struct reader *r, uint64_t at, const struct live_cell *c, uint32_t cell_bytes)
{
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 256;
		struct found *more = realloc(r->found, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->found = more;
		r->room = room;
	}
	r->found[r->n++] = (struct found){
		.at = at,
		.seq = c->end_seq <= seq_max(&r->h) ? c->end_seq : 0,
		.cell_bytes = cell_bytes,
	};
	return 0;
}

/* A block that makes no sense is left out: the others may. */
static int scan_block(struct reader *r, uint64_t at)
{
	const struct live_block *b = (const struct live_block *)(void *)r->block;
	uint32_t i, n;
	int e = read_at(r, r->block, LIVE_BLOCK_BYTES, at);

	if (e < 0)
		return e;
	if (b->magic != LIVE_BLOCK_MAGIC || b->cell_bytes < sizeof(struct live_cell) ||
	    b->cell_bytes % _Alignof(struct live_cell))
		return 0;
	n = b->cell_bytes;
	for (i = LIVE_BLOCK_FIRST; i <= LIVE_BLOCK_BYTES - n && n <= LIVE_BLOCK_BYTES; i += n) {
		const struct live_cell *c = (const struct live_cell *)(void *)(r->block + i);

		if (!good_cell(c, n))
			continue;
		e = remember(r, at + i, c, n);
		if (e < 0)
			return e;
	}
	return 0;
}

static int scan(struct reader *r)
{
	uint32_t i;
	int e = 0;

	for (i = 0; i < r->h.blocks && e == 0; i++)
		e = scan_block(r, r->h.cells_at + (uint64_t)i * LIVE_BLOCK_BYTES);
	return e;
}

/* --- numbers ------------------------------------------------------------------------ */

/* Numbered ends first, in order; the others as they lie in the file. */
static int compare(const void *va, const void *vb)
{
	const struct found *a = va, *b = vb;
	uint64_t x = a->seq - 1, y = b->seq - 1; /* no number is the highest */

	if (x == y) {
		x = a->at;
		y = b->at;
	}
	return (x > y) - (x < y);
}

/* In the file before anybody hears of them, and in order: a reader that was
 * killed in the middle left the first of them with the numbers they get now. */
static int number(struct reader *r)
{
	uint64_t next = r->h.seq;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->found[i].seq > next)
			next = r->found[i].seq;

	for (i = 0; i < r->n; i++) {
		struct found *f = &r->found[i];
		ssize_t n;

		if (f->seq)
			continue;
		f->seq = ++next;
		n = pwrite(r->fd, &f->seq, sizeof(f->seq),
			   (off_t)(f->at + offsetof(struct live_cell, end_seq)));
		if (n != sizeof(f->seq))
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

/* --- records ------------------------------------------------------------------------ */

static bool session_place(const struct reader *r, const struct live_cell *c, uint64_t *at)
{
	const struct live_header *h = &r->h;
	uint64_t in = c->session - h->base - h->sessions_at;

	if (c->session < h->base || c->session - h->base < h->sessions_at ||
	    in >= h->sessions_end - h->sessions_at)
		return false;
	*at = h->sessions_at + in;
	in %= h->chunk_bytes;
	return in % h->slot_bytes == 0 && in / h->slot_bytes < h->chunk_slots &&
	       h->sessions_end - *at >= h->layout.session_bytes;
}

static uint64_t counter(const struct reader *r, const struct live_counter *c)
{
	const unsigned char *p = r->part + c->at - r->lo;
	uint32_t narrow;
	uint64_t wide = 0;

	if (c->width == sizeof(narrow)) {
		memcpy(&narrow, p, sizeof(narrow));
		return narrow;
	}
	if (c->width)
		memcpy(&wide, p, sizeof(wide));
	return wide;
}

static int read_session(const struct reader *r, uint64_t at, uint64_t now[LIVE_TOTALS])
{
	const struct live_layout *l = &r->h.layout;
	int e = read_at(r, r->part, r->hi - r->lo, at + r->lo);
	size_t i;

	for (i = 0; i < LIVE_TOTALS && e == 0; i++)
		if (i != LIVE_WIRE || l->totals[i].running.width || l->totals[i].folded.width)
			now[i] = counter(r, &l->totals[i].running) +
				 counter(r, &l->totals[i].folded);
	return e;
}

static int tell_totals(const struct reader *r, const struct live_cell *c, struct live_record *out)
{
	uint64_t now[LIVE_TOTALS], at;
	size_t i;
	int e;

	for (i = 0; i < LIVE_TOTALS; i++)
		now[i] = c->totals[i];
	out->exact = c->state == LIVE_ENDED || c->fold;
	if (!out->exact && session_place(r, c, &at)) {
		e = read_session(r, at, now);
		if (e < 0)
			return e;
		out->exact = true;
	}
	now[LIVE_WIRE] += live_wire(now, c->client_overhead, c->peer_overhead);
	for (i = 0; i < LIVE_TOTALS; i++) {
		uint64_t v = relay_total_clamp(now[i], &out->totals.saturated);

		memcpy((char *)&out->totals + live_totals_at[i], &v, sizeof(v));
	}
	return 0;
}

static int tell_who(const struct live_cell *c, struct relay_allocation *a)
{
	snprintf(a->id, sizeof(a->id), "%018llu", (unsigned long long)c->sid);
	a->shared = c->shared;
	a->lifetime_s = c->lifetime_s;
	return read_text(c, a);
}

static void tell_times(const struct reader *r, const struct live_cell *c, struct live_record *out)
{
	uint64_t ended_ms = c->state == LIVE_ENDED ? c->ended_ms : r->h.alive_ms;
	uint64_t age_ms = ended_ms > c->start_ms ? ended_ms - c->start_ms : 0;
	uint64_t wall_ms = ended_ms + r->h.wall_offset_ms;
	bool cut = false;

	out->alloc.age_ms = relay_total_clamp(age_ms, &cut);
	out->ended_ms = wall_ms < r->now_ms ? wall_ms : r->now_ms;
}

static const char *reason_in(const struct live_cell *c)
{
	const char *text = reason_text(c->reason);

	if (c->state == LIVE_ALIVE)
		return reason_text(REASON_CRASH);
	return text[0] ? text : reason_text(REASON_CLOSED);
}

static int tell(const struct reader *r, const struct found *f, live_record_fn fn, void *arg)
{
	const struct live_cell *c = (const struct live_cell *)(void *)r->block;
	struct live_record out = { .epoch = r->h.epoch, .seq = f->seq };
	int e = read_at(r, r->block, f->cell_bytes, f->at);

	if (e < 0)
		return e;
	if (!good_cell(c, f->cell_bytes)) /* somebody writes to it */
		return -EBADMSG;
	e = tell_totals(r, c, &out);
	if (e == 0)
		e = tell_who(c, &out.alloc);
	if (e < 0)
		return e;
	tell_times(r, c, &out);
	out.reason = reason_in(c);
	return fn(arg, &out);
}

/* Two of one number are damage; the first one is told. */
static long tell_all(const struct reader *r, live_record_fn fn, void *arg)
{
	uint64_t last = 0;
	long told = 0;
	size_t i;

	for (i = 0; i < r->n; i++) {
		int e;

		if (r->found[i].seq == last)
			continue;
		last = r->found[i].seq;
		e = tell(r, &r->found[i], fn, arg);
		if (e < 0)
			return e;
		told++;
	}
	return told;
}

static void span(struct reader *r, const struct live_counter *c)
{
	if (c->width && c->at < r->lo)
		r->lo = c->at;
	if (c->width && c->at + c->width > r->hi)
		r->hi = c->at + c->width;
}

static int prepare(struct reader *r)
{
	size_t i;

	r->lo = r->h.layout.session_bytes;
	for (i = 0; i < LIVE_TOTALS; i++) {
		span(r, &r->h.layout.totals[i].running);
		span(r, &r->h.layout.totals[i].folded);
	}
	if (r->hi < r->lo)
		r->lo = r->hi = 0;
	r->part = malloc(r->hi - r->lo + 1);
	r->block = aligned_alloc(64, LIVE_BLOCK_BYTES);
	return r->part && r->block ? 0 : -ENOMEM;
}

long live_file_read(int fd, uint64_t now_ms, live_record_fn fn, void *arg)
{
	struct reader r = { .fd = fd, .now_ms = now_ms };
	long result = read_header(&r);

	if (result == 0)
		result = prepare(&r);
	if (result == 0)
		result = scan(&r);
	if (result == 0 && r.n) {
		qsort(r.found, r.n, sizeof(*r.found), compare);
		result = number(&r);
	}
	if (result == 0)
		result = tell_all(&r, fn, arg);
	free(r.found);
	free(r.part);
	free(r.block);
	return result;
}
