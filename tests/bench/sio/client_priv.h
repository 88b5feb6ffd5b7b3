/* client_priv.h - what client.c, client_ws.c and client_polling.c ask of each other */
#ifndef BENCH_CLIENT_PRIV_H
#define BENCH_CLIENT_PRIV_H

#include "client.h"

#define PATH "/socket.io/?EIO=4&transport="
#define SEPARATOR '\x1e'

extern const struct conn_handler client_ws_conn, client_get_conn, client_post_conn;

/* One packet from the server, by whatever way. */
void client_packet(struct client *c, const char *p, size_t n);
void client_lose(struct client *c, int status);
void client_ws_send(struct client *c, const char *packet, size_t n);
void client_poll(struct client *c);
void client_post(struct client *c, const char *packet, size_t n);
/* Acknowledged, and if it is to be upgraded, upgraded. */
void client_look_whether_ready(struct client *c);
/* The polling side of an upgrade has come to rest: "5" may go. */
void client_switch(struct client *c);
/* The value of "key":"..." in the open packet. */
bool client_text_of(const char *p, size_t n, const char *key, char *out, size_t max);

#endif
