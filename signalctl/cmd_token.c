/* cmd_token.c - a token for a client, as signald with auth = token takes it */
#include "signalctl.h"

#include <time.h>

#include "client_token.h"
#include "json_text.h"
#include "units.h"

#define TTL_S 3600		     /* without --ttl */
#define TTL_MAX_S (10 * 366 * 86400) /* ten years */

enum { TTL, NAME, KEY };

const struct signalctl_option options_token[] = {
	[TTL] = { "ttl", "SECONDS", "How long it is good; 3600 without" },
	[NAME] = { "name", "TEXT", "The name that others are shown" },
	[KEY] = { "key", "KID", "Which token-key signs it; the first of HS256 without" },
	{ .name = NULL },
};

static void show(const struct signalctl *ctl, const struct client_token *m, const char *token)
{
	const int64_t expires_s = m->now_s + (int64_t)m->ttl_s;
	char text[TOKEN_BYTES_MAX + 512], expires[UNITS_SIZE];
	struct json_out o;

	if (!ctl->json) {
		fprintf(ctl->out, "%s\n", token);
		return;
	}
	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_string(&o, "user", m->user);
	json_put_string(&o, "token", token);
	json_put_i64(&o, "expires_s", expires_s);
	json_put_string(&o, "expires", units_time(expires, expires_s));
	json_out_close(&o, '}');
	fprintf(ctl->out, "%.*s\n", (int)o.n, o.p);
}

int cmd_token(struct signalctl *ctl, const struct arguments *a)
{
	char user[TURN_USER_ID_MAX + 1], token[TOKEN_BYTES_MAX + 1];
	struct client_token what = { .user = user,
				     .name = a->value[NAME],
				     .kid = a->value[KEY],
				     .now_s = time(NULL),
				     .ttl_s = TTL_S };
	int status;

	if (!ctl_config(ctl) || ctl_user(ctl, a->operand[0], user) ||
	    ctl_number(ctl, "--ttl", a->value[TTL], 1, TTL_MAX_S, &what.ttl_s))
		return SIGNALCTL_USAGE;
	status = client_token(ctl, &what, token);
	if (!status)
		show(ctl, &what, token);
	return status;
}
