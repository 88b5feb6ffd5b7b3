/* sio_priv.h - what sio_client.c and its two ways ask of each other */
#ifndef SIO_PRIV_H
#define SIO_PRIV_H

#include "http_client.h"
#include "sio_client.h"

#define SIO_PATH "/socket.io/?EIO=4&transport="
#define SIO_SID_MAX 64

struct sio_kept {
	char *event, *payload;
};

/* How packets travel. */
struct sio_way {
	/* Up to the open packet, which sio_packet() gets. */
	int (*open)(struct sio_client *c, uint64_t deadline_ms, struct client_error *err);
	int (*send)(struct sio_client *c, const char *packet, size_t n, uint64_t deadline_ms,
		    struct client_error *err);
	/* Wait for packets and give them to sio_packet(). */
	int (*receive)(struct sio_client *c, uint64_t deadline_ms, struct client_error *err);
	void (*close)(struct sio_client *c);
};
extern const struct sio_way sio_polling, sio_websocket;

struct sio_client {
	const struct sio_way *way;
	struct net_target to;
	const char *fault; /* of the certificate */
	char sid[SIO_SID_MAX + 1];
	bool joined, pinged;
	unsigned next_ack, awaited_ack;
	char *reply; /* to awaited_ack */
	struct sio_kept inbox[SIO_INBOX_MAX];
	size_t inbox_n;
	unsigned dropped;
	struct http_exchange *poll; /* polling: the GET under way */
	struct net *net;	    /* WebSocket, and what came over it */
	char *in;
	size_t in_n, in_size;
};

/* One Engine.IO packet from the server. Returns 0, -EACCES, -EPROTO, -ECONNRESET, -ENOMEM, with
 * *err filled. */
int sio_packet(struct sio_client *c, const char *p, size_t n, struct client_error *err);

#endif
