/* journal_reader.c - fill a buffer, cut lines off it */
#include "journal_reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void journal_reader_init(struct journal_reader *r, int fd, uint64_t limit)
{
	memset(r, 0, offsetof(struct journal_reader, buf));
	r->fd = fd;
	r->limit = limit;
	r->line = 1;
}

/* Have a whole line in the buffer, or JOURNAL_LINE_MAX bytes, or the rest. Returns 0, -errno. */
static int fill(struct journal_reader *r)
{
	if (r->n - r->at >= JOURNAL_LINE_MAX || memchr(r->buf + r->at, '\n', r->n - r->at))
		return 0;
	memmove(r->buf, r->buf + r->at, r->n - r->at);
	r->n -= r->at;
	r->at = 0;
	while (r->n < sizeof(r->buf) && r->next < r->limit) {
		uint64_t left = r->limit - r->next;
		size_t room = sizeof(r->buf) - r->n;
		ssize_t n = pread(r->fd, r->buf + r->n, room < left ? room : left, (off_t)r->next);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			r->limit = r->next;
		r->n += (size_t)n;
		r->next += (uint64_t)n;
	}
	return 0;
}

/* Give out n bytes; they end the line unless more of it follows. */
static void cut(struct journal_reader *r, struct journal_item *out, size_t n, bool more)
{
	out->p = r->buf + r->at;
	out->n = n;
	out->at = r->line_at;
	out->line = r->line;
	out->more = more;
	r->at += n;
	r->inside = more;
	if (!more) {
		r->line_at = r->next - (r->n - r->at);
		r->line++;
	}
}

int journal_reader_next(struct journal_reader *r, struct journal_item *out)
{
	const char *end;
	bool inside = r->inside;
	int ret = fill(r);
	size_t n = r->n - r->at;

	if (ret)
		return ret;
	if (!n && !inside)
		return JOURNAL_FOUND_END;
	end = memchr(r->buf + r->at, '\n', n);
	if (end && (size_t)(end + 1 - (r->buf + r->at)) <= JOURNAL_LINE_MAX) {
		n = (size_t)(end + 1 - (r->buf + r->at));
		cut(r, out, n, false);
		if (inside || journal_line_parse(out->p, n - 1, &out->record))
			return JOURNAL_FOUND_DAMAGED;
		return JOURNAL_FOUND_RECORD;
	}
	if (n >= JOURNAL_LINE_MAX) {
		cut(r, out, JOURNAL_LINE_MAX, true);
		return JOURNAL_FOUND_DAMAGED;
	}
	cut(r, out, n, false); /* at the end of the file, and of a long line perhaps nothing more */
	return JOURNAL_FOUND_TORN;
}
