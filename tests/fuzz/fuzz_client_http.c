/* fuzz_client_http.c - an HTTP answer is the same however it is cut, and never larger than allowed
 */
#include "http_answer.h"

#include <string.h>

#include "fuzz.h"

#define LIMIT 64

static enum http_progress feed(struct http_answer *a, const char *p, size_t n, size_t step)
{
	enum http_progress done = HTTP_MORE;
	size_t at = 0, used;

	for (; done == HTTP_MORE && at < n; at += used) {
		used = n - at < step ? n - at : step;
		done = http_feed(a, p + at, &used);
		MUST(used <= n - at && (used || done != HTTP_MORE));
		MUST(a->body_n <= LIMIT && strlen(a->value) < HTTP_VALUE_MAX);
	}
	return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_answer a = { .keep_body = true, .body_limit = LIMIT, .want = "x-want:" }, b = a;
	enum http_progress whole = feed(&a, (const char *)data, n, n ? n : 1);
	enum http_progress pieces = feed(&b, (const char *)data, n, 1);

	MUST(whole == pieces && a.status == b.status && !strcmp(a.value, b.value));
	if (whole == HTTP_DONE) {
		MUST(a.body_n == b.body_n);
		MUST(!a.body_n || !memcmp(a.body, b.body, a.body_n));
	}
	http_reset(&a);
	http_reset(&b);
	return 0;
}
