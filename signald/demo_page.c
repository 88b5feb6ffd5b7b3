/* demo_page.c - a few static files from memory, and a list of names */
#include "demo_page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_text.h"
#include "log.h"
#include "table.h"
#include "transport/http_server.h"
#include "turn_credential.h"

#define ROOM "demo"
#define NAME_MAX_BYTES 64

/* No inline script or style. ws: and wss: because older browsers do not count a WebSocket to where
 * the page came from as 'self'. */
static const char policy[] = "default-src 'self'; connect-src 'self' ws: wss:; "
			     "img-src 'self' data:; media-src 'self' blob:; style-src 'self'; "
			     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* Only what a page is made of is served; package.json and the like are not. */
static const struct {
	const char *suffix, *content_type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
};

/* Files from elsewhere: npm's unmodified Socket.IO client. */
static const struct {
	const char *name, *path;
} borrowed[] = {
	{ "socket.io.min.js", "node_modules/socket.io-client/dist/socket.io.min.js" },
};

struct file {
	char name[64];
	const char *content_type;
	char *p;
	size_t n;
};

struct user {
	char id[TURN_USER_ID_MAX + 1]; /* key */
	char name[NAME_MAX_BYTES + 1];
	UT_hash_handle hh;
};

struct demo_page {
	struct sio_server *srv;
	struct file files[DEMO_FILES_MAX];
	size_t files_n;
	struct user *users;
	bool changed; /* since all were told */
	struct demo_counters counters;
};

static const char *content_type(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t s = strlen(types[i].suffix);

		if (n > s && !strcmp(name + n - s, types[i].suffix))
			return types[i].content_type;
	}
	return NULL;
}

static int read_all(int fd, char **out, size_t *n)
{
	struct stat st;
	size_t have = 0;
	ssize_t got = 1;
	char *p;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > DEMO_FILE_BYTES_MAX)
		return -EFBIG;
	p = malloc((size_t)st.st_size + 1);
	if (!p)
		return -ENOMEM;
	while (have < (size_t)st.st_size && got > 0) {
		got = read(fd, p + have, (size_t)st.st_size - have);
		if (got > 0)
			have += (size_t)got;
	}
	if (got < 0) {
		free(p);
		return -EIO;
	}
	*out = p;
	*n = have;
	return 0;
}

static int add_file(struct demo_page *d, int dir, const char *name, const char *path)
{
	struct file *f = &d->files[d->files_n];
	int r, fd;

	if (d->files_n == DEMO_FILES_MAX)
		return -ENFILE;
	if (strlen(name) >= sizeof(f->name))
		return -ENAMETOOLONG;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = read_all(fd, &f->p, &f->n);
	close(fd);
	if (r)
		return r;
	strcpy(f->name, name);
	f->content_type = content_type(name);
	d->files_n++;
	return 0;
}

static int add_folder(struct demo_page *d, int dir)
{
	struct dirent *e;
	DIR *entries = fdopendir(dup(dir));
	int r = 0;

	if (!entries)
		return -errno;
	while (!r && (e = readdir(entries))) {
		if (e->d_name[0] == '.' || !content_type(e->d_name))
			continue;
		r = add_file(d, dir, e->d_name, e->d_name);
		if (r)
			log_error("demo", "%s: %s", e->d_name, strerror(-r));
	}
	closedir(entries);
	return r;
}

int demo_page_new(struct demo_page **out, const char *path, struct sio_server *srv)
{
	struct demo_page *d = calloc(1, sizeof(*d));
	int r = -ENOMEM, dir = -1;

	if (!d)
		goto fail;
	d->srv = srv;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		r = -errno;
		log_error("demo", "demo-dir %s: %s", path, strerror(-r));
		goto fail;
	}
	r = add_folder(d, dir);
	for (size_t i = 0; !r && i < sizeof(borrowed) / sizeof(borrowed[0]); i++) {
		r = add_file(d, dir, borrowed[i].name, borrowed[i].path);
		if (r)
			log_error("demo", "%s/%s: %s (run 'npm ci' there)", path, borrowed[i].path,
				  strerror(-r));
	}
	if (r)
		goto fail;
	close(dir);
	*out = d;
	return 0;
fail:
	if (dir >= 0)
		close(dir);
	demo_page_free(d);
	return r;
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
	for (size_t i = 0; i < d->files_n; i++)
		free(d->files[i].p);
	free(d);
}

void demo_page_redirect(struct http_request *r, void *ctx)
{
	(void)ctx;
	http_reply_bytes(r, 302, "text/plain", "Location", "/demo/", "", 0);
}

void demo_page_get(struct http_request *r, void *ctx)
{
	struct demo_page *d = ctx;
	const char *name = http_segment(r);

	if (!*name)
		name = "index.html";
	for (size_t i = 0; i < d->files_n; i++) {
		const struct file *f = &d->files[i];

		if (!strcmp(f->name, name)) {
			http_reply_bytes(r, 200, f->content_type, "Content-Security-Policy", policy,
					 f->p, f->n);
			return;
		}
	}
	http_reply_not_found(r);
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
		sio_room_emit(d->srv, "/", ROOM, NULL, "demo:online", o.p, o.n);
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
