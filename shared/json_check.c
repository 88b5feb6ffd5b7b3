/* json_check.c - the only judge of what is JSON: RFC 8259, in valid UTF-8
 *
 * No recursion: what is open is one bit a level. */
#include "json_priv.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* What the grammar allows next. */
enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after '[' */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* after '{' */
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING,
};

struct checker {
	const char *p, *end;
	unsigned depth;
	struct json_limits limits;	       /* nodes: how many may follow */
	struct json_items *items;	       /* NULL: not wanted */
	uint64_t objects[JSON_DEPTH_MAX / 64]; /* one bit a level: object or array */
};

static bool in_object(const struct checker *c)
{
	unsigned level = c->depth - 1;

	return c->objects[level / 64] >> (level % 64) & 1;
}

/* c->p at the opening quote. */
static int check_string(struct checker *c)
{
	const char *p = c->p + 1;

	for (;;) {
		if (p < c->end && *p != '\\') /* escapes often come in pairs */
			p = json_skip_plain_ascii(p, c->end);
		if (p == c->end)
			return -EINVAL;
		if (*p & 0x80) {
			size_t n = json_utf8_length(p, c->end);

			if (!n)
				return -EILSEQ;
			p += n;
		} else if (*p == '\\') {
			long ch = json_read_escape(&p, c->end);

			if (ch < 0)
				return (int)ch;
		} else {
			break;
		}
	}
	c->p = p + 1;
	return *p == '"' ? 0 : -EINVAL;
}

static int check_number(struct checker *c)
{
	c->p = json_number_end(c->p, c->end);
	return c->p ? 0 : -EINVAL;
}

static int check_word(struct checker *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return -EINVAL;
	c->p += n;
	return 0;
}

static int check_open(struct checker *c, bool object)
{
	uint64_t bit = 1ULL << (c->depth % 64), *word;

	if (c->depth >= c->limits.depth)
		return -E2BIG;
	word = &c->objects[c->depth / 64];
	*word = object ? *word | bit : *word & ~bit;
	c->depth++;
	c->p++;
	return object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
}

/* The outermost bracket is open, and a value in it begins or has ended at c->p. */
static void item_begins(struct checker *c)
{
	struct json_items *items = c->items;

	if (items && items->n++ < items->max)
		items->v[items->n - 1].p = c->p;
}

static void item_ended(struct checker *c)
{
	struct json_items *items = c->items;

	if (items && items->n <= items->max)
		items->v[items->n - 1].n = (size_t)(c->p - items->v[items->n - 1].p);
}

static int after_value(struct checker *c)
{
	if (c->depth == 1)
		item_ended(c);
	return c->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

/* Each check_* below returns what to expect next, or -errno. */
static int check_value(struct checker *c)
{
	int r;

	if (!c->limits.nodes--)
		return -E2BIG;
	if (c->depth == 1)
		item_begins(c);
	switch (*c->p) {
	case '{': return check_open(c, true);
	case '[': return check_open(c, false);
	case '"': r = check_string(c); break;
	case 't': r = check_word(c, "true"); break;
	case 'f': r = check_word(c, "false"); break;
	case 'n': r = check_word(c, "null"); break;
	default: r = check_number(c); break;
	}
	return r < 0 ? r : after_value(c);
}

static int check_key(struct checker *c)
{
	int r;

	if (*c->p != '"')
		return -EINVAL;
	r = check_string(c);
	if (r < 0)
		return r;
	c->p = json_skip_space(c->p, c->end);
	if (c->p == c->end || *c->p != ':')
		return -EINVAL;
	c->p++;
	return EXPECT_VALUE;
}

static int check_close(struct checker *c)
{
	c->p++;
	c->depth--;
	return after_value(c);
}

static int check_comma(struct checker *c)
{
	if (*c->p != ',')
		return -EINVAL;
	c->p++;
	return in_object(c) ? EXPECT_KEY : EXPECT_VALUE;
}

/* c->p at a byte that is no space. */
static int check_step(struct checker *c, enum expect expect)
{
	bool may_end = expect == EXPECT_VALUE_OR_END || expect == EXPECT_KEY_OR_END ||
		       expect == EXPECT_COMMA_OR_END;

	if (may_end && *c->p == (in_object(c) ? '}' : ']'))
		return check_close(c);
	switch (expect) {
	case EXPECT_VALUE:
	case EXPECT_VALUE_OR_END: return check_value(c);
	case EXPECT_KEY:
	case EXPECT_KEY_OR_END: return check_key(c);
	case EXPECT_COMMA_OR_END: return check_comma(c);
	case EXPECT_NOTHING: break;
	}
	return -EINVAL;
}

int json_check_items(const char *text, size_t n, const struct json_limits *limits,
		     struct json_items *items)
{
	struct checker c = { .p = text, .limits = *limits, .items = items };
	int expect = EXPECT_VALUE;

	if (items)
		items->n = 0;
	if (!n)
		return -EINVAL;
	c.end = text + n;
	if (c.limits.depth > JSON_DEPTH_MAX)
		c.limits.depth = JSON_DEPTH_MAX;
	for (;;) {
		c.p = json_skip_space(c.p, c.end);
		if (c.p == c.end)
			return expect == EXPECT_NOTHING ? 0 : -EINVAL;
		expect = check_step(&c, (enum expect)expect);
		if (expect < 0)
			return expect;
	}
}

int json_check(const char *text, size_t n, unsigned max_depth)
{
	return json_check_items(text, n, &(struct json_limits){ max_depth, UINT_MAX }, NULL);
}
