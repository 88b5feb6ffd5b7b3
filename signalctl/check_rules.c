/* check_rules.c - the rules */
#include "check_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "setup_word.h"
#include "url.h"

#define QUOTA_OF_A_CALL 6 /* allocations that a phone makes: 3 addresses over 2 interfaces */
#define QUOTA_ROOM 12	  /* and once more when its network changes */
#define TOTAL_FEW 100	  /* allocations of some 16 calls */
#define EXPIRES_SOON_S (14 * 86400)
#define TURN_PORT 3478
#define TURNS_PORT 5349
#define RELAY_MIN 49152
#define RELAY_MAX 65535
#define SETUP "signalctl setup writes both files so that they agree"

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

/* Rules about turnserver.conf have nothing to say without one. */
static bool no_turn(const struct check_facts *f, struct check_say *s)
{
	if (f->turn)
		return false;
	check_say(s, CHECK_SKIP, NULL, "turnserver.conf was not read");
	return true;
}

static bool flag(const struct check_facts *f, const char *key)
{
	return turnserver_conf_flag(f->turn, key);
}

static int number(const struct check_facts *f, const char *key, int absent)
{
	return turnserver_conf_number(f->turn, key, absent);
}

static bool signald_serves_loopback_alone(const struct check_facts *f)
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
	    (f->packaged || !signald_serves_loopback_alone(f)))
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

/* --- what the files say ------------------------------------------------------------ */

static void placeholder_in(struct check_say *s, const char *file, const char *key,
			   const char *value)
{
	if (*value && setup_is_placeholder(value))
		check_say(s, CHECK_FAIL, "Put the real one there. " SETUP ".",
			  "%s: %s is only an example: %.100s", file, key, value);
}

static void placeholder_in_urls(struct check_say *s, const char *key, const struct config_list *l)
{
	struct net_target t;
	bool is_turn;

	for (size_t i = 0; i < l->n; i++)
		if (!url_ice(l->v[i], strlen(l->v[i]), &t, &is_turn) || !url_http(l->v[i], &t))
			placeholder_in(s, "signald.conf", key, t.host);
}

/* PUBLIC or PUBLIC/PRIVATE; each part. */
static void placeholder_in_parts(struct check_say *s, const char *key, const char *value)
{
	char part[128];
	size_t n = strcspn(value, "/");

	snprintf(part, sizeof(part), "%.*s", (int)(n < sizeof(part) ? n : sizeof(part) - 1), value);
	placeholder_in(s, "turnserver.conf", key, part);
	if (value[n])
		placeholder_in(s, "turnserver.conf", key, value + n + 1);
}

void rule_placeholder(struct check_facts *f, struct check_say *s)
{
	static const char *const keys[] = { "external-ip", "realm", "server-name", "listening-ip",
					    "relay-ip" };
	const struct turnserver_setting *t;

	placeholder_in_urls(s, "turn-urls", &f->config->turn_urls);
	placeholder_in_urls(s, "stun-urls", &f->config->stun_urls);
	placeholder_in_urls(s, "origins", &f->config->origins);
	for (size_t i = 0; f->turn && i < sizeof(keys) / sizeof(keys[0]); i++)
		for (t = NULL; (t = turnserver_conf_next(f->turn, keys[i], t));)
			placeholder_in_parts(s, keys[i], t->value);
	for (t = NULL; f->turn && (t = turnserver_conf_next(f->turn, "static-auth-secret", t));)
		if (setup_is_placeholder(t->value))
			check_say(s, CHECK_FAIL, SETUP ".",
				  "turnserver.conf: static-auth-secret is only an example");
	check_say(s, CHECK_OK, NULL, "none in the configuration");
}

static bool is_local(const struct check_facts *f, const char *address)
{
	for (size_t i = 0; i < f->local_n; i++)
		if (!strcmp(f->local[i], address))
			return true;
	return false;
}

/* What relayed addresses are of, without external-ip: the farthest that an address reaches. */
static enum setup_reach relay_reach(const struct check_facts *f)
{
	static const char *const keys[] = { "relay-ip", "listening-ip" };
	const struct turnserver_setting *t = NULL;
	enum setup_reach best = SETUP_NO_ADDRESS, r;

