/* eio_packet.c - Engine.IO protocol 4: packets, and payloads of several */
#include "engineio/eio_packet.h"

#include <errno.h>
#include <string.h>

int eio_packet_decode(const char *p, size_t n, struct eio_packet *out)
{
	if (!n)
		return -EINVAL;
	out->binary = *p == 'b';
	if (!out->binary && (*p < '0' || *p > '6'))
		return -EINVAL;
	out->type = out->binary ? EIO_MESSAGE : (enum eio_type)(*p - '0');
	out->p = p + 1;
	out->n = n - 1;
	return 0;
}

bool eio_payload_next(const char **p, size_t *left, const char **text, size_t *n)
{
	const char *end;

	if (*left == EIO_PAYLOAD_END)
		return false;
	*text = *p;
	end = *left ? memchr(*p, EIO_SEPARATOR, *left) : NULL;
	if (!end) {
		*n = *left;
		*left = EIO_PAYLOAD_END;
		return true;
	}
	*n = (size_t)(end - *p);
	*left -= *n + 1;
	*p = end + 1;
	return true;
}
