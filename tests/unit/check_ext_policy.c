/* check_ext_policy.c - who is refused, what is counted, and how refusals are told */
#include <check.h>
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "cells.h"
#include "client_address.h"
#include "expiry_walk.h"
#include "policy.h"
#include "registry.h"
#include "nth_alloc.h"
#include "run_suite.h"

#define NOW 1800000000
#define NOW_MS 5000000ULL
#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define CALL_B "BBBBBBBBBBBBBBBBBBBBBB"

/* --- clients --------------------------------------------------------------------------- */

static struct sockaddr_storage storage;

static const struct sockaddr *client(const char *text)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
	struct sockaddr_in *in = (struct sockaddr_in *)&storage;

	memset(&storage, 0, sizeof(storage));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
		in6->sin6_family = AF_INET6;
	}
	return (struct sockaddr *)&storage;
}

static bool same_client(const char *a, const char *b)
{
	struct client_address x, y;

	client_address_read(&x, client(a));
	client_address_read(&y, client(b));
	x = client_prefix(&x);
	y = client_prefix(&y);
	return client_address_equal(&x, &y);
}

START_TEST(a_client_is_an_ipv4_address_or_a_slash_64)
{
	struct client_address a;
	char text[INET6_ADDRSTRLEN];

	ck_assert(same_client("192.0.2.1", "::ffff:192.0.2.1"));
	ck_assert(!same_client("192.0.2.1", "192.0.2.2"));
	ck_assert(same_client("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	ck_assert(!same_client("2001:db8:1:2::1", "2001:db8:1:3::1"));
	ck_assert(!same_client("::", "0.0.0.0"));
	client_address_read(&a, NULL);
	client_address_text(&a, text);
	ck_assert_str_eq(text, "");
	client_address_read(&a, client("::ffff:192.0.2.1"));
	client_address_text(&a, text);
	ck_assert_str_eq(text, "192.0.2.1");
	client_address_read(&a, client("2001:db8::1"));
	client_address_text(&a, text);
	ck_assert_str_eq(text, "2001:db8::1");
}
END_TEST

/* --- limits ------------------------------------------------------------------------------ */

static struct limits *limits_of(size_t max, uint64_t allocations)
{
	struct limit each[LIMIT_KINDS] = { 0 };
	struct limits *l;
	int i;

	for (i = 0; i < LIMIT_KINDS; i++)
		each[i].allocations = allocations;
	ck_assert_int_eq(limits_new(&l, max, each), 0);
	return l;
}

static int take(struct limits *l, uint64_t user, uint64_t call, struct limit_hold *h)
{
	struct limit_key keys[2] = { { LIMIT_USER, user }, { LIMIT_CALL, call } };
	enum limit_kind over = LIMIT_KINDS;
	int r = limits_acquire(l, keys, h, &over);

	return r == -EDQUOT ? (int)over + 1 : r;
}

/* A hash as name_hash_of() might give. */
static uint64_t hash(uint64_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15;
}

START_TEST(each_key_is_counted_and_both_or_none)
{
	struct limits *l = limits_of(100, 2);
	struct limit_hold h[3], more;

	ck_assert_int_eq(take(l, hash(1), hash(9), &h[0]), 0);
	ck_assert_int_eq(take(l, hash(2), hash(9), &h[1]), 0);
	ck_assert_int_eq(take(l, hash(1), hash(9), &more), LIMIT_CALL + 1);
	ck_assert_int_eq(take(l, hash(1), 0, &h[2]), 0);
	ck_assert_int_eq(take(l, hash(1), hash(8), &more), LIMIT_USER + 1);
	ck_assert_uint_eq(limits_keys(l), 3);
	limits_release(l, &more); /* a refused one holds nothing */
	limits_release(l, &h[0]);
	limits_release(l, &h[0]);
	ck_assert_int_eq(take(l, hash(1), hash(9), &h[0]), 0);
	limits_release(l, &h[0]);
	limits_release(l, &h[1]);
	limits_release(l, &h[2]);
	ck_assert_uint_eq(limits_keys(l), 0);
	limits_free(l);
}
END_TEST

START_TEST(the_same_text_of_two_kinds_is_two_keys)
{
	struct limits *l = limits_of(100, 1);
	struct limit_key tag[2] = { { LIMIT_TAG, hash(1) }, { LIMIT_CLIENT, hash(1) } };
	struct limit_hold user, shared;
	enum limit_kind over;

	ck_assert_int_eq(take(l, hash(1), hash(1), &user), 0);
	ck_assert_int_eq(limits_acquire(l, tag, &shared, &over), 0);
	ck_assert_int_eq(limits_acquire(l, tag, &shared, &over), -EDQUOT);
	ck_assert_int_eq(over, LIMIT_TAG);
	limits_free(l);
}
END_TEST

START_TEST(without_a_limit_nobody_is_refused)
{
	struct limits *l = limits_of(1000, 0);
	struct limit_hold h;
	int i;

	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(take(l, hash(1), hash(2), &h), 0);
	ck_assert_uint_eq(limits_keys(l), 2);
	limits_free(l);
}
END_TEST

START_TEST(lowering_a_limit_ends_nothing_and_refuses_the_next)
{
	struct limit two = { 2, LIMIT_LEAVE }, none = { 0, LIMIT_LEAVE };
	struct limits *l = limits_of(100, 0);
	struct limit_hold h[4], more;
	uint64_t count;
	int i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(take(l, hash(1), 0, &h[i]), 0);
	limits_each(l, LIMIT_USER, &two, &count);
	ck_assert_uint_eq(count, 4);
	ck_assert_int_eq(take(l, hash(1), 0, &more), LIMIT_USER + 1);
	limits_release(l, &h[0]);
	limits_release(l, &h[1]);
	ck_assert_int_eq(take(l, hash(1), 0, &more), LIMIT_USER + 1);
	limits_release(l, &h[2]);
	ck_assert_int_eq(take(l, hash(1), 0, &h[0]), 0);
	/* One's own goes before everyone's. */
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(1) }, &none, &count),
			 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(take(l, hash(1), 0, &more), 0);
	limits_each(l, LIMIT_CALL, &two, &count);
	ck_assert_uint_eq(count, 0);
	limits_free(l);
}
END_TEST

