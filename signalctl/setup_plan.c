/* setup_plan.c - see setup_plan.h */
#include "setup_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "setup_word.h"

#define DEFAULT_PORT 449 /* where clients of the service that signald replaces look for it */
#define DEFAULT_TURN_PORT 3478
#define DEFAULT_TURNS_PORT 5349
#define DEFAULT_MIN_PORT 49152
#define DEFAULT_MAX_PORT 59151

/* What an example shows when there is no value. */
static const struct {
	const char *name, *example;
} names[NAMES_N] = {
	[NAME_ADMIN_SOCKET] = { "ADMIN_SOCKET", "/run/turnserver/admin.sock" },
	[NAME_ADMIN_SOCKET_USER] = { "ADMIN_SOCKET_USER", "signald" },
	[NAME_ADMIN_STATE_DIR] = { "ADMIN_STATE_DIR", "/var/lib/turn" },
	[NAME_AUTH_SECRET_FILE] = { "AUTH_SECRET_FILE", "/etc/coturn/auth/auth-secrets" },
	[NAME_TURN_PORT] = { "TURN_PORT", "3478" },
	[NAME_LISTENING_IP] = { "LISTENING_IP", "ADDRESS" },
	[NAME_RELAY_IP] = { "RELAY_IP", "ADDRESS" },
	[NAME_RELAY_FAMILY] = { "RELAY_FAMILY", "ipv6" },
	[NAME_EXTERNAL_IP] = { "EXTERNAL_IP", "PUBLIC/PRIVATE" },
	[NAME_MIN_PORT] = { "MIN_PORT", "49152" },
	[NAME_MAX_PORT] = { "MAX_PORT", "59151" },
	[NAME_REALM] = { "REALM", "REALM" },
	[NAME_TOTAL_QUOTA] = { "TOTAL_QUOTA", "10000" },
	[NAME_NO_TLS] = { "NO_TLS", "no-tls" },
	[NAME_TLS_PORT] = { "TLS_PORT", "5349" },
	[NAME_CERT] = { "CERT", "/etc/coturn/tls/current/fullchain.pem" },
	[NAME_PKEY] = { "PKEY", "/etc/coturn/tls/current/privkey.pem" },
	[NAME_USERDB] = { "USERDB", "/var/lib/turn/turndb" },
	[NAME_PIDFILE] = { "PIDFILE", "/run/turnserver/turnserver.pid" },
	[NAME_LISTEN] = { "LISTEN", "127.0.0.1:449" },
	[NAME_RELAY_SOCKET] = { "RELAY_SOCKET", "/run/turnserver/admin.sock" },
	[NAME_STATE_DIR] = { "STATE_DIR", "/var/lib/signald" },
	[NAME_ADMIN_TOKEN_FILE] = { "ADMIN_TOKEN_FILE", "/etc/signald/admin-token" },
	[NAME_CONTROL_SOCKET] = { "CONTROL_SOCKET", "/run/signald/control.sock" },
	[NAME_AUTH] = { "AUTH", "open" },
	[NAME_TOKEN_KEY] = { "TOKEN_KEY", "ES256:2026:/etc/signald/token.pem" },
	[NAME_TURN_URLS] = { "TURN_URLS", "turn:turn.example.org:3478?transport=udp" },
	[NAME_STUN_URLS] = { "STUN_URLS", "stun:turn.example.org:3478" },
	[NAME_ORIGINS] = { "ORIGINS", "https://chat.example.org" },
	[NAME_DEMO_DIR] = { "DEMO_DIR", "/srv/signald/demo" },
};

__attribute__((format(printf, 2, 3))) static int refuse(struct setup_plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error, sizeof(p->error), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* A line more for people; what does not fit is left out. */
__attribute__((format(printf, 2, 3))) static void note(struct setup_plan *p, const char *fmt, ...)
{
	size_t n = strlen(p->note);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->note + n, sizeof(p->note) - n, fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 3, 4))) static int add(struct setup_plan *p, enum setup_name name,
						     const char *fmt, ...)
{
	struct setup_value *v = &p->value[name];
	va_list ap;
	int r;

	if (v->n == SETUP_VALUES_MAX)
		return refuse(p, "more than %d addresses", SETUP_VALUES_MAX);
	va_start(ap, fmt);
	r = vasprintf(&v->v[v->n], fmt, ap);
	va_end(ap);
	if (r < 0)
		return -ENOMEM;
	v->n++;
	return 0;
}

