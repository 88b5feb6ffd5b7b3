/* fuzz_static_secret.c - a value is found whole, or there is a reason that keeps it secret */
#include "static_secret.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct secret_error err;
	char *value;
	int r = static_secret_parse((const char *)data, n, &value, &err);

	MUST(!r == !!value);
	MUST(r == 0 || r == -ENOENT || r == -EINVAL);
	if (r == -EINVAL)
		MUST(err.line > 0 && strncmp(err.text, "static-auth-secret: ", 20) == 0);
	if (value) {
		MUST(*value && strlen(value) <= STATIC_SECRET_MAX);
		MUST(!memchr(value, '\n', strlen(value)));
		MUST(memmem(data, n, value, strlen(value)));
	}
	static_secret_free(value);
	return 0;
}
