/* traffic.c - ChannelData to the peers and back */
#include "traffic.h"

#include <string.h>

#define LOST_AFTER_NS 1000000000ull
#define HEADER 4
#define PADDING 3
#define TAG 8 /* bytes: number of the allocation, number of the packet */
#define PACKET_MAX 1400

static struct traffic {
	struct load *load;
	bool runs;
	struct alarm pace;
	uint64_t due_ns, interval_ns;
	size_t turn; /* whose packet is next */
	uint8_t packet[HEADER + PACKET_MAX + PADDING];
} t;

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void send_one(struct allocation *a)
{
	put32(t.packet + HEADER, a->index);
	put32(t.packet + HEADER + 4, a->flow.next_seq++);
	allocation_send(a, t.packet, t.load->o.size);
	a->flow.sent++;
}

static void fill_window(struct allocation *a, uint64_t now_ns)
{
	unsigned i;

	a->flow.last_ns = now_ns;
	for (i = 0; i < t.load->o.window; i++)
		send_one(a);
}

/* Never a burst to make good what was not sent in time: that would be another load. */
static void on_pace(struct alarm *alarm, uint64_t now_ns)
{
	struct load *l = t.load;

	if (!t.runs)
		return;
	send_one(&l->all[t.turn]);
	t.turn = (t.turn + 1) % l->opened;
	t.due_ns += t.interval_ns;
	if (t.due_ns + 100 * t.interval_ns < now_ns)
		t.due_ns = now_ns;
	reactor_alarm(l->owner.target.reactor, alarm, t.due_ns);
}

void traffic_begin(struct load *l)
{
	uint64_t now_ns = clock_ns();
	size_t i;

	t.load = l;
	t.runs = true;
	memset(t.packet, 0xa5, sizeof(t.packet));
	if (l->o.packets_rate) {
		t.pace.on_due = on_pace;
		t.interval_ns = 1000000000u / l->o.packets_rate;
		t.due_ns = now_ns;
		reactor_alarm(l->owner.target.reactor, &t.pace, now_ns);
		return;
	}
	for (i = 0; i < l->opened; i++)
		fill_window(&l->all[i], now_ns);
}

void traffic_stop(void)
{
	t.runs = false;
}

void traffic_look(struct load *l, uint64_t now_ns)
{
	size_t i;

	if (!t.runs || l->o.packets_rate)
		return;
	for (i = 0; i < l->opened; i++)
		if (now_ns > l->all[i].flow.last_ns + LOST_AFTER_NS)
			fill_window(&l->all[i], now_ns);
}

void traffic_take(struct allocation *a, const uint8_t *p, size_t n)
{
	uint32_t seq;

	if (n < TAG || get32(p) != a->index)
		return;
	seq = get32(p + 4);
	a->flow.received++;
	a->flow.last_ns = clock_ns();
	if (seq < a->flow.seen_seq)
		a->flow.late++;
	else
		a->flow.seen_seq = seq + 1;
	if (t.runs && !t.load->o.packets_rate)
		send_one(a);
}

struct traffic_sums traffic_sums(const struct load *l)
{
	struct traffic_sums sums = { 0 };
	size_t i;

	for (i = 0; i < l->opened; i++) {
		sums.sent += l->all[i].flow.sent;
		sums.received += l->all[i].flow.received;
		sums.late += l->all[i].flow.late;
	}
	return sums;
}
