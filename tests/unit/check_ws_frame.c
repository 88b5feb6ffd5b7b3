/* check_ws_frame.c - RFC 6455 frames: vectors, every cut, every violation */
#include "transport/ws_frame.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nth_alloc.h"
#include "run_suite.h"
#include "transport/utf8.h"

#define MAX 70000
#define MASKED_EMPTY "\x80\0\0\0\0"

struct got {
	char text[256]; /* one letter an event, and what it carried, if short */
	size_t n;
};

static void note(struct got *g, const struct ws_event *e)
{
	static const char letters[] = ".tbpqc!"; /* by enum ws_got */

	g->text[g->n++] = letters[e->got];
	if (e->got == WS_CLOSE || e->got == WS_BAD)
		g->n += (size_t)sprintf(g->text + g->n, "%u", e->code);
	if (e->n && e->n < 32) {
		memcpy(g->text + g->n, e->p, e->n);
		g->n += e->n;
	}
	g->text[g->n] = '\0';
}

static void feed(struct ws_decoder *d, const void *bytes, size_t n, struct got *g)
{
	uint8_t *copy = malloc(n ? n : 1), *p = copy; /* of the exact size, and ours to unmask */
	struct ws_event e;

	memcpy(copy, bytes, n);
	do {
		size_t used = ws_decode(d, p, n, &e);

		ck_assert_uint_le(used, n);
		p += used;
		n -= used;
		if (e.got != WS_NOTHING)
			note(g, &e);
	} while (e.got != WS_NOTHING);
	ck_assert_uint_eq(n, 0);
	free(copy);
}

/* Whole, byte by byte, and cut in two at every place: always the same. */
static void expect(const void *bytes, size_t n, const char *events)
{
	for (size_t cut = 0; cut <= n; cut++) {
		struct got g = { "", 0 };
		struct ws_decoder d;

		ws_decoder_init(&d, MAX);
		feed(&d, bytes, cut, &g);
		feed(&d, (const uint8_t *)bytes + cut, n - cut, &g);
		ck_assert_str_eq(g.text, events);
		ws_decoder_deinit(&d);
	}
	struct got g = { "", 0 };
	struct ws_decoder d;

	ws_decoder_init(&d, MAX);
	for (size_t i = 0; i < n; i++)
		feed(&d, (const uint8_t *)bytes + i, 1, &g);
	ck_assert_str_eq(g.text, events);
	if (!d.message)
		ck_assert_ptr_null(d.buf);
	ck_assert_ptr_null(d.control);
	ws_decoder_deinit(&d);
}
#define EXPECT(bytes, events) expect(bytes, sizeof(bytes) - 1, events)

