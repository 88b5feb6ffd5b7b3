/* fuzz_json_text.c - any text: stay inside; JSON: agree with cJSON and write it back */
#include "json_text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#ifdef HAVE_CJSON
#include <cjson/cJSON.h>
#endif

#include "fuzz.h"

#define DEPTH 32
#define CJSON_DIGITS_MAX 60 /* it reads no more of a number */

static void must_be_inside(struct json_slice v, struct json_slice outer)
{
	MUST(!v.n || (v.p >= outer.p && v.p + v.n <= outer.p + outer.n));
}

static void walk(struct json_slice v, int depth)
{
	struct json_iter it = json_iter(v);
	struct json_slice key, value;
	char text[16];
	uint64_t u;
	double d;
	int n;

	n = json_string(v, text, sizeof(text));
	MUST(n < 0 ? !*text : strlen(text) == (size_t)n);
	json_u64(v, &u);
	MUST(json_double(v, &d) != 0 || isfinite(d));
	if (json_member(v, "a", &value))
		must_be_inside(value, v);
	while (json_next(&it, &key, &value)) {
		MUST(value.n > 0);
		must_be_inside(key, v);
		must_be_inside(value, v);
		if (depth < DEPTH)
			walk(value, depth + 1);
	}
}

/* The checker and the finders cut the same values out of a bracket. */
static void same_items(struct json_slice v)
{
	struct json_slice noted[4], value;
	struct json_items items = { noted, 4, 0 };
	struct json_iter it = json_iter(v);
	size_t n = 0;

	MUST(json_check_items(v.p, v.n, &(struct json_limits){ DEPTH, 1u << 30 }, &items) == 0);
	while (json_next(&it, NULL, &value)) {
		MUST(n >= 4 || (noted[n].p == value.p && noted[n].n == value.n));
		n++;
	}
	MUST(n == items.n);
}

#ifdef HAVE_CJSON
/* Strings with U+0000 are cut by cJSON and refused by json_string(). */
static void same_string(struct json_slice v, const char *theirs)
{
	char *text = malloc(v.n), *again = malloc(v.n);
	int n = json_string(v, text, v.n);
	struct json_out o;

	json_out_heap(&o, SIZE_MAX / 2);
	if (n >= 0) {
		MUST(strcmp(text, theirs) == 0);
		MUST(json_utf8_span(text, (size_t)n) == (size_t)n);
		json_out_string(&o, text);
		MUST(!o.failed && json_check(o.p, o.n, 0) == 0);
		MUST(json_string((struct json_slice){ o.p, o.n }, again, v.n) == n);
		MUST(strcmp(text, again) == 0);
	} else {
		MUST(n == -EINVAL);
		memcpy(text, v.p, v.n - 1);
		text[v.n - 1] = '\0';
		MUST(strstr(text, "\\u0000"));
	}
	json_out_free(&o);
	free(text);
	free(again);
}

static void same_number(struct json_slice v, double theirs)
{
	double d;
	int r = json_double(v, &d);

	MUST(r == 0 ? d == theirs : r == -ERANGE && isinf(theirs));
}

static void same(struct json_slice v, const cJSON *theirs)
{
	struct json_iter it = json_iter(v);
	const cJSON *child = theirs->child;
	struct json_slice key, value;

	if (cJSON_IsString(theirs))
		same_string(v, theirs->valuestring);
	if (cJSON_IsNumber(theirs))
		same_number(v, theirs->valuedouble);
	MUST(cJSON_IsString(theirs) == (json_type(v) == JSON_STRING));
	MUST(cJSON_IsNumber(theirs) == (json_type(v) == JSON_NUMBER));
	MUST(cJSON_IsBool(theirs) == (json_type(v) == JSON_BOOL));
	MUST(cJSON_IsTrue(theirs) == json_is_true(v));
	MUST(cJSON_IsObject(theirs) == (json_type(v) == JSON_OBJECT));
	for (; json_next(&it, &key, &value); child = child->next) {
		MUST(child);
		if (key.p)
			same_string(key, child->string);
		same(value, child);
	}
	MUST(!child);
}

static bool has_long_number(const char *text, size_t n)
{
	size_t run = 0;

	for (size_t i = 0; i < n && run <= CJSON_DIGITS_MAX; i++)
		run = text[i] && strchr("0123456789+-.eE", text[i]) ? run + 1 : 0;
	return run > CJSON_DIGITS_MAX;
}

static void agrees_with_cjson(struct json_slice v, const char *text, size_t n)
{
	cJSON *theirs;

	if (has_long_number(text, n))
		return;
	theirs = cJSON_ParseWithLength(text, n);
	MUST(theirs);
	same(v, theirs);
	cJSON_Delete(theirs);
}
#else
static void agrees_with_cjson(struct json_slice v, const char *text, size_t n)
{
	(void)v, (void)text, (void)n;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct json_slice v = json_trim(text, n);

	MUST(json_utf8_span(text, n) <= n);
	walk((struct json_slice){ text, n }, 0);
	walk(v, 0);
	if (json_check(text, n, DEPTH) < 0)
		return 0;
	MUST(json_utf8_span(text, n) == n);
	MUST(json_check(v.p, v.n, DEPTH) == 0);
	MUST(json_check(v.p, v.n - 1, DEPTH) < 0 || json_type(v) == JSON_NUMBER);
	same_items(v);
	agrees_with_cjson(v, text, n);
	return 0;
}
