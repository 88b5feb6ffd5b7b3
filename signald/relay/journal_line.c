/* journal_line.c - relay events and marks, as record lines and back */
#include "journal_line.h"

#include <errno.h>
#include <string.h>

#include "json_text.h"

#define MARK_MAX 128

int journal_write_event(char *out, size_t size, const char *text, size_t n, const char *call)
{
	char with_call[JOURNAL_TEXT_MAX];
	struct json_slice v = json_trim(text, n);
	struct json_out o;

	if (v.n < 2 || v.p[0] != '{' || v.p[v.n - 1] != '}')
		return -EINVAL;
	if (!call || !*call)
		return record_line_write(out, size, v.p, v.n);
	json_out_fixed(&o, with_call, sizeof(with_call));
	json_out_bytes(&o, v.p, v.n - 1);
	o.comma = true;
	json_put_string(&o, "for", call);
	json_out_bytes(&o, "}", 1);
	return o.failed ? -ENOBUFS : record_line_write(out, size, o.p, o.n);
}

int journal_write_sum(char *out, size_t size, const struct journal_record *r)
{
	const struct relay_sum sum = { .epoch = r->at.epoch,
				       .seq = r->at.seq,
				       .call = r->call,
				       .ends = r->ends,
				       .from_ms = r->from_ms,
				       .to_ms = r->to_ms,
				       .totals = &r->totals,
				       .exact = r->exact };
	char text[RELAY_LINE_MAX];
	int n = relay_write_sum(text, sizeof(text), &sum);

	return n < 0 ? n : record_line_write(out, size, text, (size_t)n - 1);
}

int journal_write_mark(char *out, size_t size, const struct journal_position *at)
{
	char text[MARK_MAX];
	struct json_out o;

	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_string(&o, "e", "mark");
	json_put_string(&o, "epoch", at->epoch);
	json_put_u64(&o, "seq", at->seq);
	json_out_close(&o, '}');
	return o.failed ? -ENOBUFS : record_line_write(out, size, o.p, o.n);
}

static int parse_mark(struct json_slice object, struct journal_record *out)
{
	struct json_slice v;
	char name[8];

	if (!json_member(object, "e", &v) || json_string(v, name, sizeof(name)) < 0 ||
	    strcmp(name, "mark") != 0)
		return -EINVAL;
	if (!json_member(object, "epoch", &v) ||
	    json_string(v, out->at.epoch, sizeof(out->at.epoch)) < 1)
		return -EINVAL;
	if (!json_member(object, "seq", &v) || json_u64(v, &out->at.seq) < 0)
		return -EINVAL;
	out->kind = JOURNAL_MARK;
	return 0;
}

static int take_event(struct json_slice object, const struct relay_event *ev,
		      struct journal_record *out)
{
	bool end = ev->type == RELAY_END;
	struct json_slice v;

	out->kind = end ? JOURNAL_END : JOURNAL_SUM;
	memcpy(out->at.epoch, ev->epoch, sizeof(out->at.epoch));
	out->at.seq = ev->seq;
	out->totals = ev->totals;
	out->exact = ev->exact;
	out->ends = end ? 1 : ev->ends;
	out->from_ms = end ? ev->ended_ms : ev->from_ms;
	out->to_ms = end ? ev->ended_ms : ev->to_ms;
	if (!end)
		memcpy(out->call, ev->call, sizeof(out->call));
	else if (json_member(object, "for", &v) && json_string(v, out->call, sizeof(out->call)) < 0)
		return -EINVAL;
	return *out->at.epoch ? 0 : -EINVAL;
}

int journal_line_parse(const char *line, size_t n, struct journal_record *out)
{
	struct json_slice object;
	struct relay_event ev;
	const char *text;
	size_t text_n;

	memset(out, 0, sizeof(*out));
	if (record_line_parse(line, n, &text, &text_n) || relay_event_parse(text, text_n, &ev))
		return -EINVAL;
	object = json_trim(text, text_n);
	if (ev.type == RELAY_OTHER)
		return parse_mark(object, out);
	if (ev.type != RELAY_END && ev.type != RELAY_SUM)
		return -EINVAL;
	return take_event(object, &ev, out);
}
