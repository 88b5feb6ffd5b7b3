/* call_wait.h - what a socket sends while one of its events waits for an answer
 *
 * An event whose handler has to ask somebody (who is this token? who is in the
 * group?) is kept at the head of its socket's line; everything the socket sends
 * meanwhile queues behind it, so that events are handled in the order they were
 * sent in. A line is there only while it is needed. Lines are bounded in events
 * and bytes, and all of them together in bytes. What is dropped is wiped: it
 * may hold a token. Pure; loop thread only. */
#ifndef CALL_WAIT_H
#define CALL_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"

struct call_socket;
struct call_wait; /* all lines */

struct call_wait_limits {
	size_t events_max;	/* of a line: 32 */
	size_t bytes_max;	/* of a line: 128 kB */
	size_t total_bytes_max; /* of all lines: 16 MB */
};

/* One event, copied. */
struct call_waiting {
	const char *event;
	const struct json_slice *args;
	size_t args_n;
	int64_t ack; /* -1: none is wanted */
};

/* Returns 0 and the caller's *out, -ENOMEM. */
int call_wait_new(struct call_wait **out, const struct call_wait_limits *limits);
void call_wait_free(struct call_wait *w); /* drops all lines; NULL is fine */

/* Put an event at the end of the socket's line; the first makes the line.
 * Everything is copied. Returns 0, -ENOSPC (the line is full), -ENOBUFS (all
 * lines together are), -ENOMEM: the line is as it was. */
int call_wait_push(struct call_wait *w, struct call_socket *s, const char *event,
		   const struct json_slice *args, size_t args_n, int64_t ack);

/* The event whose turn it is; NULL: the socket has no line. A loan until it is
 * taken off, its line is dropped or call_wait_free(). */
const struct call_waiting *call_wait_head(const struct call_wait *w, const struct call_socket *s);

void call_wait_pop(struct call_wait *w, const struct call_socket *s);  /* the head */
void call_wait_drop(struct call_wait *w, const struct call_socket *s); /* the line, if any */

/* The line may go on, as soon as somebody looks. Nothing for a socket without one. */
void call_wait_set_due(struct call_wait *w, struct call_socket *s);

/* A socket whose line may go on, which is forgotten by asking; NULL: none. */
struct call_socket *call_wait_take_due(struct call_wait *w);

size_t call_wait_lines(const struct call_wait *w); /* sockets that wait */
size_t call_wait_bytes(const struct call_wait *w); /* of all lines */

#endif
