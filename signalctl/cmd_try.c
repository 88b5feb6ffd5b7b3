/* cmd_try.c - a call between two built-in clients: does all of it work?
 *
 * Their users are of this one trial: "signalctl-try." and 64 random bits, an id that nobody has;
 * with --tokens they are who the tokens say. */
#include "signalctl.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_token.h"
#include "json_text.h"
#include "places.h"
#include "secret_text.h"
#include "talk.h"
#include "try_call.h"
#include "url.h"
#include "visible.h"

#define TIMEOUT_S 40
#define TIMEOUT_MAX_S 600
#define TOKEN_TTL_S 300
#define TOKENS_FILE_MAX (TRY_SIDES * (TOKEN_BYTES_MAX + 2))
#define NAME_BYTES 8

enum { URL, TURN, TOKENS, CA, INSECURE, TIMEOUT };

const struct signalctl_option options_try[] = {
	[URL] = { "url", "URL", "Where signald serves, to try from elsewhere: https://HOST:PORT" },
	[TURN] = { "turn", "URI", "Where to allocate; what the clients are given without" },
	[TOKENS] = { "tokens", "FILE",
		     "Two tokens, a line each, of test users who may call each other" },
	[CA] = { "ca", "FILE", "Certificates to trust besides the system's" },
	[INSECURE] = { "insecure", NULL, "Take any certificate, as for a self-signed one" },
	[TIMEOUT] = { "timeout", "SECONDS", "How long all of it may take; 40 without" },
	{ .name = NULL },
};

/* --- who calls whom ----------------------------------------------------------------- */

static int invent_users(struct try_call *t)
{
	uint8_t random[NAME_BYTES];
	char hex[2 * NAME_BYTES + 1];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(hex + 2 * i, 3, "%02x", random[i]);
	for (size_t i = 0; i < TRY_SIDES; i++)
		snprintf(t->side[i].user, sizeof(t->side[i].user), "signalctl-try.%s.%c", hex,
			 "ab"[i]);
	snprintf(t->room, sizeof(t->room), "signalctl-try.%s", hex);
	return 0;
}

static int mint_tokens(struct signalctl *ctl, struct try_call *t)
{
	char token[TOKEN_BYTES_MAX + 1];
	struct client_token what = { .now_s = time(NULL), .ttl_s = TOKEN_TTL_S };
	int status = SIGNALCTL_DONE;

	for (size_t i = 0; i < TRY_SIDES && !status; i++) {
		what.user = t->side[i].user;
		status = client_token(ctl, &what, token);
		if (!status && !(t->side[i].token = strdup(token)))
			status = SIGNALCTL_FAILED;
	}
	explicit_bzero(token, sizeof(token));
	return status;
}

/* The next line that is not empty. */
static char *next_line(const char **p, const char *end)
{
	const char *from, *eol;

	while (*p < end && (**p == '\n' || **p == '\r'))
		(*p)++;
	from = *p;
	for (eol = from; eol < end && *eol != '\n' && *eol != '\r'; eol++)
		;
	*p = eol;
	return eol > from ? strndup(from, (size_t)(eol - from)) : NULL;
}

static int read_tokens(struct signalctl *ctl, struct try_call *t, const char *path)
{
	struct secret_error err = { .line = 0 };
	const char *p;
	char *text;
	size_t n;
	int r = secret_text_load(path, TOKENS_FILE_MAX, &text, &n, &err);

	if (r) {
		ctl_error(ctl, "%s: %s", path, *err.text ? err.text : strerror(-r));
		return SIGNALCTL_USAGE;
	}
	p = text;
	for (size_t i = 0; i < TRY_SIDES; i++)
		t->side[i].token = next_line(&p, text + n);
	secret_text_free(text, n);
	if (t->side[TRY_CALLEE].token)
		return SIGNALCTL_DONE;
	ctl_error(ctl, "%s: two tokens are needed, a line each", path);
	return SIGNALCTL_USAGE;
}

static int find_tokens(struct signalctl *ctl, struct try_call *t, const struct arguments *a)
{
	const struct config *c;

	if (a->value[TOKENS])
		return read_tokens(ctl, t, a->value[TOKENS]);
	c = ctl_config(ctl);
	if (!c)
		return SIGNALCTL_USAGE;
	if (c->auth == CONFIG_AUTH_OPEN)
		return SIGNALCTL_DONE;
	if (c->auth == CONFIG_AUTH_TOKEN)
		return mint_tokens(ctl, t);
	ctl_error(ctl, "auth = backend: only the messenger's server makes tokens. Let it make two, "
		       "of test users who may call each other, and give them with --tokens FILE");
	return SIGNALCTL_USAGE;
}

/* --- where --------------------------------------------------------------------------- */