static bool has(const struct setup_value *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->v[i], text))
			return true;
	return false;
}

/* The next entry of a list, copied; false at its end. One too long is cut, and wrong then. An
 * address is spelled as the kernel's are. */
static bool next_entry(const char **list, char *out, size_t size)
{
	const char *p = *list + strspn(*list, ", ");
	size_t n = strcspn(p, ", ");

	*list = p + n;
	snprintf(out, size, "%.*s", (int)n, p);
	setup_address_respell(out, size);
	return n > 0;
}

/* "[ADDRESS]" for IPv6 */
static const char *bracketed(const char *host, char *out, size_t size)
{
	snprintf(out, size, setup_is_ipv6(host) ? "[%s]" : "%s", host);
	return out;
}

static bool is_listed(const struct setup_facts *facts, const char *address)
{
	for (size_t i = 0; i < facts->local_n; i++)
		if (!strcmp(facts->local[i], address))
			return true;
	return false;
}

/* All of 127.0.0.0/8 is, listed or not. */
static bool is_local(const struct setup_facts *facts, const char *address)
{
	return is_listed(facts, address) || setup_reach(address) == SETUP_LOOPBACK;
}

/* --- paths ------------------------------------------------------------------------- */

static const struct {
	const char *installed, *own;
	bool socket;
} places[SETUP_PATHS_N] = {
	[SETUP_TURNSERVER_CONF] = { "/etc/turnserver.conf", "/turnserver.conf", false },
	[SETUP_SIGNALD_CONF] = { "/etc/signald/signald.conf", "/signald.conf", false },
	[SETUP_AUTH_SECRETS] = { "/etc/coturn/auth/auth-secrets", "/auth-secrets", false },
	[SETUP_ADMIN_TOKEN] = { "/etc/signald/admin-token", "/admin-token", false },
	[SETUP_TOKEN_KEY] = { "/etc/signald/token-key", "/token-key", false },
	[SETUP_TLS_DIR] = { "/etc/coturn/tls", "/tls", false },
	[SETUP_STATE_DIR] = { "/var/lib/signald", "", false },
	[SETUP_ADMIN_STATE_DIR] = { "/var/lib/turn", "", false },
	[SETUP_ADMIN_SOCKET] = { "/run/turnserver/admin.sock", "/turn-admin.sock", true },
	[SETUP_CONTROL_SOCKET] = { "/run/signald/control.sock", "/control.sock", true },
	[SETUP_USERDB] = { "/var/lib/turn/turndb", "/turndb", false },
	[SETUP_PIDFILE] = { "", "/turnserver.own-pid", false },
};

int setup_paths(char path[SETUP_PATHS_N][SETUP_PATH_BYTES], const char *dir, const char *socket_dir)
{
	for (int i = 0; i < SETUP_PATHS_N; i++) {
		const char *base = places[i].socket && socket_dir ? socket_dir : dir;
		int n = snprintf(path[i], SETUP_PATH_BYTES, "%s%s", dir ? base : "",
				 dir ? places[i].own : places[i].installed);

		if (n >= SETUP_PATH_BYTES)
			return -ENAMETOOLONG;
	}
	return 0;
}

