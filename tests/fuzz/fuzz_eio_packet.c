/* fuzz_eio_packet.c - any payload: packets lie inside it and joined again they are it */
#include "engineio/eio_packet.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "transport/base64.h"
#include "transport/http_text.h"

/* What is decoded is encoded to the same text, line breaks aside. */
static void base64(const char *p, size_t n)
{
	uint8_t *bytes = malloc(n / 4 * 3 + 1);
	char *text = malloc(n + 1), *one_line = malloc(n + 1);
	size_t bytes_n, line_n = 0, i;

	MUST(bytes && text && one_line);
	for (i = 0; i < n; i++)
		if (p[i] != '\r' && p[i] != '\n')
			one_line[line_n++] = p[i];
	if (base64_decode_lines(bytes, &bytes_n, p, n) == 0) {
		MUST(BASE64_SIZE(bytes_n) == line_n);
		base64_encode(text, bytes, bytes_n);
		MUST(memcmp(text, one_line, line_n) == 0);
		MUST((base64_decode(bytes, &bytes_n, p, n) == 0) == (line_n == n));
	} else {
		MUST(base64_decode(bytes, &bytes_n, p, n) == -EINVAL);
	}
	free(bytes);
	free(text);
	free(one_line);
}

static void payload(const char *p, size_t n)
{
	const char *start = p, *text = NULL;
	size_t left = n, text_n = 0, total = 0, packets = 0;
	struct eio_packet pkt;

	while (eio_payload_next(&p, &left, &text, &text_n)) {
		MUST(text == start + total);
		MUST(!memchr(text, EIO_SEPARATOR, text_n));
		total += text_n + 1;
		packets++;
		if (eio_packet_decode(text, text_n, &pkt))
			continue;
		MUST(pkt.p == text + 1 && pkt.n == text_n - 1);
		if (pkt.binary)
			base64(pkt.p, pkt.n);
	}
	MUST(packets && total == n + 1);
}

/* The same bytes as a request target's query. */
static void query(const char *p, size_t n)
{
	char *text = malloc(n + 1), out[16];
	int len;

	MUST(text);
	memcpy(text, p, n);
	text[n] = '\0';
	len = http_query_value(text, "sid", out, sizeof(out));
	MUST(len < (int)sizeof(out));
	MUST(len < 0 || strlen(out) == (size_t)len);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	payload((const char *)data, n);
	query((const char *)data, n);
	return 0;
}
