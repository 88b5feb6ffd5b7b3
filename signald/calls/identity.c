/* identity.c - user ids, users and their sockets */
#include "identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "table.h"

/* Digits of an integer id with its sign: more than any database key has. */
#define INTEGER_DIGITS_MAX 20

struct call_socket {
	struct identity *all;
	void *handle; /* NULL: muted */
	uint64_t serial;
	char address[ADDRESS_TEXT_MAX + 1];
	char *name, *avatar;
	int64_t expires_s; /* 0: never */
	bool remnant;
	struct call_reservation reservation;
	struct call_socket_signals signals;
	uint64_t told[CALL_SOCKET_TOLD_MAX];
	unsigned told_at;
	unsigned legs;
	bool ended;
	struct user *user;
	bool registered;
	struct call_socket *prev, *next;	     /* in identity.open or .muted */
	struct call_socket *user_prev, *user_next;   /* in user.sockets */
	uint64_t await_ms;			     /* 0: nobody waits for it */
	struct call_socket *await_prev, *await_next; /* in identity.awaited */
};

struct user {
	struct user_id id;
	struct call_socket *sockets; /* registered ones behind the others */
	size_t sockets_n, registered_n;
	UT_hash_handle hh;
};

struct identity {
	struct identity_limits limits;
	struct user *users; /* hash by id text, kept in order of joining */
	struct call_socket *open, *muted;
	struct call_socket *awaited; /* by await_ms */
	size_t sockets_n;
	uint64_t last_serial;
};

/* JSON numbers are ids only when written as JavaScript writes an integer, so
 * that the text compares equal to the same id in a string. */
static int read_integer(struct json_slice v, struct user_id *out)
{
	size_t digits = v.n - (v.p[0] == '-');
	const char *first = v.p + (v.p[0] == '-');

	if (v.n > INTEGER_DIGITS_MAX || digits == 0)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		if (first[i] < '0' || first[i] > '9')
			return -EINVAL;
	if (first[0] == '0' && v.n > 1)
		return -EINVAL;
	memcpy(out->text, v.p, v.n);
	out->text[v.n] = '\0';
	out->number = true;
	return 0;
}

int user_id_read(struct json_slice v, struct user_id *out)
{
	int n;

	if (json_type(v) == JSON_NUMBER)
		return read_integer(v, out);
	n = json_string(v, out->text, sizeof(out->text));
	if (n <= 0 || !turn_user_id_valid(out->text, (size_t)n))
		return -EINVAL;
	out->number = false;
	return 0;
}

bool user_id_equal(const struct user_id *a, const struct user_id *b)
{
	return strcmp(a->text, b->text) == 0;
}

void user_id_put(struct json_out *o, const char *key, const struct user_id *id)
{
	if (key)
		json_out_key(o, key);
	if (id->number)
		json_out_raw(o, (struct json_slice){ id->text, strlen(id->text) });
	else
		json_out_string(o, id->text);
}

int identity_new(struct identity **out, const struct identity_limits *limits)
{
	struct identity *id = calloc(1, sizeof(*id));

	if (!id)
		return -ENOMEM;
	id->limits = *limits;
	*out = id;
	return 0;
}

void identity_free(struct identity *id)
{
	if (!id)
		return;
	while (id->open)
		call_socket_free(id->open);
	while (id->muted)
		call_socket_free(id->muted);
	free(id);
}

int call_socket_new(struct identity *id, void *handle, const char *address,
		    struct call_socket **out)
{
	struct call_socket *s;

	if (id->sockets_n >= id->limits.sockets_max)
		return -ENOSPC;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->all = id;
	s->handle = handle;
	s->serial = ++id->last_serial;
	strncpy(s->address, address, ADDRESS_TEXT_MAX);
	DL_APPEND(id->open, s);
	id->sockets_n++;
	*out = s;
	return 0;
}

static void await_no_more(struct call_socket *s)
{
	if (!s->await_ms)
		return;
	DL_DELETE2(s->all->awaited, s, await_prev, await_next);
	s->await_ms = 0;
}

void call_socket_await(struct call_socket *s, uint64_t until_ms)
{
	await_no_more(s);
	s->await_ms = until_ms;
	DL_APPEND2(s->all->awaited, s, await_prev, await_next);
}

struct call_socket *identity_take_overdue(struct identity *id, uint64_t now_ms)
{
	struct call_socket *s = id->awaited;

	if (!s || s->await_ms > now_ms)
		return NULL;
	await_no_more(s);
	return s;
}

void call_socket_free(struct call_socket *s)
{
	if (!s)
		return;
	await_no_more(s);
	call_socket_leave(s);
	if (s->handle)
		DL_DELETE(s->all->open, s);
	else
		DL_DELETE(s->all->muted, s);
	s->all->sockets_n--;
	free(s->name);
	free(s->avatar);
	free(s);
}

static struct user *user_get(struct identity *id, const struct user_id *who)
{
	struct user *u = identity_find(id, who->text);

	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->id = *who;
	HASH_ADD_KEYPTR(hh, id->users, u->id.text, strlen(u->id.text), u);
	if (!u->hh.tbl) {
		free(u);
		return NULL;
	}
	return u;
}

static void drop_if_empty(struct identity *id, struct user *u)
{
	if (u->sockets_n > 0)
		return;
	HASH_DEL(id->users, u);
	free(u);
}

