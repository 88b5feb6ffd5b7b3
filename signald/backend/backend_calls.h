/* backend_calls.h - the backend behind questions that are asked twice
 *
 * calls/ asks in the middle of an event, is told "later" (-EAGAIN), and asks
 * the same again when it is resumed. So an asker's answers are kept for it until
 * it needs them no more, whatever the cache does; it is resumed once, when all
 * of its questions are answered. An asker is only an address here. Pure; loop
 * thread only. */
#ifndef BACKEND_CALLS_H
#define BACKEND_CALLS_H

#include <stddef.h>

#include "backend.h"
#include "calls/identity.h"
#include "client_address.h"

struct backend_calls;

struct backend_calls_config {
	struct backend *backend; /* a loan */
	struct call_time (*now)(void *ctx);

	/* Tokens of one client (an address; IPv6: its /64) that are asked about at
	 * once, so that nobody fills the line with such as he made up; 0: no limit. */
	size_t tokens_per_client_max;

	/* All it asked for is there. It may ask again in here. */
	void (*resume)(void *asker, void *ctx);
	void *ctx;
};

/* Returns 0 and the caller's *out, -ENOMEM. */
int backend_calls_new(struct backend_calls **out, const struct backend_calls_config *cfg);
void backend_calls_free(struct backend_calls *bc); /* before the backend; NULL is fine */

/* Each returns -EAGAIN (resume follows) or -EHOSTDOWN, besides its own. A
 * token is a JSON string; from: who brings it. Returns 0 or -EKEYEXPIRED and fills
 * *out, -EACCES. */
int backend_calls_authenticate(struct backend_calls *bc, void *asker,
			       const struct client_address *from, struct json_slice token,
			       struct calls_identity *out);

/* Returns 0, -EACCES. */
int backend_calls_may_call(struct backend_calls *bc, void *asker, const char *from, const char *to);

/* Returns how many were written, at most max, -ENOENT (no such group). */
int backend_calls_members(struct backend_calls *bc, void *asker, const char *user,
			  const char *group, struct user_id *out, size_t max);

void backend_calls_forget(struct backend_calls *bc, void *asker); /* it is gone */

/* An answer to BACKEND_AUTHENTICATE as an identity. */
void backend_identity(const struct backend_answer *a, struct calls_identity *out);

#endif
