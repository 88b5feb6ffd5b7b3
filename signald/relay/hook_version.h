/* hook_version.h - turnserver's side of the admin socket may be older or newer than ours
 *
 * A minor of the protocol adds what the other side may lack; another major is refused. Both daemons
 * come as packages, so what to do about it is to upgrade one of them. Pure; any thread. */
#ifndef HOOK_VERSION_H
#define HOOK_VERSION_H

#include <stddef.h>

/* What we show or use and a turnserver of this minor does not have, as words that follow "lacks".
 * NULL: nothing; so it is with a newer one. */
const char *hook_version_lacks(unsigned minor);

/* Why a turnserver of this major is not served, and what to do: one line, cut to size. */
void hook_version_refusal(char *out, size_t size, unsigned major);

#endif
