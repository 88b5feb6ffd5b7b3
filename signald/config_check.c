/* config_check.c - values that are right alone and wrong together */
#include "config_priv.h"

#include <string.h>
#include <sys/un.h>

/* A frame's own bytes, and what outq counts for each. */
#define QUEUED_MORE 1024

static int check_secrets(const struct config *c, struct config_error *err)
{
	if (!c->auth_secret_file && !c->turnserver_conf)
		return config_fail(err, 0,
				   "auth-secret-file is missing (or turnserver-conf instead)");
	return 0;
}

/* Clients are given these as they stand: a wrong scheme breaks every call. */
static int check_scheme(const struct config_list *l, const char *key, const char *scheme,
			const char *secure, struct config_error *err)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strncmp(l->v[i], scheme, strlen(scheme)) &&
		    strncmp(l->v[i], secure, strlen(secure)))
			return config_fail(err, 0, "%s: '%.80s' does not begin with %s or %s", key,
					   l->v[i], scheme, secure);
		if (strpbrk(l->v[i], "\"\\ <>"))
			return config_fail(err, 0, "%s: '%.80s' is no URL", key, l->v[i]);
	}
	return 0;
}

static int check_urls(const struct config *c, struct config_error *err)
{
	int r = check_scheme(&c->turn_urls, "turn-urls", "turn:", "turns:", err);

	return r ? r : check_scheme(&c->stun_urls, "stun-urls", "stun:", "stuns:", err);
}

static int check_tls(const struct config *c, struct config_error *err)
{
	if (c->cert.n != c->pkey.n)
		return config_fail(err, 0, "cert and pkey: %zu and %zu files are no pairs",
				   c->cert.n, c->pkey.n);
	if (c->listen_plain.n && !c->cert.n)
		return config_fail(err, 0, "listen-plain is for beside TLS, and there is no cert");
	return 0;
}

static int check_marks(const struct config *c, struct config_error *err)
{
	if (c->queue_soft_bytes > c->queue_hard_bytes)
		return config_fail(err, 0, "queue-soft is above queue-hard");
	if (c->queue_hard_bytes > c->queue_total_bytes)
		return config_fail(err, 0, "queue-hard is above queue-total");
	if (c->max_payload_bytes + QUEUED_MORE > c->queue_hard_bytes)
		return config_fail(err, 0,
				   "queue-hard is too little for one message of max-payload: "
				   "%u more than that is the least",
				   QUEUED_MORE);
	return 0;
}

/* RFC 6265 section 4.1.1: a name is a token. */
static int check_cookie(const struct config *c, struct config_error *err)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "!#$%&'*+-.^_`|~";

	if (c->io_cookie && c->io_cookie[strspn(c->io_cookie, token)])
		return config_fail(err, 0, "io-cookie: '%.80s' is no name of a cookie",
				   c->io_cookie);
	return 0;
}

/* Behind a proxy every client may come from loopback: nobody would be kept out. */
static int check_auth(const struct config *c, struct config_error *err)
{
	if (c->auth == CONFIG_AUTH_OPEN && (c->trusted_proxies.n || c->proxy_protocol_from.n))
		return config_fail(err, 0,
				   "auth = open asks nobody who he is, and %s brings clients from "
				   "elsewhere: choose token or backend",
				   c->trusted_proxies.n ? "trusted-proxies"
							: "proxy-protocol-from");
	if (c->auth == CONFIG_AUTH_TOKEN && !c->token_keys.n)
		return config_fail(err, 0, "auth = token needs a token-key");
	if (c->auth != CONFIG_AUTH_TOKEN && c->token_keys.n)
		return config_fail(err, 0,
				   "token-key: no token is verified with it; set auth to token");
	return 0;
}

static bool asks_backend(const struct config *c)
{
	return c->auth == CONFIG_AUTH_BACKEND || c->members == CONFIG_MEMBERS_BACKEND ||
	       c->block_list == CONFIG_BLOCK_LIST_BACKEND;
}

static int check_backend(const struct config *c, struct config_error *err)
{
	if (!c->backend_url)
		return asks_backend(c) ? config_fail(err, 0,
						     "auth, members or block-list = backend "
						     "needs a backend-url")
				       : 0;
	if (strncmp(c->backend_url, "http://", 7) && strncmp(c->backend_url, "https://", 8))
		return config_fail(err, 0,
				   "backend-url: '%.80s' does not begin with http:// or https://",
				   c->backend_url);
	if (strpbrk(c->backend_url, "\"\\ <>@"))
		return config_fail(err, 0,
				   "backend-url: '%.80s' is no URL, or has a password; that goes "
				   "into backend-token-file",
				   c->backend_url);
	if (!asks_backend(c))
		return config_fail(err, 0,
				   "backend-url: nothing is asked there; set auth, members or "
				   "block-list to backend");
	return 0;
}

static int check_socket(const char *key, const char *path, struct config_error *err)
{
	const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (path && strlen(path) > max)
		return config_fail(err, 0, "%s: the path is longer than %zu bytes", key, max);
	return 0;
}

static int check_sockets(const struct config *c, struct config_error *err)
{
	int r = check_socket("relay-socket", c->relay_socket, err);

	return r ? r : check_socket("control-socket", c->control_socket, err);
}

int config_check(const struct config *c, struct config_error *err)
{
	static int (*const checks[])(const struct config *, struct config_error *) = {
		check_secrets, check_urls, check_tls,	  check_marks,
		check_cookie,  check_auth, check_backend, check_sockets,
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(checks) / sizeof(checks[0]); i++)
		r = checks[i](c, err);
	return r;
}
