/* secret_files.c - see secret_files.h */
#include "secret_files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/signing.h"
#include "log.h"
#include "secret_file.h"
#include "secret_rotation.h"
#include "secret_stamp.h"
#include "static_secret.h"

#define LOG "secrets"

struct watched {
	const char *path; /* NULL: there is none */
	int (*read)(struct secret_files *f, const char *path, struct secret_error *err,
		    int64_t now_s);
	struct secret_stamp seen; /* of the file last tried */
};

enum { DATED, FIXED, FILES_N };

struct secret_files {
	struct watched files[FILES_N];
	struct secret_set *set;
	struct signing *signing;
	bool told; /* the two below are what the log says */
	enum signing_reason told_reason;
	char told_id[SECRET_ID_MAX + 1];
};

static int read_dated(struct secret_files *f, const char *path, struct secret_error *err,
		      int64_t now_s)
{
	struct secret_set *set;
	int r = secret_set_load(path, &set, err);

	if (r)
		return r;
	signing_set_secrets(f->signing, set, now_s);
	secret_set_free(f->set);
	f->set = set;
	log_info(LOG, "%zu read from %s", set->n, path);
	return 0;
}

static int read_fixed(struct secret_files *f, const char *path, struct secret_error *err,
		      int64_t now_s)
{
	char *value;
	int r = static_secret_load(path, &value, err);

	(void)now_s;
	if (r && r != -ENOENT)
		return r;
	r = signing_set_static(f->signing, value);
	if (!r)
		log_info(LOG, "%s static-auth-secret in %s", value ? "a" : "no", path);
	static_secret_free(value);
	return r;
}

static void refused(const char *path, int err, const struct secret_error *why)
{
	if (why->line)
		log_error(LOG, "%s:%u: %s", path, why->line, why->text);
	else
		log_error(LOG, "%s: %s", path, *why->text ? why->text : strerror(-err));
}

/* A broken file leaves what works. */
static int read_file(struct secret_files *f, struct watched *w, int64_t now_s)
{
	struct secret_error err = { .line = 0 };
	struct secret_stamp now;
	int r;

	secret_stamp_take(&now, w->path);
	r = w->read(f, w->path, &err, now_s);
	if (!secret_error_passes(r))
		w->seen = now;
	if (r)
		refused(w->path, r, &err);
	return r;
}

int secret_files_new(struct secret_files **out, const char *auth_secret_file,
		     const char *turnserver_conf, int64_t now_s)
{
	struct secret_files *f = calloc(1, sizeof(*f));
	int r = f ? signing_new(&f->signing) : -ENOMEM;

	if (r) {
		free(f);
		return r;
	}
	f->files[DATED] = (struct watched){ .path = auth_secret_file, .read = read_dated };
	f->files[FIXED] = (struct watched){ .path = turnserver_conf, .read = read_fixed };
	for (size_t i = 0; i < FILES_N && !r; i++)
		if (f->files[i].path)
			r = read_file(f, &f->files[i], now_s);
	if (r) {
		secret_files_free(f);
		return r;
	}
	*out = f;
	return 0;
}

void secret_files_free(struct secret_files *f)
{
	if (!f)
		return;
	signing_free(f->signing);
	secret_set_free(f->set);
	free(f);
}

void secret_files_read(struct secret_files *f, int64_t now_s)
{
	for (size_t i = 0; i < FILES_N; i++)
		if (f->files[i].path)
			read_file(f, &f->files[i], now_s);
}

void secret_files_read_if_changed(struct secret_files *f, int64_t now_s)
{
	for (size_t i = 0; i < FILES_N; i++) {
		struct watched *w = &f->files[i];
		struct secret_stamp now;

		if (!w->path)
			continue;
		secret_stamp_take(&now, w->path);
		if (!secret_stamp_equal(&now, &w->seen))
			read_file(f, w, now_s);
	}
}

void secret_files_rotated(struct secret_files *f, const struct secret_rotation *r, int64_t now_s)
{
	struct watched *w = &f->files[DATED];

	log_info(LOG, "%s: %s signs from %lld on, %zu others authenticate until %lld", w->path,
		 r->id, (long long)r->not_before_s, r->ended, (long long)r->not_after_s);
	read_file(f, w, now_s);
}

static void tell(enum signing_reason why, const char *id)
{
	switch (why) {
	case SIGNING_FILE: log_info(LOG, "%s signs credentials", id); break;
	case SIGNING_STATIC:
		log_info(LOG, "turnserver's static-auth-secret signs credentials");
		break;
	case SIGNING_WAITS:
		log_warn(LOG,
			 "clients get no TURN credentials: turnserver has announced none of the "
			 "active secrets; does it read the same auth-secret-file?");
		break;
	case SIGNING_NOTHING:
		log_warn(LOG, "clients get no TURN credentials: no secret is active");
		break;
	}
}

void secret_files_tell(struct secret_files *f, int64_t now_s)
{
	enum signing_reason why;
	const struct secret *s = signing_secret(f->signing, now_s, &why);
	const char *id = s ? s->id : "";

	if (f->told && f->told_reason == why && strcmp(f->told_id, id) == 0)
		return;
	tell(why, id);
	f->told = true;
	f->told_reason = why;
	strcpy(f->told_id, id);
}

struct signing *secret_files_signing(const struct secret_files *f)
{
	return f->signing;
}
