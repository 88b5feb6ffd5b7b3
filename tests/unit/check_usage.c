/* check_usage.c - allocations find their calls, and nothing they relayed is lost or counted twice
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/usage.h"
#include "run_suite.h"

#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define CALL_B "BBBBBBBBBBBBBBBBBBBBBB"
#define CALL_C "CCCCCCCCCCCCCCCCCCCCCC"
#define EPOCH "00000000000000e1"
#define OTHER_EPOCH "00000000000000e2"

/* What a test says of an allocation; the rest is filled in. */
struct spec {
	const char *id, *name, *client, *relayed, *relayed6, *relay_transport;
	bool shared;
	uint64_t age_ms;
};

static struct usage *u;
static uint64_t now_ms;
static char killed[4096]; /* "call AAA.. alloc 7 " */

static void on_kill(void *arg, const struct usage_kill *k)
{
	size_t n = strlen(killed);

	ck_assert_ptr_eq(arg, &u);
	ck_assert((k->call_id != NULL) != (k->alloc != NULL));
	snprintf(killed + n, sizeof(killed) - n, "%s%s ", k->call_id ? "call " : "alloc ",
		 k->call_id ? k->call_id : k->alloc);
}

static int send_event(const struct relay_event *ev)
{
	return usage_event(u, ev, now_ms);
}

static void put(char *out, size_t size, const char *in)
{
	snprintf(out, size, "%s", in ? in : "");
}

static void fill(struct relay_allocation *a, const struct spec *s)
{
	put(a->id, sizeof(a->id), s->id);
	put(a->name, sizeof(a->name), s->name);
	put(a->realm, sizeof(a->realm), "example.org");
	put(a->transport, sizeof(a->transport), "udp");
	put(a->relay_transport, sizeof(a->relay_transport),
	    s->relay_transport ? s->relay_transport : "udp");
	put(a->client, sizeof(a->client), s->client ? s->client : "192.0.2.1:5000");
	put(a->relayed6, sizeof(a->relayed6), s->relayed6);
	if (s->relayed)
		put(a->relayed, sizeof(a->relayed), s->relayed);
	else
		snprintf(a->relayed, sizeof(a->relayed), "198.51.100.1:%s", s->id);
	a->shared = s->shared;
	a->age_ms = s->age_ms;
}

static struct relay_totals bytes(uint64_t sent, uint64_t received)
{
	return (struct relay_totals){ .peer_sent_bytes = sent,
				      .peer_sent_packets = sent / 100,
				      .peer_received_bytes = received,
				      .peer_received_packets = received / 100,
				      .client_sent_bytes = 7,
				      .client_received_bytes = 9 };
}

static char epoch_now[RELAY_EPOCH_LEN + 1];

static int try_hello(const char *epoch)
{
	static struct relay_event ev;

	put(epoch_now, sizeof(epoch_now), epoch);
	ev.type = RELAY_HELLO;
	put(ev.hello.epoch, sizeof(ev.hello.epoch), epoch);
	return send_event(&ev);
}

static void hello(const char *epoch)
{
	ck_assert_int_eq(try_hello(epoch), 0);
}

static void synced(void)
{
	static struct relay_event ev = { .type = RELAY_SYNCED };

	ck_assert_int_eq(send_event(&ev), 0);
}

static int try_new(struct spec s)
{
	static struct relay_event ev;

	ev.type = RELAY_NEW;
	fill(&ev.alloc, &s);
	return send_event(&ev);
}
#define NEW(...) ck_assert_int_eq(try_new((struct spec){ __VA_ARGS__ }), 0)

static void snap(struct spec s, struct relay_totals t)
{
	static struct relay_event ev;

	ev.type = RELAY_SNAP;
	fill(&ev.alloc, &s);
	ev.totals = t;
	ck_assert_int_eq(send_event(&ev), 0);
}
#define SNAP(totals, ...) snap((struct spec){ __VA_ARGS__ }, totals)

static int sample(const char *id, struct relay_totals t)
{
	static struct relay_event ev = { .type = RELAY_USAGE, .rows_n = 1 };

	put(ev.rows[0].id, sizeof(ev.rows[0].id), id);
	ev.rows[0].totals = t;
	return send_event(&ev);
}

static uint64_t seq; /* of the last record */

static int end_of(const char *epoch, struct spec s, struct relay_totals t, bool exact)
{
	static struct relay_event ev;

	ev.type = RELAY_END;
	fill(&ev.alloc, &s);
	put(ev.epoch, sizeof(ev.epoch), epoch);
	ev.seq = seq;
	ev.exact = exact;
	ev.totals = t;
	return send_event(&ev);
}

static int end(const char *id, struct relay_totals t)
{
	seq++;
	return end_of(epoch_now, (struct spec){ .id = id }, t, true);
}

static int sum_of(const char *epoch, const char *call, uint64_t ends, struct relay_totals t,
		  bool exact)
{
	static struct relay_event ev;

	ev.type = RELAY_SUM;
	put(ev.epoch, sizeof(ev.epoch), epoch);
	put(ev.call, sizeof(ev.call), call);
	ev.seq = ++seq;
	ev.ends = ends;
	ev.exact = exact;
	ev.totals = t;
	return send_event(&ev);
}

static int candidate(const char *call, const char *user, const char *ip, const char *port)
{
	char text[256];
	int n = snprintf(text, sizeof(text),
			 "candidate:1 1 udp 1 %s %s typ relay raddr 0.0.0.0 rport 0", ip, port);

	return usage_candidate(u, call, user, text, (size_t)n);
}
#define CANDIDATE(call, user, port) ck_assert_int_eq(candidate(call, user, "198.51.100.1", port), 0)

static void begin(const char *call, const char *user1, const char *user2)
{
	ck_assert_int_eq(usage_call_begin(u, call), 0);
	if (user1)
		ck_assert_int_eq(usage_member(u, call, user1, "192.0.2.1"), 0);
	if (user2)
		ck_assert_int_eq(usage_member(u, call, user2, "192.0.2.2"), 0);
}

/* "alice name", or "-" for an allocation that is not the call's. */
static const char *owner(const char *call, const char *id)
{
	static char text[128];
	struct usage_cursor c = usage_participants(u, call);
	struct usage_participant p;
	struct usage_allocation a;

	while (usage_next_participant(&c, &p))
		while (usage_next_allocation(&p.allocations, &a))
			if (strcmp(a.id, id) == 0) {
				snprintf(text, sizeof(text), "%s %s", p.user_id,
					 attribution_rule_name(a.by));
				return text;
			}
	return "-";
}

static bool unattributed(const char *id)
{
	struct usage_walk *w;
	struct usage_allocation a;
	bool found = false;

	ck_assert_int_eq(usage_walk_new(&w, u), 0);
	while (!found && usage_walk_next(w, &a))
		found = strcmp(a.id, id) == 0;
	usage_walk_free(w);
	return found && a.by == ATTRIBUTION_NONE;
}

/* Of the allocations without a call, listed or not. */
static struct usage_sums unattributed_sums(void)
{
	struct usage_walk *w;
	struct usage_allocation a;
	struct usage_sums s;

	usage_unlisted_sums(u, &s);
	ck_assert_int_eq(usage_walk_new(&w, u), 0);
	while (usage_walk_next(w, &a)) {
		s.allocations++;
		s.live += a.live;
		relay_totals_add(&s.totals, &a.totals);
		s.exact = s.exact && a.exact;
	}
	usage_walk_free(w);
	return s;
}

static struct usage_sums sums(const char *call)
{
	struct usage_sums s;

	if (!call)
		return unattributed_sums();
	ck_assert(usage_call_sums(u, call, &s));
	return s;
}

static void start(const struct usage_limits *limits)
{
	usage_free(u);
	killed[0] = '\0';
	now_ms = 1000000;
	ck_assert_int_eq(usage_new(&u, limits, on_kill, &u), 0);
	hello(EPOCH);
	synced();
}

