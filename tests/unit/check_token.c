/* check_token.c - whose a token is, and all that is no token of anybody's */
#include "auth/auth.h"
#include "auth/token.h"
#include "auth/token_keys.h"
#include "nth_alloc.h"
#include "run_suite.h"
#include "token_mint.h"

#include <check.h>
#include <errno.h>

#define NOW 1700000000
#define HS "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define GOOD "{\"sub\":\"7\",\"exp\":1700000100}"

static char dir[] = "/tmp/check-token-XXXXXX";
static char hs_path[64], rs_path[64], es_path[64], rs_pem[4096];
static EVP_PKEY *rsa, *ec, *rsa1024, *ec384;
static struct token_keys *keys;
static struct token_rules rules;
static struct calls_identity who;
static enum token_fault why;
static char token[MINT_BYTES];

static char *in_dir(char out[64], const char *name)
{
	snprintf(out, 64, "%s/%s", dir, name);
	return out;
}

static struct token_keys *use(const char *a, const char *b, const char *c)
{
	const char *lines[] = { a, b, c };

	token_keys_free(keys);
	keys = NULL;
	ck_assert_int_eq(token_keys_new(&keys, lines, 1 + (b != NULL) + (c != NULL)), 0);
	return keys;
}

static const char *line(const char *alg_kid, const char *path)
{
	static char lines[4][128];
	static unsigned at;
	char *out = lines[at++ % 4];

	snprintf(out, sizeof(lines[0]), "%s:%s", alg_kid, path);
	return out;
}

static void make_keys(void)
{
	rsa = EVP_RSA_gen(2048);
	rsa1024 = EVP_RSA_gen(1024);
	ec = EVP_EC_gen("P-256");
	ec384 = EVP_EC_gen("P-384");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	mint_file(in_dir(hs_path, "hs"), MINT_SECRET "\n", sizeof(MINT_SECRET), 0600);
	mint_public(in_dir(rs_path, "rs"), rsa, rs_pem, sizeof(rs_pem));
	mint_public(in_dir(es_path, "es"), ec, NULL, 0);
}

static void drop_keys(void)
{
	char command[64];

	EVP_PKEY_free(rsa);
	EVP_PKEY_free(rsa1024);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ec384);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void setup(void)
{
	rules = (struct token_rules){
		.claim_id = "sub", .claim_name = "name", .claim_avatar = "picture", .leeway_s = 5
	};
	use(line("HS256:", hs_path), NULL, NULL);
}

static void teardown(void)
{
	token_keys_free(keys);
	keys = NULL;
}

/* Returns -1 when it is good, else why not. */
static int refused_at(int64_t now_s)
{
	int r;

	memset(&who, 0x55, sizeof(who));
	r = token_verify(&rules, keys, token, strlen(token), now_s, &who, &why);
	if (r == 0)
		return -1;
	ck_assert_int_eq(r, why == TOKEN_EXPIRED ? -EKEYEXPIRED : -EACCES);
	if (r == -EACCES)
		ck_assert_int_eq(who.id.text[0], 0x55); /* nothing was written */
	return why;
}

static int refused(void)
{
	return refused_at(NOW);
}

static int refused_claims(const char *claims)
{
	mint_hs256(token, HS, claims, MINT_SECRET);
	return refused();
}

static int refused_header(const char *header)
{
	mint_hs256(token, header, GOOD, MINT_SECRET);
	return refused();
}

START_TEST(each_algorithm_is_verified_with_its_own_key)
{
	use(line("HS256:", hs_path), line("RS256:", rs_path), line("ES256:", es_path));
	mint_hs256(token, HS, GOOD, MINT_SECRET);
	ck_assert_int_eq(refused(), -1);
	ck_assert_str_eq(who.id.text, "7");
	ck_assert_int_eq(who.expires_s, NOW + 105);
	mint_pkey(token, "{\"alg\":\"RS256\"}", GOOD, rsa);
	ck_assert_int_eq(refused(), -1);
	mint_pkey(token, "{\"alg\":\"ES256\"}", GOOD, ec);
	ck_assert_int_eq(refused(), -1);
}
END_TEST

/* The attack: the public key is public, and its text makes a fine secret for a library that takes
 * the algorithm from the token. */