START_TEST(the_lowest_speed_applies_at_once)
{
	struct limit slow = { LIMIT_LEAVE, 1000 }, slower = { LIMIT_LEAVE, 10 };
	struct limit any = { LIMIT_LEAVE, 0 };
	struct limits *l = limits_of(100, 0);
	struct limit_hold h, nothing = { { 0, 0 } };
	uint64_t count;

	ck_assert_int_eq(take(l, hash(1), hash(2), &h), 0);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h), 0);
	limits_each(l, LIMIT_USER, &slow, &count);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h), 1000);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_CALL, hash(2) }, &slower, &count),
			 0);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h), 10);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_CALL, hash(2) }, &any, &count), 0);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h), 1000);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(1) }, &any, &count), 0);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h), 0);
	ck_assert_uint_eq(limits_bytes_per_s(l, &nothing), 0);
	limits_free(l);
}
END_TEST

START_TEST(a_limit_waits_for_a_call_that_has_not_begun_and_not_for_ever)
{
	struct limit one = { 1, 5 }, nothing = { LIMIT_LEAVE, LIMIT_LEAVE };
	struct limit_key call = { LIMIT_CALL, hash(2) }, user = { LIMIT_USER, hash(1) };
	struct limits *l = limits_of(100, 0);
	struct limit_hold h, more;
	uint64_t count;

	ck_assert_int_eq(limits_one(l, call, &one, &count), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(limits_one(l, user, &one, &count), 0);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(7) }, &nothing, &count),
			 0);
	ck_assert_uint_eq(limits_keys(l), 2);
	ck_assert_uint_eq(limits_overrides(l), 2);
	limits_poll(l, NOW_MS);
	ck_assert_int_eq(take(l, hash(3), hash(2), &h), 0);
	ck_assert_int_eq(take(l, hash(4), hash(2), &more), LIMIT_CALL + 1);
	limits_poll(l, NOW_MS + 2 * LIMIT_OVERRIDE_IDLE_MS);
	limits_release(l, &h);
	limits_poll(l, NOW_MS + 3 * LIMIT_OVERRIDE_IDLE_MS);
	limits_poll(l, NOW_MS + 4 * LIMIT_OVERRIDE_IDLE_MS - 1);
	ck_assert_uint_eq(limits_overrides(l), 2);
	limits_poll(l, NOW_MS + 4 * LIMIT_OVERRIDE_IDLE_MS);
	ck_assert_uint_eq(limits_overrides(l), 1); /* the user's */
	ck_assert_uint_eq(limits_keys(l), 1);
	limits_free(l);
}
END_TEST

START_TEST(full_tables_refuse_and_count)
{
	enum { PAIRS = 1 + LIMIT_OVERRIDES_MAX / 2 };
	struct limit_hold *h = malloc((PAIRS + 1) * sizeof(*h)), more;
	struct limits *l = limits_of(1, 0);
	size_t i;

	ck_assert_ptr_nonnull(h);
	for (i = 0; i < PAIRS; i++)
		ck_assert_int_eq(take(l, hash(2 * i), hash(2 * i + 1), &h[i]), 0);
	ck_assert_uint_eq(limits_keys(l), 2 * PAIRS);
	ck_assert_int_eq(take(l, hash(2 * i), hash(0), &more), -ENOBUFS);
	ck_assert_uint_eq(limits_refused(l), 1);
	ck_assert_int_eq(take(l, hash(0), hash(1), &h[PAIRS]), 0); /* known ones still count */
	limits_release(l, &h[PAIRS]);
	limits_release(l, &h[5]);
	ck_assert_int_eq(take(l, hash(2 * i), 0, &h[5]), 0);
	/* Half of the pair does not stay. */
	ck_assert_int_eq(take(l, hash(2 * i + 1), hash(2 * i + 2), &more), -ENOBUFS);
	ck_assert_uint_eq(limits_keys(l), 2 * PAIRS - 1);
	for (i = 0; i < PAIRS; i++)
		limits_release(l, &h[i]);
	ck_assert_uint_eq(limits_keys(l), 0);
	limits_free(l);
	free(h);
}
END_TEST

