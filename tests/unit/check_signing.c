/* check_signing.c - which secret signs, as a table */
#include "calls/signing.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

#define EPOCH_1 "00000000000000a1"
#define EPOCH_2 "00000000000000a2"

/* What happens to the rule, in order. */
struct step {
	enum { END, SECRETS, FIXED, ANNOUNCE, LOST } what;
	int64_t at_s;
	const char *text;  /* SECRETS: of the file; FIXED: value; ANNOUNCE: "id=value id=value" */
	const char *epoch; /* ANNOUNCE */
};

static const char one[] = "k1 secret-number-one\n";
static const char two[] = "k1 secret-number-one\nk2 secret-number-two 1000 5000\n";

#define READ(at, text)                                                                             \
	{                                                                                          \
		SECRETS, at, text, NULL                                                            \
	}
#define HEARD(epoch, text)                                                                         \
	{                                                                                          \
		ANNOUNCE, 0, text, epoch                                                           \
	}
#define GONE                                                                                       \
	{                                                                                          \
		LOST, 0, NULL, NULL                                                                \
	}
#define CONF(value)                                                                                \
	{                                                                                          \
		FIXED, 0, value, NULL                                                              \
	}
#define K1 "k1=secret-number-one"
#define K2 "k2=secret-number-two"

static const struct row {
	const char *is; /* what the row shows */
	struct step steps[6];
	int64_t now_s;
	const char *id; /* of who signs; NULL: nobody */
	enum signing_reason why;
} rows[] = {
	{ "no file, no socket", { { .what = END } }, 9, NULL, SIGNING_NOTHING },
	{ "the first file signs at once", { READ(9, one) }, 9, "k1", SIGNING_FILE },
	{ "not before its not-before", { READ(9, two) }, 999, "k1", SIGNING_FILE },
	{ "nor within the wait", { READ(9, two) }, 1014, "k1", SIGNING_FILE },
	{ "but after it", { READ(9, two) }, 1015, "k2", SIGNING_FILE },
	{ "nor after its not-after", { READ(9, two) }, 5001, "k1", SIGNING_FILE },
	{ "at its not-after it does", { READ(9, two) }, 5000, "k2", SIGNING_FILE },
	{ "a later one waits from when it was seen",
	  { READ(9, one), READ(2000, two) },
	  2014,
	  "k1",
	  SIGNING_FILE },
	{ "and no longer", { READ(9, one), READ(2000, two) }, 2015, "k2", SIGNING_FILE },
	{ "a new value under an old id is a new secret",
	  { READ(9, two), READ(2000, "k1 secret-number-one\nk2 secret-number-new 1000 5000\n") },
	  2014,
	  "k1",
	  SIGNING_FILE },
	{ "the only one there is does not wait from when it was seen",
	  { READ(9, one), READ(2000, "k2 secret-number-two\n") },
	  2000,
	  "k2",
	  SIGNING_FILE },
	{ "but from its not-before",
	  { READ(9, one), READ(2000, "k2 secret-number-two 1990\n") },
	  2004,
	  NULL,
	  SIGNING_WAITS },
	{ "and while turnserver announces others it waits for turnserver",
	  { READ(9, one), HEARD(EPOCH_1, K1), READ(2000, "k2 secret-number-two\n") },
	  2100,
	  NULL,
	  SIGNING_WAITS },
	{ "a file read again begins no new wait",
	  { READ(9, one), READ(2000, two), READ(2010, two) },
	  2015,
	  "k2",
	  SIGNING_FILE },
	{ "announced, it signs without a wait",
	  { READ(9, one), READ(2000, two), HEARD(EPOCH_1, K1 " " K2) },
	  2000,
	  "k2",
	  SIGNING_FILE },
	{ "announced early, it still waits for its not-before",
	  { READ(9, two), HEARD(EPOCH_1, K1 " " K2) },
	  999,
	  "k1",
	  SIGNING_FILE },
	{ "announced early, it signs from its not-before on",
	  { READ(9, two), HEARD(EPOCH_1, K1 " " K2) },
	  1000,
	  "k2",
	  SIGNING_FILE },
	{ "announced, not after its not-after",
	  { READ(9, two), HEARD(EPOCH_1, K2) },
	  5001,
	  NULL,
	  SIGNING_WAITS },
	{ "the newest is not announced: the older one goes on",
	  { READ(9, two), HEARD(EPOCH_1, K1) },
	  4000,
	  "k1",
	  SIGNING_FILE },
	{ "none is announced: nobody signs",
	  { READ(9, two), HEARD(EPOCH_1, "") },
	  4000,
	  NULL,
	  SIGNING_WAITS },
	{ "the id alone is no announcement",
	  { READ(9, two), HEARD(EPOCH_1, K1 " k2=another-value") },
	  4000,
	  "k1",
	  SIGNING_FILE },
	{ "announced before the file was read here",
	  { READ(9, one), HEARD(EPOCH_1, K1 " " K2), READ(2000, two) },
	  2000,
	  "k2",
	  SIGNING_FILE },
	{ "announced last stays good without a connection",
	  { READ(9, one), READ(2000, two), HEARD(EPOCH_1, K1 " " K2), GONE },
	  2001,
	  "k2",
	  SIGNING_FILE },
	{ "without a connection the wait counts again",
	  { READ(9, two), HEARD(EPOCH_1, K1), GONE },
	  1015,
	  "k2",
	  SIGNING_FILE },
	{ "a new announcement replaces the old one",
	  { READ(9, two), HEARD(EPOCH_1, K1 " " K2), GONE, HEARD(EPOCH_2, K1) },
	  4000,
	  "k1",
	  SIGNING_FILE },
	{ "the last line among equals",
	  { READ(9, "a secret-number-one\nb secret-number-two\n") },
	  9,
	  "b",
	  SIGNING_FILE },
	{ "one with users= never signs",
	  { READ(9, "app secret-number-app users=x\n"), HEARD(EPOCH_1, "app=secret-number-app") },
	  9,
	  NULL,
	  SIGNING_NOTHING },
	{ "turnserver.conf's signs without a file",
	  { CONF("fixed-secret") },
	  9,
	  "",
	  SIGNING_STATIC },
	{ "and beside a file without an active secret",
	  { READ(9, "k1 secret-number-one - 8\n"), CONF("fixed-secret") },
	  9,
	  "",
	  SIGNING_STATIC },
	{ "not beside an active one",
	  { CONF("fixed-secret"), READ(9, one) },
	  9,
	  "k1",
	  SIGNING_FILE },
	{ "not even beside one that waits",
	  { CONF("fixed-secret"), READ(9, one), HEARD(EPOCH_1, "") },
	  9,
	  NULL,
	  SIGNING_WAITS },
	{ "not a value that the file makes public",
	  { CONF("secret-number-app"), READ(9, "app secret-number-app users=x\n") },
	  9,
	  NULL,
	  SIGNING_NOTHING },
	{ "not when it is gone from turnserver.conf",
	  { CONF("fixed-secret"), CONF(NULL) },
	  9,
	  NULL,
	  SIGNING_NOTHING },
};

