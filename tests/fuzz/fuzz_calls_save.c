/* fuzz_calls_save.c - whatever a saved call's text says: it is refused, or it is a call that reads
 * the same when it is saved again, that its members can come back to, and that has an end */
#include <string.h>

#include "calls/calls_save.h"
#include "fuzz.h"

#define CLOCK "clock"
#define TEXT_MAX (1 << 20)

static int begun;

static int emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	(void)handle;
	(void)ctx;
	MUST(event && json_check(args, n, JSON_DEPTH_MAX) == 0);
	return 0;
}

static int ack(void *handle, int64_t id, const char *args, size_t n, void *ctx)
{
	(void)id;
	return emit(handle, "", args, n, ctx);
}

static void on_new(const struct call *c, void *ctx)
{
	(void)ctx;
	MUST(call_members_n(c) >= 2);
	begun++;
}

static void on_ended(const struct call *c, void *ctx)
{
	(void)ctx;
	MUST(call_state(c) == CALL_ENDED);
	begun--;
}

static struct calls *make(void)
{
	const struct calls_ops ops = {
		.emit = emit, .ack = ack, .on_call_new = on_new, .on_call_ended = on_ended
	};
	struct calls_config cfg;
	struct calls *cs;

	calls_config_defaults(&cfg);
	MUST(calls_new(&cs, &cfg, &ops) == 0);
	return cs;
}

/* The call of cs, as it would be saved. */
static size_t text_of(const struct calls *cs, struct json_out *o)
{
	const struct call *c = call_table_next_live(calls_table(cs), NULL);

	MUST(c && calls_save(cs, c, CLOCK, o) >= 0);
	MUST(!memchr(o->p, '\n', o->n));
	return o->n;
}

static void come_back(struct calls *cs, struct call_time now)
{
	const struct call *c = call_table_next_live(calls_table(cs), NULL);
	struct user_id ids[2] = { *call_member(c, 0), *call_member(c, 1) };

	for (int i = 0; i < 2; i++) {
		char text[TURN_USER_ID_MAX + 3];
		struct json_slice id = { text, 0 };
		struct call_socket *s;

		id.n = (size_t)snprintf(text, sizeof(text), "\"%s\"", ids[i].text);
		MUST(calls_socket_opened(cs, text, "192.0.2.1", &s) == 0);
		MUST(calls_event(cs, s, "user:join", &id, 1, -1, now));
		calls_socket_closed(cs, s, now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct call_time now = { .now_ms = 5000000, .wall_ms = 1700005000000 };
	struct calls *cs = make(), *again = make();
	struct json_out a, b;

	json_out_heap(&a, TEXT_MAX);
	json_out_heap(&b, TEXT_MAX);
	begun = 0;
	if (calls_restore(cs, (const char *)data, size, CLOCK, 0, now) == 0) {
		MUST(begun == 1);
		text_of(cs, &a);
		MUST(calls_restore(again, a.p, a.n, CLOCK, 0, now) == 0);
		MUST(text_of(again, &b) == a.n && memcmp(a.p, b.p, a.n) == 0);
		come_back(cs, now);
		now.now_ms += 24 * 3600 * 1000;
		for (int i = 0; i < 1000 && begun; i++) {
			calls_tick(cs, now);
			calls_tick(again, now);
			now.now_ms += 1000;
		}
	}
	MUST(begun == 0);
	json_out_free(&a);
	json_out_free(&b);
	calls_free(cs);
	calls_free(again);
	return 0;
}
