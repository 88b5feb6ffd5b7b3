/* static_files.c - a few files, served from memory */
#include "transport/static_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "transport/http_text.h"

#define NAME_MAX_BYTES 64
#define ETAG_BYTES 12 /* of the content's SHA-256 */

/* Only what a page is made of is served; package.json and the like are not. */
static const struct {
	const char *suffix, *content_type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".map", "application/json; charset=utf-8" },
};

static const char *const bundle[] = {
	"socket.io.js",
	"socket.io.js.map",
	"socket.io.min.js",
	"socket.io.min.js.map",
	"socket.io.esm.min.js",
	"socket.io.esm.min.js.map",
	"socket.io.msgpack.min.js",
	"socket.io.msgpack.min.js.map",
};

struct file {
	char name[NAME_MAX_BYTES];
	char etag[ETAG_BYTES * 2 + 3]; /* with its quotes */
	const char *content_type;
	char *p;
	size_t n;
};

struct static_files {
	const char *policy;
	struct file files[STATIC_FILES_MAX];
	size_t n;
};

int static_files_new(struct static_files **out, const char *policy)
{
	struct static_files *s = calloc(1, sizeof(*s));

	*out = s;
	if (!s)
		return -ENOMEM;
	s->policy = policy;
	return 0;
}

void static_files_free(struct static_files *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++)
		free(s->files[i].p);
	free(s);
}

/* --- reading --- */

static const char *content_type(const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t s = strlen(types[i].suffix);

		if (n > s && !strcmp(name + n - s, types[i].suffix))
			return types[i].content_type;
	}
	return NULL;
}

/* Returns 0, -errno, -EINVAL, -EFBIG, -ENOMEM. */
static int read_all(int fd, struct file *f)
{
	struct stat st;
	ssize_t got = 1;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > STATIC_FILE_BYTES_MAX)
		return -EFBIG;
	f->p = malloc((size_t)st.st_size + 1);
	if (!f->p)
		return -ENOMEM;
	while (f->n < (size_t)st.st_size && got > 0) {
		got = read(fd, f->p + f->n, (size_t)st.st_size - f->n);
		if (got > 0)
			f->n += (size_t)got;
	}
	return got < 0 ? -errno : 0;
}

static int set_etag(struct file *f)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_n, i;

	if (!EVP_Digest(f->p, f->n, digest, &digest_n, EVP_sha256(), NULL))
		return -EIO;
	f->etag[0] = '"';
	for (i = 0; i < ETAG_BYTES; i++)
		snprintf(f->etag + 1 + 2 * i, 3, "%02x", digest[i]);
	strcat(f->etag, "\"");
	return 0;
}

static int read_file(int dir, const char *name, const char *path, struct file *f)
{
	int fd, r;

	if (strlen(name) >= sizeof(f->name))
		return -ENAMETOOLONG;
	f->content_type = content_type(name);
	if (!f->content_type)
		return -EINVAL;
	strcpy(f->name, name);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is told by fstat() */
	if (fd < 0)
		return -errno;
	r = read_all(fd, f);
	close(fd);
	return r ? r : set_etag(f);
}

static int add(struct static_files *s, int dir, const char *name, const char *path)
{
	struct file f = { 0 };
	int r = s->n < STATIC_FILES_MAX ? read_file(dir, name, path, &f) : -ENFILE;

	if (r) {
		free(f.p);
		if (r != -ENOENT)
			log_error("http", "%s: %s", path, strerror(-r));
		return r;
	}
	s->files[s->n++] = f;
	return 0;
}

/* Returns a descriptor, -errno. */
static int open_folder(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		return dir;
	dir = -errno;
	if (dir != -ENOENT)
		log_error("http", "%s: %s", path, strerror(-dir));
	return dir;
}

int static_files_add(struct static_files *s, const char *dir, const char *name, const char *path)
{
	int fd = open_folder(dir), r;

	if (fd < 0)
		return fd;
	r = add(s, fd, name, path);
	close(fd);
	return r;
}

int static_files_add_folder(struct static_files *s, const char *path)
{
	int dir = open_folder(path), r = 0;
	struct dirent *e;
	DIR *entries;

	if (dir < 0)
		return dir;
	entries = fdopendir(dir);
	if (!entries) {
		close(dir);
		return -ENOMEM;
	}
	while (!r && (e = readdir(entries)))
		if (e->d_name[0] != '.' && content_type(e->d_name))
			r = add(s, dir, e->d_name, e->d_name);
	closedir(entries);
	return r;
}

int static_files_new_bundle(struct static_files **out, const char *dir)
{
	struct static_files *s;
	int r = static_files_new(&s, NULL);
	size_t i;

	*out = NULL;
	for (i = 0; !r && i < sizeof(bundle) / sizeof(bundle[0]); i++) {
		r = static_files_add(s, dir, bundle[i], bundle[i]);
		if (r == -ENOENT)
			r = 0;
	}
	if (!r && !s->n)
		r = -ENOENT;
	if (r) {
		static_files_free(s);
		return r;
	}
	*out = s;
	return 0;
}

/* --- serving --- */

static ssize_t read_block(void *ctx, uint64_t pos, char *buf, size_t size)
{
	const struct file *f = ctx;
	size_t n = f->n - (size_t)pos;

	if (n > size)
		n = size;
	memcpy(buf, f->p + pos, n);
	return (ssize_t)n;
}

static void reply(struct http_request *r, const struct static_files *s, const struct file *f)
{
	const struct http_stream stream = { read_block, NULL, (void *)f };

	if (http_etag_matches(http_header(r, "If-None-Match"), f->etag))
		http_reply_bytes(r, 304, NULL, "", 0);
	else
		http_reply_stream(r, 200, f->content_type, f->n, &stream);
	if (s->policy)
		http_reply_header(r, "Content-Security-Policy", s->policy);
	http_reply_header(r, "ETag", f->etag);
	http_reply_header(r, "Cache-Control", "no-cache"); /* may be kept, but asks first */
}

void static_files_get(struct http_request *r, void *ctx)
{
	const struct static_files *s = ctx;
	const char *name = http_segment(r);
	size_t i;

	if (!*name)
		name = "index.html";
	for (i = 0; i < s->n; i++) {
		if (!strcmp(s->files[i].name, name)) {
			reply(r, s, &s->files[i]);
			return;
		}
	}
	http_reply_not_found(r);
}

const struct http_route static_files_bundle_routes[] = {
	{ HTTP_GET, "/socket.io/*", static_files_get },
};
const size_t static_files_bundle_routes_n =
	sizeof(static_files_bundle_routes) / sizeof(static_files_bundle_routes[0]);
