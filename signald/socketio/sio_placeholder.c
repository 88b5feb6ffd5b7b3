/* sio_placeholder.c - where JSON stands for bytes: {"_placeholder":true,"num":k} */
#include "socketio/sio_placeholder.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* An open bracket of the walk. */
struct level {
	const char *start;
	size_t found; /* placeholders before it */
	size_t num;
	bool object;
	bool named; /* a member's name was read, its value follows */
	bool is_mark, is_num;
	bool marked, fits; /* "_placeholder":true, "num": one that is there */
};

struct walk {
	struct level levels[JSON_DEPTH_MAX + 1], *l;
	size_t attachments;
	struct sio_placeholder *out;
	size_t n, max;
};

static void read_name(struct level *l, struct json_slice name)
{
	char text[16];

	l->named = true;
	if (json_string(name, text, sizeof(text)) < 0)
		text[0] = '\0';
	l->is_mark = strcmp(text, "_placeholder") == 0;
	l->is_num = strcmp(text, "num") == 0;
}

/* The last of several equal names wins, as in JavaScript. */
static void read_value(struct walk *w, struct json_slice v, bool scalar)
{
	struct level *l = w->l;
	uint64_t k = 0;

	if (l->named && l->is_mark)
		l->marked = scalar && json_is_true(v);
	if (l->named && l->is_num) {
		l->fits = scalar && json_u64(v, &k) == 0 && k < w->attachments;
		l->num = (size_t)k;
	}
	l->named = false;
}

static int open_bracket(struct walk *w, const char *at)
{
	if (w->l == w->levels + JSON_DEPTH_MAX)
		return -EINVAL;
	*++w->l = (struct level){ .start = at, .found = w->n, .object = *at == '{' };
	return 0;
}

/* A placeholder takes the place of all that is in it, other placeholders included. */
static int close_bracket(struct walk *w, const char *end)
{
	struct level *l = w->l;

	if (l == w->levels)
		return -EINVAL;
	w->l--;
	if (!l->marked)
		return 0;
	if (!l->fits)
		return -EINVAL;
	w->n = l->found;
	if (w->n == w->max)
		return -ENOSPC;
	w->out[w->n++] = (struct sio_placeholder){ { l->start, (size_t)(end - l->start) }, l->num };
	return 0;
}

static int take_token(struct walk *w, char c, struct json_slice t)
{
	if (c == '}' || c == ']')
		return close_bracket(w, t.p + 1);
	if (w->l->object && !w->l->named) {
		read_name(w->l, t);
		return 0;
	}
	read_value(w, t, c == '"' || c == '0');
	return c == '{' || c == '[' ? open_bracket(w, t.p) : 0;
}

int sio_placeholders(struct json_slice v, size_t n, struct sio_placeholder *out, size_t max)
{
	struct walk w; /* large, and each level is set when it is opened */
	const char *p = v.p, *end;
	struct json_slice t;
	char c;
	int rc;

	if (!v.n)
		return 0;
	end = p + v.n;
	w.l = w.levels;
	*w.l = (struct level){ .object = false };
	w.attachments = n;
	w.out = out;
	w.n = 0;
	w.max = max;
	while ((c = json_token(&p, end, &t))) {
		rc = take_token(&w, c, t);
		if (rc)
			return rc;
	}
	return (int)w.n;
}
