/* app.c - who is made after whom, who is told what, and the same column upside down
 *
 *	calls --> relay_side: calls, members, candidates, ends	(the relay follows the call)
 *	calls --> call_keeper: what changed			(calls outlive us)
 *	files --> signing --> credentials			(what clients sign in with) */
#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/counters.h"
#include "admin/rest.h"
#include "admin/rights.h"
#include "auth/auth.h"
#include "backend_side.h"
#include "call_keeper.h"
#include "calls/call_events.h"
#include "calls/calls_sio.h"
#include "calls/credentials.h"
#include "calls/signing.h"
#include "control_side.h"
#include "demo_page.h"
#include "front.h"
#include "log.h"
#include "loop.h"
#include "relay/usage.h"
#include "relay_side.h"
#include "secret_files.h"
#include "service_side.h"
#include "socketio/sio_server.h"
#include "transport/address_set.h"
#include "transport/http_server.h"

#define TICK_MS 250
#define LOOK_TICKS 20	   /* look at the files of secrets and certificates every 5 s */
#define TELL_TICKS 4	   /* say who signs within 1 s of a change */
#define LATER_MORE_MS 2000 /* beyond the backend's, for a CONNECT that waits for it */
#define DRAIN_MORE_MS 5000 /* beyond its window, for what does not want to leave */
#define STOP_MORE_MS 15000 /* beyond that, for a disk that is slow */

struct app {
	const struct config *config;
	struct loop *loop;
	struct loop_timer *tick, *calls_tick;
	struct loop_timer *drain_end;
	struct loop_signal *signals[3];
	struct front *front;
	struct http_server *http; /* the front's */
	struct sio_server *sio;
	struct calls *calls;
	struct calls_sio *calls_sio;
	struct credentials *credentials;
	struct secret_files *secrets;
	struct auth *auth;	      /* NULL: we verify no tokens */
	struct backend_side *backend; /* NULL: nothing is asked of it */
	struct relay_side *relay;
	struct call_keeper *keeper; /* NULL: calls do not outlive us */
	struct demo_page *demo;
	struct control_side *control; /* NULL: none */
	struct service_side *service;
	struct counters *counters;
	struct admin_tokens *admin_tokens;
	struct site_key site_key;
	struct rest rest;
	unsigned ticks;
	bool checking; /* the configuration; nobody will be served */
	bool draining;
};

static struct call_time app_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct call_time){ .now_ms = loop_now_ms(),
				   .wall_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

static int64_t now_s(void)
{
	return app_now().wall_ms / 1000;
}

static struct call_time now_for_calls(void *ctx)
{
	(void)ctx;
	return app_now();
}

/* --- calls to the relay --------------------------------------------------- */

static void on_call_new(const struct call *c, void *ctx)
{
	struct app *a = ctx;

	relay_side_call_new(a->relay, c);
	call_keeper_begun(a->keeper, c);
}

static void on_call_changed(const struct call *c, void *ctx)
{
	struct app *a = ctx;

	call_keeper_changed(a->keeper, c);
}

static void on_member_left(const struct call *c, const char *user, void *ctx)
{
	struct app *a = ctx;

	relay_side_member_left(a->relay, c, user);
}

static void on_member(const struct call *c, const char *user, const char *address, void *ctx)
{
	struct app *a = ctx;

	relay_side_member(a->relay, c, user, address);
}

static void on_candidate(const struct call *c, const char *user, const char *candidate, void *ctx)
{
	struct app *a = ctx;

	relay_side_candidate(a->relay, c, user, candidate);
}

static void on_call_ended(const struct call *c, void *ctx)
{
	struct app *a = ctx;

	relay_side_call_ended(a->relay, c);
	call_keeper_ended(a->keeper, c);
}

static void tell_ice_servers(void *ctx, const char *id)
{
	struct app *a = ctx;

	calls_tell_ice_servers(a->calls, id, app_now());
}

static bool media_direct(void *ctx, const char *id)
{
	const struct app *a = ctx;

	return calls_media_direct(a->calls, id);
}

static void fail_call(void *ctx, const char *id)
{
	struct app *a = ctx;

	calls_end(a->calls, id, CALL_EV_FAIL, "no media since turnserver was started anew",
		  app_now());
}

static bool turn_connected(void *ctx)
{
	const struct app *a = ctx;

	return relay_side_connected(a->relay);
}

/* --- calls to auth --------------------------------------------------------- */

_Static_assert(CALLS_TOKEN_MAX == TOKEN_BYTES_MAX, "what one finds the other verifies");

static int verify_token(struct call_socket *asker, struct json_slice token,
			struct calls_identity *out, void *ctx)
{
	struct app *a = ctx;

