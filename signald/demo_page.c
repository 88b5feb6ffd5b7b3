/* demo_page.c - a few static files from memory, and a list of names */
#include "demo_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "log.h"
#include "table.h"
#include "transport/http_server.h"
#include "transport/static_files.h"
#include "turn_credential.h"

#define ROOM "demo"
#define NAME_MAX_BYTES 64

/* No inline script or style. ws: and wss: because older browsers do not count a WebSocket to where
 * the page came from as 'self'. */
static const char policy[] = "default-src 'self'; connect-src 'self' ws: wss:; "
			     "img-src 'self' data:; media-src 'self' blob:; style-src 'self'; "
			     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* Files from elsewhere: npm's unmodified Socket.IO client. */
static const struct {
	const char *name, *path;
} borrowed[] = {
	{ "socket.io.min.js", "node_modules/socket.io-client/dist/socket.io.min.js" },
};

struct user {
	char id[TURN_USER_ID_MAX + 1]; /* key */
	char name[NAME_MAX_BYTES + 1];
	UT_hash_handle hh;
};

struct demo_page {
	struct sio_server *srv;
	struct static_files *files;
	struct user *users;
	bool changed; /* since all were told */
	struct demo_counters counters;
};

static int read_files(struct demo_page *d, const char *dir)
{
	int r = static_files_new(&d->files, policy);

	if (!r)
		r = static_files_add_folder(d->files, dir);
	if (r)
		log_error("demo", "demo-dir %s: %s", dir, strerror(-r));
	for (size_t i = 0; !r && i < sizeof(borrowed) / sizeof(borrowed[0]); i++) {
		r = static_files_add(d->files, dir, borrowed[i].name, borrowed[i].path);
		if (r)
			log_error("demo", "%s/%s: %s (run 'npm ci' there)", dir, borrowed[i].path,
				  strerror(-r));
	}
	return r;
}

int demo_page_new(struct demo_page **out, const char *dir, struct sio_server *srv)
{
	struct demo_page *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->srv = srv;
	r = read_files(d, dir);
	if (r) {
		demo_page_free(d);
		return r;
	}
	*out = d;
	return 0;
}

void demo_page_free(struct demo_page *d)
{
	struct user *u, *next;

	if (!d)
		return;
	HASH_ITER (hh, d->users, u, next) {
		HASH_DEL(d->users, u);
		free(u);
	}
	static_files_free(d->files);
	free(d);
}

void demo_page_redirect(struct http_request *r, void *ctx)
{
	(void)ctx;
	http_reply_bytes(r, 302, "text/plain", "", 0);
	http_reply_header(r, "Location", "/demo/");
}

void demo_page_get(struct http_request *r, void *ctx)
{
	const struct demo_page *d = ctx;

	static_files_get(r, d->files);
}

/* Who is there, as the arguments of demo:online; the caller frees it with json_out_free(). */
static void write_online(const struct demo_page *d, struct json_out *o)
{
	struct user *u, *next;

	json_out_heap(o, DEMO_USERS_MAX * 1024);
	json_out_open(o, '{');
	json_out_key(o, "users");
	json_out_open(o, '[');
	HASH_ITER (hh, d->users, u, next) {
		json_out_open(o, '{');
		json_put_string(o, "userId", u->id);
		json_put_string(o, "name", u->name);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
	json_out_close(o, '}');
}

static void tell_one(const struct demo_page *d, struct sio_socket *s)
{
	struct json_out o;

	write_online(d, &o);
	if (!o.failed)
		sio_emit(s, "demo:online", o.p, o.n);
	json_out_free(&o);
}

/* One hello makes a message to everybody, so they are gathered. */
void demo_page_tick(struct demo_page *d)
{
	struct json_out o;

	if (!d->changed)
		return;
	d->changed = false;
	write_online(d, &o);
	if (!o.failed)
		sio_room_emit(d->srv, "/", ROOM, "demo:online", o.p, o.n);
	json_out_free(&o);
}

/* Returns NULL when there are too many. */
static struct user *get_user(struct demo_page *d, const char *id)
{
	struct user *u;

	HASH_FIND_STR(d->users, id, u);
	if (u)
		return u;
	u = HASH_COUNT(d->users) < DEMO_USERS_MAX ? calloc(1, sizeof(*u)) : NULL;
	if (!u)
		goto refuse;
	snprintf(u->id, sizeof(u->id), "%s", id);
	HASH_ADD_STR(d->users, id, u);
	if (u->hh.tbl)
		return u;
	free(u);
refuse:
	d->counters.users_refused++;
	return NULL;
}

void demo_page_hello(struct demo_page *d, struct sio_socket *s, const char *user,
		     const struct sio_args *args)
{
	struct user *u = get_user(d, user);
	char name[NAME_MAX_BYTES + 1];
	struct json_slice v;

	if (!args->n || !json_member(args->v[0], "name", &v) ||
	    json_string(v, name, sizeof(name)) <= 0)
		snprintf(name, sizeof(name), "%s", user);
	sio_join(s, ROOM);
	if (!u || !strcmp(u->name, name)) {
		tell_one(d, s);
		return;
	}
	strcpy(u->name, name);
	d->changed = true;
}

void demo_page_offline(struct demo_page *d, const char *user)
{
	struct user *u;

	HASH_FIND_STR(d->users, user, u);
	if (!u)
		return;
	HASH_DEL(d->users, u);
	free(u);
	d->changed = true;
}

const struct demo_counters *demo_page_counters(const struct demo_page *d)
{
	return &d->counters;
}
