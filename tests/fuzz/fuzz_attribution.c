/* fuzz_attribution.c - candidates as text, and any order of what calls and turnserver can say
 *
 * The input is read as one candidate, then as a program of small steps. A model keeps who made
 * which allocation and what it relayed; after each step must hold:
 * - every live allocation is listed exactly once, in one call or in none;
 * - no byte is lost or counted twice;
 * - nobody has a stranger's allocation, and a name that carries a call is in that call or in none;
 * - only what is live and not of a live call is killed one by one. */
#include <string.h>

#include "fuzz.h"
#include "relay/usage.h"

#define SLOTS 16 /* allocations at a time */
#define CALLS 4
#define USERS 4

static const struct usage_limits small = {
	.allocations = 12, .calls = 3, .participants = 3, .ended_listed = 2
};
static const char *const call_ids[CALLS] = { "AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB",
					     "CCCCCCCCCCCCCCCCCCCCCC", "DDDDDDDDDDDDDDDDDDDDDD" };
static const char *const users[USERS] = { "alice", "bob", "7", "app" };

struct slot {
	bool live, confirmed;
	unsigned life;	     /* ids are not used again within an epoch */
	unsigned user, call; /* call == CALLS: the name carries none */
	bool shared;
	unsigned address; /* 192.0.2.<address>, where user number <address> signals from */
	uint64_t sent;
};

static struct model {
	struct usage *u;
	struct slot slots[SLOTS];
	uint64_t settled; /* bytes of allocations that ended and are still reported */
	unsigned epoch;
	uint64_t now_ms;
} m;

struct input {
	const uint8_t *p, *end;
};

static unsigned take(struct input *in, unsigned below)
{
	return in->p < in->end ? *in->p++ % below : 0;
}

static struct slot *slot_of(const char *id)
{
	return &m.slots[strtoul(id, NULL, 10) % SLOTS];
}

static void id_of(char out[RELAY_ID_LEN + 1], const struct slot *s)
{
	snprintf(out, RELAY_ID_LEN + 1, "%u", s->life * SLOTS + (unsigned)(s - m.slots));
}

/* --- what must hold --------------------------------------------------------- */

static void check_owner(const struct usage_allocation *a, unsigned call, const char *participant)
{
	const struct slot *s = slot_of(a->id);
	char id[RELAY_ID_LEN + 1];

	id_of(id, s);
	if (!a->live)
		return;
	MUST(s->live && strcmp(id, a->id) == 0);
	MUST(a->totals.peer_sent_bytes == s->sent);
	if (a->by == ATTRIBUTION_NAME) {
		MUST(s->call == call && !s->shared);
	} else {
		MUST(s->call == CALLS || s->shared);
		MUST(a->by != ATTRIBUTION_NONE);
	}
	if (s->shared) {
		MUST(a->by == ATTRIBUTION_CANDIDATE);
		MUST(strcmp(users[s->address], participant) == 0);
	} else {
		MUST(strcmp(users[s->user], participant) == 0);
	}
}

static uint64_t check_call(unsigned call, uint64_t *live)
{
	struct usage_cursor c = usage_participants(m.u, call_ids[call]);
	struct usage_participant p;
	struct usage_allocation a;
	struct usage_sums sums;
	uint64_t sent = 0;

	while (usage_next_participant(&c, &p)) {
		sent += p.sums.totals.peer_sent_bytes;
		while (usage_next_allocation(&p.allocations, &a)) {
			*live += a.live;
			check_owner(&a, call, p.user_id);
		}
	}
	usage_call_sums(m.u, call_ids[call], &sums);
	MUST(sums.totals.peer_sent_bytes == sent);
	return sent;
}

