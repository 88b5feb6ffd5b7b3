/* check_json_text.c - the JSON scanner, its finders and its writer */
#include "json_text.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_CJSON
#include <cjson/cJSON.h>
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- a realloc that can fail ------------------------------------------------ */
static bool realloc_fails;

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_realloc(void *p, size_t n)
{
	return realloc_fails ? NULL : __real_realloc(p, n);
}

/* --- helpers ---------------------------------------------------------------- */

/* A copy without anything behind it, so that a sanitizer sees a read past the end. */
static char *exact(const char *text, size_t n)
{
	char *p = malloc(n ? n : 1);

	memcpy(p, text, n);
	return p;
}

static int check(const char *text, size_t n, unsigned depth)
{
	char *p = exact(text, n);
	int r = json_check(p, n, depth);

	free(p);
	return r;
}

static struct json_slice slice(const char *text)
{
	return json_trim(text, strlen(text));
}

#define ck_slice_eq(s, text)                                                                       \
	do {                                                                                       \
		ck_assert_uint_eq((s).n, strlen(text));                                            \
		ck_assert_mem_eq((s).p, text, (s).n);                                              \
	} while (0)

/* --- check -------------------------------------------------------------------- */
static const char *const good[] = {
	"null",
	"true",
	"false",
	"0",
	"-0",
	"-1",
	"10",
	"0.5",
	"1e5",
	"1E+5",
	"1e-05",
	"-0.0e0",
	"123456789012345678901234567890",
	"\"\"",
	"\"a\"",
	"[]",
	"{}",
	" \t\r\n[ ]\n",
	"[1]",
	"[1,2]",
	"[[],{}]",
	"{\"a\":1}",
	"{ \"a\" : 1 , \"b\" : [ ] }",
	"{\"\":\"\"}",
	"{\"a\":1,\"a\":2}",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	"\"\\u0000\\u00e4\\uFFFF\"",
	"\"\\ud83d\\ude00\"",
	"\"\x7f\"",
	"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
	"\"\xe2\x80\xa8\"",
	"\"\xf4\x8f\xbf\xbf\xee\x80\x80\xef\xbf\xbf\xed\x9f\xbf\"",
	"\"01234567\\n89012345\"",
	"\"01234567890123456789012345678901234567\"",
};

START_TEST(json_is_accepted)
{
	const char *text = good[_i];

	ck_assert_int_eq(check(text, strlen(text), 2), 0);
}
END_TEST

static const struct {
	const char *text;
	int r;
} wrong[] = {
	{ "", -EINVAL },
	{ " ", -EINVAL },
	{ "nul", -EINVAL },
	{ "nulll", -EINVAL },
	{ "True", -EINVAL },
	{ "NaN", -EINVAL },
	{ "Infinity", -EINVAL },
	{ "01", -EINVAL },
	{ "-01", -EINVAL },
	{ "1.", -EINVAL },
	{ ".5", -EINVAL },
	{ "+1", -EINVAL },
	{ "-", -EINVAL },
	{ "1e", -EINVAL },
	{ "1e+", -EINVAL },
	{ "0x10", -EINVAL },
	{ "1 2", -EINVAL },
	{ "[", -EINVAL },
	{ "]", -EINVAL },
	{ "[1", -EINVAL },
	{ "[1,", -EINVAL },
	{ "[1,]", -EINVAL },
	{ "[,1]", -EINVAL },
	{ "[1 2]", -EINVAL },
	{ "[1}", -EINVAL },
	{ "{\"a\":1]", -EINVAL },
	{ "{", -EINVAL },
	{ "{a:1}", -EINVAL },
	{ "{'a':1}", -EINVAL },
	{ "{1:1}", -EINVAL },
	{ "{\"a\"}", -EINVAL },
	{ "{\"a\":}", -EINVAL },
	{ "{\"a\":1,}", -EINVAL },
	{ "{,}", -EINVAL },
	{ "{\"a\":1 \"b\":2}", -EINVAL },
	{ "[]]", -EINVAL },
	{ "[][]", -EINVAL },
	{ "[:]", -EINVAL },
	{ "// x\n1", -EINVAL },
	{ "\"", -EINVAL },
	{ "\"a", -EINVAL },
	{ "\"\\\"", -EINVAL },
	{ "\"\\", -EINVAL },
	{ "\"\\x\"", -EINVAL },
	{ "\"\\a\"", -EINVAL },
	{ "\"\\u12\"", -EINVAL },
	{ "\"\\u12g4\"", -EINVAL },
	{ "\"\\U0041\"", -EINVAL },
	{ "\"\n\"", -EINVAL },
	{ "\"\x01\"", -EINVAL },
	{ "\"0123456\x1f\"", -EINVAL },
	{ "\xef\xbb\xbf{}", -EINVAL },
	{ "\xc2\xa0[]", -EINVAL },
	{ "[\v1]", -EINVAL },
	{ "\"\\ud800\"", -EILSEQ },
	{ "\"\\udc00\"", -EILSEQ },
	{ "\"\\ud800x\"", -EILSEQ },
	{ "\"\\ud800\\n12345\"", -EILSEQ },
	{ "\"\\ud800\\ud800\"", -EILSEQ },
	{ "\"\\ud800\\u0041\"", -EILSEQ },
	{ "\"\\ud800\\u12xyz\"", -EINVAL },
	{ "\"\x80\"", -EILSEQ },
	{ "\"\xc0\x80\"", -EILSEQ },
	{ "\"\xc1\xbf\"", -EILSEQ },
	{ "\"\xe0\x9f\xbf\"", -EILSEQ },
	{ "\"\xed\xa0\x80\"", -EILSEQ },
	{ "\"\xf0\x8f\xbf\xbf\"", -EILSEQ },
	{ "\"\xf4\x90\x80\x80\"", -EILSEQ },
	{ "\"\xf5\x80\x80\x80\"", -EILSEQ },
	{ "\"\xff\"", -EILSEQ },
	{ "\"\xe2\x82\"", -EILSEQ },
	{ "\"\xe2", -EILSEQ },
	{ "{\"\xff\":1}", -EILSEQ },
	{ "[[[]]]", -E2BIG },
	{ "{\"a\":[[]]}", -E2BIG },
};

