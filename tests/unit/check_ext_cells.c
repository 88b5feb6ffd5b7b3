/* check_ext_cells.c - cells, their queue between threads, and the registry */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "reasons.h"
#include "registry.h"
#include "run_suite.h"

#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define CALL_B "BBBBBBBBBBBBBBBBBBBBBB"

static struct relay_allocation sample(const char *name)
{
	struct relay_allocation a = { .transport = "udp",
				      .relay_transport = "udp",
				      .lifetime_s = 600 };

	snprintf(a.name, sizeof(a.name), "%s", name);
	strcpy(a.id, "000000000000000001");
	strcpy(a.realm, "example.org");
	strcpy(a.secret, "k1");
	strcpy(a.client, "192.0.2.1:5000");
	strcpy(a.relayed, "192.0.2.9:40000");
	return a;
}

static struct cell *make(struct cell_queue *q, struct cell_ring *ring, uint64_t sid,
			 const char *name)
{
	struct relay_allocation a = sample(name);
	struct cell *c;

	ck_assert_int_eq(cell_new(&c, q, ring, NULL, sid, &a, 1000), 0);
	return c;
}

static void expect_note(struct cell_note **n, struct cell *c, enum cell_note_type type)
{
	ck_assert_ptr_nonnull(*n);
	ck_assert_ptr_eq(cell_of_note(*n), c);
	ck_assert_int_eq((*n)->type, type);
	*n = (*n)->next;
}

/* --- memory that runs out: --wrap in local.mk ------------------------------------------ */

static long allocations_left = -1; /* until one fails, and all after it; below 0: none fails */

static bool may_allocate(void)
{
	if (allocations_left < 0)
		return true;
	if (allocations_left == 0)
		return false;
	allocations_left--;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return may_allocate() ? __real_calloc(n, size) : NULL;
}

char *__real_strndup(const char *s, size_t n);
char *__wrap_strndup(const char *s, size_t n);
char *__wrap_strndup(const char *s, size_t n)
{
	return may_allocate() ? __real_strndup(s, n) : NULL;
}

START_TEST(notes_come_in_the_order_they_were_pushed)
{
	struct cell_ring ring = { .n = 0 };
	struct relay_totals t = { .peer_sent_bytes = 34000, .peer_sent_packets = 200 };
	struct cell_queue *q;
	struct cell *a, *b;
	struct cell_note *n;

	ck_assert_int_eq(cell_queue_new(&q, 10), 0);
	a = make(q, &ring, 1, "9:a");
	b = make(q, &ring, 2, "9:b");
	cell_gone(a, &ring, &t, "allocation timeout", 2000);
	n = cell_queue_take(q);
	expect_note(&n, a, CELL_BORN);
	expect_note(&n, b, CELL_BORN);
	expect_note(&n, a, CELL_GONE);
	ck_assert_ptr_null(n);
	ck_assert_ptr_null(cell_queue_take(q));
	ck_assert_uint_eq(ring.n, 1);
	cell_totals(a, &t);
	ck_assert_uint_eq(t.peer_sent_bytes, 34000);
	ck_assert_uint_eq(t.peer_sent_packets, 200);
	ck_assert_str_eq(cell_reason(a), "timeout");
	ck_assert_uint_eq(cell_ended_ms(a), 2000);
	cell_free(a);
	cell_gone(b, &ring, &t, "", 0);
	cell_queue_take(q);
	cell_free(b);
	cell_queue_free(q);
}
END_TEST