	(void)asker;
	return auth_verify_json(a->auth, token, now_s(), out);
}

/* --- calls to the messenger's server -------------------------------------- */

static int ask_who(struct call_socket *asker, struct json_slice token, struct calls_identity *out,
		   void *ctx)
{
	const char *address = call_socket_address(asker);
	struct client_address from = { .family = 0 };
	struct app *a = ctx;

	address_read(&from, address, strlen(address));
	return backend_calls_authenticate(backend_side_calls(a->backend), asker, &from, token, out);
}

static int ask_may_call(struct call_socket *asker, const char *from, const char *to, void *ctx)
{
	struct app *a = ctx;

	return backend_calls_may_call(backend_side_calls(a->backend), asker, from, to);
}

static int ask_members(struct call_socket *asker, const char *user, const char *group,
		       struct user_id *out, size_t max, void *ctx)
{
	struct app *a = ctx;

	return backend_calls_members(backend_side_calls(a->backend), asker, user, group, out, max);
}

static void forget_asker(struct call_socket *asker, void *ctx)
{
	struct app *a = ctx;

	backend_calls_forget(backend_side_calls(a->backend), asker);
}

static void resume_asker(void *asker, void *ctx)
{
	struct app *a = ctx;

	calls_resume(a->calls, asker, app_now());
}

/* Only what is configured to be asked there. */
static void ask_backend(const struct app *a, struct calls_ops *ops)
{
	const struct config *c = a->config;

	if (!a->backend)
		return;
	ops->forget = forget_asker;
	if (c->auth == CONFIG_AUTH_BACKEND)
		ops->authenticate = ask_who;
	if (c->members == CONFIG_MEMBERS_BACKEND)
		ops->group_members = ask_members;
	if (c->block_list == CONFIG_BLOCK_LIST_BACKEND)
		ops->may_call = ask_may_call;
}

/* --- demo page ----------------------------------------------------------- */

static void on_online(const struct user_id *user, bool online, void *ctx)
{
	struct app *a = ctx;

	if (!online && a->demo)
		demo_page_offline(a->demo, user->text);
}

static void on_demo_hello(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	struct app *a = calls_sio_ctx(ctx);
	struct call_socket *cs = calls_sio_socket(s);

	if (cs && call_socket_registered(cs))
		demo_page_hello(a->demo, s, user_id_of(call_socket_user(cs))->text, args);
}

static const struct sio_event_entry demo_events[] = {
	{ "demo:hello", on_demo_hello },
};

static const struct http_route demo_routes[] = {
	{ HTTP_GET, "/", demo_page_redirect },
	{ HTTP_GET, "/demo", demo_page_redirect },
	{ HTTP_GET, "/demo/*", demo_page_get },
};

/* --- putting it together ------------------------------------------------- */

/* Not while clients leave because we do: a call that ended now would be cut off at the relay, where
 * it may go on until its participants have called again. */
static void on_calls_tick(void *ctx)
{
	struct app *a = ctx;
	bool more;

	if (a->draining)
		return;
	more = calls_tick(a->calls, app_now());
	loop_timer_set(a->calls_tick, more ? 1 : TICK_MS);
}

static void on_tick(void *ctx)
{
	struct app *a = ctx;

	if (a->demo)
		demo_page_tick(a->demo);
	counters_tick(a->counters, loop_now_ms());
	if (++a->ticks % LOOK_TICKS == 0) {
		secret_files_read_if_changed(a->secrets, now_s());
		front_look(a->front, now_s());
		admin_tokens_read_if_changed(a->admin_tokens);
		if (a->auth)
			auth_read_if_changed(a->auth);
		if (a->backend)
			backend_side_read_if_changed(a->backend);
	}
	if (a->ticks % TELL_TICKS == 0 && !a->draining)
		relay_side_tick(a->relay);
	if (a->ticks % TELL_TICKS == 0) {
		secret_files_tell(a->secrets, now_s());
		service_side_tick(a->service);
	}
	loop_timer_set(a->tick, TICK_MS);
}

static void on_drained(void *ctx)
{
	struct app *a = ctx;

	log_info("signald", "stopping: all clients have left");
	loop_stop(a->loop);
}

static void on_drain_over(void *ctx)
{
	struct app *a = ctx;

	log_warn("signald", "stopping: not all clients have left in time");
	loop_stop(a->loop);
}

/* The first time clients are sent away one by one; feed and ledger stay until the last is gone. */
static void on_stop(void *ctx)
{
	struct app *a = ctx;
	uint64_t window_ms = a->config->drain_window_s * 1000ULL;

	if (a->draining) {
		log_info("signald", "stopping at once");
		loop_stop(a->loop);
		return;
	}
	a->draining = true;
	log_info("signald", "stopping: clients leave within %u s", a->config->drain_window_s);
	loop_timer_set(a->drain_end, window_ms + DRAIN_MORE_MS);
	service_side_stopping(a->service, window_ms + DRAIN_MORE_MS + STOP_MORE_MS);
	eio_server_drain(sio_server_engine(a->sio), window_ms, loop_now_ms(), on_drained, a);
}

static void on_reload(void *ctx)
{
	struct app *a = ctx;

	service_side_reloading(a->service);
	secret_files_read(a->secrets, now_s());
	front_reload(a->front, now_s());
	admin_tokens_read(a->admin_tokens);
	if (a->auth)
		auth_read(a->auth);
	if (a->backend)
		backend_side_read(a->backend);
	service_side_ready(a->service);
}

static int make_loop(struct app *a)
{
	static const struct {
		int signo;
		loop_fn fn;
	} signals[] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload } };
	int r = loop_new(&a->loop);

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit of the journal's size is an error like a full disk */
	for (size_t i = 0; !r && i < sizeof(signals) / sizeof(signals[0]); i++)
		r = loop_signal_new(&a->signals[i], a->loop, signals[i].signo, signals[i].fn, a);
	if (!r)
		r = loop_timer_new(&a->tick, a->loop, on_tick, a);
	if (!r)
		r = loop_timer_new(&a->calls_tick, a->loop, on_calls_tick, a);
	if (!r)
		r = loop_timer_new(&a->drain_end, a->loop, on_drain_over, a);
	return r;
}