START_TEST(what_is_no_json_is_refused)
{
	const char *text = wrong[_i].text;

	ck_assert_msg(check(text, strlen(text), 2) == wrong[_i].r, "%s: %d", text,
		      check(text, strlen(text), 2));
}
END_TEST

START_TEST(nul_is_a_byte_like_others)
{
	ck_assert_int_eq(check("1\0", 2, 0), -EINVAL);
	ck_assert_int_eq(check("\"\0\"", 3, 0), -EINVAL);
	ck_assert_int_eq(check("\0", 1, 0), -EINVAL);
	ck_assert_int_eq(json_check(NULL, 0, 0), -EINVAL);
}
END_TEST

START_TEST(depth_is_counted_and_bounded)
{
	char text[2 * JSON_DEPTH_MAX + 2];

	ck_assert_int_eq(check("1", 1, 0), 0);
	ck_assert_int_eq(check("[]", 2, 0), -E2BIG);
	ck_assert_int_eq(check("{}", 2, 1), 0);
	ck_assert_int_eq(check("[[],[],{\"a\":{}}]", 16, 3), 0);
	ck_assert_int_eq(check("[[],[],{\"a\":{}}]", 16, 2), -E2BIG);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	ck_assert_int_eq(check(text, sizeof(text), UINT32_MAX), -E2BIG);
	ck_assert_int_eq(check(text + 1, sizeof(text) - 2, UINT32_MAX), 0);
	ck_assert_int_eq(check(text + 1, sizeof(text) - 3, UINT32_MAX), -EINVAL);
	/* object and array are told apart on each level, also after others were there */
	ck_assert_int_eq(check("[{\"a\":[{}]},[{}]]", 17, 9), 0);
	ck_assert_int_eq(check("[{\"a\":[{}}},[{}]]", 17, 9), -EINVAL);
}
END_TEST

static const char document[] =
	" {\"a\" : [1, -2.5e3,\"x\\\"]}\\\\\", {\"b\":null} ,[]], "
	"\"s\":\"\\ud83d\\ude00\xc3\xa4\", "
	"\"t\":true,\"f\":false,\"a\\u0062c\":7,\"dup\":1,\"dup\":2,\"\":{}} ";

START_TEST(a_document_cut_anywhere_is_no_json)
{
	size_t n = strlen(document);

	ck_assert_int_eq(check(document, n, 3), 0);
	ck_assert_int_eq(check(document, n - 1, 3), 0);
	for (size_t i = 0; i < n - 1; i++)
		ck_assert_int_lt(check(document, i, 3), 0);
}
END_TEST

