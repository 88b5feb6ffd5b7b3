/* ledger.c - a bounded queue, a worker that empties it onto the disk, and the way back
 *
 * What both threads touch is in struct shared, behind its worker's mutex. The journal belongs to
 * the worker from ledger_new() on. */
#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "turn_credential.h"
#include "worker.h"

#define LOG "ledger"
#define BATCH_BYTES (1 << 20)
#define GATHER_MS 100
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000
#define TIDY_MS 86400000

/* From the loop to the worker, which frees it. */
struct entry {
	struct entry *next;
	struct journal_position at;
	uint64_t ended_ms;
	size_t n;
	char line[];
};

struct shared {
	struct worker worker;
	struct entry *first, **end;
	size_t queued_n, queued_bytes; /* with those the worker is writing */
	struct journal_position durable;
	struct ledger_counters counters;
};

struct ledger {
	struct ledger_config config;
	struct shared shared;

	/* the worker's */
	struct journal *journal;
	char *batch;
	uint64_t tidy_at_ms; /* look at the journal's age */

	/* the loop's */
	bool taking; /* nothing was refused since ledger_begin() */
	struct journal_position durable;
	struct ledger_counters counters;
};

static uint64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- the worker ------------------------------------------------------------ */

/* Tell the loop; with the mutex. */
static void publish(struct ledger *l)
{
	const struct journal_counters *jc = journal_counters(l->journal);
	struct ledger_counters *c = &l->shared.counters;

	c->corrupt = jc->damaged;
	c->torn = jc->torn;
	c->compactions = jc->rewritten;
	c->expired = jc->expired;
	c->bytes = jc->bytes;
	worker_tell(&l->shared.worker);
}

/* Wait for a first record, then a moment for more. False: stopped, and nothing is left. */
static bool gather(struct ledger *l)
{
	struct shared *s = &l->shared;
	uint64_t until_ms = 0;

	while (!s->worker.stop) {
		uint64_t now_ms = worker_now_ms();

		if (s->queued_n >= JOURNAL_BATCH_MAX ||
		    (s->first && until_ms && now_ms >= until_ms))
			break;
		if (s->first && !until_ms)
			until_ms = now_ms + l->config.gather_ms;
		if (!s->first && now_ms >= l->tidy_at_ms)
			break;
		worker_wait_until(&s->worker, s->first ? until_ms : l->tidy_at_ms);
	}
	return s->first || !s->worker.stop;
}

/* How many of the queue's first records make a batch, with the mutex. They are of one epoch, so
 * that the last one written tells which of the others are there already. */
static size_t batch_size(const struct shared *s)
{
	const struct entry *e = s->first;
	size_t n = 0, bytes = 0;

	for (; e && n < JOURNAL_BATCH_MAX && bytes + e->n <= BATCH_BYTES; e = e->next, n++) {
		if (strcmp(e->at.epoch, s->first->at.epoch) != 0)
			break;
		bytes += e->n;
	}
	return n;
}

struct batch {
	size_t n;	    /* records of the queue */
	size_t fresh;	    /* those that are to be written */
	size_t bytes;	    /* of their lines */
	uint64_t oldest_ms; /* when the first of them ended */
};

/* Copy the lines of what is new; with the mutex. */
static void fill_batch(struct ledger *l, struct batch *b)
{
	const struct journal_positions *p = journal_positions(l->journal);
	const struct entry *e = l->shared.first;
	uint64_t last = 0;

	for (size_t i = 0; i < b->n; i++, e = e->next) {
		if ((b->fresh && e->at.seq <= last) || journal_positions_has(p, &e->at))
			continue;
		memcpy(l->batch + b->bytes, e->line, e->n);
		b->bytes += e->n;
		if (!b->fresh++ || e->ended_ms < b->oldest_ms)
			b->oldest_ms = e->ended_ms;
		last = e->at.seq;
	}
}

static void failed(struct ledger *l, int err)
{
	struct shared *s = &l->shared;

	if (!s->counters.failing)
		log_error(LOG,
			  "%s/%s cannot be written: %s; turnserver keeps what comes, trying again",
			  l->config.dir, JOURNAL_FILE, strerror(-err));
	s->counters.io_errors++;
	s->counters.failing = true;
	publish(l);
}

