/* ws_priv.h - between ws_io.c (what all connections share) and ws_conn.c (one) */
#ifndef WS_PRIV_H
#define WS_PRIV_H

#include <sys/epoll.h>

#include "timeq.h"
#include "transport/outq.h"
#include "transport/place.h"
#include "transport/stream.h"
#include "transport/ws_conn.h"
#include "transport/ws_frame.h"

#define WS_SCRATCH_BYTES 65536 /* one read of one connection */
#define WS_BATCH 256	       /* connections served before others are asked for */

struct event;

/* --- ws_conn.c --- */

enum ws_state {
	WS_WAITING, /* for the stream */
	WS_OPEN,
	WS_CLOSING, /* the handler is out; a Close frame goes or went */
	WS_DEAD,    /* freed at the next flush */
};

/* A control frame on its way; and, of a connection that closes, what it closes with, and when. */
struct ws_control {
	struct ws_conn *ws;
	struct timeq_node closing;
	uint16_t close_code;
	uint8_t n, sent; /* n 0: none */
	uint8_t bytes[2 + WS_CONTROL_MAX];
};

/* What has come of a header or a message that the network cut. */
struct ws_partial {
	struct ws_conn *ws;
	struct timeq_node deadline;
	struct ws_decoder decoder;
	size_t counted; /* bytes, in partial_bytes */
};

/* Ten thousand of them are idle: whatever is needed only while something is
 * under way hangs on a pointer. */
struct ws_conn {
	struct ws_io *io;
	const struct ws_handler *handler;
	void *ctx;
	struct outq_marks *marks;
	struct stream stream;
	struct outq out;
	struct ws_control *control;
	struct ws_partial *partial;
	struct ws_conn *work_next; /* dirty, or in line for another turn */
	struct ws_conn *prev, *next;
	uint32_t max_message;
	struct client_place place;
	uint8_t state : 2;     /* enum ws_state */
	bool attached : 1;     /* until then HTTP holds a pointer to us */
	bool working : 1;      /* work_next is in use */
	bool writing : 1;      /* epoll tells when there is room, too */
	bool more : 1;	       /* bytes wait inside the stream */
	bool close_queued : 1; /* the Close frame has been made */
	bool no_frame : 1;     /* or there will be none */
	bool peer_closed : 1;  /* the client's Close frame is in */
	bool shut : 1;	       /* it was the last thing we say */
	bool chatty : 1;       /* sent many small frames at once */
	bool reset : 1;	       /* not closed, but reset */
	bool failed : 1;       /* nothing the client says is of interest any more */
};

void ws_conn_ready(struct ws_conn *ws, uint32_t events); /* of epoll */
void ws_conn_flush(struct ws_conn *ws);			 /* write; may destroy */
void ws_conn_fail(struct ws_conn *ws, unsigned code);
void ws_conn_cut(struct ws_conn *ws); /* it has had its time; calls nobody */
void ws_conn_gone(struct ws_conn *ws, const char *reason);
void ws_conn_destroy(struct ws_conn *ws);

/* --- ws_io.c --- */

struct ws_work {
	struct ws_conn *first, **last;
};

struct ws_io {
	struct event_base *base;
	struct event *ready, *flush, *again, *sweep;
	int epoll;
	bool in_turn;	  /* a flush follows anyway */
	bool behind;	  /* more was ready than had its turn */
	bool coming_back; /* again is set */
	struct admission *admission;
	struct ws_conn *all;
	struct ws_work dirty, later;
	struct timeq closing, partial; /* both with one delay for all */
	struct ws_limits limits;
	struct ws_counters counters;
	struct epoll_event batch[WS_BATCH];
	unsigned batch_at, batch_n;
	uint8_t scratch[WS_SCRATCH_BYTES];
};

/* Write, or free, before the loop waits. */
void ws_io_dirty(struct ws_conn *ws);

/* Returns 0, -errno. */
int ws_io_watch(struct ws_conn *ws);
void ws_io_unwatch(struct ws_conn *ws);
void ws_io_watch_writing(struct ws_conn *ws, bool writing);

void ws_io_closing(struct ws_io *io, struct timeq_node *n);

/* A partial message has grown to so many bytes; the first time it gets its deadline. May give
 * up any connection that holds one. */
void ws_io_partial(struct ws_io *io, struct ws_partial *p, size_t bytes);
void ws_io_partial_progress(struct ws_io *io, struct ws_partial *p); /* a message is complete */
void ws_io_partial_gone(struct ws_io *io, struct ws_partial *p);

#endif
