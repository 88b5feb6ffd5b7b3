/* calls_sio.c - events on their way in, and the socket's way in and out */
#include "calls_sio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_server.h"

#define MORE_MAX 16

struct calls_sio {
	struct calls_sio_config cfg;
	struct sio_namespace ns;
	struct sio_event_entry *events;
	size_t events_n;
};

static int emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	(void)ctx;
	return sio_emit(handle, event, args, n);
}

static int ack(void *handle, int64_t id, const char *args, size_t n, void *ctx)
{
	(void)ctx;
	return sio_ack(handle, id, args, n);
}

/* 41 keeps a client away for good: for a bad token alone. */
static void kick(void *handle, bool bad_token, void *ctx)
{
	(void)ctx;
	if (bad_token)
		sio_disconnect(handle, true);
	else
		sio_cut(handle, "forced close");
}

static const struct {
	int rc;
	const char *message, *data;
} refusals[] = {
	{ -EACCES, "Bad token", "{\"code\":\"bad_token\"}" },
	{ -EKEYEXPIRED, "The token has expired", "{\"code\":\"token_expired\"}" },
};

/* Shipped clients do not come back after a refusal (44). So only a token gets one; what is
 * otherwise in the way passes, and ends the connection instead: they try again by themselves. */
static void refuse(struct sio_socket *s, struct sio_refusal *why, int rc)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].rc != rc)
			continue;
		why->message = refusals[i].message;
		why->data = (struct json_slice){ refusals[i].data, strlen(refusals[i].data) };
		return;
	}
	sio_cut(s, "not to be let in now");
}

static void connected(void *handle, int result, void *ctx)
{
	struct sio_refusal why = { .message = NULL };

	(void)ctx;
	if (result)
		refuse(handle, &why, result);
	if (result == 0 || why.message)
		sio_connect_done(handle, result == 0, &why);
}

void calls_sio_ops(struct calls_ops *ops)
{
	ops->emit = emit;
	ops->ack = ack;
	ops->kick = kick;
	ops->connected = connected;
}

static void on_event(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	struct calls_sio *a = ctx;
	struct call_socket *cs = calls_sio_socket(s);

	if (cs)
		calls_event(a->cfg.calls, cs, args->event, args->v, args->n, args->ack,
			    a->cfg.now(a->cfg.ctx));
}

/* calls' own events in front, then the application's further ones. */
static int make_table(struct calls_sio *a)
{
	const struct calls_sio_config *cfg = &a->cfg;
	size_t own_n = 0;

	while (calls_event_name(own_n))
		own_n++;
	a->events_n = own_n + cfg->more_n;
	a->events = calloc(a->events_n, sizeof(a->events[0]));
	if (!a->events)
		return -ENOMEM;
	for (size_t i = 0; i < own_n; i++)
		a->events[i] = (struct sio_event_entry){ calls_event_name(i), on_event };
	for (size_t i = 0; i < cfg->more_n; i++)
		a->events[own_n + i] = cfg->more[i];
	return 0;
}

static void on_disconnect(struct sio_socket *s, const char *reason, void *ctx)
{
	struct calls_sio *a = ctx;
	struct call_socket *cs = calls_sio_socket(s);

	(void)reason;
	sio_set_data(s, NULL);
	if (cs)
		calls_socket_closed(a->cfg.calls, cs, a->cfg.now(a->cfg.ctx));
}

/* --- the token a client brings along --- */

const char *const calls_sio_headers[] = { "Authorization", NULL };

/* In the payload of CONNECT: { token } or { access_token }. What is null or "" is not there. */
static struct json_slice payload_token(struct json_slice auth)
{
	static const char *const names[] = { "token", "access_token" };
	struct json_slice v;

	for (size_t i = 0; auth.p && i < sizeof(names) / sizeof(names[0]); i++)
		if (json_member(auth, names[i], &v) && json_type(v) != JSON_NULL &&
		    (json_type(v) != JSON_STRING || v.n > 2))
			return v;
	return (struct json_slice){ NULL, 0 };
}

/* What was no string becomes none that anybody knows. */
static struct json_slice request_token(const struct calls_sio *a, const struct sio_handshake *h,
				       struct json_out *o)
{
	char text[CALLS_TOKEN_MAX + 1];
	int n = a->cfg.find_token ? a->cfg.find_token(sio_handshake_header(h, 0), h->query, text)
				  : 0;

	if (n == 0)
		return (struct json_slice){ NULL, 0 };
	if (n > 0 && json_utf8_span(text, (size_t)n) != (size_t)n)
		n = -EINVAL;
	json_out_string_n(o, text, n > 0 ? (size_t)n : 0);
	explicit_bzero(text, sizeof(text));
	return (struct json_slice){ o->p, o->n };
}

/* Returns as calls_connect(). */
static int present(struct calls_sio *a, struct call_socket *cs, const struct sio_handshake *h)
{
	char buf[6 * CALLS_TOKEN_MAX + 3]; /* each byte escaped, and the quotes */
	struct json_slice token = payload_token(h->auth);
	struct json_out o;
	int rc;

	json_out_fixed(&o, buf, sizeof(buf));
	if (!token.p)
		token = request_token(a, h, &o);
	rc = calls_connect(a->cfg.calls, cs, token, a->cfg.now(a->cfg.ctx));
	explicit_bzero(buf, o.n);
	return rc;
}

static enum sio_connect on_connect(struct sio_socket *s, const struct sio_handshake *h,
				   struct sio_refusal *why, void *ctx)
{
	struct calls_sio *a = ctx;
	struct call_socket *cs;
	int rc;

	if (calls_socket_opened(a->cfg.calls, s, h->address, &cs) < 0) {
		refuse(s, why, -ENOSPC);
		return SIO_CONNECT_NO;
	}
	sio_set_data(s, cs);
	rc = present(a, cs, h);
	if (rc == -EAGAIN)
		return SIO_CONNECT_LATER;
	if (rc == 0)
		return SIO_CONNECT_YES;
	refuse(s, why, rc);
	on_disconnect(s, NULL, ctx);
	return SIO_CONNECT_NO;
}

int calls_sio_new(struct calls_sio **out, const struct calls_sio_config *cfg)
{
	struct calls_sio *a;
	int rc;

	if (cfg->more_n > MORE_MAX)
		return -E2BIG;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	rc = make_table(a);
	if (rc < 0)
		goto fail;
	a->ns = (struct sio_namespace){
		.name = "/",
		.events = a->events,
		.events_n = a->events_n,
		.on_connect = on_connect,
		.on_disconnect = on_disconnect,
		.on_other = cfg->other,
		.limit_event = "call:error",
		.limit_args = "{\"message\":\"too many events\",\"code\":\"rate_limited\"}",
		.ctx = a,
	};
	rc = sio_server_namespace(cfg->server, &a->ns);
	if (rc < 0)
		goto fail;
	*out = a;
	return 0;
fail:
	calls_sio_free(a);
	return rc;
}

void calls_sio_free(struct calls_sio *a)
{
	if (!a)
		return;
	free(a->events);
	free(a);
}

void *calls_sio_ctx(const struct calls_sio *a)
{
	return a->cfg.ctx;
}

struct call_socket *calls_sio_socket(const struct sio_socket *s)
{
	return sio_data(s);
}
