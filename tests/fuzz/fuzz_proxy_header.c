/* fuzz_proxy_header.c - any bytes, cut anywhere: the same verdict, the same client, the same end
 *
 * The first byte says where the stream is cut. */
#include "transport/proxy_header.h"

#include <string.h>

#include "fuzz.h"

struct verdict {
	struct proxy_header h;
	size_t used;
};

static void decode(const uint8_t *p, size_t n, size_t step, struct verdict *v)
{
	proxy_header_init(&v->h);
	v->used = 0;
	while (v->used < n && v->h.state == PROXY_MORE) {
		size_t portion = n - v->used < step ? n - v->used : step, taken;
		uint8_t *exact = malloc(portion);

		MUST(exact);
		memcpy(exact, p + v->used, portion);
		taken = proxy_header_take(&v->h, exact, portion);
		free(exact);
		MUST(taken <= portion);
		MUST(taken == portion || v->h.state != PROXY_MORE);
		v->used += taken;
	}
	MUST(v->used <= 16 + PROXY_V2_MAX);
	MUST(!v->h.named || v->h.state == PROXY_DONE);
	MUST(!v->h.named || v->h.client.sa.sa_family == AF_INET ||
	     v->h.client.sa.sa_family == AF_INET6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct verdict whole, cut;

	if (!n)
		return 0;
	decode(data + 1, n - 1, n, &whole);
	decode(data + 1, n - 1, (size_t)data[0] + 1, &cut);
	MUST(whole.h.state == cut.h.state && whole.used == cut.used);
	MUST(whole.h.named == cut.h.named);
	MUST(memcmp(&whole.h.client, &cut.h.client, sizeof(whole.h.client)) == 0);
	return 0;
}