START_TEST(a_public_keys_text_is_no_secret)
{
	use(line("RS256:", rs_path), line("ES256:", es_path), NULL);
	mint_hs256(token, HS, GOOD, rs_pem);
	ck_assert_int_eq(refused(), TOKEN_ALG);
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"\"}", GOOD, rs_pem);
	ck_assert_int_eq(refused(), TOKEN_KEY);
	use(line("RS256:a", rs_path), line("HS256:b", hs_path), NULL);
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"a\"}", GOOD, rs_pem);
	ck_assert_int_eq(refused(), TOKEN_ALG);
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"b\"}", GOOD, rs_pem);
	ck_assert_int_eq(refused(), TOKEN_SIGNATURE);
}
END_TEST

static const struct {
	const char *header;
	int why;
} headers[] = {
	{ HS, -1 },
	{ "{\"alg\":\"HS256\"}", -1 },
	{ " { \"alg\" :\t\"HS256\" , \"x5u\":{\"a\":[1]}}\n", -1 },
	{ "{\"\\u0061lg\":\"HS256\"}", -1 },
	{ "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", -1 },
	{ "{}", TOKEN_ALG },
	{ "{\"typ\":\"JWT\"}", TOKEN_ALG },
	{ "{\"alg\":\"none\"}", TOKEN_ALG },
	{ "{\"alg\":\"None\"}", TOKEN_ALG },
	{ "{\"alg\":\"hs256\"}", TOKEN_ALG },
	{ "{\"alg\":\"HS384\"}", TOKEN_ALG },
	{ "{\"alg\":\"HS512\"}", TOKEN_ALG },
	{ "{\"alg\":\"RS256\"}", TOKEN_ALG },
	{ "{\"alg\":\"HS256 \"}", TOKEN_ALG },
	{ "{\"alg\":\"HS256\\u0000\"}", TOKEN_ALG },
	{ "{\"alg\":[\"HS256\"]}", TOKEN_ALG },
	{ "{\"alg\":1}", TOKEN_ALG },
	{ "{\"alg\":null}", TOKEN_ALG },
	{ "{\"ALG\":\"HS256\"}", TOKEN_ALG },
	{ "{\"alg\":\"HS256\",\"alg\":\"none\"}", TOKEN_MALFORMED },
	{ "{\"alg\":\"none\",\"alg\":\"HS256\"}", TOKEN_MALFORMED },
	{ "{\"alg\":\"HS256\",\"al\\u0067\":\"HS256\"}", TOKEN_MALFORMED },
	{ "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", TOKEN_EXTENDED },
	{ "{\"alg\":\"HS256\",\"crit\":[]}", TOKEN_EXTENDED },
	{ "{\"alg\":\"HS256\",\"b64\":false}", TOKEN_EXTENDED },
	{ "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", TOKEN_EXTENDED },
	{ "{\"alg\":\"HS256\",\"typ\":7}", TOKEN_EXTENDED },
	{ "{\"alg\":\"HS256\",\"kid\":\"x\"}", TOKEN_KEY },
	{ "{\"alg\":\"HS256\",\"kid\":\"\"}", TOKEN_KEY },
	{ "{\"alg\":\"HS256\",\"kid\":null}", TOKEN_KEY },
	{ "{\"alg\":\"HS256\",\"kid\":7}", TOKEN_KEY },
	{ "", TOKEN_MALFORMED },
	{ "\"HS256\"", TOKEN_MALFORMED },
	{ "[]", TOKEN_MALFORMED },
	{ "{\"alg\":\"HS256\"", TOKEN_MALFORMED },
	{ "{\"alg\":\"HS256\"}{}", TOKEN_MALFORMED },
	{ "{\"alg\":\"HS256\",\"x\":\"\xff\"}", TOKEN_MALFORMED },
	{ "{\"alg\":\"HS256\",\"x\":[[[[[1]]]]]}", TOKEN_MALFORMED },
};

START_TEST(a_header_says_no_more_than_its_key_allows)
{
	ck_assert_int_eq(refused_header(headers[_i].header), headers[_i].why);
}
END_TEST

