/* check_rules_network.c - rules about certificates, ports and the firewall */
#include "check_rules_priv.h"

#include <inttypes.h>
#include <string.h>

#include "url.h"

#define EXPIRES_SOON_S (14 * 86400)

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
	if (!rule_flag(f, "no-udp"))
		one(f, s, "turnserver", rule_number(f, "listening-port", TURN_PORT), false);
	if (!rule_flag(f, "no-tcp"))
		one(f, s, "turnserver", rule_number(f, "listening-port", TURN_PORT), true);
	if (!rule_flag(f, "no-tls") && turnserver_conf_get(f->turn, "cert"))
		one(f, s, "turnserver", rule_number(f, "tls-listening-port", TURNS_PORT), true);
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
	if (strcmp(daemon, "signald") ? f->turn && rule_turnserver_on_loopback(f)
				      : rule_signald_on_loopback(f))
		return;
	if (port > 0 && port <= 65535 && !check_ufw_allows(f->ufw_rules, (uint16_t)port, tcp))
		check_say(s, CHECK_FAIL,
			  "ufw allow signald; ufw allow 'signald TURN', if the ports are those of "
			  "setup, which prints all commands.",
			  "ufw is on and lets nobody reach %d/%s", port, tcp ? "tcp" : "udp");
}

void rule_firewall(struct check_facts *f, struct check_say *s)
{
	int min = f->turn ? rule_number(f, "min-port", RELAY_MIN) : RELAY_MIN;
	int max = f->turn ? rule_number(f, "max-port", RELAY_MAX) : RELAY_MAX;

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
