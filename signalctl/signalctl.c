/* signalctl.c - what all commands share: errors, configuration, numbers, questions */
#include "signalctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "completion.h"
#include "help.h"
#include "visible.h"

void ctl_error(const struct signalctl *ctl, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(ctl->out);
	fputs("signalctl: ", ctl->err);
	visible_put(ctl->err, text, strlen(text));
	fputc('\n', ctl->err);
}

const struct config *ctl_config(struct signalctl *ctl)
{
	struct config_error err = { .line = 0 };
	int r;

	if (ctl->config_loaded)
		return &ctl->config;
	if (config_init(&ctl->config)) {
		ctl_error(ctl, "out of memory");
		return NULL;
	}
	r = config_load(&ctl->config, ctl->config_path, &err);
	if (!r) {
		ctl->config_loaded = true;
		return &ctl->config;
	}
	config_deinit(&ctl->config);
	if (err.line)
		ctl_error(ctl, "%s:%u: %s", ctl->config_path, err.line, err.text);
	else
		ctl_error(ctl, "%s: %s%s", ctl->config_path, err.text,
			  r == -EACCES ? "; use sudo" : "");
	return NULL;
}

int ctl_number(const struct signalctl *ctl, const char *what, const char *text, uint64_t min,
	       uint64_t max, uint64_t *out)
{
	char *end;
	uint64_t v;

	if (!text)
		return 0;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || v < min || v > max) {
		ctl_error(ctl, "%s must be a whole number from %llu to %llu", what,
			  (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

int ctl_user(const struct signalctl *ctl, const char *text, char out[TURN_USER_ID_MAX + 1])
{
	size_t n = strlen(text);

	if (!turn_name_user_valid(text, n)) {
		ctl_error(ctl, "%s is no user id (1 to %d letters, digits or ._@+-)", text,
			  TURN_USER_ID_MAX);
		return -EINVAL;
	}
	memcpy(out, text, n + 1);
	return 0;
}

bool ctl_yes(const struct signalctl *ctl, const char *fmt, ...)
{
	char line[16];
	va_list ap;

	va_start(ap, fmt);
	vfprintf(ctl->out, fmt, ap);
	va_end(ap);
	fputs(" [y/N] ", ctl->out);
	fflush(ctl->out);
	if (!fgets(line, sizeof(line), ctl->in))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

/* What was written must have arrived: a full disk is no success. */
static int flushed(const struct signalctl *ctl, int status)
{
	errno = 0;
	if (!fflush(ctl->out) && !ferror(ctl->out))
		return status;
	ctl_error(ctl, "cannot write: %s", strerror(errno ? errno : EIO));
	return status ? status : SIGNALCTL_FAILED;
}

static int answer(struct signalctl *ctl, const struct arguments_global *g,
		  const struct signalctl_command *command)
{
	if (g->ask == ARGUMENTS_VERSION)
		fputs("signalctl (" PACKAGE_STRING ")\n", ctl->out);
	else if (g->ask == ARGUMENTS_COMPLETION)
		completion_put_bash(ctl->out);
	else
		help_put(ctl->out, command);
	return SIGNALCTL_DONE;
}

int signalctl_run(struct signalctl *ctl, int argc, char **argv)
{
	const struct signalctl_command *command;
	struct arguments_global g;
	struct arguments a;
	char err[256];
	int status;

	if (arguments_read(argc, argv, &g, &command, &a, err, sizeof(err))) {
		ctl_error(ctl, "%s", err);
		return SIGNALCTL_USAGE;
	}
	ctl->config_path = g.config ? g.config : SIGNALCTL_CONFIG;
	ctl->config_given = g.config;
	ctl->json = g.json;
	status = g.ask ? answer(ctl, &g, command) : command->run(ctl, &a);
	if (ctl->config_loaded)
		config_deinit(&ctl->config);
	ctl->config_loaded = false;
	return flushed(ctl, status);
}