	for (size_t i = 0; i < 2 && best == SETUP_NO_ADDRESS; i++)
		for (t = NULL; (t = turnserver_conf_next(f->turn, keys[i], t));) {
			r = setup_reach(t->value);
			best = r > best ? r : best;
		}
	for (size_t i = 0; best == SETUP_NO_ADDRESS && i < f->local_n; i++)
		for (size_t j = 0; j < f->local_n; j++) {
			r = setup_reach(f->local[j]);
			best = r > best ? r : best;
		}
	return best;
}

/* An address among turn-urls that is not the one that is told to clients. */
static const char *other_address(const struct check_facts *f, const char *public)
{
	static struct net_target t;
	bool is_turn;

	for (size_t i = 0; i < f->config->turn_urls.n; i++) {
		const char *u = f->config->turn_urls.v[i];

		if (!url_ice(u, strlen(u), &t, &is_turn) && setup_reach(t.host) == SETUP_PUBLIC &&
		    setup_is_ipv6(t.host) == setup_is_ipv6(public) && strcmp(t.host, public))
			return t.host;
	}
	return NULL;
}

static void judge_external(const struct check_facts *f, struct check_say *s, const char *value)
{
	char public[CHECK_ADDRESS_MAX];
	const char *private = strchr(value, '/'), *other;
	size_t n = strcspn(value, "/");

	snprintf(public, sizeof(public), "%.*s", (int)n, value);
	private = private ? private + 1 : NULL;
	other = other_address(f, public);
	if (setup_reach(public) == SETUP_NO_ADDRESS)
		check_say(s, CHECK_FAIL, SETUP ".", "external-ip=%.100s is no address", value);
	else if (private && !is_local(f, private))
		check_say(s, CHECK_FAIL,
			  "Behind the slash stands this host's own address (ip address shows it).",
			  "external-ip=%.100s: no interface has %.60s", value, private);
	else if (other)
		check_say(s, CHECK_FAIL, "One of them is wrong. " SETUP ".",
			  "external-ip says %s, but turn-urls sends clients to %s", public, other);
	else if (setup_reach(public) != SETUP_PUBLIC)
		check_say(s, CHECK_WARN, "Right only when all clients are in that network.",
			  "external-ip=%s is not an address of the public Internet", public);
	else
		check_say(s, CHECK_OK, NULL, "%s%s%s", public,
			  private ? ", forwarded to " : ", told to clients",
			  private ? private : "");
}

void rule_external_ip(struct check_facts *f, struct check_say *s)
{
	const struct turnserver_setting *t = NULL;

	if (no_turn(f, s))
		return;
	while ((t = turnserver_conf_next(f->turn, "external-ip", t)))
		judge_external(f, s, t->value);
	if (*s->why)
		return;
	switch (relay_reach(f)) {
	case SETUP_PUBLIC:
		check_say(s, CHECK_OK, NULL, "not needed: this host has its public address itself");
		break;
	case SETUP_LOOPBACK:
		check_say(s, CHECK_SKIP, NULL, "turnserver serves on loopback alone");
		break;
	default:
		check_say(s, CHECK_WARN,
			  "Behind a NAT: external-ip=PUBLIC/PRIVATE. signalctl setup --external-ip "
			  "IP|auto "
			  "writes it. Without one only clients of this network can be relayed.",
			  "there is no external-ip, and this host has no public address");
	}
}