/* The rule of RFC 3629 by arithmetic, for comparison with the table. */
static bool is_one_character(const unsigned char *c, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v = n == 2 ? c[0] & 0x1f : n == 3 ? c[0] & 0x0f : c[0] & 0x07;

	if ((n == 2 && c[0] >> 5 != 6) || (n == 3 && c[0] >> 4 != 14) ||
	    (n == 4 && c[0] >> 3 != 30))
		return false;
	for (size_t i = 1; i < n; i++) {
		if (c[i] >> 6 != 2)
			return false;
		v = v << 6 | (c[i] & 0x3f);
	}
	return v >= least[n] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

START_TEST(utf8_is_told_from_everything_else)
{
	static const unsigned char tails[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
					       0x9f, 0xa0, 0xbf, 0xc0, 0xff };
	size_t kinds = COUNT(tails) * COUNT(tails) * COUNT(tails);

	for (size_t n = 1; n <= 4; n++) {
		unsigned char *p = malloc(n);

		for (size_t i = 0; i < 128 * kinds; i++) {
			unsigned char c[4] = { (unsigned char)(0x80 + i / kinds), tails[i % 11],
					       tails[i / 11 % 11], tails[i / 121 % 11] };
			size_t length = 2, span;

			memcpy(p, c, n);
			span = json_utf8_span((char *)p, n);
			while (length <= n && !is_one_character(c, length))
				length++;
			if (length > n ? span != 0 : span < length)
				ck_abort_msg("%02x %02x %02x %02x", c[0], c[1], c[2], c[3]);
		}
		free(p);
	}
}
END_TEST

START_TEST(a_utf8_span_ends_at_the_first_wrong_byte)
{
	ck_assert_uint_eq(json_utf8_span("", 0), 0);
	ck_assert_uint_eq(json_utf8_span("abc", 3), 3);
	ck_assert_uint_eq(json_utf8_span("0123456789\xff", 11), 10);
	ck_assert_uint_eq(json_utf8_span("01234567\xc3\xa4\xc3", 11), 10);
	ck_assert_uint_eq(json_utf8_span("\xe2\x82\xac", 2), 0);
	ck_assert_uint_eq(json_utf8_span("a\0b", 3), 3);
}
END_TEST

/* --- find ---------------------------------------------------------------------- */
START_TEST(types_are_told_by_the_first_byte)
{
	static const struct {
		const char *text;
		enum json_type type;
	} types[] = {
		{ "null", JSON_NULL }, { "true", JSON_BOOL },	{ "false", JSON_BOOL },
		{ "-1", JSON_NUMBER }, { "0", JSON_NUMBER },	{ "\"\"", JSON_STRING },
		{ "[]", JSON_ARRAY },  { " {} ", JSON_OBJECT }, { "", JSON_NONE },
		{ "  ", JSON_NONE },   { "x", JSON_NONE },	{ "+1", JSON_NONE },
	};

	for (size_t i = 0; i < COUNT(types); i++)
		ck_assert_int_eq(json_type(slice(types[i].text)), types[i].type);
	ck_assert_int_eq(json_type((struct json_slice){ NULL, 0 }), JSON_NONE);
}
END_TEST

START_TEST(members_are_found_as_slices)
{
	static const struct {
		const char *key, *value;
	} members[] = {
		{ "a", "[1, -2.5e3,\"x\\\"]}\\\\\", {\"b\":null} ,[]]" },
		{ "s", "\"\\ud83d\\ude00\xc3\xa4\"" },
		{ "t", "true" },
		{ "f", "false" },
		{ "abc", "7" },
		{ "dup", "2" },
		{ "", "{}" },
	};
	struct json_slice v;

	for (size_t i = 0; i < COUNT(members); i++) {
		ck_assert(json_member(slice(document), members[i].key, &v));
		ck_slice_eq(v, members[i].value);
	}
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
	static const struct {
		const char *text, *key;
	} missing[] = {
		{ document, "b" },
		{ document, "A" },
		{ document, "ab" },
		{ document, "abcd" },
		{ "[1]", "a" },
		{ "\"a\"", "a" },
		{ "", "a" },
		{ "{", "a" },
		{ "{\"a\"", "a" },
		{ "{\"a\":", "a" },
		{ "{\"a\":}", "a" },
		{ "{\"\\ud800\":1}", "a" },
		{ "{\"a\\u0000\":1}", "a" },
		{ "{\"\\", "a" },
	};
	struct json_slice v;

	for (size_t i = 0; i < COUNT(missing); i++) {
		v.p = "";
		ck_assert(!json_member(slice(missing[i].text), missing[i].key, &v));
		ck_assert_ptr_null(v.p);
		ck_assert_uint_eq(v.n, 0);
	}
}
END_TEST

START_TEST(an_escaped_key_is_the_key)
{
	struct json_slice v;

	ck_assert(json_member(slice("{\"\\u20ac\\ud83d\\ude00\\u00e4\\t\":1}"),
			      "\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa4\t", &v));
	ck_assert(json_member(slice("{\"a\\\\b\":1}"), "a\\b", &v));
	ck_assert(!json_member(slice("{\"a\\\\b\":1}"), "a\\\\b", &v));
}
END_TEST

START_TEST(iterators_visit_every_element)
{
	static const char *const elements[] = { "1", "-2.5e3", "\"x\\\"]}\\\\\"", "{\"b\":null}",
						"[]" };
	struct json_slice key = { "", 0 }, v;
	struct json_iter it;
	size_t n = 0;

	ck_assert(json_member(slice(document), "a", &v));
	for (it = json_iter(v); json_next(&it, &key, &v); n++) {
		ck_assert_ptr_null(key.p);
		ck_slice_eq(v, elements[n]);
	}
	ck_assert_uint_eq(n, COUNT(elements));
	ck_assert(!json_next(&it, NULL, &v));
	ck_assert_ptr_null(v.p);

	for (it = json_iter(slice(document)), n = 0; json_next(&it, &key, &v); n++)
		ck_assert_int_eq(json_type(key), JSON_STRING);
	ck_assert_uint_eq(n, 8);

	it = json_iter(slice("[ ]"));
	ck_assert(!json_next(&it, NULL, &v));
	it = json_iter(slice("7"));
	ck_assert(!json_next(&it, NULL, &v));
	it = json_iter((struct json_slice){ NULL, 0 });
	ck_assert(!json_next(&it, NULL, &v));
}
END_TEST

static void walk(struct json_slice v, const char *low, const char *high, int depth)
{
	struct json_iter it = json_iter(v);
	struct json_slice key, value;
	char text[8];
	uint64_t u;
	double d;

	ck_assert(!v.n || (v.p >= low && v.p + v.n <= high));
	json_string(v, text, sizeof(text));
	json_u64(v, &u);
	json_double(v, &d);
	json_member(v, "dup", &value);
	while (depth < 20 && json_next(&it, &key, &value))
		walk(value, low, high, depth + 1);
}

START_TEST(finders_stay_inside_any_text)
{
	size_t n = strlen(document);

	for (size_t cut = 0; cut <= n; cut++) {
		char *p = exact(document, cut);

		walk((struct json_slice){ p, cut }, p, p + cut, 0);
		walk(json_trim(p, cut), p, p + cut, 0);
		free(p);
	}
	for (size_t i = 0; i < n; i++)
		for (const char *c = "\"\\{}[],:u "; *c; c++) {
			char *p = exact(document, n);

			p[i] = *c;
			walk(json_trim(p, n), p, p + n, 0);
			free(p);
		}
}
END_TEST

/* --- decode ---------------------------------------------------------------------- */
START_TEST(strings_are_decoded)
{
	static const struct {
		const char *text, *out;
	} strings[] = {
		{ "\"\"", "" },
		{ "\"abc\"", "abc" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"",
		  "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\udbff\\udfff\"",
		  "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf" },
		{ "\"\xd0\x96\"", "\xd0\x96" },
	};
	char out[64];

	for (size_t i = 0; i < COUNT(strings); i++) {
		size_t n = strlen(strings[i].out);

		ck_assert_int_eq(json_string(slice(strings[i].text), out, sizeof(out)), (int)n);
		ck_assert_str_eq(out, strings[i].out);
		ck_assert_int_eq(json_string(slice(strings[i].text), out, n + 1), (int)n);
		ck_assert_int_eq(json_string(slice(strings[i].text), out, n), -ENOBUFS);
		if (n)
			ck_assert_str_eq(out, "");
	}
}
END_TEST

START_TEST(what_is_no_string_is_not_decoded)
{
	static const char *const texts[] = { "1",	"",	    "\"",
					     "\"a",	"null",	    "\"\\u0000\"",
					     "\"a\\\"", "\"a\"b\"", "\"\\ud800\"",
					     "\"\\q\"", "\"\x01\"", "[]" };
	char out[8];

	for (size_t i = 0; i < COUNT(texts); i++) {
		ck_assert_int_eq(json_string(slice(texts[i]), out, sizeof(out)), -EINVAL);
		ck_assert_str_eq(out, "");
	}
}
END_TEST

START_TEST(whole_numbers_are_decoded)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} numbers[] = {
		{ "0", 0, 0 },
		{ "9007199254740993", 0, 9007199254740993ULL },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "-1", -EINVAL, 0 },
		{ "-0", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "01", -EINVAL, 0 },
		{ "\"1\"", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};
	uint64_t v;

	for (size_t i = 0; i < COUNT(numbers); i++) {
		v = 0;
		ck_assert_int_eq(json_u64(slice(numbers[i].text), &v), numbers[i].r);
		ck_assert_uint_eq(v, numbers[i].v);
	}
	ck_assert_int_eq(json_u64((struct json_slice){ NULL, 0 }, &v), -EINVAL);
}
END_TEST

