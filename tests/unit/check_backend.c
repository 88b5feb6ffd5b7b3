/* check_backend.c - questions to the messenger's server: shared, kept, and left unanswered */
#include "backend/backend.h"
#include "backend/backend_calls.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nth_alloc.h"
#include "run_suite.h"

#define WALL_MS 1700000000000
#define SENT_MAX 4096

/* The server: what it was sent, and nothing by itself. */
static struct {
	struct backend_request *r[SENT_MAX];
	char text[SENT_MAX][128];
	size_t n, cancelled, wakes;
	int refuse; /* with this error */
} sent;

static struct backend *b;
static struct backend_calls *bc;
static struct call_time now;

static int on_post(struct backend_request *r, const char *text, size_t n, void **handle, void *ctx)
{
	(void)ctx;
	if (sent.refuse)
		return sent.refuse;
	sent.r[sent.n] = r;
	snprintf(sent.text[sent.n], sizeof(sent.text[0]), "%.*s", (int)n, text);
	*handle = &sent.r[sent.n++];
	return 0;
}

static void on_cancel(void *handle, void *ctx)
{
	(void)handle;
	(void)ctx;
	sent.cancelled++;
}

static void on_wake(void *ctx)
{
	(void)ctx;
	sent.wakes++;
}

static const struct backend_ops ops = { on_post, on_cancel, on_wake, NULL };

static void begin(const struct backend_config *cfg)
{
	memset(&sent, 0, sizeof(sent));
	now = (struct call_time){ .now_ms = 1000, .wall_ms = WALL_MS };
	ck_assert_int_eq(backend_new(&b, cfg, &ops), 0);
}

static void setup(void)
{
	struct backend_config cfg;

	backend_config_defaults(&cfg);
	begin(&cfg);
}

static void teardown(void)
{
	backend_free(b);
}

static void later(uint64_t ms)
{
	now.now_ms += ms;
	now.wall_ms += (int64_t)ms;
}

/* What one who waits was told. */
struct told {
	unsigned n;
	int result;
	char user[TURN_USER_ID_MAX + 1], name[64];
	struct backend_ticket *other; /* to cancel when told */
};

static void on_told(int result, struct backend_answer *a, void *ctx)
{
	struct told *t = ctx;

	t->n++;
	t->result = result;
	if (a) {
		strcpy(t->user, a->id.text);
		snprintf(t->name, sizeof(t->name), "%s", a->name ? a->name : "");
	}
	backend_cancel(t->other);
}

static int ask(enum backend_ask what, const char *first, const char *second, struct told *t,
	       struct backend_ticket **ticket)
{
	const struct backend_question q = { what, first, second };
	struct backend_ticket *own = NULL;
	struct backend_answer *a;
	const int r = backend_ask(b, &q, on_told, t, now, &a, ticket ? ticket : &own);

	if (r != -EAGAIN && t) {
		t->result = r;
		strcpy(t->user, a ? a->id.text : "");
	}
	backend_answer_unref(a);
	return r;
}

static int authenticate(const char *token, struct told *t)
{
	return ask(BACKEND_AUTHENTICATE, token, NULL, t, NULL);
}

static void answer(size_t i, long status, const char *text)
{
	backend_answered(sent.r[i], 0, NULL, status, text, strlen(text), now);
	while (backend_run(b))
		;
}

static void no_answer(size_t i)
{
	backend_answered(sent.r[i], -ETIMEDOUT, "Timeout was reached", 0, NULL, 0, now);
	while (backend_run(b))
		;
}

/* --- breaker -------------------------------------------------------------- */

START_TEST(a_breaker_opens_after_so_many_failures_in_a_row)
{
	const struct breaker_config cfg = { 3, 1000, 3000 };
	struct breaker k;
	bool probe;

	breaker_init(&k, &cfg);
	ck_assert(!breaker_failure(&k, false, 0));
	ck_assert(!breaker_failure(&k, false, 0));
	ck_assert(!breaker_success(&k));
	ck_assert(!breaker_failure(&k, false, 0));
	ck_assert(!breaker_failure(&k, false, 0));
	ck_assert(breaker_admit(&k, 0, &probe) && !probe);
	ck_assert(breaker_failure(&k, false, 0));
	ck_assert(!breaker_admit(&k, 999, &probe));
	ck_assert(!breaker_failure(&k, false, 500));
	ck_assert_uint_eq(k.until_ms, 1000);
}
END_TEST

