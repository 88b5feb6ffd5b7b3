/* check_rules_files.c - rules about what the two configurations say, alone and together */
#include "check_rules_priv.h"

#include <stdlib.h>
#include <string.h>

#include "setup_word.h"
#include "url.h"

#define QUOTA_OF_A_CALL 6 /* allocations that a phone makes: 3 addresses over 2 interfaces */
#define QUOTA_ROOM 12	  /* and once more when its network changes */
#define TOTAL_FEW 100	  /* allocations of some 16 calls */
#define SETUP "signalctl setup writes both files so that they agree"

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

	if (rule_without_turn(f, s))
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

	if (rule_without_turn(f, s))
		return;
	secret = rule_flag(f, "use-auth-secret") ||
		 turnserver_conf_get(f->turn, "static-auth-secret") ||
		 turnserver_conf_get(f->turn, "auth-secret-file");
	lt = rule_flag(f, "lt-cred-mech");
	if (rule_flag(f, "no-auth"))
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

	if (rule_without_turn(f, s))
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

	if (rule_without_turn(f, s))
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
	port = t.transport == NET_TLS ? rule_number(f, "tls-listening-port", TURNS_PORT)
				      : rule_number(f, "listening-port", TURN_PORT);
	if (rule_flag(f, off[t.transport]))
		check_say(s, CHECK_FAIL, SETUP ".", "%.120s: turnserver.conf has %s", url,
			  off[t.transport]);
	else if (t.transport == NET_TLS && !turnserver_conf_get(f->turn, "cert"))
		check_say(s, CHECK_FAIL, "signalctl setup --cert FILE --pkey FILE",
			  "%.120s: turnserver.conf has no cert", url);
	else if (t.port != port && t.port != rule_number(f, "alt-listening-port", 0) &&
		 t.port != rule_number(f, "alt-tls-listening-port", 0))
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
	if (rule_without_turn(f, s))
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

	if (rule_without_turn(f, s))
		return;
	user = rule_number(f, "user-quota", 0);
	total = rule_number(f, "total-quota", 0);
	ports = rule_number(f, "max-port", RELAY_MAX) - rule_number(f, "min-port", RELAY_MIN) + 1;
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

bool rule_turnserver_on_loopback(const struct check_facts *f)
{
	return relay_reach(f) == SETUP_LOOPBACK;
}

void rule_options(struct check_facts *f, struct check_say *s)
{
	if (rule_without_turn(f, s))
		return;
	for (size_t i = 0; i < sizeof(bad_options) / sizeof(bad_options[0]); i++) {
		const struct bad_option *o = &bad_options[i];

		if (turnserver_conf_get(f->turn, o->key) && rule_flag(f, o->key) &&
		    !(o->result == CHECK_FAIL && rule_turnserver_on_loopback(f)))
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
