/* backend_calls.c - what each asker has asked, until it has used the answers */
#include "backend_calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "table.h"

/* Of one asker: as many as a ringing group has members, and some. */
#define QUESTIONS_MAX 80

/* Whose tokens are being asked about; there as long as some are. */
struct client {
	struct client_address from;
	size_t open_n;
	UT_hash_handle hh;
};

struct question {
	struct asker *asker;
	struct client *client; /* that it counts for; NULL: none, or answered */
	struct backend_key key;
	struct backend_ticket *ticket; /* NULL: answered */
	struct backend_answer *answer;
	int result;
	struct question *prev, *next;
};

struct asker {
	struct backend_calls *bc;
	void *who;
	struct question *questions;
	size_t questions_n, open_n;
	UT_hash_handle hh;
};

struct backend_calls {
	struct backend_calls_config cfg;
	struct asker *askers;
	struct client *clients;
};

int backend_calls_new(struct backend_calls **out, const struct backend_calls_config *cfg)
{
	struct backend_calls *bc = calloc(1, sizeof(*bc));

	if (!bc)
		return -ENOMEM;
	bc->cfg = *cfg;
	*out = bc;
	return 0;
}

static struct asker *find(const struct backend_calls *bc, void *who)
{
	struct asker *a;

	HASH_FIND_PTR(bc->askers, &who, a);
	return a;
}

/* --- clients --------------------------------------------------------------- */

static struct client *find_client(const struct backend_calls *bc, const struct client_address *from)
{
	struct client *c;

	HASH_FIND(hh, bc->clients, from, sizeof(*from), c);
	return c;
}

/* One more of its tokens is asked about. Out of memory it is not counted. */
static struct client *client_more(struct backend_calls *bc, const struct client_address *from)
{
	struct client *c = find_client(bc, from);

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
		c->from = *from;
		HASH_ADD(hh, bc->clients, from, sizeof(c->from), c);
		if (!c->hh.tbl) {
			free(c);
			return NULL;
		}
	}
	c->open_n++;
	return c;
}

static void client_less(struct question *q)
{
	struct client *c = q->client;

	q->client = NULL;
	if (!c || --c->open_n)
		return;
	HASH_DEL(q->asker->bc->clients, c);
	free(c);
}

static bool is_too_many(const struct backend_calls *bc, const struct client_address *from,
			const struct backend_key *key)
{
	const struct client *c = from ? find_client(bc, from) : NULL;

	return c && bc->cfg.tokens_per_client_max && c->open_n >= bc->cfg.tokens_per_client_max &&
	       !backend_is_known(bc->cfg.backend, key, bc->cfg.now(bc->cfg.ctx));
}

/* --- questions ------------------------------------------------------------- */

static void drop_question(struct question *q)
{
	struct asker *a = q->asker;

	client_less(q);

	a->open_n -= q->ticket != NULL;
	backend_cancel(q->ticket);
	backend_answer_unref(q->answer);
	DL_DELETE(a->questions, q);
	a->questions_n--;
	free(q);
}

static void drop_asker(struct asker *a)
{
	while (a->questions)
		drop_question(a->questions);
	HASH_DEL(a->bc->askers, a);
	free(a);
}

static void drop_if_idle(struct backend_calls *bc, void *who)
{
	struct asker *a = find(bc, who);

	if (a && !a->open_n)
		drop_asker(a);
}

void backend_calls_forget(struct backend_calls *bc, void *who)
{
	struct asker *a = find(bc, who);

	if (a)
		drop_asker(a);
}

void backend_calls_free(struct backend_calls *bc)
{
	if (!bc)
		return;
	while (bc->askers)
		drop_asker(bc->askers);
	free(bc);
}

static struct asker *get(struct backend_calls *bc, void *who)
{
	struct asker *a = find(bc, who);

	if (a)
		return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->bc = bc;
	a->who = who;
	HASH_ADD_PTR(bc->askers, who, a);
	if (!a->hh.tbl) {
		free(a);
		return NULL;
	}
	return a;
}

static struct question *find_question(const struct asker *a, const struct backend_key *key)
{
	struct question *q = a->questions;

	while (q && memcmp(&q->key, key, sizeof(*key)) != 0)
		q = q->next;
	return q;
}

/* What an earlier event of its line has used may go. */
static void make_room(struct asker *a)
{
	struct question *q = a->questions, *next;

	for (; q && a->questions_n >= QUESTIONS_MAX; q = next) {
		next = q->next;
		if (!q->ticket)
			drop_question(q);
	}
}