START_TEST(a_cell_tells_all_it_was_told)
{
	struct relay_allocation in = sample("1700000000:alice:" CALL_A), out;
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q;
	struct cell *c;

	strcpy(in.relayed6, "[2001:db8::1]:40001");
	in.shared = true;
	ck_assert_int_eq(cell_queue_new(&q, 1), 0);
	ck_assert_int_eq(cell_new(&c, q, &ring, NULL, 7, &in, 1000), 0);
	memset(&out, 0xee, sizeof(out));
	cell_describe(c, 3500, &out);
	ck_assert_str_eq(out.id, "000000000000000007");
	ck_assert_str_eq(out.name, in.name);
	ck_assert_str_eq(out.realm, in.realm);
	ck_assert_str_eq(out.secret, in.secret);
	ck_assert_str_eq(out.transport, "udp");
	ck_assert_str_eq(out.relay_transport, "udp");
	ck_assert_str_eq(out.client, in.client);
	ck_assert_str_eq(out.relayed, in.relayed);
	ck_assert_str_eq(out.relayed6, in.relayed6);
	ck_assert(out.shared);
	ck_assert_uint_eq(out.lifetime_s, 600);
	ck_assert_uint_eq(out.age_ms, 2500);
	cell_set_lifetime(c, 42);
	cell_describe(c, 0, &out);
	ck_assert_uint_eq(out.lifetime_s, 42);
	ck_assert_uint_eq(out.age_ms, 0);
	cell_gone(c, &ring, &(struct relay_totals){ 0 }, "", 0);
	cell_queue_take(q);
	cell_free(c);
	cell_queue_free(q);
}
END_TEST

START_TEST(the_longest_name_fits)
{
	struct relay_allocation in = sample(""), out;
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q;
	struct cell *c;
	char reason[200];

	memset(in.name, 'n', sizeof(in.name) - 1);
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	ck_assert_int_eq(cell_queue_new(&q, 1), 0);
	ck_assert_int_eq(cell_new(&c, q, &ring, NULL, 7, &in, 0), 0);
	cell_describe(c, 0, &out);
	ck_assert_str_eq(out.name, in.name);
	cell_gone(c, &ring, &(struct relay_totals){ 0 }, reason, 0);
	ck_assert_uint_eq(strlen(cell_reason(c)), RELAY_REASON_MAX);
	cell_queue_take(q);
	cell_free(c);
	cell_queue_free(q);
}
END_TEST

START_TEST(a_full_queue_refuses_cells_and_counts_them)
{
	struct relay_allocation a = sample("9:a");
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q;
	struct cell *c[2], *extra;

	ck_assert_int_eq(cell_queue_new(&q, 2), 0);
	c[0] = make(q, &ring, 1, "9:a");
	c[1] = make(q, &ring, 2, "9:a");
	ck_assert_int_eq(cell_new(&extra, q, &ring, NULL, 3, &a, 0), -ENOBUFS);
	ck_assert_uint_eq(cell_queue_refused(q), 1);
	cell_gone(c[0], &ring, &(struct relay_totals){ 0 }, "", 0);
	cell_queue_take(q);
	cell_free(c[0]);
	ck_assert_int_eq(cell_new(&extra, q, &ring, NULL, 3, &a, 0), 0);
	cell_gone(c[1], &ring, &(struct relay_totals){ 0 }, "", 0);
	cell_gone(extra, &ring, &(struct relay_totals){ 0 }, "", 0);
	cell_queue_take(q);
	cell_free(c[1]);
	cell_free(extra);
	cell_queue_free(q);
}
END_TEST

START_TEST(a_resumed_client_moves_once)
{
	struct cell_ring ring = { .n = 0 };
	struct relay_allocation out;
	struct cell_queue *q;
	struct cell_note *n;
	struct cell *c;

	ck_assert_int_eq(cell_queue_new(&q, 1), 0);
	c = make(q, &ring, 1, "9:a");
	cell_set_client(c, "192.0.2.1:5000"); /* where it was */
	cell_set_client(c, "198.51.100.7:1");
	cell_set_client(c, "198.51.100.7:1");
	n = cell_queue_take(q);
	expect_note(&n, c, CELL_BORN);
	ck_assert_int_eq(n->type, CELL_MOVED);
	ck_assert_ptr_null(n->next);
	cell_apply_move(n);
	cell_note_free(n);
	cell_describe(c, 0, &out);
	ck_assert_str_eq(out.client, "198.51.100.7:1");
	cell_set_client(c, "192.0.2.1:5000");
	cell_gone(c, &ring, &(struct relay_totals){ 0 }, "", 0);
	cell_queue_free(q); /* and what is left in it */
}
END_TEST

