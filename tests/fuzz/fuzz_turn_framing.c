/* fuzz_turn_framing.c - where coturn cuts the stream of a TCP or TLS client into messages
 *
 * As socket_input_worker() does: what has come is copied, and asked for a whole message. The same
 * messages must come of it however many bytes arrive with the last of a message. */
#include <string.h>

#include "fuzz.h"
#include "ns_turn_msg.h"

/* -1, or the length of the message at the beginning, with and without padding; memory ends with
 * what has come. */
static int first_message(const uint8_t *data, size_t n, size_t *app_len)
{
	uint8_t *come;
	int len;

	if (n > STUN_BUFFER_SIZE)
		n = STUN_BUFFER_SIZE;
	come = malloc(n ? n : 1);
	MUST(come);
	memcpy(come, data, n);
	len = stun_get_message_len_str(come, n, 1, app_len);
	MUST(memcmp(come, data, n) == 0);
	free(come);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t app_len, again;

	while (n > 0) {
		int len = first_message(data, n, &app_len);

		if (len < 0)
			break;
		MUST(len > 0 && (size_t)len <= n);
		MUST(app_len > 0 && app_len <= (size_t)len && (size_t)len - app_len < 4);
		MUST(first_message(data, (size_t)len, &again) == len && again == app_len);
		MUST(first_message(data, (size_t)len - 1, &again) == -1);
		data += len;
		n -= (size_t)len;
	}
	return 0;
}
