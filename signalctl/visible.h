/* visible.h - text that others wrote, shown to a terminal
 *
 * Names and rooms come from clients. What would move the cursor, change colours or the direction of
 * text, or is no UTF-8, becomes "\x1b" and the like; a line stays a line. Pure. */
#ifndef VISIBLE_H
#define VISIBLE_H

#include <stddef.h>
#include <stdio.h>

/* Returns the length written, or that would have been: as snprintf(). */
size_t visible_text(char *out, size_t size, const char *text, size_t n);
void visible_put(FILE *out, const char *text, size_t n);

/* Valid JSON, with \u escapes for the same characters: they can stand in its strings alone. */
void visible_put_json(FILE *out, const char *text, size_t n);

/* How many columns UTF-8 text takes, one a character. */
size_t visible_width(const char *text);

#endif