START_TEST(rfc6455_section_5_7_masked_examples)
{
	/* "A single-frame masked text message" */
	EXPECT("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "tHello");
	/* "Ping request and masked Ping response": the client's Pong */
	EXPECT("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "qHello");
}
END_TEST

START_TEST(messages_in_fragments_with_control_frames_between)
{
	EXPECT("\x01\x82\0\0\0\0He\x89\x81\0\0\0\0p\x00\x82\0\0\0\0ll\x8a\x80\0\0\0\0\x80\x81\0\0\0"
	       "\0o",
	       "ppqtHello");
	EXPECT("\x02" MASKED_EMPTY "\x80" MASKED_EMPTY, "b");
	EXPECT("\x81" MASKED_EMPTY "\x82" MASKED_EMPTY, "tb");
	EXPECT("\x01\x81\0\0\0\0\xd1\x80\x81\0\0\0\0\x97", "t\xd1\x97");
}
END_TEST

START_TEST(violations_are_1002)
{
	EXPECT("\x81\x01x", "!1002");	      /* unmasked */
	EXPECT("\xc1\x81\0\0\0\0x", "!1002"); /* RSV1 */
	EXPECT("\x91\x81\0\0\0\0x", "!1002"); /* RSV3 */
	EXPECT("\x83\x81\0\0\0\0x", "!1002"); /* opcodes nobody has given a meaning */
	EXPECT("\x8b\x81\0\0\0\0x", "!1002");
	EXPECT("\x09" MASKED_EMPTY, "!1002");	   /* fragmented control frame */
	EXPECT("\x89\xfe\0\x7e\0\0\0\0", "!1002"); /* control frame of 126 bytes */
	EXPECT("\x80" MASKED_EMPTY, "!1002");	   /* continuation of nothing */
	EXPECT("\x01" MASKED_EMPTY "\x81" MASKED_EMPTY, "!1002");
	EXPECT("\x82\xfe\0\x7d\0\0\0\0", "!1002"); /* not the shortest length */
	EXPECT("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", "!1002");
	EXPECT("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", "!1002"); /* sign bit */
	EXPECT("\x88\x81\0\0\0\0x", "!1002");		       /* half a close code */
	EXPECT("\x88\x82\0\0\0\0\x03\xec", "!1002");	       /* 1004 */
	EXPECT("\x88\x82\0\0\0\0\x03\xe7", "!1002");	       /* 999 */
	EXPECT("\x88\x82\0\0\0\0\x13\x88", "!1002");	       /* 5000 */
}
END_TEST

START_TEST(text_that_is_no_utf8_is_1007)
{
	EXPECT("\x81\x82\0\0\0\0\xc0\x80", "!1007");
	EXPECT("\x81\x83\0\0\0\0\xed\xa0\x80", "!1007");
	EXPECT("\x81\x82\0\0\0\0\xe2\x82", "!1007"); /* ends inside a character */
	EXPECT("\x88\x83\0\0\0\0\x03\xe8\xff", "!1007");
	EXPECT("\x82\x82\0\0\0\0\xc0\x80", "b\xc0\x80"); /* binary may be anything */
}
END_TEST

START_TEST(a_close_is_the_last_thing_that_is_read)
{
	EXPECT("\x88" MASKED_EMPTY "\x81\x81\0\0\0\0x", "c1005");
	EXPECT("\x88\x85\0\0\0\0\x03\xe8"
	       "bye\x81",
	       "c1000bye");
	EXPECT("\x88\x82\0\0\0\0\x0f\xa0", "c4000");
	EXPECT("\xff\x81\0\0\0\0x\x81\x81\0\0\0\0x", "!1002");
}
END_TEST

START_TEST(what_is_wrong_is_said_at_the_byte_that_tells)
{
	EXPECT("\xc1", ""); /* the second byte completes the start */
	EXPECT("\xc1\x80", "!1002");
	EXPECT("\x82\xfe\0\x7d", "!1002");
	EXPECT("\x82\xff\x80\0\0\0\0\0\0\0", "!1002");
	EXPECT("\x82\xff\0\0\0\0\0\1\x11\x71", "!1009"); /* MAX + 1 */
	EXPECT("\x81\xfe\x10\0\0\0\0\0good\xff", "!1007");
	EXPECT("\x01\x82\0\0\0\0\xf4\x90", "!1007");
}
END_TEST

START_TEST(close_codes_of_section_7_4)
{
	static const struct {
		unsigned from, to;
		bool valid;
	} rows[] = {
		{ 0, 999, false },	{ 1000, 1003, true },  { 1004, 1006, false },
		{ 1007, 1014, true },	{ 1015, 2999, false }, { 3000, 4999, true },
		{ 5000, 65535, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned code = rows[i].from; code <= rows[i].to; code++) {
			uint8_t bytes[8] = { 0x88,	   0x82, 0, 0, 0, 0, (uint8_t)(code >> 8),
					     (uint8_t)code };
			struct ws_decoder d;
			struct ws_event e;

			ws_decoder_init(&d, MAX);
			ws_decode(&d, bytes, sizeof(bytes), &e);
			ck_assert_int_eq(e.got, rows[i].valid ? WS_CLOSE : WS_BAD);
			ck_assert_uint_eq(e.code, rows[i].valid ? code : WS_PROTOCOL_ERROR);
			ws_decoder_deinit(&d);
		}
	}
}
END_TEST

START_TEST(a_close_frees_the_message_it_cuts_off)
{
	struct got g = { "", 0 };
	struct ws_decoder d;

	ws_decoder_init(&d, MAX);
	feed(&d, "\x01\x82\0\0\0\0He", 8, &g);
	ck_assert(!ws_decoder_idle(&d));
	ck_assert_uint_gt(ws_decoder_held(&d), 0);
	feed(&d, "\x88" MASKED_EMPTY, 6, &g);
	ck_assert_uint_eq(ws_decoder_held(&d), 0);
	ck_assert_str_eq(g.text, "c1005");
	ws_decoder_deinit(&d);
}
END_TEST

START_TEST(a_decoder_is_idle_between_messages_only)
{
	static const char bytes[] = "\x01\x81\0\0\0\0H\x89\x80\0\0\0\0\x80\x80\0\0\0\0";
	struct got g = { "", 0 };
	struct ws_decoder d;

	ws_decoder_init(&d, MAX);
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		ck_assert_int_eq(ws_decoder_idle(&d), i == 0);
		feed(&d, bytes + i, 1, &g);
	}
	ck_assert(ws_decoder_idle(&d));
	ck_assert_uint_eq(ws_decoder_held(&d), 0);
	ck_assert_str_eq(g.text, "ptH");
}
END_TEST

/* A text of n bytes, all 'a' but for one, in a block of its exact size, in two pieces. */
static void text_with(size_t n, size_t at, uint8_t c, size_t cut, const char *events)
{
	static const uint8_t key[4] = { 0xa5, 0x5a, 0xff, 0x01 };
	uint8_t p[6 + 125] = { 0x81, (uint8_t)(0x80 | n), key[0], key[1], key[2], key[3] };
	struct got g = { "", 0 };
	struct ws_decoder d;

	for (size_t i = 0; i < n; i++)
		p[6 + i] = (uint8_t)((i == at ? c : 'a') ^ key[i & 3]);
	ws_decoder_init(&d, MAX);
	feed(&d, p, 6 + cut, &g);
	feed(&d, p + 6 + cut, n - cut, &g);
	ck_assert_str_eq(g.text, events);
	ws_decoder_deinit(&d);
}

START_TEST(one_wrong_byte_is_found_wherever_it_stands)
{
	for (size_t n = 32; n <= 125; n++) {
		for (size_t at = 0; at < n; at++) {
			text_with(n, at, 0x80, 0, "!1007");
			text_with(n, at, 0x80, n / 3, "!1007");
			text_with(n, at, 0x7f, n / 2, "t");
		}
	}
}
END_TEST

/* A masked frame of n bytes in a block of ours. */
static uint8_t *big_frame(uint8_t first, size_t n, size_t *total)
{
	size_t head = n < 126 ? 2 : n < 65536 ? 4 : 10;
	uint8_t *p = calloc(1, head + 4 + n), unmasked[WS_HEAD_MAX];

	ws_head(unmasked, WS_OP_BINARY, n);
	memcpy(p, unmasked, head);
	p[0] = first;
	p[1] |= 0x80;
	memcpy(p + head, "\x01\x02\x03\x04", 4);
	for (size_t i = 0; i < n; i++)
		p[head + 4 + i] = (uint8_t)('x' ^ (1 + i % 4));
	*total = head + 4 + n;
	return p;
}

START_TEST(lengths_of_every_class_and_the_limit)
{
	static const size_t sizes[] = { 125, 126, 127, 65535, 65536, MAX, MAX + 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n;
		uint8_t *p = big_frame(0x81, sizes[i], &n);

		for (size_t step = 1000; step <= 100000; step += 33000) {
			struct got g = { "", 0 };
			struct ws_decoder d;

			ws_decoder_init(&d, MAX);
			for (size_t at = 0; at < n; at += step)
				feed(&d, p + at, n - at < step ? n - at : step, &g);
			ck_assert_str_eq(g.text, sizes[i] > MAX ? "!1009" : "t");
			ws_decoder_deinit(&d);
		}
		free(p);
	}
}
END_TEST

START_TEST(fragments_are_limited_by_their_sum)
{
	struct got g = { "", 0 };
	struct ws_decoder d;
	size_t n;
	uint8_t *p = big_frame(0x02, MAX, &n);

	ws_decoder_init(&d, MAX);
	feed(&d, p, n, &g);
	feed(&d, "\x00" MASKED_EMPTY, 6, &g);
	feed(&d, "\x89" MASKED_EMPTY, 6, &g); /* control frames do not count */
	feed(&d, "\x80\x81\0\0\0\0x", 7, &g);
	ck_assert_str_eq(g.text, "p!1009");
	ws_decoder_deinit(&d);
	free(p);
}
END_TEST

START_TEST(a_huge_claim_costs_no_memory)
{
	struct got g = { "", 0 };
	struct ws_decoder d;

	ws_decoder_init(&d, 1000000000);
	feed(&d, "\x82\xff\0\0\0\0\x3b\x9a\xc9\xff\0\0\0\0x", 15, &g);
	ck_assert_uint_le(d.size, 4096);
	ws_decoder_deinit(&d);
}
END_TEST

START_TEST(headers_are_of_the_shortest_form)
{
	uint8_t h[WS_HEAD_MAX];

	ck_assert_uint_eq(ws_head(h, WS_OP_TEXT, 5), 2);
	ck_assert_mem_eq(h, "\x81\x05", 2); /* RFC 6455 section 5.7 */
	ck_assert_uint_eq(ws_head(h, WS_OP_BINARY, 256), 4);
	ck_assert_mem_eq(h, "\x82\x7e\x01\x00", 4);
	ck_assert_uint_eq(ws_head(h, WS_OP_BINARY, 65536), 10);
	ck_assert_mem_eq(h, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
}
END_TEST

START_TEST(utf8_in_pieces_is_utf8_as_a_whole)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "plain ASCII, longer than eight bytes", true },
		{ "\xd1\x97\xe2\x82\xac\xf0\x90\x8d\x88", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false },
		{ "\xed\x9f\xbf\xee\x80\x80", true },
		{ "\xed\xa0\x80", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xc1\xbf", false },
		{ "\x80", false },
		{ "12345678\xff", false },
		{ "\xe2\x82", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].text);

		ck_assert_int_eq(utf8_valid(cases[i].text, n), cases[i].valid);
		for (size_t cut = 0; cut <= n; cut++) {
			struct utf8 u = { 0 };
			bool ok = utf8_feed(&u, cases[i].text, cut) &&
				  utf8_feed(&u, cases[i].text + cut, n - cut) && utf8_complete(&u);

			ck_assert_int_eq(ok, cases[i].valid);
		}
	}
}
END_TEST