static void setup(void)
{
	start(NULL);
}

static void teardown(void)
{
	usage_free(u);
	u = NULL;
}

/* --- rule 1: name ------------------------------------------------------------ */

START_TEST(a_call_id_in_the_name_finds_the_call)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	ck_assert_str_eq(owner(CALL_A, "1"), "alice name");
}
END_TEST

START_TEST(a_call_id_in_the_name_counts_when_the_call_begins_later)
{
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(end("2", bytes(500, 0)), 0);
	ck_assert(unattributed("1") && unattributed("2"));
	begin(CALL_A, "alice", "bob");
	ck_assert_str_eq(owner(CALL_A, "1"), "alice name");
	ck_assert_str_eq(owner(CALL_A, "2"), "alice name");
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 500);
	ck_assert_uint_eq(sums(NULL).allocations, 0);
}
END_TEST

START_TEST(a_call_id_under_a_shared_name_says_nothing)
{
	begin(CALL_A, "app", "bob");
	NEW(.id = "1", .name = "1700000000:app:" CALL_A, .shared = true);
	ck_assert(unattributed("1"));
}
END_TEST

START_TEST(a_name_without_grammar_is_nobodys)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "alice");
	NEW(.id = "2", .name = "");
	NEW(.id = "3", .name = "1700000000");
	ck_assert(unattributed("1") && unattributed("2") && unattributed("3"));
}
END_TEST

/* --- rule 2: candidate ------------------------------------------------------- */

START_TEST(a_candidate_finds_the_allocation_that_is_there)
{
	begin(CALL_A, "alice", "bob");
	begin(CALL_B, "alice", "carol");
	NEW(.id = "10", .name = "1700000000:alice");
	ck_assert(unattributed("10"));
	CANDIDATE(CALL_B, "alice", "10");
	ck_assert_str_eq(owner(CALL_B, "10"), "alice candidate");
}
END_TEST

START_TEST(a_candidate_waits_for_its_allocation)
{
	begin(CALL_A, "alice", "bob");
	begin(CALL_B, "alice", "carol");
	CANDIDATE(CALL_B, "alice", "10");
	NEW(.id = "10", .name = "1700000000:alice");
	ck_assert_str_eq(owner(CALL_B, "10"), "alice candidate");
}
END_TEST

START_TEST(both_addresses_of_a_dual_allocation_count)
{
	begin(CALL_A, "alice", NULL);
	begin(CALL_B, "alice", NULL);
	NEW(.id = "10", .name = "1700000000:alice", .relayed6 = "[2001:db8::10]:49152");
	ck_assert_int_eq(candidate(CALL_B, "alice", "2001:DB8:0::10", "49152"), 0);
	ck_assert_str_eq(owner(CALL_B, "10"), "alice candidate");
}
END_TEST

START_TEST(the_same_port_of_the_other_protocol_is_another_address)
{
	begin(CALL_A, "alice", NULL);
	begin(CALL_B, "alice", NULL);
	NEW(.id = "10", .name = "1700000000:alice", .relay_transport = "tcp");
	CANDIDATE(CALL_A, "alice", "10");
	ck_assert(unattributed("10"));
}
END_TEST

START_TEST(nobody_claims_a_strangers_relay)
{
	begin(CALL_A, "alice", "bob");
	begin(CALL_B, "mallory", "eve");
	NEW(.id = "10", .name = "1700000000:alice");
	NEW(.id = "11", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "12", .name = "1700000000:stranger");
	CANDIDATE(CALL_B, "mallory", "10");
	CANDIDATE(CALL_B, "mallory", "11");
	CANDIDATE(CALL_B, "mallory", "12");
	CANDIDATE(CALL_B, "mallory", "13");
	NEW(.id = "13", .name = "1700000000:stranger");
	NEW(.id = "14", .name = "1700000000");
	CANDIDATE(CALL_B, "mallory", "14");
	ck_assert_uint_eq(sums(CALL_B).allocations, 0);
	ck_assert_str_eq(owner(CALL_A, "10"), "alice user");
	ck_assert_str_eq(owner(CALL_A, "11"), "alice name");
	ck_assert(unattributed("12") && unattributed("13") && unattributed("14"));
	ck_assert_int_eq(usage_call_end(u, CALL_B, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_B " ");
}
END_TEST

START_TEST(only_members_of_the_live_call_are_heard)
{
	begin(CALL_A, "alice", "bob");
	ck_assert_int_eq(candidate(CALL_A, "mallory", "198.51.100.1", "10"), -ENOENT);
	ck_assert_int_eq(candidate(CALL_B, "alice", "198.51.100.1", "10"), -ENOENT);
	ck_assert_int_eq(usage_member_leave(u, CALL_A, "alice"), 0);
	ck_assert_int_eq(candidate(CALL_A, "alice", "198.51.100.1", "10"), -ENOENT);
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	ck_assert_int_eq(candidate(CALL_A, "bob", "198.51.100.1", "10"), -ENOENT);
	/* who is named by an allocation is not thereby a member */
	ck_assert_int_eq(usage_call_begin(u, CALL_C), 0);
	NEW(.id = "1", .name = "1700000000:carol:" CALL_C);
	ck_assert_int_eq(candidate(CALL_C, "carol", "198.51.100.1", "10"), -ENOENT);
}
END_TEST

START_TEST(a_shared_name_is_claimed_from_the_members_own_address)
{
	begin(CALL_A, "alice", "bob"); /* they signal from 192.0.2.1 and 192.0.2.2 */
	NEW(.id = "10", .name = "1700000000:app", .shared = true, .client = "192.0.2.1:7000");
	NEW(.id = "11", .name = "1700000000:app", .shared = true,
	    .client = "[::ffff:192.0.2.2]:7000");
	NEW(.id = "12", .name = "1700000000:app", .shared = true, .client = "192.0.2.3:7000");
	CANDIDATE(CALL_A, "alice", "10");
	CANDIDATE(CALL_A, "alice", "11");
	CANDIDATE(CALL_A, "bob", "11");
	CANDIDATE(CALL_A, "alice", "12");
	ck_assert_str_eq(owner(CALL_A, "10"), "alice candidate");
	ck_assert_str_eq(owner(CALL_A, "11"), "bob candidate");
	ck_assert(unattributed("12"));
}
END_TEST

START_TEST(a_members_new_address_is_tried_on_what_it_said)
{
	begin(CALL_A, "alice", NULL);
	NEW(.id = "12", .name = "1700000000:app", .shared = true, .client = "192.0.2.3:7000");
	CANDIDATE(CALL_A, "alice", "12");
	ck_assert(unattributed("12"));
	ck_assert_int_eq(usage_member(u, CALL_A, "alice", "192.0.2.3"), 0);
	ck_assert_str_eq(owner(CALL_A, "12"), "alice candidate");
}
END_TEST

START_TEST(a_client_that_moved_is_tried_again)
{
	begin(CALL_A, "alice", NULL);
	NEW(.id = "12", .name = "1700000000:app", .shared = true, .client = "192.0.2.3:7000");
	CANDIDATE(CALL_A, "alice", "12");
	NEW(.id = "12", .name = "1700000000:app", .shared = true, .client = "192.0.2.1:7000");
	ck_assert_str_eq(owner(CALL_A, "12"), "alice candidate");
	ck_assert_uint_eq(usage_live(u), 1);
}
END_TEST

START_TEST(the_first_claim_stands)
{
	begin(CALL_A, "alice", "bob");
	begin(CALL_B, "alice", "bob");
	NEW(.id = "10", .name = "1700000000:alice");
	CANDIDATE(CALL_A, "alice", "10");
	CANDIDATE(CALL_B, "alice", "10");
	ck_assert_str_eq(owner(CALL_A, "10"), "alice candidate");
	/* also when both came before the allocation */
	CANDIDATE(CALL_B, "alice", "11");
	CANDIDATE(CALL_A, "alice", "11");
	NEW(.id = "11", .name = "1700000000:alice");
	ck_assert_str_eq(owner(CALL_B, "11"), "alice candidate");
	/* and when it is the second family's address that was said first */
	ck_assert_int_eq(candidate(CALL_B, "alice", "2001:db8::12", "12"), 0);
	CANDIDATE(CALL_A, "alice", "12");
	NEW(.id = "12", .name = "1700000000:alice", .relayed6 = "[2001:db8::12]:12");
	ck_assert_str_eq(owner(CALL_B, "12"), "alice candidate");
}
END_TEST

START_TEST(a_name_that_carries_a_call_is_claimed_by_no_other)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "10", .name = "1700000000:alice:" CALL_B);
	CANDIDATE(CALL_A, "alice", "10");
	ck_assert(unattributed("10")); /* call B is not known here */
	begin(CALL_B, "alice", "carol");
	ck_assert_str_eq(owner(CALL_B, "10"), "alice name");
	CANDIDATE(CALL_A, "alice", "10");
	ck_assert_str_eq(owner(CALL_B, "10"), "alice name");
}
END_TEST

