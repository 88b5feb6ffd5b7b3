/* check_ext_live.c - the mapping: its memory, and what a successor reads after a kill */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cells.h"
#include "live.h"
#include "live_recover.h"
#include "live_text.h"
#include "run_suite.h"

#define EPOCH "00000000000000a1"
#define NOW_WALL_MS 1800000000000u

/* As coturn's: counters that are folded into totals now and then. */
struct session {
	char before[100];
	struct {
		uint32_t packets, bytes;
	} run[4];
	char between[40];
	struct {
		uint64_t packets, bytes;
	} folded[4];
	uint64_t dropped_packets, dropped_bytes, wire_rest;
	char behind[5000];
};

#define PLACE(field)                                                                               \
	{                                                                                          \
		offsetof(struct session, field), sizeof(((struct session *)0)->field)              \
	}
#define PAIR(i)                                                                                    \
	{ PLACE(run[i].packets), PLACE(folded[i].packets) },                                       \
	{                                                                                          \
		PLACE(run[i].bytes), PLACE(folded[i].bytes)                                        \
	}
static const struct live_layout layout = {
	.session_bytes = sizeof(struct session),
	.totals = { PAIR(0),
		    PAIR(1),
		    PAIR(2),
		    PAIR(3),
		    { .running = PLACE(dropped_packets) },
		    { .running = PLACE(dropped_bytes) },
		    { .running = PLACE(wire_rest) } },
};
enum { CLIENT_OVERHEAD = 42, PEER_OVERHEAD = 62 };

static void read_totals(const void *session, struct relay_totals *out)
{
	const struct session *s = session;
	uint64_t t[LIVE_TOTALS];
	size_t i;

	for (i = 0; i < 4; i++) {
		t[2 * i] = s->run[i].packets + s->folded[i].packets;
		t[2 * i + 1] = s->run[i].bytes + s->folded[i].bytes;
	}
	t[8] = s->dropped_packets;
	t[9] = s->dropped_bytes;
	t[LIVE_WIRE] = s->wire_rest + live_wire(t, CLIENT_OVERHEAD, PEER_OVERHEAD);
	for (i = 0; i < LIVE_TOTALS; i++)
		memcpy((char *)out + live_totals_at[i], &t[i], sizeof(t[i]));
	out->saturated = false;
}

static const struct cell_reader reader = { read_totals, 0, sizeof(struct session) };

/* --- a place on tmpfs ------------------------------------------------------------------- */

static char folder[64], path[96];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/dev/shm/check_ext_live.XXXXXX");
	if (!mkdtemp(folder)) {
		snprintf(folder, sizeof(folder), "/tmp/check_ext_live.XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(folder));
	}
	snprintf(path, sizeof(path), "%s/admin.live", folder);
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static struct live *open_with(const struct live_limits *limits)
{
	struct live *l;
	char err[256] = "";
	int r = live_open(&l, path, &layout, EPOCH, limits, err, sizeof(err));

	ck_assert_msg(r == 0, "%d: %s", r, err);
	live_set_now(l, 5000, NOW_WALL_MS);
	return l;
}

static struct relay_allocation sample(unsigned i)
{
	struct relay_allocation a = { .transport = "udp",
				      .relay_transport = "udp",
				      .lifetime_s = 600 };

	snprintf(a.name, sizeof(a.name), "1800000000:user%u:%022u", i, i);
	strcpy(a.realm, "example.org");
	strcpy(a.secret, "k1");
	snprintf(a.client, sizeof(a.client), "192.0.2.1:%u", i + 1);
	snprintf(a.relayed, sizeof(a.relayed), "192.0.2.9:%u", i + 1);
	return a;
}

/* --- who an allocation is ------------------------------------------------------------------- */

static struct relay_allocation of_both_families(void)
{
	return (struct relay_allocation){
		.name = "1800000000:alice:AAAAAAAAAAAAAAAAAAAAAA",
		.realm = "example.org",
		.secret = "k1",
		.transport = "dtls",
		.relay_transport = "udp",
		.client = "[2001:db8::ffff:1]:65535",
		.relayed = "192.0.2.9:1",
		.relayed6 = "2001:db8::9",
	};
}

START_TEST(who_it_is_is_read_as_it_was_written)
{
	const struct relay_allocation in = of_both_families();
	struct relay_allocation out = { .relayed = "what was there" };
	size_t n = live_text_bytes(&in);
	char *text = malloc(n);

	live_text_write(text, &in);
	ck_assert_int_eq(live_text_read(text, n, &out), 0);
	ck_assert_str_eq(out.name, in.name);
	ck_assert_str_eq(out.realm, in.realm);
	ck_assert_str_eq(out.secret, in.secret);
	ck_assert_str_eq(out.transport, in.transport);
	ck_assert_str_eq(out.relay_transport, in.relay_transport);
	ck_assert_str_eq(out.client, in.client);
	ck_assert_str_eq(out.relayed, in.relayed);
	ck_assert_str_eq(out.relayed6, in.relayed6);
	live_text_set_client(text, n, "198.51.100.7:50000");
	ck_assert_int_eq(live_text_read(text, n, &out), 0);
	ck_assert_str_eq(out.client, "198.51.100.7:50000");
	ck_assert_str_eq(out.relayed6, in.relayed6);
	free(text);
}
END_TEST

START_TEST(what_is_no_address_is_none)
{
	static const char *const texts[] = {
		"", "192.0.2.1:65536", "192.0.2:1", "[::1:5", "[192.0.2.1]:5", "[]:1", "x", "]:1"
	};
	struct relay_allocation in = of_both_families(), out;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[256];

		strcpy(in.relayed, texts[i]);
		live_text_write(text, &in);
		ck_assert_int_eq(live_text_read(text, live_text_bytes(&in), &out), 0);
		ck_assert_str_eq(out.relayed, "");
		ck_assert_str_eq(out.client, in.client);
	}
}
END_TEST

