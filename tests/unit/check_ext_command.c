/* check_ext_command.c - the commands of the admin socket, and what subscribers hear of policy */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ext_admin.h"
#include "policy.h"
#include "run_suite.h"

#define CALL_B "BBBBBBBBBBBBBBBBBBBBBB"
#define SECRETS "auth-secrets"

static void write_secrets(const char *text)
{
	char tmp[160];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s/new", dir);
	f = fopen(tmp, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(tmp, 0640), 0);
	ck_assert_int_eq(rename(tmp, place_of(SECRETS)), 0);
}

static void setup_with_secrets(void)
{
	make_place();
	write_secrets(
		"k1 first-secret - 2100-01-01\nk2 second-secret\nold past-secret - 2020-01-01\n");
	options_set(&options, OPTION_SECRETS, place_of(SECRETS));
	open_watch();
}

static void teardown_with_secrets(void)
{
	unlink(place_of(SECRETS));
	teardown();
}

static int64_t in_an_hour(void)
{
	return (int64_t)time(NULL) + 3600;
}

static void ask(struct reader *r, const char *command, const char *answer)
{
	say(r, command);
	say(r, "\n");
	expect(r, answer);
}

static void revoke_for_an_hour(struct reader *r, const char *what, const char *answer)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"c\":\"revoke\",%s,\"until\":%lld}", what,
		 (long long)in_an_hour());
	ask(r, text, answer);
}

static bool is_revoked(const char *name)
{
	return policy_revoked(watch_policy(watch), name, false, time(NULL));
}

static void end_quietly(struct cell *c)
{
	end(c, 0, "");
	turn();
}

/* What a relay thread does for a refused request. */
static void refuse_one(const char *name, struct denial_source *source)
{
	const struct sockaddr_in client = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(0xc0000201) };
	const struct policy_request request = {
		.method = POLICY_ALLOCATE,
		.name = name,
		.secret = "",
		.tag = "",
		.client = (const struct sockaddr *)&client,
		.now_s = time(NULL),
		.now_ms = admin_now_ms(),
		.denials = source,
	};
	struct policy_verdict v;

	ck_assert(!policy_check(watch_policy(watch), &request, &v));
}

/* --- revoke ------------------------------------------------------------------------ */

START_TEST(revoke_refuses_and_ends)
{
	struct cell *a = allocate(1, "9:alice:" CALL_A), *b = allocate(2, "9:bob:" CALL_B);
	struct reader r = { .n = 0 };

	subscribe(&r);
	revoke_for_an_hour(&r, "\"id\":3,\"call\":\"" CALL_A "\"",
			   "{\"e\":\"reply\",\"id\":3,\"ok\":true,\"count\":1}");
	ck_assert_uint_eq(cancelled_n, 1);
	ck_assert_uint_eq(cancelled[0], 1);
	ck_assert(is_revoked("9:alice:" CALL_A));
	ck_assert(!is_revoked("9:alice:" CALL_B));
	end(a, 5, "Forceful shutdown");
	expect(&r, "\"reason\":\"revoked\"");
	ask(&r, "{\"c\":\"unrevoke\",\"call\":\"" CALL_A "\"}", "\"ok\":true,\"count\":1");
	ck_assert(!is_revoked("9:alice:" CALL_A));
	ask(&r, "{\"c\":\"unrevoke\",\"call\":\"" CALL_A "\"}", "\"ok\":true,\"count\":0");
	end_quietly(b);
	close(r.fd);
}
END_TEST

START_TEST(a_revocation_that_has_no_room_ends_what_is_alive)
{
	struct cell *a = allocate(1, "9:alice:" CALL_A);
	struct reader r = { .n = 0 };
	char user[16];

	subscribe(&r);
	for (unsigned i = 0; i < REVOCATIONS_MAX; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		ck_assert_int_eq(policy_revoke(watch_policy(watch), REVOKED_USER, user,
					       in_an_hour(), time(NULL)),
				 0);
	}
	revoke_for_an_hour(&r, "\"call\":\"" CALL_A "\"", "too many revocations");
	ck_assert_uint_eq(cancelled_n, 1);
	end(a, 5, "Forceful shutdown");
	expect(&r, "\"reason\":\"revoked\"");
	close(r.fd);
}
END_TEST

START_TEST(a_revocation_ends_what_main_has_not_seen_yet)
{
	struct reader r = { .n = 0 };
	struct cell *a;

	subscribe(&r);
	a = allocate(1, "9:alice"); /* noted, and the loop has not run */
	say(&r, "");
	revoke_for_an_hour(&r, "\"user\":\"alice\"", "\"new\"");
	expect(&r, "\"count\":1");
	end_quietly(a);
	a = allocate(2, "9:alice"); /* its request was let through before */
	expect(&r, "\"end\"");
	expect(&r, "\"new\"");
	turn();
	ck_assert_uint_eq(cancelled_n, 2);
	ck_assert_uint_eq(cancelled[1], 2);
	end(a, 0, "Forceful shutdown");
	expect(&r, "\"reason\":\"revoked\"");
	close(r.fd);
}
END_TEST