static const struct {
	const char *claims;
	int why;
} claims_rows[] = {
	{ GOOD, -1 },
	{ "{\"sub\":7,\"exp\":1700000100}", -1 },
	{ "{\"sub\":\"7\",\"exp\":1700000100.75}", -1 },
	{ "{\"sub\":\"7\",\"exp\":1.7000001e9}", -1 },
	{ "{\"sub\":\"7\",\"exp\":253402300799}", -1 },
	{ "{\"sub\":\"7\",\"exp\":1699999996}", -1 }, /* within the leeway */
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":1700000005}", -1 },
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":-1,\"iat\":\"whatever\"}", -1 },
	{ "{\"sub\":\"7\"}", TOKEN_CLAIMS },
	{ "{\"sub\":\"7\",\"exp\":null}", TOKEN_CLAIMS },
	{ "{\"sub\":\"7\",\"exp\":\"1700000100\"}", TOKEN_CLAIMS },
	{ "{\"sub\":\"7\",\"exp\":true}", TOKEN_CLAIMS },
	{ "{\"sub\":\"7\",\"exp\":[1700000100]}", TOKEN_CLAIMS },
	{ "{\"sub\":\"7\",\"exp\":1e300}", TOKEN_CLAIMS },
	{ "{\"sub\":\"7\",\"exp\":1700000100000}", TOKEN_CLAIMS }, /* milliseconds */
	{ "{\"sub\":\"7\",\"exp\":-1}", TOKEN_EXPIRED },
	{ "{\"sub\":\"7\",\"exp\":0}", TOKEN_EXPIRED },
	{ "{\"sub\":\"7\",\"exp\":1699999995}", TOKEN_EXPIRED },
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":1700000006}", TOKEN_EARLY },
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":\"0\"}", TOKEN_CLAIMS },
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":null}", TOKEN_CLAIMS },
	{ "{\"exp\":1700000100}", TOKEN_CLAIMS },
	{ "{\"sub\":\"\",\"exp\":1700000100}", TOKEN_CLAIMS },
	{ "{\"sub\":7.5,\"exp\":1700000100}", TOKEN_CLAIMS },
	{ "{\"sub\":null,\"exp\":1700000100}", TOKEN_CLAIMS },
	{ "{\"sub\":\"a:b\",\"exp\":1700000100}", TOKEN_CLAIMS },
	/* What the library's JSON reader does not take is not signed, as it tells us no more. */
	{ "{\"sub\":\"7\",\"exp\":1e400}", TOKEN_SIGNATURE },
	{ "{\"sub\":\"7\",\"exp\":99999999999999999999999999999}", TOKEN_SIGNATURE },
	{ "{\"sub\":\"a\\u0000b\",\"exp\":1700000100}", TOKEN_SIGNATURE },
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"sub\":\"8\"}", TOKEN_MALFORMED },
	{ "{\"sub\":\"7\",\"exp\":1,\"exp\":1700000100}", TOKEN_MALFORMED },
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"x\":\"\\ud800\"}", TOKEN_MALFORMED },
	{ "{\"sub\":\"7\",\"exp\":1700000100,\"\\u0000\":1}", TOKEN_MALFORMED },
	{ "[]", TOKEN_MALFORMED },
	{ "null", TOKEN_MALFORMED },
	{ "{", TOKEN_MALFORMED },
};

START_TEST(claims_say_who_and_until_when)
{
	ck_assert_int_eq(refused_claims(claims_rows[_i].claims), claims_rows[_i].why);
}
END_TEST

START_TEST(a_token_expires_and_begins)
{
	mint_hs256(token, HS, "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":1700000050}", MINT_SECRET);
	ck_assert_int_eq(refused_at(NOW + 44), TOKEN_EARLY);
	ck_assert_int_eq(refused_at(NOW + 45), -1);
	ck_assert_int_eq(refused_at(NOW + 104), -1);
	ck_assert_int_eq(refused_at(NOW + 105), TOKEN_EXPIRED);
	rules.leeway_s = 0;
	ck_assert_int_eq(refused_at(NOW + 49), TOKEN_EARLY);
	ck_assert_int_eq(refused_at(NOW + 99), -1);
	ck_assert_int_eq(refused_at(NOW + 100), TOKEN_EXPIRED);
}
END_TEST