static void check_all(void)
{
	struct usage_walk *w;
	struct usage_allocation a;
	struct usage_sums sums;
	uint64_t live = 0, model_live = 0, sent, model_sent = m.settled;

	usage_unlisted_sums(m.u, &sums);
	sent = sums.totals.peer_sent_bytes;
	MUST(usage_walk_new(&w, m.u) == 0);
	while (usage_walk_next(w, &a)) {
		live += a.live;
		sent += a.totals.peer_sent_bytes;
		MUST(a.by == ATTRIBUTION_NONE);
	}
	usage_walk_free(w);
	for (unsigned i = 0; i < CALLS; i++)
		sent += check_call(i, &live);
	for (unsigned i = 0; i < SLOTS; i++) {
		model_live += m.slots[i].live;
		model_sent += m.slots[i].live ? m.slots[i].sent : 0;
	}
	MUST(live == model_live && live == usage_live(m.u));
	MUST(sent == model_sent);
}

static void on_kill(void *arg, const struct usage_kill *k)
{
	(void)arg;
	MUST(!k->alloc != !k->call_id);
	if (k->alloc)
		MUST(slot_of(k->alloc)->live);
}

/* --- steps ------------------------------------------------------------------- */

static void settle(struct slot *s)
{
	m.settled += s->sent;
	s->live = false;
	s->life++;
}

static void fill(struct relay_allocation *a, const struct slot *s)
{
	unsigned i = (unsigned)(s - m.slots);

	id_of(a->id, s);
	snprintf(a->name, sizeof(a->name), "1700000000:%s%s%s", users[s->user],
		 s->call < CALLS ? ":" : "", s->call < CALLS ? call_ids[s->call] : "");
	snprintf(a->client, sizeof(a->client), "192.0.2.%u:5000", s->address);
	/* two slots have one address: it is used again while others remember it */
	snprintf(a->relayed, sizeof(a->relayed), "198.51.100.1:%u", 1000 + i / 2);
	if (i % 4 == 0)
		snprintf(a->relayed6, sizeof(a->relayed6), "[2001:db8::%u]:1000", i);
	else
		a->relayed6[0] = '\0';
	a->shared = s->shared;
	a->age_ms = s->sent % 100;
}

static void step_new(struct input *in)
{
	static struct relay_event ev;
	struct slot *s = &m.slots[take(in, SLOTS)];
	struct slot fresh = { .life = s->life, .live = true, .confirmed = true };

	fresh.user = take(in, USERS);
	fresh.call = take(in, CALLS + 1);
	fresh.shared = fresh.user == USERS - 1;
	fresh.address = take(in, USERS);
	if (s->live)
		return;
	*s = fresh;
	ev.type = RELAY_NEW;
	fill(&ev.alloc, s);
	if (usage_event(m.u, &ev, m.now_ms))
		s->live = false;
}

static void step_usage(struct input *in)
{
	static struct relay_event ev = { .type = RELAY_USAGE, .rows_n = 1 };
	struct slot *s = &m.slots[take(in, SLOTS)];

	id_of(ev.rows[0].id, s);
	ev.rows[0].totals.peer_sent_bytes = s->sent + take(in, 256);
	if (usage_event(m.u, &ev, m.now_ms) == 0 && s->live)
		s->sent = ev.rows[0].totals.peer_sent_bytes;
}

static void step_end(struct input *in)
{
	static struct relay_event ev = { .type = RELAY_END };
	struct slot *s = &m.slots[take(in, SLOTS)];

	id_of(ev.alloc.id, s);
	snprintf(ev.epoch, sizeof(ev.epoch), "%016x", m.epoch);
	ev.seq++;
	ev.exact = true;
	ev.totals.peer_sent_bytes = s->sent + take(in, 256);
	if (usage_event(m.u, &ev, m.now_ms))
		return;
	MUST(s->live);
	s->sent = ev.totals.peer_sent_bytes;
	settle(s);
}

static void say_hello(void)
{
	static struct relay_event ev = { .type = RELAY_HELLO };

	snprintf(ev.hello.epoch, sizeof(ev.hello.epoch), "%016x", m.epoch);
	usage_event(m.u, &ev, m.now_ms);
}

