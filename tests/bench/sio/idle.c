/* idle.c - clients that join a room each and stay; in a storm they come back */
#include <errno.h>
#include <stdlib.h>

#include "load.h"

static struct load *load;
static struct client *clients;

static void on_ready(struct client *c)
{
	load_ready(load, c);
}

static void on_lost(struct client *c, int status)
{
	load_lost(load, c, status);
	load_open_again(load, c);
}

static const struct client_handler handler = { .on_ready = on_ready, .on_lost = on_lost };

static bool is_asked_for(const struct options *o)
{
	return o->idle > 0;
}

static int start(struct load *l)
{
	unsigned i;
	int rc = 0;

	load = l;
	clients = calloc(l->o.idle, sizeof(*clients));
	if (!clients)
		return -ENOMEM;
	for (i = 0; i < l->o.idle && !rc; i++) {
		client_init(&clients[i], &l->target, &handler, l, i);
		clients[i].via = (enum client_via)l->o.via;
		if (l->o.signald) /* no rooms there; a user is what comes nearest */
			snprintf(clients[i].hello, CLIENT_HELLO_MAX,
				 "42[\"user:join\",\"idle%u\"]\x1e"
				 "420[\"ice:request\",{\"userId\":\"idle%u\"}]",
				 i, i);
		else
			snprintf(clients[i].hello, CLIENT_HELLO_MAX, "420[\"join\",\"idle-%u\"]",
				 i);
		rc = load_add(l, &clients[i]);
	}
	return rc;
}

static void finish(void)
{
	free(clients);
}

const struct role idle_role = {
	.name = "idle",
	.is_asked_for = is_asked_for,
	.start = start,
	.finish = finish,
};