/* With another fault it is a bad one, whose nobody knows. */
START_TEST(an_expired_token_says_whose_it_was_if_nothing_else_is_wrong)
{
	static const char *const worse[] = {
		"{\"exp\":1600000000}",
		"{\"sub\":\"~7\",\"exp\":1600000000}",
		"{\"sub\":\"7\",\"exp\":1600000000,\"nbf\":1800000000}",
		"{\"sub\":\"7\",\"exp\":1600000000,\"nbf\":\"x\"}",
		"{\"sub\":\"7\",\"exp\":1600000000,\"iss\":\"you\"}",
	};

	ck_assert_int_eq(refused_claims("{\"sub\":\"7\",\"exp\":1600000000}"), TOKEN_EXPIRED);
	ck_assert_str_eq(who.id.text, "7");
	ck_assert_int_eq(who.expires_s, 1600000005);
	rules.issuer = "me";
	for (size_t i = 0; i < sizeof(worse) / sizeof(worse[0]); i++)
		ck_assert_int_ne(refused_claims(worse[i]), TOKEN_EXPIRED);
	mint_hs256(token, HS, "{\"sub\":\"7\",\"exp\":1600000000,\"iss\":\"me\"}",
		   "another secret of thirty-two bytes");
	ck_assert_int_eq(refused(), TOKEN_SIGNATURE);
}
END_TEST

START_TEST(issuer_and_audience_are_asked_for_where_configured)
{
	static const char *const without[] = {
		"{\"sub\":\"7\",\"exp\":1700000100,\"aud\":\"calls\"}",
		"{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat\"}",
		"{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat \",\"aud\":\"calls\"}",
		"{\"sub\":\"7\",\"exp\":1700000100,\"iss\":[\"chat\"],\"aud\":\"calls\"}",
		"{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat\",\"aud\":[]}",
		"{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat\",\"aud\":[[\"calls\"]]}",
		"{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat\",\"aud\":{\"calls\":1}}",
		"{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat\",\"aud\":[\"call\",1]}",
	};

	rules.issuer = "chat";
	rules.audience = "calls";
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		ck_assert_msg(refused_claims(without[i]) == TOKEN_ISSUER, "%s", without[i]);
	ck_assert_int_eq(refused_claims("{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat\","
					"\"aud\":\"calls\"}"),
			 -1);
	ck_assert_int_eq(refused_claims("{\"sub\":\"7\",\"exp\":1700000100,\"iss\":\"chat\","
					"\"aud\":[7,\"x\",\"calls\"]}"),
			 -1);
}
END_TEST

START_TEST(a_person_has_a_name_and_a_picture_of_bounded_length)
{
	char claims[4096], name[600], picture[1100];

	ck_assert_int_eq(
		refused_claims("{\"sub\":\"7\",\"exp\":1700000100,\"name\":\"Ann \\u00e9\","
			       "\"picture\":\"https://x/7.png\"}"),
		-1);
	ck_assert_str_eq(who.name, "Ann \xc3\xa9");
	ck_assert_str_eq(who.avatar, "https://x/7.png");
	ck_assert_int_eq(refused_claims("{\"sub\":\"7\",\"exp\":1700000100,\"name\":7,"
					"\"picture\":null}"),
			 -1);
	ck_assert_str_eq(who.name, "");
	ck_assert_str_eq(who.avatar, "");
	for (size_t i = 0; i < 299; i++)
		memcpy(name + 2 * i, "\xc3\xa9", 3);
	memset(picture, 'p', sizeof(picture) - 1);
	picture[sizeof(picture) - 1] = '\0';
	snprintf(claims, sizeof(claims),
		 "{\"sub\":\"7\",\"exp\":1700000100,\"name\":\"%s\",\"picture\":\"%s\"}", name,
		 picture);
	ck_assert_int_eq(refused_claims(claims), -1);
	ck_assert_uint_eq(strlen(who.name), 254); /* whole characters */
	ck_assert_str_eq(who.avatar, "");
	rules.claim_id = "https://x.example/id";
	rules.claim_name = "sub";
	ck_assert_int_eq(refused_claims("{\"sub\":\"Ann\",\"exp\":1700000100,"
					"\"https://x.example/id\":12}"),
			 -1);
	ck_assert_str_eq(who.id.text, "12");
	ck_assert(who.id.number);
	ck_assert_str_eq(who.name, "Ann");
}
END_TEST

