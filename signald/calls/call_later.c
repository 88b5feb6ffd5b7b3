/* call_later.c - events whose answers come later, and those behind them
 *
 * An event is handled at once unless its socket has a line. The head of a line
 * is handled again when its answers are there, then the others in their order,
 * until one of them has to ask as well. */
#include "calls_priv.h"

static int push(struct calls *cs, const struct event_row *row, const struct incoming *in)
{
	int rc = call_wait_push(cs->wait, in->s, row->name, in->args, in->args_n, in->ack);

	if (rc < 0)
		count(cs, CALLS_N_REFUSED_WAITING);
	return rc;
}

void later_event(struct calls *cs, const struct event_row *row, const struct incoming *in)
{
	struct incoming again = *in;

	if (call_wait_head(cs->wait, in->s) && !FAULT(waiting_is_overtaken)) {
		if (push(cs, row, in) < 0)
			tell_error(cs, in->s, TELL_RATE_LIMITED, NULL);
		return;
	}
	if (row->fn(cs, in) == EVENT_DONE || push(cs, row, in) == 0)
		return;
	again.resumed = true; /* no room to wait in: as if nobody had answered */
	row->fn(cs, &again);
}

/* The head's handler only looks at it: it is there until it is done with. */
static enum event_result handle(struct calls *cs, struct call_socket *s,
				const struct call_waiting *e, bool resumed, struct call_time now)
{
	const struct event_row *row = calls_find_event(e->event);
	const struct incoming in = { .s = s,
				     .event = e->event,
				     .args = e->args,
				     .args_n = e->args_n,
				     .ack = e->ack,
				     .now = now,
				     .resumed = resumed };

	return row->fn(cs, &in);
}

bool later_go_on(struct calls *cs, struct call_time now)
{
	struct call_socket *s = call_wait_take_due(cs->wait);
	const struct call_waiting *e;
	bool resumed = true;

	if (!s)
		return false;
	while (call_socket_handle(s) && (e = call_wait_head(cs->wait, s))) {
		if (handle(cs, s, e, resumed, now) == EVENT_LATER)
			break;
		call_wait_pop(cs->wait, s);
		resumed = false;
	}
	return true;
}
