/* file_lines.c - see file_lines.h */
#include "file_lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void file_lines_init(struct file_lines *l, int fd)
{
	l->fd = fd;
	l->offset = 0;
	l->pos = l->n = 0;
}

/* Returns 1, 0 (at the end), -errno. */
static int refill(struct file_lines *l)
{
	ssize_t got;

	memmove(l->buf, l->buf + l->pos, l->n - l->pos);
	l->n -= l->pos;
	l->pos = 0;
	do
		got = pread(l->fd, l->buf + l->n, sizeof(l->buf) - l->n, (off_t)(l->offset + l->n));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	l->n += (size_t)got;
	return got > 0;
}

static void hand_out(struct file_lines *l, size_t n, size_t end, const char **line, size_t *line_n)
{
	*line = l->buf + l->pos;
	*line_n = n;
	l->pos += n + end;
	l->offset += n + end;
}

int file_lines_next(struct file_lines *l, const char **line, size_t *n)
{
	const char *lf;
	int r;

	while (!(lf = memchr(l->buf + l->pos, '\n', l->n - l->pos))) {
		if (l->n - l->pos == sizeof(l->buf)) {
			hand_out(l, sizeof(l->buf), 0, line, n);
			return 1;
		}
		r = refill(l);
		if (r <= 0)
			return r;
	}
	hand_out(l, (size_t)(lf - l->buf) - l->pos, 1, line, n);
	return 1;
}
