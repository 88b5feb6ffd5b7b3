/* columns.h - a table for people, written row by row
 *
 * Widths are fixed, so that a list of any length needs no memory: a cell that is wider pushes what
 * is behind it. What varies most goes last. Cells are shown as visible.h has them. Pure but for the
 * stream. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct column {
	const char *title;
	int width;
	bool right; /* numbers */
};

void columns_head(FILE *out, const struct column *columns, size_t n);
void columns_row(FILE *out, const struct column *columns, size_t n, const char *const *cells);

/* "Name:  value" of one thing; a value that is NULL is left out. */
void columns_fact(FILE *out, int width, const char *name, const char *value);

#endif
