/* hooks_policy.c - coturn's requests put to the policy, and what it says put into coturn's words */
#include "coturn_ext.h"
#include "coturn_guard.h"
#include "hooks_priv.h"

#include <string.h>

#include "admin_socket.h"
#include "secrets.h"
#include "turn_credential.h"

_Static_assert(sizeof(((struct coturn_ext_session *)0)->hold) == sizeof(struct policy_hold),
	       "a session has room for the hold");

static _Thread_local struct denial_source *denials;

static struct policy *policy_of_hook(void)
{
	return hooks_watch() ? watch_policy(hooks_watch()) : NULL;
}

/* --- who it is ----------------------------------------------------------------------- */

static uint64_t start_of(const uint8_t *hmackey)
{
	uint64_t key;

	memcpy(&key, hmackey, sizeof(key));
	return key | 1; /* 0 is "unknown" */
}

static uint64_t key_start(const ts_ur_super_session *ss)
{
	return start_of(ss->hmackey);
}

static struct secrets *secrets_of_hook(void)
{
	return hooks_watch() ? watch_secrets(hooks_watch()) : NULL;
}

static void keep_secret(struct coturn_ext_session *x, struct secrets *secrets,
			const struct secret_match *m, uint64_t key)
{
	secrets_let_go(secrets, x->secret);
	x->secret = secrets_keep(secrets, m);
	x->key = key;
}

static void look_up_secret(ts_ur_super_session *ss, struct secrets *secrets)
{
	struct secret_match m;

	secrets_match(secrets, ss->hmackey, (const char *)ss->username, ss->realm_options.name, &m);
	keep_secret(&ss->ext, secrets, &m, key_start(ss));
}

void coturn_guard_secret_found(void *session, const uint8_t *hmackey, const char *secret)
{
	ts_ur_super_session *ss = session;
	struct secrets *secrets = secrets_of_hook();
	struct secret_match m;

	if (!secrets)
		return;
	secrets_match_value(secrets, secret, (const char *)ss->username, &m);
	keep_secret(&ss->ext, secrets, &m, start_of(hmackey));
}

/* Trying all secrets costs an HMAC each, so it is done once for a key, and
 * early: the file may have changed when the allocation is made or ends. */
const struct secret_match *session_secret(ts_ur_super_session *ss)
{
	static const struct secret_match none;
	struct secrets *secrets = secrets_of_hook();

	if (secrets && ss->hmackey_set && ss->ext.key != key_start(ss))
		look_up_secret(ss, secrets);
	return ss->ext.secret ? ss->ext.secret : &none;
}

void session_forget_secret(ts_ur_super_session *ss)
{
	if (ss->ext.secret)
		secrets_let_go(secrets_of_hook(), ss->ext.secret);
}

/* With no-auth anybody may call himself anything: he has no name here. */
static bool request(ts_ur_super_session *ss, enum policy_method method, struct policy_request *r)
{
	struct policy *p = policy_of_hook();
	const ioa_addr *client = get_remote_addr_from_ioa_socket(ss->client_socket);
	const struct secret_match *secret;

	if (!p || !client)
		return false;
	secret = session_secret(ss);
	if (!denials)
		denials = policy_denial_source(p);
	*r = (struct policy_request){
		.method = method,
		.name = ss->hmackey_set ? (const char *)ss->username : "",
		.secret = secret->id,
		.tag = secret->tag,
		.shared = secret->shared,
		.client = &client->ss,
		.now_s = hooks_now_s(),
		.now_ms = admin_now_ms(),
		.denials = denials,
	};
	return true;
}

/* --- may it go on? ---------------------------------------------------------------------- */

static bool method_of(ts_ur_super_session *ss, uint16_t stun, enum policy_method *out)
{
	static const struct {
		uint16_t stun;
		enum policy_method method;
	} methods[] = {
		{ STUN_METHOD_ALLOCATE, POLICY_ALLOCATE },
		{ STUN_METHOD_REFRESH, POLICY_REFRESH },
		{ STUN_METHOD_CREATE_PERMISSION, POLICY_CREATE_PERMISSION },
		{ STUN_METHOD_CHANNEL_BIND, POLICY_CHANNEL_BIND },
		{ STUN_METHOD_CONNECT, POLICY_CONNECT },
		{ STUN_METHOD_CONNECTION_BIND, POLICY_CONNECT },
	};
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].stun != stun)
			continue;
		*out = methods[i].method;
		/* Sent again, its answer was lost: nothing new is asked for. */
		if (*out == POLICY_ALLOCATE && is_allocation_valid(&ss->alloc))
			*out = POLICY_REFRESH;
		return true;
	}
	return false;
}

