/* rest_credentials.c - see rest_credentials.h */
#include "admin/rest_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/credential_request.h"
#include "admin/rest.h"
#include "admin/rights.h"
#include "auth/auth.h"
#include "backend/backend.h"
#include "calls/credentials.h"

#define SMALL_MAX (CREDENTIALS_JSON_MAX + 4096)

static const char bad_user[] = "userId must be an integer or 1-64 of [A-Za-z0-9._@+-]";

/* What somebody wants credentials for, until the answer. */
struct wish {
	struct rest *rest;
	struct http_request *r;
	void (*reply)(struct http_request *r, const struct rest *rest,
		      const struct turn_grant *grant);
	char user[TURN_USER_ID_MAX + 1];
	uint64_t ttl_s; /* 0: the default */
};

/* --- answers ---------------------------------------------------------------------- */

void rest_reply_unauthorized(struct http_request *r)
{
	http_reply_error(r, 401, "Unauthorized");
	http_reply_header(r, "WWW-Authenticate", "Bearer");
}

void rest_reply_limited(struct http_request *r, unsigned wait_s)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%u", wait_s);
	http_reply_error(r, 429, "Too Many Requests");
	http_reply_header(r, "Retry-After", seconds);
}

static void reply_json(struct http_request *r, const struct json_out *o)
{
	if (o->failed)
		http_reply_error(r, 500, "Internal Server Error");
	else
		http_reply_json(r, 200, o->p, o->n);
}

/* An answer up to {"success":true; the caller goes on, closes and sends it. */
static void begin_success(struct json_out *o, char buf[SMALL_MAX])
{
	json_out_fixed(o, buf, SMALL_MAX);
	json_out_open(o, '{');
	json_put_bool(o, "success", true);
}

static void reply_ice_servers(struct http_request *r, const struct rest *rest,
			      const struct turn_grant *grant)
{
	struct json_out o;
	char buf[SMALL_MAX];

	begin_success(&o, buf);
	json_out_key(&o, "iceServers");
	credentials_put_ice_servers(rest->credentials, &o, grant);
	json_put_i64(&o, "timestamp", rest->now().wall_ms);
	json_out_close(&o, '}');
	reply_json(r, &o);
}

static void reply_credentials(struct http_request *r, const struct rest *rest,
			      const struct turn_grant *grant)
{
	struct json_out o;
	char buf[SMALL_MAX];

	begin_success(&o, buf);
	json_out_key(&o, "credentials");
	json_out_open(&o, '{');
	json_put_string(&o, "username", grant->name);
	json_put_string(&o, "password", grant->password);
	json_put_i64(&o, "ttl", grant->expiry_s);
	json_out_close(&o, '}');
	json_out_key(&o, "turnServers");
	credentials_put_turn_servers(rest->credentials, &o, grant);
	json_out_close(&o, '}');
	reply_json(r, &o);
}

static void reply_no_grant(struct http_request *r, int err)
{
	if (err == -EINVAL)
		http_reply_error(r, 400, bad_user);
	else if (err == -ENOKEY)
		http_reply_error(r, 503, "no secret to sign credentials with is active");
	else
		http_reply_error(r, 500, "Internal Server Error");
}

/* --- the wish comes true, or not -------------------------------------------------- */

static void grant(const struct wish *w, const char *user, uint64_t ttl_s)
{
	const struct rest *rest = w->rest;
	struct turn_grant g;
	int err = credentials_grant(rest->credentials, user, NULL, ttl_s,
				    rest->now().wall_ms / 1000, &g);

	if (err)
		reply_no_grant(w->r, err);
	else
		w->reply(w->r, rest, &g);
}

/* In the name of somebody who only says so. */
static void grant_unproven(const struct wish *w)
{
	char user[TURN_USER_ID_MAX + 2];
	uint64_t ttl_s = w->ttl_s && w->ttl_s < RIGHTS_SITE_TTL_S ? w->ttl_s : RIGHTS_SITE_TTL_S;

	snprintf(user, sizeof(user), "~%s", w->user);
	grant(w, user, ttl_s);
}

/* The token is somebody's: is it the one whose credentials these are? */
static void grant_to(const struct wish *w, const struct user_id *owner)
{
	if (strcmp(owner->text, w->user) == 0) {
		grant(w, w->user, w->ttl_s);
		return;
	}
	rights_foreign(w->rest->rights);
	http_reply_error(w->r, 403, "this token is for another user's credentials");
}

