/* arguments.c - getopt_long() twice: up to the command, and behind it */
#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define OF_COMMAND 0x1000 /* and the index in its table */

const struct signalctl_option arguments_global[ARGUMENTS_GLOBAL_N + 1] = {
	{ "config", "FILE", "signald's configuration; " SIGNALCTL_CONFIG " without" },
	{ "json", NULL, "Print JSON for scripts, not tables for people" },
	{ "help", NULL, "Show this text, or that of a command" },
	{ "version", NULL, "Show the version" },
	{ "completion", "bash", "Print what a shell needs to complete command lines" },
	{ .name = NULL },
};
const char arguments_letters[ARGUMENTS_GLOBAL_N] = { 'c', 0, 'h', 'V', 0 };

enum { G_CONFIG, G_JSON, G_HELP, G_VERSION, G_COMPLETION };

__attribute__((format(printf, 3, 4))) static int refuse(char *err, size_t size, const char *fmt,
							...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* --- words ------------------------------------------------------------------------- */

void arguments_count(const char *words, size_t *min, size_t *max)
{
	*min = *max = 0;
	for (const char *p = words; *(p += strspn(p, " ")); p += strcspn(p, " ")) {
		(*max)++;
		if (*p != '[')
			(*min)++;
	}
}

/* The i-th word, without its brackets. */
static size_t nth_word(const char *words, size_t i, const char **word)
{
	const char *p = words + strspn(words, " ");

	while (i--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	p += *p == '[';
	*word = p;
	return strcspn(p, " ]");
}

static bool choice_n(const char *words, size_t n, const char *text)
{
	size_t length = strlen(text), part;

	for (const char *p = words; p < words + n; p += part + 1) {
		const char *bar = memchr(p, '|', (size_t)(words + n - p));

		part = bar ? (size_t)(bar - p) : (size_t)(words + n - p);
		if (*p < 'a' || *p > 'z' || (part == length && memcmp(p, text, part) == 0))
			return true;
	}
	return false;
}

bool arguments_choice(const char *words, const char *text)
{
	return choice_n(words, strlen(words), text);
}

/* --- options ----------------------------------------------------------------------- */

static size_t add(struct option *to, size_t n, const struct signalctl_option *from, int base)
{
	for (int i = 0; from && from[i].name; i++)
		to[n++] = (struct option){ from[i].name,
					   from[i].argument ? required_argument : no_argument, NULL,
					   base + i };
	return n;
}

static void take_global(struct arguments_global *g, int which, const char *value)
{
	switch (which) {
	case G_CONFIG: g->config = value; break;
	case G_JSON: g->json = true; break;
	case G_HELP: g->ask = ARGUMENTS_HELP; break;
	case G_VERSION: g->ask = ARGUMENTS_VERSION; break;
	case G_COMPLETION: g->ask = ARGUMENTS_COMPLETION; break;
	}
}

/* By what getopt_long() returns: its place and 1, or its letter. */
static const struct signalctl_option *global_option(int o)
{
	int i = o - 1;

	if (o > ARGUMENTS_GLOBAL_N)
		for (i = 0; arguments_letters[i] != o;)
			i++;
	return &arguments_global[i];
}

/* Read options until getopt() stops. letters begins with "+:" or ":". */
static int read_options(int argc, char **argv, const char *letters,
			const struct signalctl_command *command, struct arguments_global *g,
			struct arguments *out, char *err, size_t err_size)
{
	struct option all[ARGUMENTS_GLOBAL_N + SIGNALCTL_OPTIONS_MAX + 1] = { { .name = NULL } };
	const struct signalctl_option *own = command ? command->options : NULL, *option;
	int o;

	add(all, add(all, 0, arguments_global, 1), own, OF_COMMAND);
	optind = 0;
	opterr = 0;
	while ((o = getopt_long(argc, argv, letters, all, NULL)) != -1) {
		if (o == ':')
			return refuse(err, err_size, "%s needs a value", argv[optind - 1]);
		if (o == '?' && optopt && optopt < OF_COMMAND && optopt > ARGUMENTS_GLOBAL_N)
			return refuse(err, err_size, "-%c: no such option", optopt);
		if (o == '?')
			return refuse(err, err_size, "%s: %s", argv[optind - 1],
				      optopt ? "takes no value" : "no such option");
		option = o >= OF_COMMAND ? &own[o - OF_COMMAND] : global_option(o);
		if (option->argument && !arguments_choice(option->argument, optarg))
			return refuse(err, err_size, "--%s takes one of %s", option->name,
				      option->argument);
		if (o >= OF_COMMAND)
			out->value[o - OF_COMMAND] = optarg ? optarg : "";
		else
			take_global(g, (int)(option - arguments_global), optarg);
	}
	return 0;
}

/* --- operands ---------------------------------------------------------------------- */

static int take_operands(const struct signalctl_command *command, int argc, char **argv,
			 struct arguments *out, char *err, size_t err_size)
{
	size_t min, max, n = (size_t)argc;

	arguments_count(command->operands, &min, &max);
	if (n < min)
		return refuse(err, err_size, "%s needs %s", command->name, command->operands);
	if (n > max)
		return refuse(err, err_size, "%s: unexpected argument '%s'", command->name,
			      argv[max]);
	for (size_t i = 0; i < n; i++) {
		const char *word;
		size_t length = nth_word(command->operands, i, &word);

		if (!choice_n(word, length, argv[i]))
			return refuse(err, err_size, "%s takes one of %.*s", command->name,
				      (int)length, word);
		out->operand[i] = argv[i];
	}
	out->operands_n = n;
	return 0;
}

/* Is the word behind this one its value? */
static bool wants_value(const struct signalctl_command *command, const char *word)
{
	const struct signalctl_option *const tables[] = { arguments_global, command->options };

	if (strcmp(word, "-c") == 0)
		return true;
	for (size_t i = 0; i < 2; i++)
		for (const struct signalctl_option *o = tables[i]; o && o->name; o++)
			if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, o->name) == 0)
				return o->argument;
	return false;
}

/* One call of 64 has an id that begins like an option: such a word is put aside from getopt(). It
 * goes to the end of argv, which is one shorter then. Returns the new argc. */
static int put_call_aside(const struct signalctl_command *command, int argc, char **argv)
{
	if (!strstr(command->operands, "CALL"))
		return argc;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *word = argv[i];

		if (word[0] != '-' || !turn_call_id_valid(word, strlen(word)) ||
		    wants_value(command, argv[i - 1]))
			continue;
		memmove(&argv[i], &argv[i + 1], (size_t)(argc - i - 1) * sizeof(*argv));
		argv[argc - 1] = word;
		return argc - 1;
	}
	return argc;
}

int arguments_read(int argc, char **argv, struct arguments_global *global,
		   const struct signalctl_command **command, struct arguments *out, char *err,
		   size_t err_size)
{
	int r;

	*command = NULL;
	memset(out, 0, sizeof(*out));
	memset(global, 0, sizeof(*global));
	r = read_options(argc, argv, "+:c:hV", NULL, global, out, err, err_size);
	if (r)
		return r;
	if (optind == argc)
		return global->ask ? 0 : refuse(err, err_size, "which command? --help shows them");
	argc -= optind;
	argv += optind;
	*command = signalctl_command_find(argv[0]);
	if (!*command)
		return refuse(err, err_size, "%s: no such command; --help shows them", argv[0]);
	r = read_options(put_call_aside(*command, argc, argv), argv, ":c:hV", *command, global, out,
			 err, err_size);
	if (r || global->ask)
		return r;
	return take_operands(*command, argc - optind, argv + optind, out, err, err_size);
}
