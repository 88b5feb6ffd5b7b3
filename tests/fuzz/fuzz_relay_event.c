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
		return relay_write_end(out, size, ev->seq, &ev->alloc, &ev->totals, ev->reason);
	case RELAY_REPLY:
		return ev->ok ? relay_write_ok(out, size, ev->command_id, ev->count, NULL)
			      : relay_write_error(out, size, ev->command_id, ev->error);
	case RELAY_OTHER: break;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char first[RELAY_LINE_MAX], second[RELAY_LINE_MAX];
	static struct relay_event ev;
	int r = relay_event_parse((const char *)data, n, &ev);
	int length;

	MUST(r == 0 || r == -EINVAL || r == -EPROTO);
	if (r < 0 || ev.type == RELAY_OTHER)
		return 0;
	length = write_event(first, sizeof(first), &ev);
	MUST(length > 1 && first[length - 1] == '\n');
	MUST(relay_event_parse(first, (size_t)length - 1, &ev) == 0);
	MUST(write_event(second, sizeof(second), &ev) == length);
	MUST(memcmp(first, second, (size_t)length) == 0);
	return 0;
}
