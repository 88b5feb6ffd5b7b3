/* fuzz_relay_command.c - a command is explained or can be written and read again */
#include "relay_command.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char line[RELAY_LINE_MAX];
	struct relay_command c, again;
	const char *err = NULL;
	int r = relay_command_parse((const char *)data, n, &c, &err);
	int length;

	MUST(r == 0 || (r == -EINVAL && err && *err));
	if (r < 0)
		return 0;
	MUST(c.type != RELAY_KILL || *c.alloc || *c.call || *c.user);
	MUST(c.type != RELAY_REVOKE || !*c.call != !*c.user);
	MUST(c.type != RELAY_ACK || *c.epoch);
	MUST(!c.allocations.to_default || (c.allocations.set && !c.allocations.v));
	MUST(!c.bytes_per_s.to_default || (c.bytes_per_s.set && !c.bytes_per_s.v));
	length = relay_command_write(line, sizeof(line), &c);
	MUST(length > 1 && line[length - 1] == '\n');
	MUST(relay_command_parse(line, (size_t)length - 1, &again, &err) == 0);
	MUST(memcmp(&c, &again, sizeof(c)) == 0);
	return 0;
}
