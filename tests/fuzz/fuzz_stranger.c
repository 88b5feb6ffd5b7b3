/* fuzz_stranger.c - what a listener makes of a datagram from an unknown source
 *
 * The first 19 bytes: 16 of an address, 2 of a port, 1 of how turnserver is configured; the rest:
 * the datagram. */
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "nonce.h"
#include "stranger.h"

#include "fuzz.h"

#define SOURCE_BYTES 19
#define NOW_S 100000

static const struct name_hash_key key = { 1, 2 };

static void loans_are_inside(const struct stranger *s, const uint8_t *p, size_t n)
{
	if (s->nonce) {
		MUST(s->kind == STRANGER_REQUEST || s->kind == STRANGER_BINDING);
		MUST(s->nonce >= p + 20);
		MUST(s->nonce_bytes <= (size_t)(p + n - s->nonce));
	}
	MUST(!s->complete || s->nonce);
}

/* No verdict makes a session where credentials are needed, other than by proof. */
static void nobody_is_let_in(const struct stranger *s, const struct stranger_rules *rules)
{
	enum stranger_verdict v = stranger_judge(s, rules);

	MUST(v != STRANGER_BE_LET_IN || !rules->auth);
	MUST(v != STRANGER_COOKIE || rules->dtls);
	MUST(v != STRANGER_PROVE || s->complete);
	if (s->kind == STRANGER_GARBAGE || s->kind == STRANGER_ONE_WAY)
		MUST(v == STRANGER_DROP);
}

/* Nobody guesses a nonce; ours in its place verifies. */
static void only_ours_verifies(const struct stranger *s, const struct sockaddr *source)
{
	struct nonce_maker maker;
	char ours[NONCE_LEN + 1];

	nonce_maker_init(&maker, &key);
	nonce_make(&maker, source, NOW_S, 600, ours);
	MUST(nonce_verify(&maker, source, NOW_S, 600, ours, NONCE_LEN));
	if (s->nonce && nonce_verify(&maker, source, NOW_S, 600, s->nonce, s->nonce_bytes))
		MUST(s->nonce_bytes == NONCE_LEN && memcmp(s->nonce, ours, NONCE_LEN) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sockaddr_in6 source = { .sin6_family = AF_INET6 };
	struct stranger_rules rules;
	struct stranger s;

	if (n < SOURCE_BYTES)
		return 0;
	memcpy(&source.sin6_addr, data, 16);
	memcpy(&source.sin6_port, data + 16, 2);
	rules = (struct stranger_rules){ .auth = data[18] & 1,
					 .auth_binding = data[18] & 2,
					 .relays = data[18] & 4,
					 .dtls = data[18] & 8 };
	data += SOURCE_BYTES;
	n -= SOURCE_BYTES;
	stranger_read(data, n, &s);
	loans_are_inside(&s, data, n);
	nobody_is_let_in(&s, &rules);
	only_ours_verifies(&s, (const struct sockaddr *)&source);
	stranger_error_code(data, n);
	return 0;
}
