/* fuzz_channel_data.c - coturn's reading of a ChannelData message, over UDP and over a stream
 *
 * The first byte of the input says whether padding is mandatory, as it is over TCP and TLS. */
#include <string.h>

#include "fuzz.h"
#include "ns_turn_msg.h"

enum { HEADER = 4 };

static size_t be16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* The payload, written as turnserver writes what a peer sent: the same message, with padding of
 * zeros. */
static void write_again(const uint8_t *msg, size_t n, uint16_t channel, int padded)
{
	size_t m, payload = n - HEADER;
	uint8_t *out = malloc(n + 3);

	MUST(out);
	memset(out, 0xaa, n + 3);
	memcpy(out + HEADER, msg + HEADER, payload);
	if (stun_init_channel_message_str(channel, out, &m, (int)payload, padded) == 0) {
		MUST(m == (padded ? (n + 3) & ~(size_t)3 : n));
		MUST(memcmp(out, msg, n) == 0);
		for (size_t i = n; i < m; i++)
			MUST(out[i] == 0);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int padding = n > 0 && (data[0] & 1);
	uint16_t channel = 0;
	uint8_t *msg;
	size_t len;

	if (n < 1)
		return 0;
	data++;
	n--;
	msg = malloc(n ? n : 1);
	MUST(msg);
	memcpy(msg, data, n);
	len = n;
	if (stun_is_channel_message_str(msg, &len, &channel, padding)) {
		MUST(is_channel_msg_str(msg, n));
		MUST(STUN_VALID_CHANNEL(channel) && channel == be16(msg));
		MUST(len <= n && len == HEADER + be16(msg + 2));
		MUST(!stun_is_command_message_str(msg, n));
		write_again(msg, len, channel, 0);
		write_again(msg, len, channel, 1);
	}
	free(msg);
	return 0;
}