START_TEST(doubles_are_those_of_strtod)
{
	static const char *const numbers[] = {
		"0",
		"-0",
		"0.0",
		"1",
		"-1.5",
		"3.141592653589793",
		"1e3",
		"1E-3",
		"1e+3",
		"0.001",
		"1.7976931348623157e308",
		"4.9e-324",
		"2.4703282292062327e-324",
		"1e-400",
		"-1e-99999999999999999999",
		"9007199254740993",
		"0.1",
		"123456789012345678901234567890",
		"0e99999999999999999999",
		"0.00000000000000000000000000000000000001e38",
		"100000000000000000000000e-23",
	};
	double v;

	for (size_t i = 0; i < COUNT(numbers); i++) {
		double want = strtod(numbers[i], NULL);

		ck_assert_int_eq(json_double(slice(numbers[i]), &v), 0);
		ck_assert_msg(v == want && signbit(v) == signbit(want), "%s: %g", numbers[i], v);
	}
	ck_assert_int_eq(json_double(slice("1e309"), &v), -ERANGE);
	ck_assert_int_eq(json_double(slice("-1e99999999999999999999"), &v), -ERANGE);
	ck_assert_int_eq(json_double(slice("1."), &v), -EINVAL);
	ck_assert_int_eq(json_double(slice("0x1"), &v), -EINVAL);
	ck_assert_int_eq(json_double(slice("1 "), &v), 0);
	ck_assert_int_eq(json_double(slice("\"1\""), &v), -EINVAL);
	ck_assert_int_eq(json_double(slice(""), &v), -EINVAL);
	ck_assert_int_eq(json_double((struct json_slice){ NULL, 0 }, &v), -EINVAL);
}
END_TEST

