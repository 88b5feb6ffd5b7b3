/* check_call_table.c - finding calls, and the bounds on them; who is connected */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_table.h"
#include "calls/identity.h"
#include "run_suite.h"

static const struct call_time now = { .now_ms = 1, .wall_ms = 1 };
static struct call_table *t;

static struct user_id user(const char *text)
{
	struct user_id u = { .number = false };

	snprintf(u.text, sizeof(u.text), "%s", text);
	return u;
}

static struct call *make(unsigned id, const char *room, const char *from, const char *to)
{
	struct user_id a = user(from), b = user(to);
	char text[TURN_CALL_ID_LEN + 1];
	const struct call_spec spec = {
		.call_id = text, .room_name = room, .caller = &a, .invited = &b, .invited_n = 1
	};
	struct call *c;

	snprintf(text, sizeof(text), "%022u", id);
	ck_assert_int_eq(call_new(&c, &spec, now), 0);
	return c;
}

static struct call *add(unsigned id, const char *room, const char *from, const char *to)
{
	struct call *c = make(id, room, from, to);

	ck_assert_int_eq(call_table_add(t, c), 0);
	return c;
}

static void refused(int rc, unsigned id, const char *room, const char *from, const char *to)
{
	struct call *c = make(id, room, from, to);

	ck_assert_int_eq(call_table_add(t, c), rc);
	call_free(c);
}

static void end(struct call *c)
{
	ck_assert_int_eq(call_apply(c, CALL_EV_CALLER_END, NULL, now), 1);
	call_table_end(t, c);
}

static void setup(void)
{
	static const struct call_table_limits limits = { .live_max = 4,
							 .per_user_max = 2,
							 .ended_max = 3 };

	ck_assert_int_eq(call_table_new(&t, &limits), 0);
}

static void teardown(void)
{
	call_table_free(t);
}

START_TEST(equal_room_names_of_strangers_do_not_meet)
{
	struct call *ab = add(1, "room", "a", "b"), *cd = add(2, "room", "c", "d");

	ck_assert_ptr_eq(call_table_find_room(t, "a", "room"), ab);
	ck_assert_ptr_eq(call_table_find_room(t, "b", "room"), ab);
	ck_assert_ptr_eq(call_table_find_room(t, "d", "room"), cd);
	ck_assert_ptr_null(call_table_find_room(t, "e", "room"));
	ck_assert_ptr_null(call_table_find_room(t, "a", "other"));
	ck_assert_ptr_eq(call_table_find(t, call_id(cd)), cd);
	refused(-EEXIST, 3, "room", "e", "b"); /* b could not say which it means */
	refused(-EEXIST, 1, "third", "e", "f");
}
END_TEST

START_TEST(calls_are_bounded_in_all_and_for_each_user)
{
	add(1, "r1", "a", "b");
	add(2, "r2", "a", "c");
	refused(-EDQUOT, 3, "r3", "a", "d");
	ck_assert(!call_table_has_room(t, "a"));
	ck_assert(call_table_has_room(t, "b"));
	add(3, "r3", "e", "a"); /* an invitation is somebody else's doing */
	add(4, "r4", "e", "g");
	refused(-ENOSPC, 5, "r5", "h", "i");
	ck_assert_uint_eq(call_table_live_n(t), 4);
	end(call_table_find_room(t, "a", "r1"));
	ck_assert(call_table_has_room(t, "a"));
	add(5, "r5", "a", "d");
	ck_assert(!call_table_has_room(t, "a"));
}
END_TEST

START_TEST(only_the_last_ended_calls_are_kept)
{
	struct call_walk *w;
	struct call *c = NULL;

	for (unsigned i = 1; i <= 5; i++)
		end(add(i, i % 2 ? "odd" : "even", "a", "b"));
	ck_assert_int_eq(call_walk_new(&w, t), 0);
	ck_assert_ptr_null(call_walk_next_live(w));
	ck_assert_uint_eq(call_table_live_n(t), 0);
	for (unsigned i = 3; i <= 5; i++) {
		c = call_walk_next_ended(w);
		ck_assert_ptr_nonnull(c);
		ck_assert_uint_eq(strtoul(call_id(c), NULL, 10), i);
	}
	ck_assert_ptr_eq(call_table_find_ended(t, "b", "odd"), c);
	ck_assert_ptr_null(call_walk_next_ended(w));
	call_walk_free(w);
	ck_assert_ptr_null(call_table_find_ended(t, "z", "odd"));
	ck_assert_ptr_null(call_table_find_room(t, "a", "odd"));
}
END_TEST

