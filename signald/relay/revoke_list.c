/* revoke_list.c - see revoke_list.h */
#include "revoke_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "turn_credential.h"

struct entry {
	char call_id[TURN_CALL_ID_LEN + 1];
	int64_t until_s;
	uint64_t command_id; /* whose reply is awaited; 0: none */
	struct entry *prev, *next;
};

struct revoke_list {
	struct entry *first; /* the oldest */
	size_t n, max;
	revoke_send_fn send;
	void *arg;
	struct revoke_list_counters counters;
};

int revoke_list_new(struct revoke_list **out, size_t max, revoke_send_fn send, void *arg)
{
	struct revoke_list *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->max = max ? max : REVOKE_LIST_MAX;
	l->send = send;
	l->arg = arg;
	*out = l;
	return 0;
}

static void forget(struct revoke_list *l, struct entry *e)
{
	DL_DELETE(l->first, e);
	l->n--;
	free(e);
}

void revoke_list_free(struct revoke_list *l)
{
	if (!l)
		return;
	while (l->first)
		forget(l, l->first);
	free(l);
}

static void ask(struct revoke_list *l, struct entry *e)
{
	if (l->send(l->arg, e->call_id, e->until_s, &e->command_id))
		e->command_id = 0;
}

int revoke_list_add(struct revoke_list *l, const char *call_id, int64_t granted_until_s,
		    int64_t now_s)
{
	struct entry *e;

	if (!turn_call_id_valid(call_id, strlen(call_id)))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	if (l->n == l->max) {
		l->counters.revocations_dropped++;
		forget(l, l->first);
	}
	memcpy(e->call_id, call_id, TURN_CALL_ID_LEN);
	e->until_s = (granted_until_s > now_s ? granted_until_s : now_s) + REVOKE_SLACK_S;
	DL_APPEND(l->first, e);
	l->n++;
	ask(l, e);
	return 0;
}

void revoke_list_synced(struct revoke_list *l, int64_t now_s)
{
	struct entry *e, *tmp;

	DL_FOREACH_SAFE(l->first, e, tmp)
	{
		if (e->until_s > now_s) {
			ask(l, e);
		} else {
			l->counters.revocations_expired++;
			forget(l, e);
		}
	}
}

/* Replies come in the order of the commands, so what is looked for is near the front. */
void revoke_list_reply(struct revoke_list *l, uint64_t command_id, bool ok)
{
	struct entry *e;

	if (!command_id)
		return;
	DL_FOREACH(l->first, e)
	{
		if (e->command_id == command_id)
			break;
	}
	if (!e)
		return;
	e->command_id = 0;
	if (ok) {
		l->counters.revocations_accepted++;
		forget(l, e);
	} else {
		l->counters.revocations_refused++;
	}
}

size_t revoke_list_waiting(const struct revoke_list *l)
{
	return l->n;
}

const struct revoke_list_counters *revoke_list_counters(const struct revoke_list *l)
{
	return &l->counters;
}