START_TEST(long_numbers_are_rounded_right)
{
	char text[2100];
	double v;

	/* 2^53 + 1 lies in the middle; a last digit far away decides upwards */
	sprintf(text, "9007199254740993.%01500d1", 0);
	ck_assert_int_eq(json_double(slice(text), &v), 0);
	ck_assert(v == 9007199254740994.0);
	sprintf(text, "9007199254740993.%01500d0", 0);
	ck_assert_int_eq(json_double(slice(text), &v), 0);
	ck_assert(v == 9007199254740992.0);
	sprintf(text, "1%02000de-2000", 0);
	ck_assert_int_eq(json_double(slice(text), &v), 0);
	ck_assert(v == 1.0);
	sprintf(text, "0.%02000d1e2001", 0);
	ck_assert_int_eq(json_double(slice(text), &v), 0);
	ck_assert(v == 1.0);
}
END_TEST

START_TEST(only_true_is_true)
{
	ck_assert(json_is_true(slice("true")));
	ck_assert(!json_is_true(slice("false")));
	ck_assert(!json_is_true(slice("\"true\"")));
	ck_assert(!json_is_true((struct json_slice){ NULL, 0 }));
}
END_TEST

/* --- write ------------------------------------------------------------------------ */
static void write_sample(struct json_out *o)
{
	json_out_open(o, '{');
	json_put_string(o, "text", "a\"\\/\b\f\n\r\t\x01\x1f\x7f\xd0\x96\xe2\x80\xa8");
	json_put_string(o, "absent", NULL);
	json_put_raw(o, "absent", (struct json_slice){ NULL, 0 });
	json_put_u64(o, "max", UINT64_MAX);
	json_put_i64(o, "min", INT64_MIN);
	json_put_i64(o, "one", 1);
	json_put_bool(o, "yes", true);
	json_put_bool(o, "no", false);
	json_put_raw(o, "raw", (struct json_slice){ "[1, 2]", 6 });
	json_out_key(o, "list");
	json_out_open(o, '[');
	json_out_double(o, -1.25, 2);
	json_out_double(o, 2.5, 0);
	json_out_double(o, NAN, 1);
	json_out_open(o, '[');
	json_out_close(o, ']');
	json_out_string_n(o, "a\0b", 3);
	json_out_open(o, '{');
	json_out_close(o, '}');
	json_out_u64(o, 0);
	json_out_close(o, ']');
	json_out_bytes(o, ",\"x\":1", 6);
	json_put_bool(o, "y", true);
	json_out_close(o, '}');
}

