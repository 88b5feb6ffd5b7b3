/* fuzz_secret_file.c - a file is refused with a reason or holds to every limit */
#include "secret_file.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "turn_credential.h"

static void must_be_right(const struct secret *s)
{
	size_t n = strlen(s->value);

	MUST(*s->id && n >= 8 && n <= 128);
	MUST(s->not_before_s <= s->not_after_s);
	MUST(!s->users == !s->users_n && (s->users || !*s->tag));
	MUST(s->users_n <= SECRET_USERS_MAX);
	for (size_t i = 0; i < s->users_n; i++) {
		MUST(turn_user_id_valid(s->users[i], strlen(s->users[i])));
		MUST(secret_allows(s, s->users[i]));
	}
	MUST(secret_allows(s, "nobody:") == !s->users);
}

static void must_be_a_reason(const struct secret_error *err)
{
	size_t n = strlen(err->text);

	MUST(n > 0 && n < sizeof(err->text) - 1);
	for (size_t i = 0; i < n; i++)
		MUST(err->text[i] >= ' ' && err->text[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct secret *signing;
	struct secret_error err;
	struct secret_set *set;
	int r = secret_set_parse((const char *)data, n, &set, &err);

	if (r < 0) {
		MUST(r == -EINVAL && !set);
		must_be_a_reason(&err);
		return 0;
	}
	MUST(set->n <= SECRETS_MAX);
	for (size_t i = 0; i < set->n; i++)
		must_be_right(&set->v[i]);
	signing = secret_set_signing(set, 1700000000);
	MUST(!signing || (!signing->users && secret_active(signing, 1700000000)));
	secret_set_free(set);
	return 0;
}
