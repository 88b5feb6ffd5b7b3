/* fuzz_http_target.c - targets, queries, headers: what is read is a part of what was written
 *
 * The input's lines: target, key, header value. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "transport/http_text.h"

#define LINES 3

static void check_decoded(const char *text, int n, size_t size)
{
	MUST(n == -EINVAL || n == -ENOBUFS || n == -ENOENT ||
	     (n >= 0 && (size_t)n < size && strlen(text) == (size_t)n));
}

/* What fits never depends on the size of what it is written to; and a second key of the same name
 * takes the place of the first. */
static void check_query(const char *query, const char *key)
{
	size_t n = strlen(query);
	char *whole = malloc(n + 1), *small = malloc(n / 2 + 1), *twice = malloc(2 * n + 2);
	int got, again;

	MUST(whole && small && twice);
	got = http_query_value(query, key, whole, n + 1);
	check_decoded(whole, got, n + 1);
	MUST(got != -ENOBUFS);
	again = http_query_value(query, key, small, n / 2 + 1);
	check_decoded(small, again, n / 2 + 1);
	MUST(again == got || (again == -ENOBUFS && got != -ENOENT));
	MUST(again < 0 || !strcmp(whole, small));
	memcpy(twice, query, n);
	twice[n] = '&';
	memcpy(twice + n + 1, query, n + 1);
	again = http_query_value(twice, key, small, n / 2 + 1);
	MUST(!*key || again == got || (again == -ENOBUFS && got != -ENOENT));
	free(whole);
	free(small);
	free(twice);
}

static void check_path(const char *target, size_t n)
{
	static const char *const patterns[] = { "/", "/:", "/a/:", "/demo/*", "/a" };
	char *path = malloc(n + 1);
	const char *segment;
	size_t segment_n, i;
	int len;

	MUST(path);
	len = http_decode(path, n + 1, target, n, false);
	check_decoded(path, len, n + 1);
	MUST(len != -ENOBUFS && len <= (int)n);
	MUST(http_escapes_are_fine(target, n) == (len >= 0));
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (http_route_matches(patterns[i], target, n, &segment, &segment_n) && segment)
			MUST(segment >= target && segment + segment_n == target + n);
	http_printable(path, target, n);
	MUST(strlen(path) == n && http_target_is_fine(path) == !strchr(path, ' '));
	free(path);
}

static void check_header(const char *value)
{
	static const char etag[] = "\"0123\"";
	char *list = malloc(strlen(value) + sizeof(etag) + 2);

	MUST(list);
	http_has_token(value, "upgrade");
	http_ws_key_valid(value);
	http_host_is_fine(value);
	http_field_is_fine(value, value);
	http_etag_matches(value, etag);
	strcpy(list, etag);
	strcat(strcat(list, ","), value);
	MUST(http_etag_matches(list, etag));
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *line[LINES];
	size_t path_n, i;

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	for (i = 0; i < LINES; i++) {
		line[i] = rest ? strsep(&rest, "\n") : text + size;
		if (!line[i])
			line[i] = text + size;
	}
	path_n = strcspn(line[0], "?");
	check_path(line[0], path_n);
	check_query(line[0] + path_n + (line[0][path_n] == '?'), line[1]);
	check_header(line[2]);
	free(text);
	return 0;
}