START_TEST(a_cut_or_damaged_text_is_refused_or_read_within_its_bounds)
{
	const struct relay_allocation in = of_both_families();
	size_t n = live_text_bytes(&in), i;
	struct relay_allocation out;
	char whole[256];
	unsigned v;

	live_text_write(whole, &in);
	for (i = 0; i < n; i++) {
		char *cut = malloc(i ? i : 1);

		memcpy(cut, whole, i);
		ck_assert_int_eq(live_text_read(cut, i, &out), -EBADMSG);
		free(cut);
		for (v = 0; v < 256; v++) {
			char *damaged = malloc(n);

			memcpy(damaged, whole, n);
			damaged[i] = (char)v;
			live_text_read(damaged, n, &out);
			free(damaged);
		}
	}
}
END_TEST

/* --- recovering --------------------------------------------------------------------------- */

enum { RECORDS_MAX = 64 };

struct recovered {
	long n; /* or the error */
	char err[256];
	struct live_record r[RECORDS_MAX];
	char epoch[RECORDS_MAX][LIVE_EPOCH_MAX + 1], reason[RECORDS_MAX][32];
	size_t told;
};

static int on_record(void *arg, const struct live_record *r)
{
	struct recovered *got = arg;
	struct live_record *to = &got->r[got->told];

	ck_assert_uint_lt(got->told, RECORDS_MAX);
	ck_assert(got->told == 0 || r->seq > to[-1].seq);
	*to = *r;
	strcpy(got->epoch[got->told], r->epoch);
	strcpy(got->reason[got->told], r->reason);
	got->told++;
	return 0;
}

static void recover(struct recovered *got)
{
	memset(got, 0, sizeof(*got));
	got->n = live_recover(path, NOW_WALL_MS + 1000, on_record, got, got->err, sizeof(got->err));
	ck_assert(got->n < 0 || (size_t)got->n == got->told);
}

static void expect_totals(const struct relay_totals *a, const struct relay_totals *b)
{
	size_t i;

	for (i = 0; i < LIVE_TOTALS; i++) {
		uint64_t x, y;

		memcpy(&x, (const char *)a + live_totals_at[i], sizeof(x));
		memcpy(&y, (const char *)b + live_totals_at[i], sizeof(y));
		ck_assert_msg(x == y, "total %zu: %llu, not %llu", i, (unsigned long long)x,
			      (unsigned long long)y);
	}
}

/* --- memory ------------------------------------------------------------------------------- */

START_TEST(a_slot_is_zeroed_and_used_again)
{
	struct live *l = open_with(NULL);
	struct session *s = live_session_new(l, sizeof(*s)), *again;
	struct live_stats st;

	memset(s, 0xee, sizeof(*s));
	live_session_free(l, s);
	again = live_session_new(l, sizeof(*s));
	ck_assert_ptr_eq(again, s);
	ck_assert_uint_eq(again->run[0].packets, 0);
	ck_assert_int_eq(again->behind[sizeof(again->behind) - 1], 0);
	live_stats(l, &st);
	ck_assert_uint_eq(st.heap_sessions, 0);
	ck_assert_uint_gt(st.bytes, 8 * sizeof(*s));
	live_session_free(l, again);
	live_session_free(l, NULL);
	live_free(l);
}
END_TEST

