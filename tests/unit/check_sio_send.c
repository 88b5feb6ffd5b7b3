/* check_sio_send.c - attachments, acknowledgements both ways, what is shared and what is dropped */
#include "sio_fixture.h"

#include "socketio/sio_priv.h"

#define PH(k) "{\"_placeholder\":true,\"num\":" #k "}"

static const struct sio_blob two[] = { { "one", 3 }, { "two", 3 } };
static struct sio_message message(const char *event, const char *args, size_t blobs_n)
{
	return (struct sio_message){
		.event = event, .args = args, .n = strlen(args), .blobs = two, .blobs_n = blobs_n
	};
}

static int send_two(struct sio_socket *s, const char *args)
{
	struct sio_message m = message("e", args, 2);

	fake_reset(&ws[0]);
	return sio_send(s, &m);
}

START_TEST(placeholders_are_numbered_as_they_stand)
{
	struct sio_socket *s = join(0);

	ck_assert_int_eq(send_two(s, "[" PH(1) "],{\"a\" : " PH(0) "}"), 0);
	ck_assert_str_eq(ws[0].text, "452-[\"e\",[" PH(0) "],{\"a\" : " PH(1) "}]|<two>|<one>|");
	ck_assert_int_eq(send_two(s, "{ \"num\":1, \"_placeholder\": true, \"more\": {} }"), 0);
	ck_assert_str_eq(ws[0].text, "451-[\"e\"," PH(0) "]|<two>|");
	ck_assert_int_eq(send_two(s, PH(0) "," PH(1) "," PH(0)), 0);
	ck_assert_str_eq(ws[0].text,
			 "453-[\"e\"," PH(0) "," PH(1) "," PH(2) "]|<one>|<two>|<one>|");
	ck_assert_int_eq(send_two(s, "1"), 0);
	ck_assert_str_eq(ws[0].text, "42[\"e\",1]|");
	ck_assert_int_eq(send_two(s, ""), 0);
	ck_assert_str_eq(ws[0].text, "42[\"e\"]|");
	fake_reset(&ws[0]);
	ck_assert_int_eq(sio_send(s, &(struct sio_message){ "e", .blobs = two, .blobs_n = 2 }), 0);
	ck_assert_str_eq(ws[0].text, "42[\"e\"]|");
	ck_assert_int_eq(send_two(s, PH(2)), -EINVAL);
	ck_assert_int_eq(send_two(s, PH(0) "," PH(0) "," PH(0) "," PH(0) "," PH(0) "," PH(0) "," PH(
					     0) "," PH(0) "," PH(0) "," PH(0) "," PH(0)),
			 -EINVAL);
	ck_assert_str_eq(ws[0].text, "");
}
END_TEST

START_TEST(as_many_attachments_as_there_may_be_are_echoed)
{
	char args[512] = "", want[1024], *to = want;

	join(0);
	for (int i = 0; i < SIO_BLOBS_MAX; i++)
		sprintf(args + strlen(args), ",{\"_placeholder\":true,\"num\":%d}", i);
	sprintf(want, "45%d-[\"blob\",[%s]]", SIO_BLOBS_MAX, args + 1);
	say(0, want);
	for (int i = 0; i < SIO_BLOBS_MAX; i++)
		say_binary(0, "x");
	to += sprintf(to, "45%d-[\"blob\",[%s]]|", SIO_BLOBS_MAX, args + 1);
	for (int i = 0; i < SIO_BLOBS_MAX; i++)
		to += sprintf(to, "<x>|");
	ck_assert_str_eq(ws[0].text, want);
}
END_TEST

START_TEST(an_empty_attachment_is_one)
{
	struct sio_socket *s = join(0);
	const struct sio_blob none = { NULL, 0 };
	struct sio_message m = message("e", PH(0), 1);

	m.blobs = &none;
	ck_assert_int_eq(sio_send(s, &m), 0);
	ck_assert_str_eq(ws[0].text, "451-[\"e\"," PH(0) "]|<>|");
	fake_reset(&ws[0]);
	say(0, "451-1[\"ask\"," PH(0) "]");
	say_binary(0, "");
	ck_assert_str_eq(ws[0].text, "461-1[" PH(0) "]|<>|");
}
END_TEST