START_TEST(limits_of_ones_own_have_a_maximum)
{
	struct limit one = { 1, LIMIT_LEAVE }, back = { LIMIT_DEFAULT, LIMIT_DEFAULT };
	struct limits *l = limits_of(16, 0);
	uint64_t count;
	size_t i;

	for (i = 0; i < LIMIT_OVERRIDES_MAX; i++)
		ck_assert_int_eq(
			limits_one(l, (struct limit_key){ LIMIT_USER, hash(i) }, &one, &count), 0);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(i) }, &one, &count),
			 -ENOBUFS);
	ck_assert_uint_eq(limits_refused(l), 1);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(7) }, &one, &count), 0);
	ck_assert_uint_eq(limits_overrides(l), LIMIT_OVERRIDES_MAX);
	/* the way back is never refused, and frees the place */
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(i) }, &back, &count),
			 0);
	ck_assert_uint_eq(limits_overrides(l), LIMIT_OVERRIDES_MAX);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(7) }, &back, &count),
			 0);
	ck_assert_uint_eq(limits_keys(l), LIMIT_OVERRIDES_MAX - 1);
	ck_assert_int_eq(limits_one(l, (struct limit_key){ LIMIT_USER, hash(i) }, &one, &count), 0);
	ck_assert_uint_eq(limits_refused(l), 1);
	limits_free(l);
}
END_TEST

START_TEST(both_limits_at_the_default_again_are_forgotten)
{
	struct limit both = { 1, 5 }, count_back = { LIMIT_DEFAULT, LIMIT_LEAVE };
	struct limit speed_back = { LIMIT_LEAVE, LIMIT_DEFAULT }, slow = { LIMIT_LEAVE, 70 };
	struct limit_key user = { LIMIT_USER, hash(1) };
	struct limits *l = limits_of(16, 2);
	struct limit_hold h[3];
	uint64_t count;

	ck_assert_int_eq(take(l, hash(1), 0, &h[0]), 0);
	limits_each(l, LIMIT_USER, &slow, &count);
	ck_assert_int_eq(limits_one(l, user, &both, &count), 0);
	ck_assert_int_eq(take(l, hash(1), 0, &h[1]), LIMIT_USER + 1);
	ck_assert_int_eq(limits_one(l, user, &count_back, &count), 0);
	ck_assert_uint_eq(limits_overrides(l), 1);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h[0]), 5);
	ck_assert_int_eq(take(l, hash(1), 0, &h[1]), 0);
	ck_assert_int_eq(take(l, hash(1), 0, &h[2]), LIMIT_USER + 1);
	ck_assert_int_eq(limits_one(l, user, &speed_back, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(limits_overrides(l), 0);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h[0]), 70);
	limits_each(l, LIMIT_USER, &speed_back, &count);
	ck_assert_uint_eq(limits_bytes_per_s(l, &h[0]), 0);
	limits_release(l, &h[0]);
	limits_release(l, &h[1]);
	ck_assert_uint_eq(limits_keys(l), 0);
	limits_free(l);
}
END_TEST

static struct limits *busy;
static _Atomic unsigned errors;

static void *take_and_release(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, i, at;
	struct limit_hold h[64] = { 0 };

	for (i = 0; i < 40000; i++) {
		at = (unsigned)rand_r(&seed) % 64;
		limits_release(busy, &h[at]);
		if (take(busy, hash((unsigned)rand_r(&seed) % 500), hash(i % 700), &h[at]) < 0)
			atomic_fetch_add(&errors, 1);
		if (limits_bytes_per_s(busy, &h[at]) > 2000)
			atomic_fetch_add(&errors, 1);
	}
	for (at = 0; at < 64; at++)
		limits_release(busy, &h[at]);
	return NULL;
}

START_TEST(counts_come_back_to_zero_under_threads)
{
	pthread_t threads[3];
	struct limit change;
	uint64_t count, i;

	busy = limits_of(1000, 50);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, take_and_release, (void *)(i + 1)), 0);
	for (i = 0; i < 2000; i++) {
		change = (struct limit){ 1 + i % 40, i };
		limits_one(busy, (struct limit_key){ LIMIT_CALL, hash(i % 100) }, &change, &count);
		limits_each(busy, LIMIT_USER, &change, &count);
		limits_poll(busy, NOW_MS + i);
	}
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&errors), 0);
	limits_poll(busy, NOW_MS);
	limits_poll(busy, NOW_MS + LIMIT_OVERRIDE_IDLE_MS);
	limits_poll(busy, NOW_MS + LIMIT_OVERRIDE_IDLE_MS);
	ck_assert_uint_eq(limits_keys(busy), 0);
	limits_free(busy);
}
END_TEST

/* --- denials ------------------------------------------------------------------------------ */

static unsigned woken;

static void on_wake(void *arg)
{
	(void)arg;
	woken++;
}

static struct denials *denials_of(struct denial_source **s)
{
	struct denials *d;

	ck_assert_int_eq(denials_new(&d), 0);
	denials_set_wake(d, on_wake, NULL);
	*s = denial_source_new(d);
	ck_assert_ptr_nonnull(*s);
	woken = 0;
	return d;
}

START_TEST(the_first_refusal_is_told_at_once_and_the_rest_with_their_number)
{
	struct denial_source *s;
	struct denials *d = denials_of(&s);
	struct denial out;
	int i;

	denial_note(s, DENIAL_USER_LIMIT, client("192.0.2.1"), "alice", CALL_A, NOW_MS);
	ck_assert_uint_eq(woken, 1);
	ck_assert(denials_take(d, &out));
	ck_assert_str_eq(denial_reason_word(out.reason), "user-limit");
	ck_assert_str_eq(out.client, "192.0.2.1");
	ck_assert_str_eq(out.user, "alice");
	ck_assert_str_eq(out.call, CALL_A);
	ck_assert_uint_eq(out.n, 1);
	ck_assert(!denials_take(d, &out));
	for (i = 0; i < 50; i++)
		denial_note(s, DENIAL_USER_LIMIT, client("192.0.2.1"), "bob", NULL, NOW_MS + 10);
	denial_tick(s, NOW_MS + 999);
	ck_assert(!denials_take(d, &out));
	/* Nobody comes any more: what was kept back is told all the same. */
	denial_tick(s, NOW_MS + 1000);
	ck_assert(denials_take(d, &out));
	ck_assert_uint_eq(out.n, 50);
	ck_assert_str_eq(out.user, "bob");
	ck_assert_str_eq(out.call, "");
	denial_tick(s, NOW_MS + 5000);
	ck_assert(!denials_take(d, &out));
	denial_note(s, DENIAL_USER_LIMIT, client("192.0.2.1"), "bob", NULL, NOW_MS + 5000);
	ck_assert(denials_take(d, &out));
	ck_assert_uint_eq(out.n, 1);
	denials_free(d);
}
END_TEST

