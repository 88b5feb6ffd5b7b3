/* control_side.h - the control socket, joined to those who do what it is asked for
 *
 * Loop thread only. */
#ifndef CONTROL_SIDE_H
#define CONTROL_SIDE_H

#include "calls/call.h"

struct backend_side;
struct calls;
struct config;
struct control_counters;
struct control_side;
struct control_socket_counters;
struct event_base;
struct relay_side;
struct secret_files;
struct service_side;
struct sio_server;

/* Loans for the life of struct control_side. */
struct control_side_config {
	struct event_base *base;
	const struct config *config; /* with a control_socket */
	struct calls *calls;
	struct relay_side *relay;
	struct secret_files *secrets;
	struct sio_server *sio;
	const struct backend_side *backend; /* NULL: nobody is asked */
	const struct service_side *service;
	struct call_time (*now)(void);
};

/* Returns 0 and the caller's *out, or -errno; what is wrong has been logged. */
int control_side_new(struct control_side **out, const struct control_side_config *cfg);
void control_side_free(struct control_side *s); /* NULL is fine */

const struct control_counters *control_side_commands(const struct control_side *s);
const struct control_socket_counters *control_side_socket(const struct control_side *s);

#endif