START_TEST(one_attachment_named_often_is_no_more_than_so_many)
{
	join(0);
	say(0, "451-[\"blob\",[" PH(0) "," PH(0) "," PH(0) "]]");
	say_binary(0, "x");
	ck_assert_str_eq(ws[0].text, "453-[\"blob\",[" PH(0) "," PH(1) "," PH(2) "]]|<x>|<x>|<x>|");
	say(0, "451-[\"blob\",[" PH(0) "," PH(0) "," PH(0) "," PH(0) "," PH(0) "," PH(0) "," PH(
		       0) "," PH(0) "," PH(0) "," PH(0) "," PH(0) "]]");
	ck_assert(!eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->attachments_refused, 1);
}
END_TEST

START_TEST(attachments_are_shared_by_all_who_get_them)
{
	struct sio_message m = message("e", "[" PH(1) "]", 2);

	for (int i = 0; i < 3; i++)
		join(i);
	ck_assert_int_eq(sio_broadcast(srv, &(struct sio_audience){ .nsp = "/" }, &m), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_str_eq(ws[i].text, "451-[\"e\",[" PH(0) "]]|<two>|");
	m.args = PH(7);
	m.n = strlen(m.args);
	ck_assert_int_eq(sio_broadcast(srv, &(struct sio_audience){ .nsp = "/" }, &m), -EINVAL);
}
END_TEST

/* Remembers where each copy came from. */
static struct frame *copies[2 * CLIENTS];
static unsigned copies_n;

static int note_copy(void *to, struct frame *f, bool is_volatile)
{
	(void)to;
	(void)is_volatile;
	copies[copies_n++ % (2 * CLIENTS)] = f;
	return 0;
}

START_TEST(a_broadcast_is_encoded_once)
{
	struct eio_link link = fake_link(&wakes);

	for (int i = 0; i < CLIENTS; i++)
		join(i);
	link.ws_send = note_copy;
	eio_server_link(sio_server_engine(srv), &link);
	copies_n = 0;
	ck_assert_int_eq(emit_to(NULL, NULL, "e"), CLIENTS);
	ck_assert_uint_eq(copies_n, CLIENTS);
	for (int i = 1; i < CLIENTS; i++)
		ck_assert_ptr_eq(copies[i], copies[0]);
}
END_TEST

START_TEST(volatile_events_are_dropped_whole)
{
	struct sio_socket *s = join(0);
	struct sio_message m = message("e", PH(0), 1);

	m.is_volatile = true;
	ws[0].fail = -ENOBUFS;
	ck_assert_int_eq(sio_send(s, &m), -ENOBUFS);
	ws[0].fail = 0;
	ck_assert(eio_is_open(session[0]));
	ck_assert_str_eq(ws[0].text, "");
	ck_assert_int_eq(sio_send(s, &m), 0);
	m.is_volatile = false;
	ws[0].fail = -ENOBUFS;
	ck_assert_int_eq(sio_send(s, &m), -ENOBUFS);
	ck_assert(!eio_is_open(session[0]));
}
END_TEST

/* --- acknowledgements --- */

static char answers[256];

static void on_answer(struct sio_socket *s, const struct sio_args *a, int error, void *ctx)
{
	size_t n = strlen(answers);

	MUST(!left);
	snprintf(answers + n, sizeof(answers) - n, "%s:%d:%.*s:%zu ", (const char *)ctx, error,
		 a ? (int)a->all.n : 0, a && a->all.p ? a->all.p : "", a ? a->blobs_n : 0);
	if (error == -ENOTCONN)
		MUST(sio_emit(s, "late", NULL, 0) == -ENOTCONN);
}

static int ask(struct sio_socket *s, const char *name, uint64_t timeout_ms)
{
	struct sio_message m = { .event = "q", .args = "1", .n = 1 };

	return sio_ask(s, &m, 1000, timeout_ms, on_answer, (void *)name);
}

static void setup_acks(void)
{
	answers[0] = '\0';
	setup();
}

START_TEST(an_answer_comes_to_who_asked_and_only_once)
{
	struct sio_socket *s = join(0);

	ck_assert_int_eq(ask(s, "a", 100), 0);
	ck_assert_int_eq(ask(s, "b", 100), 0);
	ck_assert_str_eq(ws[0].text, "420[\"q\",1]|421[\"q\",1]|");
	say(0, "431[\"x\",2]");
	say(0, "461-0[" PH(0) "]");
	ck_assert_str_eq(answers, "b:0:\"x\",2:0 ");
	say_binary(0, "blob");
	ck_assert_str_eq(answers, "b:0:\"x\",2:0 a:0:" PH(0) ":1 ");
	ck_assert_uint_eq(counted()->unknown_acks, 0);
	say(0, "431[1]");
	say(0, "43[1]");
	say(0, "437777777[]");
	ck_assert_str_eq(answers, "b:0:\"x\",2:0 a:0:" PH(0) ":1 ");
	ck_assert_uint_eq(counted()->unknown_acks, 3);
	ck_assert_uint_eq(counted()->acks_pending, 0);
	ck_assert(eio_is_open(session[0]));
}
END_TEST

START_TEST(no_answer_in_time_is_one_too)
{
	struct sio_socket *s = join(0);

	ck_assert_int_eq(ask(s, "a", 100), 0);
	ck_assert_int_eq(ask(s, "b", 50), 0);
	ck_assert_uint_eq(eio_server_next_deadline(sio_server_engine(srv)), 1050);
	tick(1049);
	ck_assert_str_eq(answers, "");
	tick(1050);
	ck_assert_str_eq(answers, "b:-110::0 ");
	tick(1200);
	ck_assert_str_eq(answers, "b:-110::0 a:-110::0 ");
	say(0, "430[]"); /* late */
	ck_assert_str_eq(answers, "b:-110::0 a:-110::0 ");
	ck_assert_uint_eq(counted()->acks_expired, 2);
	ck_assert_uint_eq(counted()->unknown_acks, 1);
}
END_TEST

START_TEST(no_timeout_is_for_ever)
{
	struct sio_socket *s = join(0);

	ck_assert_int_eq(ask(s, "a", UINT64_MAX), 0);
	ck_assert_int_eq(ask(s, "b", UINT64_MAX - 999), 0); /* now and that is 0: no deadline */
	ck_assert_int_eq(ask(s, "c", 0), 0);
	tick(1001);
	ck_assert_str_eq(answers, "c:-110::0 ");
	tick(1000 + SIO_TIMEOUT_MAX_MS);
	ck_assert_uint_eq(counted()->acks_expired, 3);
}
END_TEST

START_TEST(who_leaves_answers_nothing)
{
	struct sio_socket *s = join(0);

	ck_assert_int_eq(ask(s, "a", 100), 0);
	say(0, "41");
	ck_assert_str_eq(answers, "a:-107::0 ");
	ck_assert_uint_eq(left, 1);
	left = 0;
	s = join(1);
	ck_assert_int_eq(ask(s, "b", 100), 0);
	sio_disconnect(s, false);
	ck_assert_int_eq(ask(s, "c", 100), -ENOTCONN);
	ck_assert_str_eq(answers, "a:-107::0 ");
	say(1, "431[]"); /* it is not joined any more */
	flush();
	ck_assert_str_eq(answers, "a:-107::0 b:-107::0 ");
	ck_assert_uint_eq(counted()->acks_pending, 0);
}
END_TEST

START_TEST(answers_awaited_are_bounded)
{
	struct sio_socket *s = join(0);

	for (unsigned i = 0; i < cfg.acks_max; i++)
		ck_assert_int_eq(ask(s, "", 100), 0);
	ck_assert_int_eq(ask(s, "more", 100), -ENOSPC);
	ck_assert_uint_eq(counted()->acks_refused, 1);
	ck_assert_uint_eq(counted()->acks_pending, cfg.acks_max);
	say(0, "4363[]");
	ck_assert_int_eq(ask(s, "", 100), 0);
}
END_TEST

START_TEST(ids_fit_an_int_of_java_and_each_namespace_has_its_own)
{
	struct sio_socket *s = join(0);
	struct sio_nsp *nsp = s->nsp;

	nsp->next_ack = 0x7ffffffe;
	ck_assert_int_eq(ask(s, "a", 100), 0);
	ck_assert_int_eq(ask(s, "b", 100), 0);
	ck_assert_str_eq(ws[0].text, "422147483646[\"q\",1]|420[\"q\",1]|");
	say(0, "40/other,");
	fake_reset(&ws[0]);
	for (s = s->client->sockets; s->nsp == nsp; s = s->next)
		;
	ck_assert_int_eq(ask(s, "c", 100), 0);
	ck_assert_str_eq(ws[0].text, "42/other,0[\"q\",1]|");
	say(0, "43/other,0[5]");
	ck_assert_str_eq(answers, "c:0:5:0 ");
	say(0, "430[6]");
	ck_assert_str_eq(answers, "c:0:5:0 b:0:6:0 ");
}
END_TEST

static void ask_inside(struct sio_socket *s)
{
	ask(s, "inside", 100);
}

START_TEST(what_on_connect_asks_follows_the_answer_or_is_forgotten)
{
	inside_connect = ask_inside;
	ck_assert(open_client(0));
	fake_reset(&ws[0]);
	say(0, "40");
	ck_assert_ptr_nonnull(strstr(ws[0].text, "\"}|42[\"hello\",1,2]|420[\"q\",1]|"));
	ck_assert(open_client(1));
	fake_reset(&ws[1]);
	refusal = "no";
	say(1, "40");
	ck_assert_str_eq(ws[1].text, "44{\"message\":\"no\"}|");
	ck_assert_str_eq(answers, "inside:-107::0 ");
	ck_assert_uint_eq(counted()->sockets, 1);
}
END_TEST

static void flood_inside(struct sio_socket *s)
{
	static char text[1000];

	memset(text, '1', sizeof(text));
	for (int i = 0; i < 10; i++)
		sio_emit(s, "e", text, sizeof(text));
}

START_TEST(what_is_held_back_is_bounded)
{
	teardown();
	cfg.engine.queue_soft = cfg.engine.queue_hard = 5000;
	ck_assert_int_eq(start(), 0);
	inside_connect = flood_inside;
	ck_assert(open_client(0));
	say(0, "40");
	flush();
	ck_assert(ws[0].closed);
	ck_assert_str_eq(reason, "forced close");
}
END_TEST

START_TEST(the_many_that_are_late_are_told_by_turns)
{
	struct sio_socket *s[2] = { join(0), join(1) };

	for (unsigned i = 0; i < 2 * cfg.acks_max; i++)
		ck_assert_int_eq(ask(s[i % 2], "", 10), 0);
	tick(1100);
	ck_assert_uint_eq(counted()->acks_expired, SIO_TICK_MAX);
	ck_assert_uint_le(eio_server_next_deadline(sio_server_engine(srv)), 1100);
	tick(1100);
	ck_assert_uint_eq(counted()->acks_expired, 2 * cfg.acks_max);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sio_send");
	TCase *t = tcase_create("sio_send"), *acks = tcase_create("acks");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, placeholders_are_numbered_as_they_stand);
	tcase_add_test(t, as_many_attachments_as_there_may_be_are_echoed);
	tcase_add_test(t, an_empty_attachment_is_one);
	tcase_add_test(t, one_attachment_named_often_is_no_more_than_so_many);
	tcase_add_test(t, attachments_are_shared_by_all_who_get_them);
	tcase_add_test(t, a_broadcast_is_encoded_once);
	tcase_add_test(t, volatile_events_are_dropped_whole);
	suite_add_tcase(s, acks);
	tcase_add_checked_fixture(acks, setup_acks, teardown);
	tcase_add_test(acks, an_answer_comes_to_who_asked_and_only_once);
	tcase_add_test(acks, no_answer_in_time_is_one_too);
	tcase_add_test(acks, no_timeout_is_for_ever);
	tcase_add_test(acks, who_leaves_answers_nothing);
	tcase_add_test(acks, answers_awaited_are_bounded);
	tcase_add_test(acks, ids_fit_an_int_of_java_and_each_namespace_has_its_own);
	tcase_add_test(acks, what_on_connect_asks_follows_the_answer_or_is_forgotten);
	tcase_add_test(acks, what_is_held_back_is_bounded);
	tcase_add_test(acks, the_many_that_are_late_are_told_by_turns);
	return run_suite(s);
}