static const char sample[] =
	"{\"text\":\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xd0\x96\xe2\x80\xa8\","
	"\"max\":18446744073709551615,\"min\":-9223372036854775808,\"one\":1,\"yes\":true,\"no\":"
	"false,"
	"\"raw\":[1, 2],\"list\":[-1.25,2,null,[],\"a\\u0000b\",{},0],\"x\":1,\"y\":true}";

START_TEST(what_is_written_is_json)
{
	char buf[512];
	struct json_out o;

	json_out_fixed(&o, buf, sizeof(buf));
	write_sample(&o);
	ck_assert(!o.failed);
	ck_assert_uint_eq(o.n, strlen(sample));
	ck_assert_mem_eq(buf, sample, o.n);
	ck_assert_int_eq(check(buf, o.n, 3), 0);
	json_out_reset(&o);
	json_out_u64(&o, 7);
	ck_assert_uint_eq(o.n, 1);
}
END_TEST

START_TEST(a_full_buffer_fails_once_and_for_all)
{
	for (size_t size = 0; size <= strlen(sample); size++) {
		char *buf = malloc(size ? size : 1);
		struct json_out o;

		json_out_fixed(&o, buf, size);
		write_sample(&o);
		ck_assert_int_eq(o.failed, size < strlen(sample));
		ck_assert_uint_le(o.n, size);
		ck_assert_mem_eq(buf, sample, o.n);
		free(buf);

		json_out_heap(&o, size);
		write_sample(&o);
		ck_assert_int_eq(o.failed, size < strlen(sample));
		ck_assert_uint_le(o.size, size);
		json_out_free(&o);
	}
}
END_TEST

START_TEST(a_heap_buffer_grows_to_its_limit)
{
	struct json_out o;

	json_out_heap(&o, 100000);
	json_out_open(&o, '[');
	for (unsigned i = 0; i < 10000; i++)
		json_out_u64(&o, i);
	json_out_close(&o, ']');
	ck_assert(!o.failed);
	ck_assert_int_eq(check(o.p, o.n, 1), 0);
	for (unsigned i = 0; i < 100000; i++)
		json_out_bytes(&o, "x", 1);
	ck_assert(o.failed);
	ck_assert_uint_le(o.size, 100000);
	json_out_free(&o);
	ck_assert_ptr_null(o.p);
	ck_assert_uint_eq(o.n, 0);
	json_out_u64(&o, 1); /* and may be used again */
	ck_assert(!o.failed);
	json_out_free(&o);
	json_out_free(NULL);
}
END_TEST

START_TEST(out_of_memory_is_a_failure)
{
	struct json_out o;

	json_out_heap(&o, 100000);
	realloc_fails = true;
	json_out_u64(&o, 7);
	realloc_fails = false;
	ck_assert(o.failed);
	json_out_u64(&o, 7);
	ck_assert_uint_eq(o.n, 0);
	json_out_free(&o);
}
END_TEST

START_TEST(no_value_is_not_written_as_one)
{
	char buf[8];
	struct json_out o;

	json_out_fixed(&o, buf, sizeof(buf));
	json_out_raw(&o, (struct json_slice){ NULL, 0 });
	ck_assert(o.failed);
}
END_TEST

START_TEST(doubles_have_the_decimals_asked_for)
{
	static const struct {
		double v;
		int decimals;
		const char *text;
	} doubles[] = {
		{ 0, 3, "0.000" },     { 1.5, 1, "1.5" },
		{ -0.25, 2, "-0.25" }, { 1e15, 0, "1000000000000000" },
		{ 7, -1, "7" },	       { INFINITY, 1, "null" },
	};

	for (size_t i = 0; i < COUNT(doubles); i++) {
		char buf[64];
		struct json_out o;

		json_out_fixed(&o, buf, sizeof(buf));
		json_out_double(&o, doubles[i].v, doubles[i].decimals);
		ck_assert_uint_eq(o.n, strlen(doubles[i].text));
		ck_assert_mem_eq(buf, doubles[i].text, o.n);
	}
	{
		char buf[400];
		struct json_out o;

		json_out_fixed(&o, buf, sizeof(buf));
		json_out_double(&o, -DBL_MAX, 99);
		ck_assert(!o.failed);
		ck_assert_uint_eq(o.n, 1 + 309 + 1 + 17);
	}
}
END_TEST

