/* backend.h - questions to the messenger's own server
 *
 * Whose is this token, may this user call that one, who is in this group. Equal
 * questions share one request; answers are kept for a while; who does not
 * answer is left alone for a while (breaker.h), during which what was known
 * about groups and blocks stays good enough, up to an age. Decides only:
 * requests go out through struct backend_ops, time comes in. Loop thread only. */
#ifndef BACKEND_H
#define BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend_cache.h"
#include "backend_wire.h"
#include "breaker.h"
#include "calls/call.h"

struct backend;
struct backend_request; /* one question under way */
struct backend_ticket;	/* one who waits for its answer */

struct backend_ops {
	/* Send a question; backend_answered() follows once, later, unless it is
	 * cancelled. text is a loan. Returns 0 and *handle, or -errno. */
	int (*post)(struct backend_request *r, const char *text, size_t n, void **handle,
		    void *ctx);
	void (*cancel)(void *handle, void *ctx);

	/* backend_run() is wanted, soon, but not from in here. */
	void (*wake)(void *ctx);
	void *ctx;
};

struct backend_config {
	uint64_t keep_ms;     /* an answer is fresh: 60 s; 0: none is kept */
	uint64_t keep_bad_ms; /* the same for a no: 5 s, and never more than keep_ms */
	uint64_t stale_ms;    /* beyond that, while nobody answers; groups and blocks: 10 min */
	size_t waiting_max;   /* tickets: 32768 */
	struct breaker_config breaker;	   /* 5 failures, 2 s, 30 s */
	struct backend_cache_limits cache; /* 20000, 2000, 20000, 5000; 32 MB */
};
void backend_config_defaults(struct backend_config *cfg);

/* Returns 0 and the caller's *out, -ENOMEM, -EIO. cfg and ops are copied. */
int backend_new(struct backend **out, const struct backend_config *cfg,
		const struct backend_ops *ops);
void backend_free(struct backend *b); /* nobody is told; NULL is fine */

/* The answer is there. result: 0, -EACCES, -ENOENT as in struct backend_answer,
 * -EKEYEXPIRED (the token was that user's until its expires_s), or -EHOSTDOWN
 * with a NULL: the backend does not answer. a is a loan. Comes
 * once, from backend_run(); the ticket is gone by then. */
typedef void (*backend_fn)(int result, struct backend_answer *a, void *ctx);

/* Ask. Returns what fn would get when it is known already, with a reference in
 * *out where there is an answer (backend_answer_unref()); or -EAGAIN with the
 * loan *ticket: fn follows. -EHOSTDOWN stands for every way not to get one. */
int backend_ask(struct backend *b, const struct backend_question *q, backend_fn fn, void *ctx,
		struct call_time now, struct backend_answer **out, struct backend_ticket **ticket);

/* Is it known already, or asked? Then to ask it costs the server nothing. */
bool backend_is_known(struct backend *b, const struct backend_key *key, struct call_time now);

void backend_cancel(struct backend_ticket *t); /* fn does not come; NULL is fine */

/* What became of a request: error 0, status and body of the answer; else a
 * negative errno and why, for people. -EBUSY: it was not even sent. */
void backend_answered(struct backend_request *r, int error, const char *why, long status,
		      const char *text, size_t n, struct call_time now);

/* Tell some of those whose answer is there. True: to be called again, when
 * others have had their turn. */
bool backend_run(struct backend *b);

/* What stands for the question, to compare. Returns 0, -EIO. */
int backend_key(const struct backend *b, const struct backend_question *q, struct backend_key *out);

struct backend_counters {
	uint64_t asked;	      /* requests made */
	uint64_t known;	      /* questions answered from what is kept */
	uint64_t shared;      /* questions that joined a request under way */
	uint64_t bad_tokens;  /* answers */
	uint64_t failed;      /* requests without an answer */
	uint64_t garbage;     /* of those: there was one that could not be read */
	uint64_t stale;	      /* questions answered by what was known before */
	uint64_t unavailable; /* questions left without an answer */
	uint64_t opened;      /* times the breaker opened */
	uint64_t refused;     /* too many waiting or asked by one, or a question too long */
	uint64_t evicted;     /* answers that went before their time, for want of room */
};
void backend_refused(struct backend *b); /* count a question that was not even put */
const struct backend_counters *backend_counters(const struct backend *b);
const struct backend_cache *backend_answers(const struct backend *b); /* to look at */
bool backend_available(const struct backend *b);		      /* the breaker is closed */

#endif
