/* cmd_users.c - who is connected */
#include "signalctl.h"

#include <inttypes.h>
#include <string.h>

#include "answers.h"
#include "columns.h"
#include "json_show.h"
#include "talk.h"

static const struct column columns[] = {
	{ "SOCKETS", 7, true },
	{ "REGISTERED", 10, true },
	{ "CALLS", 5, true },
	{ "USER", 0, false },
};

struct list {
	const struct signalctl *ctl;
	struct json_list json;
};

static int on_line(void *arg, const char *kind, struct json_slice line)
{
	struct list *l = arg;
	struct answer_user u;
	char sockets[24], registered[24], calls[24];

	if (strcmp(kind, "user") != 0 || answer_user(line, &u))
		return talk_strange(l->ctl);
	if (l->ctl->json) {
		json_list_add(&l->json, line);
		return SIGNALCTL_DONE;
	}
	snprintf(sockets, sizeof(sockets), "%" PRIu64, u.sockets);
	snprintf(registered, sizeof(registered), "%" PRIu64, u.registered);
	snprintf(calls, sizeof(calls), "%" PRIu64, u.calls);
	columns_row(l->ctl->out, columns, COUNT(columns),
		    (const char *const[]){ sockets, registered, calls, u.user });
	return SIGNALCTL_DONE;
}

int cmd_users(struct signalctl *ctl, const struct arguments *a)
{
	struct control_command what = { .type = CONTROL_USERS };
	struct list l = { .ctl = ctl };
	struct talk *t;
	int status = talk_open(&t, ctl, false);

	(void)a;
	if (status)
		return status;
	if (ctl->json)
		json_list_begin(&l.json, ctl->out);
	else
		columns_head(ctl->out, columns, COUNT(columns));
	status = talk_ask(t, &what, on_line, &l, NULL);
	if (ctl->json && !status)
		json_list_end(&l.json);
	talk_close(t);
	return status;
}
