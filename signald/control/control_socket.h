/* control_socket.h - signald's own Unix socket: who connects, lines in, lines out
 *
 * What the lines say is control.h's. Nothing here waits. What a client does not read stays in its
 * own buffer: a list stops at the soft mark and goes on when it is read; at the hard mark the
 * client is closed, and so is one that has read nothing of what waits for a minute. Loop thread
 * only. */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include <stdint.h>

#include "control/control.h"

#define CONTROL_CLIENTS_MAX 8
#define CONTROL_ERRORS_MAX 8 /* malformed lines; the last one closes */
#define CONTROL_SOFT_MARK_BYTES (64u << 10)
#define CONTROL_HARD_MARK_BYTES (1u << 20)
#define CONTROL_SLOW_S 60

struct event_base;
struct control_socket;

struct control_socket_counters {
	uint64_t accepted, turned_away; /* turned away: too many */
	uint64_t closed_slow;		/* at the hard mark, or after CONTROL_SLOW_S */
};

/* Make the socket at path (socket_path.h) and serve it. Of cfg, say and has_room are set here; all
 * else is copied. Returns 0, or -errno; why has been logged. */
int control_socket_new(struct control_socket **out, struct event_base *base, const char *path,
		       const struct control_config *cfg);
void control_socket_free(struct control_socket *s); /* removes the socket; NULL is fine */

/* control_rotated() of its control. */
void control_socket_rotated(struct control_socket *s, int result,
			    const struct secret_rotation *rotation, const char *err);

const struct control_socket_counters *control_socket_counters(const struct control_socket *s);
const struct control_counters *control_socket_commands(const struct control_socket *s);

#endif