void rule_mechanism(struct check_facts *f, struct check_say *s)
{
	bool secret, lt;

	if (no_turn(f, s))
		return;
	secret = flag(f, "use-auth-secret") || turnserver_conf_get(f->turn, "static-auth-secret") ||
		 turnserver_conf_get(f->turn, "auth-secret-file");
	lt = flag(f, "lt-cred-mech");
	if (flag(f, "no-auth"))
		check_say(s, CHECK_FAIL, "Take no-auth out, and put use-auth-secret in.",
			  "no-auth: turnserver relays for everybody");
	else if (lt && secret)
		check_say(s, CHECK_FAIL, "Take lt-cred-mech out.",
			  "lt-cred-mech beside use-auth-secret: only one of them counts");
	else if (lt)
		check_say(s, CHECK_FAIL, "Put use-auth-secret in its place.",
			  "lt-cred-mech: signald's credentials, which expire, are not taken");
	else if (!secret && !f->packaged)
		check_say(s, CHECK_FAIL, "Put use-auth-secret into turnserver.conf.",
			  "neither use-auth-secret nor a secret is configured");
	else
		check_say(s, CHECK_OK, NULL, "credentials that expire (use-auth-secret)");
}

static void judge_two_files(const struct check_facts *f, struct check_say *s, const char *theirs)
{
	const char *ours = f->config->auth_secret_file;

	if (theirs && ours && !f->same_secret_file)
		check_say(s, CHECK_FAIL, "Both daemons must read one file. " SETUP ".",
			  "turnserver reads %.120s, signald %.120s", theirs, ours);
	else if (theirs && !ours)
		check_say(s, CHECK_FAIL, "Set auth-secret-file in signald.conf to that file.",
			  "signald does not read turnserver's auth-secret-file, %.120s", theirs);
	else if (!theirs && !f->static_secret)
		check_say(s, CHECK_FAIL, "Set auth-secret-file in turnserver.conf. " SETUP ".",
			  "turnserver has neither auth-secret-file nor static-auth-secret");
	else if (!theirs && ours && f->secret_active && !check_static_signs(f))
		check_say(s, CHECK_FAIL, "Set auth-secret-file in turnserver.conf to that file.",
			  "signald signs with %.120s, which turnserver does not read", ours);
	else if (!theirs && !f->config->turnserver_conf)
		check_say(
			s, CHECK_FAIL, "Give both daemons one auth-secret-file. " SETUP ".",
			"turnserver has only its static-auth-secret, and signald does not read it "
			"(turnserver-conf)");
}

void rule_secret(struct check_facts *f, struct check_say *s)
{
	const char *theirs;

	if (no_turn(f, s))
		return;
	theirs = check_turn_value(f, "auth-secret-file");
	judge_two_files(f, s, theirs);
	if (*f->secret_fault)
		check_say(s, CHECK_FAIL,
			  "Repair the file: shared secrets, one a line, for nobody else to "
			  "read. Or run this with sudo.",
			  "%s", f->secret_fault);
	else if (f->config->auth_secret_file && !f->secret_active && !f->static_secret)
		check_say(s, CHECK_FAIL, "signalctl secrets rotate makes a new one.",
			  "no secret of %s is active now", f->config->auth_secret_file);
	if (f->control_status == SIGNALCTL_DONE && !f->status.has_secret)
		check_say(
			s, CHECK_FAIL,
			"signalctl status says why. What was changed in the files is read when the "
			"daemons restart: systemctl restart coturn signald",
			"signald signs with no secret: it gives out no credentials");
	if (theirs && f->static_secret)
		check_say(s, CHECK_WARN,
			  "Take it out when no app uses it any more: it never changes, and who "
			  "knows it makes "
			  "credentials for ever.",
			  "turnserver.conf has a static-auth-secret besides the file");
	check_say(s, CHECK_OK, NULL, "both daemons read %s",
		  theirs ? theirs : "the static-auth-secret");
}

void rule_realm(struct check_facts *f, struct check_say *s)
{
	const char *realm;

	if (no_turn(f, s))
		return;
	realm = turnserver_conf_get(f->turn, "realm");
	if (*f->told_realm && realm && strcmp(realm, f->told_realm))
		check_say(s, CHECK_FAIL, "Restart it: systemctl restart coturn.",
			  "turnserver says realm %.100s, its file says %.100s: it reads another "
			  "file, or was "
			  "not restarted",
			  f->told_realm, realm);
	else if (!realm || !*realm)
		check_say(s, CHECK_WARN, "Set realm=YOUR-DOMAIN.",
			  "turnserver.conf has no realm%s%s", *f->told_realm ? "; it says " : "",
			  f->told_realm);
	else
		check_say(s, CHECK_OK, NULL, "%s%s", realm,
			  *f->told_realm ? ", as turnserver says it" : "");
}

