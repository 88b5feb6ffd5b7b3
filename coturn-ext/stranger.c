/* stranger.c - see stranger.h */
#include "stranger.h"

/* RFC 8489 sections 5 and 14; RFC 8656 section 12: a channel's number begins with 01. */
enum {
	HEADER_BYTES = 20,
	ATTR_HEADER_BYTES = 4,
	CHANNEL_HEADER_BYTES = 4,
	METHOD_BINDING = 0x001,
	ATTR_USERNAME = 0x0006,
	ATTR_INTEGRITY = 0x0008,
	ATTR_ERROR_CODE = 0x0009,
	ATTR_REALM = 0x0014,
	ATTR_NONCE = 0x0015,
	HANDSHAKE = 22 /* a record's type, RFC 6347 section 4.1 */
};
#define MAGIC_COOKIE 0x2112a442u

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)u16(p) << 16 | u16(p + 2);
}

/* As coturn recognizes one: DTLS 1.0 or 1.2. */
static bool is_hello(const uint8_t *p, size_t n)
{
	return n > 3 && p[0] == HANDSHAKE && p[1] == 0xfe && (p[2] == 0xff || p[2] == 0xfd);
}

static bool is_channel_data(const uint8_t *p, size_t n)
{
	return n >= CHANNEL_HEADER_BYTES && p[0] >> 6 == 1;
}

static bool is_stun(const uint8_t *p, size_t n)
{
	return n >= HEADER_BYTES && p[0] >> 6 == 0 && u16(p + 2) % 4 == 0 &&
	       u16(p + 2) == n - HEADER_BYTES;
}

static bool is_request(uint16_t type)
{
	return !(type & 0x0110); /* the two bits of the class */
}

static uint16_t method_of(uint16_t type)
{
	return (uint16_t)((type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2);
}

/* What is there before MESSAGE-INTEGRITY; what comes after it is not looked at (section 14.5). */
static void read_attributes(const uint8_t *p, const uint8_t *end, struct stranger *out)
{
	bool user = false, realm = false;

	while ((size_t)(end - p) >= ATTR_HEADER_BYTES) {
		uint16_t type = u16(p);
		size_t bytes = u16(p + 2), padded = (bytes + 3) / 4 * 4;

		p += ATTR_HEADER_BYTES;
		if (padded > (size_t)(end - p))
			return;
		if (type == ATTR_INTEGRITY) {
			out->complete = user && realm && out->nonce;
			return;
		}
		user = user || type == ATTR_USERNAME;
		realm = realm || type == ATTR_REALM;
		if (type == ATTR_NONCE && !out->nonce) {
			out->nonce = p;
			out->nonce_bytes = bytes;
		}
		p += padded;
	}
}

static void read_stun(const uint8_t *p, size_t n, struct stranger *out)
{
	uint16_t type = u16(p);
	bool is_binding = method_of(type) == METHOD_BINDING;

	if (!is_request(type)) {
		out->kind = STRANGER_ONE_WAY;
	} else if (u32(p + 4) != MAGIC_COOKIE) {
		/* Random bytes may pass for a request of RFC 3489, which knows this one alone. */
		if (is_binding)
			out->kind = STRANGER_OLD_BINDING;
	} else {
		out->kind = is_binding ? STRANGER_BINDING : STRANGER_REQUEST;
		read_attributes(p + HEADER_BYTES, p + n, out);
	}
}

void stranger_read(const uint8_t *datagram, size_t n, struct stranger *out)
{
	*out = (struct stranger){ .kind = STRANGER_GARBAGE };
	if (is_stun(datagram, n))
		read_stun(datagram, n, out);
	else if (is_hello(datagram, n))
		out->kind = STRANGER_HELLO;
	else if (is_channel_data(datagram, n))
		out->kind = STRANGER_ONE_WAY;
}

/* coturn writes ERROR-CODE first (section 14.8). */
unsigned stranger_error_code(const uint8_t *response, size_t n)
{
	const uint8_t *p = response + HEADER_BYTES;

	if (n < HEADER_BYTES + ATTR_HEADER_BYTES + 4 || u16(p) != ATTR_ERROR_CODE)
		return 0;
	return (p[6] & 7u) * 100 + p[7];
}

static enum stranger_verdict of_request(const struct stranger *s,
					const struct stranger_rules *rules)
{
	if (!rules->auth)
		return STRANGER_BE_LET_IN;
	return s->complete ? STRANGER_PROVE : STRANGER_ANSWER;
}

enum stranger_verdict stranger_judge(const struct stranger *s, const struct stranger_rules *rules)
{
	switch (s->kind) {
	case STRANGER_HELLO: return rules->dtls ? STRANGER_COOKIE : STRANGER_DROP;
	case STRANGER_OLD_BINDING: return STRANGER_ANSWER;
	case STRANGER_BINDING:
		return rules->auth && rules->auth_binding ? of_request(s, rules) : STRANGER_ANSWER;
	case STRANGER_REQUEST: return rules->relays ? of_request(s, rules) : STRANGER_DROP;
	case STRANGER_GARBAGE:
	case STRANGER_ONE_WAY: break;
	}
	return STRANGER_DROP;
}
