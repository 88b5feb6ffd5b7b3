/* check_ext_secrets.c - the options, and the secrets that change while others read them */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "options.h"
#include "secrets.h"
#include "turn_credential.h"
#include "run_suite.h"

static char dir[64], path[96];

static void make_dir(void)
{
	strcpy(dir, "/tmp/check_ext.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/auth-secrets", dir);
}

static void remove_dir(void)
{
	unlink(path);
	rmdir(dir);
}

/* As writers must: a new file, renamed over the old one. */
static void write_file(const char *text)
{
	char tmp[128];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	f = fopen(tmp, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(tmp, 0640), 0);
	ck_assert_int_eq(rename(tmp, path), 0);
}

static struct secrets *open_ok(const char *text)
{
	struct secret_error err;
	struct secrets *s;

	write_file(text);
	ck_assert_int_eq(secrets_open(&s, path, &err), 0);
	return s;
}

struct seen {
	size_t n;
	char values[16][32];
};

static void collect(void *arg, const char *secret)
{
	struct seen *seen = arg;

	snprintf(seen->values[seen->n++], sizeof(seen->values[0]), "%s", secret);
}

static struct seen tried(struct secrets *s, const char *name, int64_t now_s)
{
	struct seen seen = { .n = 0 };

	ck_assert_uint_eq(secrets_each(s, name, now_s, collect, &seen), seen.n);
	return seen;
}

static void key_of(uint8_t key[16], const char *secret, const char *name, const char *realm)
{
	char password[TURN_PASSWORD_LEN + 1], text[1024];
	int n;

	ck_assert_int_eq(turn_password(password, secret, name), 0);
	n = snprintf(text, sizeof(text), "%s:%s:%s", name, realm, password);
	ck_assert_int_eq(EVP_Digest(text, (size_t)n, key, NULL, EVP_md5(), NULL), 1);
}

START_TEST(active_secrets_are_tried_newest_first)
{
	struct secrets *s = open_ok("old old-secret 100 2000\n"
				    "new new-secret 1000\n"
				    "later later-secret 5000\n");
	struct seen seen = tried(s, "9999:alice", 1500);

	ck_assert_uint_eq(seen.n, 2);
	ck_assert_str_eq(seen.values[0], "new-secret");
	ck_assert_str_eq(seen.values[1], "old-secret");
	ck_assert_uint_eq(tried(s, "9999:alice", 50).n, 0);
	ck_assert_str_eq(tried(s, "9999:alice", 3000).values[0], "new-secret");
	secrets_free(s);
}
END_TEST

START_TEST(a_public_secret_opens_the_door_for_its_names_only)
{
	struct secrets *s = open_ok("shipped public-secret tag=android users=android_user,kiosk\n");

	ck_assert_uint_eq(tried(s, "9999:android_user", 0).n, 1);
	ck_assert_uint_eq(tried(s, "9999:android_user:AAAAAAAAAAAAAAAAAAAAAA", 0).n, 1);
	ck_assert_uint_eq(tried(s, "kiosk:9999", 0).n, 1);
	ck_assert_uint_eq(tried(s, "9999:alice", 0).n, 0);
	ck_assert_uint_eq(tried(s, "9999", 0).n, 0);
	ck_assert_uint_eq(tried(s, "not a name:of ours", 0).n, 0);
	secrets_free(s);
}
END_TEST

START_TEST(a_public_secret_from_elsewhere_is_held_to_its_names)
{
	struct secrets *s = open_ok("k1 first-secret\n"
				    "apk public-secret tag=android users=android_user\n"
				    "ipa public-secret tag=ios users=ios_user\n");

	ck_assert(secrets_permit(s, "9999:android_user", "public-secret"));
	ck_assert(secrets_permit(s, "9999:ios_user:AAAAAAAAAAAAAAAAAAAAAA", "public-secret"));
	ck_assert(!secrets_permit(s, "9999:alice", "public-secret"));
	ck_assert(!secrets_permit(s, "9999", "public-secret"));
	ck_assert(secrets_permit(s, "9999:alice", "first-secret"));
	ck_assert(secrets_permit(s, "9999:alice", "not-in-the-file"));
	secrets_free(s);
}
END_TEST

