/* json_show.c - see json_show.h */
#include "json_show.h"

#include <string.h>

#include "visible.h"

/* A member's name as it stands, quotes included. */
static bool of_the_socket(struct json_slice key)
{
	static const char *const names[] = { "\"e\"", "\"id\"", "\"ok\"" };

	for (size_t i = 0; i < 3; i++)
		if (strlen(names[i]) == key.n && memcmp(names[i], key.p, key.n) == 0)
			return true;
	return false;
}

static void put_members(FILE *out, struct json_slice object)
{
	struct json_iter it = json_iter(object);
	struct json_slice key, value;
	bool comma = false;

	fputc('{', out);
	while (json_next(&it, &key, &value)) {
		if (of_the_socket(key))
			continue;
		if (comma)
			fputc(',', out);
		visible_put_json(out, key.p, key.n);
		fputc(':', out);
		visible_put_json(out, value.p, value.n);
		comma = true;
	}
	fputc('}', out);
}

void json_show(FILE *out, struct json_slice object)
{
	put_members(out, object);
	fputc('\n', out);
}

void json_list_begin(struct json_list *l, FILE *out)
{
	*l = (struct json_list){ .out = out };
	fputc('[', out);
}

void json_list_add(struct json_list *l, struct json_slice object)
{
	fputs(l->n++ ? ",\n" : "\n", l->out);
	put_members(l->out, object);
}

void json_list_end(struct json_list *l)
{
	fputs(l->n ? "\n]\n" : "]\n", l->out);
}
