/* cmd_credentials.c - a TURN user name and password, and how to try them */
#include "signalctl.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "calls/credentials.h"
#include "find_call.h"
#include "json_text.h"
#include "signer.h"
#include "url.h"

enum { TTL, CALL };

const struct signalctl_option options_credentials[] = {
	[TTL] = { "ttl", "SECONDS", "How long they are good; credential-ttl-max without" },
	[CALL] = { "call", "CALL", "Good for this call alone" },
	{ .name = NULL },
};

#define TEST_MAX 1024

/* Nothing that means something to a shell. */
static bool is_plain(const char *host)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ".-_:";

	return host[0] != '-' && host[strspn(host, good)] == '\0';
}

/* A command line that tries them, where the first address of turn-urls points; two clients of it
 * speak through two allocations, which that tool takes of IPv6 only when it was told to. Names and
 * passwords are safe in quotes by their grammar. "" without an address. */
static void test_line(char *out, size_t size, const struct config *c,
		      const struct turn_grant *grant)
{
	static const char *const flags[] = {
		[NET_UDP] = "", [NET_TCP] = "-t ", [NET_TLS] = "-t -S "
	};
	struct net_target to;
	bool is_turn;

	out[0] = '\0';
	if (!c->turn_urls.n ||
	    url_ice(c->turn_urls.v[0], strlen(c->turn_urls.v[0]), &to, &is_turn) ||
	    !is_plain(to.host))
		return;
	snprintf(out, size, "turnutils_uclient -y -c -n 10 %s%s-u '%s' -w '%s' -p %u %s",
		 flags[to.transport], strchr(to.host, ':') ? "-x " : "", grant->name,
		 grant->password, to.port, to.host);
}

/* As JavaScript's toISOString(), which the script that this command replaces printed. */
static const char *iso_time(char *out, size_t size, int64_t since_1970_s)
{
	const time_t t = since_1970_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, size, "%Y-%m-%dT%H:%M:%S.000Z", &tm))
		snprintf(out, size, "%lld", (long long)since_1970_s);
	return out;
}

static void show_text(const struct signalctl *ctl, const struct turn_grant *grant,
		      const struct json_out *ice, const char *test)
{
	char expires[32];

	fprintf(ctl->out, "TURN Credentials Generated:\nUsername: %s\nPassword: %s\nExpires: %s\n",
		grant->name, grant->password, iso_time(expires, sizeof(expires), grant->expiry_s));
	fprintf(ctl->out, "\niceServers: %.*s\n", (int)ice->n, ice->p);
	if (*test)
		fprintf(ctl->out, "\nTo try them:\n%s\n", test);
}

static void show_json(const struct signalctl *ctl, const struct turn_grant *grant,
		      const struct json_out *ice, const char *test)
{
	char text[CREDENTIALS_JSON_MAX + TEST_MAX + 1024], expires[32];
	struct json_out o;

	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_string(&o, "username", grant->name);
	json_put_string(&o, "password", grant->password);
	json_put_i64(&o, "expires_s", grant->expiry_s);
	json_put_string(&o, "expires", iso_time(expires, sizeof(expires), grant->expiry_s));
	json_put_raw(&o, "iceServers", (struct json_slice){ ice->p, ice->n });
	json_put_string(&o, "try", *test ? test : NULL);
	json_out_close(&o, '}');
	fprintf(ctl->out, "%.*s\n", (int)o.n, o.p);
}

static void show(const struct signalctl *ctl, const struct config *c, const struct credentials *cr,
		 const struct turn_grant *grant)
{
	char ice_text[CREDENTIALS_JSON_MAX], test[TEST_MAX];
	struct json_out ice;

	json_out_fixed(&ice, ice_text, sizeof(ice_text));
	credentials_put_ice_servers(cr, &ice, grant);
	test_line(test, sizeof(test), c, grant);
	(ctl->json ? show_json : show_text)(ctl, grant, &ice, test);
}

static int refused(const struct signalctl *ctl, const struct signer *s, int r)
{
	const char *fault = signer_static_fault(s);

	if (r == -ENOKEY)
		ctl_error(ctl, "no secret is active to sign with%s%s", *fault ? ": " : "", fault);
	else
		ctl_error(ctl, "no credentials: %s", strerror(-r));
	return SIGNALCTL_FAILED;
}

static int grant_and_show(const struct signalctl *ctl, const struct config *c,
			  const struct signer *s, const struct control_command *whom,
			  uint64_t ttl_s)
{
	const struct credentials_config cfg = {
		.stun_urls = (const char *const *)c->stun_urls.v,
		.turn_urls = (const char *const *)c->turn_urls.v,
		.ttl_s = (uint32_t)ttl_s,
		.ttl_max_s = c->credential_ttl_max_s,
	};
	const int64_t now_s = time(NULL);
	struct credentials *cr;
	struct turn_grant grant;
	int r = credentials_new(&cr, &cfg);

	if (r) {
		ctl_error(ctl, "%s: turn-urls and stun-urls: %s", ctl->config_path, strerror(-r));
		return SIGNALCTL_USAGE;
	}
	credentials_set_signing(cr, signer_signing(s));
	r = credentials_grant(cr, whom->user, whom->call[0] ? whom->call : NULL, ttl_s, now_s,
			      &grant);
	if (!r && signer_word(s) == SIGNER_SILENT)
		ctl_error(ctl, "signald gives out no credentials now: turnserver has not said that "
			       "it knows the secret; see signalctl status");
	if (!r)
		show(ctl, c, cr, &grant);
	credentials_free(cr);
	return r ? refused(ctl, s, r) : SIGNALCTL_DONE;
}

/* A whole id needs no signald: the call may be yet to come. */
static int take_call(struct signalctl *ctl, const char *text, char id[TURN_CALL_ID_LEN + 1])
{
	struct talk *t;
	int status;

	if (!text)
		return SIGNALCTL_DONE;
	if (turn_call_id_valid(text, strlen(text))) {
		strcpy(id, text);
		return SIGNALCTL_DONE;
	}
	status = talk_open(&t, ctl, false);
	if (status)
		return status;
	status = find_call(t, ctl, text, false, id);
	talk_close(t);
	return status;
}

int cmd_credentials(struct signalctl *ctl, const struct arguments *a)
{
	const struct config *c = ctl_config(ctl);
	struct control_command whom = { .call = "" };
	struct signer *s;
	uint64_t ttl_s;
	int status;

	if (!c)
		return SIGNALCTL_USAGE;
	ttl_s = c->credential_ttl_max_s;
	if (ctl_user(ctl, a->operand[0], whom.user) ||
	    ctl_number(ctl, "--ttl", a->value[TTL], CREDENTIALS_TTL_MIN_S, c->credential_ttl_max_s,
		       &ttl_s))
		return SIGNALCTL_USAGE;
	status = take_call(ctl, a->value[CALL], whom.call);
	if (!status)
		status = signer_new(&s, ctl, time(NULL));
	if (status)
		return status;
	status = grant_and_show(ctl, c, s, &whom, ttl_s);
	signer_free(s);
	return status;
}