START_TEST(moves_nobody_looks_at_are_bounded_and_the_last_one_is_caught_up)
{
	struct cell_ring ring = { .n = 0 };
	struct relay_allocation out;
	struct cell_note *n, *next;
	struct cell_queue *q;
	struct cell *c;

	ck_assert_int_eq(cell_queue_new(&q, 2), 0);
	c = make(q, &ring, 1, "9:a");
	cell_set_client(c, "198.51.100.7:1");
	cell_set_client(c, "198.51.100.7:2");
	cell_set_client(c, "198.51.100.7:3");
	ck_assert_uint_eq(cell_queue_refused(q), 1);
	n = cell_queue_take(q);
	expect_note(&n, c, CELL_BORN);
	for (; n; n = next) {
		next = n->next;
		cell_apply_move(n);
		cell_note_free(n);
	}
	cell_set_client(c, "198.51.100.7:3"); /* the next refresh */
	n = cell_queue_take(q);
	ck_assert_ptr_nonnull(n);
	cell_apply_move(n);
	cell_note_free(n);
	cell_describe(c, 0, &out);
	ck_assert_str_eq(out.client, "198.51.100.7:3");
	cell_gone(c, &ring, &(struct relay_totals){ 0 }, "", 0);
	cell_queue_free(q);
}
END_TEST

START_TEST(totals_stop_at_2_to_the_53rd)
{
	struct cell_ring ring = { .n = 0 };
	struct relay_totals t = { .peer_received_bytes = UINT64_MAX, .peer_sent_bytes = 5 };
	struct cell_queue *q;
	struct cell *c;

	ck_assert_int_eq(cell_queue_new(&q, 1), 0);
	c = make(q, &ring, 1, "9:a");
	cell_publish(c, &t);
	cell_totals(c, &t);
	ck_assert_uint_eq(t.peer_received_bytes, RELAY_TOTAL_MAX);
	ck_assert_uint_eq(t.peer_sent_bytes, 5);
	ck_assert(t.saturated);
	cell_gone(c, &ring, &t, "", 0);
	cell_queue_take(q);
	cell_free(c);
	cell_queue_free(q);
}
END_TEST

START_TEST(another_overhead_changes_nothing_that_was_counted)
{
	struct relay_totals t = { .peer_sent_packets = 10,
				  .peer_sent_bytes = 1000,
				  .client_received_packets = 10,
				  .client_received_bytes = 1400,
				  .dropped_packets = 1,
				  .dropped_bytes = 50,
				  .wire_bytes = 3333 };
	struct cell_ring ring = { .n = 0 };
	struct relay_totals out;
	struct cell_queue *q;
	struct cell *c;

	ck_assert_int_eq(cell_queue_new(&q, 1), 0);
	c = make(q, &ring, 1, "9:a");
	cell_set_overhead(c, 42, 62);
	cell_publish(c, &t);
	cell_totals(c, &out);
	ck_assert_uint_eq(out.wire_bytes, 3333);
	cell_set_overhead(c, 54, 42);
	cell_totals(c, &out);
	ck_assert_uint_eq(out.wire_bytes, 3333);
	ck_assert_uint_eq(out.dropped_bytes, 50);
	cell_gone(c, &ring, &t, "", 0);
	cell_queue_free(q);
}
END_TEST

/* --- the tick ------------------------------------------------------------------------ */

struct session {
	unsigned reads;
	unsigned second; /* of the last one */
	unsigned gap;	 /* the longest without */
};
static unsigned second;

static void count_reads(const void *session, struct relay_totals *out)
{
	struct session *s = (struct session *)(uintptr_t)session;

	memset(out, 0, sizeof(*out));
	if (second - s->second > s->gap)
		s->gap = second - s->second;
	s->second = second;
	s->reads++;
}

static const struct cell_reader counting = { count_reads, 0, sizeof(struct session) };