START_TEST(clients_and_reasons_are_told_apart)
{
	struct denial_source *s;
	struct denials *d = denials_of(&s);
	struct denial out;
	int n = 0;

	denial_note(s, DENIAL_REVOKED, client("192.0.2.1"), NULL, NULL, NOW_MS);
	denial_note(s, DENIAL_EXPIRED, client("192.0.2.1"), NULL, NULL, NOW_MS);
	denial_note(s, DENIAL_REVOKED, client("2001:db8::1"), NULL, NULL, NOW_MS);
	denial_note(s, DENIAL_REVOKED, client("2001:db8::2"), NULL, NULL, NOW_MS);
	while (denials_take(d, &out))
		n++;
	ck_assert_int_eq(n, 3);
	ck_assert_str_eq(out.client, "2001:db8::1");
	denials_free(d);
}
END_TEST

START_TEST(a_flood_of_clients_costs_a_fixed_number_of_records)
{
	struct denial_source *s;
	struct denials *d = denials_of(&s);
	struct sockaddr_in in = { .sin_family = AF_INET };
	uint64_t told = 0, records = 0, i, t;
	struct denial out;

	for (t = 0; t < 20; t++) {
		for (i = 0; i < 20000; i++) {
			in.sin_addr.s_addr = htonl((uint32_t)(i * 7919 + t));
			denial_note(s, DENIAL_REVOKED, (struct sockaddr *)&in, "u", NULL,
				    NOW_MS + t * 1000 + i / 20);
			if (i % 1000 == 0)
				denial_tick(s, NOW_MS + t * 1000 + i / 20);
			while (i % 16 == 0 && denials_take(d, &out)) {
				told += out.n;
				records++;
			}
		}
	}
	for (t = 0; t < 100; t++) { /* what is left is told within seconds */
		denial_tick(s, NOW_MS + 30000 + t * 1000);
		while (denials_take(d, &out))
			told += out.n;
	}
	ck_assert_uint_le(records, 21 * DENIAL_TOLD_MAX);
	ck_assert_uint_eq(told + denials_dropped(d), 20 * 20000);
	ck_assert_uint_gt(denials_dropped(d), 0);
	denials_free(d);
}
END_TEST

START_TEST(a_full_ring_drops_and_counts)
{
	struct denial_source *s;
	struct denials *d = denials_of(&s);
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct denial out;
	uint64_t i, n = 0;

	for (i = 0; i < DENIAL_RING_MAX + 5; i++) {
		in.sin_addr.s_addr = htonl((uint32_t)i);
		denial_note(s, DENIAL_REVOKED, (struct sockaddr *)&in, NULL, NULL,
			    NOW_MS + i * DENIAL_PERIOD_MS);
	}
	ck_assert_uint_eq(woken, 1);
	ck_assert_uint_eq(denials_dropped(d), 5);
	while (denials_take(d, &out))
		n++;
	ck_assert_uint_eq(n, DENIAL_RING_MAX);
	denials_free(d);
}
END_TEST

START_TEST(sources_have_a_maximum)
{
	struct denial_source *s;
	struct denials *d = denials_of(&s);
	int i;

	for (i = 1; i < DENIAL_SOURCES_MAX; i++)
		ck_assert_ptr_nonnull(denial_source_new(d));
	ck_assert_ptr_null(denial_source_new(d));
	denials_free(d);
}
END_TEST

enum { NOTES = 50000 };

static void *refuse_many(void *arg)
{
	struct denial_source *s = denial_source_new(arg);
	struct sockaddr_in in = { .sin_family = AF_INET };
	uint32_t i;

	for (i = 0; i < NOTES; i++) {
		in.sin_addr.s_addr = htonl(i % 300);
		denial_note(s, i % DENIAL_REASONS, (struct sockaddr *)&in, "user", CALL_A,
			    NOW_MS + i / 2);
	}
	for (i = 0; i < 100; i++)
		denial_tick(s, NOW_MS + NOTES + i * 1000);
	return NULL;
}

START_TEST(each_refusal_is_told_or_dropped_under_threads)
{
	pthread_t threads[3];
	struct denial out;
	struct denials *d;
	uint64_t told = 0;
	int i;

	ck_assert_int_eq(denials_new(&d), 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, refuse_many, d), 0);
	for (i = 0; i < 200; i++) {
		while (denials_take(d, &out)) {
			ck_assert_str_eq(out.call, CALL_A);
			told += out.n;
		}
		usleep(500);
	}
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	while (denials_take(d, &out))
		told += out.n;
	ck_assert_uint_eq(told + denials_dropped(d), 3 * NOTES);
	denials_free(d);
}
END_TEST

/* --- policy -------------------------------------------------------------------------------- */

static struct policy *policy_of(uint64_t allocations, int64_t grace_s)
{
	struct policy_config c = { .allocations_max = 1000, .expiry_grace_s = grace_s };
	struct policy *p;
	int i;

