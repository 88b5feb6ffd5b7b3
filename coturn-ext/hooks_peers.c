/* hooks_peers.c - which peers coturn relays to, and how many an allocation may have */
#include "coturn_guard.h"
#include "hooks_priv.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <event2/event.h>

#include "guard.h"
#include "log.h"
#include "options.h"
#include "own_addresses.h"
#include "peer_policy.h"
#include "published.h"
#include "turn_admin_server.h"

#define TOKEN "peers"
#define LOOK_AGAIN_S 5 /* at the interfaces of this host */
#define EXTERNALS_MAX 256

/* Set before there are threads. */
static struct peer_policy policy;
static size_t permissions_max = OPTIONS_PERMISSIONS_DEFAULT;
static size_t channels_max = OPTIONS_CHANNELS_DEFAULT;
static ioa_addr externals[EXTERNALS_MAX];
static size_t externals_n;

static struct published own;	      /* NULL: the hook is not on */
static struct own_addresses *retired; /* somebody may still read it */

static const struct sockaddr *sa_of(const ioa_addr *address)
{
	return (const struct sockaddr *)&address->ss;
}

/* --- own addresses: main ------------------------------------------------------------- */

void coturn_guard_external_ip(const void *public_address, const void *private_address)
{
	const ioa_addr *both[] = { public_address, private_address };

	for (size_t i = 0; i < 2; i++) {
		if (externals_n == EXTERNALS_MAX) {
			log_warn(TOKEN,
				 "external-ip: more than %d addresses; others are no own addresses",
				 EXTERNALS_MAX);
			return;
		}
		addr_cpy(&externals[externals_n++], both[i]);
	}
}

static int add_named(struct own_addresses *o, char *const *names, size_t n, enum own_kind kind)
{
	ioa_addr address;
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		if (names[i] && make_ioa_addr((const uint8_t *)names[i], 0, &address) == 0)
			r = own_addresses_add(o, sa_of(&address), kind);
	return r;
}

/* Both sides of external-ip, in either of its forms. */
static int add_externals(struct own_addresses *o)
{
	int r = 0;

	if (turn_params.external_ip)
		r = own_addresses_add(o, sa_of(turn_params.external_ip), OWN_RELAY);
	for (size_t i = 0; i < externals_n && !r; i++)
		r = own_addresses_add(o, sa_of(&externals[i]), OWN_RELAY);
	return r;
}

/* A relayed transport address may be at any interface: turnserver chose them, or was told "all". */
static bool relays_anywhere(void)
{
	ioa_addr address;

	for (size_t i = 0; i < turn_params.relays_number; i++)
		if (make_ioa_addr((const uint8_t *)turn_params.relay_addrs[i], 0, &address) == 0 &&
		    addr_any_no_port(&address))
			return true;
	return turn_params.default_relays;
}

/* A host with more of them than we can keep serves all the same; who runs it has to know. */
static void warn_of_too_many(void)
{
	static bool warned;

	if (!warned)
		log_warn(TOKEN,
			 "this host has more than %d addresses: services at the others are peers",
			 OWN_ADDRESSES_MAX);
	warned = true;
}

/* coturn never chooses loopback by itself. */
static int add_interfaces(struct own_addresses *o)
{
	enum own_kind kind = relays_anywhere() ? OWN_RELAY : OWN_LOCAL;
	struct ifaddrs *all, *at;
	int r = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (at = all; at && !r; at = at->ifa_next)
		if (at->ifa_addr)
			r = own_addresses_add(o, at->ifa_addr,
					      at->ifa_flags & IFF_LOOPBACK ? OWN_LOCAL : kind);
	freeifaddrs(all);
	if (r == -ENOSPC)
		warn_of_too_many();
	return r == -ENOSPC ? 0 : r;
}

static struct own_addresses *look(void)
{
	struct own_addresses *o = own_addresses_new();
	int r;

	if (!o)
		return NULL;
	r = add_named(o, turn_params.relay_addrs, turn_params.relays_number, OWN_RELAY);
	if (!r)
		r = add_externals(o);
	if (!r)
		r = add_named(o, turn_params.listener.addrs, turn_params.listener.addrs_number,
			      OWN_LOCAL);
	if (!r)
		r = add_interfaces(o);
	if (!r)
		return o;
	own_addresses_free(o);
	errno = -r;
	return NULL;
}

/* Interfaces come and go. */
static void on_look(evutil_socket_t fd, short what, void *arg)
{
	static bool complained;
	struct own_addresses *now;

	(void)fd;
	(void)what;
	(void)arg;
	if (retired && !published_quiet(&own))
		return;
	own_addresses_free(retired);
	retired = NULL;
	now = look();
	if (!now && !complained)
		log_warn(TOKEN, "own addresses: %s; those found before stay", strerror(errno));
	complained = !now;
	if (now && own_addresses_same(now, published_get(&own)))
		own_addresses_free(now);
	else if (now)
		retired = published_replace(&own, now);
}

static bool is_listed(const ip_range_list_t *list, ioa_addr *address)
{
	for (size_t i = 0; i < list->ranges_number; i++)
		if (ioa_addr_in_range(&list->rs[i].enc, address))
			return true;
	return false;
}

/* The admin's own list goes before what we know; but two clients who may only use relays meet at
 * that address. */