START_TEST(every_cell_is_read_once_in_an_interval)
{
	enum { N = 1000, INTERVAL_S = 3 };
	static struct session sessions[N];
	struct relay_allocation a = sample("9:a");
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q;
	struct cell *c[N];
	size_t i;

	memset(sessions, 0, sizeof(sessions));
	ck_assert_int_eq(cell_queue_new(&q, N), 0);
	for (i = 0; i < N; i++)
		ck_assert_int_eq(cell_new(&c[i], q, &ring, &sessions[i], i, &a, 0), 0);
	for (second = 1; second <= INTERVAL_S; second++) {
		cell_ring_second(&ring, INTERVAL_S);
		ck_assert_uint_eq(ring.due, N / INTERVAL_S + 1);
		ck_assert_uint_eq(cell_ring_tick(&ring, 300, &counting), N / INTERVAL_S + 1 - 300);
		ck_assert_uint_eq(cell_ring_tick(&ring, 300, &counting), 0);
		ck_assert_uint_eq(cell_ring_tick(&ring, 300, &counting), 0);
	}
	for (i = 0; i < N; i++)
		ck_assert_uint_ge(sessions[i].reads, 1);
	for (i = 0; i < N; i++)
		cell_gone(c[i], &ring, &(struct relay_totals){ 0 }, "", 0);
	cell_ring_second(&ring, INTERVAL_S);
	ck_assert_uint_eq(cell_ring_tick(&ring, 300, &counting), 0);
	cell_queue_free(q);
}
END_TEST

START_TEST(no_cell_waits_longer_while_others_come_and_go)
{
	enum { N = 3000, INTERVAL_S = 4, SECONDS = 200 };
	static struct session sessions[N];
	struct relay_allocation a = sample("9:a");
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q;
	struct cell *c[N] = { NULL };
	unsigned random = 1;
	size_t i;

	memset(sessions, 0, sizeof(sessions));
	ck_assert_int_eq(cell_queue_new(&q, 300 * SECONDS), 0); /* nobody takes the ends */
	for (second = 1; second <= SECONDS; second++) {
		for (i = 0; i < 300; i++) {
			size_t which = (random = random * 1103515245 + 12345) / 65536 % N;

			if (c[which]) {
				cell_gone(c[which], &ring, &(struct relay_totals){ 0 }, "", 0);
				c[which] = NULL;
				continue;
			}
			sessions[which].second = second;
			ck_assert_int_eq(
				cell_new(&c[which], q, &ring, &sessions[which], which, &a, 0), 0);
		}
		cell_ring_second(&ring, INTERVAL_S);
		while (cell_ring_tick(&ring, 100, &counting))
			;
		for (i = 0; i < N; i++)
			ck_assert(!c[i] || second - sessions[i].second <= INTERVAL_S);
	}
	for (i = 0; i < N; i++) {
		ck_assert_uint_le(sessions[i].gap, INTERVAL_S);
		if (c[i])
			cell_gone(c[i], &ring, &(struct relay_totals){ 0 }, "", 0);
	}
	cell_queue_free(q);
}
END_TEST

enum { THREADS = 3, CELLS_EACH = 20000 };

static void *relay_thread(void *arg)
{
	struct relay_allocation a = sample("9:a");
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q = arg;
	int i;

	for (i = 0; i < CELLS_EACH; i++) {
		struct relay_totals t = { .peer_sent_bytes = 7 };
		struct cell *c;

		while (cell_new(&c, q, &ring, NULL, 1, &a, 0) < 0)
			sched_yield();
		cell_publish(c, &t);
		t.peer_sent_bytes = 11;
		cell_gone(c, &ring, &t, "allocation timeout", 0);
	}
	return NULL;
}

START_TEST(nothing_is_lost_between_threads)
{
	pthread_t threads[THREADS];
	unsigned born = 0, gone = 0;
	struct cell_queue *q;
	struct relay_totals t;
	int i;

	ck_assert_int_eq(cell_queue_new(&q, 64), 0);
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, relay_thread, q), 0);
	while (gone < THREADS * CELLS_EACH) {
		struct cell_note *n = cell_queue_take(q), *next;

		if (!n)
			sched_yield();
		for (; n; n = next) {
			next = n->next;
			if (n->type == CELL_BORN) {
				born++;
				continue;
			}
			gone++;
			cell_totals(cell_of_note(n), &t);
			ck_assert_uint_eq(t.peer_sent_bytes, 11);
			cell_free(cell_of_note(n));
		}
	}
	ck_assert_uint_eq(born, gone);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cell_queue_free(q);
}
END_TEST

