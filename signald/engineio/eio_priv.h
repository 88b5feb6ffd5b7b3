/* eio_priv.h - what the files of eio_server.h share */
#ifndef EIO_PRIV_H
#define EIO_PRIV_H

#include "client_address.h"
#include "engineio/eio_packet.h"
#include "engineio/eio_server.h"
#include "engineio/eio_table.h"
#include "timeq.h"
#include "transport/frame.h"
#include "transport/outq.h"

#define EIO_NOOP_GAP_MS 100 /* polls released per session while it upgrades */
#define EIO_TICK_MAX 32	    /* sessions one tick deals with, of each kind */
#define EIO_RETRY_S 1	    /* when nobody knows better */

enum eio_state {
	EIO_RUNNING,
	EIO_CLOSING,  /* at the next flush */
	EIO_REPORTED, /* on_close is over; lingers for a last GET, or is freed */
};

/* A WebSocket that wants to take over from polling. */
struct eio_probe {
	struct eio_session *s;
	void *ws;
	bool answered;		    /* 2probe came, 3probe went */
	struct timeq_node deadline; /* for the whole upgrade */
	struct timeq_node release;  /* no poll is answered with a noop before */
};

/* What a session has more while it polls. */
struct eio_polling {
	void *poll; /* the endpoint's pending GET */
	bool noop;  /* answer the poll now even with nothing in the queue */
	struct eio_probe *probe;
	struct outq out;
};

/* There are many of these, most of them idle: the order leaves no holes. */
struct eio_session {
	struct eio_server *srv;
	struct eio_session *next; /* in its bucket of the table */
	struct eio_session *dirty_next;
	void *data;		     /* the application's */
	struct eio_polling *polling; /* NULL: the transport is ws */
	void *ws;		     /* the endpoint's WebSocket; NULL: gone, or polling */
	const char *reason;
	struct timeq_node timer; /* in one of pings, pongs, lingering */
	char sid[EIO_SID_LEN];	 /* not ended by a NUL */
	struct client_address from;
	uint8_t state;	    /* enum eio_state */
	bool pinged : 1;    /* a pong is waited for: timer is in pongs */
	bool posting : 1;   /* a POST is being received */
	bool dirty : 1;	    /* in the server's list for the next flush */
	bool by_client : 1; /* the client asked to close */
	bool cut : 1;	    /* end the WebSocket without ceremony */
	bool malformed : 1; /* the client sent what is no packet */
	bool linger : 1;    /* ended by the application: a last GET may fetch the queue */
	bool admitted : 1;  /* admission counts it */
	bool limited : 1;   /* for from */
};

struct eio_drain {
	uint64_t from_ms, window_ms;
	uint64_t total, ended; /* sessions: at the start, told to go since */
	size_t bucket;	       /* of the table: those before are empty, or are being ended */
	uint64_t done_ms;      /* when done is called; 0: there are some left */
	void (*done)(void *ctx);
	void *ctx;
};

struct eio_server {
	struct eio_config cfg;
	struct eio_handler handler;
	struct eio_link link;
	struct eio_counters counters;
	struct outq_marks marks;
	struct eio_table sessions;
	struct eio_session *dirty_first, **dirty_last;
	struct timeq pings;	/* a ping is to be sent */
	struct timeq pongs;	/* a pong is waited for */
	struct timeq lingering; /* closed, waiting for a last GET */
	struct timeq probes;	/* upgrades that must end */
	struct timeq releases;	/* polls to be released while upgrading */
	struct frame *ping;	/* one for everybody */
	struct eio_drain drain;
	bool stopped;
};

/* eio_session.c */
struct eio_session *eio_session_new(struct eio_server *srv, bool polling, uint64_t now_ms);
void eio_session_free(struct eio_session *s);	/* no callbacks */
void eio_session_forget(struct eio_session *s); /* one that lingers: nobody need come any more */
void eio_session_dirty(struct eio_session *s);
void eio_session_end(struct eio_session *s, const char *reason, bool cut);
void eio_session_parse_error(struct eio_session *s);
void eio_session_timeout(struct eio_session *s); /* no pong came */
/* Returns as eio_send(); also for packets that are no messages. */
int eio_session_push(struct eio_session *s, struct frame *f, bool is_volatile);
void eio_session_packet(struct eio_session *s, const char *p, size_t n, uint64_t now_ms);
void eio_session_flush(struct eio_session *s, uint64_t now_ms); /* may free it */

/* eio_polling.c */
int eio_polling_new(struct eio_session *s);
void eio_polling_free(struct eio_session *s); /* its probe, too; fine without */
int eio_polling_push(struct eio_session *s, struct frame *f, bool is_volatile);
void eio_polling_flush(struct eio_session *s);
/* True: nothing more is to come, the session may go. */
bool eio_polling_end(struct eio_session *s, uint64_t now_ms);

/* eio_upgrade.c */
void eio_probe_drop(struct eio_session *s, unsigned code); /* back to polling alone */
void eio_probe_gone(struct eio_session *s);		   /* the WebSocket is closed already */
void eio_probe_message(struct eio_session *s, bool binary, const char *p, size_t n,
		       uint64_t now_ms);
void eio_probe_poll(struct eio_session *s, uint64_t now_ms); /* a GET came meanwhile */
bool eio_probe_outlives(const struct eio_session *s); /* its client may fetch the end by it */
bool eio_probe_tick(struct eio_server *srv, uint64_t now_ms); /* true: there is more */

/* eio_drain.c */
void eio_server_end(struct eio_session *s);		      /* "server shutting down" */
bool eio_drain_tick(struct eio_server *srv, uint64_t now_ms); /* true: there is more */
uint64_t eio_drain_next(const struct eio_server *srv);	      /* ms; 0: none */

static inline struct eio_probe *eio_session_probe(const struct eio_session *s)
{
	return s->polling ? s->polling->probe : NULL;
}

#endif
