/* calls.c - signald's vocabulary (PROTOCOL.md): join, call, accept, candidates */
#include <string.h>

#include "pairs.h"

/* The request is there for its acknowledgement, which says that the join has been read. */
void calls_hello(struct pair *p, struct client *c)
{
	char side = c == &p->a ? 'a' : 'b';

	snprintf(c->hello, CLIENT_HELLO_MAX,
		 "42[\"user:join\",\"%c%u\"]\x1e"
		 "420[\"ice:request\",{\"userId\":\"%c%u\"}]",
		 side, p->index, side, p->index);
}

void calls_event(const struct pair *p, char *before, size_t max, const char **after)
{
	snprintf(before, max, "42[\"ice:candidate\",{\"roomName\":\"call-%u\",\"candidate\":\"",
		 p->index);
	*after = "\",\"sdpMLineIndex\":0,\"sdpMid\":\"0\"}]";
}

void calls_begin(struct pair *p)
{
	char text[256];
	int n;

	if (p->is_up)
		return;
	n = snprintf(
		text, sizeof(text),
		"42[\"call:initiate\",{\"fromId\":\"a%u\",\"toId\":\"b%u\",\"callType\":\"video\","
		"\"roomName\":\"call-%u\",\"sdpOffer\":\"v=0\"}]",
		p->index, p->index, p->index);
	client_send(&p->a, text, (size_t)n);
}

static bool is_event(const char *packet, size_t n, const char *name)
{
	size_t len = strlen(name);

	return n > len + 2 && !memcmp(packet, "[\"", 2) && !memcmp(packet + 2, name, len);
}

void calls_packet(struct pair *p, struct client *c, const char *packet, size_t n)
{
	char text[256];
	int len;

	if (c == &p->b && is_event(packet, n, "call:incoming\"")) {
		len = snprintf(text, sizeof(text),
			       "42[\"call:accept\",{\"roomName\":\"call-%u\",\"sdpAnswer\":\"v=0\","
			       "\"fromId\":\"a%u\"}]",
			       p->index, p->index);
		client_send(c, text, (size_t)len);
	} else if (c == &p->a && is_event(packet, n, "call:answer\"")) {
		p->is_up = true;
	}
}
