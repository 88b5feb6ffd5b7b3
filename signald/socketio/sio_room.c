/* sio_room.c - who is in which room */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_priv.h"

static struct sio_member **find_member(struct sio_socket *s, const char *room)
{
	struct sio_member **m;

	for (m = &s->rooms; *m; m = &(*m)->next_room) {
		if (strcmp((*m)->room->name, room) == 0)
			return m;
	}
	return NULL;
}

static struct sio_room *get_room(struct sio_nsp *nsp, const char *name)
{
	struct sio_room *r;
	size_t n = strlen(name);

	HASH_FIND_STR(nsp->rooms, name, r);
	if (r)
		return r;
	r = calloc(1, sizeof(*r) + n + 1);
	if (!r)
		return NULL;
	memcpy(r->name, name, n + 1);
	HASH_ADD_KEYPTR(hh, nsp->rooms, r->name, n, r);
	if (!r->hh.tbl) {
		free(r);
		return NULL;
	}
	return r;
}

static void drop_if_empty(struct sio_nsp *nsp, struct sio_room *r)
{
	if (r->members)
		return;
	HASH_DEL(nsp->rooms, r);
	free(r);
}

int sio_join(struct sio_socket *s, const char *room)
{
	struct sio_server *srv = s->client->srv;
	struct sio_member *m;
	size_t n = strnlen(room, SIO_ROOM_MAX + 1);

	if (!n || n > SIO_ROOM_MAX || s->state == SIO_LEAVING)
		return -EINVAL;
	if (find_member(s, room))
		return 0;
	if (s->rooms_n >= srv->cfg.rooms_max) {
		srv->counters.rooms_refused++;
		return -ENOSPC;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->room = get_room(s->nsp, room);
	if (!m->room) {
		free(m);
		return -ENOMEM;
	}
	m->socket = s;
	m->next = m->room->members;
	if (m->next)
		m->next->prev = m;
	m->room->members = m;
	m->next_room = s->rooms;
	s->rooms = m;
	s->rooms_n++;
	return 0;
}

static void leave(struct sio_socket *s, struct sio_member **at)
{
	struct sio_member *m = *at;

	*at = m->next_room;
	if (m->next)
		m->next->prev = m->prev;
	if (m->prev)
		m->prev->next = m->next;
	else
		m->room->members = m->next;
	drop_if_empty(s->nsp, m->room);
	free(m);
	s->rooms_n--;
}

void sio_leave(struct sio_socket *s, const char *room)
{
	struct sio_member **m = find_member(s, room);

	if (m)
		leave(s, m);
}

void sio_leave_all(struct sio_socket *s)
{
	while (s->rooms)
		leave(s, &s->rooms);
}