/* --- registry ---------------------------------------------------------------------- */

struct world {
	struct cell_queue *q;
	struct cell_ring ring;
	struct registry *r;
	struct cell *cells[8];
	struct entry *entries[8];
	size_t n;
};

static void world_open(struct world *w, size_t max)
{
	memset(w, 0, sizeof(*w));
	ck_assert_int_eq(cell_queue_new(&w->q, 100), 0);
	ck_assert_int_eq(registry_new(&w->r, max), 0);
}

static int world_add(struct world *w, uint64_t sid, const char *name, bool shared)
{
	struct relay_allocation a = sample(name);
	int r;

	a.shared = shared;
	ck_assert_int_eq(cell_new(&w->cells[w->n], w->q, &w->ring, NULL, sid, &a, 0), 0);
	r = registry_add(w->r, w->cells[w->n], w->n + 1, &w->entries[w->n]);
	w->n++;
	return r;
}

static void world_close(struct world *w)
{
	size_t i;

	registry_free(w->r);
	for (i = 0; i < w->n; i++)
		cell_gone(w->cells[i], &w->ring, &(struct relay_totals){ 0 }, "", 0);
	cell_queue_take(w->q);
	for (i = 0; i < w->n; i++)
		cell_free(w->cells[i]);
	cell_queue_free(w->q);
}

static size_t matches(struct world *w, const char *alloc, const char *call, const char *user)
{
	struct relay_command c = { .type = RELAY_KILL };
	struct entry *e;
	size_t n = 0;

	snprintf(c.alloc, sizeof(c.alloc), "%s", alloc);
	snprintf(c.call, sizeof(c.call), "%s", call);
	snprintf(c.user, sizeof(c.user), "%s", user);
	for (e = registry_match(w->r, &c, NULL); e; e = registry_match(w->r, &c, e))
		n++;
	return n;
}

START_TEST(allocations_are_found_by_id_call_and_user)
{
	struct world w;

	world_open(&w, 10);
	ck_assert_int_eq(world_add(&w, 1, "9:alice:" CALL_A, false), 0);
	ck_assert_int_eq(world_add(&w, 2, "9:bob:" CALL_A, false), 0);
	ck_assert_int_eq(world_add(&w, 3, "9:alice:" CALL_B, false), 0);
	ck_assert_int_eq(world_add(&w, 4, "9:alice", false), 0);
	ck_assert_uint_eq(matches(&w, "", "", ""), 4);
	ck_assert_uint_eq(matches(&w, "", CALL_A, ""), 2);
	ck_assert_uint_eq(matches(&w, "", "", "alice"), 3);
	ck_assert_uint_eq(matches(&w, "", CALL_A, "alice"), 1);
	ck_assert_uint_eq(matches(&w, "000000000000000003", "", ""), 1);
	ck_assert_uint_eq(matches(&w, "3", "", ""), 1);
	ck_assert_uint_eq(matches(&w, "000000000000000003", CALL_A, ""), 0);
	ck_assert_uint_eq(matches(&w, "3x", "", ""), 0);
	ck_assert_uint_eq(matches(&w, "", "", "carol"), 0);
	registry_remove(w.r, w.entries[0]);
	ck_assert_uint_eq(matches(&w, "", CALL_A, ""), 1);
	ck_assert_uint_eq(matches(&w, "", "", "alice"), 2);
	ck_assert_uint_eq(registry_count(w.r), 3);
	world_close(&w);
}
END_TEST

/* The first of a call stands for it in the index. */
START_TEST(those_left_of_a_call_are_found_whoever_goes)
{
	static const size_t leaving[][4] = {
		{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 }
	};
	size_t k, i;

	for (k = 0; k < sizeof(leaving) / sizeof(leaving[0]); k++) {
		struct world w;

		world_open(&w, 10);
		for (i = 0; i < 4; i++)
			ck_assert_int_eq(world_add(&w, i + 1, "9:alice:" CALL_A, false), 0);
		for (i = 0; i < 4; i++) {
			registry_remove(w.r, w.entries[leaving[k][i]]);
			ck_assert_uint_eq(matches(&w, "", CALL_A, ""), 3 - i);
			ck_assert_uint_eq(matches(&w, "", "", "alice"), 3 - i);
		}
		world_close(&w);
	}
}
END_TEST

