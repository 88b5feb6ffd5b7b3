/* fuzz_control_command.c - a command is explained or can be written and read again */
#include "control/control_command.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char line[LINE_BYTES_MAX];
	struct control_command c, again;
	const char *err = NULL;
	int r = control_command_parse((const char *)data, n, &c, &err);
	int length;

	MUST(r == 0 || (r == -EINVAL && err && *err));
	if (r < 0)
		return 0;
	MUST((c.type != CONTROL_CALL && c.type != CONTROL_END) || *c.call);
	MUST((c.type != CONTROL_USER && c.type != CONTROL_KICK) || *c.user);
	length = control_command_write(line, sizeof(line), &c);
	MUST(length > 1 && line[length - 1] == '\n');
	MUST(!memchr(line, '\n', (size_t)length - 1));
	MUST(control_command_parse(line, (size_t)length - 1, &again, &err) == 0);
	MUST(memcmp(&c, &again, sizeof(c)) == 0);
	return 0;
}