static void announce(struct signing *s, const struct step *step)
{
	char text[256], *save = NULL;
	struct relay_secret v[SECRETS_MAX];
	size_t n = 0;

	strcpy(text, step->text);
	for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		char *value = strchr(p, '=');

		*value++ = '\0';
		strcpy(v[n].id, p);
		ck_assert_int_eq(turn_secret_check(v[n++].check, value, step->epoch), 0);
	}
	signing_announced(s, step->epoch, v, n);
}

static void read_file(struct signing *s, const struct step *step, struct secret_set **set)
{
	struct secret_set *old = *set;
	struct secret_error err;

	ck_assert_int_eq(secret_set_parse(step->text, strlen(step->text), set, &err), 0);
	signing_set_secrets(s, *set, step->at_s);
	secret_set_free(old);
}

START_TEST(the_rule_of_signing_holds)
{
	const struct row *row = &rows[_i];
	struct secret_set *set = NULL;
	const struct secret *secret;
	enum signing_reason why;
	struct signing *s;

	ck_assert_int_eq(signing_new(&s), 0);
	for (const struct step *step = row->steps; step->what != END; step++) {
		switch (step->what) {
		case SECRETS: read_file(s, step, &set); break;
		case FIXED: ck_assert_int_eq(signing_set_static(s, step->text), 0); break;
		case ANNOUNCE: announce(s, step); break;
		case LOST: signing_disconnected(s); break;
		case END: break;
		}
	}
	secret = signing_secret(s, row->now_s, &why);
	ck_assert_msg(!secret == !row->id && (!secret || !strcmp(secret->id, row->id)),
		      "%s: %s signs", row->is, secret ? secret->id : "nobody");
	ck_assert_msg(why == row->why, "%s: reason %d", row->is, (int)why);
	signing_free(s);
	secret_set_free(set);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("signing");
	TCase *t = tcase_create("signing");

	suite_add_tcase(s, t);
	tcase_add_loop_test(t, the_rule_of_signing_holds, 0, sizeof(rows) / sizeof(rows[0]));
	return run_suite(s);
}
