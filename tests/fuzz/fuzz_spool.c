/* fuzz_spool.c - whatever a spool holds, it opens, goes on, and loses nothing when it is written
 * anew */
#include "spool.h"

#include "fuzz_file.h"

#define EPOCH "ffffffffffffffff"
#define APPENDED 100 /* enough to reach the limit below */

static const struct spool_limits limits = { .limit_bytes = 32u << 10,
					    .unacked_max_bytes = 1u << 20,
					    .shrink_bytes = 1u << 10 };
static struct relay_event event;

static struct spool *opened(void)
{
	struct spool *sp;

	MUST(spool_open(&sp, fuzz_path, &limits) == 0);
	return sp;
}

/* Returns for how many ends the records stand that are not acknowledged. */
static uint64_t ends_of(struct spool *sp)
{
	char line[RELAY_LINE_MAX];
	uint64_t ends = 0;
	int n;

	spool_begin(sp, NULL, 0);
	while ((n = spool_next(sp, line, sizeof(line))) > 0) {
		MUST(relay_event_parse(line, (size_t)n - 1, &event) == 0);
		ends += event.type == RELAY_SUM ? event.ends : 1;
	}
	MUST(n == 0);
	return ends;
}

static uint64_t append_some(struct spool *sp)
{
	static const struct relay_allocation a = { .id = "000000000000000001",
						   .name = "1900000000:alice" };
	static const struct relay_totals t;
	uint64_t kept = 0, lost = spool_counters(sp)->lost_ends, seq;
	uint64_t repeated = spool_counters(sp)->repeated;
	char line[RELAY_LINE_MAX];

	for (seq = 1; seq <= APPENDED; seq++) {
		int n = relay_write_end(
			line, sizeof(line),
			&(struct relay_end){
				.epoch = EPOCH, .seq = seq, .alloc = &a, .totals = &t });

		MUST(n > 0);
		kept += spool_append(sp, line, (size_t)n, EPOCH, seq) == 0;
	}
	MUST(kept + spool_counters(sp)->lost_ends - lost == APPENDED);
	return kept - (spool_counters(sp)->repeated - repeated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spool *sp;
	uint64_t ends;

	if (n > 2 * limits.limit_bytes)
		return 0;
	fuzz_file_write(data, n);
	sp = opened();
	ends = ends_of(sp);
	spool_end(sp);
	spool_free(sp);
	sp = opened();
	MUST(spool_counters(sp)->torn == 0);
	MUST(ends_of(sp) == ends);
	spool_end(sp);
	ends += append_some(sp);
	MUST(ends_of(sp) == ends);
	spool_free(sp);
	return 0;
}