/* err: 0, -EACCES, -EKEYEXPIRED, -EHOSTDOWN. */
static void judge(const struct wish *w, int err, const struct user_id *owner)
{
	if (err == 0) {
		grant_to(w, owner);
	} else if (err == -EHOSTDOWN) {
		http_reply_busy(w->r, 2);
	} else {
		if (err != -EKEYEXPIRED)
			rights_token_failed(w->rest->rights, http_client(w->r), http_address(w->r),
					    w->rest->now().now_ms);
		rest_reply_unauthorized(w->r);
	}
}

/* --- whose is the token? ---------------------------------------------------------- */

/* A wish that waits for the backend. */
struct waiting {
	struct wish w;
	struct backend_ticket *ticket;
};

static void on_backend(int result, struct backend_answer *a, void *ctx)
{
	struct waiting *waiting = ctx;

	judge(&waiting->w, result, a ? &a->id : NULL);
	free(waiting);
}

static void on_gone(struct http_request *r, void *ctx)
{
	struct waiting *waiting = ctx;

	(void)r;
	backend_cancel(waiting->ticket);
	free(waiting);
}

static void ask_backend(const struct wish *w, const char *token)
{
	const struct backend_question q = { .ask = BACKEND_AUTHENTICATE, .first = token };
	struct waiting *waiting = malloc(sizeof(*waiting));
	struct backend_answer *a = NULL;
	int err;

	if (!waiting) {
		http_reply_error(w->r, 500, "Internal Server Error");
		return;
	}
	waiting->w = *w;
	err = backend_ask(w->rest->backend, &q, on_backend, waiting, w->rest->now(), &a,
			  &waiting->ticket);
	if (err == -EAGAIN) {
		http_reply_later(w->r, on_gone, waiting);
		return;
	}
	judge(w, err, a ? &a->id : NULL);
	backend_answer_unref(a);
	free(waiting);
}

static void ask_whose(const struct wish *w, const char *token, size_t n)
{
	struct calls_identity identity;
	int err;

	if (w->rest->backend) {
		ask_backend(w, token);
		return;
	}
	err = w->rest->auth ? auth_verify(w->rest->auth, token, n, w->rest->now().wall_ms / 1000,
					  &identity)
			    : -EACCES;
	judge(w, err, &identity.id);
}

struct rights_asker rest_asker(const struct http_request *r, const struct rest *rest)
{
	return (struct rights_asker){ .authorization = http_header(r, "Authorization"),
				      .query = http_raw_query(r),
				      .client = http_client(r),
				      .address = http_address(r),
				      .now_ms = rest->now().now_ms };
}

static void decide(const struct wish *w)
{
	struct rights *rights = w->rest->rights;
	struct rights_asker asker = rest_asker(w->r, w->rest);
	char token[TOKEN_BYTES_MAX + 1];
	size_t n = 0;

	switch (rights_credentials(rights, &asker, token, &n)) {
	case RIGHT_FULL: grant(w, w->user, w->ttl_s); break;
	case RIGHT_UNPROVEN: grant_unproven(w); break;
	case RIGHT_TOKEN: ask_whose(w, token, n); break;
	case RIGHT_NONE: rest_reply_unauthorized(w->r); break;
	case RIGHT_REFUSED: http_reply_error(w->r, 403, "Forbidden"); break;
	case RIGHT_LIMITED: rest_reply_limited(w->r, rights_wait_s(rights, &asker)); break;
	}
}

/* --- the two endpoints ------------------------------------------------------------ */

void rest_get_ice_servers(struct http_request *r, void *ctx)
{
	struct wish w = { .rest = ctx, .r = r, .reply = reply_ice_servers };
	const char *user = http_segment(r);

	if (!turn_user_id_valid(user, strlen(user))) {
		http_reply_error(r, 400, bad_user);
		return;
	}
	strcpy(w.user, user);
	decide(&w);
}

static bool is_form(const struct http_request *r)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = http_header(r, "Content-Type");

	return type && !strncasecmp(type, form, sizeof(form) - 1);
}

void rest_post_turn_credentials(struct http_request *r, void *ctx)
{
	struct wish w = { .rest = ctx, .r = r, .reply = reply_credentials };
	struct credential_request asked;
	const char *wrong, *body;
	size_t n;

	body = http_body(r, &n);
	wrong = is_form(r) ? credential_request_form(&asked, body, n)
			   : credential_request_json(&asked, body, n);
	if (wrong) {
		http_reply_error(r, 400, wrong);
		return;
	}
	strcpy(w.user, asked.user);
	w.ttl_s = asked.ttl_s;
	decide(&w);
}
