/* calls_sio.c - events on their way in, and the socket's way in and out */
#include "calls_sio.h"

#include <errno.h>
#include <stdlib.h>

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

void calls_sio_ops(struct calls_ops *ops)
{
	ops->emit = emit;
	ops->ack = ack;
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

static enum sio_connect on_connect(struct sio_socket *s, const struct sio_handshake *h,
				   struct sio_refusal *why, void *ctx)
{
	struct calls_sio *a = ctx;
	struct call_socket *cs;

	if (!a->cfg.open) {
		why->message = "unauthorized";
		return SIO_CONNECT_NO;
	}
	if (calls_socket_opened(a->cfg.calls, s, h->address, &cs) < 0) {
		why->message = "too many connections";
		return SIO_CONNECT_NO;
	}
	sio_set_data(s, cs);
	return SIO_CONNECT_YES;
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
