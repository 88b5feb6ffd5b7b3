/* calls_fixture.h - calls with nobody around them: no credentials, nobody to ask
 *
 * For programs about what call_events.h does; include it in one source file. Change cfg and ops in
 * between, where a test wants others. */
#ifndef CALLS_FIXTURE_H
#define CALLS_FIXTURE_H

#include "calls_talk.h"

static struct calls_ops ops = { .emit = emit, .ack = ack, .new_call_id = new_call_id };

static inline void start(void)
{
	ck_assert_int_eq(calls_new(&cs, &cfg, &ops), 0);
}

static inline void setup(void)
{
	clock_ms = 1000;
	ids = 0;
	calls_config_defaults(&cfg);
	start();
}

static inline void teardown(void)
{
	forget();
	calls_free(cs);
	cs = NULL;
	memset(sockets, 0, sizeof(sockets));
}

static inline void restart(void)
{
	teardown();
	start();
}

#endif