START_TEST(a_revocation_of_a_shared_name_reaches_nobody)
{
	struct reader r = { .n = 0 };
	struct cell *a = allocate_shared(1, "9:alice:" CALL_A);

	subscribe(&r);
	revoke_for_an_hour(&r, "\"user\":\"alice\"", "\"count\":0");
	revoke_for_an_hour(&r, "\"call\":\"" CALL_A "\"", "\"count\":0");
	ck_assert_uint_eq(cancelled_n, 0);
	end_quietly(a);
	close(r.fd);
}
END_TEST

START_TEST(a_revocation_outlives_the_server)
{
	struct reader r = { .n = 0 };

	greet(&r);
	revoke_for_an_hour(&r, "\"user\":\"alice\"", "\"count\":0");
	close(r.fd);
	close_watch();
	open_watch();
	ck_assert(is_revoked("9:alice"));
	ck_assert(!is_revoked("9:bob"));
}
END_TEST

START_TEST(a_revocation_until_a_time_that_has_passed_is_refused)
{
	struct reader r = { .n = 0 };
	struct cell *a = allocate(1, "9:alice");

	greet(&r);
	ask(&r, "{\"c\":\"revoke\",\"id\":1,\"user\":\"alice\",\"until\":1000}",
	    "until has passed");
	ck_assert_uint_eq(cancelled_n, 0);
	end_quietly(a);
	close(r.fd);
}
END_TEST

START_TEST(the_reason_of_a_revocation_is_told_and_cut)
{
	struct reader r = { .n = 0 };
	struct cell *a = allocate(1, "9:alice");

	subscribe(&r);
	revoke_for_an_hour(
		&r,
		"\"user\":\"alice\",\"reason\":\"0123456789012345678901234567890123456789"
		"012345678901234\xd0\x96\xd0\x96\"",
		"\"count\":1");
	end(a, 0, "Forceful shutdown");
	expect(&r, "\"reason\":\"revoked: 0123456789012345678901234567890123456789012345678"
		   "90123\"");
	close(r.fd);
}
END_TEST

/* --- limit ------------------------------------------------------------------------- */

static bool may_have_another(const char *name)
{
	const struct policy_request request = {
		.name = name, .secret = "", .tag = "", .now_s = time(NULL), .now_ms = admin_now_ms()
	};
	static struct policy_hold holds[16];
	static size_t n;
	struct policy_verdict v;

	ck_assert_uint_lt(n, 16);
	return policy_acquire(watch_policy(watch), &request, &holds[n++], &v);
}

START_TEST(limits_hold_at_once)
{
	struct reader r = { .n = 0 };

	greet(&r);
	ck_assert(may_have_another("9:alice:" CALL_A));
	ask(&r, "{\"c\":\"limit\",\"each\":\"user\",\"allocations\":1}", "\"ok\":true,\"count\":1");
	ck_assert(!may_have_another("9:alice:" CALL_B));
	ck_assert(may_have_another("9:bob:" CALL_A));
	ask(&r, "{\"c\":\"limit\",\"user\":\"alice\",\"allocations\":2}",
	    "\"ok\":true,\"count\":1");
	ck_assert(may_have_another("9:alice:" CALL_B));
	ck_assert(!may_have_another("9:alice:" CALL_B));
	ask(&r, "{\"c\":\"limit\",\"each\":\"call\",\"allocations\":1}", "\"ok\":true");
	ck_assert(!may_have_another("9:carol:" CALL_B));
	ask(&r, "{\"c\":\"limit\",\"call\":\"" CALL_B "\",\"allocations\":0}",
	    "\"ok\":true,\"count\":1");
	ck_assert(may_have_another("9:carol:" CALL_B));
	ask(&r, "{\"c\":\"stats\"}", "\"limitOverrides\":2");
	ask(&r, "{\"c\":\"limit\",\"call\":\"" CALL_B "\",\"allocations\":null}",
	    "\"ok\":true,\"count\":2");
	ck_assert(!may_have_another("9:carol:" CALL_B));
	ask(&r, "{\"c\":\"limit\",\"each\":\"call\",\"allocations\":null}", "\"ok\":true");
	ck_assert(!may_have_another("9:carol:" CALL_A)); /* each user's is still 1 */
	ck_assert(may_have_another("9:dave:" CALL_A));
	ask(&r, "{\"c\":\"stats\"}", "\"limitOverrides\":1");
	close(r.fd);
}
END_TEST