int call_socket_join(struct call_socket *s, const struct user_id *who)
{
	struct user *u;

	if (s->user && user_id_equal(&s->user->id, who))
		return 0;
	u = user_get(s->all, who);
	if (!u)
		return -ENOMEM;
	if (u->sockets_n >= s->all->limits.sockets_per_user_max) {
		drop_if_empty(s->all, u);
		return -ENOSPC;
	}
	call_socket_leave(s);
	await_no_more(s);
	DL_PREPEND2(u->sockets, s, user_prev, user_next);
	u->sockets_n++;
	s->user = u;
	return 1;
}

void call_socket_leave(struct call_socket *s)
{
	struct user *u = s->user;

	if (!u)
		return;
	DL_DELETE2(u->sockets, s, user_prev, user_next);
	u->registered_n -= s->registered;
	u->sockets_n--;
	s->user = NULL;
	s->registered = false;
	drop_if_empty(s->all, u);
}

bool call_socket_register(struct call_socket *s)
{
	struct user *u = s->user;

	if (s->registered)
		return false;
	DL_DELETE2(u->sockets, s, user_prev, user_next);
	DL_APPEND2(u->sockets, s, user_prev, user_next);
	u->registered_n++;
	s->registered = true;
	return true;
}

bool call_socket_registered(const struct call_socket *s)
{
	return s->registered;
}

void *call_socket_handle(const struct call_socket *s)
{
	return s->handle;
}

void call_socket_mute(struct call_socket *s)
{
	if (!s->handle)
		return;
	await_no_more(s);
	DL_DELETE(s->all->open, s);
	DL_APPEND(s->all->muted, s);
	s->handle = NULL;
}

struct call_socket *identity_first_muted(const struct identity *id)
{
	return id->muted;
}

uint64_t call_socket_serial(const struct call_socket *s)
{
	return s->serial;
}

const char *call_socket_address(const struct call_socket *s)
{
	return s->address;
}

struct user *call_socket_user(const struct call_socket *s)
{
	return s->user;
}

int call_socket_set_profile(struct call_socket *s, const char *name, const char *avatar)
{
	char *new_name = name ? strdup(name) : NULL;
	char *new_avatar = avatar ? strdup(avatar) : NULL;

	if ((name && !new_name) || (avatar && !new_avatar)) {
		free(new_name);
		free(new_avatar);
		return -ENOMEM;
	}
	free(s->name);
	free(s->avatar);
	s->name = new_name;
	s->avatar = new_avatar;
	return 0;
}

const char *call_socket_name(const struct call_socket *s)
{
	return s->name;
}

const char *call_socket_avatar(const struct call_socket *s)
{
	return s->avatar;
}

struct call_socket_signals *call_socket_signals(struct call_socket *s)
{
	return &s->signals;
}

void call_socket_set_expiry(struct call_socket *s, int64_t expires_s)
{
	s->expires_s = expires_s;
}

int64_t call_socket_expiry(const struct call_socket *s)
{
	return s->expires_s;
}

bool call_socket_expired(const struct call_socket *s, int64_t wall_ms)
{
	return s->expires_s && wall_ms / 1000 >= s->expires_s;
}

void call_socket_set_ended(struct call_socket *s)
{
	s->ended = true;
}

bool call_socket_was_ended(const struct call_socket *s)
{
	return s->ended;
}

void call_socket_set_remnant(struct call_socket *s, bool remnant)
{
	s->remnant = remnant;
}

bool call_socket_remnant(const struct call_socket *s)
{
	return s->remnant;
}

bool call_socket_told(struct call_socket *s, uint64_t hash)
{
	for (size_t i = 0; i < CALL_SOCKET_TOLD_MAX; i++)
		if (s->told[i] == hash)
			return true;
	s->told[s->told_at++ % CALL_SOCKET_TOLD_MAX] = hash;
	return false;
}

void call_socket_count_legs(struct call_socket *s, int more)
{
	s->legs += (unsigned)more;
}

unsigned call_socket_legs(const struct call_socket *s)
{
	return s->legs;
}

struct call_reservation *call_socket_reservation(struct call_socket *s)
{
	return &s->reservation;
}

struct user *identity_find(const struct identity *id, const char *user)
{
	struct user *u;

	HASH_FIND(hh, id->users, user, strlen(user), u);
	return u;
}

const struct user_id *user_id_of(const struct user *u)
{
	return &u->id;
}

void user_set_number(struct user *u)
{
	u->id.number = true;
}

struct user *identity_next_user(const struct identity *id, const struct user *prev)
{
	return prev ? prev->hh.next : id->users;
}

size_t identity_users_n(const struct identity *id)
{
	return HASH_COUNT(id->users);
}

size_t identity_sockets_n(const struct identity *id)
{
	return id->sockets_n;
}

size_t user_sockets_n(const struct user *u)
{
	return u->sockets_n;
}

size_t user_registered_n(const struct user *u)
{
	return u->registered_n;
}

struct call_socket *user_next_socket(const struct user *u, const struct call_socket *prev)
{
	return prev ? prev->user_next : u->sockets;
}

struct call_socket *user_next_registered(const struct user *u, const struct call_socket *prev)
{
	struct call_socket *s = user_next_socket(u, prev);

	while (s && !s->registered)
		s = s->user_next;
	return s;
}