int coturn_ext_authorize(void *session, uint16_t method, int *err_code, const uint8_t **reason)
{
	ts_ur_super_session *ss = session;
	enum policy_method m;
	struct policy_request r;
	struct policy_verdict v;

	if (!method_of(ss, method, &m) || !request(ss, m, &r) ||
	    policy_check(policy_of_hook(), &r, &v))
		return 0;
	*err_code = v.code;
	*reason = (const uint8_t *)v.text;
	return -1;
}

/* --- quotas ------------------------------------------------------------------------------- */

/* "expiry:user" of "expiry:user:call", all of a name of another form. */
static size_t bytes_without_call(const char *name)
{
	const char *user = strchr(name, ':'), *call = user ? strchr(user + 1, ':') : NULL;
	struct turn_name parsed;

	if (!call || turn_name_parse(name, strlen(name), &parsed) < 0 || !parsed.user[0])
		return strlen(name);
	return (size_t)(call - name);
}

uint8_t *coturn_ext_quota_name(void *session, uint8_t *user_name)
{
	static _Thread_local uint8_t name[STUN_MAX_USERNAME_SIZE + 1];
	ts_ur_super_session *ss = session;
	struct coturn_ext_session *x = &ss->ext;

	if (!hooks_watch())
		return user_name ? user_name : ss->username;
	if (user_name)
		x->quota_bytes = session_secret(ss)->shared
					 ? 0
					 : (uint16_t)bytes_without_call((const char *)user_name);
	memcpy(name, user_name ? user_name : ss->username, x->quota_bytes);
	name[x->quota_bytes] = '\0';
	return name;
}

static struct policy_hold *hold_of(ts_ur_super_session *ss)
{
	return (struct policy_hold *)(void *)ss->ext.hold;
}

static bool holds(const ts_ur_super_session *ss)
{
	return ss->ext.hold[0] || ss->ext.hold[1];
}

const uint8_t *coturn_ext_acquire(void *session)
{
	ts_ur_super_session *ss = session;
	struct policy_request r;
	struct policy_verdict v;
	bool may;

	if (holds(ss) || !request(ss, POLICY_ALLOCATE, &r))
		return NULL;
	if (ss->hmackey_set)
		may = policy_acquire(policy_of_hook(), &r, hold_of(ss), &v);
	else /* nothing was asked before: it may be draining */
		may = policy_check(policy_of_hook(), &r, &v);
	return may ? NULL : (const uint8_t *)v.text;
}

void session_release_hold(ts_ur_super_session *ss)
{
	if (holds(ss))
		policy_release(policy_of_hook(), hold_of(ss));
}

void coturn_ext_release(void *session, const uint8_t *refusal)
{
	ts_ur_super_session *ss = session;
	struct policy_request r;

	session_release_hold(ss);
	if (!refusal && request(ss, POLICY_ALLOCATE, &r))
		policy_note(policy_of_hook(), &r, DENIAL_QUOTA);
}

/* Once a second: refusals that were counted and not told yet. */
void thread_tell_denials(void)
{
	if (denials)
		denial_tick(denials, admin_now_ms());
}

/* --- speed --------------------------------------------------------------------------------- */

static size_t limit_of(ts_ur_super_session *ss)
{
	struct policy *p = policy_of_hook();

	return p && holds(ss) ? policy_bytes_per_s(p, hold_of(ss)) : 0;
}

static size_t lower(size_t bps, size_t limit)
{
	return limit && (!bps || limit < bps) ? limit : bps;
}

size_t coturn_ext_max_bps(void *session, size_t max_bps)
{
	ts_ur_super_session *ss = session;

	ss->ext.limit = limit_of(ss);
	ss->ext.bps_before = max_bps;
	return lower(max_bps, ss->ext.limit);
}

/* A limit holds also when bps-capacity has nothing left to take it from. */
static void set_bps(ts_ur_super_session *ss, size_t bps)
{
	const turn_turnserver *server = ss->server;
	size_t taken = 0;

	if (server->allocate_bps_func) {
		server->allocate_bps_func(ss->bps - ss->ext.bps_free, 0);
		taken = server->allocate_bps_func(bps, 1);
	}
	ss->bps = bps;
	ss->ext.bps_free = bps - taken;
}

void session_apply_speed(ts_ur_super_session *ss)
{
	struct coturn_ext_session *x = &ss->ext;
	size_t limit = limit_of(ss), bps;

	if (limit == x->limit)
		return;
	if (!x->limit)
		x->bps_before = ss->bps;
	x->limit = limit;
	bps = lower(x->bps_before, limit);
	if (bps != ss->bps)
		set_bps(ss, bps);
}