/* --- drain, denied ------------------------------------------------------------------- */

START_TEST(drain_refuses_and_is_told)
{
	struct reader r = { .n = 0 }, late = { .n = 0 };
	struct denial_source *source = policy_denial_source(watch_policy(watch));
	struct cell *a = allocate(1, "9:alice"); /* or the server would stop */

	subscribe(&r);
	ask(&r, "{\"c\":\"drain\",\"id\":4}", "{\"e\":\"reply\",\"id\":4,\"ok\":true,\"count\":1}");
	expect(&r, "{\"e\":\"drain\",\"on\":true}");
	subscribe(&late);
	expect(&late, "{\"e\":\"drain\",\"on\":true}");
	refuse_one("9:bob:" CALL_B, source);
	expect(&r, "{\"e\":\"denied\",\"user\":\"bob\",\"call\":\"" CALL_B
		   "\",\"reason\":\"draining\",\"client\":\"192.0.2.1\",\"n\":1}");
	ask(&late, "{\"c\":\"drain\"}", "\"denied\"");
	expect(&late, "\"ok\":true,\"count\":1");
	ask(&late, "{\"c\":\"stats\"}", "\"draining\":true");
	ck_assert(strstr(late.line, "\"draining\":1"));
	ask(&r, "{\"c\":\"drain\",\"off\":true}", "\"reply\"");
	expect(&r, "{\"e\":\"drain\",\"on\":false}"); /* the second "drain" changed nothing */
	end_quietly(a);
	close(late.fd);
	close(r.fd);
}
END_TEST

START_TEST(a_slow_reader_misses_denials_and_they_are_counted)
{
	struct denial_source *source = policy_denial_source(watch_policy(watch));
	struct reader slow = { .n = 0 }, r = { .n = 0 };
	struct cell *keep = allocate(1, "9:alice");
	char name[400];
	uint64_t sid;

	subscribe(&slow);
	greet(&r);
	ask(&r, "{\"c\":\"drain\"}", "\"reply\"");
	memset(name, 'x', sizeof(name));
	memcpy(name, "9:", 2);
	name[sizeof(name) - 1] = '\0';
	for (sid = 2; sid < 1000; sid++)
		end_quietly(allocate(sid, name)); /* more than a socket and the mark take */
	refuse_one("9:bob", source);
	turn();
	ask(&r, "{\"c\":\"stats\"}", "\"deniedSkipped\":1");
	close(slow.fd);
	close(r.fd);
	end_quietly(keep);
}
END_TEST

/* --- secrets ------------------------------------------------------------------------- */

START_TEST(secrets_are_announced_without_their_values)
{
	struct reader r = { .n = 0 };
	char check[TURN_SECRET_CHECK_LEN + 1], epoch[RELAY_EPOCH_LEN + 1], part[64];

	greet(&r);
	snprintf(epoch, sizeof(epoch), "%s", strstr(r.line, "\"epoch\":\"") + 9);
	ask(&r, "{\"c\":\"sub\"}", "synced");
	expect(&r, "\"secrets\"");
	ck_assert_int_eq(turn_secret_check(check, "first-secret", epoch), 0);
	snprintf(part, sizeof(part), "[[\"k1\",\"%s\"],[\"k2\",\"", check);
	ck_assert_msg(strstr(r.line, part), "%s", r.line);
	ck_assert(!strstr(r.line, "old") && !strstr(r.line, "-secret"));
	close(r.fd);
}
END_TEST

START_TEST(reload_reads_at_once_and_tells_what_changed)
{
	struct reader r = { .n = 0 };

	subscribe(&r);
	write_secrets("k3 third-secret\n");
	ask(&r, "{\"c\":\"reload\",\"id\":1}", "{\"e\":\"secrets\",\"ids\":[[\"k3\",");
	expect(&r, "{\"e\":\"reply\",\"id\":1,\"ok\":true,\"count\":1}");
	ask(&r, "{\"c\":\"reload\",\"id\":2}",
	    "{\"e\":\"reply\",\"id\":2,\"ok\":true,\"count\":1}");
	write_secrets("k3 other-secret\n");
	ask(&r, "{\"c\":\"reload\"}", "{\"e\":\"secrets\",\"ids\":[[\"k3\",");
	expect(&r, "\"reply\"");
	close(r.fd);
}
END_TEST