START_TEST(no_more_than_the_maximum_are_tried)
{
	char text[2048] = "";
	struct secrets *s;
	int i;

	for (i = 0; i < SECRETS_ACTIVE_MAX + 2; i++)
		sprintf(text + strlen(text), "k%d secret-number-%d %d\n", i, i, 100 + i);
	s = open_ok(text);
	ck_assert_uint_eq(tried(s, "9999:alice", 1000).n, SECRETS_ACTIVE_MAX);
	ck_assert_str_eq(tried(s, "9999:alice", 1000).values[0], "secret-number-9");
	ck_assert_uint_eq(secrets_active_count(s, 1000), SECRETS_ACTIVE_MAX + 2);
	ck_assert_uint_eq(secrets_active_count(s, 101), 2);
	secrets_free(s);
}
END_TEST

START_TEST(the_matching_secret_is_named)
{
	struct secrets *s = open_ok("k1 first-secret\nshipped public-secret tag=x users=app\n");
	struct secret_match m;
	uint8_t key[16];

	key_of(key, "first-secret", "9999:alice", "r");
	ck_assert(secrets_match(s, key, "9999:alice", "r", &m));
	ck_assert_str_eq(m.id, "k1");
	ck_assert(!m.shared);
	key_of(key, "public-secret", "9999:app", "r");
	ck_assert(secrets_match(s, key, "9999:app", "r", &m));
	ck_assert_str_eq(m.id, "shipped");
	ck_assert_str_eq(m.tag, "x");
	ck_assert(m.shared);
	key_of(key, "another-secret", "9999:alice", "r");
	ck_assert(!secrets_match(s, key, "9999:alice", "r", &m));
	ck_assert_str_eq(m.id, "");
	ck_assert(!m.shared);
	secrets_free(s);
}
END_TEST

/* How both ways to look for a secret answer. */
static void same_answers(struct secrets *s, const char *value, const char *name)
{
	struct secret_match by_key, by_value;
	uint8_t key[16];
	bool found;

	key_of(key, value, name, "r");
	found = secrets_match(s, key, name, "r", &by_key);
	ck_assert_int_eq(secrets_match_value(s, value, name, &by_value), found);
	ck_assert_str_eq(by_value.id, by_key.id);
	ck_assert_str_eq(by_value.tag, by_key.tag);
	ck_assert_int_eq(by_value.shared, by_key.shared);
}

START_TEST(who_knows_the_value_finds_what_the_key_finds)
{
	static const char *const values[] = { "first-secret", "public-secret", "twice-secret",
					      "another-secret" };
	static const char *const names[] = { "9999:alice", "9999:app",
					     "9999:app:AAAAAAAAAAAAAAAAAAAAAA", "x" };
	struct secrets *s = open_ok("k1 first-secret\nold twice-secret 100\nnew twice-secret 200\n"
				    "shipped public-secret tag=x users=app\n");
	struct secret_error err;
	size_t i;

	for (i = 0; i < 16; i++)
		same_answers(s, values[i / 4], names[i % 4]);
	write_file("k2 first-secret-2\nshipped public-secret-2 tag=x users=app\n");
	ck_assert_int_eq(secrets_poll(s, &err), 1);
	for (i = 0; i < 16; i++) /* those that were replaced a moment ago */
		same_answers(s, values[i / 4], names[i % 4]);
	ck_assert_int_eq(secrets_poll(s, &err), 0);
	for (i = 0; i < 16; i++) /* and those that nobody knows any more */
		same_answers(s, values[i / 4], names[i % 4]);
	secrets_free(s);
}
END_TEST

START_TEST(a_key_of_a_public_secret_that_is_gone_is_still_nobodys)
{
	struct secrets *s = open_ok("apk1 public-secret users=app\n");
	const char *name = "9999:app:AAAAAAAAAAAAAAAAAAAAAA";
	struct secret_match m;
	struct secret_error err;
	uint8_t key[16];

	key_of(key, "public-secret", name, "r");
	write_file("apk2 public-secret-2 users=app\n");
	ck_assert_int_eq(secrets_poll(s, &err), 1);
	ck_assert_int_eq(secrets_poll(s, &err), 0);
	ck_assert(!secrets_match(s, key, name, "r", &m));
	ck_assert_str_eq(m.id, "");
	ck_assert(m.shared);
	secrets_free(s);
}
END_TEST