START_TEST(walks_go_by_age)
{
	struct call *c1 = add(1, "r1", "a", "b"), *c2 = add(2, "r2", "c", "a");
	struct call *next;

	ck_assert_ptr_eq(call_table_next_live(t, NULL), c1);
	ck_assert_ptr_eq(call_table_next_live(t, c1), c2);
	ck_assert_ptr_null(call_table_next_live(t, c2));
	ck_assert_ptr_eq(call_table_next_of_user(t, "a", NULL), c1);
	ck_assert_ptr_eq(call_table_next_of_user(t, "a", c1), c2);
	ck_assert_ptr_null(call_table_next_of_user(t, "a", c2));
	ck_assert_ptr_null(call_table_next_of_user(t, "z", NULL));
	next = call_table_next_live(t, c1);
	end(c1);
	ck_assert_ptr_eq(next, c2);
	ck_assert_ptr_eq(call_table_next_live(t, NULL), c2);
}
END_TEST

#define CROWD 300

/* A table in which calls come and go, and who was there all the time a walk took. */
static struct {
	struct call *calls[CROWD]; /* live; NULL: not yet, or ended */
	bool from_start[CROWD], gone[CROWD];
	unsigned met[CROWD];
} crowd;

static void crowd_add(unsigned i)
{
	char room[16], from[16], to[16];

	snprintf(room, sizeof(room), "r%u", i);
	snprintf(from, sizeof(from), "a%u", i);
	snprintf(to, sizeof(to), "b%u", i);
	crowd.calls[i] = add(i, room, from, to);
}

static void crowd_end(unsigned i)
{
	if (crowd.calls[i])
		end(crowd.calls[i]);
	crowd.calls[i] = NULL;
}

static void meet(const struct call *c)
{
	crowd.met[strtoul(call_id(c), NULL, 10)]++;
}

/* What fell out of the ring of ended ones was not there all the time. */
static void see_who_is_gone(void)
{
	bool there[CROWD] = { false };
	struct call_walk *w;
	struct call *c;

	ck_assert_int_eq(call_walk_new(&w, t), 0);
	while ((c = call_walk_next_live(w)) || (c = call_walk_next_ended(w)))
		there[strtoul(call_id(c), NULL, 10)] = true;
	call_walk_free(w);
	for (unsigned i = 0; i < CROWD; i++)
		crowd.gone[i] |= !there[i];
}

START_TEST(a_walk_meets_each_call_once_while_others_come_and_go)
{
	static const struct call_table_limits limits = { CROWD, 2, 40 };
	struct call_walk *w;
	struct call *c;
	unsigned next;
	bool live = true;

	call_table_free(t);
	ck_assert_int_eq(call_table_new(&t, &limits), 0);
	srandom((unsigned)_i + 1);
	memset(&crowd, 0, sizeof(crowd));
	for (next = 0; next < 150; next++) {
		crowd_add(next);
		if (random() % 4 == 0)
			crowd_end((unsigned)random() % (next + 1));
	}
	see_who_is_gone();
	for (unsigned i = 0; i < next; i++)
		crowd.from_start[i] = !crowd.gone[i];
	ck_assert_int_eq(call_walk_new(&w, t), 0);
	for (;;) {
		for (long turns = random() % 3; turns > 0; turns--) {
			crowd_end((unsigned)random() % next);
			if (next < CROWD)
				crowd_add(next++);
		}
		see_who_is_gone();
		c = live ? call_walk_next_live(w) : call_walk_next_ended(w);
		if (c)
			meet(c);
		else if (!live)
			break;
		else
			live = false;
	}
	call_walk_free(w);
	for (unsigned i = 0; i < CROWD; i++) {
		ck_assert_uint_le(crowd.met[i], 1);
		if (crowd.from_start[i] && !crowd.gone[i])
			ck_assert_msg(crowd.met[i] == 1, "%u was not met", i);
		if (i >= 150)
			ck_assert_uint_eq(crowd.met[i], 0);
	}
}
END_TEST

