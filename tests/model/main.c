/* main.c - walks at random, the machine beside the model; see README.md
 *
 *	random-walk [FAULT...]
 *
 * First the machine as it is: STEPS steps from SEED (both of the environment).
 * Then the test is tested: each of faults[] is planted in turn, and has to be
 * found. With names: these faults alone, and how each was found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls/fault.h"
#include "log.h"
#include "walk.h"
#include "world.h"

#define TICK_MS 1000 /* the application looks at the clock at least this often */
#define SILENCE_MS (RING_MS + LENGTH_MS + 2 * GRACE_MS)
#define SHRINK_S 10
#define FAULT_STEPS 200000 /* within which a planted one is to be found */

#ifndef __has_feature
#define __has_feature(what) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define STEPS_MAX 100000
#else
#define STEPS_MAX 1000000
#endif

const char *calls_fault;

/* FAULT() of signald/calls, all of them. */
static const char *const faults[] = {
	"answer_is_last",
	"answer_to_the_answerer",
	"blocked_is_told",
	"blocked_rings",
	"busy_not_asked",
	"echo_speaks",
	"end_told_in_another_call",
	"ender_is_told",
	"forgotten_call_stays",
	"glare_makes_two",
	"grace_never_runs",
	"held_in_reverse",
	"held_of_other_devices_too",
	"held_sent_twice",
	"late_screen_stays",
	"leg_not_passed",
	"mesh_leaves_silently",
	"one_refusal_ends_a_group",
	"others_go_on_ringing",
	"outsider_speaks",
	"ring_timer_outlives_answer",
	"rung_again",
	"second_answer_wins",
	"waiting_is_overtaken",
};

struct run {
	struct world *w;
	struct model *m;
	bool rough; /* the model looks away */
	uint64_t now_ms;
	char fault[600];
	size_t at; /* the step it was found in */
};

static void found(struct run *r, const char *what)
{
	if (what && !r->fault[0])
		snprintf(r->fault, sizeof(r->fault), "%s", what);
}

static bool one_step(struct run *r, const struct step *st)
{
	struct observed seen;
	const char *what;

	if (!world_step(r->w, st, r->now_ms, &seen))
		return false;
	what = st->op == OP_WAIT ? model_tick(r->m, r->now_ms, &seen)
				 : model_step(r->m, st, r->now_ms, &seen);
	found(r, world_watch(r->w));
	if (!r->rough)
		found(r, what);
	return true;
}

static void pass_time(struct run *r, uint64_t ms)
{
	static const struct step tick = { .op = OP_WAIT };

	while (ms > 0 && !r->fault[0]) {
		const uint64_t part = ms < TICK_MS ? ms : TICK_MS;

		r->now_ms += part;
		ms -= part;
		one_step(r, &tick);
	}
}

static void end_of_walk(struct run *r, const struct walk *walk)
{
	static const struct step tick = { .op = OP_WAIT };
	struct observed seen;

	if (walk->sleeps) {
		r->now_ms += SILENCE_MS;
		world_step(r->w, &tick, r->now_ms, &seen);
	} else {
		pass_time(r, SILENCE_MS);
		if (!r->fault[0] && !r->rough && model_live_n(r->m) > 0)
			found(r, "the model has calls without an end");
	}
	if (!r->fault[0])
		found(r, world_left_over(r->w, r->now_ms));
}

static void run_begin(struct run *r, const struct walk *walk)
{
	*r = (struct run){ .w = world_new(&walk->rules),
			   .m = model_new(&walk->rules),
			   .rough = walk->rules.rough,
			   .now_ms = 1000000 };
}

static void run_end(struct run *r)
{
	world_free(r->w);
	model_free(r->m);
}

static void take_step(struct run *r, const struct step *st)
{
	if (st->op == OP_WAIT)
		pass_time(r, st->wait_ms);
	else
		one_step(r, st);
}

/* Returns whether a fault was found; what is the walk's. */
static bool replay(const struct walk *walk, char what[600], size_t *at)
{
	struct run r;

	run_begin(&r, walk);
	for (r.at = 0; r.at < walk->n && !r.fault[0]; r.at++)
		take_step(&r, &walk->steps[r.at]);
	if (!r.fault[0])
		end_of_walk(&r, walk);
	run_end(&r);
	memcpy(what, r.fault, sizeof(r.fault));
	*at = r.at;
	return r.fault[0] != '\0';
}

/* --- a shorter history ------------------------------------------------------------ */

