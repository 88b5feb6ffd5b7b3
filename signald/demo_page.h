/* demo_page.h - the demo page: its files, and who is online
 *
 * Served only where demo-dir is configured. The files are read once at start,
 * so that a request never waits for a disk. Loop thread only. */
#ifndef DEMO_PAGE_H
#define DEMO_PAGE_H

#include "socketio/sio_server.h"

struct demo_page;
struct http_request;

#define DEMO_USERS_MAX 256 /* shown; further ones can call, but are not listed */

/* Read dir's page, and the socket.io client beside it. Returns 0, -errno (with
 * the file's name in the log), -EFBIG, -ENFILE (too many files), -ENOMEM. */
int demo_page_new(struct demo_page **out, const char *dir, struct sio_server *srv);
void demo_page_free(struct demo_page *d); /* NULL is fine */

/* Route handlers: "/" (sends to the page), and everything below "/demo/";
 * ctx is the page. */
void demo_page_redirect(struct http_request *r, void *ctx);
void demo_page_get(struct http_request *r, void *ctx);

/* "demo:hello" {name} of a socket that has joined as user: show that user. It
 * is told with "demo:online" {users:[{userId,name}]}; with the next tick, as
 * all demo pages are, when that changed something. */
void demo_page_hello(struct demo_page *d, struct sio_socket *s, const char *user,
		     const struct sio_args *args);

/* The user's last socket is gone. */
void demo_page_offline(struct demo_page *d, const char *user);

/* Tell all demo pages what changed; to be called a few times a second. */
void demo_page_tick(struct demo_page *d);

struct demo_counters {
	uint64_t users_refused;
};
const struct demo_counters *demo_page_counters(const struct demo_page *d);

#endif
