/* sio_placeholder.h - where JSON stands for bytes: {"_placeholder":true,"num":k}
 *
 * As in JavaScript, an object with "_placeholder" true is replaced as a whole,
 * and the last of several equal names counts. Pure; any thread. */
#ifndef SIO_PLACEHOLDER_H
#define SIO_PLACEHOLDER_H

#include <stddef.h>

#include "json_text.h"

struct sio_placeholder {
	struct json_slice at; /* the object */
	size_t num;
};

/* Find the placeholders in checked JSON (several values with commas between are
 * fine), in the order in which they stand.
 * Returns how many, -EINVAL (one names none of n attachments), -ENOSPC (more than max). */
int sio_placeholders(struct json_slice v, size_t n, struct sio_placeholder *out, size_t max);

#endif