static int make_credentials(struct app *a)
{
	const struct config *c = a->config;
	struct credentials_config cc = {
		.stun_urls = (const char *const *)c->stun_urls.v,
		.turn_urls = (const char *const *)c->turn_urls.v,
		.ttl_s = c->credential_ttl_max_s,
		.ttl_max_s = c->credential_ttl_max_s,
	};
	int r = credentials_new(&a->credentials, &cc);

	if (r) {
		log_error("config", "turn-urls, stun-urls: %s", strerror(-r));
		return r;
	}
	r = secret_files_new(&a->secrets, c->auth_secret_file, c->turnserver_conf, now_s());
	if (!r)
		credentials_set_signing(a->credentials, secret_files_signing(a->secrets));
	return r;
}

static int make_backend(struct app *a)
{
	const struct config *c = a->config;
	const struct backend_side_config bc = { .loop = a->loop,
						.url = c->backend_url,
						.token_file = c->backend_token_file,
						.ca_file = c->backend_ca,
						.timeout_ms = c->backend_timeout_ms,
						.keep_s = c->backend_cache_s,
						.per_client = c->handshakes_per_address,
						.now = now_for_calls,
						.resume = resume_asker,
						.ctx = a };

	return c->backend_url ? backend_side_new(&a->backend, &bc) : 0;
}

