/* turn_login.h - a name and a password, proved to a server as it challenges us
 *
 * The long-term credential of RFC 8489 section 9.2: realm and nonce come with a refusal, and every
 * request from then on carries them, signed with the key that they make. Pure. */
#ifndef TURN_LOGIN_H
#define TURN_LOGIN_H

#include "stun.h"

struct turn_login {
	uint8_t key[16];
	char realm[128]; /* "" until a server named one */
	uint8_t nonce[128];
	size_t nonce_n; /* 0: not challenged yet, there is no key */
};

/* Is this refusal a challenge? 401 if it is the first, 438 (the nonce is old) at any time. */
bool turn_login_challenged(const struct turn_login *l, unsigned code);
/* Take realm and nonce of it, and make the key. False: it has none that can be used. */
bool turn_login_take(struct turn_login *l, const struct stun_in *challenge, const char *name,
		     const char *password);
/* Finish a request with the credential; before a challenge there is none to put. */
void turn_login_put(const struct turn_login *l, struct stun_out *o, const char *name);

#endif
