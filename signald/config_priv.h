/* config_priv.h - what config.c and config_check.c share */
#ifndef CONFIG_PRIV_H
#define CONFIG_PRIV_H

#include "config.h"

/* Fill *err. Returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int config_fail(struct config_error *err, unsigned line,
						      const char *fmt, ...);

/* Do the values agree with one another? Returns 0, -EINVAL with *err filled. */
int config_check(const struct config *c, struct config_error *err);

#endif