	for (i = 0; i < LIMIT_KINDS; i++)
		c.each[i].allocations = allocations;
	ck_assert_int_eq(policy_open(&p, &c, NOW), 0);
	return p;
}

static struct policy_request request(enum policy_method method, const char *name, bool shared)
{
	return (struct policy_request){
		.method = method,
		.name = name,
		.secret = shared ? "apk1" : "k1",
		.tag = "",
		.shared = shared,
		.client = client("192.0.2.1"),
		.now_s = NOW,
		.now_ms = NOW_MS,
	};
}

/* The code, or 0. */
static int checked(struct policy *p, enum policy_method method, const char *name, bool shared)
{
	struct policy_request r = request(method, name, shared);
	struct policy_verdict v;

	if (policy_check(p, &r, &v))
		return 0;
	ck_assert_str_ne(v.text, "");
	return v.code;
}

static int acquired(struct policy *p, const struct policy_request *r, struct policy_hold *h)
{
	struct policy_verdict v;

	return policy_acquire(p, r, h, &v) ? 0 : v.code * 100 + (int)v.reason;
}

START_TEST(a_revoked_user_or_call_is_forbidden_everything)
{
	struct policy *p = policy_of(0, POLICY_NO_EXPIRY);
	int m;

	ck_assert_int_eq(policy_revoke(p, REVOKED_CALL, CALL_A, NOW + 10, NOW), 0);
	ck_assert_int_eq(policy_revoke(p, REVOKED_USER, "mallory", NOW + 10, NOW), 0);
	for (m = POLICY_ALLOCATE; m <= POLICY_CONNECT; m++) {
		ck_assert_int_eq(checked(p, m, "1900000000:alice:" CALL_A, false), 403);
		ck_assert_int_eq(checked(p, m, "1900000000:alice:" CALL_B, false), 0);
		ck_assert_int_eq(checked(p, m, "1900000000:mallory:" CALL_B, false), 403);
		ck_assert_int_eq(checked(p, m, "1900000000:mallory", false), 403);
		ck_assert_int_eq(checked(p, m, "mallory:1900000000", false), 403);
		ck_assert_int_eq(checked(p, m, "1900000000", false), 0);
		ck_assert_int_eq(checked(p, m, "mallory", false), 0); /* no name of ours */
	}
	ck_assert(policy_revoked(p, "1900000000:mallory", false, NOW));
	ck_assert(!policy_revoked(p, "1900000000:mallory", false, NOW + 10));
	ck_assert_int_eq(policy_unrevoke(p, REVOKED_USER, "mallory", NOW), 0);
	ck_assert_int_eq(checked(p, POLICY_REFRESH, "1900000000:mallory", false), 0);
	policy_free(p);
}
END_TEST

START_TEST(a_shared_name_is_nobody)
{
	struct policy *p = policy_of(0, POLICY_NO_EXPIRY);

	ck_assert_int_eq(policy_revoke(p, REVOKED_CALL, CALL_A, NOW + 10, NOW), 0);
	ck_assert_int_eq(policy_revoke(p, REVOKED_USER, "app", NOW + 10, NOW), 0);
	ck_assert_int_eq(checked(p, POLICY_ALLOCATE, "1900000000:app:" CALL_A, true), 0);
	ck_assert_int_eq(checked(p, POLICY_ALLOCATE, "1900000000:app:" CALL_A, false), 403);
	ck_assert(!policy_revoked(p, "1900000000:app", true, NOW));
	policy_free(p);
}
END_TEST

START_TEST(strict_expiry_refuses_after_the_grace)
{
	struct policy *strict = policy_of(0, 60), *lax = policy_of(0, POLICY_NO_EXPIRY);
	static const struct {
		const char *name;
		int64_t end_s;
	} names[] = {
		{ "1799999941:a", NOW + 1 },
		{ "1799999940:a", NOW },
		{ "a:1799999940", NOW },
		{ "1799999940", NOW },
		{ "1799999940:a:" CALL_A, NOW },
		{ "alice", INT64_MAX },
		{ "18446744073709551615:a", INT64_MAX },
		{ "9223372036854775807:a", INT64_MAX },
		{ "99999999999999999999999:a", INT64_MAX },
		{ "", INT64_MAX },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool over = names[i].end_s <= NOW;

		ck_assert_int_eq(policy_end_s(strict, names[i].name), names[i].end_s);
		ck_assert_int_eq(policy_end_s(lax, names[i].name), INT64_MAX);
		ck_assert_int_eq(checked(strict, POLICY_REFRESH, names[i].name, false),
				 over ? 403 : 0);
		ck_assert_int_eq(checked(strict, POLICY_REFRESH, names[i].name, true),
				 over ? 403 : 0);
		ck_assert_int_eq(checked(lax, POLICY_REFRESH, names[i].name, false), 0);
	}
	policy_free(strict);
	policy_free(lax);
}
END_TEST

START_TEST(draining_refuses_new_allocations_only)
{
	struct policy *p = policy_of(0, POLICY_NO_EXPIRY);

	policy_drain(p, true);
	ck_assert(policy_draining(p));
	ck_assert_int_eq(checked(p, POLICY_ALLOCATE, "1900000000:a", false), 508);
	ck_assert_int_eq(checked(p, POLICY_ALLOCATE, "1900000000:a", true), 508);
	ck_assert_int_eq(checked(p, POLICY_REFRESH, "1900000000:a", false), 0);
	policy_drain(p, false);
	ck_assert_int_eq(checked(p, POLICY_ALLOCATE, "1900000000:a", false), 0);
	policy_free(p);
}
END_TEST

