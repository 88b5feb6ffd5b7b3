/* cmd_secrets.c - the shared secrets: which there are, and a new one. Never what they are. */
#include "signalctl.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "answers.h"
#include "columns.h"
#include "json_show.h"
#include "signer.h"
#include "talk.h"
#include "units.h"
#include "visible.h"

#define STATIC_NAME "static-auth-secret" /* of turnserver-conf */

static const struct column columns[] = {
	{ "SECRET", 18, false }, { "FROM", 20, false }, { "UNTIL", 20, false },
	{ "STATE", 6, false },	 { "USERS", 5, true },	{ "TAG", 0, false },
};

static const char *state_of(const struct secret *v, const struct secret *signs, int64_t now_s)
{
	if (v == signs)
		return "signs";
	if (secret_active(v, now_s))
		return "active";
	return v->not_before_s > now_s ? "waits" : "over";
}

static const char *date(char out[UNITS_SIZE], int64_t s)
{
	return s == INT64_MIN || s == INT64_MAX ? "-" : units_time(out, s);
}

static void show_row(FILE *out, const struct secret *v, const char *state)
{
	char from[UNITS_SIZE], until[UNITS_SIZE], users[24] = "all";

	if (v->users)
		snprintf(users, sizeof(users), "%zu", v->users_n);
	columns_row(out, columns, COUNT(columns),
		    (const char *const[]){ v->id, date(from, v->not_before_s),
					   date(until, v->not_after_s), state, users,
					   v->tag[0] ? v->tag : "-" });
}

static void show_json(FILE *out, const struct secret *v, const char *state, bool first)
{
	char text[1024];
	struct json_out o;

	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_string(&o, "secret", v->id);
	if (v->not_before_s != INT64_MIN)
		json_put_i64(&o, "not_before_s", v->not_before_s);
	if (v->not_after_s != INT64_MAX)
		json_put_i64(&o, "not_after_s", v->not_after_s);
	json_put_string(&o, "state", state);
	json_put_string(&o, "tag", v->tag[0] ? v->tag : NULL);
	if (v->users)
		json_put_u64(&o, "users", v->users_n);
	json_out_close(&o, '}');
	fprintf(out, "%s%.*s", first ? "\n" : ",\n", (int)o.n, o.p);
}

static void show(const struct signalctl *ctl, const struct secret *v, const char *state, bool first)
{
	if (ctl->json)
		show_json(ctl->out, v, state, first);
	else
		show_row(ctl->out, v, state);
}

/* A secret without dates, like one of the file, for a row of its own. */
static void show_static(const struct signalctl *ctl, const char *state, bool first)
{
	const struct secret row = { .id = STATIC_NAME,
				    .not_before_s = INT64_MIN,
				    .not_after_s = INT64_MAX };

	show(ctl, &row, state, first);
}

static void show_all(const struct signalctl *ctl, const struct signer *s, int64_t now_s)
{
	const struct secret_set *set = signer_set(s);
	const struct secret *signs = signing_secret(signer_signing(s), now_s, NULL);
	bool first = true;

	if (signer_word(s) == SIGNER_SILENT)
		signs = NULL;
	if (ctl->json)
		fputc('[', ctl->out);
	else
		columns_head(ctl->out, columns, COUNT(columns));
	for (size_t i = 0; set && i < set->n; i++, first = false)
		show(ctl, &set->v[i], state_of(&set->v[i], signs, now_s), first);
	if (signer_has_static(s))
		show_static(ctl, signs && !signs->id[0] ? "signs" : "active", first);
	if (ctl->json)
		fputs(first && !signer_has_static(s) ? "]\n" : "\n]\n", ctl->out);
	if (!signs)
		ctl_error(ctl, "none of them signs: clients get no TURN credentials");
	if (*signer_static_fault(s))
		ctl_error(ctl, "%s", signer_static_fault(s));
}

static int list(struct signalctl *ctl)
{
	const int64_t now_s = time(NULL);
	struct signer *s;
	int status = signer_new(&s, ctl, now_s);

	if (status)
		return status;
	show_all(ctl, s, now_s);
	signer_free(s);
	return SIGNALCTL_DONE;
}

static int show_rotation(const struct signalctl *ctl, struct json_slice reply)
{
	struct answer_rotation r;
	char from[UNITS_SIZE], until[UNITS_SIZE];

	if (answer_rotation(reply, &r))
		return talk_strange(ctl);
	if (ctl->json) {
		json_show(ctl->out, reply);
		return SIGNALCTL_DONE;
	}
	fputs("New secret: ", ctl->out);
	visible_put(ctl->out, r.secret, strlen(r.secret));
	fprintf(ctl->out, ", which signs from %s on\n", units_time(from, (int64_t)r.not_before_s));
	if (r.count)
		fprintf(ctl->out, "%" PRIu64 " before it authenticate%s until %s\n", r.count,
			r.count == 1 ? "s" : "", units_time(until, (int64_t)r.not_after_s));
	return SIGNALCTL_DONE;
}

static int rotate(struct signalctl *ctl)
{
	struct control_command what = { .type = CONTROL_ROTATE };
	struct json_slice reply;
	struct talk *t;
	int status = talk_open(&t, ctl, false);

	if (status)
		return status;
	status = talk_ask(t, &what, NULL, NULL, &reply);
	if (!status)
		status = show_rotation(ctl, reply);
	talk_close(t);
	return status;
}

int cmd_secrets(struct signalctl *ctl, const struct arguments *a)
{
	return strcmp(a->operand[0], "list") == 0 ? list(ctl) : rotate(ctl);
}
