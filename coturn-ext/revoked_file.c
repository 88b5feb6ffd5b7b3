/* revoked_file.c - see revoked_file.h */
#include "revoked_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_lines.h"
#include "json_text.h"
#include "log.h"
#include "own_file.h"
#include "record_line.h"

#define LINE_MAX_BYTES 256 /* a good line is less than half as long */
#define JSON_LEVELS 4	   /* more than we write: a newer one may */
#define REPORTS_MAX 10	   /* broken lines that are logged one by one */

struct rewrite {
	int fd;
	uint64_t old_end; /* of the old file when it began */
	uint64_t bytes, lines;
	struct file_lines in;
};

struct revoked_file {
	int fd;
	char *path, *new_path;
	uint64_t bytes, lines;
	struct rewrite *rewrite; /* NULL: none goes on */
};

static const char *const kinds[] = { [REVOKED_USER] = "user", [REVOKED_CALL] = "call" };

/* --- a line --------------------------------------------------------------------- */

bool revoked_id_valid(enum revocation_kind kind, const char *id)
{
	size_t n = strlen(id);

	return kind == REVOKED_USER ? turn_name_user_valid(id, n) : turn_call_id_valid(id, n);
}

int revoked_line_parse(const char *line, size_t n, struct revoked_line *out)
{
	struct json_slice object, v;
	bool call;

	if (record_line_parse(line, n, &object.p, &object.n) < 0 ||
	    json_check(object.p, object.n, JSON_LEVELS) < 0)
		return -EINVAL;
	call = json_member(object, kinds[REVOKED_CALL], &v);
	out->kind = call ? REVOKED_CALL : REVOKED_USER;
	if (!call && !json_member(object, kinds[REVOKED_USER], &v))
		return -EINVAL;
	if (json_string(v, out->id, sizeof(out->id)) < 0 || !revoked_id_valid(out->kind, out->id))
		return -EINVAL;
	if (!json_member(object, "until", &v) || json_u64(v, &out->until_s) < 0 ||
	    out->until_s > INT64_MAX)
		return -EINVAL;
	return 0;
}

static size_t line_write(char out[LINE_MAX_BYTES], const struct revoked_line *line)
{
	char text[LINE_MAX_BYTES - RECORD_LINE_EXTRA];
	int n = snprintf(text, sizeof(text), "{\"%s\":\"%s\",\"until\":%" PRIu64 "}",
			 kinds[line->kind], line->id, line->until_s);

	return (size_t)record_line_write(out, LINE_MAX_BYTES, text, (size_t)n);
}

/* --- reading ---------------------------------------------------------------------- */

static void report(const char *path, uint64_t line, uint64_t broken)
{
	if (broken <= REPORTS_MAX)
		log_warn("revoked", "%s:%" PRIu64 ": a broken line, skipped", path, line);
}

static int read_all(struct revoked_file *f, struct file_lines *l, revoked_line_fn fn, void *arg,
		    uint64_t *broken)
{
	struct revoked_line parsed;
	const char *line;
	size_t n;
	int r;

	*broken = 0;
	while ((r = file_lines_next(l, &line, &n)) > 0) {
		f->lines++;
		if (revoked_line_parse(line, n, &parsed) == 0)
			fn(arg, &parsed);
		else
			report(f->path, f->lines, ++*broken);
	}
	if (*broken > REPORTS_MAX)
		log_warn("revoked", "%s: %" PRIu64 " broken lines in all", f->path, *broken);
	f->bytes = l->offset;
	return r;
}

/* A last line without its end is one whose writer was killed: it goes, or the
 * next line would stick to it. */
static int cut_tail(struct revoked_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size == f->bytes)
		return 0;
	log_warn("revoked", "%s:%" PRIu64 ": a line without its end, dropped", f->path,
		 f->lines + 1);
	return ftruncate(f->fd, (off_t)f->bytes) < 0 ? -errno : 0;
}

/* --- opening ------------------------------------------------------------------------ */

/* Only lines that ours can be are worth reading. */
static int check_size(const struct revoked_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size > REVOCATIONS_FILE_MAX ? -EFBIG : 0;
}

