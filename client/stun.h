/* stun.h - STUN and TURN messages, as far as a client makes and reads them
 *
 * RFC 8489 (header, attributes, MESSAGE-INTEGRITY) and RFC 8656 (methods). Pure. */
#ifndef STUN_H
#define STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define STUN_MAX 2048 /* bytes of a message or ChannelData we make or take */
#define STUN_TID_LEN 12

enum { /* RFC 8489 section 18.2, RFC 8656 section 17 */
       STUN_BINDING = 0x001,
       STUN_ALLOCATE = 0x003,
       STUN_REFRESH = 0x004,
       STUN_SEND = 0x006,
       STUN_DATA = 0x007,
       STUN_PERMISSION = 0x008,
       STUN_CHANNEL_BIND = 0x009,
};

enum { /* bits of the message type, RFC 8489 section 5 */
       STUN_INDICATION = 0x010,
       STUN_SUCCESS = 0x100,
       STUN_ERROR = 0x110,
};

enum { /* RFC 8489 section 18.3, RFC 8656 section 18, draft-wing-tram-turn-mobility */
       ATTR_USERNAME = 0x0006,
       ATTR_INTEGRITY = 0x0008,
       ATTR_ERROR = 0x0009,
       ATTR_CHANNEL = 0x000c,
       ATTR_LIFETIME = 0x000d,
       ATTR_PEER = 0x0012,
       ATTR_DATA = 0x0013,
       ATTR_REALM = 0x0014,
       ATTR_NONCE = 0x0015,
       ATTR_RELAYED = 0x0016,
       ATTR_FAMILY = 0x0017,
       ATTR_TRANSPORT = 0x0019,
       ATTR_XOR_MAPPED = 0x0020,
       ATTR_MOBILITY = 0x8030,
};

struct stun_out {
	size_t n;
	uint8_t b[STUN_MAX];
};

/* Begin a message. What is put behind must fit: that is asserted. */
void stun_begin(struct stun_out *o, uint16_t type, const uint8_t tid[STUN_TID_LEN]);
void stun_put(struct stun_out *o, uint16_t attr, const void *v, size_t n);
void stun_put_u32(struct stun_out *o, uint16_t attr, uint32_t v);
/* XOR-MAPPED form, as all addresses of TURN are. */
void stun_put_address(struct stun_out *o, uint16_t attr, const struct sockaddr *a);
/* Close it with MESSAGE-INTEGRITY under the long-term key. Returns 0, -EIO. */
int stun_sign(struct stun_out *o, const uint8_t key[16]);
/* ChannelData in one go, RFC 8656 section 12.4. */
void stun_channel_data(struct stun_out *o, uint16_t channel, const void *v, size_t n);

/* A message that was received; a loan of its bytes. */
struct stun_in {
	const uint8_t *p;
	size_t n;
	uint16_t type;
};

bool stun_read(struct stun_in *in, const uint8_t *p, size_t n);
/* Does MESSAGE-INTEGRITY hold under this key? What stands behind it is not covered. */
bool stun_verify(const struct stun_in *in, const uint8_t key[16]);
/* The attribute's value, or NULL; *n gets its length. */
const uint8_t *stun_get(const struct stun_in *in, uint16_t attr, size_t *n);
bool stun_get_u32(const struct stun_in *in, uint16_t attr, uint32_t *v);
bool stun_get_address(const struct stun_in *in, uint16_t attr, struct sockaddr_storage *a);
/* Code of an error response; 0 when it carries none. */
unsigned stun_error_code(const struct stun_in *in);

/* Where the first message of a TCP stream ends, RFC 8656 section 3.1: 0 while
 * more bytes are needed. *payload_n is its length without padding. */
size_t stun_frame(const uint8_t *p, size_t n, size_t *payload_n);

#endif
