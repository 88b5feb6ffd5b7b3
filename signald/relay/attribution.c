/* attribution.c - addresses and candidates as text, and what each rule asks for */
#include "attribution.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define IP_TEXT_MAX 64 /* the longest IPv6 text has 45 bytes; a zone id may follow */

static const uint8_t ipv4_mapped[12] = { [10] = 0xff, [11] = 0xff };

const char *attribution_rule_name(enum attribution_rule r)
{
	static const char *const names[] = {
		[ATTRIBUTION_NONE] = NULL,
		[ATTRIBUTION_USER] = "user",
		[ATTRIBUTION_CANDIDATE] = "candidate",
		[ATTRIBUTION_NAME] = "name",
	};

	return names[r];
}

/* Addresses ----------------------------------------------------------------- */

int address_parse_ip(struct address *out, const char *text, size_t n)
{
	char ip[IP_TEXT_MAX];
	const char *zone;

	memset(out, 0, sizeof(*out));
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
		if (!memchr(text, ':', n))
			return -EINVAL;
	}
	zone = memchr(text, '%', n);
	if (zone)
		n = (size_t)(zone - text);
	if (!n || n >= sizeof(ip) || memchr(text, '\0', n))
		return -EINVAL;
	memcpy(ip, text, n);
	ip[n] = '\0';
	if (inet_pton(AF_INET6, ip, out->ip) == 1)
		return 0;
	if (zone || inet_pton(AF_INET, ip, out->ip + sizeof(ipv4_mapped)) != 1) {
		memset(out, 0, sizeof(*out));
		return -EINVAL;
	}
	memcpy(out->ip, ipv4_mapped, sizeof(ipv4_mapped));
	return 0;
}

/* Digits alone, at most max. Returns 0, -EINVAL. */
static int parse_number(const char *text, size_t n, size_t digits_max, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (!n || n > digits_max)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	if (v > max)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int address_parse(struct address *out, const char *text, size_t n)
{
	size_t ip_n = n;
	uint32_t port;

	memset(out, 0, sizeof(*out));
	while (ip_n && text[ip_n - 1] != ':')
		ip_n--;
	if (!ip_n)
		return -EINVAL;
	ip_n--; /* the last colon is at ip_n now */
	if (parse_number(text + ip_n + 1, n - ip_n - 1, 5, UINT16_MAX, &port))
		return -EINVAL;
	/* "2001:db8::1:5" has no port that could be told from the rest: brackets it must have. */
	if (memchr(text, ':', ip_n) && text[0] != '[')
		return -EINVAL;
	if (address_parse_ip(out, text, ip_n))
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

bool address_same_ip(const struct address *a, const struct address *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool address_is_unspecified(const struct address *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, 16) == 0 ||
	       (memcmp(a->ip, ipv4_mapped, 12) == 0 && memcmp(a->ip + 12, zero, 4) == 0);
}

/* Candidates ---------------------------------------------------------------- */

struct token {
	const char *p;
	size_t n;
};

/* The next word of [*p, end), which has no spaces left behind it. Empty at the end. */
static struct token next_token(const char **p, const char *end)
{
	struct token t;

	while (*p < end && **p == ' ')
		(*p)++;
	t.p = *p;
	while (*p < end && **p != ' ')
		(*p)++;
	t.n = (size_t)(*p - t.p);
	return t;
}

static bool token_is(struct token t, const char *word)
{
	return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

/* RFC 8839 section 5.1: ice-char = ALPHA / DIGIT / "+" / "/"; at most 32. Deployed clients put '-'
 * and '_' there too (long foundations as well), so only what cannot be a word is refused. */
static bool foundation_valid(struct token t)
{
	if (!t.n || t.n > 64)
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] == 0x7f)
			return false;
	return true;
}

static bool skip_prefix(const char **p, const char *end, const char *prefix)
{
	size_t n = strlen(prefix);

	if ((size_t)(end - *p) < n || memcmp(*p, prefix, n) != 0)
		return false;
	*p += n;
	return true;
}

/* Everything before the address. Returns 0, -EINVAL; *protocol is 0 for a transport that no relay
 * speaks. */
static int parse_head(const char **p, const char *end, uint16_t *protocol)
{
	struct token transport;
	uint32_t v;
	struct token t;

	skip_prefix(p, end, "a=");
	if (!skip_prefix(p, end, "candidate:") || !foundation_valid(next_token(p, end)))
		return -EINVAL;
	t = next_token(p, end);
	if (parse_number(t.p, t.n, 3, 256, &v) || v == 0)
		return -EINVAL;
	transport = next_token(p, end);
	if (!transport.n || transport.n > 16)
		return -EINVAL;
	t = next_token(p, end);
	if (parse_number(t.p, t.n, 10, UINT32_MAX, &v))
		return -EINVAL;
	*protocol = token_is(transport, "udp")	 ? ADDRESS_UDP
		    : token_is(transport, "tcp") ? ADDRESS_TCP
						 : 0;
	return 0;
}

int attribution_candidate_parse(struct address *relayed, const char *text, size_t n)
{
	const char *p = text, *end = text + n;
	struct token host, port, typ, type;
	uint16_t protocol;
	uint32_t port_v;

	memset(relayed, 0, sizeof(*relayed));
	while (n && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ')) {
		end--;
		n--;
	}
	if (!n) /* "": the end of the candidates (RFC 8838), in JavaScript's spelling */
		return -ENOENT;
	if (n > ATTRIBUTION_CANDIDATE_MAX || parse_head(&p, end, &protocol))
		return -EINVAL;
	host = next_token(&p, end);
	port = next_token(&p, end);
	typ = next_token(&p, end);
	type = next_token(&p, end);
	if (!host.n || host.n > 255 || parse_number(port.p, port.n, 5, UINT16_MAX, &port_v) ||
	    !token_is(typ, "typ") || !type.n)
		return -EINVAL;
	if (!token_is(type, "relay") || !protocol || !port_v)
		return -ENOENT;
	if (address_parse_ip(relayed, host.p, host.n) || address_is_unspecified(relayed)) {
		memset(relayed, 0, sizeof(*relayed));
		return -ENOENT;
	}
	relayed->port = (uint16_t)port_v;
	relayed->protocol = protocol;
	return 0;
}

/* Rules --------------------------------------------------------------------- */

bool attribution_candidate_allowed(const struct attribution_claim *c)
{
	if (c->names_a_call)
		return false;
	if (c->shared)
		return c->client && c->signals && address_same_ip(c->client, c->signals);
	return c->user[0] && strcmp(c->user, c->member) == 0;
}

bool attribution_replaces(enum attribution_rule claim, enum attribution_rule standing)
{
	return claim > standing;
}