static void judge_url(const struct check_facts *f, struct check_say *s, const char *url)
{
	static const char *const off[] = {
		[NET_UDP] = "no-udp", [NET_TCP] = "no-tcp", [NET_TLS] = "no-tls"
	};
	struct net_target t;
	bool is_turn;
	int port;

	if (url_ice(url, strlen(url), &t, &is_turn))
		return; /* signald does not start with it */
	port = t.transport == NET_TLS ? number(f, "tls-listening-port", TURNS_PORT)
				      : number(f, "listening-port", TURN_PORT);
	if (flag(f, off[t.transport]))
		check_say(s, CHECK_FAIL, SETUP ".", "%.120s: turnserver.conf has %s", url,
			  off[t.transport]);
	else if (t.transport == NET_TLS && !turnserver_conf_get(f->turn, "cert"))
		check_say(s, CHECK_FAIL, "signalctl setup --cert FILE --pkey FILE",
			  "%.120s: turnserver.conf has no cert", url);
	else if (t.port != port && t.port != number(f, "alt-listening-port", 0) &&
		 t.port != number(f, "alt-tls-listening-port", 0))
		check_say(s, CHECK_WARN,
			  "Right only when something forwards that port. Else: " SETUP ".",
			  "%.120s: turnserver listens on %d", url, port);
}

void rule_turn_urls(struct check_facts *f, struct check_say *s)
{
	const struct config_list *l = &f->config->turn_urls;
	bool tls = false;

	if (!l->n) {
		check_say(s, CHECK_FAIL, SETUP ".",
			  "signald.conf has no turn-urls: clients are given no relay");
		return;
	}
	if (no_turn(f, s))
		return;
	for (size_t i = 0; i < l->n; i++) {
		judge_url(f, s, l->v[i]);
		tls = tls || !strncmp(l->v[i], "turns:", 6);
	}
	check_say(s, CHECK_OK, NULL, "%zu, at ports of turnserver's%s", l->n,
		  tls ? "" : "; none is turns:, which networks need that let out TLS alone");
}

void rule_quota(struct check_facts *f, struct check_say *s)
{
	int user, total, ports;

	if (no_turn(f, s))
		return;
	user = number(f, "user-quota", 0);
	total = number(f, "total-quota", 0);
	ports = number(f, "max-port", RELAY_MAX) - number(f, "min-port", RELAY_MIN) + 1;
	if (ports <= 0)
		check_say(s, CHECK_FAIL, SETUP ".", "max-port is below min-port");
	if (ports > 0 && ports < 2 * QUOTA_OF_A_CALL)
		check_say(s, CHECK_WARN, "Widen min-port to max-port.",
			  "%d relay ports: a call of two phones may need %d", ports,
			  2 * QUOTA_OF_A_CALL);
	if (user && user < QUOTA_OF_A_CALL)
		check_say(s, CHECK_FAIL, "user-quota=60",
			  "user-quota=%d: a phone makes about %d allocations a call", user,
			  QUOTA_OF_A_CALL);
	if (total && total < 2 * QUOTA_ROOM)
		check_say(s, CHECK_FAIL,
			  "Leave total-quota out, or make it as large as the range of ports.",
			  "total-quota=%d: not enough for one call", total);
	if (user && user < QUOTA_ROOM)
		check_say(s, CHECK_WARN, "user-quota=60",
			  "user-quota=%d: too small for a phone that changes its network", user);
	if (!user)
		check_say(s, CHECK_WARN, "user-quota=60",
			  "there is no user-quota: one user can take every port");
	if (total && total < TOTAL_FEW)
		check_say(s, CHECK_WARN, "Make it as large as the range of ports.",
			  "total-quota=%d: about %d calls at a time", total,
			  total / QUOTA_OF_A_CALL);
	if (total > ports)
		check_say(s, CHECK_WARN, "Widen min-port to max-port, or lower total-quota.",
			  "total-quota=%d, but there are %d relay ports", total, ports);
	check_say(s, CHECK_OK, NULL, "user-quota=%d, %d relay ports", user, ports);
}