/* With the mutex, which is not held while the disk works. False: stopped before it succeeded. */
static bool write_batch(struct ledger *l, const struct batch *b)
{
	struct shared *s = &l->shared;
	uint32_t wait_ms = l->config.retry_min_ms;

	for (;;) {
		int ret;

		pthread_mutex_unlock(&s->worker.mutex);
		ret = b->bytes ? journal_append(l->journal, l->batch, b->bytes, b->oldest_ms) : 0;
		pthread_mutex_lock(&s->worker.mutex);
		if (!ret)
			break;
		failed(l, ret);
		if (s->worker.stop)
			return false;
		worker_back_off(&s->worker, wait_ms);
		wait_ms =
			wait_ms < l->config.retry_max_ms / 2 ? 2 * wait_ms : l->config.retry_max_ms;
	}
	if (s->counters.failing)
		log_info(LOG, "%s/%s can be written again", l->config.dir, JOURNAL_FILE);
	s->counters.failing = false;
	return true;
}

/* The batch is on disk: drop its records, with the mutex. */
static void settle_batch(struct ledger *l, size_t n)
{
	struct journal_positions *p = journal_positions(l->journal);
	struct shared *s = &l->shared;

	while (n--) {
		struct entry *e = s->first;

		if (journal_positions_has(p, &e->at)) {
			s->counters.duplicates++;
		} else {
			journal_positions_add(p, &e->at);
			s->counters.written++;
		}
		s->durable = e->at;
		s->queued_n--;
		s->queued_bytes -= e->n;
		s->first = e->next;
		free(e);
	}
	if (!s->first)
		s->end = &s->first;
	publish(l);
}

/* Write one batch of the queue; with the mutex. False: stopped before it could be written. */
static bool empty_queue(struct ledger *l)
{
	struct batch b = { .n = batch_size(&l->shared) };

	if (!b.n)
		return true;
	fill_batch(l, &b);
	if (!write_batch(l, &b))
		return false;
	settle_batch(l, b.n);
	return true;
}

/* With the mutex, which is not held while the disk works. */
static void tidy(struct ledger *l)
{
	struct shared *s = &l->shared;
	uint64_t now_ms = worker_now_ms();
	int ret;

	pthread_mutex_unlock(&s->worker.mutex);
	ret = journal_tidy(l->journal, now_ms >= l->tidy_at_ms, wall_ms());
	pthread_mutex_lock(&s->worker.mutex);
	if (now_ms >= l->tidy_at_ms)
		l->tidy_at_ms = now_ms + l->config.tidy_ms;
	if (ret) {
		s->counters.io_errors++;
		log_error(LOG, "%s/%s cannot be written anew: %s; it goes on growing",
			  l->config.dir, JOURNAL_FILE, strerror(-ret));
	}
	publish(l);
}

static void *work(void *arg)
{
	struct ledger *l = arg;

	pthread_mutex_lock(&l->shared.worker.mutex);
	tidy(l);
	while (gather(l)) {
		if (!empty_queue(l))
			break;
		if (!l->shared.worker.stop)
			tidy(l);
	}
	pthread_mutex_unlock(&l->shared.worker.mutex);
	return NULL;
}

/* --- the loop -------------------------------------------------------------- */

/* Copy what the worker published. */
static void take_news(struct ledger *l)
{
	uint64_t refused = l->counters.refused;

	pthread_mutex_lock(&l->shared.worker.mutex);
	l->durable = l->shared.durable;
	l->counters = l->shared.counters;
	l->counters.unacknowledged = l->shared.queued_n;
	pthread_mutex_unlock(&l->shared.worker.mutex);
	l->counters.refused = refused;
}

static void on_news(void *arg)
{
	struct ledger *l = arg;

	take_news(l);
	l->config.on_change(l->config.arg);
}

bool ledger_begin(struct ledger *l, struct journal_position *from)
{
	l->taking = ledger_room(l);
	*from = l->durable;
	return l->taking;
}

/* The call in the name of an end, unless signald knew better. */
static const char *call_of(const struct relay_event *ev, const char *call, struct turn_name *name)
{
	if (ev->type == RELAY_SUM)
		return NULL;
	if (call && *call)
		return call;
	if (ev->alloc.shared || turn_name_parse(ev->alloc.name, strlen(ev->alloc.name), name) < 0)
		return NULL;
	return name->call;
}

