/* call_wait.c - a line of copied events for each socket that waits */
#include "call_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "table.h"

/* One event in one piece of memory: this, its slices, then the texts. */
struct waiting {
	struct call_waiting event;
	size_t bytes; /* of the whole piece */
	struct waiting *next, *prev;
	struct json_slice args[];
};

struct line {
	struct call_socket *s;
	struct waiting *events;
	size_t events_n, bytes;
	bool due;
	struct line *prev, *next; /* due */
	UT_hash_handle hh;
};

struct call_wait {
	struct call_wait_limits limits;
	struct line *lines;
	struct line *due;
	size_t bytes;
};

int call_wait_new(struct call_wait **out, const struct call_wait_limits *limits)
{
	struct call_wait *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->limits = *limits;
	*out = w;
	return 0;
}

static struct line *find(const struct call_wait *w, const struct call_socket *s)
{
	struct line *l;

	HASH_FIND_PTR(w->lines, &s, l);
	return l;
}

static void drop_event(struct call_wait *w, struct line *l, struct waiting *e)
{
	DL_DELETE(l->events, e);
	l->events_n--;
	l->bytes -= e->bytes;
	w->bytes -= e->bytes;
	explicit_bzero(e, e->bytes);
	free(e);
}

static void forget_due(struct call_wait *w, struct line *l)
{
	if (l->due)
		DL_DELETE(w->due, l);
	l->due = false;
}

static void drop_line(struct call_wait *w, struct line *l)
{
	while (l->events)
		drop_event(w, l, l->events);
	forget_due(w, l);
	HASH_DEL(w->lines, l);
	free(l);
}

void call_wait_free(struct call_wait *w)
{
	if (!w)
		return;
	while (w->lines)
		drop_line(w, w->lines);
	free(w);
}

static struct line *get_line(struct call_wait *w, struct call_socket *s)
{
	struct line *l = find(w, s);

	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->s = s;
	HASH_ADD_PTR(w->lines, s, l);
	if (!l->hh.tbl) {
		free(l);
		return NULL;
	}
	return l;
}

static size_t size_of(const char *event, const struct json_slice *args, size_t args_n)
{
	size_t n = sizeof(struct waiting) + args_n * sizeof(args[0]) + strlen(event) + 1;

	for (size_t i = 0; i < args_n; i++)
		n += args[i].n;
	return n;
}

static struct waiting *copy_event(size_t bytes, const char *event, const struct json_slice *args,
				  size_t args_n, int64_t ack)
{
	struct waiting *e = malloc(bytes);
	char *text;

	if (!e)
		return NULL;
	text = (char *)&e->args[args_n];
	e->bytes = bytes;
	for (size_t i = 0; i < args_n; i++) {
		e->args[i] = (struct json_slice){ text, args[i].n };
		memcpy(text, args[i].p, args[i].n);
		text += args[i].n;
	}
	strcpy(text, event);
	e->event = (struct call_waiting){ text, e->args, args_n, ack };
	return e;
}

static int admit(const struct call_wait *w, const struct line *l, size_t bytes)
{
	const size_t events_n = l ? l->events_n : 0, line_bytes = l ? l->bytes : 0;

	if (events_n >= w->limits.events_max || bytes > w->limits.bytes_max - line_bytes)
		return -ENOSPC;
	return bytes > w->limits.total_bytes_max - w->bytes ? -ENOBUFS : 0;
}

int call_wait_push(struct call_wait *w, struct call_socket *s, const char *event,
		   const struct json_slice *args, size_t args_n, int64_t ack)
{
	const size_t bytes = size_of(event, args, args_n);
	struct waiting *e;
	struct line *l;
	int r = admit(w, find(w, s), bytes);

	if (r)
		return r;
	e = copy_event(bytes, event, args, args_n, ack);
	l = e ? get_line(w, s) : NULL;
	if (!l) {
		free(e);
		return -ENOMEM;
	}
	DL_APPEND(l->events, e);
	l->events_n++;
	l->bytes += bytes;
	w->bytes += bytes;
	return 0;
}

const struct call_waiting *call_wait_head(const struct call_wait *w, const struct call_socket *s)
{
	const struct line *l = find(w, s);

	return l ? &l->events->event : NULL;
}

void call_wait_pop(struct call_wait *w, const struct call_socket *s)
{
	struct line *l = find(w, s);

	if (!l)
		return;
	drop_event(w, l, l->events);
	if (!l->events)
		drop_line(w, l);
}

void call_wait_drop(struct call_wait *w, const struct call_socket *s)
{
	struct line *l = find(w, s);

	if (l)
		drop_line(w, l);
}

void call_wait_set_due(struct call_wait *w, struct call_socket *s)
{
	struct line *l = find(w, s);

	if (!l || l->due)
		return;
	l->due = true;
	DL_APPEND(w->due, l);
}

struct call_socket *call_wait_take_due(struct call_wait *w)
{
	struct line *l = w->due;

	if (!l)
		return NULL;
	forget_due(w, l);
	return l->s;
}

size_t call_wait_lines(const struct call_wait *w)
{
	return HASH_COUNT(w->lines);
}

size_t call_wait_bytes(const struct call_wait *w)
{
	return w->bytes;
}