START_TEST(several_keys_are_told_apart_by_kid)
{
	static const char other[] = "another secret that is long enough!!";
	char path[64];

	mint_file(in_dir(path, "hs2"), other, sizeof(other) - 1, 0640);
	use(line("HS256:one", hs_path), line("HS256:two", path), line("RS256:three", rs_path));
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"one\"}", GOOD, MINT_SECRET);
	ck_assert_int_eq(refused(), -1);
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"two\"}", GOOD, other);
	ck_assert_int_eq(refused(), -1);
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"two\"}", GOOD, MINT_SECRET);
	ck_assert_int_eq(refused(), TOKEN_SIGNATURE);
	mint_hs256(token, HS, GOOD, MINT_SECRET);
	ck_assert_int_eq(refused(), TOKEN_KEY); /* which of the two? */
	mint_pkey(token, "{\"alg\":\"RS256\"}", GOOD, rsa);
	ck_assert_int_eq(refused(), -1); /* there is only one */
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"three\"}", GOOD, MINT_SECRET);
	ck_assert_int_eq(refused(), TOKEN_ALG);
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"../one\"}", GOOD, MINT_SECRET);
	ck_assert_int_eq(refused(), TOKEN_KEY);
}
END_TEST

START_TEST(every_changed_byte_is_refused)
{
	use(line("HS256:", hs_path), line("RS256:", rs_path), line("ES256:", es_path));
	for (int alg = 0; alg < 3; alg++) {
		if (alg == 0)
			mint_hs256(token, HS, GOOD, MINT_SECRET);
		else
			mint_pkey(token, alg == 1 ? "{\"alg\":\"RS256\"}" : "{\"alg\":\"ES256\"}",
				  GOOD, alg == 1 ? rsa : ec);
		ck_assert_int_eq(refused(), -1);
		for (char *p = token; *p; p++) {
			const char was = *p;

			*p = was == 'A' ? 'B' : 'A';
			ck_assert_int_ne(refused(), -1);
			*p = was;
		}
	}
}
END_TEST

START_TEST(a_cut_token_is_refused_wherever_it_is_cut)
{
	mint_hs256(token, HS, GOOD, MINT_SECRET);
	for (size_t n = 0; n < strlen(token); n++)
		ck_assert_int_eq(token_verify(&rules, keys, token, n, NOW, &who, &why), -EACCES);
}
END_TEST

/* What stands around, in or between the three parts. */
START_TEST(only_the_one_form_is_taken)
{
	static const char *const forms[] = { "%s ",  " %s",	  "%s\n",   "%s=",    "%s.", ".%s",
					     "%s.a", "Bearer %s", "%sA",    "%s\t",   "%s+", "%s/",
					     "%s==", "%s%%00",	  "\"%s\"", "%s.e30", "" };
	char good[2000];

	mint_hs256(good, HS, GOOD, MINT_SECRET);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(token, sizeof(token), forms[i], good);
#pragma GCC diagnostic pop
		ck_assert_msg(refused() >= 0, "'%s'", forms[i]);
	}
	strcpy(token, good);
	ck_assert_int_eq(token_verify(&rules, keys, token, strlen(token) + 1, NOW, &who, &why),
			 -EACCES); /* with its NUL */
	token[10] = '\0';
	ck_assert_int_eq(token_verify(&rules, keys, token, strlen(good), NOW, &who, &why), -EACCES);
	strcpy(token, "..");
	ck_assert_int_eq(refused(), TOKEN_MALFORMED);
	strcpy(token, "e30.e30.");
	ck_assert_int_eq(refused(), TOKEN_ALG);
	*strrchr(strcpy(token, good), '.') = '\0';
	ck_assert_int_eq(refused(), TOKEN_MALFORMED);
	strcpy(strrchr(strcpy(token, good), '.') + 1, "");
	ck_assert_int_eq(refused(), TOKEN_SIGNATURE);
}
END_TEST