START_TEST(a_changed_file_is_read_again)
{
	struct secrets *s = open_ok("k1 first-secret\n");
	struct secret_match m;
	struct secret_error err;
	uint8_t key[16];

	ck_assert_int_eq(secrets_poll(s, &err), 0);
	write_file("k2 second-secret\n");
	ck_assert_int_eq(secrets_poll(s, &err), 1);
	ck_assert_str_eq(tried(s, "9999:alice", 0).values[0], "second-secret");
	/* What was checked against the old file an instant ago is still known. */
	key_of(key, "first-secret", "9999:alice", "r");
	ck_assert(secrets_match(s, key, "9999:alice", "r", &m));
	ck_assert_int_eq(secrets_poll(s, &err), 0);
	ck_assert(!secrets_match(s, key, "9999:alice", "r", &m));
	secrets_free(s);
}
END_TEST

START_TEST(a_reload_reads_at_once_and_reports_each_time)
{
	struct secrets *s = open_ok("k1 first-secret\n");
	struct secret_match m;
	struct secret_error err;
	uint8_t key[16];

	ck_assert_int_eq(secrets_reload(s, &err), 1); /* unchanged, but asked for */
	write_file("k2 second-secret\n");
	ck_assert_int_eq(secrets_reload(s, &err), 1);
	key_of(key, "first-secret", "9999:alice", "r");
	ck_assert_int_eq(secrets_poll(s, &err), 0); /* may come right after: too early to forget */
	ck_assert(secrets_match(s, key, "9999:alice", "r", &m));
	ck_assert_int_eq(secrets_poll(s, &err), 0);
	ck_assert(!secrets_match(s, key, "9999:alice", "r", &m));
	write_file("k3 short\n");
	ck_assert_int_eq(secrets_reload(s, &err), -EINVAL);
	ck_assert_int_eq(secrets_reload(s, &err), -EINVAL);
	ck_assert_uint_eq(err.line, 1);
	ck_assert_str_eq(tried(s, "9999:alice", 0).values[0], "second-secret");
	secrets_free(s);
}
END_TEST

START_TEST(what_is_announced_is_accepted_now_or_later)
{
	struct secrets *s = open_ok("past past-secret - 1000\nlast last-secret - 2000\n"
				    "now now-secret\nnext next-secret 3000\n"
				    "phones phones-secret tag=t users=app\n");
	static const char *const ids[] = { "last", "now", "next", "phones" };
	struct relay_secret v[SECRETS_MAX];
	char check[TURN_SECRET_CHECK_LEN + 1];
	size_t i;

	ck_assert_int_eq(secrets_announce(s, 2000, "0123456789abcdef", v), 4);
	for (i = 0; i < 4; i++)
		ck_assert_str_eq(v[i].id, ids[i]);
	ck_assert_int_eq(turn_secret_check(check, "now-secret", "0123456789abcdef"), 0);
	ck_assert_str_eq(v[1].check, check);
	ck_assert_int_eq(secrets_announce(s, 2001, "0123456789abcdef", v), 3);
	secrets_free(s);
}
END_TEST

START_TEST(a_broken_file_is_reported_once_and_keeps_the_old_set)
{
	struct secrets *s = open_ok("k1 first-secret\n");
	struct secret_error err;

	write_file("# fine\nk2\n");
	ck_assert_int_eq(secrets_poll(s, &err), -EINVAL);
	ck_assert_uint_eq(err.line, 2);
	ck_assert_int_eq(secrets_poll(s, &err), 0);
	ck_assert_str_eq(tried(s, "9999:alice", 0).values[0], "first-secret");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(secrets_poll(s, &err), -ENOENT);
	ck_assert_int_eq(secrets_poll(s, &err), 0);
	ck_assert_str_eq(tried(s, "9999:alice", 0).values[0], "first-secret");
	write_file("k3 third-secret\n");
	ck_assert_int_eq(secrets_poll(s, &err), 1);
	ck_assert_str_eq(tried(s, "9999:alice", 0).values[0], "third-secret");
	secrets_free(s);
}
END_TEST

