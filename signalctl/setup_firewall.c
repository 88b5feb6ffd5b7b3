/* setup_firewall.c - what opens the ports: three tools, one table of openings */
#include "setup_plan.h"

/* "FIRST", or "FIRST-LAST" with the tool's own sign between. */
static void put_ports(FILE *out, const struct setup_opening *o, char between)
{
	fprintf(out, "%u", o->first);
	if (o->last != o->first)
		fprintf(out, "%c%u", between, o->last);
}

static void put_ufw(FILE *out, const struct setup_opening *o)
{
	fputs("ufw allow ", out);
	put_ports(out, o, ':');
	fprintf(out, "/%s\n", o->protocol);
}

static void put_nftables(FILE *out, const struct setup_opening *o)
{
	fprintf(out, "nft add rule inet filter input %s dport ", o->protocol);
	put_ports(out, o, '-');
	fputs(" accept\n", out);
}

static void put_iptables(FILE *out, const struct setup_opening *o)
{
	fprintf(out, "iptables -I INPUT -p %s --dport ", o->protocol);
	put_ports(out, o, ':');
	fputs(" -j ACCEPT\n", out);
}

static const struct {
	const char *title;
	void (*put)(FILE *out, const struct setup_opening *o);
} tools[] = {
	{ "# ufw", put_ufw },
	{ "# or nftables, with the table and chain of Debian's /etc/nftables.conf", put_nftables },
	{ "# or iptables; ip6tables the same where there is IPv6", put_iptables },
};

/* Relayed addresses are UDP alone: on TCP nothing listens there. */
size_t setup_plan_openings(const struct setup_plan *p, struct setup_opening out[SETUP_OPENINGS_MAX])
{
	const struct setup_opening all[SETUP_OPENINGS_MAX] = {
		{ "tcp", p->signald_open ? p->port : 0, p->port },
		{ "udp", p->turn_port, p->turn_port },
		{ "tcp", p->turn_port, p->turn_port },
		{ "tcp", p->turns_port, p->turns_port },
		{ "udp", p->min_port, p->max_port },
	};
	size_t n = 0;

	for (size_t i = 0; i < SETUP_OPENINGS_MAX && !p->loopback; i++)
		if (all[i].first)
			out[n++] = all[i];
	return n;
}

void setup_plan_firewall(const struct setup_plan *p, FILE *out)
{
	struct setup_opening openings[SETUP_OPENINGS_MAX];
	size_t n = setup_plan_openings(p, openings);

	for (size_t t = 0; t < sizeof(tools) / sizeof(*tools); t++) {
		fprintf(out, "%s\n", tools[t].title);
		for (size_t i = 0; i < n; i++)
			tools[t].put(out, &openings[i]);
	}
}
