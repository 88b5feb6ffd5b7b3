/* control.h - what the control socket's clients may ask, and what they are answered
 *
 * A session is one client. Lines come in, lines go out through control_config.say(); a list goes
 * out in pieces, each when the one before has been read. Speaks to no socket itself. Pure but for
 * the log; loop thread only.
 *
 * Whoever may connect may do everything: the socket's mode says who that is. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "calls/call.h"
#include "secret_rotation.h"

struct calls;
struct relay_hello;
struct usage;
struct control;
struct control_session;

#define CONTROL_LINE_OUT_MAX 32768 /* bytes: a call of 64 members, all names at their longest */
#define CONTROL_LOOKED_AT 512	   /* calls or users that one turn looks at */

/* How signald is, beside what calls know; loans until control_config.status() is asked again. */
struct control_status {
	const char *version;
	uint64_t uptime_ms;
	const char *auth;		 /* "open" ... */
	const char *backend;		 /* how the messenger's server is; NULL: nobody asks it */
	uint64_t sessions;		 /* of Engine.IO */
	bool has_relay;			 /* a relay-socket is configured */
	bool relay_connected;		 /* and turnserver is there */
	const struct relay_hello *relay; /* how it greeted; NULL: it did not */
	const char *relay_lacks;	 /* what that turnserver is too old for; NULL: nothing */
	bool relay_draining;		 /* it makes no new allocations */
	const char *relay_problem;	 /* why it is not served as it should be; NULL: it is */
	const char *summary;		 /* all of it, as systemctl status shows it */
	const char *next;		 /* what to do; NULL: nothing */
	const char *secret; /* id of the one that signs; "": static-auth-secret; NULL: none */
};

/* Loans for the life of struct control. */
struct control_config {
	const struct calls *calls;
	const struct usage *usage;
	struct call_time (*now)(void);

	/* A whole line, newline included, to whoever asked; to is the session's. */
	void (*say)(void *to, const char *line, size_t n);
	/* May more of a list be written now? */
	bool (*has_room)(void *to);

	/* reason: for the log; "" for none. End a live call; returns 0, -ENOENT. Take a user out
	 * of its calls and cut its connections; returns how many there were. */
	int (*end)(void *ctx, const char *call_id, const char *reason);
	size_t (*kick)(void *ctx, const char *user, const char *reason);
	/* Begin, for it waits for the disk: control_rotated() follows, not from within. Returns 0,
	 * or -errno with a line for whoever asked. */
	int (*rotate)(void *ctx, char *err, size_t err_size);
	void (*status)(void *ctx, struct control_status *out);
	void *ctx; /* for those four */
};

/* cfg is copied. Returns 0, -ENOMEM. */
int control_new(struct control **out, const struct control_config *cfg);
void control_free(struct control *c); /* after its sessions; NULL is fine */

/* What came of the rotation that was begun: result 0, or -errno with a line that says why. */
void control_rotated(struct control *c, int result, const struct secret_rotation *rotation,
		     const char *err);

/* Who it is comes from the kernel. Returns 0, -ENOMEM. */
int control_session_new(struct control_session **out, struct control *c, uid_t uid, pid_t pid,
			void *to);
void control_session_free(struct control_session *s); /* NULL is fine */

/* A line without its newline; never while the session is busy. False: it was malformed, and the
 * client was told. */
bool control_session_line(struct control_session *s, const char *line, size_t n);

/* Tell about a line that could not even be read. */
void control_session_refuse(struct control_session *s, uint64_t id, const char *error);

/* A list is under way: control_session_more() writes the next piece of it, as far as there is room.
 * A turn looks at CONTROL_LOOKED_AT things, whether or not they are shown. */
bool control_session_busy(const struct control_session *s);
bool control_session_waits(const struct control_session *s); /* busy, and say() will tell */
void control_session_more(struct control_session *s);

struct control_counters {
	uint64_t commands;  /* understood */
	uint64_t malformed; /* lines */
	uint64_t failed;    /* error replies to commands */
};
const struct control_counters *control_counters(const struct control *c);

#endif
