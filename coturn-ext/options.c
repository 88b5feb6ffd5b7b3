/* options.c - see options.h */
#include "options.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void mistake(struct options *o, const char *fmt, ...)
{
	va_list ap;

	if (o->error[0])
		return;
	va_start(ap, fmt);
	vsnprintf(o->error, sizeof(o->error), fmt, ap);
	va_end(ap);
}

static void set_path(struct options *o, char **path, const char *value)
{
	free(*path);
	*path = strdup(value);
	if (!*path)
		mistake(o, "out of memory");
}

static void set_socket(struct options *o, const char *value)
{
	set_path(o, &o->socket_path, value);
}

static void set_secrets(struct options *o, const char *value)
{
	set_path(o, &o->secrets_path, value);
}

static void set_group(struct options *o, const char *value)
{
	const struct group *gr = getgrnam(value);

	if (!gr) {
		mistake(o, "admin-socket-group: there is no group \"%.64s\"", value);
		return;
	}
	o->group = gr->gr_gid;
	o->has_group = true;
}

static void add_user(struct options *o, const char *value)
{
	const struct passwd *pw = getpwnam(value);

	if (!pw)
		mistake(o, "admin-socket-user: there is no user \"%.64s\"", value);
	else if (o->users_n == OPTIONS_USERS_MAX)
		mistake(o, "admin-socket-user: more than %d users", OPTIONS_USERS_MAX);
	else
		o->users[o->users_n++] = pw->pw_uid;
}

static void set_interval(struct options *o, const char *value)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || v < 1 ||
	    v > OPTIONS_INTERVAL_MAX_S)
		mistake(o, "admin-interval: \"%.64s\" is not a number of seconds from 1 to %d",
			value, OPTIONS_INTERVAL_MAX_S);
	else
		o->interval_s = (unsigned)v;
}

static const struct {
	const char *name;
	void (*set)(struct options *o, const char *value);
} options[] = {
	[OPTION_SOCKET] = { "admin-socket", set_socket },
	[OPTION_GROUP] = { "admin-socket-group", set_group },
	[OPTION_USER] = { "admin-socket-user", add_user },
	[OPTION_INTERVAL] = { "admin-interval", set_interval },
	[OPTION_SECRETS] = { "auth-secret-file", set_secrets },
};

void options_set(struct options *o, enum option_id id, const char *value)
{
	if (!value || !value[0])
		mistake(o, "%s needs a value", options[id].name);
	else
		options[id].set(o, value);
}

int options_finish(struct options *o)
{
	if (!o->interval_s)
		o->interval_s = OPTIONS_INTERVAL_DEFAULT_S;
	return o->error[0] ? -EINVAL : 0;
}

void options_clear(struct options *o)
{
	free(o->socket_path);
	free(o->secrets_path);
	memset(o, 0, sizeof(*o));
}
