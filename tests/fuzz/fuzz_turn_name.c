/* fuzz_turn_name.c - a name that is read has right ids and can be written again */
#include "turn_credential.h"

#include <string.h>

#include "fuzz.h"

static void must_be_written_back(const struct turn_name *t)
{
	char text[TURN_NAME_MAX + 1];
	struct turn_name again;
	int n = turn_name_format(text, sizeof(text), t->expiry_s, t->user, t->call);

	MUST(n > 0 && strlen(text) == (size_t)n);
	MUST(turn_name_parse(text, (size_t)n, &again) == 0);
	MUST(again.expiry_s == t->expiry_s);
	MUST(strcmp(again.user, t->user) == 0);
	MUST(strcmp(again.call, t->call) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct turn_name t;

	turn_user_id_valid((const char *)data, n);
	turn_call_id_valid((const char *)data, n);
	if (turn_name_parse((const char *)data, n, &t) < 0)
		return 0;
	MUST(n <= TURN_NAME_MAX);
	MUST(!*t.user || turn_name_user_valid(t.user, strlen(t.user)));
	MUST(*t.user != '~' || !turn_user_id_valid(t.user, strlen(t.user)));
	MUST(!*t.call || turn_call_id_valid(t.call, strlen(t.call)));
	MUST(!*t.call || *t.user);
	if (*t.user)
		must_be_written_back(&t);
	return 0;
}
