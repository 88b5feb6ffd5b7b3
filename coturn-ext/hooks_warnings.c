/* hooks_warnings.c - what an admin should hear of at the start: options that we advise against
 *
 * Their known faults are fixed (SECURITY.md), but it is code that had most of them, that few use,
 * or that weakens what is around it. Told whether or not one of our own options is given. */
#include "hooks_priv.h"

#include <stdbool.h>
#include <string.h>

#include "mainrelay.h"
#include "turn_admin_server.h"

#define DEFAULT_CERT "turn_server_cert.pem"

static bool has_oauth(void)
{
	return turn_params.oauth;
}

static bool has_mobility(void)
{
	return turn_params.mobility;
}

static bool has_server_relay(void)
{
	return turn_params.server_relay;
}

static bool has_acme_redirect(void)
{
	return turn_params.acme_redirect[0] != '\0';
}

/* Without a password coturn has switched it off by now. */
static bool has_cli(void)
{
	return use_cli && cli_password[0];
}

static bool has_web_admin(void)
{
	return use_web_admin;
}

static bool has_sql_web_admin(void)
{
	switch (turn_params.default_users_db.userdb_type) {
#if !defined(TURN_NO_SQLITE)
	case TURN_USERDB_TYPE_SQLITE:
#endif
#if !defined(TURN_NO_PQ)
	case TURN_USERDB_TYPE_PQ:
#endif
#if !defined(TURN_NO_MYSQL)
	case TURN_USERDB_TYPE_MYSQL:
#endif
		return use_web_admin;
	default: return false;
	}
}

static bool has_old_tls(void)
{
	return !turn_params.no_tls && !(turn_params.no_tlsv1 && turn_params.no_tlsv1_1);
}

/* Off, by an option or for want of a certificate, and something says that it was meant to be on. */
static bool lacks_tls(void)
{
	bool has_cert =
		turn_params.cert_file[0] && strcmp(turn_params.cert_file, DEFAULT_CERT) != 0;

	return turn_params.no_tls && (turn_params.tls_listener_port != DEFAULT_STUN_TLS_PORT ||
				      (turn_params.no_dtls && has_cert));
}

static const struct {
	bool (*applies)(void);
	const char *text;
} warnings[] = {
	{ has_oauth, "oauth: third-party authorization is advised against: it parses a client's "
		     "token before it knows whose it is" },
	{ has_mobility,
	  "mobility is advised against: a client without an allocation names somebody else's" },
	{ has_server_relay, "server-relay is advised against: it asks for no permission, so "
			    "anybody reaches a client at "
			    "its relayed transport address" },
	{ has_acme_redirect,
	  "acme-redirect is advised against: anybody can ask a TURN port for it" },
	{ has_cli, "the command line (cli) is on: its telnet sends the password in clear and "
		   "commands everything; switch it off with no-cli" },
	{ has_web_admin,
	  "web-admin is advised against: it serves pages that change users and secrets" },
	{ has_sql_web_admin, "web-admin makes SQL of what is typed into its pages" },
	{ has_old_tls, "TLS 1.0 and 1.1 are not switched off: no-tlsv1 and no-tlsv1_1 do" },
	{ lacks_tls, "there is no TLS although tls-listening-port or cert is given: turns: URIs "
		     "lead nowhere" },
};

void warn_of_options(void)
{
	size_t i;

	for (i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
		if (warnings[i].applies())
			TURN_LOG_FUNC(TURN_LOG_LEVEL_WARNING,
				      "WARNING: security: %s (turnserver --security-status)\n",
				      warnings[i].text);
}