START_TEST(a_user_is_counted_over_all_calls_and_names)
{
	struct policy *p = policy_of(3, POLICY_NO_EXPIRY);
	static const char *const names[] = { "1900000000:a:" CALL_A, "1900000001:a:" CALL_B,
					     "a:1900000002", "1900000003:a" };
	struct policy_hold h[4];
	struct policy_request r;
	int i;

	for (i = 0; i < 3; i++) {
		r = request(POLICY_ALLOCATE, names[i], false);
		ck_assert_int_eq(acquired(p, &r, &h[i]), 0);
	}
	r = request(POLICY_ALLOCATE, names[3], false);
	ck_assert_int_eq(acquired(p, &r, &h[3]), 48600 + DENIAL_USER_LIMIT);
	policy_release(p, &h[1]);
	ck_assert_int_eq(acquired(p, &r, &h[3]), 0);
	/* Names of nobody count for nobody. */
	r = request(POLICY_ALLOCATE, "1900000003", false);
	for (i = 0; i < 9; i++)
		ck_assert_int_eq(acquired(p, &r, &h[3]), 0);
	policy_free(p);
}
END_TEST

START_TEST(a_call_is_counted_over_its_users)
{
	struct policy *p = policy_of(2, POLICY_NO_EXPIRY);
	struct policy_request a = request(POLICY_ALLOCATE, "1900000000:a:" CALL_A, false);
	struct policy_request b = request(POLICY_ALLOCATE, "1900000000:b:" CALL_A, false);
	struct policy_request c = request(POLICY_ALLOCATE, "1900000000:c:" CALL_A, false);
	struct policy_hold h;

	ck_assert_int_eq(acquired(p, &a, &h), 0);
	ck_assert_int_eq(acquired(p, &b, &h), 0);
	ck_assert_int_eq(acquired(p, &c, &h), 48600 + DENIAL_CALL_LIMIT);
	policy_free(p);
}
END_TEST

START_TEST(a_shared_name_is_counted_by_tag_and_client)
{
	struct policy *p = policy_of(0, POLICY_NO_EXPIRY);
	struct limit two = { 2, LIMIT_LEAVE }, five = { 5, LIMIT_LEAVE };
	struct policy_request r = request(POLICY_ALLOCATE, "1900000000:app:" CALL_A, true);
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_addr.s_addr = 7 };
	struct policy_hold h;
	uint64_t count;
	int i;

	/* Neither its user nor its call. */
	ck_assert_int_eq(policy_limit(p, LIMIT_USER, NULL, &two, &count), 0);
	ck_assert_int_eq(policy_limit(p, LIMIT_CALL, CALL_A, &two, &count), 0);
	ck_assert_int_eq(policy_limit(p, LIMIT_TAG, NULL, &five, &count), 0);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(acquired(p, &r, &h), 0);
	ck_assert_int_eq(acquired(p, &r, &h), 48600 + DENIAL_TAG_LIMIT);
	r.secret = "apk2"; /* without a tag each secret is one */
	ck_assert_int_eq(acquired(p, &r, &h), 0);
	ck_assert_int_eq(policy_limit(p, LIMIT_TAG, NULL, &(struct limit){ 0, 0 }, &count), 0);
	ck_assert_uint_eq(count, 6);
	ck_assert_int_eq(policy_limit(p, LIMIT_CLIENT, NULL, &two, &count), 0);
	ck_assert_uint_eq(count, 6);
	ck_assert_int_eq(acquired(p, &r, &h), 48600 + DENIAL_CLIENT_LIMIT);
	r.client = (struct sockaddr *)&other;
	ck_assert_int_eq(acquired(p, &r, &h), 0);
	ck_assert_int_eq(policy_limit(p, LIMIT_CLIENT, "7.0.0.0", &two, &count), -EINVAL);
	policy_free(p);
}
END_TEST

START_TEST(the_speed_of_a_call_changes_while_it_lasts)
{
	struct policy *p = policy_of(0, POLICY_NO_EXPIRY);
	struct policy_request r = request(POLICY_ALLOCATE, "1900000000:a:" CALL_A, false);
	struct limit slow = { LIMIT_LEAVE, 5000 };
	struct policy_hold h;
	uint64_t count;

	ck_assert_int_eq(acquired(p, &r, &h), 0);
	ck_assert_int_eq(policy_limit(p, LIMIT_CALL, CALL_A, &slow, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(policy_bytes_per_s(p, &h), 5000);
	policy_release(p, &h);
	ck_assert_uint_eq(policy_bytes_per_s(p, &h), 0);
	policy_free(p);
}
END_TEST

START_TEST(a_refusal_is_told_without_naming_a_shared_name)
{
	struct policy *p = policy_of(1, POLICY_NO_EXPIRY);
	struct policy_request r = request(POLICY_ALLOCATE, "1900000000:app:" CALL_A, true);
	struct policy_stats stats;
	struct policy_hold h;
	struct denial out;

	r.denials = policy_denial_source(p);
	ck_assert_int_eq(acquired(p, &r, &h), 0);
	ck_assert(!policy_take_denial(p, &out));
	ck_assert_int_ne(acquired(p, &r, &h), 0);
	ck_assert(policy_take_denial(p, &out));
	ck_assert_str_eq(denial_reason_word(out.reason), "tag-limit");
	ck_assert_str_eq(out.user, "");
	ck_assert_str_eq(out.call, "");
	ck_assert_str_eq(out.client, "192.0.2.1");
	r.shared = false;
	policy_note(p, &r, DENIAL_QUOTA);
	ck_assert(policy_take_denial(p, &out));
	ck_assert_str_eq(out.user, "app");
	ck_assert_str_eq(out.call, CALL_A);
	policy_stats(p, &stats);
	ck_assert_uint_eq(stats.denied[DENIAL_TAG_LIMIT], 1);
	ck_assert_uint_eq(stats.denied[DENIAL_QUOTA], 1);
	ck_assert_uint_eq(stats.limit_keys, 2);
	policy_free(p);
}
END_TEST

/* --- turnserver.conf.in ----------------------------------------------------------------------- */

/* What it says for a key; 0 without. */
static uint64_t shipped(const char *option)
{
	const char *srcdir = getenv("srcdir");
	char path[512], line[512];
	unsigned long v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/turnserver.conf.in", srcdir ? srcdir : ".");
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, option, strlen(option)) && line[strlen(option)] == '=')
			v = strtoul(line + strlen(option) + 1, NULL, 10);
	fclose(f);
	return v;
}

