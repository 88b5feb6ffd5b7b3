/* sio_later.c - clients whose CONNECT is answered later: how many, and how long */
#include <errno.h>
#include <stdlib.h>

#include "socketio/sio_priv.h"

struct sio_later {
	struct sio_socket *socket;
	struct timeq_node deadline;
};

int sio_later_add(struct sio_socket *s, uint64_t now_ms)
{
	struct sio_server *srv = s->nsp->srv;
	struct sio_later *l;

	if (srv->counters.laters >= srv->cfg.laters_max) {
		srv->counters.laters_refused++;
		return -ENOSPC;
	}
	l = calloc(1, sizeof(*l));
	if (!l) {
		srv->counters.out_of_memory++;
		return -ENOMEM;
	}
	l->socket = s;
	timeq_add(&srv->laters, &l->deadline, now_ms + srv->cfg.later_timeout_ms);
	s->later = l;
	srv->counters.laters++;
	return 0;
}

void sio_later_drop(struct sio_socket *s)
{
	timeq_remove(&s->later->deadline);
	free(s->later);
	s->later = NULL;
	s->nsp->srv->counters.laters--;
}

void sio_later_tick(struct sio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;
	int i;

	for (i = 0; i < SIO_TICK_MAX && (n = timeq_take(&srv->laters, now_ms)); i++) {
		srv->counters.laters_expired++;
		sio_socket_expire(timeq_owner(n, struct sio_later, deadline)->socket);
	}
}