START_TEST(a_shared_name_is_nobody)
{
	struct world w;

	world_open(&w, 10);
	ck_assert_int_eq(world_add(&w, 1, "9:android_user:" CALL_A, true), 0);
	ck_assert_int_eq(world_add(&w, 2, "9:android_user", true), 0);
	ck_assert_uint_eq(matches(&w, "", "", "android_user"), 0);
	ck_assert_uint_eq(matches(&w, "", CALL_A, ""), 0);
	ck_assert_uint_eq(matches(&w, "1", "", ""), 1);
	world_close(&w);
}
END_TEST

START_TEST(a_full_registry_refuses_and_counts)
{
	struct world w;

	world_open(&w, 2);
	ck_assert_int_eq(world_add(&w, 1, "9:a", false), 0);
	ck_assert_int_eq(world_add(&w, 1, "9:a", false), -EEXIST);
	ck_assert_int_eq(world_add(&w, 2, "9:a", false), 0);
	ck_assert_int_eq(world_add(&w, 3, "9:a", false), -ENOBUFS);
	ck_assert_uint_eq(registry_refused(w.r), 1);
	ck_assert_uint_eq(registry_count(w.r), 2);
	world_close(&w);
}
END_TEST

/* One allocation's life with everything in it. Returns whether nothing was missing. */
static bool live_and_die(void)
{
	struct relay_allocation a = sample("9:alice:" CALL_A);
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q = NULL;
	struct registry *r = NULL;
	struct entry *e = NULL;
	struct cell *c;
	bool whole = false;

	if (cell_queue_new(&q, 4) < 0 || registry_new(&r, 4) < 0)
		goto out;
	if (cell_new(&c, q, &ring, NULL, 1, &a, 0) < 0)
		goto out;
	cell_set_client(c, "198.51.100.7:1");
	whole = registry_add(r, c, 1, &e) == 0 && !cell_queue_refused(q);
	allocations_left = -1; /* the rest needs none, but a failing test does */
	if (!e) {
		struct relay_command all = { .type = RELAY_LIST };

		ck_assert_uint_eq(registry_count(r), 0);
		ck_assert_ptr_null(registry_match(r, &all, NULL));
	}
	cell_gone(c, &ring, &(struct relay_totals){ 0 }, "", 0);
out:
	registry_free(r);
	cell_queue_free(q);
	return whole;
}

START_TEST(memory_that_runs_out_refuses_and_leaks_nothing)
{
	long n;

	for (n = 0; n < 100; n++) {
		bool whole;

		allocations_left = n;
		whole = live_and_die();
		allocations_left = -1;
		if (whole)
			break;
	}
	ck_assert_int_gt(n, 5);
	ck_assert_int_lt(n, 100);
}
END_TEST

START_TEST(reasons_are_short_words)
{
	static const struct {
		const char *coturn, *mark, *word;
	} table[] = {
		{ "allocation timeout", NULL, "timeout" },
		{ "allocation timeout", "kill: call ended", "timeout" },
		{ "Forceful shutdown", NULL, "cancelled" },
		{ "Forceful shutdown", "kill", "kill" },
		{ "Forceful shutdown", "kill: call ended", "kill: call ended" },
		{ "Forceful shutdown", "server-stop", "server-stop" },
		{ "Forceful shutdown", "revoked", "revoked" },
		{ "Forceful shutdown", "revoked: left", "revoked: left" },
		{ "TCP connection closed by client (callback)", NULL, "closed" },
		{ "TLS/TCP socket buffer operation error (callback)", NULL, "error" },
		{ "allocation watchdog determined stale session state", NULL, "stale" },
		{ "something new", NULL, "something new" },
		{ "something new", "kill: call ended", "something new" },
	};
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q;
	struct cell *c;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ck_assert_int_eq(cell_queue_new(&q, 1), 0);
		c = make(q, &ring, 1, "9:a");
		ck_assert(!cell_marked(c));
		if (table[i].mark) {
			cell_mark(c, table[i].mark);
			cell_mark(c, "expired"); /* the first one stays */
			ck_assert(cell_marked(c));
		}
		cell_gone(c, &ring, &(struct relay_totals){ 0 }, table[i].coturn, 0);
		ck_assert_str_eq(cell_reason(c), table[i].word);
		cell_queue_free(q);
	}
}
END_TEST

