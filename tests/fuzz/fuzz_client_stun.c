/* fuzz_client_stun.c - what a turnserver may answer its client with: read inside of its bytes, or
 * refused */
#include "stun.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t key[16] = "a long-term key";
	static const uint16_t attrs[] = { ATTR_REALM, ATTR_NONCE, ATTR_DATA, ATTR_ERROR,
					  ATTR_INTEGRITY };
	struct sockaddr_storage a;
	struct stun_in in;
	size_t whole, len;
	uint32_t v;

	whole = stun_frame(data, n, &len);
	MUST(whole <= n && (!whole || (len <= whole && whole - len < 4)));
	if (!stun_read(&in, data, n))
		return 0;
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		const uint8_t *p = stun_get(&in, attrs[i], &len);

		MUST(!p || (p >= data && len <= (size_t)(data + n - p)));
	}
	stun_get_u32(&in, ATTR_LIFETIME, &v);
	if (stun_get_address(&in, ATTR_RELAYED, &a))
		MUST(a.ss_family == AF_INET || a.ss_family == AF_INET6);
	MUST(stun_error_code(&in) < 1000);
	stun_verify(&in, key);
	return 0;
}
