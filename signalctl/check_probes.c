/* check_probes.c - clients of both daemons, for a moment */
#include "check_probes.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

#include "http_client.h"
#include "ice_servers.h"
#include "places.h"
#include "setup_word.h"
#include "sio_client.h"
#include "static_secret.h"
#include "turn_client.h"
#include "turn_credential.h"
#include "url.h"

#define LINE_MS 8000 /* at most, of two places */
#define CREDENTIAL_S 120
#define TURN_PORT 3478
#define TURNS_PORT 5349

/* A line's share of what time is left: those that take less leave it to those behind. */
static uint64_t line_deadline(struct check_facts *f)
{
	uint64_t now_ms = net_now_ms(), share_ms = 0;

	if (now_ms < f->deadline_ms && f->probes_left)
		share_ms = (f->deadline_ms - now_ms) / f->probes_left--;
	return now_ms + (share_ms < LINE_MS ? share_ms : LINE_MS);
}

/* Of two places the first leaves time for the second. */
static uint64_t first_deadline(uint64_t until_ms)
{
	uint64_t now_ms = net_now_ms();

	return now_ms < until_ms ? now_ms + (until_ms - now_ms) * 5 / 8 : until_ms;
}

/* --- certificates ------------------------------------------------------------------- */

/* A client that looks would refuse it. */
static void judge_fault(struct check_say *s, const char *fault, const char *what)
{
	bool own = fault && (strstr(fault, "self-signed") || strstr(fault, "self signed") ||
			     strstr(fault, "local issuer"));

	if (fault)
		check_say(s, own ? CHECK_WARN : CHECK_FAIL,
			  "Phones and browsers refuse it: get one that they trust, for the name "
			  "they dial.",
			  "%s: certificate: %s", what, fault);
}

/* --- turnserver ---------------------------------------------------------------------- */

/* The secret that signald signs with: as it says, or by the dates. Wiped by the caller. */
static int find_secret(const struct check_facts *f, char out[STATIC_SECRET_MAX + 1])
{
	const char *path = f->config->auth_secret_file;
	const struct secret *signing;
	struct secret_error err;
	struct secret_set *set;
	char *value;
	int r = -ENOENT;

	if (path && !check_static_signs(f) && !secret_set_load(path, &set, &err)) {
		signing = secret_set_signing(set, f->now_s);
		if (signing)
			snprintf(out, STATIC_SECRET_MAX + 1, "%s", signing->value);
		secret_set_free(set);
		if (signing)
			return 0;
	}
	if (f->config->turnserver_conf &&
	    !static_secret_load(f->config->turnserver_conf, &value, &err)) {
		snprintf(out, STATIC_SECRET_MAX + 1, "%s", value);
		static_secret_free(value);
		r = 0;
	}
	return r;
}

