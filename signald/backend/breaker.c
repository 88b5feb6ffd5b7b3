/* breaker.c - see breaker.h */
#include "breaker.h"

void breaker_init(struct breaker *b, const struct breaker_config *cfg)
{
	*b = (struct breaker){ .cfg = *cfg };
}

bool breaker_admit(struct breaker *b, uint64_t now_ms, bool *probe)
{
	*probe = false;
	if (b->state == BREAKER_CLOSED)
		return true;
	if (b->state == BREAKER_PROBING || now_ms < b->until_ms)
		return false;
	b->state = BREAKER_PROBING;
	*probe = true;
	return true;
}

bool breaker_success(struct breaker *b)
{
	const bool closed = b->state != BREAKER_CLOSED;

	b->state = BREAKER_CLOSED;
	b->failures = 0;
	b->open_for_ms = 0;
	return closed;
}

static void open_for(struct breaker *b, uint64_t ms, uint64_t now_ms)
{
	b->state = BREAKER_OPEN;
	b->open_for_ms = ms < b->cfg.open_max_ms ? ms : b->cfg.open_max_ms;
	b->until_ms = now_ms + b->open_for_ms;
	b->opened++;
}

bool breaker_failure(struct breaker *b, bool probe, uint64_t now_ms)
{
	if (probe && b->state == BREAKER_PROBING) {
		open_for(b, 2 * b->open_for_ms, now_ms);
		return true;
	}
	/* Those that were on their way when it opened say nothing new. */
	if (b->state != BREAKER_CLOSED || ++b->failures < b->cfg.failures)
		return false;
	open_for(b, b->cfg.open_ms, now_ms);
	return true;
}

void breaker_withdrawn(struct breaker *b, bool probe)
{
	if (probe && b->state == BREAKER_PROBING)
		b->state = BREAKER_OPEN; /* its time has come: the next may try */
}
