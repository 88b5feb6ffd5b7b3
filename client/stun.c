/* stun.c - STUN and TURN messages, as far as a client makes and reads them */
#include "stun.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HEADER_LEN 20
#define MAGIC 0x2112a442u
#define MAC_LEN 20

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

void stun_begin(struct stun_out *o, uint16_t type, const uint8_t tid[STUN_TID_LEN])
{
	put16(o->b, type);
	put16(o->b + 2, 0);
	put32(o->b + 4, MAGIC);
	memcpy(o->b + 8, tid, STUN_TID_LEN);
	o->n = HEADER_LEN;
}

/* Room for n bytes of an attribute, its header written and the length of the message set. */
static uint8_t *attribute(struct stun_out *o, uint16_t attr, size_t n)
{
	uint8_t *p = o->b + o->n;

	assert(4 + padded(n) <= STUN_MAX - o->n);
	memset(p, 0, 4 + padded(n));
	put16(p, attr);
	put16(p + 2, n);
	o->n += 4 + padded(n);
	put16(o->b + 2, o->n - HEADER_LEN);
	return p + 4;
}

void stun_put(struct stun_out *o, uint16_t attr, const void *v, size_t n)
{
	uint8_t *p = attribute(o, attr, n);

	if (n)
		memcpy(p, v, n);
}

void stun_put_u32(struct stun_out *o, uint16_t attr, uint32_t v)
{
	put32(attribute(o, attr, 4), v);
}

/* RFC 8489 section 14.2; mask is what an address is XORed with: cookie and transaction id. */
static void xor_bytes(uint8_t *out, const uint8_t *in, const uint8_t *mask, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = in[i] ^ mask[i];
}

void stun_put_address(struct stun_out *o, uint16_t attr, const struct sockaddr *a)
{
	bool six = a->sa_family == AF_INET6;
	const struct sockaddr_in *in = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;
	uint8_t *p = attribute(o, attr, six ? 20 : 8);

	p[1] = six ? 2 : 1;
	put16(p + 2, ntohs(six ? in6->sin6_port : in->sin_port) ^ (MAGIC >> 16));
	if (six)
		xor_bytes(p + 4, in6->sin6_addr.s6_addr, o->b + 4, 16);
	else
		xor_bytes(p + 4, (const uint8_t *)&in->sin_addr, o->b + 4, 4);
}

int stun_sign(struct stun_out *o, const uint8_t key[16])
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t covered = o->n;

	/* RFC 8489 section 14.5: over what precedes, the length as if it were there already. */
	put16(o->b + 2, covered + 4 + MAC_LEN - HEADER_LEN);
	if (!HMAC(EVP_sha1(), key, 16, o->b, covered, mac, NULL))
		return -EIO;
	stun_put(o, ATTR_INTEGRITY, mac, MAC_LEN);
	return 0;
}

void stun_channel_data(struct stun_out *o, uint16_t channel, const void *v, size_t n)
{
	assert(n <= STUN_MAX - 4);
	put16(o->b, channel);
	put16(o->b + 2, n);
	memcpy(o->b + 4, v, n);
	o->n = 4 + n;
}

bool stun_read(struct stun_in *in, const uint8_t *p, size_t n)
{
	if (n < HEADER_LEN || p[0] >= 0x40 || get32(p + 4) != MAGIC ||
	    get16(p + 2) != n - HEADER_LEN || n % 4)
		return false;
	*in = (struct stun_in){ p, n, (uint16_t)get16(p) };
	return true;
}

const uint8_t *stun_get(const struct stun_in *in, uint16_t attr, size_t *n)
{
	size_t at = HEADER_LEN, len;

	for (; at + 4 <= in->n; at += 4 + padded(len)) {
		len = get16(in->p + at + 2);
		if (len > in->n - at - 4)
			return NULL;
		if (get16(in->p + at) == attr) {
			*n = len;
			return in->p + at + 4;
		}
	}
	return NULL;
}

bool stun_verify(const struct stun_in *in, const uint8_t key[16])
{
	uint8_t covered[STUN_MAX], mac[EVP_MAX_MD_SIZE];
	size_t n, covered_n;
	const uint8_t *p = stun_get(in, ATTR_INTEGRITY, &n);

	if (!p || n != MAC_LEN)
		return false;
	covered_n = (size_t)(p - in->p) - 4;
	if (covered_n > sizeof(covered))
		return false;
	memcpy(covered, in->p, covered_n);
	/* RFC 8489 section 14.5: the length as if the message ended here. */
	put16(covered + 2, covered_n + 4 + MAC_LEN - HEADER_LEN);
	return HMAC(EVP_sha1(), key, 16, covered, covered_n, mac, NULL) &&
	       CRYPTO_memcmp(mac, p, MAC_LEN) == 0;
}

bool stun_get_u32(const struct stun_in *in, uint16_t attr, uint32_t *v)
{
	size_t n;
	const uint8_t *p = stun_get(in, attr, &n);

	if (!p || n != 4)
		return false;
	*v = get32(p);
	return true;
}

bool stun_get_address(const struct stun_in *in, uint16_t attr, struct sockaddr_storage *a)
{
	size_t n;
	const uint8_t *p = stun_get(in, attr, &n);
	struct sockaddr_in *v4 = (void *)a;
	struct sockaddr_in6 *v6 = (void *)a;

	memset(a, 0, sizeof(*a));
	if (p && n == 8 && p[1] == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)(get16(p + 2) ^ (MAGIC >> 16)));
		xor_bytes((uint8_t *)&v4->sin_addr, p + 4, in->p + 4, 4);
		return true;
	}
	if (p && n == 20 && p[1] == 2) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)(get16(p + 2) ^ (MAGIC >> 16)));
		xor_bytes(v6->sin6_addr.s6_addr, p + 4, in->p + 4, 16);
		return true;
	}
	return false;
}

unsigned stun_error_code(const struct stun_in *in)
{
	size_t n;
	const uint8_t *p = stun_get(in, ATTR_ERROR, &n);

	return p && n >= 4 ? (p[2] & 7u) * 100 + p[3] : 0;
}

size_t stun_frame(const uint8_t *p, size_t n, size_t *payload_n)
{
	size_t whole;

	if (n < 4)
		return 0;
	*payload_n = get16(p + 2) + (p[0] & 0x40 ? 4 : HEADER_LEN);
	whole = padded(*payload_n);
	return n < whole ? 0 : whole;
}
