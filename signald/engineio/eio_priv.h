/* eio_priv.h - what eio_server.c, eio_session.c and eio_upgrade.c share */
#ifndef EIO_PRIV_H
#define EIO_PRIV_H

#include "table.h"

#include "engineio/eio_packet.h"
#include "engineio/eio_server.h"
#include "timeq.h"
#include "transport/frame.h"
#include "transport/outq.h"

#define EIO_NOOP_GAP_MS 100 /* polls released per session while it upgrades */

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

struct eio_session {
	struct eio_server *srv;
	char sid[EIO_SID_LEN + 1];
	uint8_t state;	/* enum eio_state */
	bool polling;	/* the transport is polling, else ws */
	bool posting;	/* a POST is being received */
	bool dirty;	/* in the server's list for the next flush */
	bool by_client; /* the client asked to close */
	bool cut;	/* end the WebSocket without ceremony */
	bool malformed; /* the client sent what is no packet */
	bool linger;	/* ended by the application: a last GET may fetch the queue */
	bool noop;	/* answer the poll now even with nothing in the queue */
	const char *reason;
	void *data; /* the application's */
	void *poll; /* the endpoint's pending GET */
	void *ws;   /* the endpoint's WebSocket */
	struct eio_probe *probe;
	struct outq out;	 /* while polling */
	struct timeq_node timer; /* in one of pings, pongs, lingering */
	struct eio_session *dirty_next;
	UT_hash_handle hh;
};

struct eio_server {
	struct eio_config cfg;
	struct eio_handler handler;
	struct eio_link link;
	struct eio_counters counters;
	struct outq_marks marks;
	struct eio_session *sessions; /* by sid */
	struct eio_session *dirty_first, **dirty_last;
	struct timeq pings;	/* a ping is to be sent */
	struct timeq pongs;	/* a pong is waited for */
	struct timeq lingering; /* closed, waiting for a last GET */
	struct timeq probes;	/* upgrades that must end */
	struct timeq releases;	/* polls to be released while upgrading */
	struct frame *ping;	/* one for everybody */
	char *payload;		/* scratch of the flush under way */
	bool stopped;
};

/* eio_session.c */
struct eio_session *eio_session_new(struct eio_server *srv, bool polling, uint64_t now_ms);
void eio_session_free(struct eio_session *s); /* no callbacks */
void eio_session_dirty(struct eio_session *s);
void eio_session_end(struct eio_session *s, const char *reason, bool cut);
void eio_session_parse_error(struct eio_session *s);
/* Returns as eio_send(); also for packets that are no messages. */
int eio_session_push(struct eio_session *s, struct frame *f, bool is_volatile);
void eio_session_packet(struct eio_session *s, const char *p, size_t n, uint64_t now_ms);
void eio_session_flush(struct eio_session *s, uint64_t now_ms); /* may free it */

/* eio_upgrade.c */
void eio_probe_drop(struct eio_session *s, unsigned code); /* back to polling alone */
void eio_probe_gone(struct eio_session *s);		   /* the WebSocket is closed already */
void eio_probe_message(struct eio_session *s, bool binary, const char *p, size_t n,
		       uint64_t now_ms);
void eio_probe_poll(struct eio_session *s, uint64_t now_ms); /* a GET came meanwhile */
void eio_probe_tick(struct eio_server *srv, uint64_t now_ms);

#endif
