/* check_line.h - a line of "signalctl check": what is looked at, what came of it, what to do
 *
 * Rules decide over facts and touch nothing (check_rules.h); probes gather facts (check_facts.h)
 * and try things (check_probes.h); each is bounded in time. */
#ifndef CHECK_LINE_H
#define CHECK_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define CHECK_TEXT_MAX 400

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL, CHECK_SKIP };
extern const char *const check_result_names[4]; /* "ok", "warn", "FAIL", "skip" */

struct check_say {
	enum check_result result;
	char why[CHECK_TEXT_MAX]; /* what was found */
	char fix[CHECK_TEXT_MAX]; /* what to do; "" when nothing */
};

/* The first thing said stays; what is worse replaces it, what is as bad is left out. */
void check_say(struct check_say *s, enum check_result result, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

struct check_facts;

struct check {
	const char *id; /* one word */
	const char *title;
	unsigned checklist; /* the line of the Node server's start checklist it stands for; 0: none
			     */
	void (*run)(struct check_facts *f, struct check_say *s);
};

extern const struct check checks[]; /* a row without an id ends it */

#endif