START_TEST(an_address_that_is_used_again_is_claimed_anew)
{
	begin(CALL_A, "alice", "bob");
	begin(CALL_B, "alice", "carol");
	CANDIDATE(CALL_A, "alice", "10");
	NEW(.id = "1", .name = "1700000000:alice", .relayed = "198.51.100.1:10");
	ck_assert_str_eq(owner(CALL_A, "1"), "alice candidate");
	ck_assert_int_eq(end("1", bytes(1, 1)), 0);
	NEW(.id = "2", .name = "1700000000:alice", .relayed = "198.51.100.1:10");
	ck_assert(unattributed("2"));
	CANDIDATE(CALL_B, "alice", "10");
	ck_assert_str_eq(owner(CALL_B, "2"), "alice candidate");
}
END_TEST

START_TEST(a_65th_candidate_is_refused)
{
	char port[8];

	begin(CALL_A, "alice", "bob");
	for (int i = 1; i <= USAGE_CANDIDATES_MAX; i++) {
		snprintf(port, sizeof(port), "%d", i);
		CANDIDATE(CALL_A, "alice", port);
		CANDIDATE(CALL_A, "alice", port); /* a repetition takes no room */
	}
	ck_assert_int_eq(candidate(CALL_A, "alice", "198.51.100.1", "1000"), -ENOSPC);
	ck_assert_uint_eq(usage_counters(u)->candidates_refused, 1);
	CANDIDATE(CALL_A, "bob", "1000"); /* each member has its own 64 */
	/* one whose allocation came and went makes room: ICE restarts all day */
	NEW(.id = "7", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(end("7", bytes(0, 0)), 0);
	CANDIDATE(CALL_A, "alice", "1000");
}
END_TEST

START_TEST(candidates_of_other_kinds_and_nonsense_are_counted)
{
	static const char host[] = "candidate:1 1 udp 1 192.0.2.1 5000 typ host";

	begin(CALL_A, "alice", NULL);
	ck_assert_int_eq(usage_candidate(u, CALL_A, "alice", host, strlen(host)), 0);
	ck_assert_int_eq(usage_candidate(u, CALL_A, "alice", "", 0), 0);
	ck_assert_int_eq(usage_candidate(u, CALL_A, "alice", "hello", 5), -EINVAL);
	ck_assert_uint_eq(usage_counters(u)->candidates_other, 2);
	ck_assert_uint_eq(usage_counters(u)->candidates_malformed, 1);
}
END_TEST

/* --- rule 3: user -------------------------------------------------------------- */

START_TEST(a_user_in_one_call_is_that_calls)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "10", .name = "1700000000:alice");
	NEW(.id = "11", .name = "bob:1700000000"); /* stock coturn's other form */
	ck_assert_str_eq(owner(CALL_A, "10"), "alice user");
	ck_assert_str_eq(owner(CALL_A, "11"), "bob user");
}
END_TEST

START_TEST(a_user_who_enters_a_call_brings_its_allocations)
{
	NEW(.id = "10", .name = "1700000000:alice");
	ck_assert_int_eq(sample("10", bytes(300, 0)), 0);
	ck_assert(unattributed("10"));
	begin(CALL_A, "alice", "bob");
	ck_assert_str_eq(owner(CALL_A, "10"), "alice user");
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 300);
}
END_TEST

START_TEST(a_user_in_two_calls_is_neithers)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "10", .name = "1700000000:alice");
	begin(CALL_B, "alice", "carol");
	NEW(.id = "11", .name = "1700000000:alice");
	ck_assert_str_eq(owner(CALL_A, "10"), "alice user"); /* that claim stands */
	ck_assert(unattributed("11"));
	/* when one of the two ends, nobody knows whose the bytes so far were */
	ck_assert_int_eq(usage_call_end(u, CALL_B, now_ms), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "alice", "192.0.2.1"), 0);
	ck_assert(unattributed("11"));
	NEW(.id = "12", .name = "1700000000:alice");
	ck_assert_str_eq(owner(CALL_A, "12"), "alice user");
	/* not even for a later call */
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	begin(CALL_C, "alice", "dave");
	ck_assert(unattributed("11"));
	/* and a stronger rule still tells */
	CANDIDATE(CALL_C, "alice", "11");
	ck_assert_str_eq(owner(CALL_C, "11"), "alice candidate");
}
END_TEST

START_TEST(a_shared_name_is_never_a_user)
{
	begin(CALL_A, "app", "bob");
	NEW(.id = "10", .name = "1700000000:app", .shared = true);
	ck_assert_int_eq(usage_member(u, CALL_A, "app", "192.0.2.1"), 0);
	ck_assert(unattributed("10"));
}
END_TEST

START_TEST(who_only_says_to_be_alice_is_not)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "10", .name = "1700000000:~alice");
	ck_assert(unattributed("10"));
	CANDIDATE(CALL_A, "alice", "10");
	ck_assert(unattributed("10"));
}
END_TEST

START_TEST(ids_are_compared_as_text)
{
	begin(CALL_A, "7", "8");
	NEW(.id = "10", .name = "1700000000:7");
	NEW(.id = "11", .name = "1700000000:07");
	ck_assert_str_eq(owner(CALL_A, "10"), "7 user");
	ck_assert(unattributed("11"));
}
END_TEST

START_TEST(a_stronger_rule_takes_the_whole_totals_along)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "10", .name = "1700000000:alice");
	ck_assert_int_eq(sample("10", bytes(1000, 2000)), 0);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 1000);
	begin(CALL_B, "alice", "carol");
	CANDIDATE(CALL_B, "alice", "10");
	ck_assert_str_eq(owner(CALL_B, "10"), "alice candidate");
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 0);
	ck_assert_uint_eq(sums(CALL_B).totals.peer_sent_bytes, 1000);
	ck_assert_uint_eq(sums(CALL_B).totals.peer_received_packets, 20);
	/* within one call only the rule changes */
	NEW(.id = "11", .name = "1700000000:bob");
	CANDIDATE(CALL_A, "bob", "11");
	ck_assert_str_eq(owner(CALL_A, "11"), "bob candidate");
}
END_TEST

/* --- the end ------------------------------------------------------------------- */

START_TEST(the_end_of_a_call_kills_what_is_its_own)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:bob");
	NEW(.id = "3", .name = "1700000000:app", .shared = true, .client = "192.0.2.2:1");
	NEW(.id = "4", .name = "1700000000:carol");
	CANDIDATE(CALL_A, "bob", "3");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_A " alloc 2 alloc 3 ");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), -ENOENT);
}
END_TEST

