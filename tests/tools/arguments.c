/* arguments.c - see arguments.h */
#include "arguments.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool number(const char *text, const struct argument_row *row, char stop, unsigned *out)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end != stop || v < row->min || v > row->max)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool range(const char *text, const struct argument_row *row, unsigned out[2])
{
	const char *colon = strchr(text, ':');

	return colon && number(text, row, ':', &out[0]) && number(colon + 1, row, '\0', &out[1]) &&
	       out[1] >= out[0];
}

static bool word(const char *text, size_t n, const struct argument_row *row, unsigned *out)
{
	for (unsigned i = 0; row->words[i]; i++) {
		if (strlen(row->words[i]) == n && !memcmp(row->words[i], text, n)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool words(const char *text, const struct argument_row *row, struct choices *out)
{
	for (out->n = 0; out->n < CHOICES_MAX;) {
		size_t n = strcspn(text, ",");

		if (!word(text, n, row, &out->v[out->n++]))
			return false;
		if (!text[n])
			return true;
		text += n + 1;
	}
	return false;
}

static bool set(void *out, const struct argument_row *row, const char *value)
{
	void *field = (char *)out + row->offset;

	switch (row->kind) {
	case ARG_NUMBER: return number(value, row, '\0', field);
	case ARG_TEXT: *(const char **)field = value; return true;
	case ARG_FLAG: *(bool *)field = true; return true;
	case ARG_WORD: return word(value, strlen(value), row, field);
	case ARG_WORDS: return words(value, row, field);
	case ARG_RANGE: return range(value, row, field);
	}
	return false;
}

int arguments_refuse(const struct argument_table *t, const char *why, const char *what)
{
	fprintf(stderr, "%s: %s%s\nusage: %s\n", t->program, why, what, t->usage);
	for (size_t i = 0; i < t->n; i++)
		fprintf(stderr, "  --%-13s %s\n", t->rows[i].name, t->rows[i].help);
	return -EINVAL;
}

static const struct argument_row *find(const struct argument_table *t, const char *arg)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strncmp(arg, "--", 2) && !strcmp(arg + 2, t->rows[i].name))
			return &t->rows[i];
	return NULL;
}

int arguments_read(const struct argument_table *t, void *out, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct argument_row *row = find(t, argv[i]);

		if (!row)
			return arguments_refuse(t, "unknown option ", argv[i]);
		if (row->kind != ARG_FLAG && ++i == argc)
			return arguments_refuse(t, "no value for --", row->name);
		if (!set(out, row, argv[i]))
			return arguments_refuse(t, "bad value for --", row->name);
	}
	return 0;
}