static int make_auth(struct app *a)
{
	const struct config *c = a->config;
	struct auth_config ac = { .keys = (const char *const *)c->token_keys.v,
				  .keys_n = c->token_keys.n,
				  .rules = { .issuer = c->token_issuer,
					     .audience = c->token_audience,
					     .claim_id = c->token_claim_id,
					     .claim_name = c->token_claim_name,
					     .claim_avatar = c->token_claim_avatar,
					     .leeway_s = c->token_leeway_s } };

	return c->auth == CONFIG_AUTH_TOKEN ? auth_new(&a->auth, &ac) : 0;
}

static int make_calls(struct app *a)
{
	const struct config *c = a->config;
	struct calls_config cc;
	struct calls_ops ops = { .on_call_new = on_call_new,
				 .on_member = on_member,
				 .on_member_left = on_member_left,
				 .on_call_changed = on_call_changed,
				 .on_candidate = on_candidate,
				 .on_call_ended = on_call_ended,
				 .on_online = on_online,
				 .ctx = a };

	calls_config_defaults(&cc);
	cc.times.ring_ms = c->ring_timeout_s * 1000ULL;
	cc.times.grace_ms = c->leg_grace_s * 1000ULL;
	cc.times.length_ms = c->call_max_s * 1000ULL;
	cc.leg_wait_ms = c->leg_wait_s * 1000ULL;
	cc.busy_rings = c->busy == CONFIG_BUSY_RING;
	cc.offline_rings = c->offline == CONFIG_OFFLINE_RING;
	cc.group_members_max = c->group_members_max;
	cc.sockets.sockets_per_user_max = c->user_sockets_max;
	cc.calls.ended_max = RELAY_ENDED_KEPT;
	cc.sockets.sockets_max = c->connections_max;
	cc.calls_per_minute = c->calls_per_minute;
	cc.ice_requests_per_minute = c->ice_requests_per_minute;
	cc.credentials = a->credentials;
	cc.open = c->auth == CONFIG_AUTH_OPEN;
	cc.identify_ms = c->connect_timeout_s * 1000ULL;
	if (a->auth)
		ops.authenticate = verify_token;
	calls_sio_ops(&ops);
	ask_backend(a, &ops);
	return calls_new(&a->calls, &cc, &ops);
}

static int make_relay(struct app *a)
{
	struct relay_side_config rc = { .base = loop_base(a->loop),
					.socket = a->config->relay_socket,
					.state_dir = a->config->state_dir,
					.signing = secret_files_signing(a->secrets),
					.tell_ice_servers = tell_ice_servers,
					.media_direct = media_direct,
					.fail = fail_call,
					.ctx = a,
					.grace_ms = a->config->leg_grace_s * 1000ULL };

	return relay_side_new(&a->relay, &rc);
}

/* After relay: what is restored counts there. Before anybody is served. */
static int make_keeper(struct app *a)
{
	struct call_keeper_config kc = { .loop = a->loop,
					 .calls = a->calls,
					 .dir = a->config->state_dir,
					 .credential_s = a->config->credential_ttl_max_s,
					 .now = app_now };

	return a->config->relay_socket ? call_keeper_new(&a->keeper, &kc) : 0;
}

static void limits_of(struct app *a, struct sio_config *out)
{
	const struct config *c = a->config;

	sio_config_defaults(out);
	out->engine.ping_interval_ms = c->ping_interval_ms;
	out->engine.ping_timeout_ms = c->ping_timeout_ms;
	out->engine.upgrade_timeout_ms = c->upgrade_timeout_s * 1000ULL;
	out->engine.sessions_max = c->connections_max;
	out->engine.max_payload = c->max_payload_bytes;
	out->engine.queue_soft = c->queue_soft_bytes;
	out->engine.queue_hard = c->queue_hard_bytes;
	out->engine.cookie = c->io_cookie;
	out->engine.admission = front_admission(a->front);
	out->engine.budget = front_queues(a->front);
	out->headers = calls_sio_headers;
	out->connect_timeout_ms = c->connect_timeout_s * 1000ULL;
	out->laters_max = c->connections_max;
	out->later_timeout_ms = c->backend_timeout_ms + LATER_MORE_MS;
	out->namespaces_max = c->namespaces_max;
	out->rooms_max = c->rooms_max;
	out->unjoined_max = c->unjoined_max;
	out->acks_max = c->acks_max;
	out->attachments_max = c->attachments_max;
	out->partial_bytes_max = config_partial_bytes_max(c);
	out->events_burst = c->events_burst;
	out->events_per_s = c->events_per_s;
	out->json_depth = c->json_depth;
	out->json_nodes = c->json_nodes;
}

