/* cmd_calls.c - the calls there are: a line each, as they come */
#include "signalctl.h"

#include <errno.h>
#include <string.h>

#include "answers.h"
#include "columns.h"
#include "json_show.h"
#include "talk.h"
#include "units.h"

enum { ENDED, USER };

const struct signalctl_option options_calls[] = {
	[ENDED] = { "ended", NULL, "Also the last 100 that have ended" },
	[USER] = { "user", "USER", "Only calls of this user" },
	{ .name = NULL },
};

static const struct column columns[] = {
	{ "CALL", TURN_CALL_ID_LEN, false },
	{ "KIND", 6, false },
	{ "STATE", 9, false },
	{ "DURATION", 8, true },
	{ "RELAYED", 8, true },
	{ "MEMBERS", 0, false },
};

struct list {
	const struct signalctl *ctl;
	struct json_list json;
};

/* "7, 8, 9"; who has left, or has not come, in brackets. */
static int members_text(const struct answer_call *call, char *out, size_t size)
{
	struct json_iter it = json_iter(call->members);
	struct json_slice v;
	size_t at = 0;

	out[0] = '\0';
	while (json_next(&it, NULL, &v)) {
		struct answer_member m;
		bool in;

		if (answer_member(v, &m))
			return -EINVAL;
		in = strcmp(m.state, "in") == 0;
		at += (size_t)snprintf(out + at, size - at, "%s%s%s%s", at ? ", " : "",
				       in ? "" : "(", m.user, in ? "" : ")");
		if (at >= size)
			return -EINVAL;
	}
	return 0;
}

/* Payload that passed the relay, each byte once for each allocation that it passed. */
static uint64_t relayed(const struct answer_call *call)
{
	return call->has_relay ? call->relay.sent_bytes + call->relay.received_bytes : 0;
}

static int show(const struct list *l, const struct answer_call *call)
{
	char members[CALL_MEMBERS_MAX * (TURN_USER_ID_MAX + 4)];
	char duration[UNITS_SIZE], bytes[UNITS_SIZE];
	const char *cells[] = { call->id,
				call->kind,
				call->state,
				units_duration(duration, call->duration_ms / 1000),
				call->has_relay ? units_bytes(bytes, relayed(call)) : "-",
				members };

	if (members_text(call, members, sizeof(members)))
		return talk_strange(l->ctl);
	columns_row(l->ctl->out, columns, COUNT(columns), cells);
	return SIGNALCTL_DONE;
}

static int on_line(void *arg, const char *kind, struct json_slice line)
{
	struct list *l = arg;
	struct answer_call call;

	if (strcmp(kind, "call") != 0 || answer_call(line, &call))
		return talk_strange(l->ctl);
	if (!l->ctl->json)
		return show(l, &call);
	json_list_add(&l->json, line);
	return SIGNALCTL_DONE;
}

static int list(struct talk *t, const struct signalctl *ctl, struct control_command *what)
{
	struct list l = { .ctl = ctl };
	int status;

	if (ctl->json)
		json_list_begin(&l.json, ctl->out);
	else
		columns_head(ctl->out, columns, COUNT(columns));
	status = talk_ask(t, what, on_line, &l, NULL);
	if (ctl->json && !status)
		json_list_end(&l.json);
	return status;
}

int cmd_calls(struct signalctl *ctl, const struct arguments *a)
{
	struct control_command what = { .type = CONTROL_CALLS, .ended = a->value[ENDED] };
	struct talk *t;
	int status;

	if (a->value[USER] && ctl_user(ctl, a->value[USER], what.user))
		return SIGNALCTL_USAGE;
	status = talk_open(&t, ctl, false);
	if (status)
		return status;
	status = list(t, ctl, &what);
	talk_close(t);
	return status;
}