static int decide_paths(struct setup_plan *p, const struct setup_options *o,
			const struct setup_facts *facts)
{
	static const struct {
		enum setup_name name;
		enum setup_path path;
	} said[] = {
		{ NAME_ADMIN_SOCKET, SETUP_ADMIN_SOCKET },
		{ NAME_ADMIN_STATE_DIR, SETUP_ADMIN_STATE_DIR },
		{ NAME_AUTH_SECRET_FILE, SETUP_AUTH_SECRETS },
		{ NAME_USERDB, SETUP_USERDB },
		{ NAME_PIDFILE, SETUP_PIDFILE },
		{ NAME_RELAY_SOCKET, SETUP_ADMIN_SOCKET },
		{ NAME_STATE_DIR, SETUP_STATE_DIR },
		{ NAME_ADMIN_TOKEN_FILE, SETUP_ADMIN_TOKEN },
		{ NAME_CONTROL_SOCKET, SETUP_CONTROL_SOCKET },
	};
	int r = 0;

	(void)facts;
	if (setup_paths(p->path, o->dir, o->socket_dir))
		return refuse(p, "--dir: the path is too long");
	for (size_t i = 0; i < sizeof(said) / sizeof(*said) && !r; i++)
		if (*p->path[said[i].path])
			r = add(p, said[i].name, "%s", p->path[said[i].path]);
	if (!r && !o->dir)
		r = add(p, NAME_ADMIN_SOCKET_USER, "signald");
	if (!r && o->demo_dir)
		r = add(p, NAME_DEMO_DIR, "%s", o->demo_dir);
	return r;
}

/* --- words ------------------------------------------------------------------------- */

/* An address of this host is no example, whatever it is kept for: networks for tests have such. */
static int judge_word(struct setup_plan *p, const struct setup_facts *facts, const char *option,
		      const char *word, const char *(*wrong)(const char *))
{
	const char *why;

	if (!word || !*word)
		return refuse(p, "--%s is missing", option);
	if (setup_is_placeholder(word) && !is_local(facts, word))
		return refuse(p, "--%s: '%.100s' is an example; give your own", option, word);
	why = wrong(word);
	return why ? refuse(p, "--%s: '%.100s' %s", option, word, why) : 0;
}

static int judge_path(struct setup_plan *p, const char *option, const char *path)
{
	const char *why = path ? setup_path_wrong(path) : NULL;

	return why ? refuse(p, "--%s: the path %s", option, why) : 0;
}

static int judge(struct setup_plan *p, const struct setup_options *o,
		 const struct setup_facts *facts)
{
	int r = judge_word(p, facts, "realm", o->realm, setup_realm_wrong);

	if (!r)
		r = judge_word(p, facts, "host", o->host, setup_host_wrong);
	if (!r)
		r = judge_path(p, "dir", o->dir);
	if (!r)
		r = judge_path(p, "socket-dir", o->socket_dir);
	if (!r)
		r = judge_path(p, "demo-dir", o->demo_dir);
	return r ? r : add(p, NAME_REALM, "%s", o->realm);
}

/* --- ports ------------------------------------------------------------------------- */

static int take_port(struct setup_plan *p, const char *option, const char *text, uint16_t *out)
{
	if (text && !setup_port(text, out))
		return refuse(p, "--%s: '%.40s' is not a port", option, text);
	return 0;
}

/* No port twice, and none among the relay ports. */
static int judge_ports(struct setup_plan *p)
{
	const struct {
		const char *option;
		uint16_t port;
	} v[] = { { "port", p->port },
		  { "turn-port", p->turn_port },
		  { "turns-port", p->turns_port } };

	for (size_t i = 0; i < 3; i++) {
		if (v[i].port >= p->min_port && v[i].port <= p->max_port)
			return refuse(p, "--%s %u is among the relay ports %u-%u", v[i].option,
				      v[i].port, p->min_port, p->max_port);
		for (size_t k = 0; k < i; k++)
			if (v[i].port == v[k].port)
				return refuse(p, "--%s and --%s are both %u", v[k].option,
					      v[i].option, v[i].port);
	}
	return 0;
}

static int decide_ports(struct setup_plan *p, const struct setup_options *o,
			const struct setup_facts *facts)
{
	int r;

	(void)facts;
	p->port = DEFAULT_PORT;
	p->turn_port = DEFAULT_TURN_PORT;
	p->turns_port = o->tls || o->turns_port ? DEFAULT_TURNS_PORT : 0;
	p->min_port = DEFAULT_MIN_PORT;
	p->max_port = DEFAULT_MAX_PORT;
	if (take_port(p, "port", o->port, &p->port) ||
	    take_port(p, "turn-port", o->turn_port, &p->turn_port) ||
	    take_port(p, "turns-port", o->turns_port, &p->turns_port))
		return -EINVAL;
	if (o->relay_ports && !setup_port_range(o->relay_ports, &p->min_port, &p->max_port))
		return refuse(p, "--relay-ports: '%.40s' is not MIN-MAX", o->relay_ports);
	r = judge_ports(p);
	if (!o->tls)
		p->turns_port = 0;
	if (!r)
		r = add(p, NAME_TURN_PORT, "%u", p->turn_port);
	if (!r)
		r = add(p, NAME_MIN_PORT, "%u", p->min_port);
	if (!r)
		r = add(p, NAME_MAX_PORT, "%u", p->max_port);
	return r ? r : add(p, NAME_TOTAL_QUOTA, "%u", p->max_port - p->min_port + 1U);
}