/* All phones behind one address, and each allocates anew once before the old ones end. */
START_TEST(fifty_calls_of_one_shared_name_fit_the_shipped_configuration)
{
	struct policy_config c = {
		.each[LIMIT_USER].allocations = shipped("user-quota"),
		.each[LIMIT_CALL].allocations = shipped("call-quota"),
		.each[LIMIT_TAG].allocations = shipped("tag-quota"),
		.each[LIMIT_CLIENT].allocations = shipped("client-quota"),
		.allocations_max = CELLS_MAX,
		.expiry_grace_s = POLICY_NO_EXPIRY,
	};
	const unsigned calls = 50, clients = 2, each = 2 * 6;
	struct policy_request r;
	struct policy_hold h;
	struct policy *p;
	char name[64];
	unsigned i;

	ck_assert_uint_ge(c.each[LIMIT_USER].allocations, each);
	ck_assert_uint_ge(c.each[LIMIT_CALL].allocations, clients * each);
	ck_assert_int_eq(policy_open(&p, &c, NOW), 0);
	for (i = 0; i < calls * clients * each; i++) {
		snprintf(name, sizeof(name), "1900000000:app:%022u", i / (clients * each));
		r = request(POLICY_ALLOCATE, name, true);
		ck_assert_int_eq(acquired(p, &r, &h), 0);
	}
	/* One address has a bound, and it is below the secret's. */
	for (i = 0; acquired(p, &r, &h) == 0; i++)
		ck_assert_uint_lt(i, 2000);
	ck_assert_int_eq(acquired(p, &r, &h), 48600 + DENIAL_CLIENT_LIMIT);
	policy_free(p);
}
END_TEST

/* --- strict expiry of what lives ------------------------------------------------------------- */

static uint64_t ended[4096];
static size_t ended_n;

static int end(uint64_t sid)
{
	ended[ended_n++] = sid;
	return 0;
}

static struct entry *allocated(struct registry *reg, struct cell_queue *q, struct cell_ring *ring,
			       uint64_t sid, const char *name)
{
	struct relay_allocation a = { .lifetime_s = 600 };
	struct entry *e;
	struct cell *c;

	snprintf(a.name, sizeof(a.name), "%s", name);
	ck_assert_int_eq(cell_new(&c, q, ring, NULL, sid, &a, 1), 0);
	ck_assert_int_eq(registry_add(reg, c, sid, &e), 0);
	return e;
}

static void cells_end(struct cell_queue *q, struct cell_ring *ring, struct registry *reg)
{
	struct relay_totals none = { 0 };
	struct entry *e;

	while ((e = registry_oldest(reg))) {
		struct cell *c = cell_of_entry(e);

		registry_remove(reg, e);
		cell_gone(c, ring, &none, "", 2);
	}
	registry_free(reg);
	cell_queue_free(q);
}

START_TEST(the_walk_ends_whose_credential_ran_out)
{
	struct policy *p = policy_of(0, 10);
	struct event_base *base = event_base_new();
	struct cell_ring ring = { 0 };
	struct cell_queue *q;
	struct registry *reg;
	struct expiry_walk *w;
	struct entry *e;
	char name[32];
	uint64_t sid;

	ck_assert_int_eq(cell_queue_new(&q, 5000), 0);
	ck_assert_int_eq(registry_new(&reg, 5000), 0);
	ck_assert_int_eq(expiry_walk_new(&w, base, p, reg, end), 0);
	ck_assert(!expiry_walk_step(w, NOW)); /* nobody there */
	for (sid = 1; sid <= 2 * EXPIRY_WALK_SHARE; sid++) {
		snprintf(name, sizeof(name), "%d:u", sid % 512 ? NOW : NOW - 10);
		allocated(reg, q, &ring, sid, name);
	}
	allocated(reg, q, &ring, sid, "without-expiry");
	ck_assert(expiry_walk_step(w, NOW - 1));
	ck_assert(expiry_walk_step(w, NOW - 1));
	ck_assert(!expiry_walk_step(w, NOW - 1));
	ck_assert_uint_eq(ended_n, 0);
	ck_assert(expiry_walk_step(w, NOW));
	ck_assert_uint_eq(ended_n, EXPIRY_WALK_SHARE / 512);
	ck_assert_uint_eq(ended[0], 512);
	/* The one it would go on with leaves. */
	for (e = registry_oldest(reg); cell_sid(cell_of_entry(e)) != EXPIRY_WALK_SHARE + 1;)
		e = registry_after(e);
	expiry_walk_leave(w, e);
	ck_assert(!cell_marked(cell_of_entry(registry_oldest(reg))));
	ck_assert(!expiry_walk_step(w, NOW));
	ck_assert_uint_eq(ended_n, 2 * EXPIRY_WALK_SHARE / 512);
	/* Still there at the next walk: asked again; a clock set back ends nobody. */
	while (expiry_walk_step(w, NOW - 86400))
		;
	ck_assert_uint_eq(ended_n, 2 * EXPIRY_WALK_SHARE / 512);
	while (expiry_walk_step(w, NOW))
		;
	ck_assert_uint_eq(ended_n, 4 * EXPIRY_WALK_SHARE / 512);
	expiry_walk_free(w);
	cells_end(q, &ring, reg);
	event_base_free(base);
	policy_free(p);
}
END_TEST

