/* fuzz_live_file.c - whatever lies in the file of a dead server, reading it is safe, and twice the
 * same
 *
 * The file is large and mostly holes, so an input is its parts, one after the
 * other: the header (its checksum is put right here), the first CELLS_BYTES of
 * the cells, the first bytes of the sessions. */
#define _GNU_SOURCE 1
#include "live_file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define FILE_BYTES_MAX (8u << 20)
enum { CELLS_BYTES = 2048 };

#define MUST_END(text) MUST(memchr(text, '\0', sizeof(text)))

struct heard {
	uint64_t seq; /* the last */
	uint64_t sum;
};

static int hear(void *arg, const struct live_record *r)
{
	struct heard *h = arg;
	size_t i;

	MUST(r->seq > h->seq);
	h->seq = r->seq;
	MUST(strlen(r->epoch) <= LIVE_EPOCH_MAX && r->epoch[0]);
	MUST(strlen(r->alloc.id) == RELAY_ID_LEN);
	MUST(r->reason[0]);
	MUST(r->ended_ms <= 1800000000000u);
	MUST_END(r->alloc.name);
	MUST_END(r->alloc.realm);
	MUST_END(r->alloc.secret);
	MUST_END(r->alloc.transport);
	MUST_END(r->alloc.relay_transport);
	MUST_END(r->alloc.relayed);
	MUST_END(r->alloc.relayed6);
	MUST_END(r->alloc.client);
	for (i = 0; i < LIVE_TOTALS; i++) {
		uint64_t v;

		memcpy(&v, (const char *)&r->totals + live_totals_at[i], sizeof(v));
		MUST(v <= RELAY_TOTAL_MAX);
		h->sum = h->sum * 31 + v + r->seq;
	}
	return 0;
}

static void put(int fd, uint64_t at, const uint8_t *p, size_t n)
{
	if (n && at <= FILE_BYTES_MAX)
		MUST(pwrite(fd, p, n, (off_t)at) == (ssize_t)n);
}

/* Returns false when the file would be too large to be worth it. */
static bool lay_out(int fd, const uint8_t *data, size_t n)
{
	struct live_header h;
	size_t cells;

	MUST(ftruncate(fd, 0) == 0);
	if (n < sizeof(h)) {
		put(fd, 0, data, n);
		return true;
	}
	memcpy(&h, data, sizeof(h));
	if (h.sessions_end > FILE_BYTES_MAX)
		return false;
	h.check = live_header_check(&h);
	data += sizeof(h);
	n -= sizeof(h);
	cells = n < CELLS_BYTES ? n : CELLS_BYTES;
	put(fd, h.sessions_at, data + cells, n - cells);
	put(fd, h.cells_at, data, cells);
	put(fd, 0, (const uint8_t *)&h, sizeof(h));
	MUST(ftruncate(fd, (off_t)h.sessions_end) == 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	struct heard first = { .seq = 0 }, second = { .seq = 0 };
	long r;

	if (fd < 0)
		fd = memfd_create("live", MFD_CLOEXEC);
	MUST(fd >= 0);
	if (!lay_out(fd, data, n))
		return 0;
	r = live_file_read(fd, 1800000000000u, hear, &first);
	MUST(r >= 0 || r == -EBADMSG);
	MUST(live_file_read(fd, 1800000000000u, hear, &second) == r);
	MUST(first.seq == second.seq && first.sum == second.sum);
	return 0;
}