START_TEST(what_could_not_be_read_for_lack_of_descriptors_is_read_later)
{
	struct secrets *s = open_ok("k1 first-secret\n");
	struct secret_error err;
	struct rlimit limit, none;

	write_file("k2 second-secret\n");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(secrets_poll(s, &err), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_str_eq(tried(s, "9999:alice", 0).values[0], "first-secret");
	ck_assert_int_eq(secrets_poll(s, &err), 1);
	ck_assert_str_eq(tried(s, "9999:alice", 0).values[0], "second-secret");
	secrets_free(s);
}
END_TEST

START_TEST(a_missing_broken_or_open_file_is_an_error_at_start)
{
	struct secret_error err;
	struct secrets *s;

	ck_assert_int_eq(secrets_open(&s, path, &err), -ENOENT);
	write_file("k1 first-secret\nk1\n");
	ck_assert_int_eq(secrets_open(&s, path, &err), -EINVAL);
	ck_assert_uint_eq(err.line, 2);
	write_file("k1 first-secret\n");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(secrets_open(&s, path, &err), -EPERM);
}
END_TEST

START_TEST(a_match_is_kept_once_for_all_who_keep_it)
{
	struct secrets *s = open_ok("k1 first-secret\n");
	struct secret_match a = { .id = "k1", .tag = "x", .shared = true }, b = { .id = "k1" };
	struct secret_match none = { .shared = true };
	const struct secret_match *first = secrets_keep(s, &a), *other = secrets_keep(s, &b);

	ck_assert_ptr_eq(secrets_keep(s, &a), first);
	ck_assert_ptr_ne(other, first);
	secrets_let_go(s, first);
	ck_assert_str_eq(first->tag, "x");
	secrets_let_go(s, first);
	secrets_let_go(s, other);
	secrets_let_go(s, NULL);
	other = secrets_keep(s, &none);
	ck_assert_str_eq(other->id, "");
	ck_assert(other->shared);
	secrets_let_go(s, other);
	secrets_free(s); /* a leak would be told */
}
END_TEST

static _Atomic bool stop;

static void *reader(void *arg)
{
	struct secrets *s = arg;
	struct secret_match m;
	uint8_t key[16];
	uintptr_t rounds = 0;

	key_of(key, "xxxxxxxxxxxxxxxxxxxx", "9999:alice", "r");
	while (!atomic_load(&stop)) {
		struct seen seen = tried(s, "9999:alice", 0);

		ck_assert_uint_eq(seen.n, 1);
		ck_assert_uint_eq(strspn(seen.values[0], "x"), 20);
		secrets_match(s, key, "9999:alice", "r", &m);
		secrets_let_go(s, secrets_keep(s, &m));
		rounds++;
	}
	return (void *)rounds;
}

START_TEST(readers_never_see_a_freed_set)
{
	struct secrets *s = open_ok("k1 xxxxxxxxxxxxxxxxxxxx\n");
	struct secret_error err;
	pthread_t threads[2];
	char text[64];
	int i, taken = 0;

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, s), 0);
	for (i = 0; i < 300; i++) {
		sprintf(text, "k%d xxxxxxxxxxxxxxxxxxxx\n", i);
		write_file(text);
		taken += secrets_poll(s, &err);
		usleep(1000);
	}
	ck_assert_int_gt(taken, 0);
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	secrets_free(s);
}
END_TEST

/* --- options ---------------------------------------------------------------------------- */

START_TEST(without_options_nothing_is_on)
{
	struct options o = { 0 };

	ck_assert_int_eq(options_finish(&o), 0);
	ck_assert_ptr_null(o.socket_path);
	ck_assert_ptr_null(o.secrets_path);
	ck_assert_uint_eq(o.interval_s, OPTIONS_INTERVAL_DEFAULT_S);
	options_clear(&o);
}
END_TEST

START_TEST(the_last_value_wins_and_users_add_up)
{
	const struct group *mine = getgrgid(getgid());
	struct options o = { 0 };

	ck_assert(mine);
	options_set(&o, OPTION_SOCKET, "/a");
	options_set(&o, OPTION_SOCKET, "/b");
	options_set(&o, OPTION_INTERVAL, "3600");
	options_set(&o, OPTION_USER, "no-such-user-yet");
	options_set(&o, OPTION_USER, "root");
	options_set(&o, OPTION_GROUP, mine->gr_name);
	ck_assert_int_eq(options_finish(&o), 0);
	ck_assert_str_eq(o.socket_path, "/b");
	ck_assert_uint_eq(o.interval_s, 3600);
	ck_assert_uint_eq(o.users_n, 2);
	ck_assert_str_eq(o.users[0], "no-such-user-yet");
	ck_assert_str_eq(o.users[1], "root");
	ck_assert(o.has_group && o.group == getgid());
	options_clear(&o);
}
END_TEST