START_TEST(what_may_serve_another_call_is_spared_until_that_ends)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice"); /* by user, while in one call */
	NEW(.id = "2", .name = "1700000000:alice");
	NEW(.id = "3", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "4", .name = "1700000000:bob");
	CANDIDATE(CALL_A, "alice", "2");
	begin(CALL_B, "alice", "carol");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_A " alloc 4 ");
	killed[0] = '\0';
	ck_assert_int_eq(usage_call_end(u, CALL_B, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_B " alloc 1 alloc 2 ");
}
END_TEST

/* Two who share a name and an address: each could have said the other's relay. */
START_TEST(a_shared_name_is_cut_only_when_nobody_else_calls_from_its_address)
{
	ck_assert_int_eq(usage_call_begin(u, CALL_A), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "mallory", "192.0.2.1"), 0);
	ck_assert_int_eq(usage_call_begin(u, CALL_B), 0);
	ck_assert_int_eq(usage_member(u, CALL_B, "victim", "192.0.2.1"), 0);
	NEW(.id = "1", .name = "1700000000:app", .shared = true, .client = "192.0.2.1:1");
	NEW(.id = "2", .name = "1700000000:app", .shared = true, .client = "192.0.2.9:1");
	CANDIDATE(CALL_A, "mallory", "1");
	CANDIDATE(CALL_A, "mallory", "2");
	ck_assert_str_eq(owner(CALL_A, "1"), "mallory candidate");
	ck_assert_str_eq(owner(CALL_A, "2"), "-");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_A " ");
	killed[0] = '\0';
	ck_assert_int_eq(usage_member(u, CALL_B, "victim", "192.0.2.3"), 0); /* it moved */
	ck_assert_int_eq(usage_call_end(u, CALL_B, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_B " ");
	killed[0] = '\0';
	ck_assert_int_eq(usage_call_begin(u, CALL_C), 0);
	ck_assert_int_eq(usage_member(u, CALL_C, "carol", "192.0.2.1"), 0);
	ck_assert_int_eq(usage_call_end(u, CALL_C, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_C " alloc 1 ");
}
END_TEST

START_TEST(what_a_member_had_ends_when_it_leaves)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice");
	NEW(.id = "3", .name = "1700000000:bob:" CALL_A);
	ck_assert_int_eq(usage_member_leave(u, CALL_A, "alice"), 0);
	ck_assert_str_eq(killed, "alloc 1 alloc 2 ");
	NEW(.id = "4", .name = "1700000000:alice:" CALL_A); /* was under way */
	ck_assert_str_eq(killed, "alloc 1 alloc 2 alloc 4 ");
	killed[0] = '\0';
	ck_assert_int_eq(usage_member(u, CALL_A, "alice", "192.0.2.1"), 0);
	NEW(.id = "5", .name = "1700000000:alice:" CALL_A);
	ck_assert_str_eq(killed, "");
	ck_assert_str_eq(owner(CALL_A, "5"), "alice name");
}
END_TEST

START_TEST(final_totals_count_after_the_call_ended)
{
	struct usage_sums s;

	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(1000, 0)), 0);
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	ck_assert_int_eq(end("1", bytes(1500, 200)), 0);
	s = sums(CALL_A);
	ck_assert_uint_eq(s.totals.peer_sent_bytes, 1500);
	ck_assert_uint_eq(s.totals.peer_received_bytes, 200);
	ck_assert_uint_eq(s.allocations, 1);
	ck_assert_uint_eq(s.live, 0);
	ck_assert(s.exact);
}
END_TEST

START_TEST(an_allocation_in_the_name_of_an_ended_call_is_killed)
{
	begin(CALL_A, "alice", "bob");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	killed[0] = '\0';
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	ck_assert_str_eq(killed, "alloc 1 ");
	ck_assert_str_eq(owner(CALL_A, "1"), "alice name");
}
END_TEST

START_TEST(an_ended_call_claims_only_what_is_older_than_its_end)
{
	begin(CALL_A, "alice", "bob");
	CANDIDATE(CALL_A, "alice", "10");
	CANDIDATE(CALL_A, "alice", "11");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	killed[0] = '\0';
	now_ms += 5000;
	NEW(.id = "10", .name = "1700000000:alice", .age_ms = 100);
	NEW(.id = "11", .name = "1700000000:alice", .age_ms = 60000);
	ck_assert(unattributed("10"));
	ck_assert_str_eq(owner(CALL_A, "11"), "alice candidate");
	ck_assert_str_eq(killed, "alloc 11 ");
}
END_TEST

START_TEST(kills_are_asked_for_again_after_a_reconnect)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:bob");
	NEW(.id = "3", .name = "1700000000:carol");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	killed[0] = '\0';
	hello(EPOCH);
	SNAP(bytes(1, 1), .id = "1", .name = "1700000000:alice:" CALL_A);
	SNAP(bytes(1, 1), .id = "2", .name = "1700000000:bob");
	SNAP(bytes(1, 1), .id = "3", .name = "1700000000:carol");
	ck_assert_str_eq(killed, "");
	synced();
	ck_assert_str_eq(killed, "alloc 1 alloc 2 ");
}
END_TEST

START_TEST(what_a_live_call_took_over_is_not_asked_for_again)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice"); /* by user */
	NEW(.id = "2", .name = "1700000000:alice");
	CANDIDATE(CALL_A, "alice", "2");
	NEW(.id = "3", .name = "1700000000:bob");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	/* those kills were lost, and alice talks to carol over the same relays */
	begin(CALL_B, "alice", "carol");
	CANDIDATE(CALL_B, "alice", "1");
	CANDIDATE(CALL_B, "alice", "2");
	ck_assert_str_eq(owner(CALL_B, "1"), "alice candidate");
	ck_assert_str_eq(owner(CALL_A, "2"), "alice candidate"); /* the first claim stands */
	killed[0] = '\0';
	hello(EPOCH);
	SNAP(bytes(1, 1), .id = "1", .name = "1700000000:alice");
	SNAP(bytes(1, 1), .id = "2", .name = "1700000000:alice");
	SNAP(bytes(1, 1), .id = "3", .name = "1700000000:bob");
	synced();
	ck_assert_str_eq(killed, "alloc 3 ");
	killed[0] = '\0';
	ck_assert_int_eq(usage_call_end(u, CALL_B, now_ms), 0);
	ck_assert_str_eq(killed, "call " CALL_B " alloc 1 alloc 2 ");
}
END_TEST

START_TEST(a_forgotten_call_leaves_its_live_allocations)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "3", .name = "1700000000:bob");
	CANDIDATE(CALL_A, "bob", "9");
	ck_assert_int_eq(end("2", bytes(10, 10)), 0);
	ck_assert_int_eq(usage_call_forget(u, CALL_A, now_ms), 0); /* ends it first */
	ck_assert_str_eq(killed, "call " CALL_A " alloc 3 ");
	ck_assert_int_eq(usage_call_forget(u, CALL_A, now_ms), -ENOENT);
	ck_assert(unattributed("1") && unattributed("3"));
	ck_assert_uint_eq(sums(NULL).allocations, 2);
	ck_assert_int_eq(end("1", bytes(20, 20)), 0);
	ck_assert_uint_eq(sums(NULL).totals.peer_sent_bytes, 20);
	ck_assert(!usage_call_sums(u, CALL_A, &(struct usage_sums){ 0 }));
}
END_TEST

START_TEST(a_member_who_leaves_and_comes_back_is_one_participant)
{
	struct usage_cursor c;
	struct usage_participant p;
	unsigned n = 0;

	begin(CALL_A, "alice", "bob");
	ck_assert_int_eq(usage_member_leave(u, CALL_A, "alice"), 0);
	ck_assert_int_eq(usage_member_leave(u, CALL_A, "alice"), -ENOENT);
	NEW(.id = "1", .name = "1700000000:alice");
	ck_assert(unattributed("1"));
	ck_assert_int_eq(usage_member(u, CALL_A, "alice", NULL), 0);
	ck_assert_str_eq(owner(CALL_A, "1"), "alice user");
	c = usage_participants(u, CALL_A);
	while (usage_next_participant(&c, &p))
		ck_assert_str_eq(p.user_id, n++ == 0 ? "alice" : "bob");
	ck_assert_uint_eq(n, 2);
}
END_TEST

