/* ice_servers.c - an array of RTCIceServer, and lines of candidates */
#include "ice_servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "url.h"

/* As WebRTC ranks relays: type preference 0. */
#define PRIORITY 16777215

static void add_url(struct json_slice v, struct ice_login *out)
{
	char text[NET_HOST_MAX + 64];
	struct net_target t;
	bool is_turn;

	if (out->urls_n == ICE_URLS_MAX || json_string(v, text, sizeof(text)) < 0)
		return;
	if (!url_ice(text, strlen(text), &t, &is_turn) && is_turn)
		out->url[out->urls_n++] = t;
}

static void add_urls(struct json_slice v, struct ice_login *out)
{
	struct json_iter it = json_iter(v);
	struct json_slice one;

	if (json_type(v) == JSON_STRING)
		add_url(v, out);
	else if (json_type(v) == JSON_ARRAY)
		while (json_next(&it, NULL, &one))
			add_url(one, out);
}

static int read_server(struct json_slice server, struct json_slice name, struct ice_login *out)
{
	struct json_slice credential, urls;

	memset(out, 0, sizeof(*out));
	if (!json_member(server, "credential", &credential) ||
	    !json_member(server, "urls", &urls) ||
	    json_string(name, out->name, sizeof(out->name)) <= 0 ||
	    json_string(credential, out->password, sizeof(out->password)) <= 0)
		return -EINVAL;
	add_urls(urls, out);
	return out->urls_n ? 0 : -EINVAL;
}

int ice_login_read(struct json_slice servers, struct ice_login *out)
{
	struct json_slice server, name;
	struct json_iter it;

	if (json_type(servers) != JSON_ARRAY)
		return -ENOENT;
	it = json_iter(servers);
	while (json_next(&it, NULL, &server))
		if (json_member(server, "username", &name))
			return read_server(server, name, out);
	return -ENOENT;
}

static unsigned address_text(const struct sockaddr_storage *a, char out[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, out, INET6_ADDRSTRLEN);
		return ntohs(v6->sin6_port);
	}
	inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
	return ntohs(v4->sin_port);
}

int ice_candidate_write(char *out, size_t size, const struct sockaddr_storage *relayed)
{
	char host[INET6_ADDRSTRLEN];
	unsigned port = address_text(relayed, host);
	int n = snprintf(out, size, "candidate:1 1 udp %d %s %u typ relay raddr %s rport 0",
			 PRIORITY, host, port, relayed->ss_family == AF_INET6 ? "::" : "0.0.0.0");

	return n >= 0 && (size_t)n < size ? n : -ENOBUFS;
}

int ice_candidate_read(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;
	char host[INET6_ADDRSTRLEN];
	unsigned port;

	memset(out, 0, sizeof(*out));
	if (sscanf(text, "candidate:%*32s %*u %*8s %*u %45s %5u typ relay", host, &port) != 2 ||
	    !port || port > 65535)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return 0;
	}
	return -EINVAL;
}

const char *ice_address(char out[ICE_ADDRESS_MAX], const struct sockaddr_storage *a)
{
	char host[INET6_ADDRSTRLEN];
	unsigned port = address_text(a, host);

	snprintf(out, ICE_ADDRESS_MAX, a->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
	return out;
}
