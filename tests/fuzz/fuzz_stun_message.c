/* fuzz_stun_message.c - coturn's reading of a STUN message: all that turnserver asks of one
 *
 * In the order of read_client_connection(), with every reader of attributes on every attribute, in
 * memory that ends with the message. Attributes are walked a second time by a few lines of ours:
 * both must see the same. Once with the message as it is, once with a MESSAGE-INTEGRITY and a
 * FINGERPRINT behind it, so that what is behind those is reached. */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "ns_turn_ioaddr.h"
#include "ns_turn_msg.h"
#include "ns_turn_msg_addr.h"

enum { HEADER = STUN_HEADER_LENGTH, ROOM = 70000, SIGNATURE = 4 + SHA1SIZEBYTES, CRC = 8 };

static hmackey_t key = "fuzz key 16 long";
static password_t no_password;

static size_t be16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* --- attributes ----------------------------------------------------------------------- */

/* Is there a whole attribute at p? */
static bool whole(const uint8_t *p, const uint8_t *end)
{
	return end - p >= 4 && (size_t)(end - p) >= 4 + ((be16(p + 2) + 3) & ~(size_t)3);
}

static const uint8_t *behind(const uint8_t *p)
{
	return p + 4 + ((be16(p + 2) + 3) & ~(size_t)3);
}

/* What follows p by RFC 8489: behind MESSAGE-INTEGRITY only FINGERPRINT, behind that nothing. */
static const uint8_t *following(const uint8_t *p, const uint8_t *end)
{
	bool after_integrity = be16(p) == STUN_ATTRIBUTE_MESSAGE_INTEGRITY;

	if (be16(p) == STUN_ATTRIBUTE_FINGERPRINT)
		return NULL;
	for (p = behind(p); whole(p, end); p = behind(p))
		if (!after_integrity || be16(p) == STUN_ATTRIBUTE_FINGERPRINT)
			return p;
	return NULL;
}