START_TEST(the_timer_walks)
{
	struct policy *p = policy_of(0, 0);
	struct event_base *base = event_base_new();
	struct cell_ring ring = { 0 };
	struct cell_queue *q;
	struct registry *reg;
	struct expiry_walk *w;

	ck_assert_int_eq(cell_queue_new(&q, 10), 0);
	ck_assert_int_eq(registry_new(&reg, 10), 0);
	ck_assert_int_eq(expiry_walk_new(&w, base, p, reg, end), 0);
	allocated(reg, q, &ring, 7, "1000:u");
	allocated(reg, q, &ring, 8, "99999999999:u");
	event_base_loopexit(base,
			    &(const struct timeval){ .tv_sec = EXPIRY_WALK_S, .tv_usec = 300000 });
	event_base_dispatch(base);
	ck_assert_uint_eq(ended_n, 1);
	ck_assert_uint_eq(ended[0], 7);
	expiry_walk_free(w);
	cells_end(q, &ring, reg);
	event_base_free(base);
	policy_free(p);
}
END_TEST

static void open_and_use(void)
{
	struct policy_config c = { .allocations_max = 10, .expiry_grace_s = POLICY_NO_EXPIRY };
	struct limit one = { 1, 1 };
	struct policy *p = NULL;
	uint64_t count;
	int r = policy_open(&p, &c, NOW);

	MUST(r == 0 || r == -ENOMEM);
	if (r < 0)
		return;
	policy_denial_source(p);
	r = policy_limit(p, LIMIT_USER, "alice", &one, &count);
	MUST(r == 0 || r == -ENOBUFS);
	policy_free(p);
}

START_TEST(without_memory_it_says_so)
{
	with_each_allocation_failing(open_and_use);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn-ext policy");
	TCase *limits = tcase_create("limits"), *denials = tcase_create("denials");
	TCase *policy = tcase_create("policy");

	tcase_set_timeout(limits, 60);
	tcase_add_test(limits, a_client_is_an_ipv4_address_or_a_slash_64);
	tcase_add_test(limits, each_key_is_counted_and_both_or_none);
	tcase_add_test(limits, the_same_text_of_two_kinds_is_two_keys);
	tcase_add_test(limits, without_a_limit_nobody_is_refused);
	tcase_add_test(limits, lowering_a_limit_ends_nothing_and_refuses_the_next);
	tcase_add_test(limits, the_lowest_speed_applies_at_once);
	tcase_add_test(limits, a_limit_waits_for_a_call_that_has_not_begun_and_not_for_ever);
	tcase_add_test(limits, full_tables_refuse_and_count);
	tcase_add_test(limits, limits_of_ones_own_have_a_maximum);
	tcase_add_test(limits, both_limits_at_the_default_again_are_forgotten);
	tcase_add_test(limits, counts_come_back_to_zero_under_threads);
	suite_add_tcase(s, limits);
	tcase_set_timeout(denials, 60);
	tcase_add_test(denials, the_first_refusal_is_told_at_once_and_the_rest_with_their_number);
	tcase_add_test(denials, clients_and_reasons_are_told_apart);
	tcase_add_test(denials, a_flood_of_clients_costs_a_fixed_number_of_records);
	tcase_add_test(denials, a_full_ring_drops_and_counts);
	tcase_add_test(denials, sources_have_a_maximum);
	tcase_add_test(denials, each_refusal_is_told_or_dropped_under_threads);
	suite_add_tcase(s, denials);
	tcase_add_test(policy, a_revoked_user_or_call_is_forbidden_everything);
	tcase_add_test(policy, a_shared_name_is_nobody);
	tcase_add_test(policy, strict_expiry_refuses_after_the_grace);
	tcase_add_test(policy, draining_refuses_new_allocations_only);
	tcase_add_test(policy, a_user_is_counted_over_all_calls_and_names);
	tcase_add_test(policy, a_call_is_counted_over_its_users);
	tcase_add_test(policy, a_shared_name_is_counted_by_tag_and_client);
	tcase_add_test(policy, the_speed_of_a_call_changes_while_it_lasts);
	tcase_add_test(policy, a_refusal_is_told_without_naming_a_shared_name);
	tcase_add_test(policy, without_memory_it_says_so);
	tcase_set_timeout(policy, 60);
	tcase_add_test(policy, fifty_calls_of_one_shared_name_fit_the_shipped_configuration);
	tcase_add_test(policy, the_walk_ends_whose_credential_ran_out);
	tcase_add_test(policy, the_timer_walks);
	suite_add_tcase(s, policy);
	return run_suite(s);
}
