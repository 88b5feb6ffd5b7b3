/* json_show.h - what signald said, for scripts (--json)
 *
 * An object as it came, without the members that belong to the control socket ("e", "id", "ok"),
 * one a line. A list is an array that is closed only when the list was whole, so that no half of
 * one parses. What a terminal must not get is written as \u escapes, which is the same JSON. */
#ifndef JSON_SHOW_H
#define JSON_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "json_text.h"

/* object is checked JSON. */
void json_show(FILE *out, struct json_slice object);

struct json_list {
	FILE *out;
	size_t n; /* shown so far */
};
void json_list_begin(struct json_list *l, FILE *out);
void json_list_add(struct json_list *l, struct json_slice object);
void json_list_end(struct json_list *l);

#endif
