/* setup_stun.c - see setup_stun.h */
#include "setup_stun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "stun.h"
#include "url.h"

#define FIRST_WAIT_MS 500 /* doubled each time, RFC 8489 section 6.2.1 */
#define ADDRESSES_MAX 8	  /* of the server's name that are tried */

/* Is this datagram the answer to that question? What is not is left alone: anybody may send. */
static bool take_answer(const uint8_t *p, size_t n, const uint8_t tid[STUN_TID_LEN],
			char out[SETUP_ADDRESS_BYTES])
{
	struct sockaddr_storage a;
	struct stun_in in;

	if (!stun_read(&in, p, n) || in.type != (STUN_BINDING | STUN_SUCCESS) ||
	    memcmp(p + 8, tid, STUN_TID_LEN) != 0 || !stun_get_address(&in, ATTR_XOR_MAPPED, &a) ||
	    a.ss_family != AF_INET)
		return false;
	return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)&a)->sin_addr, out,
			 SETUP_ADDRESS_BYTES);
}

/* Returns 0, -ETIMEDOUT (no answer until then), -errno. */
static int wait_answer(struct net *n, const uint8_t tid[STUN_TID_LEN], uint64_t deadline_ms,
		       char out[SETUP_ADDRESS_BYTES], struct client_error *err)
{
	uint8_t b[STUN_MAX];
	ssize_t got;

	do {
		got = net_receive(n, b, sizeof(b), deadline_ms, err);
	} while (got >= 0 && !take_answer(b, (size_t)got, tid, out) && net_now_ms() < deadline_ms);
	return got < 0 ? (int)got : *out ? 0 : -ETIMEDOUT;
}

static int ask(struct net *n, uint64_t end_ms, char out[SETUP_ADDRESS_BYTES],
	       struct client_error *err)
{
	uint8_t tid[STUN_TID_LEN];
	struct stun_out o;
	int r;

	if (getentropy(tid, sizeof(tid)))
		return -errno;
	stun_begin(&o, STUN_BINDING, tid);
	for (uint64_t wait_ms = FIRST_WAIT_MS, until_ms;; wait_ms *= 2) {
		until_ms = net_now_ms() + wait_ms;
		r = net_send(n, o.b, o.n, end_ms, err);
		if (!r)
			r = wait_answer(n, tid, until_ms < end_ms ? until_ms : end_ms, out, err);
		if (r != -ETIMEDOUT)
			return r;
		if (net_now_ms() >= end_ms)
			break;
	}
	client_error_set(err, "it does not answer");
	return -ETIMEDOUT;
}

/* The first of its addresses that is IPv4 and can be sent to. */
static int open_ipv4(struct net **n, const struct net_target *to, uint64_t end_ms,
		     struct client_error *err)
{
	int r = -ENXIO, last = 0;

	for (unsigned i = 0; i < ADDRESSES_MAX; i++) {
		r = net_open(n, to, i, end_ms, err);
		if (!r && net_peer(*n)->ss_family == AF_INET)
			return 0;
		if (!r)
			net_close(*n);
		else if (r == -ENXIO)
			break;
		else
			last = r;
	}
	if (!last)
		client_error_set(err, "it has no IPv4 address");
	return last ? last : -ENXIO;
}

int setup_stun_ask(const char *server, unsigned patience_ms, char out[SETUP_ADDRESS_BYTES],
		   struct client_error *err)
{
	uint64_t end_ms = net_now_ms() + patience_ms;
	char uri[NET_HOST_MAX + 16];
	struct net_target to;
	bool is_turn;
	struct net *n;
	int r, length = snprintf(uri, sizeof(uri), "stun:%s", server);

	*out = '\0';
	if ((size_t)length >= sizeof(uri) || strchr(server, '?') ||
	    url_ice(uri, (size_t)length, &to, &is_turn)) {
		client_error_set(err, "is not HOST or HOST:PORT");
		return -EINVAL;
	}
	r = open_ipv4(&n, &to, end_ms, err);
	if (r)
		return r;
	r = ask(n, end_ms, out, err);
	net_close(n);
	return r;
}