/* --- cJSON as the oracle -------------------------------------------------------------- */
#ifdef HAVE_CJSON
static void must_be_equal(struct json_slice v, const cJSON *o)
{
	static const struct {
		int cjson;
		enum json_type type;
	} types[] = { { cJSON_NULL, JSON_NULL },     { cJSON_True, JSON_BOOL },
		      { cJSON_False, JSON_BOOL },    { cJSON_Number, JSON_NUMBER },
		      { cJSON_String, JSON_STRING }, { cJSON_Array, JSON_ARRAY },
		      { cJSON_Object, JSON_OBJECT } };
	struct json_iter it = json_iter(v);
	struct json_slice key, value;
	const cJSON *child = o->child;
	char text[512];
	double d;

	for (size_t i = 0; i < COUNT(types); i++)
		if ((o->type & 0xff) == types[i].cjson)
			ck_assert_int_eq(json_type(v), types[i].type);
	if (cJSON_IsNumber(o)) {
		ck_assert_int_eq(json_double(v, &d), 0);
		ck_assert(d == o->valuedouble);
	}
	if (cJSON_IsString(o)) {
		ck_assert_int_ge(json_string(v, text, sizeof(text)), 0);
		ck_assert_str_eq(text, o->valuestring);
	}
	for (; json_next(&it, &key, &value); child = child->next) {
		ck_assert_ptr_nonnull(child);
		if (key.p) {
			ck_assert_int_ge(json_string(key, text, sizeof(text)), 0);
			ck_assert_str_eq(text, child->string);
		}
		must_be_equal(value, child);
	}
	ck_assert_ptr_null(child);
}

START_TEST(cjson_reads_the_same)
{
	const char *texts[COUNT(good) + 2];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(good); i++)
		if (!strstr(good[i], "u0000")) /* cJSON ends the string there */
			texts[n++] = good[i];
	texts[n++] = document;
	texts[n++] = "{\"jsonrpc\":[{\"sdp\":\"v=0\\r\\no=- 1 2 IN IP4 127.0.0.1\\r\\n\"},[[[]]]]}";
	for (size_t i = 0; i < n; i++) {
		cJSON *o = cJSON_Parse(texts[i]);

		ck_assert_ptr_nonnull(o);
		must_be_equal(slice(texts[i]), o);
		cJSON_Delete(o);
	}
}
END_TEST
#endif

static TCase *reading(void)
{
	TCase *t = tcase_create("reading");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_loop_test(t, json_is_accepted, 0, (int)COUNT(good));
	tcase_add_loop_test(t, what_is_no_json_is_refused, 0, (int)COUNT(wrong));
	tcase_add_test(t, nul_is_a_byte_like_others);
	tcase_add_test(t, depth_is_counted_and_bounded);
	tcase_add_test(t, a_document_cut_anywhere_is_no_json);
	tcase_add_test(t, utf8_is_told_from_everything_else);
	tcase_add_test(t, a_utf8_span_ends_at_the_first_wrong_byte);
	tcase_add_test(t, types_are_told_by_the_first_byte);
	tcase_add_test(t, members_are_found_as_slices);
	tcase_add_test(t, what_is_not_there_is_not_found);
	tcase_add_test(t, an_escaped_key_is_the_key);
	tcase_add_test(t, iterators_visit_every_element);
	tcase_add_test(t, finders_stay_inside_any_text);
	tcase_add_test(t, strings_are_decoded);
	tcase_add_test(t, what_is_no_string_is_not_decoded);
	tcase_add_test(t, whole_numbers_are_decoded);
	tcase_add_test(t, doubles_are_those_of_strtod);
	tcase_add_test(t, long_numbers_are_rounded_right);
	tcase_add_test(t, only_true_is_true);
#ifdef HAVE_CJSON
	tcase_add_test(t, cjson_reads_the_same);
#endif
	return t;
}

static TCase *writing(void)
{
	TCase *t = tcase_create("writing");

	tcase_set_timeout(t, 30); /* busy machines, sanitizers */
	tcase_add_test(t, what_is_written_is_json);
	tcase_add_test(t, a_full_buffer_fails_once_and_for_all);
	tcase_add_test(t, a_heap_buffer_grows_to_its_limit);
	tcase_add_test(t, out_of_memory_is_a_failure);
	tcase_add_test(t, no_value_is_not_written_as_one);
	tcase_add_test(t, doubles_have_the_decimals_asked_for);
	return t;
}