/* --- connections ----------------------------------------------------------------- */

START_TEST(another_epoch_ends_everything_with_its_last_sample)
{
	struct usage_sums s;

	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(1000, 0)), 0);
	ck_assert_int_eq(end("2", bytes(50, 0)), 0);
	hello(OTHER_EPOCH);
	s = sums(CALL_A);
	ck_assert_uint_eq(s.live, 0);
	ck_assert_uint_eq(s.totals.peer_sent_bytes, 1050);
	ck_assert(!s.exact);
	ck_assert_uint_eq(usage_live(u), 0);
	ck_assert_uint_eq(usage_counters(u)->vanished, 1);
	/* the same id in the new epoch is another allocation */
	SNAP(bytes(7, 0), .id = "1", .name = "1700000000:alice:" CALL_A);
	synced();
	s = sums(CALL_A);
	ck_assert_uint_eq(s.allocations, 3);
	ck_assert_uint_eq(s.totals.peer_sent_bytes, 1057);
	ck_assert_int_eq(end("1", bytes(10, 0)), 0);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 1060);
}
END_TEST

START_TEST(a_snapshot_of_the_same_epoch_tells_what_is_gone)
{
	struct usage_sums s;

	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:bob:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(1000, 0)), 0);
	ck_assert_int_eq(sample("2", bytes(300, 0)), 0);
	hello(EPOCH);
	ck_assert_uint_eq(sums(CALL_A).live, 2); /* nothing is dropped before the snapshot is in */
	SNAP(bytes(1700, 0), .id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "3", .name = "1700000000:bob:" CALL_A);
	ck_assert(sums(CALL_A).exact);
	synced();
	s = sums(CALL_A);
	ck_assert_uint_eq(s.live, 2);
	ck_assert_uint_eq(s.allocations, 3);
	ck_assert_uint_eq(s.totals.peer_sent_bytes, 2000);
	ck_assert(!s.exact);
	/* its end comes after all: then it is exact again */
	ck_assert_int_eq(end("2", bytes(400, 0)), 0);
	s = sums(CALL_A);
	ck_assert_uint_eq(s.totals.peer_sent_bytes, 2100);
	ck_assert(s.exact);
}
END_TEST

START_TEST(an_end_between_hello_and_synced_is_exact)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	hello(EPOCH);
	ck_assert_int_eq(end("1", bytes(5, 5)), 0);
	synced();
	ck_assert(sums(CALL_A).exact);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 5);
}
END_TEST

START_TEST(signald_started_late_learns_from_the_snapshot)
{
	struct usage_walk *w;
	struct usage_allocation a;

	now_ms = 5000;
	SNAP(bytes(5000, 1), .id = "1", .name = "1700000000:alice:" CALL_A, .age_ms = 60000);
	ck_assert_int_eq(usage_walk_new(&w, u), 0);
	ck_assert(usage_walk_next(w, &a));
	usage_walk_free(w);
	ck_assert_int_eq(a.since_ms, -55000);
	ck_assert(a.live && a.exact);
	ck_assert_str_eq(a.client, "192.0.2.1:5000");
	ck_assert_str_eq(a.relayed, "198.51.100.1:1");
	ck_assert_str_eq(a.transport, "udp");
	ck_assert_str_eq(a.user, "alice");
	begin(CALL_A, "alice", "bob");
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 5000);
}
END_TEST

START_TEST(a_sample_after_the_end_changes_nothing)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(end("1", bytes(5, 5)), 0);
	ck_assert_int_eq(sample("1", bytes(3, 3)), 0);
	ck_assert_int_eq(end("1", bytes(9, 9)), 0);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 5);
	ck_assert_int_eq(sample("77", bytes(3, 3)), -ENOENT);
	ck_assert_int_eq(end("77", bytes(3, 3)), -ENOENT);
	ck_assert_uint_eq(usage_counters(u)->unknown, 2);
}
END_TEST

#define LATE(epoch, totals, exact, ...) end_of(epoch, (struct spec){ __VA_ARGS__ }, totals, exact)

START_TEST(a_late_end_of_another_epoch_makes_a_vanished_allocation_exact)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(1000, 0)), 0);
	hello(OTHER_EPOCH);
	ck_assert(!sums(CALL_A).exact);
	for (int i = 0; i < 2; i++) { /* the second time it changes nothing */
		seq = 7;
		ck_assert_int_eq(LATE(EPOCH, bytes(1500, 2), true, .id = "1",
				      .name = "1700000000:alice:" CALL_A),
				 0);
		ck_assert_uint_eq(sums(CALL_A).allocations, 1);
		ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 1500);
		ck_assert(sums(CALL_A).exact);
	}
}
END_TEST

START_TEST(a_late_end_that_is_not_exact_is_better_than_the_sample_and_says_so)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	hello(OTHER_EPOCH);
	seq = 7;
	ck_assert_int_eq(LATE(EPOCH, bytes(1500, 0), false, .id = "1"), 0);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 1500);
	ck_assert(!sums(CALL_A).exact);
}
END_TEST

START_TEST(an_end_never_seen_alive_counts_once_for_the_call_in_its_name)
{
	begin(CALL_A, "alice", "bob");
	seq = 3;
	ck_assert_int_eq(LATE(OTHER_EPOCH, bytes(40, 0), true, .id = "1",
			      .name = "1700000000:alice:" CALL_A),
			 0);
	/* what ended later was told later: this was told before */
	ck_assert_int_eq(LATE(OTHER_EPOCH, bytes(40, 0), true, .id = "2",
			      .name = "1700000000:alice:" CALL_A),
			 0);
	ck_assert_uint_eq(sums(CALL_A).allocations, 1);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 40);
	ck_assert(sums(CALL_A).exact);
	ck_assert_uint_eq(usage_live(u), 0);
	seq = 4;
	ck_assert_int_eq(LATE(OTHER_EPOCH, bytes(40, 0), true, .id = "3",
			      .name = "1700000000:alice:" CALL_B),
			 -ENOENT);
	seq = 5;
	ck_assert_int_eq(LATE(OTHER_EPOCH, bytes(40, 0), true, .id = "4", .shared = true,
			      .name = "1700000000:alice:" CALL_A),
			 -ENOENT);
	ck_assert_uint_eq(sums(NULL).allocations, 0);
}
END_TEST

static int unseen(uint64_t number, const char *id)
{
	seq = number;
	return LATE(EPOCH, bytes(40, 0), true, .id = id, .name = "1700000000:alice:" CALL_A);
}

/* The journal could not be written, so signald only watched: what had ended waits. */
START_TEST(an_end_that_waited_while_a_later_one_was_told_counts)
{
	begin(CALL_A, "alice", "bob");
	ck_assert_int_eq(unseen(3, "1"), 0);
	hello(EPOCH); /* 5 and 7 were missed */
	ck_assert_int_eq(unseen(9, "4"), 0);
	ck_assert_uint_eq(sums(CALL_A).allocations, 2);
	hello(EPOCH); /* now as the ledger */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(unseen(3, "1"), 0);
		ck_assert_int_eq(unseen(5, "2"), 0);
		ck_assert_int_eq(unseen(7, "3"), 0);
		ck_assert_int_eq(unseen(9, "4"), 0);
		ck_assert_uint_eq(sums(CALL_A).allocations, 4);
		ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 160);
		hello(EPOCH);
	}
	/* between two of one connection nothing is left */
	ck_assert_int_eq(unseen(8, "5"), 0);
	ck_assert_uint_eq(sums(CALL_A).allocations, 4);
}
END_TEST

