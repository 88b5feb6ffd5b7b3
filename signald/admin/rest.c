/* rest.c - one handler an endpoint; the shapes are in views.c and credentials.c */
#include "rest.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "admin/credential_request.h"
#include "admin/views.h"
#include "calls/call_events.h"
#include "calls/call_table.h"
#include "calls/credentials.h"

#define SMALL_MAX (CREDENTIALS_JSON_MAX + 4096) /* every answer but the stats */
#define STATS_MAX (64 * 1024 * 1024)

static void reply(struct http_request *r, const struct json_out *o)
{
	if (o->failed)
		http_reply_error(r, 500, "Internal Server Error");
	else
		http_reply_json(r, 200, o->p, o->n);
}

/* --- health and counts --------------------------------------------------- */

static void get_health(struct http_request *r, void *ctx)
{
	const struct rest *rest = ctx;
	struct call_time t = rest->now();
	struct json_out o;
	char buf[SMALL_MAX];

	json_out_fixed(&o, buf, sizeof(buf));
	view_health(&o, t.wall_ms, t.now_ms - rest->start_ms, rest->turn_connected(rest->ctx));
	reply(r, &o);
}

static void get_active_count(struct http_request *r, void *ctx)
{
	const struct rest *rest = ctx;
	struct json_out o;
	char buf[SMALL_MAX];

	json_out_fixed(&o, buf, sizeof(buf));
	view_active_count(&o, call_table_live_n(calls_table(rest->calls)), rest->now().wall_ms);
	reply(r, &o);
}

/* --- credentials --------------------------------------------------------- */

static void reply_no_grant(struct http_request *r, int err)
{
	if (err == -EINVAL)
		http_reply_error(r, 400, "userId must be an integer or 1-64 of [A-Za-z0-9._@+-]");
	else if (err == -ENOKEY)
		http_reply_error(r, 503, "no secret to sign credentials with is active");
	else
		http_reply_error(r, 500, "Internal Server Error");
}

/* False: not granted, and that was the answer. */
static bool grant_for(struct http_request *r, const struct rest *rest, const char *user,
		      uint64_t ttl_s, int64_t wall_ms, struct turn_grant *out)
{
	int err = credentials_grant(rest->credentials, user, NULL, ttl_s, wall_ms / 1000, out);

	if (err)
		reply_no_grant(r, err);
	return !err;
}

/* An answer up to {"success":true; the handler goes on, closes and sends it. */
static void begin_success(struct json_out *o, char buf[SMALL_MAX])
{
	json_out_fixed(o, buf, SMALL_MAX);
	json_out_open(o, '{');
	json_put_bool(o, "success", true);
}

static void get_ice_servers(struct http_request *r, void *ctx)
{
	const struct rest *rest = ctx;
	int64_t wall_ms = rest->now().wall_ms;
	struct turn_grant grant;
	struct json_out o;
	char buf[SMALL_MAX];

	if (!grant_for(r, rest, http_segment(r), 0, wall_ms, &grant))
		return;
	begin_success(&o, buf);
	json_out_key(&o, "iceServers");
	credentials_put_ice_servers(rest->credentials, &o, &grant);
	json_put_i64(&o, "timestamp", wall_ms);
	json_out_close(&o, '}');
	reply(r, &o);
}

static bool is_form(const struct http_request *r)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = http_header(r, "Content-Type");

	return type && !strncasecmp(type, form, sizeof(form) - 1);
}

static void post_turn_credentials(struct http_request *r, void *ctx)
{
	const struct rest *rest = ctx;
	struct credential_request w;
	struct turn_grant grant;
	struct json_out o;
	char buf[SMALL_MAX];
	const char *wrong, *body;
	size_t n;

	body = http_body(r, &n);
	wrong = is_form(r) ? credential_request_form(&w, body, n)
			   : credential_request_json(&w, body, n);
	if (wrong) {
		http_reply_error(r, 400, wrong);
		return;
	}
	if (!grant_for(r, rest, w.user, w.ttl_s, rest->now().wall_ms, &grant))
		return;
	begin_success(&o, buf);
	json_out_key(&o, "credentials");
	json_out_open(&o, '{');
	json_put_string(&o, "username", grant.name);
	json_put_string(&o, "password", grant.password);
	json_put_i64(&o, "ttl", grant.expiry_s);
	json_out_close(&o, '}');
	json_out_key(&o, "turnServers");
	credentials_put_turn_servers(rest->credentials, &o, &grant);
	json_out_close(&o, '}');
	reply(r, &o);
}

/* --- admin --------------------------------------------------------------- */

/* Walks call_table for views.c; call_table's rule: fetch the next first. */
struct walk {
	const struct call_table *table;
	struct call *(*next)(const struct call_table *t, const struct call *prev);
	const struct call *at;
	uint64_t now_ms;
	struct view_user members[CALL_MEMBERS_MAX];
};

static struct view_user view_user_of(const struct user_id *id)
{
	struct view_user u = { .id = id->text };

	if (id->number)
		u.json = (struct json_slice){ id->text, strlen(id->text) };
	return u;
}

static bool walk_next(void *it, struct view_call *out)
{
	struct walk *w = it;
	const struct call *c = w->next(w->table, w->at);

	w->at = c;
	if (!c)
		return false;
	for (size_t i = 0; i < call_members_n(c); i++)
		w->members[i] = view_user_of(call_member(c, i));
	*out = (struct view_call){
		.call_id = call_id(c),
		.room_name = call_room_name(c),
		.call_type = call_type_name(call_type(c)),
		.state = call_state_name(call_state(c)),
		.initiator = w->members[CALL_CALLER],
		.participants = w->members,
		.participants_n = call_members_n(c),
		.start_ms = call_start_wall_ms(c),
		.answer_ms = call_answer_wall_ms(c),
		.end_ms = call_end_wall_ms(c),
		.duration_ms = call_duration_ms(c, w->now_ms),
		.end_reason = call_reason(c),
	};
	return true;
}

static void get_stats(struct http_request *r, void *ctx)
{
	const struct rest *rest = ctx;
	const struct call_table *table = calls_table(rest->calls);
	struct call_time t = rest->now();
	struct walk live = { .table = table, .next = call_table_next_live, .now_ms = t.now_ms };
	struct walk ended = { .table = table, .next = call_table_next_ended, .now_ms = t.now_ms };
	struct json_out o;

	if (!admin_token_matches(&rest->token, http_header(r, "Authorization"))) {
		http_reply_error(r, 401, "Unauthorized");
		return;
	}
	json_out_heap(&o, STATS_MAX);
	view_stats(&o, &(struct view_stats){
			       .next = walk_next,
			       .live = &live,
			       .ended = &ended,
			       .live_n = call_table_live_n(table),
			       .usage = rest->usage,
			       .ledger = rest->ledger ? ledger_counters(rest->ledger) : NULL,
			       .connected = rest->turn_connected(rest->ctx),
			       .now_ms = t.wall_ms,
			       .wall_offset_ms = t.wall_ms - (int64_t)t.now_ms,
		       });
	reply(r, &o);
	json_out_free(&o);
}

const struct http_route rest_routes[] = {
	{ HTTP_GET, "/api/health", get_health },
	{ HTTP_GET, "/api/ice-servers/:", get_ice_servers },
	{ HTTP_POST, "/api/turn-credentials", post_turn_credentials },
	{ HTTP_GET, "/api/calls/active-count", get_active_count },
	{ HTTP_GET, "/api/admin/calls/stats", get_stats },
};
const size_t rest_routes_n = sizeof(rest_routes) / sizeof(rest_routes[0]);
