/* sio_echo_raw.h - the layers below Socket.IO, to be tried by themselves
 *
 *	/engine.io/	Engine.IO: every message comes back
 *	/ws/		WebSocket: every message comes back */
#ifndef SIO_ECHO_RAW_H
#define SIO_ECHO_RAW_H

struct echo_raw;
struct eio_config;
struct event_base;
struct http_server;

/* Both return 0 or -errno. */
int echo_raw_new(struct echo_raw **out, const struct eio_config *cfg);
int echo_raw_serve(struct echo_raw *e, struct http_server *http, struct event_base *base);

/* NULL is fine for both. */
void echo_raw_stop(struct echo_raw *e); /* before the HTTP server goes */
void echo_raw_free(struct echo_raw *e); /* after it */

#endif
