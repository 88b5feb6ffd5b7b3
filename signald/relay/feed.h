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

#include "relay_event.h"

struct event_base;
struct feed;

struct feed_callbacks {
	/* Every event but replies. ev is a loan until the callback returns. */
	void (*on_event)(void *arg, const struct relay_event *ev);
	/* The answer to a command; id as it was given when that was queued, error "" when ok. May
	 * be NULL. */
	void (*on_reply)(void *arg, uint64_t id, bool ok, const char *error);
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
};

/* Times, for tests; NULL in feed_new() means these defaults. */
struct feed_timing {
	uint32_t backoff_min_ms, backoff_max_ms; /* 200, 2000; each with up to 25 % jitter */
	uint32_t silence_ms; /* 10000: without a byte before the snapshot is complete */
};

/* Start connecting to the socket at path (copied), from the next turn of the loop on.
 * Returns 0, -EINVAL (path empty or too long for sun_path), -ENOMEM. */
int feed_new(struct feed **out, struct event_base *base, const char *path,
	     const struct feed_callbacks *cb, const struct feed_timing *timing);
void feed_free(struct feed *f); /* closes without on_state(); NULL is fine */

bool feed_connected(const struct feed *f); /* hello, sub and snapshot are through */
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