START_TEST(an_open_breaker_lets_one_try)
{
	const struct breaker_config cfg = { 1, 1000, 3000 };
	struct breaker k;
	bool probe;

	breaker_init(&k, &cfg);
	ck_assert(breaker_failure(&k, false, 0));
	ck_assert(breaker_admit(&k, 1000, &probe) && probe);
	ck_assert(!breaker_admit(&k, 1000, &probe));
	breaker_withdrawn(&k, true);
	ck_assert(breaker_admit(&k, 1000, &probe) && probe);
	ck_assert(breaker_failure(&k, true, 1000));
	ck_assert_uint_eq(k.open_for_ms, 2000);
	ck_assert(breaker_admit(&k, 3000, &probe) && probe);
	ck_assert(breaker_failure(&k, true, 3000));
	ck_assert_uint_eq(k.open_for_ms, 3000);
	ck_assert(breaker_admit(&k, 6000, &probe) && probe);
	ck_assert(breaker_success(&k));
	ck_assert(breaker_admit(&k, 6000, &probe) && !probe);
	ck_assert(breaker_failure(&k, false, 6000));
	ck_assert_uint_eq(k.open_for_ms, 1000);
}
END_TEST

/* --- what is said --------------------------------------------------------- */

static int read_answer(enum backend_ask what, long status, const char *text)
{
	struct backend_answer *a = NULL;
	int r = backend_answer_read(&a, what, status, text, strlen(text));

	if (!r)
		r = a->result ? a->result : (int)a->members_n;
	backend_answer_unref(a);
	return r;
}

START_TEST(questions_are_written_as_the_protocol_has_them)
{
	ask(BACKEND_AUTHENTICATE, "a\"b", NULL, NULL, NULL);
	ask(BACKEND_MAY_CALL, "1", "2", NULL, NULL);
	ask(BACKEND_MEMBERS, "1", "g7", NULL, NULL);
	ck_assert_str_eq(sent.text[0], "{\"ask\":\"authenticate\",\"token\":\"a\\\"b\"}");
	ck_assert_str_eq(sent.text[1], "{\"ask\":\"may_call\",\"from\":\"1\",\"to\":\"2\"}");
	ck_assert_str_eq(sent.text[2], "{\"ask\":\"members\",\"user\":\"1\",\"group\":\"g7\"}");
}
END_TEST

START_TEST(an_identity_is_read_whole)
{
	const char *text = " {\"userId\":77,\"name\":\"Ann\",\"avatar\":\"u/a.jpg\","
			   "\"expiresAt\":1800000000,\"more\":[]} ";
	struct backend_answer *a;
	struct calls_identity id;

	ck_assert_int_eq(backend_answer_read(&a, BACKEND_AUTHENTICATE, 200, text, strlen(text)), 0);
	backend_identity(a, &id);
	ck_assert_str_eq(id.id.text, "77");
	ck_assert(id.id.number);
	ck_assert_str_eq(id.name, "Ann");
	ck_assert_str_eq(id.avatar, "u/a.jpg");
	ck_assert_int_eq(id.expires_s, 1800000000);
	backend_answer_unref(a);
}
END_TEST

START_TEST(decoration_that_does_not_fit_is_left_out)
{
	static char text[2048];
	struct backend_answer *a;

	snprintf(text, sizeof(text), "{\"userId\":\"ann\",\"name\":\"%0256d\",\"avatar\":5}", 0);
	ck_assert_int_eq(backend_answer_read(&a, BACKEND_AUTHENTICATE, 200, text, strlen(text)), 0);
	ck_assert_ptr_null(a->name);
	ck_assert_ptr_null(a->avatar);
	backend_answer_unref(a);
}
END_TEST