START_TEST(a_sum_behind_what_was_told_is_not_counted)
{
	begin(CALL_A, "alice", "bob");
	ck_assert_int_eq(unseen(7, "1"), 0);
	hello(EPOCH); /* 9 was missed */
	ck_assert_int_eq(unseen(12, "2"), 0);
	hello(EPOCH);
	seq = 8;
	ck_assert_int_eq(sum_of(EPOCH, CALL_A, 2, bytes(80, 0), true), 0); /* 7 and 9 */
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 80);
}
END_TEST

START_TEST(whatever_the_connections_nothing_counts_twice)
{
	enum { CONNECTIONS = 40 }; /* more than there are ranges */
	char id[RELAY_ID_LEN + 1];
	uint64_t i, all;

	begin(CALL_A, "alice", "bob");
	for (i = 1; i <= CONNECTIONS; i++) {
		hello(EPOCH);
		snprintf(id, sizeof(id), "%d", (int)(10 * i));
		ck_assert_int_eq(unseen(10 * i, id), 0);
	}
	ck_assert_uint_eq(sums(CALL_A).allocations, CONNECTIONS);
	for (i = CONNECTIONS; i >= 1; i--) { /* the latest gaps are known still */
		hello(EPOCH);
		snprintf(id, sizeof(id), "%d", (int)(10 * i - 5));
		ck_assert_int_eq(unseen(10 * i - 5, id), 0);
	}
	all = sums(CALL_A).allocations;
	ck_assert_uint_gt(all, CONNECTIONS);
	ck_assert_uint_lt(all, 2 * CONNECTIONS);
	hello(EPOCH);
	for (i = 2; i <= 2 * CONNECTIONS; i++) {
		snprintf(id, sizeof(id), "%d", (int)(5 * i));
		ck_assert_int_eq(unseen(5 * i, id), 0);
	}
	ck_assert_uint_eq(sums(CALL_A).allocations, all);
}
END_TEST

START_TEST(an_end_never_seen_alive_kills_nothing)
{
	begin(CALL_A, "alice", "bob");
	ck_assert_int_eq(usage_call_end(u, CALL_A, now_ms), 0);
	killed[0] = '\0';
	seq = 3;
	ck_assert_int_eq(LATE(OTHER_EPOCH, bytes(40, 0), true, .id = "1",
			      .name = "1700000000:alice:" CALL_A),
			 0);
	ck_assert_str_eq(killed, "");
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 40);
}
END_TEST

START_TEST(what_vanished_into_a_sum_is_not_counted_again_by_its_late_end)
{
	struct usage_limits small = usage_default_limits;

	small.ended_listed = 1;
	start(&small);
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(100, 0)), 0);
	hello(OTHER_EPOCH); /* both vanish, the first is folded */
	seq = 9;
	ck_assert_int_eq(
		LATE(EPOCH, bytes(120, 0), true, .id = "1", .name = "1700000000:alice:" CALL_A),
		-ENOENT);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 100);
	ck_assert_uint_eq(sums(CALL_A).allocations, 2);
	ck_assert(!sums(CALL_A).exact);
}
END_TEST

START_TEST(a_sum_stands_for_the_vanished_allocations_of_its_call)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:bob:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(100, 0)), 0);
	hello(OTHER_EPOCH);
	ck_assert_int_eq(sum_of(EPOCH, CALL_A, 5, bytes(700, 0), true), 0);
	synced();
	ck_assert_uint_eq(sums(CALL_A).allocations, 5);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 700);
	ck_assert(sums(CALL_A).exact);
	seq--;
	ck_assert_int_eq(sum_of(EPOCH, CALL_A, 5, bytes(700, 0), true), 0); /* again */
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 700);
	ck_assert_int_eq(sum_of(EPOCH, CALL_B, 5, bytes(700, 0), true), -ENOENT);
	ck_assert_int_eq(sum_of(EPOCH, "", 5, bytes(700, 0), true), -ENOENT);
}
END_TEST

/* Summed up while nobody was there, before the crash that ended the others. */
START_TEST(a_sum_leaves_those_whose_own_ends_follow_it)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "3", .name = "1700000000:bob:" CALL_A);
	ck_assert_int_eq(sample("3", bytes(30, 0)), 0);
	hello(OTHER_EPOCH);
	ck_assert_int_eq(sum_of(EPOCH, CALL_A, 2, bytes(70, 0), true), 0);
	ck_assert_int_eq(
		LATE(EPOCH, bytes(1, 0), false, .id = "1", .name = "1700000000:alice:" CALL_A), 0);
	synced();
	ck_assert_uint_eq(sums(CALL_A).allocations, 3);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 71);
}
END_TEST

START_TEST(a_sum_may_stand_for_more_than_one_epoch)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(100, 0)), 0);
	hello(OTHER_EPOCH);
	synced();
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(200, 0)), 0);
	hello("00000000000000e3");
	ck_assert_int_eq(sum_of(OTHER_EPOCH, CALL_A, 2, bytes(350, 0), true), 0);
	synced();
	ck_assert_uint_eq(sums(CALL_A).allocations, 2);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 350);
	ck_assert(sums(CALL_A).exact);
}
END_TEST

START_TEST(a_sum_stands_for_what_the_snapshot_does_not_confirm)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "3", .name = "1700000000:bob:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(100, 0)), 0);
	ck_assert_int_eq(sample("2", bytes(1000, 0)), 0);
	hello(EPOCH);
	ck_assert_int_eq(sum_of(EPOCH, CALL_A, 1, bytes(150, 0), false), 0);
	SNAP(bytes(1000, 0), .id = "2", .name = "1700000000:alice:" CALL_A);
	SNAP(bytes(0, 0), .id = "3", .name = "1700000000:bob:" CALL_A);
	synced();
	ck_assert_uint_eq(sums(CALL_A).allocations, 3);
	ck_assert_uint_eq(sums(CALL_A).live, 2);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 1150);
	ck_assert(!sums(CALL_A).exact);
	ck_assert_uint_eq(usage_counters(u)->vanished, 0);
	/* the sum is used up: what is missing in the next snapshot has vanished */
	hello(EPOCH);
	synced();
	ck_assert_uint_eq(usage_counters(u)->vanished, 2);
}
END_TEST

/* --- numbers ----------------------------------------------------------------------- */

START_TEST(totals_above_32_bits_are_exact)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:bob:" CALL_A);
	ck_assert_int_eq(sample("1", bytes(4294967296ULL * 1000 + 1, 0)), 0);
	ck_assert_int_eq(sample("2", bytes(4294967296ULL * 1000 + 2, 0)), 0);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 4294967296ULL * 2000 + 3);
	ck_assert(sums(CALL_A).exact);
}
END_TEST

START_TEST(a_saturated_total_is_not_exact)
{
	struct relay_totals t = bytes(RELAY_TOTAL_MAX, 0);

	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	t.saturated = true;
	ck_assert_int_eq(end("1", t), 0);
	ck_assert(!sums(CALL_A).exact);
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, RELAY_TOTAL_MAX);
	/* and a sum that saturates is none either */
	begin(CALL_B, "alice", "bob");
	NEW(.id = "2", .name = "1700000000:alice:" CALL_B);
	NEW(.id = "3", .name = "1700000000:alice:" CALL_B);
	ck_assert_int_eq(end("2", bytes(RELAY_TOTAL_MAX, 0)), 0);
	ck_assert_int_eq(end("3", bytes(RELAY_TOTAL_MAX, 0)), 0);
	ck_assert_uint_eq(sums(CALL_B).totals.peer_sent_bytes, RELAY_TOTAL_MAX);
	ck_assert(!sums(CALL_B).exact);
}
END_TEST