START_TEST(base64url_is_strict)
{
	static const char *const bad[] = { "A",	 "AB",	  "ABC=", "AB==", "A+",
					   "A/", "AAAAA", "AA A", "AAB" };
	uint8_t out[16];
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(token_base64url(out, &n, bad[i], strlen(bad[i])) == -EINVAL, "%s",
			      bad[i]);
	ck_assert_int_eq(token_base64url(out, &n, "-_8", 3), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(memcmp(out, "\xfb\xff", 2), 0);
	ck_assert_int_eq(token_base64url(out, &n, "", 0), 0);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_huge_token_is_refused_and_the_largest_is_not)
{
	char claims[12000];

	for (size_t pad = 5800; pad < 6200; pad++) {
		int n = snprintf(claims, sizeof(claims),
				 "{\"sub\":\"7\",\"exp\":1700000100,\"x\":\"");

		memset(claims + n, 'x', pad);
		strcpy(claims + n + pad, "\"}");
		mint_hs256(token, HS, claims, MINT_SECRET);
		ck_assert_int_eq(refused(),
				 strlen(token) <= TOKEN_BYTES_MAX ? -1 : TOKEN_MALFORMED);
	}
	memset(token, 'A', sizeof(token) - 1);
	ck_assert_int_eq(refused(), TOKEN_MALFORMED);
}
END_TEST

START_TEST(many_members_are_too_many)
{
	char claims[8000] = "{\"sub\":\"7\",\"exp\":1700000100";

	for (int i = 0; i < 300; i++)
		sprintf(claims + strlen(claims), ",\"a%d\":1", i);
	strcat(claims, "}");
	ck_assert_int_eq(refused_claims(claims), TOKEN_MALFORMED);
}
END_TEST

/* --- keys --- */

static void expect_key(int r, const char *text)
{
	struct token_keys *k = NULL;

	ck_assert_msg(token_keys_new(&k, &text, 1) == r, "%s", text);
	token_keys_free(k);
}

START_TEST(a_line_names_algorithm_kid_and_file)
{
	char text[200], kid[TOKEN_KID_MAX + 2];

	expect_key(-EINVAL, "HS256");
	expect_key(-EINVAL, "HS256:/x");
	expect_key(-EINVAL, "HS256::");
	expect_key(-EINVAL, line("hs256:", hs_path));
	expect_key(-EINVAL, line("HS512:", hs_path));
	expect_key(-EINVAL, line("none:", hs_path));
	expect_key(-EINVAL, line(":a", hs_path));
	expect_key(-ENOENT, "HS256::/nowhere/at/all");
	expect_key(0, line("HS256:a b", hs_path));
	memset(kid, 'k', sizeof(kid) - 1);
	kid[sizeof(kid) - 1] = '\0';
	snprintf(text, sizeof(text), "HS256:%s:%s", kid, hs_path);
	expect_key(-EINVAL, text);
	snprintf(text, sizeof(text), "HS256:%s:%s", kid + 1, hs_path);
	expect_key(0, text);
}
END_TEST

START_TEST(a_name_is_one_keys_alone)
{
	const char *two[] = { line("HS256:a", hs_path), line("RS256:a", rs_path) };
	struct token_keys *k = NULL;

	ck_assert_int_eq(token_keys_new(&k, two, 2), -EEXIST);
	two[0] = line("HS256:", hs_path);
	two[1] = two[0];
	ck_assert_int_eq(token_keys_new(&k, two, 2), -EEXIST);
	two[1] = line("RS256:", rs_path);
	ck_assert_int_eq(token_keys_new(&k, two, 2), 0);
	token_keys_free(k);
}
END_TEST

START_TEST(there_are_at_most_so_many)
{
	char text[TOKEN_KEYS_MAX + 1][128];
	const char *lines[TOKEN_KEYS_MAX + 1];
	struct token_keys *k = NULL;

	for (int i = 0; i <= TOKEN_KEYS_MAX; i++) {
		snprintf(text[i], sizeof(text[i]), "HS256:%d:%s", i, hs_path);
		lines[i] = text[i];
	}
	ck_assert_int_eq(token_keys_new(&k, lines, TOKEN_KEYS_MAX + 1), -E2BIG);
	ck_assert_int_eq(token_keys_new(&k, lines, TOKEN_KEYS_MAX), 0);
	token_keys_free(k);
}
END_TEST

START_TEST(a_file_holds_a_key_for_its_algorithm)
{
	char path[64], weak[64], other[64], text[512];
	BIO *bio;

	mint_file(in_dir(path, "k"), MINT_SECRET, 31, 0600);
	expect_key(-EINVAL, line("HS256:", path)); /* too short */
	mint_file(path, rs_pem, strlen(rs_pem), 0600);
	expect_key(-EINVAL, line("HS256:", path)); /* a public key */
	snprintf(text, sizeof(text), "# ours\n%s", rs_pem);
	mint_file(path, text, strlen(text), 0600);
	expect_key(-EINVAL, line("HS256:", path)); /* still one */
	mint_file(path, MINT_SECRET, 32, 0604);
	expect_key(-EPERM, line("HS256:", path));
	mint_file(path, token, TOKEN_SECRET_MAX + 2, 0600);
	expect_key(-EFBIG, line("HS256:", path));
	mint_file(path, "", 0, 0600);
	expect_key(-EINVAL, line("HS256:", path));
	expect_key(-EINVAL, line("RS256:", path));
	expect_key(-EINVAL, line("RS256:", hs_path));
	expect_key(-EINVAL, line("RS256:", es_path));
	expect_key(-EINVAL, line("ES256:", rs_path));
	expect_key(-EINVAL, line("RS256:", dir));
	mint_public(in_dir(weak, "weak"), rsa1024, NULL, 0);
	expect_key(-EINVAL, line("RS256:", weak));
	mint_public(in_dir(other, "p384"), ec384, NULL, 0);
	expect_key(-EINVAL, line("ES256:", other));
	mint_file(path, rs_pem, strlen(rs_pem), 0646);
	expect_key(-EPERM, line("RS256:", path));
	bio = BIO_new_file(path, "w"); /* the private one is not what belongs here */
	PEM_write_bio_PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL);
	BIO_free(bio);
	chmod(path, 0600);
	expect_key(-EINVAL, line("RS256:", path));
}
END_TEST

