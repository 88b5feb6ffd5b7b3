/* call_keeper.c - the calls that changed since they were written, and a timer */
#include "call_keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls/call_events.h"
#include "calls/calls_save.h"
#include "log.h"
#include "loop.h"
#include "state_file.h"
#include "table.h"

#define LOG "calls"
#define SOON_MS 5	  /* what changes together is written once */
#define LATER_MS 250	  /* the disk is slow */
#define CALLS_A_TURN 64	  /* 64 kB of SDP each at most, mostly 5 */
#define LAST_WAIT_MS 2000 /* for the disk, at the end */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* A call that is not in the file as it is. */
struct changed {
	char id[TURN_CALL_ID_LEN + 1];
	bool fresh; /* the file has never heard of it */
	UT_hash_handle hh;
};

struct call_keeper {
	struct call_keeper_config config;
	struct state_file *file;
	struct loop_timer *timer;
	struct changed *changed; /* in order; live calls, and ended ones that the file may have */
	struct json_out out;
	char clock[CALLS_CLOCK_MAX + 1];
	struct call_keeper_counters counters;
	unsigned restored, lost;
};

/* --- writing ------------------------------------------------------------------ */

static struct changed *find(const struct call_keeper *k, const char *id)
{
	struct changed *x;

	HASH_FIND_STR(k->changed, id, x);
	return x;
}

static void note(struct call_keeper *k, const char *id, bool fresh)
{
	struct changed *x;

	if (find(k, id))
		return;
	x = calloc(1, sizeof(*x));
	if (x) {
		snprintf(x->id, sizeof(x->id), "%s", id);
		x->fresh = fresh;
		HASH_ADD_STR(k->changed, id, x);
	}
	if (!x || !x->hh.tbl) {
		free(x);
		k->counters.not_saved++;
	}
}

static void settled(struct call_keeper *k, struct changed *x)
{
	HASH_DEL(k->changed, x);
	free(x);
}

/* Returns 0 (done with it), -ENOBUFS (later). */
static int write_one(struct call_keeper *k, const char *id)
{
	const struct call *c = call_table_find(calls_table(k->config.calls), id);
	int ret = c ? calls_save(k->config.calls, c, k->clock, &k->out) : 0;
	bool trimmed = ret > 0;

	if (ret >= 0)
		ret = state_file_put(k->file, id, c ? k->out.p : NULL, c ? k->out.n : 0);
	else
		ret = -EMSGSIZE;
	if (ret == -ENOBUFS) {
		k->counters.postponed++;
		return ret;
	}
	k->counters.saved += !ret;
	k->counters.trimmed += trimmed;
	k->counters.not_saved += ret != 0;
	return 0;
}

static int write_some(struct call_keeper *k)
{
	struct changed *x, *next;
	int n = 0, ret = 0;

	HASH_ITER (hh, k->changed, x, next) {
		if (n++ == CALLS_A_TURN)
			break;
		ret = write_one(k, x->id);
		if (ret)
			break;
		settled(k, x);
	}
	return ret;
}

static void on_timer(void *ctx)
{
	struct call_keeper *k = ctx;
	int ret = write_some(k);

	if (k->changed)
		loop_timer_set(k->timer, ret ? LATER_MS : 1);
}

static void write_soon(struct call_keeper *k, const struct call *c, bool fresh)
{
	if (!k)
		return;
	if (!k->changed)
		loop_timer_set(k->timer, SOON_MS);
	note(k, call_id(c), fresh);
}

void call_keeper_begun(struct call_keeper *k, const struct call *c)
{
	write_soon(k, c, true);
}

void call_keeper_changed(struct call_keeper *k, const struct call *c)
{
	write_soon(k, c, false);
}

/* Of a call that never came to the file there is nothing to take back: else, while the disk
 * refuses, every call there ever was would wait here. */
void call_keeper_ended(struct call_keeper *k, const struct call *c)
{
	struct changed *x = k ? find(k, call_id(c)) : NULL;

	if (x && x->fresh)
		settled(k, x);
	else
		write_soon(k, c, false);
}

/* --- restoring ---------------------------------------------------------------- */

static void on_entry(void *arg, const char *key, const char *text, size_t n)
{
	struct call_keeper *k = arg;
	struct call_time now = k->config.now();
	int ret = calls_restore(k->config.calls, text, n, k->clock,
				now.wall_ms / 1000 + k->config.credential_s, now);

	if (ret)
		log_warn(LOG, "call %s is not restored: %s", key, strerror(-ret));
	if (call_table_find(calls_table(k->config.calls), key)) {
		k->restored++;
		return;
	}
	k->lost++;
	if (strlen(key) <= TURN_CALL_ID_LEN)
		note(k, key, false); /* it goes from the file */
}

/* Monotonic time means the same as long as the host runs. */
static void name_clock(struct call_keeper *k)
{
	FILE *f = fopen(BOOT_ID, "re");
	char *end;

	k->clock[0] = '\0';
	if (f) {
		if (!fgets(k->clock, sizeof(k->clock), f))
			k->clock[0] = '\0';
		fclose(f);
	}
	end = strchr(k->clock, '\n');
	if (end)
		*end = '\0';
	if (!k->clock[0])
		snprintf(k->clock, sizeof(k->clock), "unknown %" PRId64, k->config.now().wall_ms);
}

static int open_file(struct call_keeper *k)
{
	struct state_file_config c = {
		.dir = k->config.dir, .name = CALL_KEEPER_FILE, .on_entry = on_entry, .arg = k
	};

	return state_file_new(&k->file, loop_base(k->config.loop), &c);
}

int call_keeper_new(struct call_keeper **out, const struct call_keeper_config *config)
{
	struct call_keeper *k = calloc(1, sizeof(*k));
	int ret;

	if (!k)
		return -ENOMEM;
	k->config = *config;
	json_out_heap(&k->out, STATE_TEXT_MAX);
	name_clock(k);
	ret = loop_timer_new(&k->timer, config->loop, on_timer, k);
	if (!ret)
		ret = open_file(k);
	if (ret) {
		call_keeper_free(k);
		return ret;
	}
	if (k->restored || k->lost)
		log_info(LOG, "%u calls go on from before the start, %u do not", k->restored,
			 k->lost);
	if (k->changed)
		loop_timer_set(k->timer, SOON_MS);
	*out = k;
	return 0;
}

/* The last moment: the worker is given time to make room. */
static void write_the_rest(struct call_keeper *k)
{
	for (int waited_ms = 0; k->changed && waited_ms < LAST_WAIT_MS;)
		if (write_some(k)) {
			usleep(1000);
			waited_ms++;
		}
}

void call_keeper_free(struct call_keeper *k)
{
	struct changed *x, *next;

	if (!k)
		return;
	if (k->file)
		write_the_rest(k);
	state_file_free(k->file);
	HASH_ITER (hh, k->changed, x, next)
		settled(k, x);
	loop_timer_free(k->timer);
	json_out_free(&k->out);
	free(k);
}

const struct call_keeper_counters *call_keeper_counters(const struct call_keeper *k)
{
	return &k->counters;
}

const struct state_file_counters *call_keeper_file_counters(const struct call_keeper *k)
{
	return state_file_counters(k->file);
}
