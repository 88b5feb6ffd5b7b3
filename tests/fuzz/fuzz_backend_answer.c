/* fuzz_backend_answer.c - what a backend says is an answer within its limits, or none
 *
 * The first byte chooses the question, the second the HTTP status. */
#include "backend/backend_wire.h"

#include <string.h>

#include "fuzz.h"

static void must_be_sound(const struct backend_answer *a, enum backend_ask ask)
{
	MUST(a->members_n <= BACKEND_MEMBERS_MAX);
	MUST(a->bytes < 1 << 20);
	MUST(a->refs == 1);
	MUST(a->expires_s >= 0);
	MUST(!a->name || (*a->name && strlen(a->name) <= CALLS_NAME_MAX));
	MUST(!a->avatar || (*a->avatar && strlen(a->avatar) <= CALLS_AVATAR_MAX));
	for (size_t i = 0; i < a->members_n; i++)
		MUST(turn_user_id_valid(a->members[i].text, strlen(a->members[i].text)) ||
		     a->members[i].number);
	if (ask == BACKEND_AUTHENTICATE)
		MUST(a->result == 0 ? *a->id.text : !*a->id.text);
	else
		MUST(!*a->id.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const long statuses[] = { 200, 401, 403, 404, 500, 302, 0, -1 };
	struct backend_answer *a = NULL;
	enum backend_ask ask;

	if (n < 2)
		return 0;
	ask = data[0] % BACKEND_ASKS_N;
	if (backend_answer_read(&a, ask, statuses[data[1] % 8], (const char *)data + 2, n - 2) < 0)
		return 0;
	must_be_sound(a, ask);
	backend_answer_unref(a);
	return 0;
}
