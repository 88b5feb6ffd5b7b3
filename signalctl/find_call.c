/* find_call.c - see find_call.h */
#include "find_call.h"

#include <string.h>

#include "answers.h"

void find_call_see(struct find_call *f, const char *id)
{
	if (strncmp(id, f->prefix, strlen(f->prefix)) != 0)
		return;
	if (f->found < FIND_CALL_CANDIDATES)
		strcpy(f->ids[f->found], id);
	f->found++;
}

int find_call_judge(const struct find_call *f, const struct signalctl *ctl)
{
	char list[FIND_CALL_CANDIDATES * (TURN_CALL_ID_LEN + 2) + 1] = "";
	size_t n = f->found < FIND_CALL_CANDIDATES ? f->found : FIND_CALL_CANDIDATES, at = 0;

	if (f->found == 1)
		return SIGNALCTL_DONE;
	if (!f->found) {
		ctl_error(ctl, "no call whose id begins with %s", f->prefix);
		return SIGNALCTL_NOT_FOUND;
	}
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
				       f->ids[i]);
	ctl_error(ctl, "%zu calls begin with %s: %s%s", f->found, f->prefix, list,
		  n < f->found ? ", ..." : "");
	return SIGNALCTL_USAGE;
}

struct search {
	struct find_call f;
	const struct signalctl *ctl;
};

static int on_line(void *arg, const char *kind, struct json_slice line)
{
	struct search *s = arg;
	struct answer_call call;

	if (strcmp(kind, "call") != 0 || answer_call(line, &call))
		return talk_strange(s->ctl);
	find_call_see(&s->f, call.id);
	return SIGNALCTL_DONE;
}

int find_call(struct talk *t, const struct signalctl *ctl, const char *prefix, bool ended,
	      char id[TURN_CALL_ID_LEN + 1])
{
	struct control_command what = { .type = CONTROL_CALLS, .ended = ended };
	struct search s = { .f = { .prefix = prefix }, .ctl = ctl };
	int status = SIGNALCTL_DONE;

	if (turn_call_id_valid(prefix, strlen(prefix))) { /* all of it: nothing to search */
		strcpy(id, prefix);
		return SIGNALCTL_DONE;
	}
	if (!*prefix) {
		ctl_error(ctl, "an empty text is no call");
		return SIGNALCTL_USAGE;
	}
	status = talk_ask(t, &what, on_line, &s, NULL);
	if (!status)
		status = find_call_judge(&s.f, ctl);
	if (!status)
		strcpy(id, s.f.ids[0]);
	return status;
}
