/* setup_certbot.h - a renewed certificate comes to both daemons by itself */
#ifndef SETUP_CERTBOT_H
#define SETUP_CERTBOT_H

#include "signalctl.h"

/* The deploy hook of certbot, where there is a certbot (/etc/letsencrypt) and no such hook: the
 * package brings it, so this is for a certbot that came without, or after it was removed. One that
 * is there stays as it is. root: the system's folder; NULL: /. Returns an exit status. */
int setup_certbot_make(const struct signalctl *ctl, const char *root);

#endif
