/* check_rights.c - what a request must show over REST, and how often it may */
#include "admin/rights.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "admin_fixture.h"
#include "client_address.h"
#include "log.h"
#include "nth_alloc.h"
#include "run_suite.h"

#define ADMIN "0123456789abcdef"
#define BOT "fedcba9876543210"
#define SITE "site-key-1"

static struct admin_tokens *admin;
static struct site_key site;
static struct client_address client;
static struct rights *r;
static struct rights_asker a;
static char token[TOKEN_BYTES_MAX + 1];
static size_t n;
static unsigned logged;
static char last_line[512];

static void on_log(enum log_level level, const char *what, const char *text)
{
	(void)level;
	(void)what;
	logged++;
	snprintf(last_line, sizeof(last_line), "%s", text);
}

static void key_of(struct site_key *k, const char *text)
{
	k->set = EVP_Digest(text, strlen(text), k->sha256, NULL, EVP_sha256(), NULL) == 1;
}

static void from(const char *address)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };

	ck_assert_int_eq(inet_pton(AF_INET, address, &sa.sin_addr), 1);
	client_address_read(&client, (const struct sockaddr *)&sa);
	a.client = &client;
	a.address = address;
}

static void make(bool open)
{
	rights_free(r);
	ck_assert_int_eq(rights_new(&r, &(struct rights_config){ .open = open,
								 .admin = admin,
								 .site_key = &site,
								 .failures_per_minute = 3,
								 .credentials_per_minute = 100 }),
			 0);
}

static void setup(void)
{
	admin = admin_tokens_of("ops " ADMIN "\nbot " BOT "\n");
	ck_assert_ptr_nonnull(admin);
	key_of(&site, SITE);
	a = (struct rights_asker){ .query = "", .now_ms = 1000 };
	from("192.0.2.1");
	make(false);
	logged = 0;
	log_set_sink(on_log);
}

static void teardown(void)
{
	log_set_sink(NULL);
	rights_free(r);
	r = NULL;
	admin_tokens_free(admin);
}

static enum right credentials(const char *authorization, const char *query)
{
	a.authorization = authorization;
	a.query = query;
	return rights_credentials(r, &a, token, &n);
}

START_TEST(in_open_mode_nothing_is_asked_for)
{
	make(true);
	ck_assert_int_eq(credentials(NULL, ""), RIGHT_FULL);
	ck_assert_int_eq(credentials("Bearer x", "s=nonsense&token=y"), RIGHT_FULL);
}
END_TEST

START_TEST(the_admin_may_have_credentials_of_anybody)
{
	ck_assert_int_eq(credentials("Bearer " ADMIN, ""), RIGHT_FULL);
	ck_assert_int_eq(credentials(ADMIN, ""), RIGHT_FULL);
}
END_TEST

START_TEST(a_token_is_looked_at_wherever_it_stands)
{
	ck_assert_int_eq(credentials("Bearer a.b.c", ""), RIGHT_TOKEN);
	ck_assert_str_eq(token, "a.b.c");
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(credentials(NULL, "access_token=d%2Ee"), RIGHT_TOKEN);
	ck_assert_str_eq(token, "d.e");
	ck_assert_int_eq(credentials(NULL, "x=1&token=f"), RIGHT_TOKEN);
	ck_assert_str_eq(token, "f");
	/* It proves more than the site key, which is public. */
	ck_assert_int_eq(credentials(NULL, "s=" SITE "&token=f"), RIGHT_TOKEN);
}
END_TEST

START_TEST(the_site_key_is_good_for_an_unproven_name)
{
	ck_assert_int_eq(credentials(NULL, "s=" SITE), RIGHT_UNPROVEN);
	ck_assert_int_eq(credentials(NULL, "s=" SITE "x"), RIGHT_REFUSED);
	ck_assert_int_eq(credentials(NULL, "s=site-key-"), RIGHT_REFUSED);
	ck_assert_int_eq(credentials(NULL, "s=Bearer%20" SITE), RIGHT_REFUSED);
	ck_assert_int_eq(credentials(NULL, "s="), RIGHT_NONE);
	ck_assert_int_eq(credentials(NULL, ""), RIGHT_NONE);
	ck_assert_uint_eq(rights_counters(r)->site_refused, 3);
	site.set = false;
	ck_assert_int_eq(credentials(NULL, "s=" SITE), RIGHT_NONE);
	/* Neither key opens the other's door. */
	ck_assert_int_eq(credentials(NULL, "s=" ADMIN), RIGHT_NONE);
}
END_TEST

START_TEST(the_site_key_is_good_thirty_times_a_minute_and_address)
{
	for (int i = 0; i < RIGHTS_SITE_PER_MINUTE; i++)
		ck_assert_int_eq(credentials(NULL, "s=" SITE), RIGHT_UNPROVEN);
	ck_assert_int_eq(credentials(NULL, "s=" SITE), RIGHT_LIMITED);
	ck_assert_uint_eq(rights_wait_s(r, &a), 2);
	ck_assert_uint_eq(rights_counters(r)->site_limited, 1);
	from("192.0.2.2");
	ck_assert_int_eq(credentials(NULL, "s=" SITE), RIGHT_UNPROVEN);
	from("192.0.2.1");
	ck_assert_int_eq(credentials("Bearer t", "s=" SITE), RIGHT_TOKEN);
	a.now_ms += 2000;
	ck_assert_int_eq(credentials(NULL, "s=" SITE), RIGHT_UNPROVEN);
}
END_TEST

