/* control_lines.h - the lines that the control socket's clients read
 *
 * Each function appends one whole line, or its part of one. Check o->failed afterwards. Pure. */
#ifndef CONTROL_LINES_H
#define CONTROL_LINES_H

#include "control/control.h"
#include "calls/call_events.h"

struct usage;

/* Finish with line_end(). */
void line_begin_reply(struct json_out *o, uint64_t id, bool ok);
void line_end(struct json_out *o);

void line_call(struct json_out *o, const struct call *c, const struct usage *usage,
	       uint64_t now_ms);
void line_user(struct json_out *o, const struct user *u, size_t calls_n);
void line_socket(struct json_out *o, const struct call_socket *s);
void line_put_status(struct json_out *o, const struct control_status *st,
		     const struct calls *calls);

#endif