START_TEST(a_reason_is_known_by_its_first_word)
{
	ck_assert_int_eq(reason_begins("revoked: left"), REASON_REVOKED);
	ck_assert_int_eq(reason_begins("revoked"), REASON_REVOKED);
	ck_assert_int_eq(reason_begins("kill: revoked"), REASON_KILL);
	ck_assert_int_eq(reason_begins("killed"), REASON_OTHER);
	ck_assert_int_eq(reason_begins(""), REASON_OTHER);
	ck_assert_int_eq(reason_find("revoked: left"), REASON_OTHER);
}
END_TEST

START_TEST(a_mark_can_be_read_before_the_end)
{
	struct cell_ring ring = { .n = 0 };
	char mark[RELAY_REASON_MAX + 1] = "?";
	struct cell_queue *q;
	struct cell *c;

	ck_assert_int_eq(cell_queue_new(&q, 1), 0);
	c = make(q, &ring, 1, "9:a");
	cell_copy_mark(c, mark);
	ck_assert_str_eq(mark, "");
	cell_mark(c, "kill: call ended");
	cell_copy_mark(c, mark);
	ck_assert_str_eq(mark, "kill: call ended");
	cell_gone(c, &ring, &(struct relay_totals){ 0 }, "Forceful shutdown", 0);
	ck_assert_str_eq(cell_reason(c), "kill: call ended");
	cell_queue_free(q);
}
END_TEST

START_TEST(a_mark_without_memory_is_a_shorter_one)
{
	struct cell_ring ring = { .n = 0 };
	struct cell_queue *q;
	struct cell *c;

	ck_assert_int_eq(cell_queue_new(&q, 1), 0);
	c = make(q, &ring, 1, "9:a");
	allocations_left = 0;
	cell_mark(c, "kill: call ended");
	allocations_left = -1;
	cell_gone(c, &ring, &(struct relay_totals){ 0 }, "Forceful shutdown", 0);
	ck_assert_str_eq(cell_reason(c), "kill");
	cell_queue_free(q);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn-ext cells and registry");
	TCase *cells = tcase_create("cells"), *registry = tcase_create("registry");

	tcase_set_timeout(cells, 60);
	tcase_add_test(cells, notes_come_in_the_order_they_were_pushed);
	tcase_add_test(cells, a_cell_tells_all_it_was_told);
	tcase_add_test(cells, the_longest_name_fits);
	tcase_add_test(cells, a_full_queue_refuses_cells_and_counts_them);
	tcase_add_test(cells, a_resumed_client_moves_once);
	tcase_add_test(cells, moves_nobody_looks_at_are_bounded_and_the_last_one_is_caught_up);
	tcase_add_test(cells, totals_stop_at_2_to_the_53rd);
	tcase_add_test(cells, another_overhead_changes_nothing_that_was_counted);
	tcase_add_test(cells, every_cell_is_read_once_in_an_interval);
	tcase_add_test(cells, no_cell_waits_longer_while_others_come_and_go);
	tcase_add_test(cells, nothing_is_lost_between_threads);
	tcase_add_test(cells, reasons_are_short_words);
	tcase_add_test(cells, a_reason_is_known_by_its_first_word);
	tcase_add_test(cells, a_mark_can_be_read_before_the_end);
	tcase_add_test(cells, a_mark_without_memory_is_a_shorter_one);
	suite_add_tcase(s, cells);
	tcase_add_test(registry, allocations_are_found_by_id_call_and_user);
	tcase_add_test(registry, a_shared_name_is_nobody);
	tcase_add_test(registry, those_left_of_a_call_are_found_whoever_goes);
	tcase_add_test(registry, a_full_registry_refuses_and_counts);
	tcase_add_test(registry, memory_that_runs_out_refuses_and_leaks_nothing);
	suite_add_tcase(s, registry);
	return run_suite(s);
}