static void ask_of_address(const ioa_addr *a)
{
	ioa_addr copy = *a, v4;
	ioa_addr_range all = { .min = *a, .max = *a };
	uint8_t text[MAX_IOA_ADDR_STRING];
	struct in_addr inside;

	MUST(addr_to_string(a, text) == 0 && addr_to_string_no_port(a, text) == 0);
	MUST(addr_any_no_port(a) || ioa_addr_in_range(&all, a));
	MUST(addr_less_eq(a, a));
	memset(&v4, 0, sizeof(v4));
	v4.s4.sin_family = AF_INET;
	if (a->ss.sa_family != AF_INET6)
		return;
	/* ::ffff:a.b.c.d and the like are refused where a.b.c.d is. */
	if (memcmp(a->s6.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
		memcpy(&inside, a->s6.sin6_addr.s6_addr + 12, sizeof(inside));
		v4.s4.sin_addr = inside;
		MUST(ioa_addr_is_loopback(&copy) == ioa_addr_is_loopback(&v4));
		MUST(ioa_addr_is_zero(&copy) == ioa_addr_is_zero(&v4));
		MUST(ioa_addr_is_multicast(&copy) == ioa_addr_is_multicast(&v4));
	}
}

/* An address that was read is written as it was. */
static void ask_of_value(const uint8_t *value, int n, const uint8_t *tid, int xored)
{
	uint8_t field[64];
	ioa_addr a;
	int m;

	memset(&a, 0, sizeof(a));
	if (stun_addr_decode(&a, value, n, xored, STUN_MAGIC_COOKIE, tid) < 0)
		return;
	MUST(stun_addr_encode(&a, field, &m, xored, STUN_MAGIC_COOKIE, tid) == 0);
	MUST(m == n && memcmp(field, value, (size_t)n) == 0);
	ask_of_address(&a);
}

static void ask_of_attribute(const uint8_t *buf, size_t n, stun_attr_ref attr)
{
	const uint8_t *value = stun_attr_get_value(attr);
	int len = stun_attr_get_len(attr), change_ip, change_port;
	ioa_addr a, none;
	uint16_t channel;

	MUST(stun_attr_get_type(attr) == (int)be16(attr));
	MUST(len == (int)be16((const uint8_t *)attr + 2));
	MUST(len == 0 ? !value : value == (const uint8_t *)attr + 4);
	channel = stun_attr_get_channel_number(attr);
	MUST(channel == 0 || STUN_VALID_CHANNEL(channel));
	stun_attr_get_bandwidth(attr);
	stun_attr_get_reservation_token_value(attr);
	stun_attr_get_even_port(attr);
	stun_get_requested_address_family(attr);
	stun_attr_get_change_request_str(attr, &change_ip, &change_port);
	stun_attr_get_response_port_str(attr);
	MUST(stun_attr_get_padding_len_str(attr) == len);
	addr_set_any(&none);
	if (stun_attr_is_addr(attr) && stun_attr_get_addr_str(buf, n, attr, &a, &none) == 0)
		ask_of_address(&a);
	if (value) {
		ask_of_value(value, len, buf + 8, 0);
		ask_of_value(value, len, buf + 8, 1);
	}
}

static void walk(const uint8_t *buf, size_t n)
{
	const uint8_t *end, *want = NULL;
	stun_attr_ref attr = stun_attr_get_first_str(buf, n);
	int claimed = stun_get_command_message_len_str(buf, n);

	MUST(claimed < 0 ? n < HEADER || be16(buf + 2) + HEADER > n : (size_t)claimed <= n);
	if (claimed < HEADER) {
		MUST(!attr);
		return;
	}
	end = buf + claimed;
	if (whole(buf + HEADER, end))
		want = buf + HEADER;
	for (; attr; attr = stun_attr_get_next_str(buf, n, attr)) {
		MUST(attr == want);
		ask_of_attribute(buf, n, attr);
		want = following(want, end);
	}
	MUST(!want);
}

/* --- the message ---------------------------------------------------------------------- */

/* What turnutils_uclient and libturnclient read of an answer. */
static void ask_as_client(uint8_t *buf, size_t n)
{
	uint8_t realm[STUN_MAX_REALM_SIZE + 1], nonce[STUN_MAX_NONCE_SIZE + 1], text[129];
	uint8_t server_name[STUN_MAX_SERVER_NAME_SIZE + 1];
	int code = 0, oauth, family;

	stun_is_error_response_str(buf, n, &code, text, sizeof(text));
	stun_is_challenge_response_str(buf, n, &code, text, sizeof(text), realm, nonce, server_name,
				       &oauth);
	stun_attr_get_address_error_code(buf, n, &family, &code);
}

static void ask_of_message(uint8_t *buf, size_t n)
{
	int is_stun = stun_is_command_message_str(buf, n), fingerprint = 0;
	uint32_t cookie;
	ioa_addr a;
	stun_tid tid;

	MUST(!is_stun || n == HEADER + be16(buf + 2));
	MUST(!is_stun || !old_stun_is_command_message_str(buf, n, &cookie));
	MUST(!stun_is_command_message_full_check_str(buf, n, 1, &fingerprint) || is_stun);
	stun_is_command_message_full_check_str(buf, n, 0, &fingerprint);
	stun_is_binding_request_str(buf, n, 0);
	stun_is_binding_response_str(buf, n);
	stun_get_method_str(buf, n);
	MUST(stun_is_request_str(buf, n) + stun_is_indication_str(buf, n) +
		     stun_is_response_str(buf, n) <=
	     1);
	walk(buf, n);
	if (n < HEADER)
		return;
	stun_tid_from_message_str(buf, n, &tid);
	MUST(memcmp(tid.tsx_id, buf + 8, STUN_TID_SIZE) == 0);
	stun_attr_get_first_addr_str(buf, n, STUN_ATTRIBUTE_XOR_PEER_ADDRESS, &a, NULL);
	stun_attr_get_first_channel_number_str(buf, n);
	ask_as_client(buf, n);
}

static int integrity(uint8_t *buf, size_t n)
{
	return stun_check_message_integrity_by_key_str(TURN_CREDENTIALS_LONG_TERM, buf, n, key,
						       no_password, SHATYPE_SHA1);
}

/* The check looks at the message with another length; afterwards it is as before. */
static void check_integrity(uint8_t *buf, size_t n)
{
	uint8_t *before = malloc(n + 1);

	MUST(before);
	memcpy(before, buf, n);
	integrity(buf, n);
	MUST(memcmp(before, buf, n) == 0);
	free(before);
}

/* Is it attributes up to its end, none of them a signature or what ends a message? Otherwise what
 * is added would be inside of another attribute, or ignored. */
static bool can_be_signed(const uint8_t *msg, size_t n)
{
	const uint8_t *p = msg + HEADER, *end = msg + n;

	if (!stun_is_command_message_str(msg, n) || n + SIGNATURE + CRC >= MAX_STUN_MESSAGE_SIZE)
		return false;
	for (; whole(p, end); p = behind(p))
		if (be16(p) == STUN_ATTRIBUTE_MESSAGE_INTEGRITY ||
		    be16(p) == STUN_ATTRIBUTE_FINGERPRINT)
			return false;
	return p == end;
}

/* As the client that knows the key would send it. */
static void sign(const uint8_t *data, size_t n)
{
	uint8_t *room = malloc(ROOM), *exact;
	size_t m = n;
	int present = 0;

	MUST(room);
	memcpy(room, data, n);
	MUST(stun_attr_add_integrity_str(TURN_CREDENTIALS_LONG_TERM, room, &m, key, no_password,
					 SHATYPE_SHA1) == 0);
	MUST(stun_attr_add_fingerprint_str(room, &m) == 0);
	MUST(m == n + SIGNATURE + CRC);
	exact = malloc(m);
	MUST(exact);
	memcpy(exact, room, m);
	ask_of_message(exact, m);
	MUST(stun_is_command_message_full_check_str(exact, m, 1, &present) && present);
	MUST(integrity(exact, m) == 1);
	exact[8] ^= 1;
	MUST(integrity(exact, m) == 0);
	free(exact);
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *exact;

	if (n > MAX_STUN_MESSAGE_SIZE)
		return 0;
	exact = malloc(n ? n : 1);
	MUST(exact);
	memcpy(exact, data, n);
	ask_of_message(exact, n);
	check_integrity(exact, n);
	if (can_be_signed(exact, n))
		sign(exact, n);
	free(exact);
	return 0;
}