START_TEST(a_changed_file_is_read_and_a_broken_one_leaves_the_key)
{
	static const char next[] = "the next secret, which is long enough";
	char path[64], fresh[64];

	mint_file(in_dir(path, "r"), MINT_SECRET, 32, 0600);
	use(line("HS256:", path), NULL, NULL);
	mint_hs256(token, HS, GOOD, MINT_SECRET);
	ck_assert_int_eq(refused(), -1);
	mint_file(in_dir(fresh, "fresh"), "short", 5, 0600);
	ck_assert_int_eq(rename(fresh, path), 0);
	token_keys_read_if_changed(keys);
	ck_assert_int_eq(refused(), -1);
	unlink(path);
	token_keys_read(keys);
	ck_assert_int_eq(refused(), -1);
	mint_file(fresh, next, sizeof(next) - 1, 0600);
	ck_assert_int_eq(rename(fresh, path), 0);
	token_keys_read_if_changed(keys);
	ck_assert_int_eq(refused(), TOKEN_SIGNATURE);
	mint_hs256(token, HS, GOOD, next);
	ck_assert_int_eq(refused(), -1);
}
END_TEST

static const char *oom_lines[2];

static void make_without_memory(void)
{
	const struct auth_config cfg = { .keys = oom_lines, .keys_n = 2, .rules = rules };
	struct auth *a = NULL;
	int r = auth_new(&a, &cfg);

	MUST(r == 0 || r == -ENOMEM);
	if (!r)
		auth_read(a); /* what cannot be read now leaves what was */
	if (!r)
		MUST(auth_verify(a, token, strlen(token), NOW, &who) == 0);
	auth_free(a);
}

START_TEST(without_memory_there_are_no_keys_and_nothing_is_lost)
{
	oom_lines[0] = line("HS256:", hs_path);
	oom_lines[1] = line("HS256:b", hs_path);
	mint_hs256(token, "{\"alg\":\"HS256\",\"kid\":\"b\"}", GOOD, MINT_SECRET);
	with_each_allocation_failing(make_without_memory);
}
END_TEST

/* --- requests --- */

