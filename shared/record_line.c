/* record_line.c - see record_line.h */
#include "record_line.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <zlib.h>

#define CRC_DIGITS 8

static void put_crc(char out[CRC_DIGITS], const char *text, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	unsigned long crc = crc32_z(0, (const unsigned char *)text, n);
	size_t i;

	for (i = CRC_DIGITS; i > 0; i--, crc >>= 4)
		out[i - 1] = hex[crc & 15];
}

int record_line_write(char *out, size_t size, const char *text, size_t n)
{
	if (n == 0 || memchr(text, '\n', n))
		return -EINVAL;
	if (n > INT_MAX - RECORD_LINE_EXTRA || size < n + RECORD_LINE_EXTRA)
		return -ENOBUFS;
	put_crc(out, text, n);
	out[CRC_DIGITS] = ' ';
	memcpy(out + RECORD_LINE_HEAD, text, n);
	out[RECORD_LINE_HEAD + n] = '\n';
	return (int)(n + RECORD_LINE_EXTRA);
}

int record_line_parse(const char *line, size_t n, const char **text, size_t *text_n)
{
	char crc[CRC_DIGITS];

	if (n <= RECORD_LINE_HEAD || line[CRC_DIGITS] != ' ' || memchr(line, '\n', n))
		return -EINVAL;
	put_crc(crc, line + RECORD_LINE_HEAD, n - RECORD_LINE_HEAD);
	if (memcmp(crc, line, sizeof(crc)) != 0)
		return -EINVAL;
	*text = line + RECORD_LINE_HEAD;
	*text_n = n - RECORD_LINE_HEAD;
	return 0;
}