static void on_answer(int result, struct backend_answer *answer, void *ctx)
{
	struct question *q = ctx;
	struct asker *a = q->asker;
	struct backend_calls *bc = a->bc;
	void *who = a->who;

	client_less(q);
	q->ticket = NULL;
	q->result = result;
	q->answer = answer ? backend_answer_ref(answer) : NULL;
	if (--a->open_n)
		return;
	bc->cfg.resume(who, bc->cfg.ctx); /* the asker may be gone after that */
	drop_if_idle(bc, who);
}

static struct question *new_question(struct asker *a, const struct backend_key *key)
{
	struct question *q;

	make_room(a);
	q = a->questions_n < QUESTIONS_MAX ? calloc(1, sizeof(*q)) : NULL;
	if (!q)
		return NULL;
	q->asker = a;
	q->key = *key;
	DL_APPEND(a->questions, q);
	a->questions_n++;
	return q;
}

/* For the first time; for a client that is counted, or NULL. */
static int ask_anew(struct asker *a, const struct client_address *from,
		    const struct backend_question *bq, const struct backend_key *key,
		    struct backend_answer **out)
{
	struct backend_calls *bc = a->bc;
	struct question *q = is_too_many(bc, from, key) ? NULL : new_question(a, key);
	int r;

	if (!q) {
		backend_refused(bc->cfg.backend);
		return -EHOSTDOWN;
	}
	r = backend_ask(bc->cfg.backend, bq, on_answer, q, bc->cfg.now(bc->cfg.ctx), out,
			&q->ticket);
	if (r != -EAGAIN) {
		drop_question(q);
		return r;
	}
	a->open_n++;
	if (from)
		q->client = client_more(bc, from);
	return r;
}

/* Returns as backend_ask(), with a reference in *out where there is an answer. */
static int ask(struct backend_calls *bc, void *who, const struct client_address *from,
	       const struct backend_question *bq, struct backend_answer **out)
{
	struct asker *a = get(bc, who);
	struct backend_key key;
	struct question *q;
	int r = -EHOSTDOWN;

	*out = NULL;
	if (!a)
		return -EHOSTDOWN;
	if (backend_key(bc->cfg.backend, bq, &key) == 0) {
		q = find_question(a, &key);
		if (!q)
			r = ask_anew(a, from, bq, &key, out);
		else if (q->ticket)
			r = -EAGAIN;
		else
			r = q->result;
		if (q && q->answer)
			*out = backend_answer_ref(q->answer);
	}
	if (!a->questions)
		drop_asker(a);
	return r;
}

void backend_identity(const struct backend_answer *a, struct calls_identity *out)
{
	*out = (struct calls_identity){ .id = a->id, .expires_s = a->expires_s };
	snprintf(out->name, sizeof(out->name), "%s", a->name ? a->name : "");
	snprintf(out->avatar, sizeof(out->avatar), "%s", a->avatar ? a->avatar : "");
}

int backend_calls_authenticate(struct backend_calls *bc, void *asker,
			       const struct client_address *from, struct json_slice token,
			       struct calls_identity *out)
{
	const struct client_address client = client_prefix(from);
	char text[BACKEND_TOKEN_MAX + 1];
	const struct backend_question q = { BACKEND_AUTHENTICATE, text, NULL };
	struct backend_answer *a = NULL;
	int r = -EACCES;

	if (json_string(token, text, sizeof(text)) > 0)
		r = ask(bc, asker, &client, &q, &a);
	if (!r || r == -EKEYEXPIRED)
		backend_identity(a, out);
	backend_answer_unref(a);
	explicit_bzero(text, sizeof(text));
	return r;
}

int backend_calls_may_call(struct backend_calls *bc, void *asker, const char *from, const char *to)
{
	const struct backend_question q = { BACKEND_MAY_CALL, from, to };
	struct backend_answer *a;
	int r = ask(bc, asker, NULL, &q, &a);

	backend_answer_unref(a);
	return r;
}

int backend_calls_members(struct backend_calls *bc, void *asker, const char *user,
			  const char *group, struct user_id *out, size_t max)
{
	const struct backend_question q = { BACKEND_MEMBERS, user, group };
	struct backend_answer *a;
	int r = ask(bc, asker, NULL, &q, &a);

	if (!r)
		for (size_t i = 0; i < a->members_n && i < max; i++)
			out[r++] = a->members[i];
	backend_answer_unref(a);
	return r;
}
