/* check_rules.c - what rules are made of; and of them those about whether the parts are there */
#include "check_rules_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "setup_word.h"
#include "url.h"

const char *const check_result_names[4] = { "ok", "warn", "FAIL", "skip" };

void check_say(struct check_say *s, enum check_result result, const char *fix, const char *fmt, ...)
{
	static const int weight[] = {
		[CHECK_SKIP] = 0, [CHECK_OK] = 0, [CHECK_WARN] = 1, [CHECK_FAIL] = 2
	};
	va_list ap;

	if (*s->why && weight[result] <= weight[s->result])
		return;
	s->result = result;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	snprintf(s->fix, sizeof(s->fix), "%s", fix ? fix : "");
}

bool rule_without_turn(const struct check_facts *f, struct check_say *s)
{
	if (f->turn)
		return false;
	check_say(s, CHECK_SKIP, NULL, "turnserver.conf was not read");
	return true;
}

bool rule_flag(const struct check_facts *f, const char *key)
{
	return turnserver_conf_flag(f->turn, key);
}

int rule_number(const struct check_facts *f, const char *key, int absent)
{
	return turnserver_conf_number(f->turn, key, absent);
}

bool rule_signald_on_loopback(const struct check_facts *f)
{
	const struct config_list *l = &f->config->listen;
	struct net_target t;

	for (size_t i = 0; i < l->n; i++)
		if (url_any_address(l->v[i]) || url_endpoint(l->v[i], &t) ||
		    setup_reach(t.host) != SETUP_LOOPBACK)
			return false;
	return true;
}

/* --- are they there? --------------------------------------------------------------- */

void rule_configuration(struct check_facts *f, struct check_say *s)
{
	if (f->turn)
		check_say(s, CHECK_OK, NULL, "%s and %s can be read", f->ctl->config_path,
			  f->turn_path);
	else
		check_say(
			s, CHECK_FAIL,
			"Say where it is: --turnserver-conf FILE; run this with sudo; or make one: "
			"signalctl setup",
			"%s", f->turn_fault);
}

void rule_signald(struct check_facts *f, struct check_say *s)
{
	if (!f->config->control_socket)
		check_say(s, CHECK_WARN, "Set control-socket in signald.conf.",
			  "signald has no control-socket, so it cannot be asked how it is");
	else if (f->control_status == SIGNALCTL_DONE)
		check_say(s, CHECK_OK, NULL, "%s runs, with auth = %s", f->status.version,
			  f->status.auth);
	else
		check_say(
			s, CHECK_FAIL,
			"systemctl status signald; journalctl -u signald. It may also be that you "
			"need sudo.",
			"signald does not answer on %s", f->config->control_socket);
	if (f->control_status == SIGNALCTL_DONE && f->config->auth == CONFIG_AUTH_OPEN &&
	    (f->packaged || !rule_signald_on_loopback(f)))
		check_say(s, CHECK_WARN, "Set auth = token or backend: signald.conf(5).",
			  "auth = open: anybody may say to be any user");
}

void rule_versions(struct check_facts *f, struct check_say *s)
{
	if (f->control_status != SIGNALCTL_DONE)
		check_say(s, CHECK_SKIP, NULL, "signald was not asked");
	else if (strstr(f->status.version, PACKAGE_VERSION))
		check_say(s, CHECK_OK, NULL, "signald and signalctl are both %s", PACKAGE_VERSION);
	else
		check_say(s, CHECK_WARN,
			  "Restart signald: systemctl restart signald (no call is lost).",
			  "signald that runs is %s, signalctl is %s", f->status.version,
			  PACKAGE_VERSION);
}

static void no_hook(const struct check_facts *f, struct check_say *s)
{
	int e = f->relay_socket_error;

	if (f->status.relay_problem[0])
		check_say(s, CHECK_FAIL, "Install coturn and signald of the same release.", "%s",
			  f->status.relay_problem);
	else if (e == EACCES)
		check_say(
			s, CHECK_FAIL,
			"Give turnserver the option admin-socket-user=signald, or start signald in "
			"turnserver's group.",
			"%s may not be opened", f->config->relay_socket);
	else if (e && f->turn_answers)
		check_say(s, CHECK_FAIL,
			  "Install the coturn package that belongs to signald, or restart coturn "
			  "if it "
			  "was started before: apt policy coturn; systemctl restart coturn.",
			  "turnserver answers, but has no admin socket at %s: it is stock coturn, "
			  "or was "
			  "started without the hook's options",
			  f->config->relay_socket);
	else if (e)
		check_say(s, CHECK_FAIL, "systemctl status coturn; journalctl -u coturn.",
			  "turnserver does not run: nobody is at %s", f->config->relay_socket);
	else
		check_say(s, CHECK_FAIL, "journalctl -u signald says why.",
			  "turnserver's admin socket is there, but signald is not connected to it");
}

void rule_hook(struct check_facts *f, struct check_say *s)
{
	if (!f->config->relay_socket)
		check_say(
			s, CHECK_FAIL,
			"Set relay-socket in signald.conf to turnserver's admin-socket.",
			"signald has no relay-socket: it neither counts nor ends what is relayed");
	else if (f->control_status != SIGNALCTL_DONE && !f->relay_socket_error)
		check_say(s, CHECK_SKIP, NULL,
			  "turnserver's admin socket is there; signald was not asked");
	else if (f->control_status != SIGNALCTL_DONE || !f->status.relay)
		no_hook(f, s);
	else if (f->status.relay_lacks[0])
		check_say(s, CHECK_WARN,
			  "Restart turnserver with the new program when no call runs.",
			  "turnserver's hook is older than signald; it lacks %s",
			  f->status.relay_lacks);
	else
		check_say(s, CHECK_OK, NULL, "%s%s%s, hook protocol %s", f->status.relay_version,
			  f->status.relay_base[0] ? ", base " : "", f->status.relay_base,
			  f->status.relay_protocol);
}

void rule_start(struct check_facts *f, struct check_say *s)
{
	if (!f->packaged || !f->systemd)
		check_say(s, CHECK_SKIP, NULL, "not started by systemd");
	else if (f->coturn_enabled && f->signald_enabled)
		check_say(s, CHECK_OK, NULL,
			  "coturn and signald start with the system (TURNSERVER_ENABLED has no "
			  "meaning to "
			  "systemd)");
	else
		check_say(s, CHECK_WARN, "systemctl enable coturn signald",
			  "%s%s%s not enabled at boot", f->coturn_enabled ? "" : "coturn",
			  f->coturn_enabled || f->signald_enabled ? "" : " and signald",
			  f->coturn_enabled && !f->signald_enabled ? "signald is" : " is");
}