static const struct {
	enum backend_ask what;
	long status;
	const char *text;
	int result;
} readings[] = {
	{ BACKEND_AUTHENTICATE, 200, "{\"userId\":\"ann\"}", 0 },
	{ BACKEND_AUTHENTICATE, 401, "whatever", -EACCES },
	{ BACKEND_AUTHENTICATE, 403, "", -EACCES },
	{ BACKEND_AUTHENTICATE, 404, "{\"userId\":\"ann\"}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 302, "{\"userId\":\"ann\"}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 500, "", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "{}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "{\"userId\":null}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "{\"userId\":\"\"}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "{\"userId\":1.5}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "[\"ann\"]", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "{\"userId\":\"ann\",\"expiresAt\":\"soon\"}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "{\"userId\":\"ann\",\"expiresAt\":0}", -EPROTO },
	{ BACKEND_AUTHENTICATE, 200, "{\"userId\":\"ann\",\"expiresAt\":null}", 0 },
	{ BACKEND_AUTHENTICATE, 200, "<html>", -EPROTO },
	{ BACKEND_MAY_CALL, 200, "{\"allowed\":true}", 0 },
	{ BACKEND_MAY_CALL, 200, "{\"allowed\":false}", -EACCES },
	{ BACKEND_MAY_CALL, 200, "{\"allowed\":1}", -EPROTO },
	{ BACKEND_MAY_CALL, 200, "{}", -EPROTO },
	{ BACKEND_MAY_CALL, 403, "{}", -EPROTO },
	{ BACKEND_MEMBERS, 200, "{\"members\":[]}", 0 },
	{ BACKEND_MEMBERS, 200, "{\"members\":[1,\"2\",{\"userId\":3,\"name\":\"x\"}]}", 3 },
	{ BACKEND_MEMBERS, 200, "{\"members\":[1,null]}", -EPROTO },
	{ BACKEND_MEMBERS, 200, "{\"members\":[{}]}", -EPROTO },
	{ BACKEND_MEMBERS, 200, "{\"members\":{\"a\":1}}", -EPROTO },
	{ BACKEND_MEMBERS, 404, "", -ENOENT },
};

START_TEST(an_answer_is_read_or_is_none)
{
	ck_assert_int_eq(read_answer(readings[_i].what, readings[_i].status, readings[_i].text),
			 readings[_i].result);
}
END_TEST

START_TEST(a_group_has_a_greatest_size)
{
	static char text[32768];
	size_t n = (size_t)sprintf(text, "{\"members\":[1");

	for (size_t i = 1; i < BACKEND_MEMBERS_MAX; i++)
		n += (size_t)sprintf(text + n, ",%zu", i);
	strcpy(text + n, "]}");
	ck_assert_int_eq(read_answer(BACKEND_MEMBERS, 200, text), BACKEND_MEMBERS_MAX);
	strcpy(text + n, ",7]}");
	ck_assert_int_eq(read_answer(BACKEND_MEMBERS, 200, text), -E2BIG);
}
END_TEST

/* --- asking --------------------------------------------------------------- */

START_TEST(equal_questions_share_one_request)
{
	struct told t[3] = { 0 };

	ck_assert_int_eq(authenticate("T", &t[0]), -EAGAIN);
	ck_assert_int_eq(authenticate("T", &t[1]), -EAGAIN);
	ck_assert_int_eq(authenticate("U", &t[2]), -EAGAIN);
	ck_assert_uint_eq(sent.n, 2);
	answer(0, 200, "{\"userId\":\"ann\",\"name\":\"Ann\"}");
	ck_assert_uint_eq(t[0].n + t[1].n, 2);
	ck_assert_str_eq(t[0].user, "ann");
	ck_assert_str_eq(t[1].name, "Ann");
	ck_assert_uint_eq(t[2].n, 0);
	ck_assert_uint_eq(backend_counters(b)->shared, 1);
	ck_assert_uint_eq(sent.wakes, 1);
}
END_TEST

START_TEST(what_is_known_is_not_asked_again_until_it_is_old)
{
	struct told t = { 0 };

	authenticate("T", &t);
	answer(0, 200, "{\"userId\":\"ann\"}");
	later(59999);
	ck_assert_int_eq(authenticate("T", &t), 0);
	ck_assert_str_eq(t.user, "ann");
	later(1);
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	ck_assert_uint_eq(sent.n, 2);
}
END_TEST

START_TEST(a_bad_token_is_remembered_for_a_short_time)
{
	struct told t = { 0 };

	authenticate("T", &t);
	answer(0, 401, "");
	ck_assert_int_eq(t.result, -EACCES);
	later(4999);
	ck_assert_int_eq(authenticate("T", &t), -EACCES);
	later(1);
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	ck_assert(backend_available(b));
}
END_TEST

START_TEST(a_token_that_runs_out_is_bad_from_then_on)
{
	struct told t = { 0 };
	char text[64];

	snprintf(text, sizeof(text), "{\"userId\":\"ann\",\"expiresAt\":%lld}",
		 WALL_MS / 1000LL + 10);
	authenticate("T", &t);
	answer(0, 200, text);
	ck_assert_int_eq(t.result, 0);
	later(9000);
	ck_assert_int_eq(authenticate("T", &t), 0);
	later(1000);
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	answer(1, 200, text);
	ck_assert_int_eq(t.result, -EKEYEXPIRED);
	ck_assert_int_eq(authenticate("T", &t), -EKEYEXPIRED);
}
END_TEST

START_TEST(nothing_is_kept_when_nothing_is_to_be_kept)
{
	struct backend_config cfg;
	struct told t = { 0 };

	teardown();
	backend_config_defaults(&cfg);
	cfg.keep_ms = 0;
	begin(&cfg);
	authenticate("T", &t);
	answer(0, 200, "{\"userId\":\"ann\"}");
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	answer(1, 401, "");
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	ck_assert_uint_eq(backend_cache_bytes(backend_answers(b)), 0);
}
END_TEST

START_TEST(who_has_cancelled_is_not_told)
{
	struct backend_ticket *first, *second;
	struct told t[3] = { 0 };

	ask(BACKEND_AUTHENTICATE, "T", NULL, &t[0], &first);
	ask(BACKEND_AUTHENTICATE, "T", NULL, &t[1], NULL);
	ask(BACKEND_AUTHENTICATE, "T", NULL, &t[2], &second);
	backend_cancel(first);
	t[1].other = second;
	answer(0, 200, "{\"userId\":\"ann\"}");
	ck_assert_uint_eq(t[0].n, 0);
	ck_assert_uint_eq(t[1].n, 1);
	ck_assert_uint_eq(t[2].n, 0);
}
END_TEST

START_TEST(an_answer_nobody_waits_for_is_kept_all_the_same)
{
	struct backend_ticket *ticket;
	struct told t = { 0 };

	ask(BACKEND_AUTHENTICATE, "T", NULL, &t, &ticket);
	backend_cancel(ticket);
	answer(0, 200, "{\"userId\":\"ann\"}");
	ck_assert_uint_eq(t.n, 0);
	ck_assert_int_eq(authenticate("T", &t), 0);
}
END_TEST

START_TEST(many_who_wait_are_told_in_turns)
{
	static struct told t[200];

	memset(t, 0, sizeof(t));
	for (size_t i = 0; i < 200; i++)
		authenticate("T", &t[i]);
	backend_answered(sent.r[0], 0, NULL, 200, "{\"userId\":1}", 12, now);
	ck_assert_uint_eq(t[0].n, 0);
	ck_assert(backend_run(b));
	ck_assert_uint_eq(t[0].n, 1);
	ck_assert_uint_eq(t[199].n, 0);
	while (backend_run(b))
		;
	ck_assert_uint_eq(t[199].n, 1);
}
END_TEST

START_TEST(there_is_a_greatest_number_of_those_who_wait)
{
	struct backend_config cfg;
	struct told t = { 0 };

	teardown();
	backend_config_defaults(&cfg);
	cfg.waiting_max = 2;
	begin(&cfg);
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	ck_assert_int_eq(authenticate("T", &t), -EHOSTDOWN);
	ck_assert_uint_eq(backend_counters(b)->refused, 1);
	answer(0, 200, "{\"userId\":1}");
	later(60000);
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
}
END_TEST

START_TEST(a_question_that_cannot_be_sent_is_left_unanswered)
{
	struct told t = { 0 };

	sent.refuse = -ENOSPC;
	ck_assert_int_eq(authenticate("T", &t), -EHOSTDOWN);
	ck_assert_uint_eq(backend_counters(b)->refused, 1);
	ck_assert(backend_available(b));
}
END_TEST

START_TEST(a_token_nobody_could_have_is_bad_without_asking)
{
	static char token[BACKEND_TOKEN_MAX + 2];
	struct told t = { 0 };

	memset(token, 'x', BACKEND_TOKEN_MAX);
	ck_assert_int_eq(authenticate(token, &t), -EAGAIN);
	token[BACKEND_TOKEN_MAX] = 'x';
	ck_assert_int_eq(authenticate(token, &t), -EACCES);
	ck_assert_int_eq(authenticate("\xff", &t), -EACCES);
	ck_assert_uint_eq(sent.n, 1);
}
END_TEST

/* --- no answer ------------------------------------------------------------ */

static void open_breaker(void)
{
	char token[16];

	for (size_t i = 0; i < 5 && backend_available(b); i++) {
		struct told t = { 0 };

		snprintf(token, sizeof(token), "open%zu", i);
		ck_assert_int_eq(authenticate(token, &t), -EAGAIN);
		no_answer(sent.n - 1);
		ck_assert_int_eq(t.result, -EHOSTDOWN);
	}
	ck_assert(!backend_available(b));
}

START_TEST(after_five_failures_nobody_is_asked_for_a_while)
{
	struct told t = { 0 };
	size_t n;

	open_breaker();
	n = sent.n;
	ck_assert_int_eq(authenticate("T", &t), -EHOSTDOWN);
	ck_assert_uint_eq(sent.n, n);
	later(2000);
	ck_assert_int_eq(authenticate("T", &t), -EAGAIN);
	ck_assert_int_eq(authenticate("U", &t), -EHOSTDOWN);
	answer(n, 200, "{\"userId\":1}");
	ck_assert(backend_available(b));
	ck_assert_int_eq(authenticate("U", &t), -EAGAIN);
	ck_assert_uint_eq(backend_counters(b)->opened, 1);
}
END_TEST

START_TEST(a_bad_token_is_an_answer_and_garbage_is_none)
{
	struct told t = { 0 };
	char token[16];

	for (size_t i = 0; i < 10; i++) {
		snprintf(token, sizeof(token), "bad%zu", i);
		authenticate(token, &t);
		answer(i, 401, "");
	}
	ck_assert(backend_available(b));
	for (size_t i = 10; i < 15; i++) {
		snprintf(token, sizeof(token), "bad%zu", i);
		authenticate(token, &t);
		answer(i, i % 2 ? 200 : 500, "<html>");
		ck_assert_int_eq(t.result, -EHOSTDOWN);
	}
	/* Nor may somebody who knows how to get that keep the others out. */
	ck_assert(backend_available(b));
	ck_assert_uint_eq(backend_counters(b)->garbage, 5);
	for (size_t i = 15; i < 20; i++) {
		snprintf(token, sizeof(token), "bad%zu", i);
		authenticate(token, &t);
		answer(i, 502 + (long)i % 3, "");
	}
	ck_assert(!backend_available(b));
	later(2000);
	authenticate("probe", &t);
	answer(20, 500, "");
	ck_assert_int_eq(t.result, -EHOSTDOWN);
	authenticate("T", &t);
	ck_assert_uint_eq(sent.n, 22); /* the next one may try at once */
	answer(21, 401, "");
	ck_assert(backend_available(b));
}
END_TEST

START_TEST(a_request_that_did_not_get_its_turn_is_no_failure_of_the_server)
{
	struct told t = { 0 };
	char token[16];

	for (size_t i = 0; i < 10; i++) {
		snprintf(token, sizeof(token), "t%zu", i);
		authenticate(token, &t);
		backend_answered(sent.r[i], -EBUSY, "busy", 0, NULL, 0, now);
		backend_run(b);
		ck_assert_int_eq(t.result, -EHOSTDOWN);
	}
	ck_assert(backend_available(b));
}
END_TEST

START_TEST(groups_and_blocks_known_before_are_good_enough_meanwhile)
{
	struct told t = { 0 };

	ask(BACKEND_MEMBERS, "1", "g", &t, NULL);
	answer(0, 200, "{\"members\":[1,2]}");
	ask(BACKEND_MAY_CALL, "1", "2", &t, NULL);
	answer(1, 200, "{\"allowed\":false}");
	authenticate("T", &t);
	answer(2, 200, "{\"userId\":1}");
	later(60000);
	ck_assert_int_eq(ask(BACKEND_MEMBERS, "1", "g", &t, NULL), -EAGAIN);
	no_answer(3);
	ck_assert_int_eq(t.result, 0);
	open_breaker();
	ck_assert_int_eq(ask(BACKEND_MEMBERS, "1", "g", &t, NULL), 0);
	ck_assert_int_eq(ask(BACKEND_MAY_CALL, "1", "2", &t, NULL), -EACCES);
	ck_assert_int_eq(authenticate("T", &t), -EHOSTDOWN);
	ck_assert_int_eq(ask(BACKEND_MAY_CALL, "1", "3", &t, NULL), -EHOSTDOWN);
	ck_assert_uint_eq(backend_counters(b)->stale, 3);
	later(600000);
	ck_assert_int_eq(ask(BACKEND_MEMBERS, "1", "g", &t, NULL), -EAGAIN);
	no_answer(sent.n - 1);
	ck_assert_int_eq(t.result, -EHOSTDOWN);
}
END_TEST

START_TEST(what_is_open_at_the_end_is_cancelled)
{
	struct told t = { 0 };

	authenticate("T", &t);
	authenticate("U", &t);
	backend_answered(sent.r[0], 0, NULL, 200, "{\"userId\":1}", 12, now);
	backend_free(b);
	b = NULL;
	ck_assert_uint_eq(sent.cancelled, 1);
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

/* --- what is kept --------------------------------------------------------- */

START_TEST(a_flood_of_bad_tokens_drives_out_nothing_else)
{
	struct backend_config cfg;
	struct told t = { 0 };
	char token[16];

	teardown();
	backend_config_defaults(&cfg);
	cfg.cache.entries_max[BACKEND_KIND_BAD_TOKEN] = 10;
	begin(&cfg);
	authenticate("T", &t);
	answer(0, 200, "{\"userId\":1}");
	for (size_t i = 1; i <= 100; i++) {
		snprintf(token, sizeof(token), "bad%zu", i);
		authenticate(token, &t);
		answer(i, 401, "");
	}
	ck_assert_uint_eq(backend_cache_n(backend_answers(b), BACKEND_KIND_BAD_TOKEN), 10);
	ck_assert_uint_eq(backend_counters(b)->evicted, 90);
	ck_assert_int_eq(authenticate("T", &t), 0);
	ck_assert_int_eq(authenticate("bad100", &t), -EACCES);
	ck_assert_int_eq(authenticate("bad90", &t), -EAGAIN);
}
END_TEST

START_TEST(what_was_used_last_stays_longest)
{
	struct backend_config cfg;
	struct told t = { 0 };

	teardown();
	backend_config_defaults(&cfg);
	cfg.cache.entries_max[BACKEND_KIND_IDENTITY] = 2;
	begin(&cfg);
	authenticate("A", &t);
	answer(0, 200, "{\"userId\":1}");
	authenticate("B", &t);
	answer(1, 200, "{\"userId\":2}");
	ck_assert_int_eq(authenticate("A", &t), 0);
	authenticate("C", &t);
	answer(2, 200, "{\"userId\":3}");
	ck_assert_int_eq(authenticate("A", &t), 0);
	ck_assert_int_eq(authenticate("B", &t), -EAGAIN);
}
END_TEST

START_TEST(all_that_is_kept_has_a_greatest_size)
{
	struct backend_config cfg;
	struct told t = { 0 };
	char group[16];

	teardown();
	backend_config_defaults(&cfg);
	cfg.cache.bytes_max = 4096;
	begin(&cfg);
	for (size_t i = 0; i < 100; i++) {
		snprintf(group, sizeof(group), "g%zu", i);
		ask(BACKEND_MEMBERS, "1", group, &t, NULL);
		answer(i, 200, "{\"members\":[1,2,3,4,5,6,7,8,9]}");
		ck_assert_uint_le(backend_cache_bytes(backend_answers(b)), 4096);
	}
	ck_assert_uint_ge(backend_cache_n(backend_answers(b), BACKEND_KIND_MEMBERS), 2);
	ck_assert_int_eq(ask(BACKEND_MEMBERS, "1", "g99", &t, NULL), 0);
}
END_TEST

/* --- asked twice ---------------------------------------------------------- */

static struct {
	unsigned n;
	void *asker;
	void (*then)(void *asker);
} resumed;

static void on_resume(void *asker, void *ctx)
{
	(void)ctx;
	resumed.n++;
	resumed.asker = asker;
	if (resumed.then)
		resumed.then(asker);
}

static struct call_time on_now(void *ctx)
{
	(void)ctx;
	return now;
}

static void setup_calls(void)
{
	struct backend_calls_config mine = { .now = on_now,
					     .tokens_per_client_max = 2,
					     .resume = on_resume };

	setup();
	memset(&resumed, 0, sizeof(resumed));
	mine.backend = b;
	ck_assert_int_eq(backend_calls_new(&bc, &mine), 0);
}

static void teardown_calls(void)
{
	backend_calls_free(bc);
	backend_free(b);
}

static struct client_address from = { .family = 6 };

static int identify(void *asker, const char *json, struct calls_identity *out)
{
	return backend_calls_authenticate(bc, asker, &from,
					  (struct json_slice){ json, strlen(json) }, out);
}

static struct calls_identity seen;

static void identify_again(void *asker)
{
	ck_assert_int_eq(identify(asker, "\"T\"", &seen), 0);
}

START_TEST(nobody_fills_the_line_with_tokens_he_made_up)
{
	int askers[6];

	ck_assert_int_eq(identify(&askers[0], "\"T\"", &seen), -EAGAIN);
	from.bytes[15] = 1; /* of the same /64 */
	ck_assert_int_eq(identify(&askers[1], "\"U\"", &seen), -EAGAIN);
	ck_assert_int_eq(identify(&askers[2], "\"V\"", &seen), -EHOSTDOWN);
	ck_assert_uint_eq(backend_counters(b)->refused, 1);
	ck_assert_int_eq(identify(&askers[3], "\"T\"", &seen), -EAGAIN); /* is asked already */
	from.bytes[7] = 1;
	ck_assert_int_eq(identify(&askers[4], "\"V\"", &seen), -EAGAIN);
	from.bytes[7] = 0;
	backend_calls_forget(bc, &askers[3]);
	ck_assert_int_eq(identify(&askers[3], "\"W\"", &seen), -EHOSTDOWN);
	answer(0, 200, "{\"userId\":1}");
	ck_assert_int_eq(identify(&askers[3], "\"W\"", &seen), -EAGAIN);
	ck_assert_int_eq(identify(&askers[5], "\"T\"", &seen), 0); /* is known */
	backend_calls_forget(bc, &askers[1]);
	ck_assert_int_eq(identify(&askers[2], "\"X\"", &seen), -EAGAIN);
	from.bytes[15] = 0;
}
END_TEST

START_TEST(an_asker_is_resumed_and_finds_its_answer)
{
	int asker;

	resumed.then = identify_again;
	ck_assert_int_eq(identify(&asker, "\"T\"", &seen), -EAGAIN);
	ck_assert_int_eq(identify(&asker, "\"T\"", &seen), -EAGAIN);
	answer(0, 200, "{\"userId\":\"ann\",\"name\":\"Ann\",\"expiresAt\":1800000000}");
	ck_assert_uint_eq(resumed.n, 1);
	ck_assert_ptr_eq(resumed.asker, &asker);
	ck_assert_str_eq(seen.id.text, "ann");
	ck_assert_str_eq(seen.name, "Ann");
	ck_assert_int_eq(seen.expires_s, 1800000000);
}
END_TEST

START_TEST(an_answer_is_there_for_the_asker_even_when_nothing_is_kept)
{
	struct backend_config cfg;
	struct backend_calls_config mine = { .now = on_now, .resume = on_resume };
	int asker;

	teardown_calls();
	backend_config_defaults(&cfg);
	cfg.keep_ms = 0;
	begin(&cfg);
	mine.backend = b;
	ck_assert_int_eq(backend_calls_new(&bc, &mine), 0);
	resumed.then = identify_again;
	ck_assert_int_eq(identify(&asker, "\"T\"", &seen), -EAGAIN);
	answer(0, 200, "{\"userId\":\"bob\"}");
	ck_assert_str_eq(seen.id.text, "bob");
	ck_assert_int_eq(identify(&asker, "\"T\"", &seen), -EAGAIN);
}
END_TEST

START_TEST(an_asker_of_several_questions_is_resumed_once)
{
	int asker;

	ck_assert_int_eq(backend_calls_may_call(bc, &asker, "1", "2"), -EAGAIN);
	ck_assert_int_eq(backend_calls_may_call(bc, &asker, "1", "3"), -EAGAIN);
	answer(0, 200, "{\"allowed\":true}");
	ck_assert_uint_eq(resumed.n, 0);
	answer(1, 200, "{\"allowed\":false}");
	ck_assert_uint_eq(resumed.n, 1);
	ck_assert_int_eq(backend_calls_may_call(bc, &asker, "1", "2"), 0);
	ck_assert_int_eq(backend_calls_may_call(bc, &asker, "1", "3"), -EACCES);
}
END_TEST

static void forget_both(void *asker)
{
	backend_calls_forget(bc, asker);
	backend_calls_forget(bc, (char *)asker + 1);
}

START_TEST(an_asker_that_is_gone_is_not_resumed)
{
	char askers[2];

	resumed.then = forget_both;
	ck_assert_int_eq(identify(&askers[0], "\"T\"", &seen), -EAGAIN);
	ck_assert_int_eq(identify(&askers[1], "\"T\"", &seen), -EAGAIN);
	answer(0, 200, "{\"userId\":1}");
	ck_assert_uint_eq(resumed.n, 1);
	backend_calls_forget(bc, &askers[0]);
}
END_TEST

START_TEST(members_beyond_the_askers_room_are_left_out)
{
	struct user_id out[2];
	int asker;

	ck_assert_int_eq(backend_calls_members(bc, &asker, "1", "g", out, 2), -EAGAIN);
	answer(0, 200, "{\"members\":[1,\"b\",3]}");
	ck_assert_int_eq(backend_calls_members(bc, &asker, "1", "g", out, 2), 2);
	ck_assert_str_eq(out[0].text, "1");
	ck_assert(out[0].number);
	ck_assert_str_eq(out[1].text, "b");
	ck_assert_int_eq(backend_calls_members(bc, &asker, "1", "h", out, 2), -EAGAIN);
	answer(1, 404, "");
	ck_assert_int_eq(backend_calls_members(bc, &asker, "1", "h", out, 2), -ENOENT);
}
END_TEST

START_TEST(an_asker_has_a_greatest_number_of_questions)
{
	char to[16];
	int asker;

	for (int i = 0; i < 80; i++) {
		snprintf(to, sizeof(to), "%d", i);
		ck_assert_int_eq(backend_calls_may_call(bc, &asker, "a", to), -EAGAIN);
	}
	ck_assert_int_eq(backend_calls_may_call(bc, &asker, "a", "80"), -EHOSTDOWN);
	ck_assert_uint_eq(backend_counters(b)->refused, 1);
}
END_TEST

static const char *const no_tokens[] = { "5", "null", "\"\"", "{}", "\"a\\u0000b\"" };

START_TEST(what_is_no_text_is_a_bad_token)
{
	int asker;

	ck_assert_int_eq(identify(&asker, no_tokens[_i], &seen), -EACCES);
	ck_assert_uint_eq(sent.n, 0);
}
END_TEST

START_TEST(without_an_answer_the_asker_learns_that)
{
	int asker;

	ck_assert_int_eq(identify(&asker, "\"T\"", &seen), -EAGAIN);
	resumed.then = NULL;
	backend_answered(sent.r[0], -ECONNREFUSED, "no", 0, NULL, 0, now);
	ck_assert_int_eq(identify(&asker, "\"T\"", &seen), -EAGAIN);
	backend_run(b);
	ck_assert_uint_eq(resumed.n, 1);
}
END_TEST

/* --- memory --------------------------------------------------------------- */

static void ask_and_answer(void)
{
	const struct backend_question q = { BACKEND_AUTHENTICATE, "T", NULL };
	const struct json_slice token = { "\"T\"", 3 };
	struct backend_calls_config mine = { .now = on_now, .tokens_per_client_max = 2 };
	struct backend_ticket *ticket;
	struct backend_answer *a;
	struct backend_config cfg;
	struct told t = { 0 };
	int r;

	backend_config_defaults(&cfg);
	mine.resume = on_resume;
	sent.n = 0;
	if (backend_new(&b, &cfg, &ops) < 0)
		return;
	mine.backend = b;
	if (backend_calls_new(&bc, &mine) == 0) {
		r = backend_calls_authenticate(bc, &t, &from, token, &seen);
		MUST(r == -EAGAIN || r == -EHOSTDOWN);
		r = backend_ask(b, &q, on_told, &t, now, &a, &ticket);
		MUST(r == -EAGAIN || r == -EHOSTDOWN);
		backend_answer_unref(a);
		for (size_t i = 0; i < sent.n; i++)
			backend_answered(sent.r[i], 0, NULL, 200, "{\"userId\":1}", 12, now);
		while (backend_run(b))
			;
		MUST(r == -EHOSTDOWN || t.n == 1);
		backend_calls_free(bc);
	}
	backend_free(b);
}

START_TEST(without_memory_there_is_no_answer_and_no_leak)
{
	memset(&resumed, 0, sizeof(resumed));
	with_each_allocation_failing(ask_and_answer);
	backend_free(NULL);
	backend_calls_free(NULL);
	backend_cancel(NULL);
}
END_TEST

static TCase *asking(void)
{
	TCase *tc = tcase_create("asking");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, questions_are_written_as_the_protocol_has_them);
	tcase_add_test(tc, equal_questions_share_one_request);
	tcase_add_test(tc, what_is_known_is_not_asked_again_until_it_is_old);
	tcase_add_test(tc, a_bad_token_is_remembered_for_a_short_time);
	tcase_add_test(tc, a_token_that_runs_out_is_bad_from_then_on);
	tcase_add_test(tc, nothing_is_kept_when_nothing_is_to_be_kept);
	tcase_add_test(tc, who_has_cancelled_is_not_told);
	tcase_add_test(tc, an_answer_nobody_waits_for_is_kept_all_the_same);
	tcase_add_test(tc, many_who_wait_are_told_in_turns);
	tcase_add_test(tc, there_is_a_greatest_number_of_those_who_wait);
	tcase_add_test(tc, a_question_that_cannot_be_sent_is_left_unanswered);
	tcase_add_test(tc, a_token_nobody_could_have_is_bad_without_asking);
	tcase_add_test(tc, after_five_failures_nobody_is_asked_for_a_while);
	tcase_add_test(tc, a_bad_token_is_an_answer_and_garbage_is_none);
	tcase_add_test(tc, a_request_that_did_not_get_its_turn_is_no_failure_of_the_server);
	tcase_add_test(tc, groups_and_blocks_known_before_are_good_enough_meanwhile);
	tcase_add_test(tc, what_is_open_at_the_end_is_cancelled);
	tcase_add_test(tc, a_flood_of_bad_tokens_drives_out_nothing_else);
	tcase_add_test(tc, what_was_used_last_stays_longest);
	tcase_add_test(tc, all_that_is_kept_has_a_greatest_size);
	return tc;
}

static TCase *asking_twice(void)
{
	TCase *tc = tcase_create("asking twice");

	tcase_add_checked_fixture(tc, setup_calls, teardown_calls);
	tcase_add_test(tc, nobody_fills_the_line_with_tokens_he_made_up);
	tcase_add_test(tc, an_asker_is_resumed_and_finds_its_answer);
	tcase_add_test(tc, an_answer_is_there_for_the_asker_even_when_nothing_is_kept);
	tcase_add_test(tc, an_asker_of_several_questions_is_resumed_once);
	tcase_add_test(tc, an_asker_that_is_gone_is_not_resumed);
	tcase_add_test(tc, members_beyond_the_askers_room_are_left_out);
	tcase_add_test(tc, an_asker_has_a_greatest_number_of_questions);
	tcase_add_loop_test(tc, what_is_no_text_is_a_bad_token, 0,
			    sizeof(no_tokens) / sizeof(no_tokens[0]));
	tcase_add_test(tc, without_an_answer_the_asker_learns_that);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("backend");
	TCase *tc = tcase_create("parts");

	tcase_add_test(tc, a_breaker_opens_after_so_many_failures_in_a_row);
	tcase_add_test(tc, an_open_breaker_lets_one_try);
	tcase_add_test(tc, an_identity_is_read_whole);
	tcase_add_test(tc, decoration_that_does_not_fit_is_left_out);
	tcase_add_loop_test(tc, an_answer_is_read_or_is_none, 0,
			    sizeof(readings) / sizeof(readings[0]));
	tcase_add_test(tc, a_group_has_a_greatest_size);
	tcase_add_test(tc, without_memory_there_is_no_answer_and_no_leak);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, asking());
	suite_add_tcase(s, asking_twice());
	return run_suite(s);
}
