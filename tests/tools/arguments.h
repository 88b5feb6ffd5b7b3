/* arguments.h - a tool's command line: --OPTION [VALUE], read by one table into one struct */
#ifndef TOOLS_ARGUMENTS_H
#define TOOLS_ARGUMENTS_H

#include <stddef.h>

#define CHOICES_MAX 8

/* Numbers of words, in the order in which they were given. */
struct choices {
	unsigned n, v[CHOICES_MAX];
};

enum argument_kind {
	ARG_NUMBER, /* unsigned */
	ARG_TEXT,   /* const char *, a loan from argv */
	ARG_FLAG,   /* bool; no value follows */
	ARG_WORD,   /* unsigned, the number of a word */
	ARG_WORDS,  /* struct choices, words with commas between */
	ARG_RANGE,  /* FROM:TO, two unsigned side by side */
};

struct argument_row {
	const char *name;
	enum argument_kind kind;
	size_t offset;		  /* of the field */
	unsigned min, max;	  /* of numbers */
	const char *const *words; /* NULL at their end */
	const char *help;
};

struct argument_table {
	const char *program, *usage; /* usage: what follows "usage: " */
	const struct argument_row *rows;
	size_t n;
};

/* Set the fields of *out that argv names. Returns 0; or -EINVAL, with the reason and the usage on
 * stderr. */
int arguments_read(const struct argument_table *t, void *out, int argc, char **argv);

/* Say what is wrong, and the usage. Returns -EINVAL. */
int arguments_refuse(const struct argument_table *t, const char *why, const char *what);

#endif