START_TEST(sums_per_participant_add_up_to_the_calls)
{
	struct usage_cursor c;
	struct usage_participant p;
	uint64_t sent = 0;

	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "3", .name = "1700000000:bob");
	ck_assert_int_eq(end("1", bytes(100, 1)), 0);
	ck_assert_int_eq(sample("2", bytes(20, 1)), 0);
	ck_assert_int_eq(sample("3", bytes(3, 1)), 0);
	c = usage_participants(u, CALL_A);
	while (usage_next_participant(&c, &p)) {
		bool alice = strcmp(p.user_id, "alice") == 0;

		ck_assert_uint_eq(p.sums.totals.peer_sent_bytes, alice ? 120 : 3);
		ck_assert_uint_eq(p.sums.allocations, alice ? 2 : 1);
		ck_assert_uint_eq(p.sums.live, 1);
		sent += p.sums.totals.peer_sent_bytes;
	}
	ck_assert_uint_eq(sent, sums(CALL_A).totals.peer_sent_bytes);
}
END_TEST

/* --- limits -------------------------------------------------------------------------- */

static const struct usage_limits small = {
	.allocations = 4, .calls = 2, .participants = 3, .ended_listed = 2
};

START_TEST(a_full_table_folds_the_ended_and_refuses_the_live)
{
	start(&small);
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "2", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "3", .name = "1700000000:alice:" CALL_A);
	NEW(.id = "4", .name = "1700000000:zoe");
	ck_assert_int_eq(try_new((struct spec){ .id = "5", .name = "1700000000:bob" }), -ENOSPC);
	ck_assert_uint_eq(usage_counters(u)->allocations_refused, 1);
	ck_assert_int_eq(end("1", bytes(100, 0)), 0);
	NEW(.id = "5", .name = "1700000000:bob");
	ck_assert_uint_eq(usage_counters(u)->allocations_folded, 1);
	ck_assert_str_eq(owner(CALL_A, "1"), "-");
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 100);
	ck_assert_uint_eq(sums(CALL_A).allocations, 4);
	ck_assert(sums(CALL_A).exact);
	ck_assert_uint_eq(usage_live(u), 4);
}
END_TEST

START_TEST(a_participants_old_allocations_become_a_sum)
{
	static const char *const ids[] = { "1", "2", "3", "4" };

	start(&small);
	begin(CALL_A, "alice", "bob");
	for (size_t i = 0; i < 4; i++) {
		NEW(.id = ids[i], .name = "1700000000:alice:" CALL_A);
		ck_assert_int_eq(end(ids[i], bytes(10, 1)), 0);
	}
	ck_assert_str_eq(owner(CALL_A, "2"), "-");
	ck_assert_str_eq(owner(CALL_A, "3"), "alice name");
	ck_assert_uint_eq(sums(CALL_A).totals.peer_sent_bytes, 40);
	ck_assert_uint_eq(sums(CALL_A).allocations, 4);
}
END_TEST

#define CROWD 200

/* Every allocation without a call that the walk meets, by id; others come, end, and are claimed. */
START_TEST(a_walk_meets_each_allocation_once_while_others_come_and_go)
{
	enum { NONE, LIVE, ENDED } state[CROWD] = { NONE };
	bool from_start[CROWD] = { false };
	unsigned met[CROWD] = { 0 }, next = 0;
	struct usage_allocation a;
	struct usage_walk *w;
	char id[16];

	srandom((unsigned)_i + 1);
	for (unsigned step = 0, more = 1; more; step++) {
		unsigned i = next ? (unsigned)random() % next : 0;
		long dice = random() % 4;

		snprintf(id, sizeof(id), "%u", i);
		if (step < 60 || (dice == 0 && next < CROWD)) {
			snprintf(id, sizeof(id), "%u", next);
			NEW(.id = id, .name = "1700000000:alice");
			state[next++] = LIVE;
		} else if (dice == 1 && state[i] == LIVE) {
			ck_assert_int_eq(end(id, bytes(1, 1)), 0);
			state[i] = ENDED;
		}
		if (step == 100) {
			for (i = 0; i < next; i++)
				from_start[i] = true;
			ck_assert_int_eq(usage_walk_new(&w, u), 0);
		}
		if (step >= 100 && dice > 1 && (more = usage_walk_next(w, &a)))
			met[strtoul(a.id, NULL, 10)]++;
	}
	usage_walk_free(w);
	for (unsigned i = 0; i < CROWD; i++)
		ck_assert_msg(met[i] == from_start[i], "%u was met %u times", i, met[i]);
}
END_TEST

START_TEST(what_was_claimed_or_freed_under_a_walk_is_not_met)
{
	struct usage_walk *w, *other;
	struct usage_allocation a;

	for (int i = 0; i < 3; i++)
		NEW(.id = (char[]){ (char)('1' + i), 0 }, .name = "1700000000:alice");
	ck_assert_int_eq(usage_walk_new(&w, u), 0);
	ck_assert_int_eq(usage_walk_new(&other, u), 0);
	ck_assert(usage_walk_next(other, &a));
	ck_assert_int_eq(usage_call_begin(u, CALL_A), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "alice", NULL), 0); /* claims all */
	ck_assert(!usage_walk_next(w, &a));
	ck_assert(!usage_walk_next(other, &a));
	usage_walk_free(w);
	usage_walk_free(other);
	usage_walk_free(NULL);
}
END_TEST

START_TEST(walks_are_bounded)
{
	struct usage_walk *w[USAGE_WALKS_MAX], *more;

	for (int i = 0; i < USAGE_WALKS_MAX; i++)
		ck_assert_int_eq(usage_walk_new(&w[i], u), 0);
	ck_assert_int_eq(usage_walk_new(&more, u), -ENOSPC);
	for (int i = 0; i < USAGE_WALKS_MAX; i++)
		usage_walk_free(w[i]);
}
END_TEST

START_TEST(the_last_100_unattributed_are_listed_and_all_are_summed)
{
	struct usage_walk *w;
	struct usage_allocation a;
	char id[8];
	unsigned n;

	for (int i = 1; i <= 150; i++) {
		snprintf(id, sizeof(id), "%d", i);
		NEW(.id = id, .name = "1700000000:alice");
		ck_assert_int_eq(end(id, bytes(10, 1)), 0);
	}
	NEW(.id = "1000", .name = "1700000000:alice");
	ck_assert_int_eq(usage_walk_new(&w, u), 0);
	for (n = 0; usage_walk_next(w, &a); n++) {
		ck_assert_int_eq(a.live, n == 0);
		if (n == 1)
			ck_assert_str_eq(a.id, "51");
	}
	usage_walk_free(w);
	ck_assert_uint_eq(n, 101);
	ck_assert_uint_eq(sums(NULL).totals.peer_sent_bytes, 1500);
	ck_assert_uint_eq(sums(NULL).allocations, 151);
}
END_TEST

START_TEST(calls_and_participants_have_a_limit)
{
	start(&small);
	begin(CALL_A, "alice", "bob");
	begin(CALL_B, NULL, NULL);
	ck_assert_int_eq(usage_call_begin(u, CALL_C), -ENOSPC);
	ck_assert_int_eq(usage_call_begin(u, CALL_A), -EEXIST);
	ck_assert_int_eq(usage_call_begin(u, ""), -EINVAL);
	ck_assert_int_eq(usage_call_begin(u, CALL_A "A"), -EINVAL);
	ck_assert_int_eq(usage_call_end(u, CALL_B, now_ms), 0);
	ck_assert_int_eq(usage_call_begin(u, CALL_B), -EEXIST);
	ck_assert_int_eq(usage_call_begin(u, CALL_C), -ENOSPC); /* ended ones have figures still */
	ck_assert_int_eq(usage_call_forget(u, CALL_B, now_ms), 0);
	ck_assert_int_eq(usage_call_begin(u, CALL_C), 0);
	ck_assert_uint_eq(usage_counters(u)->calls_refused, 2);

	ck_assert_int_eq(usage_member(u, CALL_A, "carol", NULL), 0);
	ck_assert_int_eq(usage_member(u, CALL_A, "dave", NULL), -ENOSPC);
	NEW(.id = "1", .name = "1700000000:erin:" CALL_A);
	ck_assert(unattributed("1"));
	ck_assert_uint_eq(usage_counters(u)->participants_refused, 2);
	ck_assert_int_eq(usage_member(u, CALL_A, "no spaces", NULL), -EINVAL);
	ck_assert_int_eq(usage_member(u, CALL_B, "alice", NULL), -ENOENT);
}
END_TEST

