/* live.c - see live.h */
#include "live.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct live {
	size_t session_bytes;
};

int live_open(struct live **out, const char *path, const struct live_layout *layout,
	      const char *epoch, const struct live_limits *limits, char *err, size_t err_size)
{
	struct live *l = calloc(1, sizeof(*l));

	(void)path;
	(void)epoch;
	(void)limits;
	(void)err;
	(void)err_size;
	if (!l)
		return -ENOMEM;
	l->session_bytes = layout->session_bytes;
	*out = l;
	return 0;
}

void live_unlink(const struct live *l)
{
	(void)l;
}

void live_free(struct live *l)
{
	free(l);
}

void *live_session_new(struct live *l, size_t size)
{
	(void)l;
	return calloc(1, size);
}

void live_session_free(struct live *l, void *session)
{
	(void)l;
	free(session);
}

void *live_cell_new(struct live *l, size_t bytes)
{
	(void)l;
	return malloc(bytes);
}

void live_cell_free(struct live *l, void *cell)
{
	(void)l;
	free(cell);
}

void live_stats(struct live *l, struct live_stats *out)
{
	(void)l;
	*out = (struct live_stats){ 0 };
}

void live_set_seq(struct live *l, uint64_t seq)
{
	(void)l;
	(void)seq;
}

void live_set_now(struct live *l, uint64_t now_ms, uint64_t wall_ms)
{
	(void)l;
	(void)now_ms;
	(void)wall_ms;
}
