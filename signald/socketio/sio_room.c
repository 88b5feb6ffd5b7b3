/* sio_room.c - who is in which room, and events to all in some */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_priv.h"

const char *sio_room_name(const struct sio_link *e, size_t *n)
{
	const struct sio_room *r = (const struct sio_room *)e;

	*n = r->name_n;
	return r->name;
}

static struct sio_room *find_room(const struct sio_nsp *nsp, const char *name, size_t n)
{
	return (struct sio_room *)sio_table_find(&nsp->rooms, name, n);
}

static struct sio_member **find_member(struct sio_socket *s, const char *room)
{
	struct sio_member **m;
	size_t n = strlen(room);

	for (m = &s->rooms; *m; m = &(*m)->next_room) {
		const struct sio_room *r = (*m)->room;

		if (r->name_n == n && memcmp(r->name, room, n) == 0)
			return m;
	}
	return NULL;
}

static struct sio_room *get_room(struct sio_nsp *nsp, const char *name, size_t n)
{
	struct sio_room *r = find_room(nsp, name, n);

	if (r)
		return r;
	r = malloc(sizeof(*r) + n);
	if (!r)
		return NULL;
	r->members = NULL;
	r->name_n = (uint8_t)n;
	memcpy(r->name, name, n);
	if (sio_table_add(&nsp->rooms, &r->link)) {
		free(r);
		return NULL;
	}
	nsp->srv->counters.rooms++;
	return r;
}

static void drop_if_empty(struct sio_nsp *nsp, struct sio_room *r)
{
	if (r->members)
		return;
	sio_table_remove(&nsp->rooms, &r->link);
	nsp->srv->counters.rooms--;
	free(r);
}

int sio_join(struct sio_socket *s, const char *room)
{
	struct sio_server *srv = s->client->srv;
	struct sio_member *m;
	size_t n = strnlen(room, SIO_ROOM_MAX + 1);

	if (!n || n > SIO_ROOM_MAX || s->state >= SIO_LEAVING)
		return -EINVAL;
	if (find_member(s, room))
		return 0;
	if (s->rooms_n >= srv->cfg.rooms_max) {
		srv->counters.rooms_refused++;
		return -ENOSPC;
	}
	m = calloc(1, sizeof(*m));
	if (m)
		m->room = get_room(s->nsp, room, n);
	if (!m || !m->room) {
		free(m);
		srv->counters.out_of_memory++;
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
	struct sio_member **m = s->state < SIO_LEAVING ? find_member(s, room) : NULL;

	if (m)
		leave(s, m);
}

void sio_leave_all(struct sio_socket *s)
{
	while (s->rooms)
		leave(s, &s->rooms);
}

/* --- to all in some rooms --- */

/* Of the room's members, and of who has it for an id. */
static void each_in_room(struct sio_nsp *nsp, const char *room,
			 void (*fn)(struct sio_socket *s, void *arg), void *arg)
{
	size_t n = strlen(room);
	const struct sio_room *r = find_room(nsp, room, n);
	struct sio_member *m;
	struct sio_link *s;

	for (m = r ? r->members : NULL; m; m = m->next)
		fn(m->socket, arg);
	if (n != SIO_SID_LEN)
		return;
	s = sio_table_find(&nsp->sockets, room, n);
	if (s)
		fn((struct sio_socket *)s, arg);
}

/* A broadcast has a number. Whoever bears it has got his copy, or is to get
 * none; so nothing is looked up however many are addressed or left out. */
struct broadcast {
	uint64_t number;
	const struct sio_encoded *e;
	int sent;
};

static void mark(struct sio_socket *s, void *arg)
{
	s->marked = ((struct broadcast *)arg)->number;
}

static void send_once(struct sio_socket *s, void *arg)
{
	struct broadcast *b = arg;

	if (s->marked == b->number)
		return;
	s->marked = b->number;
	b->sent += sio_send_encoded(s, b->e) == 0;
}

static void send_to_all(struct sio_nsp *nsp, const struct sio_audience *to, struct broadcast *b)
{
	struct sio_link *s = NULL;
	size_t i;

	for (i = 0; i < to->except_n; i++)
		mark(to->except[i], b);
	for (i = 0; i < to->except_rooms_n; i++)
		each_in_room(nsp, to->except_rooms[i], mark, b);
	for (i = 0; i < to->rooms_n; i++)
		each_in_room(nsp, to->rooms[i], send_once, b);
	if (to->rooms_n)
		return;
	while ((s = sio_table_next(&nsp->sockets, s)))
		send_once((struct sio_socket *)s, b);
}

int sio_broadcast(struct sio_server *srv, const struct sio_audience *to,
		  const struct sio_message *m)
{
	struct sio_nsp *nsp = sio_nsp_find(srv, to->nsp, strlen(to->nsp));
	struct broadcast b = { .number = ++srv->broadcasts };
	struct sio_encoded e;
	int rc;

	if (!nsp)
		return -EINVAL;
	rc = sio_encode(&e, nsp, SIO_AS_EVENT, -1, m);
	if (rc)
		return rc;
	b.e = &e;
	send_to_all(nsp, to, &b);
	sio_encoded_free(&e);
	return b.sent;
}

int sio_room_emit(struct sio_server *srv, const char *nsp, const char *room, const char *event,
		  const char *args, size_t n)
{
	return sio_broadcast(srv,
			     &(struct sio_audience){ .nsp = nsp, .rooms = &room, .rooms_n = 1 },
			     &(struct sio_message){ .event = event, .args = args, .n = n });
}
