/* fuzz_token.c - tokens, as they come and with what they say signed rightly
 *
 * The input is a token; and, cut at its first newline, a header and claims that
 * are then signed with our secret, so that what is behind the signature is
 * reached too. Nothing but a token with a time, an id and our key is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/token.h"
#include "auth/token_keys.h"
#include "fuzz.h"
#include "log.h"
#include "../unit/token_mint.h"

#define NOW 1700000000
#define INPUT_MAX 6000

static struct token_keys *keys;

static void quiet(enum log_level level, const char *token, const char *text)
{
	(void)level;
	(void)token;
	(void)text;
}

static void make_keys(void)
{
	char dir[] = "/tmp/fuzz-token-XXXXXX", hs[64], rs[64], es[64];
	char lines[3][80];
	const char *const list[] = { lines[0], lines[1], lines[2] };
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");

	log_set_sink(quiet);
	MUST(mkdtemp(dir) && rsa && ec);
	snprintf(hs, sizeof(hs), "%s/hs", dir);
	snprintf(rs, sizeof(rs), "%s/rs", dir);
	snprintf(es, sizeof(es), "%s/es", dir);
	mint_file(hs, MINT_SECRET, strlen(MINT_SECRET), 0600);
	mint_public(rs, rsa, NULL, 0);
	mint_public(es, ec, NULL, 0);
	snprintf(lines[0], sizeof(lines[0]), "HS256:a:%s", hs);
	snprintf(lines[1], sizeof(lines[1]), "RS256:b:%s", rs);
	snprintf(lines[2], sizeof(lines[2]), "ES256::%s", es);
	MUST(token_keys_new(&keys, list, 3) == 0);
	unlink(hs);
	unlink(rs);
	unlink(es);
	rmdir(dir);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

static bool verify(const char *token, size_t n)
{
	static const struct token_rules rules[] = {
		{ NULL, NULL, "sub", "name", "picture", 5 },
		{ "chat", "calls", "sub", "name", "picture", 0 },
	};
	bool any = false;

	for (size_t i = 0; i < 2; i++) {
		enum token_fault why = TOKEN_FAULTS;
		struct calls_identity who;

		if (token_verify(&rules[i], keys, token, n, NOW, &who, &why)) {
			MUST(why < TOKEN_FAULTS && token_fault_name(why));
			continue;
		}
		any = true;
		MUST(who.expires_s > NOW && turn_user_id_valid(who.id.text, strlen(who.id.text)));
		MUST(json_utf8_span(who.name, strlen(who.name)) == strlen(who.name));
		MUST(strnlen(who.avatar, sizeof(who.avatar)) < sizeof(who.avatar));
	}
	return any;
}

/* Where a request has it. */
static void look_in_request(const char *text)
{
	static char out[TOKEN_BYTES_MAX + 1];
	int n = auth_token_of_request(text, text, out);

	MUST(n <= TOKEN_BYTES_MAX && (n < 0 || strlen(out) == (size_t)n || n == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char signed_token[MINT_BYTES];
	const char *eol = memchr(data, '\n', size);
	char *text;

	if (!keys)
		make_keys();
	/* A copy of just this size: who reads behind it is found out. */
	text = malloc(size + 1);
	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	MUST(!verify(text, size)); /* nobody guesses a signature */
	look_in_request(text);
	if (eol && size <= INPUT_MAX) {
		size_t header_n = (size_t)(eol - (const char *)data);

		mint_hs256_n(signed_token, text, header_n, text + header_n + 1, size - header_n - 1,
			     MINT_SECRET, strlen(MINT_SECRET));
		verify(signed_token, strlen(signed_token));
	}
	free(text);
	return 0;
}
