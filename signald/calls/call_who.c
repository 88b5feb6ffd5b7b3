/* call_who.c - who a socket is, and whether it may say so itself */
#include <errno.h>

#include "calls_priv.h"

static bool is(const struct call_socket *s, const struct user_id *who)
{
	const struct user *u = call_socket_user(s);

	return u && user_id_equal(user_id_of(u), who);
}

/* As is(), where the client itself says the id. A proof's id is text for most, whatever its
 * application has; what the client writes as a number is one. */
static bool says(const struct calls *cs, const struct call_socket *s, const struct user_id *who)
{
	if (!is(s, who))
		return false;
	if (who->number && !cs->cfg.open)
		user_set_number(call_socket_user(s));
	return true;
}

static bool is_full(const struct calls *cs, const struct user_id *who)
{
	const struct user *u = identity_find(cs->identity, who->text);

	return u && user_sockets_n(u) >= cs->cfg.sockets.sockets_per_user_max;
}

/* Make the socket this user's. Returns 0, -EDQUOT, -ENOMEM. */
static int become(struct calls *cs, struct call_socket *s, const struct user_id *who,
		  struct call_time now)
{
	if (is(s, who))
		return 0;
	if (is_full(cs, who))
		return -EDQUOT;
	flow_leave(cs, s, now);
	return call_socket_join(s, who) < 0 ? -ENOMEM : 0;
}

/* The socket says itself who it is. False: refused, and told. */
static bool claim(struct calls *cs, const struct incoming *in, const struct user_id *who)
{
	int rc;

	if (says(cs, in->s, who))
		return true;
	if (!cs->cfg.open && !call_socket_user(in->s)) {
		tell_refusal(cs, in->s, CALLS_N_NOT_JOINED, TELL_NOT_JOINED, NULL);
		return false;
	}
	if (!cs->cfg.open) {
		tell_refusal(cs, in->s, CALLS_N_FORBIDDEN, TELL_FORBIDDEN, NULL);
		return false;
	}
	rc = become(cs, in->s, who, in->now);
	if (rc == -EDQUOT)
		tell_refusal(cs, in->s, CALLS_N_REFUSED_SOCKETS, TELL_TOO_MANY_SOCKETS, NULL);
	else if (rc < 0)
		tell_refusal(cs, in->s, CALLS_N_REFUSED_MEMORY, TELL_NO_MEMORY, NULL);
	return rc == 0;
}

bool calls_join(struct calls *cs, const struct incoming *in, const struct user_id *who)
{
	if (!claim(cs, in, who))
		return false;
	flow_register(cs, in->s, false, in->now);
	return true;
}

const struct user_id *calls_sender(struct calls *cs, const struct incoming *in,
				   const struct user_id *said)
{
	const struct user *u = call_socket_user(in->s);

	if (!u) {
		tell_refusal(cs, in->s, CALLS_N_NOT_JOINED, TELL_NOT_JOINED, NULL);
		return NULL;
	}
	if (said->text[0] && !says(cs, in->s, said)) {
		tell_refusal(cs, in->s, CALLS_N_FORBIDDEN, TELL_FORBIDDEN, NULL);
		return NULL;
	}
	return user_id_of(u);
}

const struct user_id *calls_sender_or_new(struct calls *cs, const struct incoming *in,
					  const struct user_id *said)
{
	if (said->text[0] && !call_socket_user(in->s) && !claim(cs, in, said))
		return NULL;
	return calls_sender(cs, in, said);
}

/* Counted here, told by who authenticated it: that one knows how its clients ask. */
int calls_identify(struct calls *cs, struct call_socket *s, const struct calls_identity *who,
		   struct call_time now)
{
	int rc;

	if (call_socket_user(s) && !is(s, &who->id)) {
		count(cs, CALLS_N_FORBIDDEN);
		return -EPERM;
	}
	rc = become(cs, s, &who->id, now);
	if (rc == 0)
		rc = call_socket_set_profile(s, who->name[0] ? who->name : NULL,
					     who->avatar[0] ? who->avatar : NULL);
	if (rc < 0)
		count(cs, rc == -EDQUOT ? CALLS_N_REFUSED_SOCKETS : CALLS_N_REFUSED_MEMORY);
	if (rc < 0)
		return rc;
	call_socket_set_expiry(s, who->expires_s);
	call_socket_set_remnant(s, call_socket_expired(s, now.wall_ms));
	return 0;
}

enum event_result calls_on_user_join(struct calls *cs, const struct incoming *in)
{
	struct user_id who;

	if (in->args_n == 0 || user_id_read(in->args[0], &who) < 0)
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
	else
		calls_join(cs, in, &who);
	return EVENT_DONE;
}

/* Android's way: both ids are there, and the same. */
enum event_result calls_on_register(struct calls *cs, const struct incoming *in)
{
	struct call_request r;
	const struct user_id *who;

	if (!calls_read(cs, in, REQUEST_REGISTER, &r))
		return EVENT_DONE;
	who = r.self.text[0] ? &r.self : &r.other;
	if (!who->text[0])
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
	else if (r.other.text[0] && !user_id_equal(who, &r.other))
		tell_refusal(cs, in->s, CALLS_N_FORBIDDEN, TELL_FORBIDDEN, NULL);
	else
		calls_join(cs, in, who);
	return EVENT_DONE;
}