/* --- addresses --------------------------------------------------------------------- */

static int add_once(struct setup_plan *p, enum setup_name name, const char *address)
{
	return has(&p->value[name], address) ? 0 : add(p, name, "%s", address);
}

/* Serve there, and relay there if who is told of it can reach it: what a NAT has in front is known
 * with --external-ip. */
static int add_listening(struct setup_plan *p, const struct setup_options *o,
			 const struct setup_facts *facts, const char *address)
{
	bool relays = setup_reach(address) == SETUP_PUBLIC || (o->dir && !o->external_ip);
	int r = judge_word(p, facts, "listen", address, setup_address_wrong);

	if (!r && !is_local(facts, address))
		note(p, "No interface of this host has %s, which --listen names.\n", address);
	if (!r)
		r = add_once(p, NAME_LISTENING_IP, address);
	return r || !relays ? r : add_once(p, NAME_RELAY_IP, address);
}

/* --listen, for turnserver: what it serves on. An instance of its own without: loopback. */
static int decide_listening(struct setup_plan *p, const struct setup_options *o,
			    const struct setup_facts *facts)
{
	const char *list = o->listen;
	char address[64];
	int r = 0;

	if (!list && o->dir)
		list = is_listed(facts, "::1") ? "127.0.0.1,::1" : "127.0.0.1";
	while (list && !r && next_entry(&list, address, sizeof(address)))
		r = add_listening(p, o, facts, address);
	return r;
}

/* Has another public address this one behind it? */
static bool is_behind(const struct setup_plan *p, const char *address)
{
	const struct setup_value *external = &p->value[NAME_EXTERNAL_IP];

	for (size_t i = 0; i < external->n; i++)
		if (!strcmp(strchr(external->v[i], '/') + 1, address))
			return true;
	return false;
}

/* The address of this host that a NAT has behind its next public one. NULL: not known. */
static const char *inside_of(const struct setup_plan *p, const struct setup_facts *facts)
{
	const struct setup_value *listening = &p->value[NAME_LISTENING_IP];

	for (size_t i = 0; i < listening->n; i++)
		if (!setup_is_ipv6(listening->v[i]) && !is_behind(p, listening->v[i]))
			return listening->v[i];
	return listening->n || !*facts->route || is_behind(p, facts->route) ? NULL : facts->route;
}

static int take_external(struct setup_plan *p, const char *address, const struct setup_facts *facts)
{
	const char *inside;
	int r = judge_word(p, facts, "external-ip", address, setup_address_wrong);

	if (r)
		return r;
	if (setup_reach(address) == SETUP_PRIVATE)
		note(p, "%s is of a private network: clients elsewhere do not reach it.\n",
		     address);
	if (is_local(facts, address))
		return add_once(p, NAME_RELAY_IP, address);
	if (setup_is_ipv6(address))
		return refuse(p, "--external-ip: no interface of this host has %s", address);
	inside = inside_of(p, facts);
	if (!inside)
		return refuse(p,
			      "--external-ip: no interface has %s, and which one is behind it "
			      "cannot be told; add --listen with its address",
			      address);
	r = add(p, NAME_EXTERNAL_IP, "%s/%s", address, inside);
	return r ? r : add_once(p, NAME_RELAY_IP, inside);
}

/* The first public address of an interface; NULL without. */
static const char *own_public(const struct setup_facts *facts, bool ipv6)
{
	for (size_t i = 0; i < facts->local_n; i++)
		if (setup_is_ipv6(facts->local[i]) == ipv6 &&
		    setup_reach(facts->local[i]) == SETUP_PUBLIC)
			return facts->local[i];
	return NULL;
}