START_TEST(a_bad_value_is_named)
{
	static const struct {
		enum option_id id;
		const char *value, *text;
	} bad[] = {
		{ OPTION_INTERVAL, "0", "admin-interval" },
		{ OPTION_INTERVAL, "3601", "admin-interval" },
		{ OPTION_INTERVAL, "2s", "admin-interval" },
		{ OPTION_INTERVAL, "-1", "admin-interval" },
		{ OPTION_INTERVAL, "99999999999999999999", "admin-interval" },
		{ OPTION_GROUP, "no-such-group-here", "no-such-group-here" },
		{ OPTION_SOCKET, "", "admin-socket needs a value" },
		{ OPTION_SECRETS, NULL, "auth-secret-file needs a value" },
	};
	struct options o = { 0 };

	options_set(&o, bad[_i].id, bad[_i].value);
	ck_assert_int_eq(options_finish(&o), -EINVAL);
	ck_assert_msg(strstr(o.error, bad[_i].text) != NULL, "%s", o.error);
	options_clear(&o);
}
END_TEST

START_TEST(a_policy_that_nothing_would_apply_is_named)
{
	static const struct {
		enum option_id id;
		const char *value, *text;
	} idle[] = {
		{ OPTION_STRICT_EXPIRY, "0", "strict-expiry needs" },
		{ OPTION_CALL_QUOTA, "1", "call-quota needs" },
		{ OPTION_TAG_QUOTA, "1", "tag-quota needs" },
		{ OPTION_CLIENT_QUOTA, "1", "client-quota needs" },
	};
	static const enum option_id needed[] = { OPTION_SOCKET, OPTION_SECRETS };
	struct options o = { 0 };
	size_t i;

	options_set(&o, idle[_i].id, idle[_i].value);
	ck_assert_int_eq(options_finish(&o), -EINVAL);
	ck_assert_msg(strstr(o.error, idle[_i].text) != NULL, "%s", o.error);
	options_clear(&o);
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		options_set(&o, idle[_i].id, idle[_i].value);
		options_set(&o, needed[i], "/a");
		ck_assert_int_eq(options_finish(&o), 0);
		options_clear(&o);
	}
}
END_TEST

START_TEST(too_many_users_are_refused)
{
	struct options o = { 0 };
	int i;

	for (i = 0; i < OPTIONS_USERS_MAX; i++)
		options_set(&o, OPTION_USER, "root");
	ck_assert_int_eq(options_finish(&o), 0);
	options_set(&o, OPTION_USER, "root");
	ck_assert_int_eq(options_finish(&o), -EINVAL);
	options_clear(&o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coturn-ext secrets and options");
	TCase *secrets = tcase_create("secrets"), *opts = tcase_create("options");

	tcase_add_checked_fixture(secrets, make_dir, remove_dir);
	tcase_set_timeout(secrets, 60);
	tcase_add_test(secrets, active_secrets_are_tried_newest_first);
	tcase_add_test(secrets, a_public_secret_opens_the_door_for_its_names_only);
	tcase_add_test(secrets, a_public_secret_from_elsewhere_is_held_to_its_names);
	tcase_add_test(secrets, no_more_than_the_maximum_are_tried);
	tcase_add_test(secrets, the_matching_secret_is_named);
	tcase_add_test(secrets, who_knows_the_value_finds_what_the_key_finds);
	tcase_add_test(secrets, a_key_of_a_public_secret_that_is_gone_is_still_nobodys);
	tcase_add_test(secrets, a_changed_file_is_read_again);
	tcase_add_test(secrets, a_reload_reads_at_once_and_reports_each_time);
	tcase_add_test(secrets, what_is_announced_is_accepted_now_or_later);
	tcase_add_test(secrets, a_broken_file_is_reported_once_and_keeps_the_old_set);
	tcase_add_test(secrets, what_could_not_be_read_for_lack_of_descriptors_is_read_later);
	tcase_add_test(secrets, a_missing_broken_or_open_file_is_an_error_at_start);
	tcase_add_test(secrets, a_match_is_kept_once_for_all_who_keep_it);
	tcase_add_test(secrets, readers_never_see_a_freed_set);
	suite_add_tcase(s, secrets);
	tcase_add_test(opts, without_options_nothing_is_on);
	tcase_add_test(opts, the_last_value_wins_and_users_add_up);
	tcase_add_loop_test(opts, a_bad_value_is_named, 0, 8);
	tcase_add_loop_test(opts, a_policy_that_nothing_would_apply_is_named, 0, 4);
	tcase_add_test(opts, too_many_users_are_refused);
	suite_add_tcase(s, opts);
	return run_suite(s);
}
