/* credential_request.h - what POST /api/turn-credentials asks for
 *
 * Pure; any thread. */
#ifndef CREDENTIAL_REQUEST_H
#define CREDENTIAL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "turn_credential.h"

struct credential_request {
	char user[TURN_USER_ID_MAX + 1];
	uint64_t ttl_s; /* 1 to UINT32_MAX; not yet clamped to what is configured */
};

/* Read {"userId":..,"ttl":..}, or the same as application/x-www-form-urlencoded;
 * userId is an integer or text, ttl a positive number, as text too.
 * Returns NULL, or a constant text that says what is wrong. */
const char *credential_request_json(struct credential_request *w, const char *body, size_t n);
const char *credential_request_form(struct credential_request *w, const char *body, size_t n);

#endif