/* What an interface has: of IPv6 only where IPv4 has no way out. */
static const char *known_address(const struct setup_facts *facts)
{
	const char *address = own_public(facts, false);

	return address || *facts->route ? address : own_public(facts, true);
}

bool setup_knows_address(const struct setup_facts *facts)
{
	return known_address(facts) != NULL;
}

/* What a STUN server says, and else an interface. */
static int take_auto(struct setup_plan *p, const struct setup_facts *facts)
{
	const char *address = *facts->seen ? facts->seen : known_address(facts);

	if (*facts->seen && setup_reach(facts->seen) != SETUP_PUBLIC)
		return refuse(p,
			      "--stun-server: it sees this host as %s, which is no public "
			      "address: it is on the same side of the NAT",
			      facts->seen);
	if (address)
		return take_external(p, address, facts);
	return refuse(p, "--external-ip auto: no interface has a public IPv4 address, so a NAT is "
			 "in front; give the address that your provider shows for this host, or "
			 "--stun-server HOST to ask");
}

/* What clients are told is this host's address, and which of its own is behind it. */
static int decide_external(struct setup_plan *p, const struct setup_options *o,
			   const struct setup_facts *facts)
{
	const char *list = o->external_ip;
	char address[64];
	int r = 0;

	if (!list && o->dir)
		return 0;
	if (!list)
		list = setup_reach(o->host) == SETUP_NO_ADDRESS ? "auto" : o->host;
	while (!r && next_entry(&list, address, sizeof(address)))
		r = strcmp(address, "auto") ? take_external(p, address, facts)
					    : take_auto(p, facts);
	if (!r && !p->value[NAME_RELAY_IP].n)
		return refuse(p, "--external-ip is empty");
	return r;
}

/* RFC 8656, section 7.2: who asks for no family gets IPv4, or an error where there is none. */
static int decide_family(struct setup_plan *p, const struct setup_options *o,
			 const struct setup_facts *facts)
{
	const struct setup_value *relay = &p->value[NAME_RELAY_IP];

	(void)o;
	(void)facts;
	for (size_t i = 0; i < relay->n; i++)
		if (!setup_is_ipv6(relay->v[i]))
			return 0;
	return relay->n ? add(p, NAME_RELAY_FAMILY, "ipv6") : 0;
}

/* Both are seen by nobody else when all that relays is loopback. */
static int decide_loopback(struct setup_plan *p, const struct setup_options *o,
			   const struct setup_facts *facts)
{
	const struct setup_value *relay = &p->value[NAME_RELAY_IP];

	(void)facts;
	p->loopback = !p->value[NAME_EXTERNAL_IP].n;
	for (size_t i = 0; i < relay->n; i++)
		if (setup_reach(relay->v[i]) != SETUP_LOOPBACK)
			p->loopback = false;
	if (p->loopback && !o->dir)
		note(p, "Everything is on loopback: only programs of this host can make calls.\n");
	return 0;
}

/* --- signald ----------------------------------------------------------------------- */

static int add_listen(struct setup_plan *p, char *list, size_t size, const char *address)
{
	char host[64];
	size_t n = strlen(list);

	if (setup_reach(address) != SETUP_LOOPBACK)
		p->signald_open = true;
	snprintf(list + n, size - n, "%s%s:%u", n ? ", " : "",
		 bracketed(address, host, sizeof(host)), p->port);
	return 0;
}

/* Where signald serves: where it was said; everywhere with a certificate; else on loopback, for a
 * proxy that has one: tokens go over TLS or not at all. */
static int decide_listen(struct setup_plan *p, const struct setup_options *o,
			 const struct setup_facts *facts)
{
	const struct setup_value *listening = &p->value[NAME_LISTENING_IP];
	bool ipv6 = is_listed(facts, "::1");
	char list[SETUP_VALUES_MAX * 64] = "";

	for (size_t i = 0; i < listening->n; i++)
		add_listen(p, list, sizeof(list), listening->v[i]);
	if (!listening->n) {
		add_listen(p, list, sizeof(list), o->tls ? "0.0.0.0" : "127.0.0.1");
		if (ipv6)
			add_listen(p, list, sizeof(list), o->tls ? "::" : "::1");
	}
	if (!o->dir && !o->tls && !p->signald_open)
		note(p, "Without --cert and --pkey signald serves loopback alone, for a proxy with "
			"TLS in front of it.\n");
	return add(p, NAME_LISTEN, "%s", list);
}

