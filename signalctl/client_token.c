/* client_token.c - see client_token.h */
#include "client_token.h"

#include <errno.h>
#include <string.h>

#include "auth/token_keys.h"
#include "log.h"
#include "mint.h"

/* --- which key --------------------------------------------------------------------- */

/* The KID of "HS256:KID:PATH". False: another algorithm. */
static bool read_kid(const char *line, char out[TOKEN_KID_MAX + 1])
{
	const char *kid = line + strlen("HS256:"), *end;

	if (strncmp(line, "HS256:", strlen("HS256:")) != 0)
		return false;
	end = strchr(kid, ':');
	if (!end || end - kid > TOKEN_KID_MAX)
		return false;
	memcpy(out, kid, (size_t)(end - kid));
	out[end - kid] = '\0';
	return true;
}

/* The one asked for, or the first. One without a name is good only when it is the only one: signald
 * would not know which of them is meant. */
static int choose(const struct signalctl *ctl, const struct config *c, const char *wanted,
		  char kid[TOKEN_KID_MAX + 1])
{
	bool found = false;

	for (size_t i = 0; i < c->token_keys.n; i++) {
		char this[TOKEN_KID_MAX + 1];

		if (!read_kid(c->token_keys.v[i], this) || (wanted && strcmp(this, wanted) != 0) ||
		    (found && *kid))
			continue;
		strcpy(kid, this);
		found = true;
	}
	if (found)
		return SIGNALCTL_DONE;
	if (wanted)
		ctl_error(ctl, "%s has no token-key HS256:%s:...", ctl->config_path, wanted);
	else
		ctl_error(ctl,
			  "%s has public keys alone (RS256, ES256): who has the private one makes "
			  "the tokens",
			  ctl->config_path);
	return SIGNALCTL_USAGE;
}

static int wants_tokens(const struct signalctl *ctl, const struct config *c)
{
	static const char *const why_not[] = {
		[CONFIG_AUTH_OPEN] = "auth = open asks nobody for a token",
		[CONFIG_AUTH_TOKEN] = NULL,
		[CONFIG_AUTH_BACKEND] = "auth = backend: the messenger's server makes the tokens",
	};

	if (!why_not[c->auth])
		return SIGNALCTL_DONE;
	ctl_error(ctl, "%s: %s", ctl->config_path, why_not[c->auth]);
	return SIGNALCTL_USAGE;
}

/* --- the keys' files --------------------------------------------------------------- */

static const struct signalctl *log_ctl; /* whom the sink below speaks for */

static void on_log(enum log_level level, const char *token, const char *text)
{
	(void)token;
	if (level == LOG_LEVEL_ERROR)
		ctl_error(log_ctl, "%s", text);
}

static int load_keys(const struct signalctl *ctl, const struct config *c, struct token_keys **out)
{
	int r;

	log_ctl = ctl;
	log_set_sink(on_log);
	r = token_keys_new(out, (const char *const *)c->token_keys.v, c->token_keys.n);
	log_set_sink(NULL);
	if (r == -EACCES)
		ctl_error(ctl, "use sudo, or be in the group of that file");
	else if (r == -ENOMEM)
		ctl_error(ctl, "out of memory");
	return r ? SIGNALCTL_FAILED : SIGNALCTL_DONE;
}

/* --- the token --------------------------------------------------------------------- */

/* What it says is read back as signald does, so that none is handed out that would be refused. */
static int prove(const struct signalctl *ctl, const struct config *c, const struct token_keys *keys,
		 const char *token, int64_t now_s)
{
	const struct token_rules rules = {
		.issuer = c->token_issuer,
		.audience = c->token_audience,
		.claim_id = c->token_claim_id,
		.claim_name = c->token_claim_name,
		.claim_avatar = c->token_claim_avatar,
		.leeway_s = c->token_leeway_s,
	};
	struct calls_identity who;
	enum token_fault why = TOKEN_FAULTS;

	if (!token_verify(&rules, keys, token, strlen(token), now_s, &who, &why))
		return SIGNALCTL_DONE;
	ctl_error(ctl, "signald would refuse this token (%s): do the token-claim-... keys agree?",
		  token_fault_name(why));
	return SIGNALCTL_USAGE;
}

static int make(const struct signalctl *ctl, const struct config *c, const struct token_keys *keys,
		const char *kid, const struct client_token *what, char out[TOKEN_BYTES_MAX + 1])
{
	enum token_fault why;
	const struct token_key *key = token_keys_find(keys, TOKEN_HS256, *kid ? kid : NULL, &why);
	struct mint m = {
		.user = what->user,
		.name = what->name,
		.now_s = what->now_s,
		.ttl_s = what->ttl_s,
		.issuer = c->token_issuer,
		.audience = c->token_audience,
		.claim_id = c->token_claim_id,
		.claim_name = c->token_claim_name,
	};
	int r;

	if (!key) {
		ctl_error(ctl, "signald would not know which of its keys is meant: give it a KID");
		return SIGNALCTL_USAGE;
	}
	m.kid = key->kid;
	m.key = key->text;
	m.key_n = key->n;
	r = mint_token(out, TOKEN_BYTES_MAX + 1, &m);
	if (r) {
		ctl_error(ctl, "no token: %s",
			  r == -EILSEQ ? "the name is not UTF-8" : strerror(-r));
		return r == -EIO ? SIGNALCTL_FAILED : SIGNALCTL_USAGE;
	}
	return prove(ctl, c, keys, out, m.now_s);
}

int client_token(struct signalctl *ctl, const struct client_token *what,
		 char out[TOKEN_BYTES_MAX + 1])
{
	const struct config *c = ctl_config(ctl);
	char kid[TOKEN_KID_MAX + 1] = "";
	struct token_keys *keys;
	int status;

	if (!c)
		return SIGNALCTL_USAGE;
	status = wants_tokens(ctl, c);
	if (!status)
		status = choose(ctl, c, what->kid, kid);
	if (!status)
		status = load_keys(ctl, c, &keys);
	if (status)
		return status;
	status = make(ctl, c, keys, kid, what, out);
	token_keys_free(keys);
	return status;
}
