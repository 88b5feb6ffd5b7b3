/* setup_secrets.h - the secrets of an installation: made once, random, and left alone ever after */
#ifndef SETUP_SECRETS_H
#define SETUP_SECRETS_H

#include "setup_place.h"

/* Make those that are missing: the shared secret, the admin's token, and, when users prove by
 * tokens who they are, the key of those. Each that was made is named on ctl->out. Returns an exit
 * status. */
int setup_secrets_make(const struct setup_place *p, const struct signalctl *ctl, bool token_key);

#endif