/* What may stand in a string as it is, asked of every byte at every place of the wide steps. */
START_TEST(the_first_odd_byte_is_found_wherever_it_stands)
{
	char text[64];

	for (size_t at = 0; at < 40; at++) {
		for (int byte = 0; byte < 256; byte++) {
			bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';

			memset(text, 'a', sizeof(text));
			text[0] = text[50] = '"';
			text[1 + at] = (char)byte;
			ck_assert_msg((json_check(text, 51, 1) == 0) == plain, "%d at %zu", byte,
				      at);
			if (plain)
				ck_assert_int_eq(json_string((struct json_slice){ text, 51 },
							     (char[64]){ 0 }, 64),
						 49);
		}
	}
}
END_TEST

/* Every cut of a text, ending where memory ends: wide steps do not look beyond, nor do answers. */
START_TEST(nothing_is_read_behind_the_end)
{
	static const char text[] =
		" [ "
		"\"abcdefghijklmnopqrstuvwxyz0123456789\\\\\\\"\\ud83d\\ude00\xf0\x9f\x98\x80\", "
		"-12.5e-7 , {\"key\" : [true,false , null]} ,\"\xc3\xa9\\u00e9\" , 0 ] ";
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), all = sizeof(text) - 1;
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = memory + page, out[sizeof(text)];

	ck_assert(memory != MAP_FAILED);
	ck_assert_int_eq(mprotect(end, page, PROT_NONE), 0);
	for (size_t from = 0; from < all; from++) {
		for (size_t n = 1; n <= all - from; n++) {
			const char *p = memcpy(end - n, text + from, n);
			struct json_slice v = { p, n }, t;
			struct json_iter it = json_iter(v);

			ck_assert(from || n < all - 1 || json_check(p, n, 8) == 0);
			json_check(p, n, 8);
			ck_assert_uint_le(json_utf8_span(p, n), n);
			json_string(v, out, sizeof(out));
			json_member(v, "key", &t);
			while (json_next(&it, NULL, &t))
				;
			while (json_token(&p, end, &t))
				;
		}
	}
	munmap(memory, 2 * page);
}
END_TEST

START_TEST(items_are_the_values_in_the_outermost_bracket)
{
	static const char text[] = " [ 1 , {\"a\":[2,3]},\"x\",[] , null ] ";
	static const char *const expected[] = { "1", "{\"a\":[2,3]}", "\"x\"", "[]", "null" };
	const struct json_limits limits = { 8, 100 };
	struct json_slice v[5];
	struct json_items items = { v, 5, 99 };

	ck_assert_int_eq(json_check_items(text, sizeof(text) - 1, &limits, &items), 0);
	ck_assert_uint_eq(items.n, 5);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(v[i].n, strlen(expected[i]));
		ck_assert_mem_eq(v[i].p, expected[i], v[i].n);
	}
	items.max = 2; /* the others are counted */
	v[2].p = NULL;
	ck_assert_int_eq(json_check_items(text, sizeof(text) - 1, &limits, &items), 0);
	ck_assert_uint_eq(items.n, 5);
	ck_assert_uint_eq(v[1].n, strlen(expected[1]));
	ck_assert_ptr_null(v[2].p);
	ck_assert_int_eq(json_check_items("7", 1, &limits, &items), 0);
	ck_assert_uint_eq(items.n, 0);
}
END_TEST

START_TEST(values_are_counted_and_names_are_not)
{
	static const char text[] = "[1,{\"a\":2,\"b\":[]},\"c\"]"; /* 6 of them */

	for (unsigned nodes = 1; nodes < 8; nodes++)
		ck_assert_int_eq(json_check_items(text, sizeof(text) - 1,
						  &(struct json_limits){ 8, nodes }, NULL),
				 nodes < 6 ? -E2BIG : 0);
}
END_TEST

static TCase *scanning(void)
{
	TCase *t = tcase_create("scanning");

	tcase_add_test(t, the_first_odd_byte_is_found_wherever_it_stands);
	tcase_add_test(t, nothing_is_read_behind_the_end);
	tcase_add_test(t, items_are_the_values_in_the_outermost_bracket);
	tcase_add_test(t, values_are_counted_and_names_are_not);
	return t;
}

int main(void)
{
	Suite *s = suite_create("json_text");

	suite_add_tcase(s, reading());
	suite_add_tcase(s, writing());
	suite_add_tcase(s, scanning());
	return run_suite(s);
}