static int decide_tls(struct setup_plan *p, const struct setup_options *o,
		      const struct setup_facts *facts)
{
	const char *dir = p->path[SETUP_TLS_DIR];
	int r;

	(void)facts;
	if (!o->tls)
		return add(p, NAME_NO_TLS, "no-tls");
	r = add(p, NAME_TLS_PORT, "%u", p->turns_port);
	if (!r)
		r = add(p, NAME_CERT, "%s/current/fullchain.pem", dir);
	return r ? r : add(p, NAME_PKEY, "%s/current/privkey.pem", dir);
}

static int decide_auth(struct setup_plan *p, const struct setup_options *o,
		       const struct setup_facts *facts)
{
	const char *auth = o->auth ? o->auth : o->dir ? "open" : "token";
	int r;

	(void)facts;
	if (!strcmp(auth, "open") && !o->dir)
		return refuse(p, "--auth open asks nobody who he is: only with --dir");
	r = add(p, NAME_AUTH, "%s", auth);
	if (!r && !strcmp(auth, "token"))
		r = add(p, NAME_TOKEN_KEY, "HS256::%s", p->path[SETUP_TOKEN_KEY]);
	return r;
}

static int decide_urls(struct setup_plan *p, const struct setup_options *o,
		       const struct setup_facts *facts)
{
	char host[300], turns[340] = "";
	int r;

	(void)facts;
	bracketed(o->host, host, sizeof(host));
	if (p->turns_port)
		snprintf(turns, sizeof(turns), ", turns:%s:%u?transport=tcp", host, p->turns_port);
	r = add(p, NAME_TURN_URLS, "turn:%s:%u?transport=udp, turn:%s:%u?transport=tcp%s", host,
		p->turn_port, host, p->turn_port, turns);
	return r ? r : add(p, NAME_STUN_URLS, "stun:%s:%u", host, p->turn_port);
}

/* Can a web page have this name? */
static bool is_web_name(const char *name)
{
	return strchr(name, '.') && !setup_host_wrong(name) &&
	       setup_reach(name) == SETUP_NO_ADDRESS;
}

/* Pages of the realm's name and of the host's. */
static int decide_origins(struct setup_plan *p, const struct setup_options *o,
			  const struct setup_facts *facts)
{
	bool realm = is_web_name(o->realm);
	bool host = is_web_name(o->host) && strcasecmp(o->realm, o->host) != 0;

	(void)facts;
	if (p->loopback && o->dir)
		return add(p, NAME_ORIGINS, "loopback");
	if (!realm && !host)
		return 0;
	return add(p, NAME_ORIGINS, "%s%s%s%s%s", realm ? "https://" : "", realm ? o->realm : "",
		   realm && host ? ", " : "", host ? "https://" : "", host ? o->host : "");
}

/* --- all of it --------------------------------------------------------------------- */

int setup_plan_init(struct setup_plan *p, const struct setup_options *o,
		    const struct setup_facts *facts)
{
	static int (*const steps[])(struct setup_plan *, const struct setup_options *,
				    const struct setup_facts *) = {
		judge,		 decide_paths,	decide_ports,	 decide_listening,
		decide_external, decide_family, decide_loopback, decide_tls,
		decide_auth,	 decide_listen, decide_urls,	 decide_origins,
	};
	int r = 0;

	memset(p, 0, sizeof(*p));
	for (int i = 0; i < NAMES_N; i++)
		p->value[i] =
			(struct setup_value){ .name = names[i].name, .example = names[i].example };
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !r; i++)
		r = steps[i](p, o, facts);
	if (r)
		setup_plan_deinit(p);
	return r;
}

void setup_plan_deinit(struct setup_plan *p)
{
	for (int i = 0; i < NAMES_N; i++) {
		for (size_t k = 0; k < p->value[i].n; k++)
			free(p->value[i].v[k]);
		p->value[i].n = 0;
	}
}
