/* feed.h - the client of turnserver's admin socket
 *
 * Connects to the Unix socket, reads the hello, subscribes, hands on events, sends commands; and
 * connects again, 0.2 to 2 s later, whenever something ends or is not as it should be. A peer of
 * another protocol major is told so in the log once and asked again every 2 s or so.
 * What the events mean is usage.h's business. Loop thread only; nothing here waits. */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "journal_line.h"
#include "relay_event.h"

struct event_base;
struct feed;

#define FEED_PROBLEM_MAX 192 /* bytes */

struct feed_callbacks {
	/* Every event but replies. ev is a loan until the callback returns. */
	void (*on_event)(void *arg, const struct relay_event *ev);
	/* The answer to a command; id as it was given when that was queued, error "" when ok. May
	 * be NULL. */
	void (*on_reply)(void *arg, uint64_t id, bool ok, const char *error);
	/* For a feed that is the ledger of this turnserver; both NULL: it is not.
	 * on_subscribe: the records behind *from (epoch "": all) are wanted; or false: not now,
	 * until feed_resume(). on_record: an end or a sum, as it came in line, before on_event()
	 * sees it. Returns 0 (taken), 1 (taken, and read nothing more until feed_resume(), which
	 * is waited for a while; then the connection begins anew), or below 0: not taken, and the
	 * connection begins anew. */
	bool (*on_subscribe)(void *arg, struct journal_position *from);
	int (*on_record)(void *arg, const struct relay_event *ev, const char *line, size_t n);
	/* True after on_event() has seen RELAY_SYNCED; false when the connection is lost. */
	void (*on_state)(void *arg, bool connected);
	void *arg;
};
/* The callbacks may call feed_kill_alloc(), feed_revoke_call() and the getters, not feed_free(). */

struct feed_counters {
	uint64_t connects;	      /* hellos accepted */
	uint64_t connect_failures;    /* no socket, nobody there, nothing said in time */
	uint64_t lost;		      /* connections that ended after the hello */
	uint64_t malformed, overlong; /* lines; each ends the connection */
	uint64_t other_major;
	uint64_t lines;		  /* read */
	uint64_t samples_skipped; /* by turnserver, because we read too slowly; this connection */
	uint64_t commands_sent, commands_refused; /* refused: by the other side */
	uint64_t commands_dropped;		  /* no connection, or the output queue is full */
	uint64_t paused;			  /* times the ledger was too slow */
	uint64_t ledger_refused;		  /* by turnserver: there is another one */
};

/* Times, for tests; NULL in feed_new() means these defaults. */
struct feed_timing {
	uint32_t backoff_min_ms, backoff_max_ms; /* 200, 2000; each with up to 25 % jitter */
	uint32_t silence_ms; /* 10000: without a byte before the snapshot is complete */
	uint32_t ledger_ms;  /* 60000: ask again to be the ledger, if not for good refused */
	uint32_t pause_ms;   /* 10000: wait for feed_resume() before the connection begins anew */
};

/* Start connecting to the socket at path (copied), from the next turn of the loop on.
 * Returns 0, -EINVAL (path empty or too long for sun_path), -ENOMEM. */
int feed_new(struct feed **out, struct event_base *base, const char *path,
	     const struct feed_callbacks *cb, const struct feed_timing *timing);
void feed_free(struct feed *f); /* closes without on_state(); NULL is fine */

/* All records up to this one are kept: turnserver may forget them. Does nothing where that was said
 * already, or this connection is not the ledger's. */
void feed_ack(struct feed *f, const struct journal_position *at);

/* on_record() takes more again: go on reading, or become the ledger. */
void feed_resume(struct feed *f);

/* on_record() will take nothing for a while: listen like anybody else until feed_resume(), by a new
 * connection on which on_subscribe() says no. Figures do not wait for a disk. */
void feed_leave_ledger(struct feed *f);

bool feed_connected(const struct feed *f); /* hello, sub and snapshot are through */

/* The hello of the turnserver that is connected, a loan for this turn of the loop; NULL: none. */
const struct relay_hello *feed_peer(const struct feed *f);

/* Why turnserver is there and yet not served as it should be, and what to do about it, one line:
 * another major, or no right to command. NULL: nothing of the kind. A loan as feed_peer(). */
const char *feed_problem(const struct feed *f);
const struct feed_counters *feed_counters(const struct feed *f);

/* Ask turnserver to refuse the call's name until then (seconds since 1970) and to end all
 * allocations that carry it; or to end one allocation. *id, never 0, is what on_reply() will be
 * given. Possible from the hello on. Returns 0 (queued), -EINVAL (an id against the grammar),
 * -ENOTCONN, -ENOBUFS (16 MB wait: the reader is dead, the connection will be closed), -ENOMEM
 * (closed as well: what is lost is asked for again after the next snapshot). */
int feed_revoke_call(struct feed *f, const char *call_id, int64_t until_s, const char *reason,
		     uint64_t *id);
int feed_kill_alloc(struct feed *f, const char *id, const char *reason);

#endif
