/* place.c - see place.h */
#include "transport/place.h"

#include <stddef.h>

#include "transport/admission.h"

static const struct client_address *charged(const struct client_place *p)
{
	return p->kind == PLACE_TRUSTED ? NULL : &p->address;
}

int place_take(struct client_place *p, struct admission *a, enum place_kind kind, uint64_t now_ms)
{
	int rc;

	p->kind = (uint8_t)kind;
	rc = kind == PLACE_NONE ? 0 : admission_connect(a, charged(p), now_ms);
	if (rc)
		p->kind = PLACE_NONE;
	return rc;
}

void place_leave(struct client_place *p, struct admission *a)
{
	if (p->kind != PLACE_NONE)
		admission_disconnect(a, charged(p));
	p->kind = PLACE_NONE;
}
