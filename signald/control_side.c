/* control_side.c - see control_side.h */
#include "control_side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend_side.h"
#include "calls/call_events.h"
#include "calls/signing.h"
#include "config.h"
#include "control/control_socket.h"
#include "engineio/eio_server.h"
#include "log.h"
#include "relay_side.h"
#include "secret_files.h"
#include "secret_turn.h"
#include "service_side.h"
#include "socketio/sio_server.h"

#define LOG "secrets"

struct control_side {
	struct control_side_config cfg;
	struct control_socket *socket;
	struct secret_turn *turn; /* a rotation under way; NULL: none */
	uint64_t start_ms;
};

static int64_t now_s(const struct control_side *s)
{
	return s->cfg.now().wall_ms / 1000;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static int end(void *ctx, const char *call_id, const char *reason)
{
	struct control_side *s = ctx;

	return calls_end(s->cfg.calls, call_id, CALL_EV_SERVER, or_null(reason), s->cfg.now());
}

static size_t kick(void *ctx, const char *user, const char *reason)
{
	struct control_side *s = ctx;

	return calls_kick_user(s->cfg.calls, user, or_null(reason), s->cfg.now());
}

static void on_rotated(void *arg, int result, const struct secret_rotation *rotation,
		       const struct secret_error *why)
{
	struct control_side *s = arg;
	const char *path = s->cfg.config->auth_secret_file;
	char err[256] = "";

	if (result) {
		snprintf(err, sizeof(err), "%s: %s", path, why->text);
		log_error(LOG, "%s: no rotation: %s", path, why->text);
	} else {
		secret_files_rotated(s->cfg.secrets, rotation, now_s(s));
	}
	control_socket_rotated(s->socket, result, rotation, err);
	secret_turn_free(s->turn);
	s->turn = NULL;
}

static int refuse(char *err, size_t err_size, int r, const char *why)
{
	snprintf(err, err_size, "%s", why);
	return r;
}

static int rotate(void *ctx, char *err, size_t err_size)
{
	struct control_side *s = ctx;
	const struct config *c = s->cfg.config;
	int r;

	if (!c->auth_secret_file)
		return refuse(err, err_size, -ENOENT, "there is no auth-secret-file");
	if (s->turn)
		return refuse(err, err_size, -EBUSY, "a rotation is under way");
	r = secret_turn_start(&s->turn, s->cfg.base, c->auth_secret_file, now_s(s),
			      c->credential_ttl_max_s, on_rotated, s);
	return r ? refuse(err, err_size, r, strerror(-r)) : 0;
}

static void status(void *ctx, struct control_status *out)
{
	static const char *const auths[] = {
		[CONFIG_AUTH_OPEN] = "open",
		[CONFIG_AUTH_TOKEN] = "token",
		[CONFIG_AUTH_BACKEND] = "backend",
	};
	const struct control_side *s = ctx;
	struct relay_peer relay;
	const struct secret *secret =
		signing_secret(secret_files_signing(s->cfg.secrets), now_s(s), NULL);

	relay_side_peer(s->cfg.relay, &relay);
	*out = (struct control_status){
		.version = PACKAGE_VERSION,
		.uptime_ms = s->cfg.now().now_ms - s->start_ms,
		.auth = auths[s->cfg.config->auth],
		.sessions = eio_server_counters(sio_server_engine(s->cfg.sio))->sessions,
		.has_relay = s->cfg.config->relay_socket,
		.relay_connected = relay_side_connected(s->cfg.relay),
		.relay = relay.hello,
		.relay_draining = relay.draining,
		.relay_lacks = relay.lacks,
		.relay_problem = relay.problem,
		.secret = secret ? secret->id : NULL,
		.summary = service_side_line(s->cfg.service),
		.next = service_side_next(s->cfg.service),
	};
	if (s->cfg.backend)
		out->backend = backend_available(backend_side_backend(s->cfg.backend))
				       ? "answers"
				       : "does not answer";
}

int control_side_new(struct control_side **out, const struct control_side_config *cfg)
{
	struct control_side *s = calloc(1, sizeof(*s));
	struct control_config cc = { .calls = cfg->calls,
				     .usage = relay_side_usage(cfg->relay),
				     .now = cfg->now,
				     .end = end,
				     .kick = kick,
				     .rotate = rotate,
				     .status = status,
				     .ctx = s };
	int r;

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	s->start_ms = cfg->now().now_ms;
	r = control_socket_new(&s->socket, cfg->base, cfg->config->control_socket, &cc);
	if (r) {
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void control_side_free(struct control_side *s)
{
	if (!s)
		return;
	secret_turn_free(s->turn);
	control_socket_free(s->socket);
	free(s);
}

const struct control_counters *control_side_commands(const struct control_side *s)
{
	return control_socket_commands(s->socket);
}

const struct control_socket_counters *control_side_socket(const struct control_side *s)
{
	return control_socket_counters(s->socket);
}