START_TEST(malformed_addresses_are_counted_and_harm_nothing)
{
	begin(CALL_A, "alice", "bob");
	NEW(.id = "1", .name = "1700000000:alice", .client = "nonsense",
	    .relayed = "more nonsense");
	ck_assert_str_eq(owner(CALL_A, "1"), "alice user");
	ck_assert_uint_eq(usage_counters(u)->addresses_malformed, 2);
	ck_assert_int_eq(usage_member(u, CALL_A, "bob", "not an address"), 0);
}
END_TEST

/* Also when they all have one address: nothing may take quadratic time. */
START_TEST(sixty_thousand_allocations_are_no_effort)
{
	char id[16], name[64];

	for (int i = 0; i < 60000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		snprintf(name, sizeof(name), "1700000000:user%d", i / 2);
		ck_assert_int_eq(try_new((struct spec){
					 .id = id, .name = name, .relayed = "198.51.100.1:1" }),
				 0);
	}
	ck_assert_uint_eq(usage_live(u), 60000);
	hello(EPOCH);
	synced();
	ck_assert_uint_eq(usage_live(u), 0);
	ck_assert_uint_eq(usage_counters(u)->vanished, 60000);
}
END_TEST

/* --- out of memory ------------------------------------------------------------------- */

static long fail_at = -1; /* allocations still granted; -1: all */
static bool failed_once;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

static bool refused(void)
{
	if (fail_at < 0 || fail_at-- > 0)
		return false;
	failed_once = true;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return refused() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

/* A bit of everything; any step may fail. Without assertions: they allocate too.
 * Returns the bytes that were counted anywhere. */
static uint64_t live_a_little(void)
{
	struct usage *mine = NULL;
	struct usage_sums none, of_call;

	usage_free(u);
	u = NULL;
	if (usage_new(&mine, &small, NULL, NULL))
		return 0;
	u = mine;
	try_hello(EPOCH);
	usage_call_begin(u, CALL_A);
	usage_member(u, CALL_A, "alice", "192.0.2.1");
	candidate(CALL_A, "alice", "198.51.100.1", "2");
	try_new((struct spec){ .id = "1", .name = "1700000000:alice:" CALL_A });
	try_new((struct spec){ .id = "2", .name = "1700000000:alice", .relayed6 = "[::2]:2" });
	try_new((struct spec){ .id = "3", .name = "1700000000:bob:" CALL_B });
	usage_call_begin(u, CALL_B);
	usage_member(u, CALL_B, "alice", NULL);
	sample("2", bytes(10, 10));
	end("1", bytes(10, 10));
	usage_unlisted_sums(u, &none);
	usage_call_sums(u, CALL_A, &of_call);
	usage_call_end(u, CALL_A, now_ms);
	usage_call_forget(u, CALL_A, now_ms);
	return of_call.totals.peer_sent_bytes + none.totals.peer_sent_bytes;
}

START_TEST(without_memory_things_are_refused_and_nothing_breaks)
{
	uint64_t counted;
	long n = 0;

	do {
		failed_once = false;
		fail_at = n++;
		counted = live_a_little();
		fail_at = -1;
		ck_assert_uint_le(counted, 20);
		if (u) { /* and afterwards it works again */
			start(NULL);
			begin(CALL_A, "alice", "bob");
			NEW(.id = "1", .name = "1700000000:alice:" CALL_A);
			ck_assert_str_eq(owner(CALL_A, "1"), "alice name");
		}
	} while (failed_once);
	ck_assert_uint_eq(counted, 20);
	ck_assert_int_gt(n, 20);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_call_id_in_the_name_finds_the_call,
		a_call_id_in_the_name_counts_when_the_call_begins_later,
		a_call_id_under_a_shared_name_says_nothing,
		a_name_without_grammar_is_nobodys,
		a_candidate_finds_the_allocation_that_is_there,
		a_candidate_waits_for_its_allocation,
		both_addresses_of_a_dual_allocation_count,
		the_same_port_of_the_other_protocol_is_another_address,
		nobody_claims_a_strangers_relay,
		only_members_of_the_live_call_are_heard,
		a_shared_name_is_claimed_from_the_members_own_address,
		a_members_new_address_is_tried_on_what_it_said,
		a_client_that_moved_is_tried_again,
		the_first_claim_stands,
		a_name_that_carries_a_call_is_claimed_by_no_other,
		an_address_that_is_used_again_is_claimed_anew,
		a_65th_candidate_is_refused,
		candidates_of_other_kinds_and_nonsense_are_counted,
		a_user_in_one_call_is_that_calls,
		a_user_who_enters_a_call_brings_its_allocations,
		a_user_in_two_calls_is_neithers,
		a_shared_name_is_never_a_user,
		who_only_says_to_be_alice_is_not,
		ids_are_compared_as_text,
		a_stronger_rule_takes_the_whole_totals_along,
		the_end_of_a_call_kills_what_is_its_own,
		what_may_serve_another_call_is_spared_until_that_ends,
		a_shared_name_is_cut_only_when_nobody_else_calls_from_its_address,
		what_a_member_had_ends_when_it_leaves,
		final_totals_count_after_the_call_ended,
		an_allocation_in_the_name_of_an_ended_call_is_killed,
		an_ended_call_claims_only_what_is_older_than_its_end,
		kills_are_asked_for_again_after_a_reconnect,
		a_late_end_of_another_epoch_makes_a_vanished_allocation_exact,
		a_late_end_that_is_not_exact_is_better_than_the_sample_and_says_so,
		an_end_never_seen_alive_counts_once_for_the_call_in_its_name,
		an_end_that_waited_while_a_later_one_was_told_counts,
		a_sum_behind_what_was_told_is_not_counted,
		whatever_the_connections_nothing_counts_twice,
		an_end_never_seen_alive_kills_nothing,
		what_vanished_into_a_sum_is_not_counted_again_by_its_late_end,
		a_sum_stands_for_the_vanished_allocations_of_its_call,
		a_sum_leaves_those_whose_own_ends_follow_it,
		a_sum_may_stand_for_more_than_one_epoch,
		a_sum_stands_for_what_the_snapshot_does_not_confirm,
		what_a_live_call_took_over_is_not_asked_for_again,
		a_forgotten_call_leaves_its_live_allocations,
		a_member_who_leaves_and_comes_back_is_one_participant,
		another_epoch_ends_everything_with_its_last_sample,
		a_snapshot_of_the_same_epoch_tells_what_is_gone,
		an_end_between_hello_and_synced_is_exact,
		signald_started_late_learns_from_the_snapshot,
		a_sample_after_the_end_changes_nothing,
		totals_above_32_bits_are_exact,
		a_saturated_total_is_not_exact,
		sums_per_participant_add_up_to_the_calls,
		a_full_table_folds_the_ended_and_refuses_the_live,
		a_participants_old_allocations_become_a_sum,
		what_was_claimed_or_freed_under_a_walk_is_not_met,
		walks_are_bounded,
		the_last_100_unattributed_are_listed_and_all_are_summed,
		calls_and_participants_have_a_limit,
		malformed_addresses_are_counted_and_harm_nothing,
		sixty_thousand_allocations_are_no_effort,
		without_memory_things_are_refused_and_nothing_breaks,
	};
	Suite *s = suite_create("usage");
	TCase *tc = tcase_create("all");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, a_walk_meets_each_allocation_once_while_others_come_and_go, 0, 50);
	return run_suite(s);
}
