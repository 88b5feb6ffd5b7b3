/* cmd_status.c - how signald and its turnserver are, and what to do next */
#include "signalctl.h"

#include <inttypes.h>
#include <string.h>

#include "answers.h"
#include "columns.h"
#include "json_show.h"
#include "talk.h"
#include "units.h"

#define NAMES 12 /* columns of what facts are called */

static void show_turnserver(FILE *out, const struct answer_status *s)
{
	char text[512];
	size_t at;

	if (!s->has_relay) {
		columns_fact(out, NAMES, "turnserver", "no relay-socket is configured");
		return;
	}
	at = (size_t)snprintf(text, sizeof(text), "%s", s->relay ? "connected" : "not connected");
	if (s->relay_version[0])
		snprintf(text + at, sizeof(text) - at, "; %s, hook protocol %s", s->relay_version,
			 s->relay_protocol);
	columns_fact(out, NAMES, "turnserver", text);
	if (s->relay_base[0]) {
		snprintf(text, sizeof(text),
			 "coturn base %s (Debian), security ledger checked up to %s on %s",
			 s->relay_base, s->relay_ledger_checked, s->relay_ledger_date);
		columns_fact(out, NAMES, "Base", text);
	}
	if (s->relay_draining)
		columns_fact(out, NAMES, "It drains",
			     "no new calls over it, and it exits with the last one");
	if (s->relay_lacks[0])
		columns_fact(out, NAMES, "It lacks", s->relay_lacks);
}

static const char *secret_text(const struct answer_status *s)
{
	if (!s->has_secret)
		return "none signs";
	return s->secret[0] ? s->secret : "static-auth-secret of turnserver-conf";
}

static void show(FILE *out, const struct answer_status *s)
{
	char text[512], duration[UNITS_SIZE];

	snprintf(text, sizeof(text), "%s, up %s, auth = %s", s->version,
		 units_duration(duration, s->uptime_ms / 1000), s->auth);
	columns_fact(out, NAMES, "signald", text);
	show_turnserver(out, s);
	columns_fact(out, NAMES, "Backend", s->backend[0] ? s->backend : NULL);
	columns_fact(out, NAMES, "Secret", secret_text(s));
	snprintf(text, sizeof(text),
		 "%" PRIu64 ", with %" PRIu64 " Socket.IO sockets of %" PRIu64 " users",
		 s->sessions, s->sockets, s->users);
	columns_fact(out, NAMES, "Sessions", text);
	snprintf(text, sizeof(text), "%" PRIu64, s->calls);
	columns_fact(out, NAMES, "Calls", text);
	columns_fact(out, NAMES, "Next", s->next[0] ? s->next : NULL);
}

static int show_reply(const struct signalctl *ctl, struct json_slice reply)
{
	struct answer_status s;

	if (answer_status(reply, &s))
		return talk_strange(ctl);
	if (ctl->json) {
		json_show(ctl->out, reply);
		return SIGNALCTL_DONE;
	}
	show(ctl->out, &s);
	return SIGNALCTL_DONE;
}

int cmd_status(struct signalctl *ctl, const struct arguments *a)
{
	struct control_command what = { .type = CONTROL_STATUS };
	struct json_slice reply;
	struct talk *t;
	int status = talk_open(&t, ctl, false);

	(void)a;
	if (status)
		return status;
	status = talk_ask(t, &what, NULL, NULL, &reply);
	if (!status)
		status = show_reply(ctl, reply);
	talk_close(t);
	return status;
}
