/* cmd_end.c - end a call, or send a user away */
#include "signalctl.h"

#include <inttypes.h>
#include <string.h>

#include "answers.h"
#include "find_call.h"
#include "json_show.h"
#include "talk.h"

enum { REASON };

const struct signalctl_option options_reason[] = {
	[REASON] = { "reason", "TEXT", "Why, for signald's log; up to 64 bytes" },
	{ .name = NULL },
};

/* What the control socket takes, judged by the one that reads it. */
static int take_reason(const struct signalctl *ctl, const char *text, struct control_command *what)
{
	size_t n = text ? strlen(text) : 0;
	bool good = n < sizeof(what->reason) && json_utf8_span(text, n) == n;

	for (size_t i = 0; good && i < n; i++)
		good = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
	if (!good) {
		ctl_error(ctl, "--reason takes a line of up to %d bytes of UTF-8", CALL_REASON_MAX);
		return -1;
	}
	if (text)
		strcpy(what->reason, text);
	return 0;
}

int cmd_end(struct signalctl *ctl, const struct arguments *a)
{
	struct control_command what = { .type = CONTROL_END };
	struct json_slice reply;
	struct talk *t;
	int status;

	if (take_reason(ctl, a->value[REASON], &what))
		return SIGNALCTL_USAGE;
	status = talk_open(&t, ctl, false);
	if (status)
		return status;
	status = find_call(t, ctl, a->operand[0], false, what.call);
	if (!status)
		status = talk_ask(t, &what, NULL, NULL, &reply);
	if (!status && ctl->json)
		fprintf(ctl->out, "{\"call\":\"%s\"}\n", what.call);
	else if (!status)
		fprintf(ctl->out, "Ended %s\n", what.call);
	talk_close(t);
	return status;
}

static int show_kicked(const struct signalctl *ctl, const char *user, struct json_slice reply)
{
	uint64_t n;

	if (answer_count(reply, &n))
		return talk_strange(ctl);
	if (ctl->json)
		json_show(ctl->out, reply);
	else
		fprintf(ctl->out, "Closed %" PRIu64 " connection%s of %s\n", n, n == 1 ? "" : "s",
			user);
	return SIGNALCTL_DONE;
}

static int ignore(void *arg, const char *kind, struct json_slice line)
{
	(void)arg, (void)kind, (void)line;
	return SIGNALCTL_DONE;
}

/* kick of somebody who is not there is no mistake to signald; whoever typed the name made one. */
static int is_there(struct talk *t, const char *user)
{
	struct control_command what = { .type = CONTROL_USER };

	strcpy(what.user, user);
	return talk_ask(t, &what, ignore, NULL, NULL);
}

int cmd_kick(struct signalctl *ctl, const struct arguments *a)
{
	struct control_command what = { .type = CONTROL_KICK };
	struct json_slice reply;
	struct talk *t;
	int status;

	if (take_reason(ctl, a->value[REASON], &what) || ctl_user(ctl, a->operand[0], what.user))
		return SIGNALCTL_USAGE;
	status = talk_open(&t, ctl, false);
	if (status)
		return status;
	status = is_there(t, what.user);
	if (!status)
		status = talk_ask(t, &what, NULL, NULL, &reply);
	if (!status)
		status = show_kicked(ctl, what.user, reply);
	talk_close(t);
	return status;
}
