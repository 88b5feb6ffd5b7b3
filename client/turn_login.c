/* turn_login.c - see turn_login.h */
#include "turn_login.h"

#include <string.h>

#include "turn_credential.h"

/* RFC 8489 section 9.2.5 */
bool turn_login_challenged(const struct turn_login *l, unsigned code)
{
	return code == 438 || (code == 401 && !l->nonce_n);
}

bool turn_login_take(struct turn_login *l, const struct stun_in *challenge, const char *name,
		     const char *password)
{
	size_t realm_n, nonce_n;
	const uint8_t *realm = stun_get(challenge, ATTR_REALM, &realm_n);
	const uint8_t *nonce = stun_get(challenge, ATTR_NONCE, &nonce_n);

	if (!nonce || !nonce_n || nonce_n > sizeof(l->nonce))
		return false;
	memcpy(l->nonce, nonce, nonce_n);
	l->nonce_n = nonce_n;
	if (realm && realm_n < sizeof(l->realm)) {
		memcpy(l->realm, realm, realm_n);
		l->realm[realm_n] = '\0';
	}
	return turn_long_term_key(l->key, name, l->realm, password) == 0;
}

void turn_login_put(const struct turn_login *l, struct stun_out *o, const char *name)
{
	if (!l->nonce_n)
		return;
	stun_put(o, ATTR_USERNAME, name, strlen(name));
	stun_put(o, ATTR_REALM, l->realm, strlen(l->realm));
	stun_put(o, ATTR_NONCE, l->nonce, l->nonce_n);
	stun_sign(o, l->key);
}
