/* fuzz_admin_tokens.c - tokens are those of the text, or there is a line that is wrong */
#include "admin/admin_tokens.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct admin_token_set set, again;
	struct secret_error err = { .line = 0 };
	int r = admin_tokens_parse(&set, (const char *)data, n, &err);

	MUST(r == 0 || r == -EINVAL);
	MUST(set.n <= ADMIN_TOKENS_MAX);
	if (r) {
		MUST(!set.n && err.line > 0 && err.text[0] &&
		     !memchr(err.text, '\n', strlen(err.text)));
		return 0;
	}
	for (size_t i = 0; i < set.n; i++) {
		MUST(set.v[i].name[0] && strlen(set.v[i].name) <= ADMIN_NAME_MAX);
		MUST(memmem(data, n, set.v[i].name, strlen(set.v[i].name)) ||
		     (set.n == 1 && !strcmp(set.v[i].name, ADMIN_NAME_DEFAULT)));
		for (size_t k = 0; k < i; k++)
			MUST(strcmp(set.v[i].name, set.v[k].name) != 0 &&
			     memcmp(set.v[i].sha256, set.v[k].sha256, sizeof(set.v[i].sha256)) !=
				     0);
	}
	MUST(!admin_tokens_parse(&again, (const char *)data, n, &err) &&
	     !memcmp(&again, &set, sizeof(set)));
	return 0;
}
