/* client_token.h - a client's token, signed with a token-key of the configuration
 *
 * For auth = token with a key of HS256: the private half of the others is elsewhere. What was made
 * is read back as signald does. Reads the keys' files. */
#ifndef CLIENT_TOKEN_H
#define CLIENT_TOKEN_H

#include "auth/token.h"
#include "signalctl.h"

/* Loans. */
struct client_token {
	const char *user;
	const char *name; /* others are shown it; NULL: none */
	const char *kid;  /* which key; NULL: the first that will do */
	int64_t now_s;	  /* since 1970 */
	uint64_t ttl_s;
};

/* Returns an exit status: SIGNALCTL_DONE with the token, or after a ctl_error(). */
int client_token(struct signalctl *ctl, const struct client_token *what,
		 char out[TOKEN_BYTES_MAX + 1]);

#endif
