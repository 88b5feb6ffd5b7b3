/* options.c - see options.h */
#include "options.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer_policy.h"
#include "source_limit.h"

__attribute__((format(printf, 2, 3))) static void mistake(struct options *o, const char *fmt, ...)
{
	va_list ap;

	if (o->error[0])
		return;
	va_start(ap, fmt);
	vsnprintf(o->error, sizeof(o->error), fmt, ap);
	va_end(ap);
}

static void set_text(struct options *o, char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
	if (!*text)
		mistake(o, "out of memory");
}

static void set_socket(struct options *o, const char *value)
{
	set_text(o, &o->socket_path, value);
}

static void set_secrets(struct options *o, const char *value)
{
	set_text(o, &o->secrets_path, value);
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
	if (o->users_n == OPTIONS_USERS_MAX)
		mistake(o, "admin-socket-user: more than %d users", OPTIONS_USERS_MAX);
	else
		set_text(o, &o->users[o->users_n++], value);
}

static unsigned number(struct options *o, const char *name, const char *value, const char *what,
		       unsigned min, unsigned max)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(value, &end, 10);
	if (value[0] >= '0' && value[0] <= '9' && !*end && !errno && v >= min && v <= max)
		return (unsigned)v;
	mistake(o, "%s: \"%.64s\" is not a number%s from %u to %u", name, value, what, min, max);
	return min;
}

static void set_interval(struct options *o, const char *value)
{
	o->interval_s =
		number(o, "admin-interval", value, " of seconds", 1, OPTIONS_INTERVAL_MAX_S);
}

static void set_state_dir(struct options *o, const char *value)
{
	set_text(o, &o->state_dir, value);
}

static void set_strict_expiry(struct options *o, const char *value)
{
	o->strict_expiry = true;
	o->expiry_grace_s =
		number(o, "strict-expiry", value, " of seconds", 0, OPTIONS_EXPIRY_GRACE_MAX_S);
}

static void set_call_quota(struct options *o, const char *value)
{
	o->call_quota = number(o, "call-quota", value, "", 0, OPTIONS_QUOTA_MAX);
}

static void set_tag_quota(struct options *o, const char *value)
{
	o->tag_quota = number(o, "tag-quota", value, "", 0, OPTIONS_QUOTA_MAX);
}

static void set_client_quota(struct options *o, const char *value)
{
	o->client_quota = number(o, "client-quota", value, "", 0, OPTIONS_QUOTA_MAX);
}

static void add_peers(struct options *o, const char *value)
{
	const char *name;
	int bytes;

	if (peer_allow(&o->allow_peers, value, &name, &bytes) < 0)
		mistake(o, "allow-peers: there is no range \"%.*s\" (--help lists them)",
			bytes < 64 ? bytes : 64, name);
}

static void set_permissions_max(struct options *o, const char *value)
{
	o->permissions_max = number(o, "permissions-max", value, "", 1, OPTIONS_PEERS_MAX);
}

static void set_channels_max(struct options *o, const char *value)
{
	o->channels_max = number(o, "channels-max", value, "", 1, OPTIONS_PEERS_MAX);
}

static void set_source_answers(struct options *o, const char *value)
{
	o->source_answers_per_s =
		number(o, "source-answers-per-s", value, "", 0, SOURCE_LIMIT_RATE_MAX);
	o->has_source_answers = true;
}

static void set_stop_wait(struct options *o, const char *value)
{
	o->stop_wait_s = number(o, "stop-wait", value, " of seconds", 0, OPTIONS_STOP_WAIT_MAX_S);
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
	[OPTION_STATE_DIR] = { "admin-state-dir", set_state_dir },
	[OPTION_STRICT_EXPIRY] = { "strict-expiry", set_strict_expiry },
	[OPTION_CALL_QUOTA] = { "call-quota", set_call_quota },
	[OPTION_TAG_QUOTA] = { "tag-quota", set_tag_quota },
	[OPTION_CLIENT_QUOTA] = { "client-quota", set_client_quota },
	[OPTION_ALLOW_PEERS] = { "allow-peers", add_peers },
	[OPTION_PERMISSIONS_MAX] = { "permissions-max", set_permissions_max },
	[OPTION_CHANNELS_MAX] = { "channels-max", set_channels_max },
	[OPTION_SOURCE_ANSWERS] = { "source-answers-per-s", set_source_answers },
	[OPTION_STOP_WAIT] = { "stop-wait", set_stop_wait },
};

void options_set(struct options *o, enum option_id id, const char *value)
{
	if (!value || !value[0])
		mistake(o, "%s needs a value", options[id].name);
	else
		options[id].set(o, value);
}

/* The hook is idle without a socket and a file of secrets, and a limit that
 * looks as if it were in force is worse than none. */
static void need_hook(struct options *o)
{
	const struct {
		bool given;
		enum option_id id;
	} policies[] = {
		{ o->strict_expiry, OPTION_STRICT_EXPIRY },
		{ o->call_quota > 0, OPTION_CALL_QUOTA },
		{ o->tag_quota > 0, OPTION_TAG_QUOTA },
		{ o->client_quota > 0, OPTION_CLIENT_QUOTA },
		{ o->allow_peers > 0, OPTION_ALLOW_PEERS },
	};
	size_t i;

	if (o->socket_path || o->secrets_path)
		return;
	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (policies[i].given)
			mistake(o, "%s needs admin-socket or auth-secret-file",
				options[policies[i].id].name);
}

int options_finish(struct options *o)
{
	need_hook(o);
	if (o->stop_wait_s && !o->socket_path) /* signals are coturn's own then */
		mistake(o, "stop-wait needs admin-socket");
	if (!o->interval_s)
		o->interval_s = OPTIONS_INTERVAL_DEFAULT_S;
	if (!o->permissions_max)
		o->permissions_max = OPTIONS_PERMISSIONS_DEFAULT;
	if (!o->channels_max)
		o->channels_max = OPTIONS_CHANNELS_DEFAULT;
	if (!o->has_source_answers)
		o->source_answers_per_s = OPTIONS_SOURCE_ANSWERS_DEFAULT;
	return o->error[0] ? -EINVAL : 0;
}

void options_forget_secrets(struct options *o)
{
	free(o->secrets_path);
	o->secrets_path = NULL;
}

bool options_read_names(const struct options *o)
{
	return o->strict_expiry || o->call_quota || o->tag_quota || o->client_quota;
}

int options_state_path(const struct options *o, const char *file, char *out, size_t size)
{
	const char *slash = o->socket_path ? strrchr(o->socket_path, '/') : NULL;
	int n;

	if (o->state_dir)
		n = snprintf(out, size, "%s/%s", o->state_dir, file);
	else if (slash)
		n = snprintf(out, size, "%.*s/%s", (int)(slash - o->socket_path), o->socket_path,
			     file);
	else
		n = snprintf(out, size, "%s", file);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

void options_clear(struct options *o)
{
	free(o->socket_path);
	free(o->secrets_path);
	free(o->state_dir);
	for (size_t i = 0; i < o->users_n; i++)
		free(o->users[i]);
	memset(o, 0, sizeof(*o));
}
