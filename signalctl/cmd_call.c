/* cmd_call.c - all that is known of one call */
#include "signalctl.h"

#include <inttypes.h>
#include <string.h>

#include "answers.h"
#include "columns.h"
#include "find_call.h"
#include "json_show.h"
#include "talk.h"
#include "units.h"

#define NAMES 12 /* columns of what facts are called */

static const struct column columns[] = {
	{ "  STATE", 9, false },
	{ "SOCKET", 8, true },
	{ "ADDRESS", 21, false },
	{ "USER", 0, false },
};

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static const char *time_or_null(char out[UNITS_SIZE], uint64_t ms)
{
	return ms ? units_time(out, (int64_t)(ms / 1000)) : NULL;
}

static void show_times(FILE *out, const struct answer_call *c)
{
	char text[UNITS_SIZE];

	columns_fact(out, NAMES, "Started", time_or_null(text, c->start_ms));
	columns_fact(out, NAMES, "Answered", time_or_null(text, c->answer_ms));
	columns_fact(out, NAMES, "Ended", time_or_null(text, c->end_ms));
	columns_fact(out, NAMES, "Duration", units_duration(text, c->duration_ms / 1000));
	columns_fact(out, NAMES, "End code", text_or_null(c->code));
	columns_fact(out, NAMES, "Reason", text_or_null(c->reason));
}

static void show_relay(FILE *out, const struct answer_call *c)
{
	const struct answer_relay *r = &c->relay;
	char sent[UNITS_SIZE], received[UNITS_SIZE], wire[UNITS_SIZE], dropped[UNITS_SIZE];

	if (!c->has_relay) {
		columns_fact(out, NAMES, "Relay", "not used");
		return;
	}
	fprintf(out, "%s:%*s%" PRIu64 " allocations, %" PRIu64 " live%s\n", "Relay", NAMES - 5, "",
		r->allocations, r->live, r->exact ? "" : " (totals are not exact)");
	fprintf(out, "%*s sent %s, received %s, on the wire %s, dropped %s\n", NAMES, "",
		units_bytes(sent, r->sent_bytes), units_bytes(received, r->received_bytes),
		units_bytes(wire, r->wire_bytes), units_bytes(dropped, r->dropped_bytes));
}

static int show_members(FILE *out, const struct answer_call *c)
{
	struct json_iter it = json_iter(c->members);
	struct json_slice v;

	columns_head(out, columns, COUNT(columns));
	while (json_next(&it, NULL, &v)) {
		char state[32], socket[24] = "-";
		struct answer_member m;

		if (answer_member(v, &m))
			return -1;
		snprintf(state, sizeof(state), "  %s", m.state);
		if (m.socket)
			snprintf(socket, sizeof(socket), "%" PRIu64, m.socket);
		columns_row(out, columns, COUNT(columns),
			    (const char *const[]){ state, socket, m.address[0] ? m.address : "-",
						   m.user });
	}
	return 0;
}

static int show(const struct signalctl *ctl, const struct answer_call *c)
{
	char kind[64];

	snprintf(kind, sizeof(kind), "%s, %s", c->kind, c->type);
	columns_fact(ctl->out, NAMES, "Call", c->id);
	columns_fact(ctl->out, NAMES, "Room", c->room);
	columns_fact(ctl->out, NAMES, "Kind", kind);
	columns_fact(ctl->out, NAMES, "Group", text_or_null(c->group));
	columns_fact(ctl->out, NAMES, "State", c->state);
	show_times(ctl->out, c);
	show_relay(ctl->out, c);
	fputs("Members:\n", ctl->out);
	return show_members(ctl->out, c) ? talk_strange(ctl) : SIGNALCTL_DONE;
}

static int on_line(void *arg, const char *kind, struct json_slice line)
{
	const struct signalctl *ctl = arg;
	struct answer_call call;

	if (strcmp(kind, "call") != 0 || answer_call(line, &call))
		return talk_strange(ctl);
	if (!ctl->json)
		return show(ctl, &call);
	json_show(ctl->out, line);
	return SIGNALCTL_DONE;
}

int cmd_call(struct signalctl *ctl, const struct arguments *a)
{
	struct control_command what = { .type = CONTROL_CALL };
	struct talk *t;
	int status = talk_open(&t, ctl, false);

	if (status)
		return status;
	status = find_call(t, ctl, a->operand[0], true, what.call);
	if (!status)
		status = talk_ask(t, &what, on_line, ctl, NULL);
	talk_close(t);
	return status;
}
