/* setup_firewall.c - what opens the ports: three tools, one table of openings */
#include "setup_plan.h"

struct opening {
	const char *protocol;
	uint16_t first, last; /* first 0: nothing */
};

/* "FIRST", or "FIRST-LAST" with the tool's own sign between. */
static void put_ports(FILE *out, const struct opening *o, char between)
{
	fprintf(out, "%u", o->first);
	if (o->last != o->first)
		fprintf(out, "%c%u", between, o->last);
}

static void put_ufw(FILE *out, const struct opening *o)
{
	fputs("ufw allow ", out);
	put_ports(out, o, ':');
	fprintf(out, "/%s\n", o->protocol);
}

static void put_nftables(FILE *out, const struct opening *o)
{
	fprintf(out, "nft add rule inet filter input %s dport ", o->protocol);
	put_ports(out, o, '-');
	fputs(" accept\n", out);
}

static void put_iptables(FILE *out, const struct opening *o)
{
	fprintf(out, "iptables -A INPUT -p %s --dport ", o->protocol);
	put_ports(out, o, ':');
	fputs(" -j ACCEPT\n", out);
}

static const struct {
	const char *title;
	void (*put)(FILE *out, const struct opening *o);
} tools[] = {
	{ "# ufw", put_ufw },
	{ "# or nftables, with the table and chain of Debian's /etc/nftables.conf", put_nftables },
	{ "# or iptables; ip6tables the same where there is IPv6", put_iptables },
};

/* Relayed addresses are UDP alone: on TCP nothing listens there. */
void setup_plan_firewall(const struct setup_plan *p, FILE *out)
{
	const struct opening openings[] = {
		{ "tcp", p->signald_open ? p->port : 0, p->port },
		{ "udp", p->turn_port, p->turn_port },
		{ "tcp", p->turn_port, p->turn_port },
		{ "tcp", p->turns_port, p->turns_port },
		{ "udp", p->min_port, p->max_port },
	};

	for (size_t t = 0; t < sizeof(tools) / sizeof(*tools); t++) {
		fprintf(out, "%s\n", tools[t].title);
		for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++)
			if (openings[i].first)
				tools[t].put(out, &openings[i]);
	}
}
