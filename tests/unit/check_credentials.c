/* check_credentials.c - iceServers and what is signed */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/credentials.h"
#include "run_suite.h"

#define CALL "AAAAAAAAAAAAAAAAAAAAAA"
#define NOW 1700000000

static const char *const stun[] = { "stun:turn.example:3478", "stun:other.example:3478", NULL };
static const char *const turn[] = { "turn:turn.example:3478?transport=udp",
				    "turns:turn.example:5349?transport=tcp", NULL };
static const struct credentials_config config = {
	.stun_urls = stun, .turn_urls = turn, .ttl_s = 3600, .ttl_max_s = 86400
};

static struct secret_set *secrets(const char *text)
{
	struct secret_error err;
	struct secret_set *set;

	ck_assert_int_eq(secret_set_parse(text, strlen(text), &set, &err), 0);
	return set;
}

static struct signing *signing;

static void sign_with(struct credentials *cr, const struct secret_set *set)
{
	ck_assert_int_eq(signing_new(&signing), 0);
	signing_set_secrets(signing, set, NOW);
	credentials_set_signing(cr, signing);
}

static void done(struct credentials *cr, struct secret_set *set)
{
	credentials_free(cr);
	signing_free(signing);
	secret_set_free(set);
}

START_TEST(ice_servers_have_each_stun_url_and_one_signed_turn_entry)
{
	struct secret_set *set = secrets("a secret-number-one\n");
	char password[TURN_PASSWORD_LEN + 1], want[1024], got[1024];
	struct credentials *cr;
	struct turn_grant g;
	struct json_out o;

	ck_assert_int_eq(credentials_new(&cr, &config), 0);
	sign_with(cr, set);
	ck_assert_int_eq(credentials_grant(cr, "7", CALL, 0, NOW, &g), 0);
	json_out_fixed(&o, got, sizeof(got));
	credentials_put_ice_servers(cr, &o, &g);
	ck_assert(!o.failed);
	ck_assert_int_eq(turn_password(password, "secret-number-one", "1700003600:7:" CALL), 0);
	snprintf(want, sizeof(want),
		 "[{\"urls\":\"stun:turn.example:3478\"},{\"urls\":\"stun:other.example:3478\"},"
		 "{\"urls\":[\"turn:turn.example:3478?transport=udp\","
		 "\"turns:turn.example:5349?transport=tcp\"],"
		 "\"username\":\"1700003600:7:" CALL "\",\"credential\":\"%s\"}]",
		 password);
	ck_assert_uint_eq(o.n, strlen(want));
	ck_assert_mem_eq(got, want, o.n);
	done(cr, set);
}
END_TEST

START_TEST(without_a_call_the_name_carries_the_user_only)
{
	struct secret_set *set = secrets("a secret-number-one\n");
	struct turn_grant g;
	struct credentials *cr;

	ck_assert_int_eq(credentials_new(&cr, &config), 0);
	sign_with(cr, set);
	ck_assert_int_eq(credentials_grant(cr, "bob", NULL, 0, NOW, &g), 0);
	ck_assert_str_eq(g.name, "1700003600:bob");
	ck_assert_int_eq(g.expiry_s, 1700003600);
	ck_assert_int_eq(credentials_grant(cr, "b:b", NULL, 0, NOW, &g), -EINVAL);
	done(cr, set);
}
END_TEST

START_TEST(an_asked_ttl_is_clamped)
{
	static const struct {
		uint64_t asked_s;
		int64_t got_s;
	} want[] = { { 0, 3600 }, { 1, 60 }, { 61, 61 }, { 86401, 86400 }, { UINT64_MAX, 86400 } };
	struct secret_set *set = secrets("a secret-number-one\n");
	struct credentials *cr;
	struct turn_grant g;

	ck_assert_int_eq(credentials_new(&cr, &config), 0);
	sign_with(cr, set);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ck_assert_int_eq(credentials_grant(cr, "7", NULL, want[i].asked_s, NOW, &g), 0);
		ck_assert_int_eq(g.expiry_s - NOW, want[i].got_s);
	}
	done(cr, set);
}
END_TEST

