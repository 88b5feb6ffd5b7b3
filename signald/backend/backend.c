/* backend.c - questions, who waits for them, and what happens when nobody answers
 *
 * A request is asked (under its key, so that equal questions find it) until it
 * was answered, then it is told: its tickets are served in backend_run(). */
#include "backend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "log.h"
#include "table.h"

#define LOG "backend"
#define TELL_GARBAGE_MS 60000
#define TOLD_AT_ONCE 64 /* tickets: each may start a call */

struct backend_ticket {
	struct backend_request *r;
	backend_fn fn;
	void *ctx;
	struct backend_ticket *prev, *next;
};

struct backend_request {
	struct backend *b;
	struct backend_key key;
	enum backend_ask ask;
	bool probe;
	void *handle; /* while asked */
	struct backend_answer *answer;
	int result; /* -EAGAIN: asked */
	bool stale; /* the answer is what was known before */
	struct backend_ticket *tickets;
	struct backend_request *prev, *next; /* told */
	UT_hash_handle hh;		     /* asked */
};

struct backend {
	struct backend_config cfg;
	struct backend_ops ops;
	struct backend_cache *cache;
	struct breaker breaker;
	struct backend_request *asked, *told;
	size_t tickets_n;
	struct json_out out;
	uint64_t told_garbage_ms; /* 0: never */
	struct backend_counters counters;
};

void backend_config_defaults(struct backend_config *cfg)
{
	*cfg = (struct backend_config){
		.keep_ms = 60000,
		.keep_bad_ms = 5000,
		.stale_ms = 600000,
		.waiting_max = 32768,
		.breaker = { .failures = 5, .open_ms = 2000, .open_max_ms = 30000 },
		.cache = { .entries_max = { [BACKEND_KIND_IDENTITY] = 20000,
					    [BACKEND_KIND_BAD_TOKEN] = 2000,
					    [BACKEND_KIND_MAY_CALL] = 20000,
					    [BACKEND_KIND_MEMBERS] = 5000 },
			   .bytes_max = 32 << 20 },
	};
}

int backend_new(struct backend **out, const struct backend_config *cfg,
		const struct backend_ops *ops)
{
	struct backend *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->cfg = *cfg;
	b->ops = *ops;
	breaker_init(&b->breaker, &cfg->breaker);
	json_out_heap(&b->out, BACKEND_QUESTION_BYTES_MAX);
	r = backend_cache_new(&b->cache, &cfg->cache);
	if (r) {
		backend_free(b);
		return r;
	}
	*out = b;
	return 0;
}

/* --- tickets and requests ------------------------------------------------- */

void backend_cancel(struct backend_ticket *t)
{
	if (!t)
		return;
	DL_DELETE(t->r->tickets, t);
	t->r->b->tickets_n--;
	free(t);
}

/* It is in neither table nor list any more. */
static void request_free(struct backend_request *r)
{
	while (r->tickets)
		backend_cancel(r->tickets);
	backend_answer_unref(r->answer);
	free(r);
}

void backend_free(struct backend *b)
{
	struct backend_request *r, *next;

	if (!b)
		return;
	HASH_ITER (hh, b->asked, r, next) {
		b->ops.cancel(r->handle, b->ops.ctx);
		HASH_DEL(b->asked, r);
		request_free(r);
	}
	while ((r = b->told)) {
		DL_DELETE(b->told, r);
		request_free(r);
	}
	backend_cache_free(b->cache);
	json_out_free(&b->out);
	free(b);
}

static int join(struct backend_request *r, backend_fn fn, void *ctx, struct backend_ticket **out)
{
	struct backend *b = r->b;
	struct backend_ticket *t;

	if (b->tickets_n >= b->cfg.waiting_max)
		return -ENOSPC;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct backend_ticket){ .r = r, .fn = fn, .ctx = ctx };
	DL_APPEND(r->tickets, t);
	b->tickets_n++;
	*out = t;
	return 0;
}

/* --- asking --------------------------------------------------------------- */

/* What was written may hold a token. */
static int post(struct backend *b, struct backend_request *r, const struct backend_question *q)
{
	int rc;

	json_out_reset(&b->out);
	rc = backend_question_write(&b->out, q);
	if (!rc)
		rc = b->ops.post(r, b->out.p, b->out.n, &r->handle, b->ops.ctx);
	if (b->out.p)
		explicit_bzero(b->out.p, b->out.n);
	if (rc == -E2BIG || rc == -EINVAL)
		b->counters.refused++;
	return rc;
}

