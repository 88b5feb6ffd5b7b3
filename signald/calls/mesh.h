/* mesh.h - group calls in which everybody talks to everybody
 *
 * Members come and go; the server introduces them to each other and carries what
 * they say to one another. Private to this folder; pure. */
#ifndef MESH_H
#define MESH_H

#include "calls_priv.h"

enum event_result mesh_on_join(struct calls *cs, const struct incoming *in);
enum event_result mesh_on_leave(struct calls *cs, const struct incoming *in);
enum event_result mesh_on_offer(struct calls *cs, const struct incoming *in);
enum event_result mesh_on_answer(struct calls *cs, const struct incoming *in);
enum event_result mesh_on_candidate(struct calls *cs, const struct incoming *in);

/* group_call:incoming without its end, as it is kept for all it is sent to; and
 * for one member. In cs->out; false: it does not fit. */
bool mesh_write_offer(struct calls *cs, const struct call *c, const struct call_request *r,
		      const struct call_socket *from);
bool mesh_write_incoming(struct calls *cs, struct call *c, size_t to, struct call_time now);

/* The member is out, and those who are in hear of it; s as in flow_withdraw(). */
void mesh_withdraw(struct calls *cs, const struct speaker *sp, enum member_out why,
		   const struct call_socket *s, const char *reason, struct call_time now);

#endif