START_TEST(another_size_and_no_mapping_are_the_heap)
{
	struct live *l = open_with(NULL);
	char *odd = live_session_new(l, 100), *plain = live_session_new(NULL, 100);
	void *cell = live_cell_new(NULL, 100);

	ck_assert_int_eq(odd[99], 0);
	ck_assert_int_eq(plain[99], 0);
	live_session_free(l, odd);
	live_session_free(NULL, plain);
	live_cell_free(NULL, cell);
	live_cell_free(l, NULL);
	live_free(l);
}
END_TEST

START_TEST(no_two_sessions_share_a_slot)
{
	enum { N = 700, ROUNDS = 20000 };
	struct live *l = open_with(NULL);
	static struct session *s[N];
	unsigned random = 1;
	size_t i;

	memset(s, 0, sizeof(s));
	for (i = 0; i < ROUNDS; i++) {
		size_t at = (random = random * 1103515245 + 12345) / 65536 % N;

		if (s[at]) {
			ck_assert_uint_eq(s[at]->folded[3].bytes, at + 1);
			live_session_free(l, s[at]);
			s[at] = NULL;
			continue;
		}
		s[at] = live_session_new(l, sizeof(**s));
		ck_assert_uint_eq(s[at]->folded[3].bytes, 0);
		s[at]->folded[3].bytes = at + 1;
	}
	for (i = 0; i < N; i++)
		live_session_free(l, s[i]);
	live_free(l);
}
END_TEST

START_TEST(memory_goes_back_after_a_flood)
{
	enum { N = 4000 };
	struct live *l = open_with(NULL);
	static void *s[N];
	struct live_stats flood, after, again;
	size_t i;

	for (i = 0; i < N; i++)
		s[i] = live_session_new(l, sizeof(struct session));
	live_stats(l, &flood);
	ck_assert_uint_ge(flood.bytes, N * sizeof(struct session));
	for (i = 0; i < N; i++)
		live_session_free(l, s[i]);
	live_stats(l, &after);
	ck_assert_uint_lt(after.bytes, flood.bytes / 10);
	for (i = 0; i < N; i++) {
		s[i] = live_session_new(l, sizeof(struct session));
		ck_assert_int_eq(((struct session *)s[i])->behind[4999], 0);
	}
	live_stats(l, &again);
	ck_assert_uint_le(again.bytes, flood.bytes + (64u << 10));
	ck_assert_uint_eq(again.heap_sessions, 0);
	for (i = 0; i < N; i++)
		live_session_free(l, s[i]);
	live_free(l);
}
END_TEST

START_TEST(a_full_mapping_goes_on_on_the_heap_and_counts)
{
	enum { N = LIVE_CHUNK_SLOTS + 3 }; /* a chunk has no more */
	struct live *l = open_with(&(const struct live_limits){ .sessions = 1, .cell_blocks = 1 });
	void *s[N], *cells[200];
	struct live_stats st;
	size_t i;

	for (i = 0; i < N; i++)
		ck_assert_ptr_nonnull(s[i] = live_session_new(l, sizeof(struct session)));
	for (i = 0; i < 200; i++)
		ck_assert_ptr_nonnull(cells[i] = live_cell_new(l, 512));
	live_stats(l, &st);
	ck_assert_uint_ge(st.heap_sessions, 3);
	ck_assert_uint_lt(st.heap_sessions, N);
	ck_assert_uint_eq(st.heap_cells, 200 - (LIVE_BLOCK_BYTES - LIVE_BLOCK_FIRST) / 512);
	for (i = 0; i < N; i++)
		live_session_free(l, s[i]);
	for (i = 0; i < 200; i++)
		live_cell_free(l, cells[i]);
	for (i = 0; i < 200; i++) {
		void *cell = live_cell_new(l, 480);

		live_cell_free(l, cell);
	}
	live_stats(l, &st);
	ck_assert_uint_eq(st.heap_cells, 200 - (LIVE_BLOCK_BYTES - LIVE_BLOCK_FIRST) / 512);
	live_free(l);
}
END_TEST

/* A tmpfs of its own, of 1 MiB; where that is not permitted there is nothing to see. */
static bool small_tmpfs(void)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", folder, "tmpfs", 0, "size=1m") == 0;
}

START_TEST(a_full_tmpfs_is_no_signal)
{
	enum { N = 1000 };
	static void *s[N];
	struct live_stats st;
	struct live *l;
	size_t i;

	if (!small_tmpfs())
		return;
	l = open_with(NULL);
	for (i = 0; i < N; i++)
		ck_assert_ptr_nonnull(s[i] = live_session_new(l, sizeof(struct session)));
	live_stats(l, &st);
	ck_assert_uint_gt(st.heap_sessions, 0);
	ck_assert_uint_lt(st.heap_sessions, N);
	for (i = 0; i < N; i++)
		live_session_free(l, s[i]);
	live_free(l);
	unlink(path);
	umount(folder);
}
END_TEST