static int request_new(struct backend *b, const struct backend_question *q,
		       const struct backend_key *key, bool probe, struct backend_request **out)
{
	struct backend_request *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	*r = (struct backend_request){
		.b = b, .key = *key, .ask = q->ask, .probe = probe, .result = -EAGAIN
	};
	HASH_ADD(hh, b->asked, key, sizeof(r->key), r);
	if (!r->hh.tbl) {
		free(r);
		return -ENOMEM;
	}
	rc = post(b, r, q);
	if (rc) {
		HASH_DEL(b->asked, r);
		free(r);
		return rc;
	}
	b->counters.asked++;
	*out = r;
	return 0;
}

static int request_get(struct backend *b, const struct backend_question *q,
		       const struct backend_key *key, struct call_time now,
		       struct backend_request **out)
{
	bool probe;
	int rc;

	HASH_FIND(hh, b->asked, key, sizeof(*key), *out);
	if (*out) {
		b->counters.shared++;
		return 0;
	}
	if (!breaker_admit(&b->breaker, now.now_ms, &probe))
		return -EHOSTDOWN;
	rc = request_new(b, q, key, probe, out);
	if (rc)
		breaker_withdrawn(&b->breaker, probe);
	return rc;
}

/* A token may have run out since it was looked at. */
static int result_of(const struct backend_answer *a, struct call_time now)
{
	return a->expires_s && a->expires_s <= now.wall_ms / 1000 ? -EKEYEXPIRED : a->result;
}

static int give(struct backend_answer *a, struct call_time now, struct backend_answer **out)
{
	*out = backend_answer_ref(a);
	return result_of(a, now);
}

int backend_ask(struct backend *b, const struct backend_question *q, backend_fn fn, void *ctx,
		struct call_time now, struct backend_answer **out, struct backend_ticket **ticket)
{
	struct backend_request *r;
	struct backend_answer *a;
	struct backend_key key;
	bool fresh;
	int rc;

	*out = NULL;
	if (backend_key_of(b->cache, q, &key) < 0)
		return -EHOSTDOWN;
	a = backend_cache_find(b->cache, &key, now.now_ms, &fresh);
	if (fresh) {
		b->counters.known++;
		return give(a, now, out);
	}
	rc = request_get(b, q, &key, now, &r);
	if (!rc)
		rc = join(r, fn, ctx, ticket);
	if (!rc)
		return -EAGAIN;
	b->counters.refused += rc == -ENOSPC;
	if (a) {
		b->counters.stale++;
		return give(a, now, out);
	}
	/* A token that nobody could have been given. */
	if (q->ask == BACKEND_AUTHENTICATE && (rc == -E2BIG || rc == -EINVAL))
		return -EACCES;
	b->counters.unavailable++;
	return -EHOSTDOWN;
}

bool backend_is_known(struct backend *b, const struct backend_key *key, struct call_time now)
{
	struct backend_request *r;
	bool fresh;

	HASH_FIND(hh, b->asked, key, sizeof(*key), r);
	backend_cache_find(b->cache, key, now.now_ms, &fresh);
	return r || fresh;
}

/* --- answers -------------------------------------------------------------- */

/* How long it is good, from now on. What has run out already is a bad token. */
static uint64_t keep_for_ms(const struct backend *b, const struct backend_answer *a,
			    struct call_time now)
{
	const uint64_t keep_ms = b->cfg.keep_ms;
	const uint64_t bad_ms = keep_ms < b->cfg.keep_bad_ms ? keep_ms : b->cfg.keep_bad_ms;
	const int64_t left_s = a->expires_s - now.wall_ms / 1000;

	if (a->result || (a->expires_s && left_s <= 0))
		return bad_ms;
	if (!a->expires_s || (uint64_t)left_s > keep_ms / 1000)
		return keep_ms;
	return (uint64_t)left_s * 1000;
}

static void keep(struct backend_request *r, struct call_time now)
{
	struct backend *b = r->b;
	const enum backend_kind kind = backend_kind_of(r->ask, r->answer);
	const uint64_t fresh_ms = now.now_ms + keep_for_ms(b, r->answer, now);
	const bool may_be_stale = r->ask != BACKEND_AUTHENTICATE;

	if (fresh_ms > now.now_ms)
		backend_cache_put(b->cache, &r->key, kind, r->answer, fresh_ms,
				  fresh_ms + (may_be_stale ? b->cfg.stale_ms : 0));
	b->counters.evicted = backend_cache_evicted(b->cache);
}