/* Settings that do harm, or nothing. */
static const struct bad_option {
	const char *key;
	enum check_result result;
	const char *why, *fix;
} bad_options[] = {
	{ "no-tlsv1_2", CHECK_FAIL, "no-tlsv1_2: this version of turnserver has no TLS left then",
	  "Take it out." },
	{ "allow-loopback-peers", CHECK_FAIL,
	  "allow-loopback-peers: clients reach what listens on this host's loopback",
	  "Take it out." },
	{ "mobility", CHECK_WARN,
	  "mobility is on: WebRTC does not use it, and it had several faults", "Take it out." },
	{ "no-loopback-peers", CHECK_WARN,
	  "no-loopback-peers is no option of turnserver: it does nothing",
	  "Take it out; loopback is refused anyway." },
	{ "verbose", CHECK_WARN, "verbose: the log has a line for all a client does",
	  "Take it out." },
	{ "Verbose", CHECK_WARN, "Verbose: the log has lines for every packet", "Take it out." },
	{ "web-admin", CHECK_WARN, "web-admin is on: one more way in",
	  "Take it out; signalctl is what you want." },
};

static bool serves_loopback_alone(const struct check_facts *f)
{
	return relay_reach(f) == SETUP_LOOPBACK;
}

void rule_options(struct check_facts *f, struct check_say *s)
{
	if (no_turn(f, s))
		return;
	for (size_t i = 0; i < sizeof(bad_options) / sizeof(bad_options[0]); i++) {
		const struct bad_option *o = &bad_options[i];

		if (turnserver_conf_get(f->turn, o->key) && flag(f, o->key) &&
		    !(o->result == CHECK_FAIL && serves_loopback_alone(f)))
			check_say(s, o->result, o->fix, "turnserver.conf: %s", o->why);
	}
	if (turnserver_conf_get(f->turn, "allowed-peer-ip") &&
	    !turnserver_conf_get(f->turn, "denied-peer-ip") &&
	    !check_turn_value(f, "admin-socket") && !check_turn_value(f, "auth-secret-file"))
		check_say(s, CHECK_WARN,
			  "Use turnserver with the hook, which denies private networks by itself.",
			  "turnserver.conf: allowed-peer-ip alone forbids nothing");
	check_say(s, CHECK_OK, NULL, "none that does harm");
}

/* --- certificates -------------------------------------------------------------------- */

static void judge_pair(const struct check_facts *f, struct check_say *s, const struct check_pair *p)
{
	int64_t left_s = p->pair.not_after_s - f->now_s;

	if (*p->unreadable)
		check_say(s, CHECK_FAIL,
			  "signalctl certificates copies it to where both daemons may read it.",
			  "%s: %s", p->daemon, p->unreadable);
	if (*p->fault)
		check_say(s, CHECK_FAIL,
			  "Renew it, and give both daemons the pair: signalctl certificates --cert "
			  "FILE --pkey FILE",
			  "%s: %.200s: %s", p->daemon, p->cert, p->fault);
	if (!p->read || *p->fault)
		return;
	if (*p->name && !p->pair.names_host)
		check_say(s, CHECK_FAIL, "Get one for that name: clients refuse this one.",
			  "%s: %.150s is not for %.100s", p->daemon, p->cert, p->name);
	if (p->pair.self_signed)
		check_say(s, CHECK_WARN,
			  "Get one that phones and browsers trust, as Let's Encrypt's are.",
			  "%s: %.150s is self-signed", p->daemon, p->cert);
	if (left_s < EXPIRES_SOON_S)
		check_say(s, CHECK_WARN,
			  "Renew it; the deploy hook of signalctl setup gives it to both daemons.",
			  "%s: %.150s expires in %" PRId64 " days", p->daemon, p->cert,
			  left_s / 86400);
}

