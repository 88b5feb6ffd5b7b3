/* fuzz_turnserver_conf.c - settings stand in their order and were in the text */
#include "turnserver_conf.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct turnserver_setting *s = NULL;
	struct turnserver_conf *c;
	unsigned line = 1;
	int r = turnserver_conf_parse((const char *)data, n, &c);

	MUST(r == 0 || r == -E2BIG);
	MUST(!r == !!c);
	while (c && (s = turnserver_conf_next(c, NULL, s))) {
		MUST(s->line >= line && s->line <= n + 1);
		MUST(*s->key && *s->key != '#' && !strpbrk(s->key, " \t=\n"));
		MUST(memmem(data, n, s->key, strlen(s->key)));
		MUST(!*s->value || memmem(data, n, s->value, strlen(s->value)));
		MUST(turnserver_conf_get(c, s->key));
		turnserver_conf_flag(c, s->key);
		line = s->line;
	}
	turnserver_conf_free(c);
	return 0;
}