START_TEST(a_request_brings_its_token_in_a_header_or_its_query)
{
	static char out[TOKEN_BYTES_MAX + 1], longest[TOKEN_BYTES_MAX + 32];

	ck_assert_int_eq(auth_token_of_request(NULL, NULL, out), 0);
	ck_assert_int_eq(auth_token_of_request("Basic abc", "EIO=4&user_id=7", out), 0);
	ck_assert_int_eq(auth_token_of_request("bEARER   abc  ", "token=x", out), 3);
	ck_assert_str_eq(out, "abc");
	ck_assert_int_eq(auth_token_of_request("Basic abc", "a=1&token=t%2Bk", out), 3);
	ck_assert_str_eq(out, "t+k");
	ck_assert_int_eq(auth_token_of_request(NULL, "token=b&access_token=a&EIO=4", out), 1);
	ck_assert_str_eq(out, "a");
	ck_assert_int_eq(auth_token_of_request(NULL, "access_token=&token=b", out), 1);
	ck_assert_int_eq(auth_token_of_request("Bearer", "access_token=", out), 0);
	ck_assert_int_eq(auth_token_of_request(NULL, "access_token=%zz", out), -EINVAL);
	ck_assert_int_eq(auth_token_of_request(NULL, "access_token=a%00b", out), -EINVAL);
	memset(longest, 'a', sizeof(longest) - 1);
	memcpy(longest, "Bearer ", 7);
	ck_assert_int_eq(auth_token_of_request(longest, NULL, out), -EINVAL);
	longest[TOKEN_BYTES_MAX + 7] = '\0';
	ck_assert_int_eq(auth_token_of_request(longest, NULL, out), TOKEN_BYTES_MAX);
	memcpy(longest, "token=", 6);
	longest[TOKEN_BYTES_MAX + 6] = '\0';
	ck_assert_int_eq(auth_token_of_request(NULL, longest, out), TOKEN_BYTES_MAX);
	longest[TOKEN_BYTES_MAX + 6] = 'a';
	ck_assert_int_eq(auth_token_of_request(NULL, longest, out), -EINVAL);
}
END_TEST

START_TEST(what_is_refused_is_counted_by_reason)
{
	const char *one = line("HS256:", hs_path);
	struct auth_config cfg = { .keys = &one, .keys_n = 1, .rules = rules };
	struct auth *a;

	ck_assert_int_eq(auth_new(&a, &cfg), 0);
	mint_hs256(token, HS, GOOD, MINT_SECRET);
	ck_assert_int_eq(auth_verify(a, token, strlen(token), NOW, &who), 0);
	ck_assert_int_eq(auth_verify(a, token, strlen(token), NOW + 1000, &who), -EKEYEXPIRED);
	ck_assert_int_eq(auth_verify(a, "x", 1, NOW, &who), -EACCES);
	ck_assert_uint_eq(auth_counters(a)->verified, 1);
	ck_assert_uint_eq(auth_counters(a)->refused[TOKEN_EXPIRED], 1);
	ck_assert_uint_eq(auth_counters(a)->refused[TOKEN_MALFORMED], 1);
	for (enum token_fault f = 0; f < TOKEN_FAULTS; f++)
		ck_assert_ptr_nonnull(token_fault_name(f));
	auth_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("token");
	TCase *t = tcase_create("token");

	suite_add_tcase(s, t);
	tcase_add_unchecked_fixture(t, make_keys, drop_keys);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_algorithm_is_verified_with_its_own_key);
	tcase_add_test(t, a_public_keys_text_is_no_secret);
	tcase_add_loop_test(t, a_header_says_no_more_than_its_key_allows, 0,
			    sizeof(headers) / sizeof(headers[0]));
	tcase_add_loop_test(t, claims_say_who_and_until_when, 0,
			    sizeof(claims_rows) / sizeof(claims_rows[0]));
	tcase_add_test(t, a_token_expires_and_begins);
	tcase_add_test(t, an_expired_token_says_whose_it_was_if_nothing_else_is_wrong);
	tcase_add_test(t, issuer_and_audience_are_asked_for_where_configured);
	tcase_add_test(t, a_person_has_a_name_and_a_picture_of_bounded_length);
	tcase_add_test(t, several_keys_are_told_apart_by_kid);
	tcase_add_test(t, every_changed_byte_is_refused);
	tcase_add_test(t, a_cut_token_is_refused_wherever_it_is_cut);
	tcase_add_test(t, only_the_one_form_is_taken);
	tcase_add_test(t, base64url_is_strict);
	tcase_add_test(t, a_huge_token_is_refused_and_the_largest_is_not);
	tcase_add_test(t, many_members_are_too_many);
	tcase_add_test(t, a_line_names_algorithm_kid_and_file);
	tcase_add_test(t, a_name_is_one_keys_alone);
	tcase_add_test(t, there_are_at_most_so_many);
	tcase_add_test(t, a_file_holds_a_key_for_its_algorithm);
	tcase_add_test(t, a_changed_file_is_read_and_a_broken_one_leaves_the_key);
	tcase_add_test(t, without_memory_there_are_no_keys_and_nothing_is_lost);
	tcase_add_test(t, a_request_brings_its_token_in_a_header_or_its_query);
	tcase_add_test(t, what_is_refused_is_counted_by_reason);
	return run_suite(s);
}