static int make_socketio(struct app *a)
{
	struct calls_sio_config cc = { .calls = a->calls,
				       .now = now_for_calls,
				       .find_token = auth_token_of_request,
				       .ctx = a };
	struct sio_config sc;
	int r;

	limits_of(a, &sc);
	r = sio_server_new(&a->sio, &sc);
	if (r)
		return r;
	cc.server = a->sio;
	if (a->config->demo_dir) {
		r = demo_page_new(&a->demo, a->config->demo_dir, a->sio);
		if (r)
			return r;
		cc.more = demo_events;
		cc.more_n = sizeof(demo_events) / sizeof(demo_events[0]);
	}
	return calls_sio_new(&a->calls_sio, &cc);
}

static int check_backend(struct app *a)
{
	return backend_side_check(a->config->backend_url, a->config->backend_token_file,
				  a->config->backend_ca);
}

static int read_site_key(struct app *a)
{
	const char *path = a->config->site_key_file;
	int r = path ? site_key_load(&a->site_key, path) : 0;

	if (r == -EPERM)
		log_error("config", "site-key-file %s: others may write it", path);
	else if (r == -EINVAL)
		log_error("config",
			  "site-key-file %s: its first line is no key of %u to %u characters", path,
			  SITE_KEY_MIN, SITE_KEY_MAX);
	else if (r)
		log_error("config", "site-key-file %s: %s", path, strerror(-r));
	return r;
}

static int make_tokens(struct app *a)
{
	int r = admin_tokens_new(&a->admin_tokens, a->config->admin_token_file);

	return r ? r : read_site_key(a);
}

static int make_front(struct app *a)
{
	return front_new(&a->front, a->config, now_s(), a->checking);
}

static int make_rest(struct app *a)
{
	const struct rights_config rc = {
		.open = a->config->auth == CONFIG_AUTH_OPEN,
		.admin = a->admin_tokens,
		.site_key = &a->site_key,
		.failures_per_minute = a->config->admin_failures_per_minute,
		.credentials_per_minute = a->config->credentials_per_minute,
	};

	a->rest.calls = a->calls;
	a->rest.credentials = a->credentials;
	a->rest.usage = relay_side_usage(a->relay);
	a->rest.ledger = relay_side_ledger(a->relay);
	a->rest.start_ms = loop_now_ms();
	a->rest.now = app_now;
	a->rest.turn_connected = turn_connected;
	a->rest.ctx = a;
	a->rest.auth = a->auth;
	if (a->config->auth == CONFIG_AUTH_BACKEND)
		a->rest.backend = backend_side_backend(a->backend);
	return rights_new(&a->rest.rights, &rc);
}

static int make_http(struct app *a)
{
	struct event_base *base = loop_base(a->loop);
	int r = front_http(a->front, base, &a->http);

	if (!r)
		r = http_server_routes(a->http, rest_routes, rest_routes_n, &a->rest);
	if (!r && a->demo)
		r = http_server_routes(a->http, demo_routes,
				       sizeof(demo_routes) / sizeof(demo_routes[0]), a->demo);
	return r ? r : front_open(a->front, base, sio_server_engine(a->sio));
}

static int make_service(struct app *a)
{
	const struct service_side_config sc = { .loop = a->loop,
						.config = a->config,
						.front = a->front,
						.calls = a->calls,
						.engine = sio_server_engine(a->sio),
						.relay = a->relay,
						.secrets = a->secrets };

	return service_side_new(&a->service, &sc);
}

static int make_control(struct app *a)
{
	const struct control_side_config cc = { .base = loop_base(a->loop),
						.config = a->config,
						.calls = a->calls,
						.relay = a->relay,
						.secrets = a->secrets,
						.sio = a->sio,
						.backend = a->backend,
						.service = a->service,
						.now = app_now };

	return a->config->control_socket ? control_side_new(&a->control, &cc) : 0;
}

