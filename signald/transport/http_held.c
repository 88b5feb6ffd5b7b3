/* http_held.c - what bodies and answers hold: bounded, over all connections */
#include "transport/http_priv.h"

#include "loop.h"

/* Not worth counting: as much as a connection costs anyway, and their number is bounded. */
#define FREE_BYTES 4096

void http_hold_none(struct http_request *r)
{
	timeq_remove(&r->holder);
	r->srv->counters.held_bytes -= r->held;
	r->held = 0;
}

static void crowd_out(struct http_request *r)
{
	r->srv->counters.crowded_out++;
	http_hold_none(r);
	r->crowded_out = true;
	http_conn_cut(r->conn);
}

bool http_hold(struct http_request *r, size_t bytes)
{
	struct http_server *srv = r->srv;
	struct timeq_node *oldest;

	if (bytes <= FREE_BYTES || r->crowded_out)
		return !r->crowded_out;
	if (!r->held)
		timeq_add(&srv->holders, &r->holder, loop_now_ms());
	srv->counters.held_bytes += bytes;
	r->held += bytes;
	while (srv->counters.held_bytes > srv->cfg.held_max &&
	       (oldest = timeq_take(&srv->holders, UINT64_MAX)))
		crowd_out(timeq_owner(oldest, struct http_request, holder));
	return !r->crowded_out;
}