static int find_signald(struct signalctl *ctl, struct try_call *t, const struct arguments *a,
			char name[NET_HOST_MAX + 1])
{
	const struct config *c;

	if (a->value[URL]) {
		if (!url_http(a->value[URL], &t->signald))
			return SIGNALCTL_DONE;
		ctl_error(ctl, "--url: '%s' is not http://HOST:PORT or https://HOST:PORT",
			  a->value[URL]);
		return SIGNALCTL_USAGE;
	}
	c = ctl_config(ctl);
	if (!c)
		return SIGNALCTL_USAGE;
	t->local = c->control_socket && c->relay_socket;
	if (!place_of_signald(c, c->listen_plain.n, 0, name, &t->signald))
		return SIGNALCTL_DONE;
	ctl_error(ctl, "%s: where does signald listen? Say it with --url", ctl->config_path);
	return SIGNALCTL_USAGE;
}

static int find_relay(struct signalctl *ctl, struct try_call *t, const char *uri,
		      struct net_target *relay)
{
	bool is_turn;

	if (!uri)
		return SIGNALCTL_DONE;
	if (url_ice(uri, strlen(uri), relay, &is_turn) || !is_turn) {
		ctl_error(ctl, "--turn: '%s' is not turn:HOST:PORT or turns:HOST:PORT", uri);
		return SIGNALCTL_USAGE;
	}
	t->relay = relay;
	return SIGNALCTL_DONE;
}

/* --- what is said --------------------------------------------------------------------- */

static const char *const outcome_names[] = {
	[TRY_OK] = "ok", [TRY_SKIPPED] = "skip", [TRY_FAILED] = "FAIL"
};

static void say_text(const struct signalctl *ctl, const struct try_step *s,
		     enum try_outcome outcome, const char *text)
{
	fprintf(ctl->out, "%-5s %-12s %s\n", outcome_names[outcome], s->name, text);
	if (outcome == TRY_FAILED)
		fprintf(ctl->out, "%-5s %-12s %s\n", "", "", s->advice);
	fflush(ctl->out);
}

static void say_json(const struct signalctl *ctl, const struct try_step *s,
		     enum try_outcome outcome, const char *text)
{
	char line[8192];
	struct json_out o;

	json_out_fixed(&o, line, sizeof(line));
	json_out_open(&o, '{');
	json_put_string(&o, "step", s->name);
	json_put_string(&o, "result", outcome_names[outcome]);
	json_put_string(&o, "text", text);
	json_put_string(&o, "advice", outcome == TRY_FAILED ? s->advice : NULL);
	json_out_close(&o, '}');
	fprintf(ctl->out, "%s%.*s", s == try_steps ? "[" : ",\n", (int)o.n, o.p);
}

/* What others wrote may be in it. */
static void say(const struct signalctl *ctl, const struct try_step *s, enum try_outcome outcome,
		const char *text)
{
	char shown[4 * sizeof(((struct client_error *)0)->text)];

	visible_text(shown, sizeof(shown), text, strlen(text));
	(ctl->json ? say_json : say_text)(ctl, s, outcome, shown);
}

static int run_steps(struct signalctl *ctl, struct try_call *t)
{
	const struct try_step *s;
	struct client_error err;
	int r = 0;

	for (s = try_steps; s->name && r >= 0; s++) {
		strcpy(err.text, "it did not succeed");
		t->note[0] = '\0';
		r = s->run(t, &err);
		say(ctl, s,
		    r < 0 ? TRY_FAILED
		    : r	  ? TRY_SKIPPED
			  : TRY_OK,
		    r < 0 ? err.text : t->note);
	}
	if (ctl->json)
		fputs("]\n", ctl->out);
	else
		fputs(r < 0 ? "FAIL\n" : "PASS\n", ctl->out);
	if (r >= 0)
		return SIGNALCTL_DONE;
	/* Nobody answers at all. */
	return s == try_steps + 1 && (r == -ECONNREFUSED || r == -ETIMEDOUT) ? SIGNALCTL_UNREACHABLE
									     : SIGNALCTL_FAILED;
}

int cmd_try(struct signalctl *ctl, const struct arguments *a)
{
	struct try_call t = { .ctl = ctl,
			      .ca_file = a->value[CA],
			      .insecure = a->value[INSECURE],
			      .side = { { .via = SIO_WEBSOCKET }, { .via = SIO_POLLING } } };
	char name[NET_HOST_MAX + 1];
	uint64_t timeout_s = TIMEOUT_S;
	struct net_target relay;
	int status;

	if (ctl_number(ctl, "--timeout", a->value[TIMEOUT], 1, TIMEOUT_MAX_S, &timeout_s))
		return SIGNALCTL_USAGE;
	if (invent_users(&t))
		return SIGNALCTL_FAILED;
	signal(SIGPIPE, SIG_IGN);
	talk_on_trial(ctl);
	status = find_signald(ctl, &t, a, name);
	if (!status)
		status = find_relay(ctl, &t, a->value[TURN], &relay);
	if (!status)
		status = find_tokens(ctl, &t, a);
	if (!status) {
		t.signald.ca_file = t.ca_file;
		t.signald.insecure = t.insecure;
		t.deadline_ms = net_now_ms() + timeout_s * 1000;
		status = run_steps(ctl, &t);
	}
	try_call_close(&t);
	return status;
}