static void decode_pieces(void)
{
	static const char bytes[] = "\x01\x82\0\0\0\0He\x89\x83\0\0\0\0png\x80\x81\0\0\0\0l";
	struct ws_decoder d;
	struct ws_event e;

	ws_decoder_init(&d, MAX);
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		uint8_t c = (uint8_t)bytes[i];

		ws_decode(&d, &c, 1, &e);
		MUST(e.got != WS_BAD || e.code == WS_INTERNAL);
	}
	ws_decoder_deinit(&d);
}

START_TEST(without_memory_the_connection_fails_with_1011)
{
	with_each_allocation_failing(decode_pieces);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ws_frame");
	TCase *t = tcase_create("ws_frame");

	suite_add_tcase(s, t);
	tcase_add_test(t, rfc6455_section_5_7_masked_examples);
	tcase_add_test(t, messages_in_fragments_with_control_frames_between);
	tcase_add_test(t, violations_are_1002);
	tcase_add_test(t, text_that_is_no_utf8_is_1007);
	tcase_add_test(t, a_close_is_the_last_thing_that_is_read);
	tcase_add_test(t, what_is_wrong_is_said_at_the_byte_that_tells);
	tcase_add_test(t, close_codes_of_section_7_4);
	tcase_add_test(t, a_close_frees_the_message_it_cuts_off);
	tcase_add_test(t, a_decoder_is_idle_between_messages_only);
	tcase_add_test(t, one_wrong_byte_is_found_wherever_it_stands);
	tcase_add_test(t, lengths_of_every_class_and_the_limit);
	tcase_add_test(t, fragments_are_limited_by_their_sum);
	tcase_add_test(t, a_huge_claim_costs_no_memory);
	tcase_add_test(t, headers_are_of_the_shortest_form);
	tcase_add_test(t, utf8_in_pieces_is_utf8_as_a_whole);
	tcase_add_test(t, without_memory_the_connection_fails_with_1011);
	return run_suite(s);
}
