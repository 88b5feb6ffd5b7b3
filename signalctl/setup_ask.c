/* setup_ask.c - see setup_ask.h */
#include "setup_ask.h"

#include <string.h>

#include "setup_word.h"

#define TRIES 5

/* A line without its newline; false: the input has ended, or the line is too long. */
static bool read_line(FILE *in, char *out, size_t size)
{
	size_t n;

	if (!fgets(out, (int)size, in))
		return false;
	n = strlen(out);
	if (n && out[n - 1] == '\n')
		out[n - 1] = '\0';
	else if (!feof(in))
		return false;
	return true;
}

static const char *judge(const struct setup_question *q, const char *answer)
{
	if (!*answer)
		return q->may_lack ? NULL : "is needed";
	if (setup_is_placeholder(answer))
		return "is an example; give your own";
	return q->wrong ? q->wrong(answer) : NULL;
}

/* One try. Returns 1 (answered), 0 (wrong), -1 (the input has ended). */
static int try(const struct signalctl *ctl, struct setup_question *q)
{
	bool preset = q->preset && *q->preset;
	const char *why;

	fprintf(ctl->out, "%s%s%s%s: ", q->text, preset ? " [" : "", preset ? q->preset : "",
		preset ? "]" : "");
	fflush(ctl->out);
	if (!read_line(ctl->in, q->answer, sizeof(q->answer)))
		return -1;
	if (!*q->answer && preset)
		snprintf(q->answer, sizeof(q->answer), "%s", q->preset);
	why = judge(q, q->answer);
	if (why)
		fprintf(ctl->out, "  That %s.\n", why);
	return !why;
}

static int ask(const struct signalctl *ctl, struct setup_question *q)
{
	int r = 0;

	for (unsigned i = 0; i < TRIES && !r; i++)
		r = try(ctl, q);
	if (r <= 0) {
		ctl_error(ctl, "no answer: nothing was written");
		return SIGNALCTL_USAGE;
	}
	if (*q->answer)
		*q->value = q->answer;
	return SIGNALCTL_DONE;
}

int setup_ask(const struct signalctl *ctl, struct setup_question *q, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int status = *q[i].value ? SIGNALCTL_DONE : ask(ctl, &q[i]);

		if (status)
			return status;
	}
	return SIGNALCTL_DONE;
}
