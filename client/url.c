/* url.c - scheme, host and port */
#include "url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define TURN_PORT 3478
#define TURNS_PORT 5349

static bool read_port(const char *p, size_t n, uint16_t *out)
{
	unsigned v = 0;

	if (!n || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = 10 * v + (unsigned)(p[i] - '0');
	}
	*out = (uint16_t)v;
	return v >= 1 && v <= 65535;
}

static bool host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-' || c == '_';
}

static bool copy_host(const char *p, size_t n, bool six, struct net_target *out)
{
	if (!n || n > NET_HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!host_byte(p[i]) && !(six && p[i] == ':'))
			return false;
	memcpy(out->host, p, n);
	out->host[n] = '\0';
	return true;
}

/* HOST[:PORT]; a port stays what it was when there is none. */
static bool host_port(const char *p, size_t n, struct net_target *out)
{
	const char *end = p + n, *host_end;
	bool six = n && *p == '[';

	host_end = six ? memchr(p, ']', n) : memchr(p, ':', n);
	if (six && !host_end)
		return false;
	if (!host_end)
		host_end = end;
	if (!copy_host(p + six, (size_t)(host_end - p) - six, six, out))
		return false;
	p = host_end + six;
	return p == end || (*p == ':' && read_port(p + 1, (size_t)(end - p) - 1, &out->port));
}

static const struct scheme {
	const char *name;
	bool turn, tls;
} schemes[] = {
	{ "turn:", true, false },
	{ "turns:", true, true },
	{ "stun:", false, false },
	{ "stuns:", false, true },
};

static const struct scheme *scheme_of(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i].name);

		if (n > len && !strncasecmp(p, schemes[i].name, len))
			return &schemes[i];
	}
	return NULL;
}

static int read_transport(const char *p, size_t n, const struct scheme *s, struct net_target *out)
{
	out->transport = s->tls ? NET_TLS : NET_UDP;
	if (!n)
		return 0;
	if (n == 14 && !memcmp(p, "?transport=tcp", n)) {
		out->transport = s->tls ? NET_TLS : NET_TCP;
		return 0;
	}
	if (n == 14 && !memcmp(p, "?transport=udp", n))
		return s->tls ? -EPROTONOSUPPORT : 0;
	return -EINVAL;
}

int url_ice(const char *text, size_t n, struct net_target *out, bool *is_turn)
{
	const struct scheme *s = scheme_of(text, n);
	const char *end = text + n, *query;

	memset(out, 0, sizeof(*out));
	if (!s)
		return -EINVAL;
	*is_turn = s->turn;
	text += strlen(s->name);
	query = memchr(text, '?', (size_t)(end - text));
	if (!query)
		query = end;
	out->port = s->tls ? TURNS_PORT : TURN_PORT;
	if (!host_port(text, (size_t)(query - text), out))
		return -EINVAL;
	return read_transport(query, (size_t)(end - query), s, out);
}

int url_http(const char *text, struct net_target *out)
{
	size_t n = strlen(text);
	bool tls = !strncasecmp(text, "https://", 8);

	memset(out, 0, sizeof(*out));
	if (!tls && strncasecmp(text, "http://", 7))
		return -EINVAL;
	text += tls ? 8 : 7;
	n -= tls ? 8 : 7;
	if (n && text[n - 1] == '/')
		n--;
	out->transport = tls ? NET_TLS : NET_TCP;
	out->port = tls ? 443 : 80;
	return host_port(text, n, out) ? 0 : -EINVAL;
}

int url_endpoint(const char *text, struct net_target *out)
{
	memset(out, 0, sizeof(*out));
	out->transport = NET_TCP;
	if (!host_port(text, strlen(text), out) || !out->port)
		return -EINVAL;
	if (!strcmp(out->host, "0.0.0.0"))
		strcpy(out->host, "127.0.0.1");
	else if (!strcmp(out->host, "::"))
		strcpy(out->host, "::1");
	return 0;
}

bool url_any_address(const char *endpoint)
{
	return !strncmp(endpoint, "0.0.0.0:", 8) || !strncmp(endpoint, "[::]:", 5);
}

bool url_is_address(const char *host)
{
	unsigned char b[16];

	return inet_pton(AF_INET, host, b) == 1 || inet_pton(AF_INET6, host, b) == 1;
}
