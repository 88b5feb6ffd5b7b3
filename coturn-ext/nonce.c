/* nonce.c - see nonce.h
 *
 * The MAC is SipHash-2-4 twice, with independent keys: 128 bits for 600 instructions, and no
 * context to look up. */
#include "nonce.h"

#include <netinet/in.h>
#include <string.h>

#include "client_address.h"

/* The first character tells the slot; none begins as the nonce cookie of RFC 8489 section 9.2 does
 * ("obMatJos2"), which would promise what coturn does not do. */
static const char slot_marks[] = "0123456789ABCDEF";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { MARKS = sizeof(slot_marks) - 1 };

enum use { USE_NONCE = 1, USE_COOKIE };

struct mac {
	uint64_t halves[2];
};

void nonce_maker_init(struct nonce_maker *m, const struct name_hash_key *key)
{
	memset(m, 0, sizeof(*m));
	m->key = *key;
}

unsigned nonce_slot_s(int stale_s)
{
	if (stale_s <= 0)
		return 600;
	return stale_s < NONCE_SLOT_MIN_S ? NONCE_SLOT_MIN_S : (unsigned)stale_s;
}

static const struct nonce_slot *slot_of(struct nonce_maker *m, uint64_t number)
{
	struct nonce_slot *slot = &m->slots[number % 2];
	uint64_t words[4];

	if (slot->made && slot->number == number)
		return slot;
	for (uint64_t i = 0; i < 4; i++)
		words[i] = name_hash(&m->key, &(const uint64_t[2]){ number, i }, 16);
	slot->keys[0] = (struct name_hash_key){ words[0], words[1] };
	slot->keys[1] = (struct name_hash_key){ words[2], words[3] };
	slot->number = number;
	slot->made = true;
	return slot;
}

static uint16_t port_of(const struct sockaddr *source)
{
	if (source->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)source)->sin6_port;
	return ((const struct sockaddr_in *)(const void *)source)->sin_port;
}

static struct mac mac(struct nonce_maker *m, uint64_t slot_number, enum use use,
		      const struct sockaddr *source)
{
	const struct nonce_slot *slot = slot_of(m, slot_number);
	struct client_address address;
	uint16_t port = port_of(source);
	unsigned char text[sizeof(address.bytes) + 4];

	client_address_read(&address, source);
	memcpy(text, address.bytes, sizeof(address.bytes));
	text[sizeof(address.bytes)] = address.family;
	text[sizeof(address.bytes) + 1] = (unsigned char)use;
	memcpy(text + sizeof(address.bytes) + 2, &port, sizeof(port));
	return (struct mac){ { name_hash(&slot->keys[0], text, sizeof(text)),
			       name_hash(&slot->keys[1], text, sizeof(text)) } };
}

/* 15 characters: 60 bits of the one half, 30 of the other. */
static void spell(const struct mac *mac, uint64_t slot, char out[NONCE_LEN + 1])
{
	uint64_t bits = mac->halves[0];

	out[0] = slot_marks[slot % MARKS];
	for (int i = 1; i < NONCE_LEN; i++) {
		if (i == 11)
			bits = mac->halves[1];
		out[i] = alphabet[bits % 64];
		bits /= 64;
	}
	out[NONCE_LEN] = '\0';
}

static bool same(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *p = a, *q = b;
	uint8_t differs = 0;

	while (n-- > 0)
		differs |= (uint8_t)(*p++ ^ *q++);
	return !differs;
}

void nonce_make(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
		unsigned slot_s, char out[NONCE_LEN + 1])
{
	uint64_t slot = now_s / slot_s;
	struct mac made = mac(m, slot, USE_NONCE, source);

	spell(&made, slot, out);
}

bool nonce_verify(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
		  unsigned slot_s, const void *nonce, size_t n)
{
	uint64_t slot = now_s / slot_s;
	const char *text = nonce;
	char expected[NONCE_LEN + 1];
	struct mac made;

	if (n != NONCE_LEN)
		return false;
	if (text[0] != slot_marks[slot % MARKS] && slot > 0)
		slot--;
	if (text[0] != slot_marks[slot % MARKS])
		return false;
	made = mac(m, slot, USE_NONCE, source);
	spell(&made, slot, expected);
	return same(expected, nonce, NONCE_LEN);
}

_Static_assert(sizeof(struct mac) == NONCE_COOKIE_LEN, "a cookie is a MAC");

void nonce_cookie_make(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
		       uint8_t out[NONCE_COOKIE_LEN])
{
	struct mac made = mac(m, now_s / NONCE_SLOT_MIN_S, USE_COOKIE, source);

	memcpy(out, &made, sizeof(made));
}

bool nonce_cookie_verify(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
			 const void *cookie, size_t n)
{
	uint64_t slot = now_s / NONCE_SLOT_MIN_S;
	struct mac made;

	if (n != NONCE_COOKIE_LEN)
		return false;
	made = mac(m, slot, USE_COOKIE, source);
	if (same(&made, cookie, sizeof(made)))
		return true;
	if (slot == 0)
		return false;
	made = mac(m, slot - 1, USE_COOKIE, source);
	return same(&made, cookie, sizeof(made));
}
