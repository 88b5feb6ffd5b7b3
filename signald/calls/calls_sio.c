/* calls_sio.c - one trampoline for each event, and the socket's way in and out */
#include "calls_sio.h"

#include <errno.h>
#include <stdlib.h>

#include "socketio/sio_server.h"

#define MORE_MAX 16

struct calls_sio {
	struct calls_sio_config cfg;
	struct sio_namespace ns;
	struct sio_event_entry *events;
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

void calls_sio_ops(struct calls_ops *ops)
{
	ops->emit = emit;
	ops->ack = ack;
}

static void event(struct sio_socket *s, const struct sio_args *args, void *ctx, const char *name)
{
	struct calls_sio *a = ctx;
	struct call_socket *cs = calls_sio_socket(s);

	if (cs)
		calls_event(a->cfg.calls, cs, name, args->v, args->n, args->ack,
			    a->cfg.now(a->cfg.ctx));
}

/* A handler of the server is not told its event's name, so each has its own. */
#define TRAMPOLINE(fn, name)                                                                       \
	static void fn(struct sio_socket *s, const struct sio_args *args, void *ctx)               \
	{                                                                                          \
		event(s, args, ctx, name);                                                         \
	}

TRAMPOLINE(on_user_join, "user:join")
TRAMPOLINE(on_initiate, "call:initiate")
TRAMPOLINE(on_accept, "call:accept")
TRAMPOLINE(on_reject, "call:reject")
TRAMPOLINE(on_end, "call:end")
TRAMPOLINE(on_candidate, "ice:candidate")
TRAMPOLINE(on_ice_request, "ice:request")

static const struct sio_event_entry own_events[] = {
	{ "user:join", on_user_join },
	{ "call:initiate", on_initiate },
	{ "call:accept", on_accept },
	{ "call:reject", on_reject },
	{ "call:end", on_end },
	{ "ice:candidate", on_candidate },
	{ "ice:request", on_ice_request },
};

#define OWN_N (sizeof(own_events) / sizeof(own_events[0]))

static bool on_connect(struct sio_socket *s, const struct sio_handshake *h, struct sio_refusal *why,
		       void *ctx)
{
	struct calls_sio *a = ctx;
	struct call_socket *cs;

	if (calls_socket_opened(a->cfg.calls, s, h->address, &cs) < 0) {
		why->message = "too many connections";
		return false;
	}
	sio_set_data(s, cs);
	return true;
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

int calls_sio_new(struct calls_sio **out, const struct calls_sio_config *cfg)
{
	struct calls_sio *a;
	int rc = -ENOMEM;

	if (cfg->more_n > MORE_MAX)
		return -E2BIG;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	a->events = calloc(OWN_N + cfg->more_n, sizeof(a->events[0]));
	if (!a->events)
		goto fail;
	for (size_t i = 0; i < OWN_N; i++)
		a->events[i] = own_events[i];
	for (size_t i = 0; i < cfg->more_n; i++)
		a->events[OWN_N + i] = cfg->more[i];
	a->ns = (struct sio_namespace){
		.name = "/",
		.events = a->events,
		.events_n = OWN_N + cfg->more_n,
		.on_connect = on_connect,
		.on_disconnect = on_disconnect,
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
