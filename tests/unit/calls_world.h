/* calls_world.h - users with sockets around struct calls, and what each was told
 *
 * With credentials, with whoever may be asked, and with allocations that fail.
 * Link with --wrap of calloc, malloc and realloc. */
#ifndef TESTS_UNIT_CALLS_WORLD_H
#define TESTS_UNIT_CALLS_WORLD_H

#include "calls_talk.h"
#include "run_suite.h"

static struct credentials *creds;
static struct secret_set *secrets;
static struct signing *signing;

/* --- out of memory: the n-th allocation fails ------------------------------- */

void *__real_calloc(size_t n, size_t size);
void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);

static long fail_in = -1; /* < 0: never */

static inline bool fails(void)
{
	return inside && fail_in >= 0 && fail_in-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

/* --- the world ------------------------------------------------------------- */

static inline void on_call_new(const struct call *c, void *ctx)
{
	(void)ctx;
	note("new:%s ", call_room_name(c));
}

static inline void on_member(const struct call *c, const char *user, const char *address, void *ctx)
{
	(void)ctx;
	note("member:%s:%s:%s ", call_room_name(c), user, address);
}

static inline void on_member_left(const struct call *c, const char *user, void *ctx)
{
	(void)ctx;
	note("left:%s:%s ", call_room_name(c), user);
}

static inline void on_call_active(const struct call *c, void *ctx)
{
	(void)ctx;
	note("active:%s ", call_room_name(c));
}

static inline void on_candidate(const struct call *c, const char *user, const char *text, void *ctx)
{
	(void)ctx;
	note("candidate:%s:%s:%s ", call_room_name(c), user, text);
}

static int64_t granted_until_s; /* of the call that ended last */

static inline void on_call_ended(const struct call *c, void *ctx)
{
	(void)ctx;
	note("ended:%s:%s ", call_room_name(c), call_code_name(call_code(c)));
	granted_until_s = call_granted_until_s(c);
}

static inline void on_online(const struct user_id *u, bool online, void *ctx)
{
	(void)ctx;
	note("%s%s ", online ? "+" : "-", u->text);
}

/* --- those who are asked ----------------------------------------------------- */

static const char *block_list;	 /* "1>2 3>2 ": who takes no calls of whom; NULL: nobody is asked */
static const char *const *group; /* the members of every group; NULL: nobody is asked */
static int answer_rc;		 /* not 0: what every question comes to */
static unsigned asked;

static inline int may_call(struct call_socket *asker, const char *from, const char *to, void *ctx)
{
	char pair[160];

	(void)asker;
	(void)ctx;
	asked++;
	snprintf(pair, sizeof(pair), "%s>%s ", from, to);
	return answer_rc ? answer_rc : strstr(block_list, pair) ? -EACCES : 0;
}

static inline int group_members(struct call_socket *asker, const char *user, const char *id,
				struct user_id *out, size_t max, void *ctx)
{
	int n = 0;

	(void)asker;
	(void)user;
	(void)id;
	(void)ctx;
	asked++;
	if (answer_rc)
		return answer_rc;
	for (; group[n] && (size_t)n < max; n++) {
		out[n] = (struct user_id){ .number = false };
		snprintf(out[n].text, sizeof(out[n].text), "%s", group[n]);
	}
	return n;
}

static inline void kick(void *handle, bool bad_token, void *ctx)
{
	const char letter = *(char *)handle;

	(void)ctx;
	note("kick:%c%s ", letter, bad_token ? ":41" : "");
	calls_socket_closed(cs, sockets[letter - 'A'], now());
	sockets[letter - 'A'] = NULL;
}

static inline void start(void)
{
	static const char *const stun[] = { "stun:s", NULL }, *const turn[] = { "turn:t", NULL };
	static const struct credentials_config cc = {
		.stun_urls = stun, .turn_urls = turn, .ttl_s = 3600, .ttl_max_s = 3600
	};
	const struct calls_ops ops = { .emit = emit,
				       .ack = ack,
				       .new_call_id = new_call_id,
				       .on_call_new = on_call_new,
				       .on_member = on_member,
				       .on_member_left = on_member_left,
				       .on_call_active = on_call_active,
				       .on_candidate = on_candidate,
				       .may_call = block_list ? may_call : NULL,
				       .group_members = group ? group_members : NULL,
				       .kick = kick,
				       .on_call_ended = on_call_ended,
				       .on_online = on_online };
	const char *text = "k a-long-enough-secret\n";
	struct secret_error err;

	if (!creds) {
		ck_assert_int_eq(credentials_new(&creds, &cc), 0);
		ck_assert_int_eq(secret_set_parse(text, strlen(text), &secrets, &err), 0);
		ck_assert_int_eq(signing_new(&signing), 0);
		signing_set_secrets(signing, secrets, 0);
		credentials_set_signing(creds, signing);
	}
	cfg.credentials = creds;
	ck_assert_int_eq(calls_new(&cs, &cfg, &ops), 0);
}

static inline void setup(void)
{
	clock_ms = 1000;
	calls_config_defaults(&cfg);
	start();
}

static inline void stop(void)
{
	fail_in = -1;
	forget();
	calls_free(cs);
	cs = NULL;
	memset(sockets, 0, sizeof(sockets));
	deaf = hangs_up = 0;
	block_list = NULL;
	group = NULL;
	answer_rc = 0;
	asked = ids = 0;
}

static inline void teardown(void)
{
	stop();
	credentials_free(creds);
	signing_free(signing);
	secret_set_free(secrets);
	creds = NULL;
	secrets = NULL;
}

/* Begin again with other limits, or with somebody to ask. */
static inline void restart(void)
{
	const char *const *members = group;
	const char *blocked = block_list;

	stop();
	group = members;
	block_list = blocked;
	start();
}

static inline const struct call *the_call(void)
{
	const struct call *c = live_call();
	struct call_walk *w;

	if (c)
		return c;
	ck_assert_int_eq(call_walk_new(&w, calls_table(cs)), 0);
	c = call_walk_next_ended(w);
	call_walk_free(w);
	return c;
}

static inline void state_is(const char *want)
{
	ck_assert_str_eq(call_state_name(call_state(the_call())), want);
}

static inline void code_is(const char *want)
{
	ck_assert_ptr_nonnull(call_code_name(call_code(the_call())));
	ck_assert_str_eq(call_code_name(call_code(the_call())), want);
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 0);
}

#endif
