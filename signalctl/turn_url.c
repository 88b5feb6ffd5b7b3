/* turn_url.c - see turn_url.h */
#include "turn_url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT 3478     /* RFC 7065 section 3.2 */
#define PORT_TLS 5349 /* the same */

/* Letters of names and addresses: nothing that means something to a shell. */
static int take_host(const char *p, size_t n, char *out, size_t size)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ".-_:";

	if (!n || n >= size || p[0] == '-')
		return -EINVAL;
	memcpy(out, p, n);
	out[n] = '\0';
	return strspn(out, good) == n ? 0 : -EINVAL;
}

/* "host", "host:port", "[address]:port": up to the query. Returns where the port stands, NULL for
 * none, in *port. */
static int take_place(const char *p, size_t n, struct turn_url *out)
{
	const char *end = p + n, *after = memchr(p, ':', n);
	size_t length = after ? (size_t)(after - p) : n;
	char *rest;
	unsigned long port;

	if (*p == '[') {
		const char *close = memchr(p, ']', n);

		if (!close)
			return -EINVAL;
		length = (size_t)(close - p) - 1;
		after = close + 1;
		p++;
	}
	if (take_host(p, length, out->host, sizeof(out->host)))
		return -EINVAL;
	if (!after || after == end)
		return 0;
	if (*after != ':' || after[1] < '0' || after[1] > '9')
		return -EINVAL;
	port = strtoul(after + 1, &rest, 10);
	if (rest != end || port == 0 || port > 65535)
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

int turn_url_parse(const char *text, struct turn_url *out)
{
	size_t n;

	*out = (struct turn_url){ .port = PORT };
	if (strncmp(text, "turns:", 6) == 0) {
		out->tls = out->tcp = true;
		out->port = PORT_TLS;
		text += 6;
	} else if (strncmp(text, "turn:", 5) == 0) {
		text += 5;
	} else {
		return -EINVAL;
	}
	n = strcspn(text, "?");
	if (strcmp(text + n, "?transport=tcp") == 0)
		out->tcp = true;
	else if (strcmp(text + n, "?transport=udp") == 0)
		out->tcp = false;
	else if (text[n])
		return -EINVAL;
	return take_place(text, n, out);
}
