/* places.c - addresses and names out of a configuration */
#include "places.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "transport/address_set.h"

#include "url.h"

static bool name_of_origin(const char *origin, struct net_target *t)
{
	return !url_http(origin, t) && !url_is_address(t->host) && strcmp(t->host, "localhost");
}

static bool name_of_turn(const char *uri, struct net_target *t)
{
	bool is_turn;

	return !url_ice(uri, strlen(uri), t, &is_turn) && !url_is_address(t->host);
}

/* That of the first turns: address. */
static bool turns_host(const struct config *c, struct net_target *t)
{
	bool is_turn;

	for (size_t i = 0; i < c->turn_urls.n; i++)
		if (!url_ice(c->turn_urls.v[i], strlen(c->turn_urls.v[i]), t, &is_turn) &&
		    t->transport == NET_TLS)
			return true;
	return false;
}

static bool is_origin(const struct config *c, const char *host)
{
	struct net_target t;

	for (size_t i = 0; i < c->origins.n; i++)
		if (name_of_origin(c->origins.v[i], &t) && !strcasecmp(t.host, host))
			return true;
	return false;
}

/* A page's name that TURN has, too, is this host's: as setup writes them, beside the realm's, whose
 * pages may come from elsewhere. Where it has an address in place of a name, so has the
 * certificate, which turns: needs, too. */
void place_name(const struct config *c, char name[NET_HOST_MAX + 1])
{
	struct net_target t;

	name[0] = '\0';
	for (size_t i = 0; i < c->turn_urls.n && !*name; i++)
		if (name_of_turn(c->turn_urls.v[i], &t) && is_origin(c, t.host))
			strcpy(name, t.host);
	if (!*name && turns_host(c, &t) && url_is_address(t.host))
		strcpy(name, t.host);
	for (size_t i = 0; i < c->origins.n && !*name; i++)
		if (name_of_origin(c->origins.v[i], &t))
			strcpy(name, t.host);
	for (size_t i = 0; i < c->turn_urls.n && !*name; i++)
		if (name_of_turn(c->turn_urls.v[i], &t))
			strcpy(name, t.host);
}

void place_turns_name(const struct config *c, char name[NET_HOST_MAX + 1])
{
	struct net_target t;

	strcpy(name, turns_host(c, &t) ? t.host : "");
}

/* To an address of this host one comes from the same, and to all of 127/8 from its first one: is a
 * PROXY header due from there? */
static bool is_balancer(const struct config *c, const char *host)
{
	struct client_address a;
	struct address_set *s;
	const char *bad;
	bool has;

	if (!strncmp(host, "127.", 4))
		host = "127.0.0.1";
	if (!c->proxy_protocol_from.n || !address_read(&a, host, strlen(host)) ||
	    address_set_new(&s, (const char *const *)c->proxy_protocol_from.v, &bad))
		return false;
	has = address_set_has(s, &a);
	address_set_free(s);
	return has;
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
	if (is_balancer(c, out->host))
		out->preamble = "PROXY UNKNOWN\r\n";
	place_name(c, name);
	if (*name)
		out->name = name;
	return 0;
}