void rule_certificates(struct check_facts *f, struct check_say *s)
{
	if (!f->pairs_n) {
		check_say(s, f->packaged ? CHECK_WARN : CHECK_SKIP,
			  f->packaged ? "signalctl setup --cert FILE --pkey FILE" : NULL,
			  "neither daemon has a certificate: no https, no turns:");
		return;
	}
	for (size_t i = 0; i < f->pairs_n; i++)
		judge_pair(f, s, &f->pair[i]);
	check_say(s, CHECK_OK, NULL, "%zu, good for %" PRId64 " days%s%s", f->pairs_n,
		  (f->pair[0].pair.not_after_s - f->now_s) / 86400, *f->name ? ", for " : "",
		  f->name);
}

/* --- ports ----------------------------------------------------------------------------- */

static void want(const struct check_facts *f, struct check_say *s, const char *daemon, int port,
		 bool tcp)
{
	if (port > 0 && port <= 65535 && !check_listens(f, (uint16_t)port, tcp))
		check_say(s, CHECK_FAIL,
			  "Is it running, and did its log say that the port is taken? systemctl "
			  "status coturn "
			  "signald.",
			  "%s does not listen on %d/%s", daemon, port, tcp ? "tcp" : "udp");
}

static void each_port(const struct check_facts *f, struct check_say *s,
		      void (*one)(const struct check_facts *, struct check_say *, const char *, int,
				  bool))
{
	struct net_target t;

	for (size_t i = 0; i < f->config->listen.n; i++)
		if (!url_endpoint(f->config->listen.v[i], &t))
			one(f, s, "signald", t.port, true);
	if (!f->turn)
		return;
	if (!flag(f, "no-udp"))
		one(f, s, "turnserver", number(f, "listening-port", TURN_PORT), false);
	if (!flag(f, "no-tcp"))
		one(f, s, "turnserver", number(f, "listening-port", TURN_PORT), true);
	if (!flag(f, "no-tls") && turnserver_conf_get(f->turn, "cert"))
		one(f, s, "turnserver", number(f, "tls-listening-port", TURNS_PORT), true);
}

void rule_ports(struct check_facts *f, struct check_say *s)
{
	if (!f->listeners.any) {
		check_say(s, CHECK_SKIP, NULL, "the kernel does not show what listens");
		return;
	}
	each_port(f, s, want);
	check_say(s, CHECK_OK, NULL, "both daemons listen on those of their configurations");
}

static void want_open(const struct check_facts *f, struct check_say *s, const char *daemon,
		      int port, bool tcp)
{
	/* What others cannot reach anyway needs no rule. */
	if (strcmp(daemon, "signald") ? f->turn && serves_loopback_alone(f)
				      : signald_serves_loopback_alone(f))
		return;
	if (port > 0 && port <= 65535 && !check_ufw_allows(f->ufw_rules, (uint16_t)port, tcp))
		check_say(s, CHECK_FAIL,
			  "ufw allow Signald; ufw allow that port. signalctl setup prints the "
			  "commands.",
			  "ufw is on and lets nobody reach %d/%s", port, tcp ? "tcp" : "udp");
}

void rule_firewall(struct check_facts *f, struct check_say *s)
{
	int min = f->turn ? number(f, "min-port", RELAY_MIN) : RELAY_MIN;
	int max = f->turn ? number(f, "max-port", RELAY_MAX) : RELAY_MAX;

	if (f->ufw_enabled && f->ufw_open) {
		check_say(s, CHECK_OK, NULL, "ufw lets in what no rule of its forbids");
		return;
	}
	if (f->ufw_enabled && f->ufw_readable && f->ufw_rules) {
		each_port(f, s, want_open);
		want_open(f, s, "turnserver", min, false);
		want_open(f, s, "turnserver", max, false);
		check_say(s, CHECK_OK, NULL,
			  "ufw lets all ports in. Your provider's firewall cannot be seen from "
			  "here: signalctl "
			  "try --url from elsewhere");
		return;
	}
	check_say(s, CHECK_SKIP, NULL,
		  "%s. Clients need the ports of both daemons, and UDP %d to %d: signalctl setup "
		  "prints the "
		  "commands",
		  f->ufw_enabled ? "ufw is on, but its rules are not ours to read"
				 : "ufw is not on",
		  min, max);
}