static int make_login(const struct check_facts *f, struct ice_login *l)
{
	char secret[STATIC_SECRET_MAX + 1], user[TURN_USER_ID_MAX + 1], made[TURN_PASSWORD_LEN + 1];
	uint32_t random[2];
	int r = find_secret(f, secret);

	if (r || RAND_bytes((uint8_t *)random, sizeof(random)) != 1)
		return -ENOENT;
	/* Nobody's, so that no quota of anybody's stands in the way. */
	snprintf(user, sizeof(user), "signalctl-check.%08x%08x", random[0], random[1]);
	r = turn_name_format(l->name, sizeof(l->name), (uint64_t)f->now_s + CREDENTIAL_S, user,
			     NULL);
	if (r > 0)
		r = turn_password(made, secret, l->name);
	if (!r)
		strcpy(l->password, made);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

static bool find_url(const struct check_facts *f, enum net_transport transport,
		     struct net_target *out)
{
	const struct config_list *l = &f->config->turn_urls;
	bool is_turn;

	for (size_t i = 0; i < l->n; i++)
		if (!url_ice(l->v[i], strlen(l->v[i]), out, &is_turn) &&
		    out->transport == transport)
			return true;
	return false;
}

/* Where turnserver listens on this host, whatever clients are told. */
static void local_turn(const struct check_facts *f, enum net_transport transport,
		       struct net_target *out)
{
	const char *ip = f->turn ? turnserver_conf_get(f->turn, "listening-ip") : NULL;
	bool tls = transport == NET_TLS;

	memset(out, 0, sizeof(*out));
	out->transport = transport;
	snprintf(out->host, sizeof(out->host), "%s", ip && url_is_address(ip) ? ip : "127.0.0.1");
	out->port =
		(uint16_t)(f->turn ? turnserver_conf_number(
					     f->turn, tls ? "tls-listening-port" : "listening-port",
					     tls ? TURNS_PORT : TURN_PORT)
			   : tls ? TURNS_PORT
				 : TURN_PORT);
}

static int allocate(struct check_facts *f, struct net_target *to, const struct ice_login *l,
		    uint64_t until_ms, struct check_say *s, struct client_error *err)
{
	struct turn_client_told told;
	struct turn_client *c;
	char relayed[ICE_ADDRESS_MAX], what[NET_HOST_MAX + 48];
	int r;

	to->insecure = true;
	r = turn_client_open(&c, to, l->name, l->password, until_ms, &told, err);
	if (*told.realm) {
		f->turn_answers = true;
		memcpy(f->told_realm, told.realm, sizeof(f->told_realm));
	}
	if (r)
		return r;
	snprintf(what, sizeof(what), "%s port %u over %s", to->host, to->port,
		 net_transport_names[to->transport]);
	judge_fault(s, turn_client_tls_fault(c), what);
	check_say(s, CHECK_OK, NULL, "allocated at %s: relayed address %s", what,
		  ice_address(relayed, turn_client_relayed(c)));
	turn_client_close(c, net_now_ms() + 500);
	return 0;
}

static const char *advice_for(int r, const struct client_error *err)
{
	static const struct {
		const char *begins, *advice;
	} refusals[] = {
		{ "401", "Both daemons must read the same secret; and turnserver must have read "
			 "it: systemctl restart coturn." },
		{ "440", "It has no relay-ip of IPv4, which browsers get unless told otherwise: "
			 "allocation-default-address-family=ipv6" },
		{ "508", "Widen min-port to max-port; or it ends when the drain does." },
		{ "486", "Raise total-quota or call-quota, or leave them out." },
		{ "", "journalctl -u coturn." },
	};

	for (size_t i = 0; r == -EACCES; i++)
		if (!strncmp(err->text, refusals[i].begins, strlen(refusals[i].begins)))
			return refusals[i].advice;
	if (r == -EPROTO)
		return "What answers there is no turnserver that takes our credentials: see the "
		       "lines "
		       "mechanism and ports.";
	if (r == -EHOSTUNREACH)
		return "Is the name in the DNS?";
	return "systemctl status coturn; is the port open in the firewall?";
}

static void probe_turn(struct check_facts *f, struct check_say *s, enum net_transport transport)
{
	struct net_target to, local;
	struct client_error err, other;
	struct check_say nothing = { .why = "" };
	struct ice_login l = { .name = "" };
	const uint64_t until_ms = line_deadline(f);
	const char *external;
	int r;

	if (!find_url(f, transport, &to)) {
		check_say(s, CHECK_SKIP, NULL, "turn-urls have none over %s",
			  net_transport_names[transport]);
		return;
	}
	if (make_login(f, &l)) {
		check_say(s, CHECK_FAIL, "signalctl secrets list",
			  "there is no secret to make credentials with");
		return;
	}
	r = allocate(f, &to, &l, first_deadline(until_ms), s, &err);
	if (!r)
		goto out;
	local_turn(f, transport, &local);
	external = f->turn ? turnserver_conf_get(f->turn, "external-ip") : NULL;
	if (r != -EACCES && strcmp(to.host, local.host) &&
	    !allocate(f, &local, &l, until_ms, &nothing, &other))
		check_say(s, external && strchr(external, '/') ? CHECK_WARN : CHECK_FAIL,
			  "Is the DNS right, and the firewall open? Behind a NAT that does not "
			  "turn its own "
			  "packets round this is normal: try from elsewhere, signalctl try --url.",
			  "%.150s port %u over %s: %.100s; but %s answers here", to.host, to.port,
			  net_transport_names[transport], err.text, local.host);
	else
		check_say(s, CHECK_FAIL, advice_for(r, &err), "%.150s port %u over %s: %s", to.host,
			  to.port, net_transport_names[transport], err.text);
out:
	explicit_bzero(&l, sizeof(l));
}

void probe_turn_udp(struct check_facts *f, struct check_say *s)
{
	probe_turn(f, s, NET_UDP);
}

void probe_turn_tcp(struct check_facts *f, struct check_say *s)
{
	probe_turn(f, s, NET_TCP);
}

void probe_turn_tls(struct check_facts *f, struct check_say *s)
{
	probe_turn(f, s, NET_TLS);
}

/* --- signald ------------------------------------------------------------------------- */

/* Returns 0, or -errno with *err. *fault is of the certificate. */
typedef int (*try_place)(const struct net_target *to, uint64_t deadline_ms, char *fault,
			 size_t size, struct client_error *err);

static void keep_fault(char *out, size_t size, const char *fault)
{
	snprintf(out, size, "%s", fault ? fault : "");
}

/* One of the first lines of listen and listen-plain. */
static bool probe_place(struct check_facts *f, struct check_say *s, bool plain, try_place one,
			uint64_t until_ms, const char *what, char *done, size_t size)
{
	char name[NET_HOST_MAX + 1], place[NET_HOST_MAX + 48], fault[160] = "";
	size_t at = strlen(done);
	struct client_error err;
	struct net_target to;

	if (place_of_signald(f->config, plain, 0, name, &to))
		return false;
	to.insecure = true;
	snprintf(place, sizeof(place), strchr(to.host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
		 to.transport == NET_TLS ? "https" : "http", to.host, to.port);
	if (one(&to, until_ms, fault, sizeof(fault), &err)) {
		check_say(s, CHECK_FAIL, "systemctl status signald; journalctl -u signald.",
			  "%s: %s: %s", place, what, err.text);
		return true;
	}
	judge_fault(s, *fault ? fault : NULL, place);
	snprintf(done + at, size - at, "%s%s", at ? " and " : "", place);
	return true;
}

static void probe_places(struct check_facts *f, struct check_say *s, try_place one,
			 const char *what)
{
	char done[2 * NET_HOST_MAX] = "";
	const uint64_t until_ms = line_deadline(f);
	bool any = probe_place(f, s, true, one, first_deadline(until_ms), what, done, sizeof(done));

	any = probe_place(f, s, false, one, until_ms, what, done, sizeof(done)) || any;
	if (any)
		check_say(s, CHECK_OK, NULL, "%s at %s", what, done);
	else
		check_say(s, CHECK_SKIP, NULL, "signald.conf has no listen line");
}

static int try_rest(const struct net_target *to, uint64_t deadline_ms, char *fault, size_t size,
		    struct client_error *err)
{
	struct http_request rq = { .method = "GET",
				   .path = "/api/health",
				   .headers = "Connection: close\r\n" };
	struct http_exchange *x;
	int r = http_begin(&x, to, &rq, deadline_ms, err);

	if (r)
		return r;
	keep_fault(fault, size, net_tls_fault(x->net));
	r = http_wait(x, deadline_ms, err);
	if (!r && (x->answer.status != 200 || !x->answer.body ||
		   !strstr(x->answer.body, "\"status\":\"ok\""))) {
		client_error_set(err, "/api/health is answered with HTTP %d and is not signald's",
				 x->answer.status);
		r = -EPROTO;
	}
	http_end(x);
	return r;
}

static int try_sio(const struct net_target *to, enum sio_via via, uint64_t deadline_ms, char *fault,
		   size_t size, struct client_error *err)
{
	struct sio_client *c;
	int r = sio_client_open(&c, to, via, NULL, deadline_ms, err);

	if (r)
		return r;
	keep_fault(fault, size, sio_client_tls_fault(c));
	sio_client_close(c, deadline_ms);
	return 0;
}

static int try_polling(const struct net_target *to, uint64_t deadline_ms, char *fault, size_t size,
		       struct client_error *err)
{
	return try_sio(to, SIO_POLLING, deadline_ms, fault, size, err);
}

static int try_websocket(const struct net_target *to, uint64_t deadline_ms, char *fault,
			 size_t size, struct client_error *err)
{
	return try_sio(to, SIO_WEBSOCKET, deadline_ms, fault, size, err);
}

void probe_rest(struct check_facts *f, struct check_say *s)
{
	probe_places(f, s, try_rest, "/api/health");
}

void probe_polling(struct check_facts *f, struct check_say *s)
{
	probe_places(f, s, try_polling, "Socket.IO by polling");
}

void probe_websocket(struct check_facts *f, struct check_say *s)
{
	probe_places(f, s, try_websocket, "Socket.IO by WebSocket");
}
