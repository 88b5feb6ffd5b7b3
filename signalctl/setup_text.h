/* setup_text.h - the text of a configuration: made of a template, and what stays of the one before
 *
 * A line of a template with a @NAME@ is written once for each value of that name; without a value
 * it becomes a comment with the name's example. All else stands as it is. At the end comes one line
 * that begins with SETUP_YOURS; what an admin writes below it is kept, and a key that is set there
 * is a comment above. Pure; any thread. */
#ifndef SETUP_TEXT_H
#define SETUP_TEXT_H

#include <stddef.h>
#include <stdio.h>

#define SETUP_YOURS "# --- yours"
#define SETUP_VALUES_MAX 8 /* of one name */

struct setup_value {
	const char *name;    /* without the @; NULL ends a table */
	const char *example; /* when there is no value */
	char *v[SETUP_VALUES_MAX];
	size_t n;
};

/* What of old (NULL: there is none) an admin wrote below the line, a loan of it; "" when there is
 * no such line. */
const char *setup_text_yours(const char *old);

/* Fill in a template. Returns 0 and the caller's *out (free() it), -EINVAL (a name that values
 * lacks), -E2BIG (more settings than turnserver_conf_parse() takes in yours), -ENOMEM. */
int setup_text_fill(const char *text, const struct setup_value *values, const char *yours,
		    char **out);

/* The keys that are set in old and not in text, ", " between them, each once. Returns 0 and the
 * caller's *out ("" when there is none), -E2BIG, -ENOMEM. */
int setup_text_lost(const char *old, const char *text, char **out);

/* A copy for eyes: the values of keys that are secrets are dots, also in comments. NULL: no
 * memory. */
char *setup_text_masked(const char *text);

#endif
