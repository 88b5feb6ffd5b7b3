/* client.h - one Socket.IO client: Engine.IO 4 by WebSocket, by polling, or by polling and an
 * upgrade
 *
 * It connects, joins the namespace "/", sends its hello, and is ready at the
 * acknowledgement of that. Pings are answered. A client that is lost stays so
 * until it is told to try again. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "conn.h"
#include "http_answer.h"

#define CLIENT_HELLO_MAX 192

enum client_via { CLIENT_WEBSOCKET, CLIENT_POLLING, CLIENT_UPGRADE };
enum client_state { CLIENT_NEW, CLIENT_WAITS, CLIENT_OPENS, CLIENT_READY, CLIENT_LOST };

struct client;

struct client_handler {
	void (*on_ready)(struct client *c);
	/* An event or acknowledgement: the packet behind its "42" or "43". NULL: not wanted. */
	void (*on_packet)(struct client *c, const char *p, size_t n);
	/* The last POST was answered. NULL: not wanted. */
	void (*on_posted)(struct client *c);
	/* status: of the HTTP answer that was no success, 0: the connection ended. */
	void (*on_lost)(struct client *c, int status);
};

struct client {
	const struct client_handler *handler;
	struct target *target;
	void *owner;
	unsigned index; /* the owner's */
	enum client_via via;
	enum client_state state;
	struct conn ws, get, post;
	struct http_answer shaken, got, posted;
	char hello[CLIENT_HELLO_MAX]; /* Engine.IO packets, 0x1e between them */
	char sid[48];
	char *outbox; /* packets that wait for the POST under way */
	size_t outbox_n;
	bool polls, posts;	       /* a GET, a POST is under way */
	bool shook, probed, on_socket; /* 101 and "3probe" came; "5" was sent */
	bool acked;		       /* the hello was */
	unsigned life;		       /* another number after each client_close() */
	struct alarm alarm;	       /* CLIENT_WAITS: when to try again */
	unsigned attempts;	       /* since it was last ready */
	uint64_t opened_ns, ready_ns;
};

/* In place; hello and via are the caller's to fill in. */
void client_init(struct client *c, struct target *t, const struct client_handler *h, void *owner,
		 unsigned index);
/* Closes everything, and frees what it holds; can be opened again. */
void client_close(struct client *c);
void client_open(struct client *c);
/* After so long; on_lost may call it. */
void client_open_in(struct client *c, uint64_t ns);
/* As long as socket.io-client waits: 1 s, doubled each time, half of it more or less, 5 s at most.
 */
uint64_t client_backoff_ns(struct client *c, double random, bool longer);
/* One Engine.IO packet. */
void client_send(struct client *c, const char *packet, size_t n);
/* A frame made elsewhere, of a client on its WebSocket. */
void client_send_frames(struct client *c, const void *p, size_t n);
/* Read no more. */
void client_deafen(struct client *c);

#endif
