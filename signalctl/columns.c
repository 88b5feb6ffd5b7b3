/* columns.c - see columns.h */
#include "columns.h"

#include <string.h>

#include "visible.h"

#define CELL_MAX 4096 /* bytes; a longer one is cut */

static void put_cell(FILE *out, const struct column *c, const char *text, bool last)
{
	char cell[CELL_MAX];
	int pad;

	visible_text(cell, sizeof(cell), text, strlen(text));
	pad = c->width - (int)visible_width(cell);
	fprintf(out, "%*s%s", c->right && pad > 0 ? pad : 0, "", cell);
	if (!last)
		fprintf(out, "%*s", (!c->right && pad > 0 ? pad : 0) + 2, "");
}

void columns_row(FILE *out, const struct column *columns, size_t n, const char *const *cells)
{
	for (size_t i = 0; i < n; i++)
		put_cell(out, &columns[i], cells[i], i + 1 == n);
	fputc('\n', out);
}

void columns_head(FILE *out, const struct column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_cell(out, &columns[i], columns[i].title, i + 1 == n);
	fputc('\n', out);
}

void columns_fact(FILE *out, int width, const char *name, const char *value)
{
	if (!value)
		return;
	fprintf(out, "%s:%*s", name, width - (int)strlen(name), "");
	visible_put(out, value, strlen(value));
	fputc('\n', out);
}
