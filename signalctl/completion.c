/* completion.c - the words are the table's, the rest is the same whatever it says */
#include "completion.h"

#include <string.h>

#include "arguments.h"

/* compgen -W expands its list like a line of shell: only plain words get there. */
static const char functions[] =
	"# What signald says is there: the first member of each line.\n"
	"_signalctl_ask()\n"
	"{\n"
	"\ttimeout 3 signalctl \"${config[@]}\" --json \"$1\" 2>/dev/null |\n"
	"\t\tsed -n 's/^{\"[a-z]*\":\"\\([A-Za-z0-9._@+-]*\\)\".*/\\1/p' | head -n 1000\n"
	"}\n"
	"\n"
	"# $1: what the value is called.\n"
	"_signalctl_value()\n"
	"{\n"
	"\tcase $1 in\n"
	"\tFILE) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\tDIR) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\tCALL) _signalctl_words \"$(_signalctl_ask calls)\" ;;\n"
	"\tUSER) _signalctl_words \"$(_signalctl_ask users)\" ;;\n"
	"\t*\\|* | [a-z]*) _signalctl_words \"${1//|/ }\" ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_signalctl_words()\n"
	"{\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"_signalctl()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} command='' option='' want='' word i n=0\n"
	"\tlocal commands='' options='' operands=() config=()\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $want && $word == '=' ]]; then\n"
	"\t\t\tcontinue\n"
	"\t\telif [[ $want ]]; then\n"
	"\t\t\t[[ $option != -c && $option != --config ]] || config=(-c \"${word/#\\~/$HOME}\")\n"
	"\t\t\twant=''\n"
	"\t\telif [[ $word == -* ]]; then\n"
	"\t\t\toption=$word\n"
	"\t\t\t_signalctl_argument \"$command\" \"$word\"\n"
	"\t\telif [[ ! $command ]]; then\n"
	"\t\t\tcommand=$word\n"
	"\t\telse\n"
	"\t\t\tn=$((n + 1))\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t[[ $cur != '=' ]] || cur=''\n"
	"\t_signalctl_table \"$command\"\n"
	"\tif [[ $want ]]; then\n"
	"\t\t_signalctl_value \"$want\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t_signalctl_words \"$options\"\n"
	"\telif [[ $command ]]; then\n"
	"\t\t_signalctl_value \"${operands[n]-}\"\n"
	"\telse\n"
	"\t\t_signalctl_words \"$commands\"\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _signalctl signalctl\n";

/* --- the table --------------------------------------------------------------------- */

static void put_options(FILE *out, const struct signalctl_option *o)
{
	for (; o && o->name; o++)
		fprintf(out, " --%s", o->name);
}

/* Options and operands of each command. */
static void put_table(FILE *out)
{
	fputs("_signalctl_table()\n{\n\tcommands='", out);
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++)
		fprintf(out, "%s%s", c == signalctl_commands ? "" : " ", c->name);
	fputs("'\n\toptions='", out);
	put_options(out, arguments_global);
	fputs("'\n\tcase $1 in\n", out);
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++) {
		fprintf(out, "\t%s)\n\t\toptions+='", c->name);
		put_options(out, c->options);
		fputs("'\n\t\toperands=(", out);
		for (const char *p = c->operands; *p; p++)
			if (strchr("|", *p))
				fputs("\\|", out);
			else if (!strchr("[].", *p))
				fputc(*p, out);
		fputs(")\n\t\t;;\n", out);
	}
	fputs("\tesac\n}\n\n", out);
}

static void put_arguments(FILE *out, const char *command, const struct signalctl_option *o)
{
	for (; o && o->name; o++)
		if (o->argument)
			fprintf(out, "\t%s,--%s) want='%s' ;;\n", command, o->name, o->argument);
}

/* What the value of an option is called. */
static void put_values(FILE *out)
{
	fputs("_signalctl_argument()\n{\n\tcase $1,$2 in\n", out);
	for (size_t i = 0; arguments_global[i].name; i++)
		if (arguments_letters[i] && arguments_global[i].argument)
			fprintf(out, "\t*,-%c) want='%s' ;;\n", arguments_letters[i],
				arguments_global[i].argument);
	put_arguments(out, "*", arguments_global);
	for (const struct signalctl_command *c = signalctl_commands; c->name; c++)
		put_arguments(out, c->name, c->options);
	fputs("\tesac\n}\n\n", out);
}

void completion_put_bash(FILE *out)
{
	fputs("# bash completion for signalctl; made by: signalctl --completion bash\n"
	      "# shellcheck shell=bash disable=SC2034\n\n",
	      out);
	put_table(out);
	put_values(out);
	fputs(functions, out);
}