START_TEST(reload_names_file_and_line_each_time_and_keeps_the_old)
{
	struct reader r = { .n = 0 };
	int i;

	subscribe(&r);
	write_secrets("k3 third-secret\nk4 short\n");
	for (i = 0; i < 2; i++) {
		ask(&r, "{\"c\":\"reload\",\"id\":9}", "\"id\":9,\"ok\":false,\"error\":");
		ck_assert_msg(strstr(r.line, SECRETS " line 2: "), "%s", r.line);
		ck_assert(!strstr(r.line, "short\n"));
	}
	close(r.fd);
	subscribe(&r);
	ck_assert(strstr(r.line, "\"k2\""));
	close(r.fd);
}
END_TEST

static char logged[512];

static void remember(enum log_level level, const char *token, const char *text)
{
	(void)level;
	snprintf(logged, sizeof(logged), "%s: %s", token, text);
}

START_TEST(the_log_says_who_asked_for_what)
{
	struct reader r = { .n = 0 };
	char expected[128];

	subscribe(&r);
	log_set_sink(remember);
	ask(&r, "{\"c\":\"list\"}", "\"reply\"");
	ck_assert_str_eq(logged, "");
	ask(&r, "{\"c\":\"limit\",\"id\":3,\"user\":\"al\\u0000ice\",\"allocations\":4}",
	    "\"ok\":false");
	ck_assert_str_eq(logged, "");
	ask(&r, "{\"c\":\"limit\",\"id\":3,\"user\":\"alice\",\"allocations\":4}", "\"ok\":true");
	log_set_sink(quiet);
	snprintf(expected, sizeof(expected), "admin-socket: uid %lu, pid %ld: {",
		 (unsigned long)getuid(), (long)getpid());
	ck_assert_int_eq(strncmp(logged, expected, strlen(expected)), 0);
	ck_assert_ptr_nonnull(strstr(logged, "\"limit\""));
	ck_assert_ptr_nonnull(strstr(logged, "\"alice\""));
	close(r.fd);
}
END_TEST

START_TEST(reload_without_a_file_is_explained)
{
	struct reader r = { .n = 0 };

	greet(&r);
	ask(&r, "{\"c\":\"reload\"}", "there is no auth-secret-file");
	close(r.fd);
}
END_TEST

/* --- list, rights ---------------------------------------------------------------------- */

START_TEST(list_selects_by_client_and_secret)
{
	struct reader r = { .n = 0 };
	struct cell *a = allocate(1, "9:alice");
	struct cell *b = allocate_from(2, "9:bob", "[2001:db8::1]:5000", "k2");
	struct cell *c = allocate_from(3, "9:carol", "192.0.2.11:5000", "k2");

	turn();
	greet(&r);
	ask(&r, "{\"c\":\"list\",\"client\":\"192.0.2.1\"}", "9:alice");
	expect(&r, "\"count\":1");
	ask(&r, "{\"c\":\"list\",\"client\":\"2001:DB8:0::1\"}", "9:bob");
	expect(&r, "\"count\":1");
	ask(&r, "{\"c\":\"list\",\"secret\":\"k2\"}", "9:bob");
	expect(&r, "9:carol");
	expect(&r, "\"count\":2");
	ask(&r, "{\"c\":\"list\",\"secret\":\"k2\",\"user\":\"carol\",\"client\":\"192.0.2.1\"}",
	    "\"count\":0");
	end_quietly(a);
	end_quietly(b);
	end_quietly(c);
	close(r.fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn-ext commands");
	TCase *t = tcase_create("policy"), *f = tcase_create("secrets");

	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(t, 60); /* busy machines, sanitizers */
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, revoke_refuses_and_ends);
	tcase_add_test(t, a_revocation_that_has_no_room_ends_what_is_alive);
	tcase_add_test(t, a_revocation_ends_what_main_has_not_seen_yet);
	tcase_add_test(t, a_revocation_of_a_shared_name_reaches_nobody);
	tcase_add_test(t, a_revocation_outlives_the_server);
	tcase_add_test(t, a_revocation_until_a_time_that_has_passed_is_refused);
	tcase_add_test(t, the_reason_of_a_revocation_is_told_and_cut);
	tcase_add_test(t, limits_hold_at_once);
	tcase_add_test(t, drain_refuses_and_is_told);
	tcase_add_test(t, a_slow_reader_misses_denials_and_they_are_counted);
	tcase_add_test(t, the_log_says_who_asked_for_what);
	tcase_add_test(t, reload_without_a_file_is_explained);
	tcase_add_test(t, list_selects_by_client_and_secret);
	suite_add_tcase(s, t);
	tcase_set_timeout(f, 60);
	tcase_add_checked_fixture(f, setup_with_secrets, teardown_with_secrets);
	tcase_add_test(f, secrets_are_announced_without_their_values);
	tcase_add_test(f, reload_reads_at_once_and_tells_what_changed);
	tcase_add_test(f, reload_names_file_and_line_each_time_and_keeps_the_old);
	suite_add_tcase(s, f);
	return run_suite(s);
}
