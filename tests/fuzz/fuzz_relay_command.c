/* fuzz_relay_command.c - a command is explained or can be written and read again */
#include "relay_event.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char first[RELAY_LINE_MAX], second[RELAY_LINE_MAX];
	struct relay_command c;
	const char *err = NULL;
	int r = relay_command_parse((const char *)data, n, &c, &err);
	int length;

	MUST(r == 0 || (r == -EINVAL && err && *err));
	if (r < 0)
		return 0;
	MUST(c.type != RELAY_KILL || *c.alloc || *c.call || *c.user);
	length = relay_command_write(first, sizeof(first), &c);
	MUST(length > 1 && first[length - 1] == '\n');
	MUST(relay_command_parse(first, (size_t)length - 1, &c, &err) == 0);
	MUST(relay_command_write(second, sizeof(second), &c) == length);
	MUST(memcmp(first, second, (size_t)length) == 0);
	return 0;
}
