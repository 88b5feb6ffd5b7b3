/* hook_version.c - see hook_version.h */
#include "relay/hook_version.h"

#include <stdio.h>

#include "relay_event.h"

/* What came with each minor, oldest first: who is older lacks this and all behind it. The words of
 * a row say all of that. */
static const struct {
	unsigned minor;
	const char *lacks;
} came_with[] = {
	{ 1, "its base version and the date of its security ledger" },
};

const char *hook_version_lacks(unsigned minor)
{
	size_t i;

	for (i = 0; i < sizeof(came_with) / sizeof(came_with[0]); i++)
		if (minor < came_with[i].minor)
			return came_with[i].lacks;
	return NULL;
}

void hook_version_refusal(char *out, size_t size, unsigned major)
{
	snprintf(out, size,
		 "turnserver speaks version %u of the admin protocol and signald %u: upgrade the "
		 "package %s",
		 major, RELAY_PROTOCOL_MAJOR, major < RELAY_PROTOCOL_MAJOR ? "coturn" : "signald");
}