static int make_counters(struct app *a)
{
	struct counters_sources s = { .eio = eio_server_counters(sio_server_engine(a->sio)),
				      .sio = sio_server_counters(a->sio),
				      .calls = a->calls,
				      .rights = rights_counters(a->rest.rights),
				      .usage = usage_counters(relay_side_usage(a->relay)),
				      .feed = relay_side_feed_counters(a->relay),
				      .lost_relays = relay_side_lost_counters(a->relay),
				      .revoke_list = relay_side_revoke_counters(a->relay),
				      .ledger = relay_side_ledger_counters(a->relay),
				      .keeper = a->keeper ? call_keeper_counters(a->keeper) : NULL,
				      .keeper_file = a->keeper
							     ? call_keeper_file_counters(a->keeper)
							     : NULL,
				      .demo = a->demo ? demo_page_counters(a->demo) : NULL };

	if (a->auth)
		s.auth = auth_counters(a->auth);
	if (a->backend) {
		s.backend = backend_counters(backend_side_backend(a->backend));
		s.backend_http = backend_side_http_counters(a->backend);
	}
	if (a->control) {
		s.control = control_side_commands(a->control);
		s.control_socket = control_side_socket(a->control);
	}
	front_counters(a->front, &s);
	return counters_new(&a->counters, &s);
}

/* What each step needs, those before it have made. */
static int (*const steps[])(struct app *) = {
	/* judge the configuration, and touch nothing but the files it names */
	make_credentials,
	make_tokens,
	check_backend,
	make_front,
	make_auth,
	/* the rest of the house */
	make_loop,
	make_backend,
	make_calls,
	make_relay,
	make_keeper,
	make_socketio,
	make_rest,
	make_http,
	make_service,
	make_control,
	make_counters,
};
#define STEPS_N (sizeof(steps) / sizeof(steps[0]))
#define CHECKS_N 5 /* the first ones */

static int take_steps(struct app **out, const struct config *c, size_t n)
{
	struct app *a = calloc(1, sizeof(*a));
	int r = a ? 0 : -ENOMEM;

	if (a) {
		a->config = c;
		a->checking = n == CHECKS_N;
	}
	for (size_t i = 0; !r && i < n; i++)
		r = steps[i](a);
	if (r) {
		app_free(a);
		return r;
	}
	*out = a;
	return 0;
}

int app_check(const struct config *c)
{
	struct app *a;
	int r = take_steps(&a, c, CHECKS_N);

	if (!r)
		app_free(a);
	return r;
}

int app_new(struct app **out, const struct config *c)
{
	int r = take_steps(out, c, STEPS_N);

	if (r)
		return r;
	loop_timer_set((*out)->tick, TICK_MS);
	loop_timer_set((*out)->calls_tick, TICK_MS);
	return 0;
}

int app_run(struct app *a)
{
	int r;

	service_side_ready(a->service);
	r = loop_run(a->loop);
	counters_say(a->counters);
	return r;
}

void app_free(struct app *a)
{
	if (!a)
		return;
	control_side_free(a->control);
	service_side_free(a->service);
	/* Connections first: their ends reach calls, usage and the demo page. */
	if (a->front)
		front_close(a->front);
	sio_server_free(a->sio);
	calls_sio_free(a->calls_sio);
	call_keeper_free(a->keeper);
	calls_free(a->calls);
	backend_side_free(a->backend);
	relay_side_free(a->relay);
	rights_free(a->rest.rights);
	admin_tokens_free(a->admin_tokens);
	demo_page_free(a->demo);
	credentials_free(a->credentials);
	auth_free(a->auth);
	secret_files_free(a->secrets);
	front_free(a->front);
	loop_timer_free(a->tick);
	loop_timer_free(a->calls_tick);
	loop_timer_free(a->drain_end);
	counters_free(a->counters);
	for (size_t i = 0; i < sizeof(a->signals) / sizeof(a->signals[0]); i++)
		loop_signal_free(a->signals[i]);
	loop_free(a->loop);
	free(a);
}
