/* places.c - addresses and names out of a configuration */
#include "places.h"

#include <errno.h>
#include <string.h>

#include "url.h"

void place_name(const struct config *c, char name[NET_HOST_MAX + 1])
{
	struct net_target t;
	bool is_turn;

	name[0] = '\0';
	for (size_t i = 0; i < c->origins.n && !*name; i++)
		if (!url_http(c->origins.v[i], &t) && !url_is_address(t.host) &&
		    strcmp(t.host, "localhost"))
			strcpy(name, t.host);
	for (size_t i = 0; i < c->turn_urls.n && !*name; i++)
		if (!url_ice(c->turn_urls.v[i], strlen(c->turn_urls.v[i]), &t, &is_turn) &&
		    !url_is_address(t.host))
			strcpy(name, t.host);
}

int place_of_signald(const struct config *c, bool plain, size_t i, char name[NET_HOST_MAX + 1],
		     struct net_target *out)
{
	const struct config_list *l = plain ? &c->listen_plain : &c->listen;

	if (i >= l->n)
		return -ENOENT;
	if (url_endpoint(l->v[i], out))
		return -EINVAL;
	if (!plain && c->cert.n)
		out->transport = NET_TLS;
	place_name(c, name);
	if (*name)
		out->name = name;
	return 0;
}