static void step_reconnect(struct input *in)
{
	static struct relay_event ev;
	bool restarted = take(in, 2);
	unsigned kept = take(in, 256);

	m.epoch += restarted;
	say_hello();
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &m.slots[i];

		if (!s->live)
			continue;
		if (restarted) {
			settle(s);
			s->life = 0; /* another turnserver counts anew */
			continue;
		}
		s->confirmed = kept >> (i % 8) & 1;
		if (!s->confirmed)
			continue;
		ev.type = RELAY_SNAP;
		fill(&ev.alloc, s);
		s->sent += i;
		ev.totals = (struct relay_totals){ .peer_sent_bytes = s->sent };
		usage_event(m.u, &ev, m.now_ms);
	}
	for (unsigned i = 0; restarted && i < SLOTS; i++)
		m.slots[i].life = 0;
	check_all();
	for (unsigned i = 0; i < SLOTS; i++)
		if (m.slots[i].live && !m.slots[i].confirmed)
			settle(&m.slots[i]);
	ev.type = RELAY_SYNCED;
	usage_event(m.u, &ev, m.now_ms);
}

static void step_begin(struct input *in)
{
	usage_call_begin(m.u, call_ids[take(in, CALLS)]);
}

static void step_member(struct input *in)
{
	unsigned call = take(in, CALLS), user = take(in, USERS);
	char address[32];

	snprintf(address, sizeof(address), "192.0.2.%u", user);
	usage_member(m.u, call_ids[call], users[user], address);
}

static void step_leave(struct input *in)
{
	unsigned call = take(in, CALLS);

	usage_member_leave(m.u, call_ids[call], users[take(in, USERS)]);
}

static void step_candidate(struct input *in)
{
	unsigned call = take(in, CALLS), user = take(in, USERS), i = take(in, SLOTS);
	char text[128];
	int n;

	if (take(in, 4))
		n = snprintf(text, sizeof(text), "candidate:1 1 udp 1 198.51.100.1 %u typ relay",
			     1000 + i / 2);
	else
		n = snprintf(text, sizeof(text), "candidate:1 1 udp 1 2001:db8::%u 1000 typ relay",
			     i);
	usage_candidate(m.u, call_ids[call], users[user], text, (size_t)n);
}

static void step_call_end(struct input *in)
{
	usage_call_end(m.u, call_ids[take(in, CALLS)], m.now_ms);
}

/* What ended is forgotten with its call; what lives stays. */
static void step_forget(struct input *in)
{
	const char *call = call_ids[take(in, CALLS)];
	struct usage_cursor c = usage_participants(m.u, call);
	struct usage_participant p;
	struct usage_allocation a;
	struct usage_sums sums;
	uint64_t live = 0;

	usage_call_sums(m.u, call, &sums);
	while (usage_next_participant(&c, &p))
		while (usage_next_allocation(&p.allocations, &a))
			live += a.live ? a.totals.peer_sent_bytes : 0;
	if (usage_call_forget(m.u, call, m.now_ms) == 0)
		m.settled -= sums.totals.peer_sent_bytes - live;
}

static void step_time(struct input *in)
{
	m.now_ms += take(in, 256);
}

static void (*const steps[])(struct input *) = {
	step_new,   step_usage,	    step_end,	   step_reconnect, step_begin, step_member,
	step_leave, step_candidate, step_call_end, step_forget,	   step_time,
};

/* --- */

static void check_text(const char *text, size_t n)
{
	struct address a;

	if (attribution_candidate_parse(&a, text, n) == 0)
		MUST(a.port && (a.protocol == ADDRESS_UDP || a.protocol == ADDRESS_TCP));
	if (address_parse(&a, text, n) == 0)
		MUST(n >= 4 && a.protocol == 0);
	if (address_parse_ip(&a, text, n) == 0)
		MUST(n >= 2 && a.port == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	check_text((const char *)data, size);
	memset(&m, 0, sizeof(m));
	m.now_ms = 1000;
	if (usage_new(&m.u, &small, on_kill, NULL))
		return 0;
	say_hello();
	for (unsigned i = 0; i < 2000 && in.p < in.end; i++) {
		steps[take(&in, sizeof(steps) / sizeof(steps[0]))](&in);
		check_all();
	}
	usage_free(m.u);
	return 0;
}