static int load(struct revoked_file *f, revoked_line_fn fn, void *arg, uint64_t *broken)
{
	struct file_lines *l = malloc(sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	file_lines_init(l, f->fd);
	r = read_all(f, l, fn, arg, broken);
	free(l);
	return r < 0 ? r : cut_tail(f);
}

int revoked_file_open(struct revoked_file **out, const char *path, revoked_line_fn fn, void *arg,
		      uint64_t *broken)
{
	struct revoked_file *f = calloc(1, sizeof(*f));
	int r = -ENOMEM;

	if (!f)
		return -ENOMEM;
	f->fd = -1;
	f->path = strdup(path);
	if (!f->path || asprintf(&f->new_path, "%s.new", path) < 0) {
		f->new_path = NULL;
		goto fail;
	}
	r = f->fd = own_file_open(path, O_APPEND);
	if (r >= 0)
		r = check_size(f);
	if (r == 0)
		r = load(f, fn, arg, broken);
	if (r < 0)
		goto fail;
	*out = f;
	return 0;
fail:
	revoked_file_free(f);
	return r;
}

static void give_up(struct revoked_file *f)
{
	if (!f->rewrite)
		return;
	unlink(f->new_path);
	close(f->rewrite->fd);
	free(f->rewrite);
	f->rewrite = NULL;
}

void revoked_file_free(struct revoked_file *f)
{
	if (!f)
		return;
	give_up(f);
	if (f->fd >= 0)
		close(f->fd);
	free(f->new_path);
	free(f->path);
	free(f);
}

/* --- writing -------------------------------------------------------------------------- */

/* All of it, or the file as it was. */
static int write_whole(int fd, uint64_t size, const char *p, size_t n)
{
	ssize_t put;
	int r;

	do
		put = write(fd, p, n);
	while (put < 0 && errno == EINTR);
	if (put == (ssize_t)n)
		return 0;
	r = put < 0 ? -errno : -ENOSPC;
	if (put > 0 && ftruncate(fd, (off_t)size) < 0)
		log_error("revoked", "a line cut short could not be taken back");
	return r;
}

int revoked_file_append(struct revoked_file *f, const struct revoked_line *line)
{
	char text[LINE_MAX_BYTES];
	size_t n = line_write(text, line);
	int r;

	if (f->bytes + n > REVOCATIONS_FILE_MAX)
		return -EFBIG;
	r = write_whole(f->fd, f->bytes, text, n);
	if (r < 0)
		return r;
	f->bytes += n;
	f->lines++;
	return 0;
}

int revoked_file_rewrite(struct revoked_file *f)
{
	struct rewrite *w;
	int fd;

	if (f->rewrite)
		return -EALREADY;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	unlink(f->new_path); /* one that a killed process left */
	fd = own_file_open(f->new_path, O_APPEND);
	if (fd < 0) {
		free(w);
		return fd;
	}
	w->fd = fd;
	w->old_end = f->bytes;
	file_lines_init(&w->in, f->fd);
	f->rewrite = w;
	return 0;
}

bool revoked_file_rewriting(const struct revoked_file *f)
{
	return f->rewrite != NULL;
}

/* A revocation that was copied may since have been taken back by a line
 * behind the old end: those lines are kept. Before it, nothing they speak of
 * was copied. */
static bool wanted(const struct rewrite *w, const struct revoked_line *line, uint64_t offset,
		   revoked_keep_fn keep, void *arg)
{
	return line->until_s == 0 ? offset >= w->old_end : keep(arg, line);
}

static int copy(struct rewrite *w, const char *line, size_t n)
{
	char text[LINE_MAX_BYTES + 1];
	int r;

	memcpy(text, line, n);
	text[n] = '\n';
	r = write_whole(w->fd, w->bytes, text, n + 1);
	if (r < 0)
		return r;
	w->bytes += n + 1;
	w->lines++;
	return 0;
}

static int take_place(struct revoked_file *f)
{
	struct rewrite *w = f->rewrite;

	if (rename(f->new_path, f->path) < 0)
		return -errno;
	close(f->fd);
	f->fd = w->fd;
	f->bytes = w->bytes;
	f->lines = w->lines;
	free(w);
	f->rewrite = NULL;
	return 0;
}

/* Returns 1 (a line was dealt with), 0 (no more), -errno. */
static int copy_next(struct rewrite *w, revoked_keep_fn keep, void *arg)
{
	uint64_t offset = w->in.offset;
	struct revoked_line parsed;
	const char *line;
	size_t n;
	int r = file_lines_next(&w->in, &line, &n);

	if (r <= 0)
		return r;
	if (n >= LINE_MAX_BYTES || revoked_line_parse(line, n, &parsed) < 0 ||
	    !wanted(w, &parsed, offset, keep, arg))
		return 1;
	r = copy(w, line, n);
	return r < 0 ? r : 1;
}

int revoked_file_step(struct revoked_file *f, size_t lines, revoked_keep_fn keep, void *arg)
{
	int r = 1;

	if (!f->rewrite)
		return 0;
	while (lines-- > 0 && r > 0)
		r = copy_next(f->rewrite, keep, arg);
	if (r == 0)
		r = take_place(f);
	if (r < 0)
		give_up(f);
	return r;
}

uint64_t revoked_file_lines(const struct revoked_file *f)
{
	return f->lines;
}

uint64_t revoked_file_bytes(const struct revoked_file *f)
{
	return f->bytes;
}