static int make_entry(struct entry **out, const struct relay_event *ev, const char *text, size_t n,
		      const char *call)
{
	char line[JOURNAL_LINE_MAX];
	struct turn_name name;
	int len;

	if ((ev->type != RELAY_END && ev->type != RELAY_SUM) || !*ev->epoch)
		return -EINVAL;
	len = journal_write_event(line, sizeof(line), text, n, call_of(ev, call, &name));
	if (len < 0)
		return -EINVAL;
	*out = malloc(sizeof(**out) + (size_t)len);
	if (!*out)
		return -ENOMEM;
	(*out)->next = NULL;
	memcpy((*out)->at.epoch, ev->epoch, sizeof((*out)->at.epoch));
	(*out)->at.seq = ev->seq;
	(*out)->ended_ms = ev->type == RELAY_END ? ev->ended_ms : ev->to_ms;
	(*out)->n = (size_t)len;
	memcpy((*out)->line, line, (size_t)len);
	return 0;
}

/* Half of the queue is enough when the disk refuses: turnserver keeps the rest. */
static int append(struct ledger *l, struct entry *e)
{
	struct shared *s = &l->shared;
	unsigned part = l->counters.failing ? 2 : 1;
	int ret = -ENOBUFS;

	pthread_mutex_lock(&s->worker.mutex);
	if (s->queued_n < LEDGER_RECORDS_MAX / part &&
	    s->queued_bytes + e->n <= LEDGER_BYTES_MAX / part) {
		*s->end = e;
		s->end = &e->next;
		s->queued_bytes += e->n;
		s->queued_n++;
		ret = 0;
		if (s->queued_n == 1 || s->queued_n == JOURNAL_BATCH_MAX)
			pthread_cond_signal(&s->worker.wake);
	}
	l->counters.unacknowledged = s->queued_n;
	pthread_mutex_unlock(&s->worker.mutex);
	return ret;
}

int ledger_push(struct ledger *l, const struct relay_event *ev, const char *line, size_t n,
		const char *call)
{
	struct entry *e;
	int ret = l->taking ? make_entry(&e, ev, line, n, call) : -ENOBUFS;

	if (!ret) {
		ret = append(l, e);
		if (ret)
			free(e);
	}
	if (ret) {
		l->counters.refused++;
		l->taking = false; /* what follows would hide that this one is missing */
	}
	return ret;
}

bool ledger_room(struct ledger *l)
{
	struct shared *s = &l->shared;
	bool room;

	pthread_mutex_lock(&s->worker.mutex);
	room = !s->counters.failing && s->queued_n < LEDGER_RECORDS_MAX / 2 &&
	       s->queued_bytes < LEDGER_BYTES_MAX / 2;
	pthread_mutex_unlock(&s->worker.mutex);
	return room;
}

struct journal_position ledger_durable(const struct ledger *l)
{
	return l->durable;
}

const struct ledger_counters *ledger_counters(const struct ledger *l)
{
	return &l->counters;
}

/* --- beginning and end ----------------------------------------------------- */

static void set_defaults(struct ledger_config *c)
{
	if (!c->gather_ms)
		c->gather_ms = GATHER_MS;
	if (!c->retry_min_ms)
		c->retry_min_ms = RETRY_MIN_MS;
	if (!c->retry_max_ms)
		c->retry_max_ms = RETRY_MAX_MS;
	if (!c->tidy_ms)
		c->tidy_ms = TIDY_MS;
}

int ledger_new(struct ledger **out, struct event_base *base, const struct ledger_config *config)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int ret;

	if (!l)
		return -ENOMEM;
	l->config = *config;
	l->shared.end = &l->shared.first;
	set_defaults(&l->config);
	ret = worker_init(&l->shared.worker, base, on_news, l);
	if (!ret)
		l->batch = malloc(BATCH_BYTES);
	if (!ret)
		ret = l->batch ? journal_open(&l->journal, config->dir, config->journal) : -ENOMEM;
	if (!ret) {
		l->shared.durable = journal_positions_first(journal_positions(l->journal));
		publish(l);
		take_news(l);
		ret = worker_start(&l->shared.worker, work, l);
	}
	if (ret) {
		ledger_free(l);
		return ret;
	}
	*out = l;
	return 0;
}

void ledger_free(struct ledger *l)
{
	struct entry *e;

	if (!l)
		return;
	worker_deinit(&l->shared.worker);
	while ((e = l->shared.first)) {
		l->shared.first = e->next;
		free(e);
	}
	journal_free(l->journal);
	free(l->batch);
	free(l);
}