START_TEST(walks_are_bounded)
{
	struct call_walk *w[CALL_WALKS_MAX], *more;

	for (int i = 0; i < CALL_WALKS_MAX; i++)
		ck_assert_int_eq(call_walk_new(&w[i], t), 0);
	ck_assert_int_eq(call_walk_new(&more, t), -ENOSPC);
	for (int i = 0; i < CALL_WALKS_MAX; i++)
		call_walk_free(w[i]);
	ck_assert_int_eq(call_walk_new(&more, t), 0);
	call_walk_free(more);
	call_walk_free(NULL);
}
END_TEST

static int read_id(const char *json, struct user_id *out)
{
	return user_id_read((struct json_slice){ json, strlen(json) }, out);
}

START_TEST(ids_are_integers_or_short_words_and_compare_as_text)
{
	static const char *const bad[] = {
		"1.5",	   "1e3",     "-",  "-0", "123456789012345678901", "true", "null", "\"\"",
		"\"a b\"", "\"a:b\"", "[]", "{}", "\"a\\u0000\""
	};
	struct user_id n, s;

	ck_assert_int_eq(read_id("7", &n), 0);
	ck_assert_int_eq(read_id("\"7\"", &s), 0);
	ck_assert(user_id_equal(&n, &s) && n.number && !s.number);
	ck_assert_int_eq(read_id("-12", &n), 0);
	ck_assert_int_eq(read_id("0", &n), 0);
	ck_assert_int_eq(read_id("\"a.b_c@d+e-f\"", &s), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(read_id(bad[i], &n) == -EINVAL, "%s was read", bad[i]);
}
END_TEST

START_TEST(a_user_is_there_as_long_as_it_has_a_socket)
{
	static const struct identity_limits limits = { .sockets_max = 3,
						       .sockets_per_user_max = 2 };
	struct user_id number = { .text = "7", .number = true }, string = { .text = "7" };
	struct user_id other = { .text = "8" };
	struct call_socket *s[3], *none;
	struct identity *id;
	int handle;

	ck_assert_int_eq(identity_new(&id, &limits), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(call_socket_new(id, &handle, "127.0.0.1", &s[i]), 0);
	ck_assert_int_eq(call_socket_new(id, &handle, "127.0.0.1", &none), -ENOSPC);
	ck_assert_int_eq(call_socket_join(s[0], &number), 1);
	ck_assert_int_eq(call_socket_join(s[0], &number), 0);
	ck_assert_int_eq(call_socket_join(s[1], &string), 1);
	ck_assert_int_eq(call_socket_join(s[2], &number), -ENOSPC);
	ck_assert_ptr_null(call_socket_user(s[2]));
	ck_assert(user_id_of(identity_find(id, "7"))->number);
	ck_assert_ptr_eq(user_next_socket(identity_find(id, "7"), s[1]), s[0]);
	ck_assert_int_eq(call_socket_join(s[0], &other), 1);
	ck_assert_uint_eq(user_sockets_n(identity_find(id, "7")), 1);
	call_socket_free(s[1]);
	ck_assert_ptr_null(identity_find(id, "7"));
	ck_assert_uint_eq(identity_sockets_n(id), 2);
	call_socket_mute(s[2]);
	ck_assert_ptr_eq(identity_first_muted(id), s[2]);
	ck_assert_ptr_null(call_socket_handle(s[2]));
	identity_free(id);
	identity_free(NULL);
}
END_TEST

START_TEST(registered_sockets_come_last_in_the_order_of_registering)
{
	static const struct identity_limits limits = { .sockets_max = 4,
						       .sockets_per_user_max = 4 };
	struct user_id who = { .text = "7" }, other = { .text = "8" };
	struct call_socket *s[4];
	struct identity *id;
	struct user *u;
	int handle;

	ck_assert_int_eq(identity_new(&id, &limits), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(call_socket_new(id, &handle, "127.0.0.1", &s[i]), 0);
		ck_assert_int_eq(call_socket_join(s[i], &who), 1);
	}
	u = identity_find(id, "7");
	ck_assert_ptr_null(user_next_registered(u, NULL));
	ck_assert(call_socket_register(s[2]) && call_socket_register(s[0]));
	ck_assert(!call_socket_register(s[2]));
	ck_assert_uint_eq(user_registered_n(u), 2);
	ck_assert_ptr_eq(user_next_registered(u, NULL), s[2]);
	ck_assert_ptr_eq(user_next_registered(u, s[2]), s[0]);
	ck_assert_ptr_null(user_next_registered(u, s[0]));
	ck_assert_int_eq(call_socket_join(s[0], &other), 1);
	ck_assert(!call_socket_registered(s[0]));
	ck_assert_uint_eq(user_registered_n(u), 1);
	call_socket_free(s[2]);
	ck_assert_uint_eq(user_registered_n(u), 0);
	ck_assert_ptr_eq(identity_next_user(id, NULL), u);
	ck_assert_ptr_eq(identity_next_user(id, u), call_socket_user(s[0]));
	ck_assert_uint_eq(identity_users_n(id), 2);
	identity_free(id);
}
END_TEST

START_TEST(a_socket_remembers_the_last_things_it_was_told)
{
	static const struct identity_limits limits = { .sockets_max = 1 };
	struct call_socket *s;
	struct identity *id;
	int handle;

	ck_assert_int_eq(identity_new(&id, &limits), 0);
	ck_assert_int_eq(call_socket_new(id, &handle, "127.0.0.1", &s), 0);
	for (uint64_t i = 1; i <= CALL_SOCKET_TOLD_MAX; i++) {
		ck_assert(!call_socket_told(s, i));
		ck_assert(call_socket_told(s, i));
	}
	ck_assert(call_socket_told(s, 1));
	ck_assert(!call_socket_told(s, 99)); /* in the place of the first */
	ck_assert(!call_socket_told(s, 1));
	identity_free(id);
}
END_TEST

START_TEST(a_call_a_member_is_out_of_is_no_longer_among_his)
{
	struct user_id a = user("a"), many[3] = { user("b"), user("c"), user("d") };
	const struct call_spec spec = { .call_id = "0000000000000000000001",
					.room_name = "r",
					.kind = CALL_RING_GROUP,
					.caller = &a,
					.invited = many,
					.invited_n = 3 };
	struct call *c, *other;

	ck_assert_int_eq(call_new(&c, &spec, now), 0);
	call_member_out(c, 1, OUT_BUSY);
	ck_assert_int_eq(call_table_add(t, c), 0);
	ck_assert_ptr_null(call_table_find_room(t, "b", "r"));
	ck_assert_ptr_eq(call_table_find_left(t, "b", "r"), c);
	ck_assert_ptr_eq(call_table_find_room(t, "c", "r"), c);
	call_member_out(c, 2, OUT_REJECT);
	call_table_member_changed(t, c, 2);
	call_table_member_changed(t, c, 3); /* nothing has */
	ck_assert_ptr_null(call_table_next_of_user(t, "c", NULL));
	ck_assert_ptr_eq(call_table_find_left(t, "c", "r"), c);
	refused(-EEXIST, 2, "r", "d", "c");
	other = add(2, "r", "c", "b"); /* the name is free for these two */
	ck_assert_ptr_eq(call_table_find_room(t, "c", "r"), other);
	add(3, "r3", "c", "b");
	refused(-EDQUOT, 4, "r4", "c", "e");
	end(other);
	ck_assert_ptr_eq(call_table_find_left(t, "c", "r"), c);
	ck_assert_ptr_eq(call_table_find_ended(t, "c", "r"), other);
	end(c);
	ck_assert_ptr_null(call_table_find_left(t, "c", "r"));
	ck_assert_ptr_null(call_table_find_left(t, "b", "r"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_table");
	TCase *tc = tcase_create("call_table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, equal_room_names_of_strangers_do_not_meet);
	tcase_add_test(tc, calls_are_bounded_in_all_and_for_each_user);
	tcase_add_test(tc, only_the_last_ended_calls_are_kept);
	tcase_add_test(tc, walks_go_by_age);
	tcase_add_loop_test(tc, a_walk_meets_each_call_once_while_others_come_and_go, 0, 50);
	tcase_add_test(tc, walks_are_bounded);
	tcase_add_test(tc, ids_are_integers_or_short_words_and_compare_as_text);
	tcase_add_test(tc, a_user_is_there_as_long_as_it_has_a_socket);
	tcase_add_test(tc, registered_sockets_come_last_in_the_order_of_registering);
	tcase_add_test(tc, a_socket_remembers_the_last_things_it_was_told);
	tcase_add_test(tc, a_call_a_member_is_out_of_is_no_longer_among_his);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
