/* report.c - what the swarm tells: one JSON object a line, on stdout
 *
 * Nothing in it needs escaping: words of ours, names of the TURN grammar. */
#include "report.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>

static const char *const direction_names[DIRECTIONS] = { "toPeer", "toClient" };

/* As turnserver writes them: 192.0.2.1:1 and [2001:db8::1]:1. */
static void address_text(const struct sockaddr_storage *a, char *out, size_t size)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;
	char ip[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (a->ss_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip)))
		snprintf(out, size, "%s:%u", ip, ntohs(v4->sin_port));
	else if (a->ss_family == AF_INET6 && inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip)))
		snprintf(out, size, "[%s]:%u", ip, ntohs(v6->sin6_port));
}

void report_ready(uint64_t relaying, uint64_t failed)
{
	printf("{\"e\":\"ready\",\"relaying\":%" PRIu64 ",\"failed\":%" PRIu64 "}\n", relaying,
	       failed);
	fflush(stdout);
}

static void print_flow(const char *name, const struct flow *f)
{
	printf(",\"%s\":{\"sent\":%" PRIu64 ",\"sentBytes\":%" PRIu64 ",\"packets\":%" PRIu64
	       ",\"bytes\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"damaged\":%" PRIu64
	       ",\"late\":%" PRIu64 ",\"first_ms\":%.3f,\"last_ms\":%.3f}",
	       name, f->sent, f->sent_bytes, f->received, f->received_bytes, flow_gaps(f),
	       f->damaged, f->late, (double)f->first_us / 1000, (double)f->last_us / 1000);
}

void report_allocation(struct client *c, struct report_sums *sums)
{
	const struct client_plan *p = client_plan(c);
	char local[80], relayed[80];
	int d;

	address_text(client_local(c), local, sizeof(local));
	address_text(client_relayed(c), relayed, sizeof(relayed));
	printf("{\"e\":\"allocation\",\"n\":%u,\"name\":\"%s\",\"transport\":\"%s\",\"via\":\"%s\","
	       "\"client\":\"%s\",\"relayed\":\"%s\",\"allocated\":%s,\"state\":\"%s\",\"end\":\"%"
	       "s\","
	       "\"error\":%u,\"why\":\"%s\"",
	       p->index, p->name, transport_names[p->transport], p->channel ? "channel" : "send",
	       local, relayed, relayed[0] ? "true" : "false", client_state_names[client_state(c)],
	       client_end_names[p->end], client_error(c), client_why(c));
	sums->allocations++;
	sums->states[client_state(c)]++;
	sums->overflowed += client_overflowed(c);
	for (d = 0; d < DIRECTIONS; d++) {
		const struct flow *f = client_flow(c, (enum direction)d);

		print_flow(direction_names[d], f);
		sums->sent[d] += f->sent;
		sums->received[d] += f->received;
		sums->gaps += flow_gaps(f);
		sums->damaged += f->damaged;
		sums->late += f->late;
	}
	printf("}\n");
}

void report_summary(const struct report_sums *s, const char *stopped_by)
{
	int i;

	printf("{\"e\":\"summary\",\"stoppedBy\":\"%s\",\"allocations\":%" PRIu64, stopped_by,
	       s->allocations);
	for (i = 0; i < 6; i++)
		printf(",\"%s\":%" PRIu64, client_state_names[i], s->states[i]);
	for (i = 0; i < DIRECTIONS; i++)
		printf(",\"%s\":{\"sent\":%" PRIu64 ",\"packets\":%" PRIu64 "}", direction_names[i],
		       s->sent[i], s->received[i]);
	printf(",\"gaps\":%" PRIu64 ",\"damaged\":%" PRIu64 ",\"late\":%" PRIu64
	       ",\"overflowed\":%" PRIu64 ",\"stray\":%" PRIu64 "}\n",
	       s->gaps, s->damaged, s->late, s->overflowed, s->stray);
	fflush(stdout);
}
