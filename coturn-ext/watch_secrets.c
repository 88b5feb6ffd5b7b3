/* watch_secrets.c - the file of secrets: read at the start, when it changes, and on command */
#include "watch_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "secrets.h"

static void say_secrets(const struct watch *w, int error, const struct secret_error *se, char *out,
			size_t size)
{
	const char *path = w->options->secrets_path;
	const char *text = se->text[0] ? se->text : strerror(-error);

	if (se->line)
		snprintf(out, size, "auth-secret-file: %s line %u: %s", path, se->line, text);
	else
		snprintf(out, size, "auth-secret-file: %s: %s", path, text);
}

int watch_secrets_open(struct watch *w, char *err, size_t err_size)
{
	struct secret_error se = { .text = "" };
	int r;

	if (!w->options->secrets_path)
		return 0;
	r = secrets_open(&w->secrets, w->options->secrets_path, &se);
	if (r < 0)
		say_secrets(w, r, &se, err, err_size);
	return r;
}

void watch_secrets_say(const struct watch *w, const char *what)
{
	size_t active = secrets_active_count(w->secrets, time(NULL));

	log_info("secrets", "%s: %s, %zu secrets", w->options->secrets_path, what,
		 secrets_count(w->secrets));
	if (active > SECRETS_ACTIVE_MAX)
		log_warn("secrets", "%zu are active at once; the newest %d are tried", active,
			 SECRETS_ACTIVE_MAX);
}

/* Also without a new file: a secret may have run out. */
static void announce_secrets(struct watch *w)
{
	if (w->admin)
		admin_socket_secrets(w->admin);
}

void watch_secrets_poll(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct secret_error se = { .text = "" };
	int r = secrets_poll(w->secrets, &se);
	char text[512];

	(void)fd;
	(void)what;
	if (r > 0)
		watch_secrets_say(w, "read again");
	announce_secrets(w);
	if (r >= 0)
		return;
	say_secrets(w, r, &se, text, sizeof(text));
	log_error("secrets", "%s; the secrets read before stay in force", text);
}

/* By command, so a file that is broken still is reported again. */
int watch_reload(struct watch *w, char *err, size_t err_size)
{
	struct secret_error se = { .text = "" };
	int r;

	if (!w->secrets) {
		snprintf(err, err_size, "there is no auth-secret-file");
		return -ENOENT;
	}
	r = secrets_reload(w->secrets, &se);
	if (r < 0) {
		say_secrets(w, r, &se, err, err_size);
		log_error("secrets", "%s; the secrets read before stay in force", err);
		return r;
	}
	watch_secrets_say(w, "read again");
	announce_secrets(w);
	return (int)secrets_count(w->secrets);
}
