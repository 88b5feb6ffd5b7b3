/* call_ice.c - ice:request: credentials for the call a socket is in, or for its next one */
#include <string.h>

#include "calls_priv.h"

/* The call whose credentials this socket needs: the newest one it is a leg of,
 * else the newest one its user is rung for, else, with a token that is good for
 * no other, the newest one its user is in. NULL: none yet. */
static struct call *call_for_ice(const struct calls *cs, const struct call_socket *s,
				 const struct user_id *who, bool expired)
{
	struct call *c = NULL, *rung = NULL, *leg = NULL, *other = NULL;

	while ((c = call_table_next_of_user(cs->table, who->text, c))) {
		const size_t i = (size_t)call_find_member(c, who->text);

		if (dialog_of(c)->legs[i].socket == s)
			leg = c;
		else if (call_member_state(c, i) == MEMBER_INVITED && !call_socket_remnant(s))
			rung = c;
		else if (call_member_state(c, i) == MEMBER_IN && expired)
			other = c;
	}
	return leg ? leg : rung ? rung : other;
}

int calls_reserve(struct calls *cs, const struct incoming *in, const struct user_id *who,
		  const char **id)
{
	struct call_reservation *res = call_socket_reservation(in->s);
	int rc;

	if (!res->call_id[0] || in->now.now_ms >= res->until_ms ||
	    strcmp(res->user, who->text) != 0) {
		rc = calls_fresh_id(cs, res->call_id);
		if (rc < 0) {
			res->call_id[0] = '\0';
			return rc;
		}
		res->granted_until_s = 0;
	}
	memcpy(res->user, who->text, strlen(who->text) + 1);
	res->until_ms = in->now.now_ms + CALLS_RESERVATION_MS;
	*id = res->call_id;
	return 0;
}

/* Who asks. In open mode also a socket that is nobody's: it gets what REST gives
 * anybody, and becomes nobody by asking. NULL: refused, with *error for it. */
static const struct user_id *asker(struct calls *cs, const struct incoming *in,
				   const struct call_request *r, const char **error)
{
	const struct user *u = call_socket_user(in->s);

	if (!u && !cs->cfg.open) {
		count(cs, CALLS_N_NOT_JOINED);
		*error = "Nobody knows whose socket this is";
		return NULL;
	}
	if (!u && !r->self.text[0]) {
		count(cs, CALLS_N_MALFORMED);
		*error = "userId is required";
		return NULL;
	}
	if (u && r->self.text[0] && !user_id_equal(&r->self, user_id_of(u))) {
		count(cs, CALLS_N_FORBIDDEN);
		*error = "This socket belongs to another user";
		return NULL;
	}
	return u ? user_id_of(u) : &r->self;
}

static void answer(struct calls *cs, const struct incoming *in, const struct user_id *who)
{
	struct call_reservation *res = call_socket_reservation(in->s);
	const bool expired = call_socket_expired(in->s, in->now.wall_ms);
	struct call *c = call_socket_user(in->s) ? call_for_ice(cs, in->s, who, expired) : NULL;
	const char *id;
	int64_t until_s;

	if (c) {
		id = call_id(c);
	} else if (expired) {
		count(cs, CALLS_N_EXPIRED);
		tell_ice_error(cs, in->s, in->ack, "The token has expired");
		return;
	} else if (calls_reserve(cs, in, who, &id) < 0) {
		count(cs, CALLS_N_REFUSED_MEMORY);
		tell_ice_error(cs, in->s, in->ack, "No call id at the moment");
		return;
	}
	until_s = tell_ice_servers(cs, in->s, in->ack, who->text, id, in->now);
	if (c)
		call_granted(c, until_s);
	else if (until_s > res->granted_until_s)
		res->granted_until_s = until_s;
}

enum event_result calls_on_ice_request(struct calls *cs, const struct incoming *in)
{
	const struct user_id *who;
	struct call_request r;
	const char *error = NULL;

	if (call_request_read(&r, REQUEST_ICE, in->args, in->args_n) < 0) {
		count(cs, CALLS_N_MALFORMED);
		if (in->ack >= 0)
			tell_ice_error(cs, in->s, in->ack, "userId is required");
		return EVENT_DONE;
	}
	who = asker(cs, in, &r, &error);
	if (who && !rate_take(cs->ice_rate, who->text, in->now.now_ms)) {
		count(cs, CALLS_N_REFUSED_RATE);
		error = "Too many requests";
		who = NULL;
	}
	if (who)
		answer(cs, in, who);
	else
		tell_ice_error(cs, in->s, in->ack, error);
	return EVENT_DONE;
}