START_TEST(one_file_serves_one_server)
{
	struct live *l = open_with(NULL), *second;
	char err[256] = "";
	struct recovered got;
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(live_open(&second, path, &layout, EPOCH, NULL, err, sizeof(err)), -EEXIST);
	ck_assert_str_ne(err, "");
	recover(&got);
	ck_assert_int_eq(got.n, -EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
	live_unlink(l);
	ck_assert_int_ne(access(path, F_OK), 0);
	live_free(l);
	recover(&got);
	ck_assert_int_eq(got.n, 0);
}
END_TEST

START_TEST(a_limit_of_file_sizes_is_an_error_and_no_signal)
{
	struct live *l;
	struct rlimit before, small;
	char err[256] = "";

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1u << 30;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(live_open(&l, path, &layout, EPOCH, NULL, err, sizeof(err)), -EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_ptr_nonnull(strstr(err, path));
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(the_lock_and_the_memory_survive_becoming_a_daemon)
{
	struct live *l = open_with(NULL);
	struct session *s = live_session_new(l, sizeof(*s));
	pid_t pid = fork();
	struct recovered got;
	int status;

	if (pid == 0) { /* the daemon goes on; here it is the test that does */
		s->folded[0].bytes = 77;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_uint_eq(s->folded[0].bytes, 77);
	recover(&got);
	ck_assert_int_eq(got.n, -EADDRINUSE);
	live_session_free(l, s);
	live_free(l);
}
END_TEST

/* --- what is not ours ---------------------------------------------------------------------- */

static void leave_file(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

START_TEST(what_is_not_ours_is_left_alone)
{
	char other[128];
	struct recovered got;

	snprintf(other, sizeof(other), "%s/other", folder);
	leave_file("x", 0622);
	recover(&got);
	ck_assert_int_eq(got.n, -EPERM);
	leave_file("x", 0600);
	ck_assert_int_eq(link(path, other), 0);
	recover(&got);
	ck_assert_int_eq(got.n, -EPERM);
	unlink(path);
	ck_assert_int_eq(symlink(other, path), 0);
	recover(&got);
	ck_assert_int_eq(got.n, -ELOOP);
	ck_assert_int_eq(access(other, F_OK), 0);
	unlink(path);
	unlink(other);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	recover(&got);
	ck_assert_int_eq(got.n, -EPERM);
}
END_TEST

START_TEST(what_is_no_such_file_is_removed_and_said)
{
	struct recovered got;

	leave_file("something else altogether", 0600);
	recover(&got);
	ck_assert_int_eq(got.n, -EBADMSG);
	ck_assert_ptr_nonnull(strstr(got.err, path));
	ck_assert_int_ne(access(path, F_OK), 0);
	leave_file("", 0600);
	recover(&got);
	ck_assert_int_eq(got.n, 0);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* --- killed at every point ------------------------------------------------------------------ */

enum { ALLOCATIONS = 5 };

/* What really happened; in memory that outlives the child, too. */
struct truth {
	struct {
		bool alive, ended, heap; /* ended: and its cell not freed */
		uint64_t end_seq;
		struct relay_totals totals, sampled;
	} a[ALLOCATIONS];
	bool finished;
};

static struct truth *truth;
static unsigned points_left;

static void point(void)
{
	if (--points_left == 0)
		raise(SIGKILL);
}

struct world {
	struct live *l;
	struct cell_queue *q;
	struct cell_ring ring;
	struct session *s[ALLOCATIONS];
	struct cell *c[ALLOCATIONS];
};

static void begin(struct world *w, unsigned i, bool heap)
{
	struct relay_allocation a = sample(i);

	w->s[i] = live_session_new(heap ? NULL : w->l, sizeof(struct session));
	if (cell_new(&w->c[i], w->q, &w->ring, w->s[i], i, &a, 1000 + i) < 0)
		abort();
	cell_set_overhead(w->c[i], CLIENT_OVERHEAD, PEER_OVERHEAD);
	truth->a[i].alive = true;
	truth->a[i].heap = heap;
	point();
}

static void count(struct world *w, unsigned i, unsigned bytes)
{
	struct session *s = w->s[i];
	unsigned k;

	for (k = 0; k < 4; k++) {
		s->run[k].packets++;
		s->run[k].bytes += bytes + k;
	}
	s->dropped_packets++;
	s->dropped_bytes += 7;
	s->wire_rest += 3;
	read_totals(s, &truth->a[i].totals);
	point();
}

/* coturn's turn_report_session_usage(), killed at each of its stores. */
static void fold(struct world *w, unsigned i)
{
	struct session *s = w->s[i];
	struct relay_totals t;
	unsigned k;

	read_totals(s, &t);
	cell_fold_begin(w->c[i], &t);
	truth->a[i].sampled = t;
	for (k = 0; k < 4; k++) {
		s->folded[k].packets += s->run[k].packets;
		point();
		s->folded[k].bytes += s->run[k].bytes;
		point();
	}
	for (k = 0; k < 4; k++) {
		s->run[k].packets = 0;
		point();
		s->run[k].bytes = 0;
		point();
	}
	cell_fold_end(w->c[i]);
	point();
}

static void tick(struct world *w)
{
	unsigned i;

	cell_ring_second(&w->ring, 1);
	cell_ring_tick(&w->ring, SIZE_MAX, &reader);
	for (i = 0; i < ALLOCATIONS; i++)
		if (truth->a[i].alive)
			truth->a[i].sampled = truth->a[i].totals;
	point();
}

static void end(struct world *w, unsigned i, uint64_t seq)
{
	struct relay_totals t;

	read_totals(w->s[i], &t);
	cell_gone(w->c[i], &w->ring, &t, "allocation timeout", 4000);
	truth->a[i].alive = false;
	truth->a[i].ended = true;
	memset(w->s[i], 0xee, sizeof(struct session)); /* used by another since */
	live_session_free(truth->a[i].heap ? NULL : w->l, w->s[i]);
	point();
	live_set_seq(w->l, seq);
	cell_set_end_seq(w->c[i], seq);
	truth->a[i].end_seq = seq;
	point();
	cell_queue_take(w->q);
	cell_free(w->c[i]);
	truth->a[i].ended = false;
	point();
}

static void live_a_life(void)
{
	struct world w = { .l = open_with(NULL) };

	cell_queue_new(&w.q, ALLOCATIONS);
	cell_queue_set_live(w.q, w.l);
	live_set_seq(w.l, 5);
	begin(&w, 0, false);
	begin(&w, 1, false);
	begin(&w, 2, true);
	count(&w, 0, 172);
	count(&w, 1, 1000);
	count(&w, 2, 10);
	tick(&w);
	count(&w, 0, 100);
	count(&w, 2, 20);
	fold(&w, 0);
	count(&w, 0, 200);
	begin(&w, 3, false);
	fold(&w, 3);
	fold(&w, 0);
	end(&w, 1, 9);
	begin(&w, 4, false);
	count(&w, 4, 5);
	end(&w, 2, 10);
	end(&w, 0, 12);
	truth->finished = true;
	raise(SIGKILL); /* 3 and 4 are alive */
}

static void expect_record(const struct recovered *got, unsigned i)
{
	const struct live_record *r = NULL;
	struct relay_allocation a = sample(i);
	size_t k;

	for (k = 0; k < got->told; k++)
		if (strtoul(got->r[k].alloc.id, NULL, 10) == i)
			break;
	if (!truth->a[i].alive && !truth->a[i].ended) {
		ck_assert_msg(k == got->told, "allocation %u is gone", i);
		return;
	}
	ck_assert_msg(k < got->told, "allocation %u is missing", i);
	r = &got->r[k];
	ck_assert_str_eq(got->epoch[k], EPOCH);
	ck_assert_str_eq(r->alloc.name, a.name);
	ck_assert_str_eq(r->alloc.client, a.client);
	ck_assert_str_eq(r->alloc.relayed, a.relayed);
	if (truth->a[i].end_seq)
		ck_assert_uint_eq(r->seq, truth->a[i].end_seq);
	ck_assert_str_eq(got->reason[k], truth->a[i].ended ? "timeout" : "crash");
	ck_assert_uint_eq(r->ended_ms, NOW_WALL_MS - (truth->a[i].ended ? 1000 : 0));
	ck_assert_uint_eq(r->alloc.age_ms, (truth->a[i].ended ? 4000 : 5000) - (1000 + i));
	if (truth->a[i].heap && !truth->a[i].ended) {
		ck_assert(!r->exact);
		expect_totals(&r->totals, &truth->a[i].sampled);
		return;
	}
	ck_assert(r->exact);
	expect_totals(&r->totals, &truth->a[i].totals);
}

static void expect_killed(pid_t pid)
{
	int status;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static struct truth *shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

START_TEST(killed_at_any_point_nothing_is_missing_or_double)
{
	static struct recovered got;
	unsigned n, i;

	truth = shared(sizeof(*truth));
	for (n = 1; !truth->finished; n++) {
		pid_t pid;

		memset(truth, 0, sizeof(*truth));
		pid = fork();
		if (pid == 0) {
			points_left = n;
			live_a_life();
			_exit(1);
		}
		expect_killed(pid);
		recover(&got);
		ck_assert_msg(got.n >= 0, "%s", got.err);
		for (i = 0; i < ALLOCATIONS; i++)
			expect_record(&got, i);
		ck_assert_int_ne(access(path, F_OK), 0);
	}
	ck_assert_uint_gt(n, 60);
	munmap(truth, sizeof(*truth));
}
END_TEST

/* --- killed at random, from outside ----------------------------------------------------------- */

enum { BYTES = 1000 };

/* The truth is told after each step, so the file is at most one step ahead. */
static void count_for_ever(_Atomic uint64_t *told)
{
	struct world w = { .l = open_with(NULL) };
	struct relay_totals t;
	unsigned n;

	cell_queue_new(&w.q, ALLOCATIONS);
	cell_queue_set_live(w.q, w.l);
	begin(&w, 0, false);
	for (n = 1;; n++) {
		struct session *s = w.s[0];

		((volatile struct session *)s)->run[0].bytes += BYTES;
		atomic_fetch_add(told, BYTES);
		if (n % 4 == 0) {
			read_totals(s, &t);
			cell_publish(w.c[0], &t);
		}
		if (n % 8)
			continue;
		read_totals(s, &t);
		cell_fold_begin(w.c[0], &t);
		((volatile struct session *)s)->folded[0].bytes += s->run[0].bytes;
		((volatile struct session *)s)->run[0].bytes = 0;
		cell_fold_end(w.c[0]);
	}
}

START_TEST(killed_from_outside_at_most_the_last_packet_is_in_doubt)
{
	static struct recovered got;
	_Atomic uint64_t *told;
	int i;

	truth = shared(sizeof(*truth));
	told = (_Atomic uint64_t *)(void *)shared(sizeof(*told));
	for (i = 0; i < 40; i++) {
		uint64_t bytes;
		pid_t pid;

		atomic_store(told, 0);
		pid = fork();
		if (pid == 0)
			count_for_ever(told);
		while (!atomic_load(told))
			usleep(100);
		usleep((unsigned)(37 * i));
		kill(pid, SIGKILL);
		expect_killed(pid);
		recover(&got);
		ck_assert_int_eq(got.n, 1);
		bytes = got.r[0].totals.client_received_bytes;
		ck_assert(got.r[0].exact);
		ck_assert_uint_ge(bytes, atomic_load(told));
		ck_assert_uint_le(bytes, atomic_load(told) + BYTES);
	}
	munmap((void *)told, sizeof(*told));
	munmap(truth, sizeof(*truth));
}
END_TEST

/* --- the successor is killed, too ---------------------------------------------------------------
 */

struct told {
	unsigned n, stop_at;
	struct {
		char id[RELAY_ID_LEN + 1];
		uint64_t seq;
	} r[RECORDS_MAX];
};

static int tell_and_die(void *arg, const struct live_record *r)
{
	struct told *t = arg;

	if (t->n == t->stop_at)
		raise(SIGKILL);
	memcpy(t->r[t->n].id, r->alloc.id, sizeof(t->r[0].id));
	t->r[t->n++].seq = r->seq;
	return 0;
}

static void leave_many(unsigned n)
{
	struct world w = { .l = open_with(NULL) };
	unsigned i;

	cell_queue_new(&w.q, n);
	cell_queue_set_live(w.q, w.l);
	live_set_seq(w.l, 2 * n);
	for (i = 0; i < n; i++) {
		struct relay_allocation a = sample(i);
		struct cell *c;

		if (cell_new(&c, w.q, &w.ring, live_session_new(w.l, sizeof(struct session)), i, &a,
			     0) < 0)
			abort();
		if (i % 3 == 0)
			cell_gone(c, &w.ring, &(struct relay_totals){ 0 }, "general", 1);
		if (i % 6 == 0)
			cell_set_end_seq(c, n - i);
	}
	raise(SIGKILL);
}

START_TEST(a_successor_that_is_killed_is_continued_with_the_same_numbers)
{
	enum { N = 20 };
	static struct recovered got;
	struct told *told = (struct told *)(void *)shared(sizeof(*told));
	pid_t pid = fork();
	unsigned i;

	if (pid == 0)
		leave_many(N);
	expect_killed(pid);
	for (told->stop_at = 0; told->stop_at < N; told->stop_at++) {
		told->n = 0;
		pid = fork();
		if (pid == 0) {
			char err[256];

			live_recover(path, NOW_WALL_MS, tell_and_die, told, err, sizeof(err));
			_exit(1);
		}
		expect_killed(pid);
	}
	recover(&got);
	ck_assert_int_eq(got.n, N);
	for (i = 0; i < N - 1; i++) {
		ck_assert_str_eq(got.r[i].alloc.id, told->r[i].id);
		ck_assert_uint_eq(got.r[i].seq, told->r[i].seq);
	}
	munmap((void *)told, sizeof(*told));
}
END_TEST

static int refuse_second(void *arg, const struct live_record *r)
{
	(void)r;
	return ++*(int *)arg == 2 ? -ENOSPC : 0;
}

START_TEST(what_cannot_be_kept_stays_in_the_file)
{
	static struct recovered got;
	char err[256] = "";
	pid_t pid = fork();
	int n = 0;

	if (pid == 0)
		leave_many(5);
	expect_killed(pid);
	ck_assert_int_eq(live_recover(path, NOW_WALL_MS, refuse_second, &n, err, sizeof(err)),
			 -ENOSPC);
	recover(&got);
	ck_assert_int_eq(got.n, 5);
}
END_TEST

/* --- another layout, and damage
 * ------------------------------------------------------------------- */

START_TEST(a_file_of_another_build_is_read_by_its_own_layout)
{
	struct old_session {
		uint64_t bytes;
		char rest[300];
	};
	static const struct live_layout old = {
		.session_bytes = sizeof(struct old_session),
		.totals[7].running = { offsetof(struct old_session, bytes), 8 },
	};
	struct recovered got;
	pid_t pid = fork();

	if (pid == 0) {
		struct relay_allocation a = sample(0);
		struct world w = { .l = NULL };
		struct old_session *s;
		char err[256];

		live_open(&w.l, path, &old, EPOCH, NULL, err, sizeof(err));
		cell_queue_new(&w.q, 1);
		cell_queue_set_live(w.q, w.l);
		s = live_session_new(w.l, sizeof(*s));
		cell_new(&w.c[0], w.q, &w.ring, s, 7, &a, 0);
		cell_set_overhead(w.c[0], 10, 20);
		cell_publish(w.c[0], &(struct relay_totals){ .wire_bytes = 500 });
		s->bytes = 1u << 30;
		raise(SIGKILL);
	}
	expect_killed(pid);
	recover(&got);
	ck_assert_int_eq(got.n, 1);
	ck_assert(got.r[0].exact);
	ck_assert_uint_eq(got.r[0].totals.peer_sent_bytes, 1u << 30);
	ck_assert_uint_eq(got.r[0].totals.wire_bytes, 500 + (1u << 30));
}
END_TEST

static int ignore(void *arg, const struct live_record *r)
{
	++*(int *)arg;
	ck_assert_uint_le(r->totals.wire_bytes, RELAY_TOTAL_MAX);
	return 0;
}

/* The file without its holes' length: header, one block of cells, one chunk. */
static int small_file(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct world w = { .q = NULL };
		unsigned i;

		w.l = open_with(&(const struct live_limits){ .sessions = 1, .cell_blocks = 1 });
		cell_queue_new(&w.q, ALLOCATIONS);
		cell_queue_set_live(w.q, w.l);
		truth = shared(sizeof(*truth));
		for (i = 0; i < ALLOCATIONS; i++)
			begin(&w, i, false);
		raise(SIGKILL);
	}
	expect_killed(pid);
	return open(path, O_RDWR);
}

static int copy_of(const char *bytes, size_t n)
{
	int fd = memfd_create("live", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, n, 0), (ssize_t)n);
	return fd;
}

START_TEST(damage_is_never_more_than_a_missing_record)
{
	int fd = small_file(), n;
	struct stat st;
	char *bytes;
	size_t i;

	ck_assert_int_eq(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	ck_assert_int_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	for (i = 0; i < 65536 + LIVE_BLOCK_FIRST + 2048; i++) {
		if (i == 1024)
			i = 65536; /* there is nothing in between */
		fd = copy_of(bytes, (size_t)st.st_size);
		bytes[i] ^= 0x40;
		ck_assert_int_eq(pwrite(fd, &bytes[i], 1, (off_t)i), 1);
		bytes[i] ^= 0x40;
		n = 0;
		ck_assert_int_ge(live_file_read(fd, NOW_WALL_MS, ignore, &n),
				 i < 512 ? -EBADMSG : 0);
		ck_assert_int_le(n, ALLOCATIONS);
		close(fd);
	}
	for (i = 0; i < (size_t)st.st_size; i += 1777) {
		fd = copy_of(bytes, i);
		ck_assert_int_eq(live_file_read(fd, NOW_WALL_MS, ignore, &n), -EBADMSG);
		close(fd);
	}
	free(bytes);
}
END_TEST

/* --- threads -------------------------------------------------------------------------------------
 */

enum { THREADS = 3, LIVES = 300, AT_ONCE = 50 };

static void *relay_thread(void *arg)
{
	struct world *w = arg;
	struct relay_allocation a = sample(1);
	struct cell_ring ring = { .n = 0 };
	struct session *s[AT_ONCE];
	struct cell *c[AT_ONCE];
	struct relay_totals t;
	int i, k;

	for (i = 0; i < LIVES; i++) {
		for (k = 0; k < AT_ONCE; k++) {
			s[k] = live_session_new(w->l, sizeof(**s));
			while (cell_new(&c[k], w->q, &ring, s[k], 1, &a, 0) < 0)
				sched_yield();
			s[k]->run[3].bytes += 170;
		}
		cell_ring_second(&ring, 1);
		while (cell_ring_tick(&ring, 20, &reader))
			;
		for (k = 0; k < AT_ONCE; k++) {
			read_totals(s[k], &t);
			cell_gone(c[k], &ring, &t, "Forceful shutdown", 1);
			live_session_free(w->l, s[k]);
		}
	}
	return NULL;
}

START_TEST(threads_make_and_end_while_main_reads)
{
	struct world w = { .l = open_with(NULL) };
	pthread_t threads[THREADS];
	unsigned gone = 0;
	int i;

	ck_assert_int_eq(cell_queue_new(&w.q, 400), 0);
	cell_queue_set_live(w.q, w.l);
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, relay_thread, &w), 0);
	while (gone < THREADS * LIVES * AT_ONCE) {
		struct cell_note *n = cell_queue_take(w.q), *next;

		if (!n)
			sched_yield();
		for (; n; n = next) {
			struct cell *c = cell_of_note(n);
			struct relay_totals t;

			next = n->next;
			cell_totals(c, &t);
			if (n->type == CELL_BORN) {
				cell_mark(c, "server-stop");
				continue;
			}
			ck_assert_uint_eq(t.peer_sent_bytes, 170);
			ck_assert_str_eq(cell_reason(c), "server-stop");
			live_set_seq(w.l, ++gone);
			cell_set_end_seq(c, gone);
			cell_free(c);
		}
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cell_queue_free(w.q);
	live_free(w.l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn-ext mapping");
	TCase *text = tcase_create("text"), *memory = tcase_create("memory"),
	      *kill_9 = tcase_create("kill -9");

	tcase_add_checked_fixture(memory, make_folder, remove_folder);
	tcase_add_checked_fixture(kill_9, make_folder, remove_folder);
	tcase_set_timeout(memory, 60);
	tcase_set_timeout(kill_9, 120);
	tcase_add_test(text, who_it_is_is_read_as_it_was_written);
	tcase_add_test(text, what_is_no_address_is_none);
	tcase_add_test(text, a_cut_or_damaged_text_is_refused_or_read_within_its_bounds);
	suite_add_tcase(s, text);
	tcase_add_test(memory, a_slot_is_zeroed_and_used_again);
	tcase_add_test(memory, another_size_and_no_mapping_are_the_heap);
	tcase_add_test(memory, no_two_sessions_share_a_slot);
	tcase_add_test(memory, memory_goes_back_after_a_flood);
	tcase_add_test(memory, a_full_mapping_goes_on_on_the_heap_and_counts);
	tcase_add_test(memory, a_full_tmpfs_is_no_signal);
	tcase_add_test(memory, one_file_serves_one_server);
	tcase_add_test(memory, a_limit_of_file_sizes_is_an_error_and_no_signal);
	tcase_add_test(memory, the_lock_and_the_memory_survive_becoming_a_daemon);
	tcase_add_test(memory, threads_make_and_end_while_main_reads);
	suite_add_tcase(s, memory);
	tcase_add_test(kill_9, what_is_not_ours_is_left_alone);
	tcase_add_test(kill_9, what_is_no_such_file_is_removed_and_said);
	tcase_add_test(kill_9, killed_at_any_point_nothing_is_missing_or_double);
	tcase_add_test(kill_9, killed_from_outside_at_most_the_last_packet_is_in_doubt);
	tcase_add_test(kill_9, a_successor_that_is_killed_is_continued_with_the_same_numbers);
	tcase_add_test(kill_9, what_cannot_be_kept_stays_in_the_file);
	tcase_add_test(kill_9, a_file_of_another_build_is_read_by_its_own_layout);
	tcase_add_test(kill_9, damage_is_never_more_than_a_missing_record);
	suite_add_tcase(s, kill_9);
	return run_suite(s);
}