static void answered_well(struct backend_request *r, struct backend_answer *a, struct call_time now)
{
	struct backend *b = r->b;

	r->answer = a;
	r->result = result_of(a, now);
	b->counters.bad_tokens += r->ask == BACKEND_AUTHENTICATE && r->result != 0;
	keep(r, now);
	if (breaker_success(&b->breaker))
		log_info(LOG, "answers again");
}

/* What a server says that has too much to do, or a proxy whose server is away (RFC 9110 section
 * 15.6, RFC 6585 section 4). */
static bool is_overloaded(long status)
{
	return status == 429 || (status >= 502 && status <= 504);
}

/* A server that says something in time, whatever it is, is there. Anybody can bring a token that
 * makes it say what is no answer: that must not keep the others from being asked about. */
static bool is_servers(int error, long status)
{
	if (error == -EBUSY || error == -ENOMEM)
		return false;
	return status == 0 || error == -ETIMEDOUT || is_overloaded(status);
}

static void tell_garbage(struct backend *b, const char *why, struct call_time now)
{
	if (b->told_garbage_ms && now.now_ms < b->told_garbage_ms + TELL_GARBAGE_MS)
		return;
	b->told_garbage_ms = now.now_ms;
	log_warn(LOG, "says what is no answer (%s); not told again for a minute", why);
}

/* Its failure is the server's unless it was ours, or the question's. */
static void not_answered(struct backend_request *r, int error, const char *why, long status,
			 struct call_time now)
{
	struct backend *b = r->b;
	struct backend_answer *a;
	bool fresh;

	b->counters.failed++;
	if (!is_servers(error, status)) {
		breaker_withdrawn(&b->breaker, r->probe);
		if (status)
			tell_garbage(b, why, now);
	} else if (breaker_failure(&b->breaker, r->probe, now.now_ms)) {
		b->counters.opened++;
		log_warn(LOG, "does not answer (%s); asked again in %" PRIu64 " s", why,
			 b->breaker.open_for_ms / 1000);
	}
	a = backend_cache_find(b->cache, &r->key, now.now_ms, &fresh);
	r->answer = a ? backend_answer_ref(a) : NULL;
	r->result = a ? result_of(a, now) : -EHOSTDOWN;
	r->stale = a != NULL;
}

static const char *say_status(char out[32], long status)
{
	snprintf(out, 32, "HTTP status %ld", status);
	return out;
}

void backend_answered(struct backend_request *r, int error, const char *why, long status,
		      const char *text, size_t n, struct call_time now)
{
	char text_of_status[32];
	struct backend *b = r->b;
	struct backend_answer *a;

	HASH_DEL(b->asked, r);
	r->handle = NULL;
	if (!error) {
		error = backend_answer_read(&a, r->ask, status, text, n);
		b->counters.garbage += error == -EPROTO || error == -E2BIG;
		why = status == 200 ? "not as PROTOCOL.md has it"
				    : say_status(text_of_status, status);
	}
	if (!error)
		answered_well(r, a, now);
	else
		not_answered(r, error, why, status, now);
	if (!r->tickets) {
		request_free(r);
		return;
	}
	DL_APPEND(b->told, r);
	b->ops.wake(b->ops.ctx);
}

static void tell_first(struct backend *b, struct backend_request *r)
{
	struct backend_ticket *t = r->tickets;
	struct backend_answer *a = r->answer ? backend_answer_ref(r->answer) : NULL;
	const int result = r->result;
	const backend_fn fn = t->fn;
	void *ctx = t->ctx;

	b->counters.stale += r->stale;
	b->counters.unavailable += result == -EHOSTDOWN;
	backend_cancel(t);
	fn(result, a, ctx); /* may ask, and cancel others */
	backend_answer_unref(a);
}

bool backend_run(struct backend *b)
{
	for (int n = 0; b->told && n < TOLD_AT_ONCE;) {
		struct backend_request *r = b->told;

		if (r->tickets) {
			tell_first(b, r);
			n++;
			continue;
		}
		DL_DELETE(b->told, r);
		request_free(r);
	}
	return b->told != NULL;
}

void backend_refused(struct backend *b)
{
	b->counters.refused++;
}

const struct backend_counters *backend_counters(const struct backend *b)
{
	return &b->counters;
}

int backend_key(const struct backend *b, const struct backend_question *q, struct backend_key *out)
{
	return backend_key_of(b->cache, q, out);
}

const struct backend_cache *backend_answers(const struct backend *b)
{
	return b->cache;
}

bool backend_available(const struct backend *b)
{
	return b->breaker.state == BREAKER_CLOSED;
}