START_TEST(a_name_does_not_outlive_the_secret_that_signs_it)
{
	struct secret_set *set = secrets("a secret-number-one - 1700000100\n");
	struct credentials *cr;
	struct turn_grant g;

	ck_assert_int_eq(credentials_new(&cr, &config), 0);
	sign_with(cr, set);
	ck_assert_int_eq(credentials_grant(cr, "7", CALL, 0, NOW, &g), 0);
	ck_assert_int_eq(g.expiry_s, 1700000100);
	ck_assert_str_eq(g.name, "1700000100:7:" CALL);
	ck_assert_int_eq(credentials_grant(cr, "7", CALL, 0, 1700000101, &g), -ENOKEY);
	done(cr, set);
}
END_TEST

START_TEST(without_an_active_ordinary_secret_there_are_none)
{
	struct secret_set *set = secrets("old secret-number-one 1 2\n"
					 "app secret-number-two - - tag=app users=x\n");
	struct credentials *cr;
	struct turn_grant g;

	ck_assert_int_eq(credentials_new(&cr, &config), 0);
	ck_assert_int_eq(credentials_grant(cr, "7", NULL, 0, NOW, &g), -ENOKEY);
	sign_with(cr, set);
	ck_assert_int_eq(credentials_grant(cr, "7", NULL, 0, NOW, &g), -ENOKEY);
	done(cr, set);
}
END_TEST

START_TEST(a_list_that_does_not_fit_is_an_error)
{
	struct secret_set *set = secrets("a secret-number-one\n");
	struct credentials *cr;
	struct turn_grant g;
	struct json_out o;
	char buf[64];

	ck_assert_int_eq(credentials_new(&cr, &config), 0);
	sign_with(cr, set);
	ck_assert_int_eq(credentials_grant(cr, "7", NULL, 0, NOW, &g), 0);
	json_out_fixed(&o, buf, sizeof(buf));
	credentials_put_ice_servers(cr, &o, &g);
	ck_assert(o.failed);
	done(cr, set);
}
END_TEST

static int new_with(const char *stun_url, const char *turn_url)
{
	const char *const s[] = { stun_url, NULL }, *const t[] = { turn_url, NULL };
	struct credentials_config c = config;
	struct credentials *cr = NULL;
	int rc;

	c.stun_urls = s;
	c.turn_urls = t;
	rc = credentials_new(&cr, &c);
	credentials_free(cr);
	return rc;
}

START_TEST(urls_of_another_kind_are_refused)
{
	const char *many[CREDENTIALS_URLS_MAX + 2];
	struct credentials_config c = config;
	struct credentials *cr = NULL;
	char long_url[300];

	ck_assert_int_eq(new_with("stun:a", "turn:a"), 0);
	ck_assert_int_eq(new_with("stuns:a", "turns:a"), 0);
	ck_assert_int_eq(new_with("turn:a", "turn:a"), -EINVAL);
	ck_assert_int_eq(new_with("stun:a", "http://a"), -EINVAL);
	ck_assert_int_eq(new_with("stun:a", "turn:"), -EINVAL);
	ck_assert_int_eq(new_with("stun:a", "turn:a b"), -EINVAL);
	ck_assert_int_eq(new_with("stun:a", "turn:\"a"), -EINVAL);
	ck_assert_int_eq(new_with("stun", "turn:a"), -EINVAL);
	memset(long_url, 'a', sizeof(long_url) - 1);
	memcpy(long_url, "turn:", 5);
	long_url[sizeof(long_url) - 1] = '\0';
	ck_assert_int_eq(new_with("stun:a", long_url), -E2BIG);
	for (size_t i = 0; i <= CREDENTIALS_URLS_MAX; i++)
		many[i] = "turn:a";
	many[CREDENTIALS_URLS_MAX + 1] = NULL;
	c.turn_urls = many;
	ck_assert_int_eq(credentials_new(&cr, &c), -E2BIG);
	c = config;
	c.ttl_s = 59;
	ck_assert_int_eq(credentials_new(&cr, &c), -EINVAL);
	credentials_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("credentials");
	TCase *t = tcase_create("credentials");

	tcase_add_test(t, ice_servers_have_each_stun_url_and_one_signed_turn_entry);
	tcase_add_test(t, without_a_call_the_name_carries_the_user_only);
	tcase_add_test(t, an_asked_ttl_is_clamped);
	tcase_add_test(t, a_name_does_not_outlive_the_secret_that_signs_it);
	tcase_add_test(t, without_an_active_ordinary_secret_there_are_none);
	tcase_add_test(t, a_list_that_does_not_fit_is_an_error);
	tcase_add_test(t, urls_of_another_kind_are_refused);
	suite_add_tcase(s, t);
	return run_suite(s);
}
