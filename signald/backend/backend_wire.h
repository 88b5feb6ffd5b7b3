/* backend_wire.h - the questions to the messenger's own server, and its answers
 *
 * Written and read as signald/PROTOCOL.md, "Backend", has them. Pure. */
#ifndef BACKEND_WIRE_H
#define BACKEND_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "calls/identity.h"
#include "json_text.h"

#define BACKEND_TOKEN_MAX 8192					/* bytes */
#define BACKEND_GROUP_MAX 128					/* bytes */
#define BACKEND_QUESTION_BYTES_MAX (6 * BACKEND_TOKEN_MAX + 64) /* a token may be all escapes */
#define BACKEND_MEMBERS_MAX 2048				/* of one group */

enum backend_ask {
	BACKEND_AUTHENTICATE, /* whose is this token? */
	BACKEND_MAY_CALL,     /* may the first user call the second? */
	BACKEND_MEMBERS,      /* who is in this group, asked for this user? */
	BACKEND_ASKS_N,
};

/* Loans. */
struct backend_question {
	enum backend_ask ask;
	const char *first;  /* the token, or the user who asks */
	const char *second; /* the other user, or the group; NULL with a token */
};

/* Write it as JSON. Returns 0, -E2BIG (longer than the limits above), -EINVAL
 * (not UTF-8), -ENOMEM (o has failed). */
int backend_question_write(struct json_out *o, const struct backend_question *q);

/* What was answered; in one piece of memory, shared by counting. */
struct backend_answer {
	int result; /* 0; -EACCES: a bad token, may not call; -ENOENT: no such group */
	struct user_id id;
	const char *name, *avatar; /* NULL: unknown */
	int64_t expires_s;	   /* 0: never */
	const struct user_id *members;
	size_t members_n;
	size_t bytes; /* what it takes */
	unsigned refs;
};

/* Read an answer. Returns 0 and the caller's *out (backend_answer_unref()),
 * -EPROTO (a status or a body that is no answer), -E2BIG (too many members), -ENOMEM. */
int backend_answer_read(struct backend_answer **out, enum backend_ask ask, long status,
			const char *text, size_t n);

struct backend_answer *backend_answer_ref(struct backend_answer *a);
void backend_answer_unref(struct backend_answer *a); /* NULL is fine */

#endif