static void without(const struct walk *walk, size_t from, size_t n, struct walk *out)
{
	*out = *walk;
	memmove(&out->steps[from], &out->steps[from + n],
		(walk->n - from - n) * sizeof(walk->steps[0]));
	out->n -= n;
}

static void shrink(struct walk *walk)
{
	static struct walk shorter;
	const time_t end = time(NULL) + SHRINK_S;
	char what[600];
	size_t at;

	if (replay(walk, what, &at) && at < walk->n)
		walk->n = at;
	for (size_t n = walk->n / 2; n > 0 && time(NULL) < end; n = n > 1 ? n / 2 : 0)
		for (size_t from = 0; from + n <= walk->n && time(NULL) < end;) {
			without(walk, from, n, &shorter);
			if (replay(&shorter, what, &at))
				*walk = shorter;
			else
				from += n;
		}
}

static void print_history(struct walk *walk, uint64_t seed)
{
	char text[1200], what[600];
	size_t at;

	shrink(walk);
	replay(walk, what, &at);
	printf("FOUND (SEED=%llu%s%s%s%s%s):\n", (unsigned long long)seed,
	       walk->rules.open ? ", open" : "", walk->rules.ring_busy ? ", busy = ring" : "",
	       walk->rules.ring_offline ? ", offline = ring" : "", walk->rules.slow ? ", slow" : "",
	       walk->rules.rough ? ", rough" : "");
	for (size_t i = 0; i < walk->n; i++) {
		world_describe(text, sizeof(text), &walk->steps[i]);
		printf("  %s\n", text);
	}
	printf("  => %s\n", what);
}

/* --- walks ------------------------------------------------------------------------- */

/* Steps are chosen while walking, so that they fit; returns whether a fault was found. */
static bool go(struct walk *walk, uint64_t seed)
{
	uint64_t random = seed;
	struct run r;
	bool bad;

	walk->rules = (struct rules){ .open = walk_random(&random) & 1,
				      .ring_busy = (walk_random(&random) & 3) == 0,
				      .ring_offline = (walk_random(&random) & 3) == 0,
				      .slow = (walk_random(&random) & 1) == 0,
				      .rough = (walk_random(&random) & 7) == 0 };
	for (int u = 0; u < USERS; u++)
		walk->rules.blocked[u] = (unsigned)(walk_random(&random) & walk_random(&random) &
						    walk_random(&random) & 63);
	walk->sleeps = (walk_random(&random) & 7) == 0;
	run_begin(&r, walk);
	for (walk->n = 0; walk->n < WALK_STEPS && !r.fault[0]; walk->n++) {
		walk->steps[walk->n] = walk_next(r.m, &random, (int)walk->n);
		take_step(&r, &walk->steps[walk->n]);
	}
	if (!r.fault[0])
		end_of_walk(&r, walk);
	bad = r.fault[0] != '\0';
	run_end(&r);
	return bad;
}

static unsigned long long number(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* Returns the steps until something was found; 0: nothing was. */
static unsigned long long search(unsigned long long steps, uint64_t seed, bool print)
{
	static struct walk walk;

	for (unsigned long long done = 0; done < steps; done += walk.n, seed++) {
		if (!go(&walk, seed))
			continue;
		done += walk.n;
		if (print)
			print_history(&walk, seed);
		return done;
	}
	return 0;
}

/* Returns whether the fault was noticed. */
static bool plant(const char *name, uint64_t seed, bool print)
{
	unsigned long long steps;

	calls_fault = name;
	steps = search(FAULT_STEPS, seed, print);
	calls_fault = NULL;
	if (steps)
		printf("%-28s found after %llu steps\n", name, steps);
	else
		printf("%-28s NOT FOUND in %d steps\n", name, FAULT_STEPS);
	return steps > 0;
}

int main(int argc, char **argv)
{
	const unsigned long long steps = number("STEPS", STEPS_MAX);
	const unsigned long long seed = number("SEED", 1);
	const time_t begin = time(NULL);
	int missed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_level(LOG_LEVEL_WARN);
	for (int i = 1; i < argc; i++)
		missed += !plant(argv[i], seed, true);
	if (argc > 1)
		return missed > 0;
	printf("random walk: %llu steps from SEED=%llu\n", steps, seed);
	if (search(steps, seed, true))
		return 1;
	printf("nothing found in %lld s\n", (long long)(time(NULL) - begin));
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		missed += !plant(faults[i], seed, false);
	return missed > 0;
}