START_TEST(credentials_are_limited_whatever_is_shown)
{
	make(true);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(credentials(NULL, ""), RIGHT_FULL);
	ck_assert_int_eq(credentials(NULL, ""), RIGHT_LIMITED);
	ck_assert_uint_eq(rights_counters(r)->credentials_limited, 1);
	ck_assert_uint_eq(rights_wait_s(r, &a), 1);
}
END_TEST

START_TEST(after_too_many_failures_even_the_right_token_waits)
{
	a.authorization = "Bearer wrong";
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rights_admin(r, &a), RIGHT_NONE);
	ck_assert_uint_eq(logged, 3);
	ck_assert_str_eq(last_line, "192.0.2.1: a wrong token for the admin API");
	ck_assert_int_eq(rights_admin(r, &a), RIGHT_LIMITED);
	a.authorization = "Bearer " ADMIN;
	ck_assert_int_eq(rights_admin(r, &a), RIGHT_LIMITED);
	ck_assert_int_eq(credentials("Bearer " ADMIN, ""), RIGHT_TOKEN); /* not compared */
	ck_assert_uint_eq(rights_counters(r)->admin_failures, 3);
	ck_assert_uint_eq(rights_counters(r)->failures_limited, 2);
	from("192.0.2.2");
	ck_assert_int_eq(rights_admin(r, &a), RIGHT_FULL);
	from("192.0.2.1");
	a.now_ms += 1000 * rights_wait_s(r, &a);
	ck_assert_int_eq(rights_admin(r, &a), RIGHT_FULL);
}
END_TEST

START_TEST(who_succeeds_is_not_limited)
{
	a.authorization = "Bearer " ADMIN;
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(rights_admin(r, &a), RIGHT_FULL);
	ck_assert_uint_eq(logged, 6);
	ck_assert_str_eq(last_line, "192.0.2.1: the admin API, with the token of ops");
}
END_TEST

START_TEST(whose_token_it_was_is_logged_for_each_name_and_use)
{
	for (int i = 0; i < 100; i++) {
		a.authorization = BOT;
		ck_assert_int_eq(rights_admin(r, &a), RIGHT_FULL);
		a.authorization = "Bearer " ADMIN;
		ck_assert_int_eq(rights_admin(r, &a), RIGHT_FULL);
	}
	ck_assert_uint_eq(logged, 12);
	ck_assert_int_eq(credentials("Bearer " BOT, ""), RIGHT_FULL);
	ck_assert_uint_eq(logged, 13);
	ck_assert_str_eq(last_line, "192.0.2.1: credentials, with the token of bot");
}
END_TEST

START_TEST(tokens_that_are_nobodys_count_as_guesses)
{
	for (int i = 0; i < 3; i++)
		rights_token_failed(r, a.client, a.address, a.now_ms);
	a.authorization = "Bearer " ADMIN;
	ck_assert_int_eq(rights_admin(r, &a), RIGHT_LIMITED);
	ck_assert_uint_eq(rights_counters(r)->token_failures, 3);
	/* Users with a token of their own go on. */
	ck_assert_int_eq(credentials("Bearer user", ""), RIGHT_TOKEN);
}
END_TEST

START_TEST(failures_from_everywhere_are_few_lines)
{
	char address[16];

	a.authorization = "Bearer wrong";
	for (int i = 0; i < 200; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		from(address);
		ck_assert_int_eq(rights_admin(r, &a), RIGHT_NONE);
	}
	ck_assert_uint_eq(logged, 20);
	ck_assert_uint_eq(rights_counters(r)->admin_failures, 200);
}
END_TEST

static void make_without_memory(void)
{
	struct rights *some = NULL;
	int err = rights_new(&some, &(struct rights_config){ .admin = admin, .site_key = &site });

	MUST(err == 0 || (err == -ENOMEM && !some));
	rights_free(some);
}

START_TEST(without_memory_there_are_no_rights)
{
	with_each_allocation_failing(make_without_memory);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rights");
	TCase *tc = tcase_create("rights");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, in_open_mode_nothing_is_asked_for);
	tcase_add_test(tc, the_admin_may_have_credentials_of_anybody);
	tcase_add_test(tc, a_token_is_looked_at_wherever_it_stands);
	tcase_add_test(tc, the_site_key_is_good_for_an_unproven_name);
	tcase_add_test(tc, the_site_key_is_good_thirty_times_a_minute_and_address);
	tcase_add_test(tc, credentials_are_limited_whatever_is_shown);
	tcase_add_test(tc, after_too_many_failures_even_the_right_token_waits);
	tcase_add_test(tc, who_succeeds_is_not_limited);
	tcase_add_test(tc, whose_token_it_was_is_logged_for_each_name_and_use);
	tcase_add_test(tc, tokens_that_are_nobodys_count_as_guesses);
	tcase_add_test(tc, failures_from_everywhere_are_few_lines);
	tcase_add_test(tc, without_memory_there_are_no_rights);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
