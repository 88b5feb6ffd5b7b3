/* fuzz_control_answer.c - what signalctl reads of a line is bounded, and what it shows of one is
 * the same JSON, without anything that a terminal would obey */
#include "answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json_show.h"
#include "line_fields.h"
#include "visible.h"

#define ENDS(text) MUST(memchr(text, '\0', sizeof(text)))

static void must_be_plain(const char *text, size_t n)
{
	MUST(json_utf8_span(text, n) == n);
	for (size_t i = 0; i < n; i++)
		MUST((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static void show_text(const char *data, size_t n)
{
	static char out[6 * 65536];
	char cut[16];
	size_t length = visible_text(out, sizeof(out), data, n);

	MUST(length >= n / 4 && length < sizeof(out) && strlen(out) == length);
	must_be_plain(out, length);
	MUST(visible_text(cut, sizeof(cut), data, n) == length);
	MUST(strncmp(cut, out, strlen(cut)) == 0);
	must_be_plain(cut, strlen(cut));
}

static void show_json(struct json_slice line)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	json_show(out, line);
	fclose(out);
	MUST(n > 2 && text[n - 1] == '\n');
	must_be_plain(text, n - 1);
	MUST(json_check(text, n, JSON_DEPTH_MAX) == 0);
	free(text);
}

static void read_a_call(struct json_slice line)
{
	struct answer_call c;
	struct answer_member m;
	struct json_iter it;
	struct json_slice v;

	if (answer_call(line, &c))
		return;
	MUST(turn_call_id_valid(c.id, strlen(c.id)));
	ENDS(c.room);
	ENDS(c.reason);
	it = json_iter(c.members);
	while (json_next(&it, NULL, &v))
		if (!answer_member(v, &m)) {
			ENDS(m.user);
			ENDS(m.address);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct answer_user u;
	struct answer_status st;
	struct answer_rotation r;
	struct json_slice line;
	uint64_t count;
	char kind[32];

	if (n > 65536)
		return 0;
	show_text((const char *)data, n);
	if (open_line((const char *)data, n, "e", kind, sizeof(kind), &line))
		return 0;
	show_json(line);
	read_a_call(line);
	if (!answer_user(line, &u))
		ENDS(u.user);
	if (!answer_status(line, &st))
		ENDS(st.next);
	if (!answer_rotation(line, &r))
		ENDS(r.secret);
	answer_count(line, &count);
	return 0;
}