static void warn_of_denied_relays(void)
{
	ioa_addr address;

	for (size_t i = 0; i < turn_params.relays_number; i++)
		if (make_ioa_addr((const uint8_t *)turn_params.relay_addrs[i], 0, &address) == 0 &&
		    is_listed(&turn_params.ip_blacklist, &address) &&
		    !is_listed(&turn_params.ip_whitelist, &address))
			log_warn(TOKEN,
				 "denied-peer-ip has the relay address %s: calls between two "
				 "clients of this server will fail; allowed-peer-ip=%s opens its "
				 "relay ports alone",
				 turn_params.relay_addrs[i], turn_params.relay_addrs[i]);
}

/* A port of turnserver itself that lies among those of relayed transport addresses is a peer as
 * they are: min-port and max-port are all that tells them apart. */
static void warn_of_reachable_ports(void)
{
	const struct {
		const char *name;
		bool on;
		int port;
	} services[] = {
		{ "listening-port", true, turn_params.listener_port },
		{ "tls-listening-port", !turn_params.no_tls || !turn_params.no_dtls,
		  turn_params.tls_listener_port },
		/* RFC 5780 takes two addresses; coturn switches it off later. */
		{ "alt-listening-port",
		  turn_params.rfc5780 && turn_params.listener.addrs_number > 1,
		  get_alt_listener_port() },
		{ "cli-port", use_cli, cli_port },
		{ "web-admin-port", use_web_admin, web_admin_port },
	};

	if (policy.allowed & PEER_OWN_PORTS)
		return;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (services[i].on && services[i].port >= policy.min_port &&
		    services[i].port <= policy.max_port)
			log_warn(TOKEN,
				 "%s %d lies within min-port %u and max-port %u: clients reach it "
				 "as a peer",
				 services[i].name, services[i].port, policy.min_port,
				 policy.max_port);
}

/* --- start ------------------------------------------------------------------------------ */

void peers_bound(const struct options *o)
{
	permissions_max = o->permissions_max;
	channels_max = o->channels_max;
}

int peers_open(const struct options *o)
{
	struct own_addresses *now;

	policy = (struct peer_policy){
		.allowed = o->allow_peers,
		.min_port = turn_params.min_port,
		.max_port = turn_params.max_port,
	};
	now = look();
	if (!now)
		return -errno;
	published_replace(&own, now);
	warn_of_denied_relays();
	warn_of_reachable_ports();
	return 0;
}

int peers_start(struct event_base *base)
{
	struct event *ev;

	if (!published_get(&own))
		return 0;
	ev = event_new(base, -1, EV_PERSIST, on_look, NULL);
	if (!ev || event_add(ev, &(const struct timeval){ .tv_sec = LOOK_AGAIN_S }) < 0)
		return -ENOMEM;
	return 0;
}

/* --- peers: relay threads ------------------------------------------------------------------ */

static enum peer_listed listed_of(enum coturn_guard_listed listed)
{
	static const enum peer_listed of[] = {
		[COTURN_GUARD_NOT_LISTED] = PEER_NOT_LISTED,
		[COTURN_GUARD_LISTED_ALLOWED] = PEER_LISTED_ALLOWED,
		[COTURN_GUARD_LISTED_DENIED] = PEER_LISTED_DENIED,
		[COTURN_GUARD_LISTED_LOOPBACK] = PEER_LISTED_LOOPBACK,
	};

	return of[listed];
}

static enum peer_verdict as_listed(enum peer_listed listed)
{
	return listed == PEER_NOT_LISTED || listed == PEER_LISTED_ALLOWED ? PEER_ALLOWED
									  : PEER_DENIED;
}

/* coturn's CLI may change allow-loopback-peers at any time. */
static struct peer_policy policy_now(void)
{
	struct peer_policy p = policy;

	if (turn_params.allow_loopback_peers)
		p.allowed |= PEER_LOOPBACK;
	return p;
}

static void count(enum peer_verdict verdict)
{
	if (verdict == PEER_DENIED)
		guard_count(GUARD_PEER_DENIED);
	else if (verdict == PEER_DENIED_PORT)
		guard_count(GUARD_PEER_OWN_PORT);
}

int coturn_guard_peer(const void *peer, enum coturn_guard_listed listed)
{
	const ioa_addr *address = peer;
	const struct own_addresses *o = published_enter(&own);
	const struct peer_policy p = policy_now();
	enum peer_verdict verdict = o ? peer_check(&p, o, sa_of(address), listed_of(listed))
				      : as_listed(listed_of(listed));

	published_leave(&own);
	count(verdict);
	return verdict == PEER_ALLOWED;
}

int coturn_guard_is_own(const void *peer)
{
	const ioa_addr *address = peer;
	const struct own_addresses *o = published_enter(&own);
	const struct peer_policy p = policy_now();
	bool is_own = o && peer_has_own_ports(&p, o, sa_of(address));

	published_leave(&own);
	return is_own;
}

int coturn_guard_own_port(const void *peer)
{
	int port = addr_get_port(peer);

	if (port >= policy.min_port && port <= policy.max_port)
		return 1;
	count(PEER_DENIED_PORT);
	return 0;
}

/* --- how many ------------------------------------------------------------------------------- */

static int within(size_t has, size_t more, size_t max, enum guard_counter counter)
{
	if (more <= max && has <= max - more)
		return 1;
	guard_count(counter);
	return 0;
}

int coturn_guard_permissions(size_t has, size_t more)
{
	return within(has, more, permissions_max, GUARD_PERMISSIONS_FULL);
}

int coturn_guard_channel(size_t has)
{
	return within(has, 1, channels_max, GUARD_CHANNELS_FULL);
}
