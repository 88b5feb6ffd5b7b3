/* fuzz_relay_event.c - an event that is read can be written, and reads the same again */
#include "relay_event.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

static int write_event(char *out, size_t size, const struct relay_event *ev)
{
	switch (ev->type) {
	case RELAY_HELLO: return relay_write_hello(out, size, &ev->hello);
	case RELAY_SNAP: return relay_write_snap(out, size, ev->seq, &ev->alloc, &ev->totals);
	case RELAY_SYNCED: return relay_write_synced(out, size, ev->seq, ev->hello.live);
	case RELAY_NEW: return relay_write_new(out, size, ev->seq, &ev->alloc);
	case RELAY_USAGE: return relay_write_usage(out, size, ev->rows, ev->rows_n, ev->skipped);
	case RELAY_END:
		return relay_write_end(out, size,
				       &(struct relay_end){ ev->epoch, ev->seq, &ev->alloc,
							    &ev->totals, ev->ended_ms, ev->exact,
							    ev->reason });
	case RELAY_SUM:
		return relay_write_sum(out, size,
				       &(struct relay_sum){ ev->epoch, ev->seq, ev->call, ev->ends,
							    ev->from_ms, ev->to_ms, &ev->totals,
							    ev->exact });
	case RELAY_DENIED:
		return relay_write_denied(out, size,
					  &(struct relay_denied){ ev->user, ev->call, ev->reason,
								  ev->client, ev->n });
	case RELAY_SECRETS: return relay_write_secrets(out, size, ev->secrets, ev->secrets_n);
	case RELAY_DRAIN: return relay_write_drain(out, size, ev->on);
	case RELAY_REPLY:
		return ev->ok ? relay_write_ok(out, size, ev->command_id, ev->count, NULL)
			      : relay_write_error(out, size, ev->command_id, ev->error);
	case RELAY_OTHER: break;
	}
	return 0;
}

/* Members that no writer keeps: a count beside an error, an error beside a count. */
static void normalize(struct relay_event *ev)
{
	if (ev->type != RELAY_REPLY)
		return;
	if (ev->ok)
		memset(ev->error, 0, sizeof(ev->error));
	else
		ev->count = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char line[RELAY_LINE_MAX];
	static struct relay_event ev, again;
	int r = relay_event_parse((const char *)data, n, &ev);
	int length;

	MUST(r == 0 || r == -EINVAL || r == -EPROTO);
	if (r < 0 || ev.type == RELAY_OTHER)
		return 0;
	normalize(&ev);
	length = write_event(line, sizeof(line), &ev);
	MUST(length > 1 && line[length - 1] == '\n');
	MUST(relay_event_parse(line, (size_t)length - 1, &again) == 0);
	MUST(memcmp(&ev, &again, sizeof(ev)) == 0);
	return 0;
}
