/* turn_client.c - requests and their answers, one at a time */
#include "turn_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "turn_credential.h"
#include "turn_login.h"

#define CHANNEL 0x4000
#define UDP_RELAY (17u << 24) /* REQUESTED-TRANSPORT, RFC 8656 section 18.7 */
#define RTO_MS 400	      /* doubled at each try, RFC 8489 section 6.2.1 */
#define CHALLENGES_MAX 3
#define LIFETIME_S 600
#define BUFFER_BYTES (2 * STUN_MAX)

struct turn_client {
	struct net *net;
	bool datagrams;
	char name[TURN_NAME_MAX + 1];
	char password[256];
	struct turn_login login;
	struct sockaddr_storage relayed, bound; /* bound: the channel's peer; family 0: none */
	unsigned code;				/* of the last refusal */
	uint8_t in[BUFFER_BYTES];
	size_t in_n, taken; /* taken: of what in holds, the message read last */
};

static const struct code_text {
	unsigned code;
	const char *text;
} code_texts[] = {
	{ 400, "400 Bad Request" },
	{ 401, "401 again: wrong secret or realm" },
	{ 403,
	  "403 Forbidden: turnserver refuses that peer or user (its denied peers, or a credential "
	  "that was revoked)" },
	{ 437, "437 Allocation Mismatch: the allocation is gone" },
	{ 438, "438 Stale Nonce, again and again" },
	{ 440,
	  "440 Address Family not Supported: no relay-ip of the family that who asks for none gets "
	  "(allocation-default-address-family)" },
	{ 441, "441 Wrong Credentials" },
	{ 442, "442 Unsupported Transport" },
	{ 443, "443 Peer Address Family Mismatch" },
	{ 486, "486 Allocation Quota Reached: user-quota, call-quota or total-quota" },
	{ 500, "500 Server Error" },
	{ 508,
	  "508 Insufficient Capacity: no free port between min-port and max-port, or turnserver is "
	  "draining" },
};

static const char *code_text(unsigned code)
{
	for (size_t i = 0; i < sizeof(code_texts) / sizeof(code_texts[0]); i++)
		if (code_texts[i].code == code)
			return code_texts[i].text;
	return "an error without a known code";
}

/* --- messages in ------------------------------------------------------------------- */

static void drop_taken(struct turn_client *c)
{
	memmove(c->in, c->in + c->taken, c->in_n - c->taken);
	c->in_n -= c->taken;
	c->taken = 0;
}

/* Is a whole message at the start of in? Its length without padding; 0: not yet. */
static size_t whole_message(struct turn_client *c)
{
	size_t n = c->in_n, whole;

	if (c->datagrams) {
		c->taken = n;
		return n;
	}
	whole = stun_frame(c->in, c->in_n, &n);
	c->taken = whole;
	return whole ? n : 0;
}

/* The next message, a loan until the next call. Returns its length, -errno. */
static ssize_t next_message(struct turn_client *c, uint64_t deadline_ms, struct client_error *err)
{
	ssize_t got;
	size_t n;

	for (;;) {
		drop_taken(c);
		n = whole_message(c);
		if (n)
			return (ssize_t)n;
		if (c->in_n == sizeof(c->in)) {
			client_error_set(err, "what came is no message of TURN");
			return -EPROTO;
		}
		got = net_receive(c->net, c->in + c->in_n, sizeof(c->in) - c->in_n, deadline_ms,
				  err);
		if (got < 0)
			return got;
		if (!got && !c->datagrams) {
			client_error_set(err, "turnserver closed the connection");
			return -ECONNRESET;
		}
		c->in_n += (size_t)got;
	}
}

/* --- requests ---------------------------------------------------------------------- */

typedef void (*put_attributes)(const struct turn_client *, struct stun_out *,
			       const struct sockaddr_storage *peer);

static int transmit(struct turn_client *c, const struct stun_out *o, uint64_t deadline_ms,
		    struct client_error *err)
{
	static const uint8_t zero[4];
	uint8_t b[STUN_MAX + 4];
	size_t padding = c->datagrams ? 0 : -o->n & 3;

	memcpy(b, o->b, o->n);
	memcpy(b + o->n, zero, padding);
	return net_send(c->net, b, o->n + padding, deadline_ms, err);
}

static bool answers(const struct stun_in *in, const struct stun_out *request)
{
	return (in->type & STUN_SUCCESS) && memcmp(in->p + 8, request->b + 8, STUN_TID_LEN) == 0;
}

/* Wait for the answer to what was sent. Returns 0, -ETIMEDOUT, -errno. */
static int await(struct turn_client *c, const struct stun_out *request, struct stun_in *in,
		 uint64_t until_ms, struct client_error *err)
{
	ssize_t n;

	do {
		n = next_message(c, until_ms, err);
		if (n < 0)
			return (int)n;
	} while (!stun_read(in, c->in, (size_t)n) || !answers(in, request));
	return 0;
}

/* Send it, over UDP again and again, until an answer is there. */
static int exchange(struct turn_client *c, const struct stun_out *request, struct stun_in *in,
		    uint64_t deadline_ms, struct client_error *err)
{
	uint64_t wait_ms = c->datagrams ? RTO_MS : UINT32_MAX, until_ms;
	int r;

	do {
		r = transmit(c, request, deadline_ms, err);
		until_ms = net_now_ms() + wait_ms;
		if (!r)
			r = await(c, request, in, until_ms < deadline_ms ? until_ms : deadline_ms,
				  err);
		wait_ms *= 2;
	} while (r == -ETIMEDOUT && net_now_ms() < deadline_ms);
	if (r == -ETIMEDOUT)
		client_error_set(err, "turnserver did not answer");
	else if (r == -ECONNREFUSED)
		client_error_set(err, "turnserver did not answer: nothing listens there");
	return r;
}

/* Returns 0 when it is to be asked again, -EACCES, -EPROTO. */
static int take_refusal(struct turn_client *c, const struct stun_in *in, struct client_error *err)
{
	c->code = stun_error_code(in);
	if (turn_login_challenged(&c->login, c->code) &&
	    turn_login_take(&c->login, in, c->name, c->password))
		return 0;
	client_error_set(err, "%s", code_text(c->code));
	return -EACCES;
}

/* Before it asked for a credential there is no key that an answer could be signed with. */
static int judge_success(const struct turn_client *c, const struct stun_in *in,
			 struct client_error *err)
{
	if (c->login.nonce_n && stun_verify(in, c->login.key))
		return 0;
	client_error_set(err, c->login.nonce_n ? "an answer that is not signed with our password"
					       : "turnserver asks for no credential (no-auth?)");
	return -EPROTO;
}

/* Ask, and have it granted: *in is the answer then. */
static int ask(struct turn_client *c, unsigned method, put_attributes put,
	       const struct sockaddr_storage *peer, struct stun_in *in, uint64_t deadline_ms,
	       struct client_error *err)
{
	struct stun_out o;
	uint8_t tid[STUN_TID_LEN];
	int r, tries;

	for (tries = 0; tries < CHALLENGES_MAX; tries++) {
		if (RAND_bytes(tid, sizeof(tid)) != 1)
			return -EIO;
		stun_begin(&o, (uint16_t)method, tid);
		put(c, &o, peer);
		turn_login_put(&c->login, &o, c->name);
		r = exchange(c, &o, in, deadline_ms, err);
		if (r)
			return r;
		if ((in->type & STUN_ERROR) != STUN_ERROR)
			return judge_success(c, in, err);
		r = take_refusal(c, in, err);
		if (r)
			return r;
	}
	client_error_set(err, "%s", code_text(c->code));
	return -EACCES;
}

static void put_allocate(const struct turn_client *c, struct stun_out *o,
			 const struct sockaddr_storage *peer)
{
	(void)c;
	(void)peer;
	stun_put_u32(o, ATTR_TRANSPORT, UDP_RELAY);
	stun_put_u32(o, ATTR_LIFETIME, LIFETIME_S);
	/* No family: browsers ask for none. */
}

static void put_refresh(const struct turn_client *c, struct stun_out *o,
			const struct sockaddr_storage *peer)
{
	(void)c;
	(void)peer;
	stun_put_u32(o, ATTR_LIFETIME, LIFETIME_S);
}

static void put_end(const struct turn_client *c, struct stun_out *o,
		    const struct sockaddr_storage *peer)
{
	(void)c;
	(void)peer;
	stun_put_u32(o, ATTR_LIFETIME, 0);
}

static void put_peer(const struct turn_client *c, struct stun_out *o,
		     const struct sockaddr_storage *peer)
{
	(void)c;
	stun_put_address(o, ATTR_PEER, (const struct sockaddr *)peer);
}

static void put_channel(const struct turn_client *c, struct stun_out *o,
			const struct sockaddr_storage *peer)
{
	stun_put_u32(o, ATTR_CHANNEL, (uint32_t)CHANNEL << 16);
	put_peer(c, o, peer);
}

/* --- life -------------------------------------------------------------------------- */

static int allocate(struct turn_client *c, uint64_t deadline_ms, struct client_error *err)
{
	struct stun_in in;
	int r = ask(c, STUN_ALLOCATE, put_allocate, NULL, &in, deadline_ms, err);

	if (r)
		return r;
	if (stun_get_address(&in, ATTR_RELAYED, &c->relayed))
		return 0;
	client_error_set(err, "an allocation without an address");
	return -EPROTO;
}

static void wipe(struct turn_client *c)
{
	net_close(c->net);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

/* Over UDP an address where nobody listens says so by itself, and a name may have another one. */
static int open_at(struct turn_client *c, const struct net_target *to, unsigned skip,
		   uint64_t deadline_ms, struct client_error *err)
{
	int r = net_open(&c->net, to, skip, deadline_ms, err);

	if (r)
		return r;
	r = allocate(c, deadline_ms, err);
	if (r != -ECONNREFUSED)
		return r;
	net_close(c->net);
	c->net = NULL;
	return r;
}

int turn_client_open(struct turn_client **out, const struct net_target *to, const char *name,
		     const char *password, uint64_t deadline_ms, struct turn_client_told *told,
		     struct client_error *err)
{
	struct turn_client *c = calloc(1, sizeof(*c));
	struct client_error other;
	unsigned skip = 0;
	int r, next;

	if (told)
		memset(told, 0, sizeof(*told));
	if (!c || strlen(name) >= sizeof(c->name) || strlen(password) >= sizeof(c->password)) {
		free(c);
		client_error_set(err, c ? "the credential is too long" : "out of memory");
		return c ? -EINVAL : -ENOMEM;
	}
	strcpy(c->name, name);
	strcpy(c->password, password);
	c->datagrams = to->transport == NET_UDP;
	r = open_at(c, to, 0, deadline_ms, err);
	while (r == -ECONNREFUSED && c->datagrams) {
		next = open_at(c, to, ++skip, deadline_ms, &other);
		if (next == -ENXIO)
			break;
		r = next;
		*err = other;
	}
	if (told) {
		told->code = r == -EACCES ? c->code : 0;
		memcpy(told->realm, c->login.realm, sizeof(told->realm));
	}
	if (r)
		wipe(c);
	else
		*out = c;
	return r;
}

void turn_client_close(struct turn_client *c, uint64_t deadline_ms)
{
	struct client_error err;
	struct stun_in in;

	if (!c)
		return;
	ask(c, STUN_REFRESH, put_end, NULL, &in, deadline_ms, &err);
	wipe(c);
}

const struct sockaddr_storage *turn_client_relayed(const struct turn_client *c)
{
	return &c->relayed;
}

const char *turn_client_tls_fault(const struct turn_client *c)
{
	return net_tls_fault(c->net);
}

int turn_client_permit(struct turn_client *c, const struct sockaddr_storage *peer,
		       uint64_t deadline_ms, struct client_error *err)
{
	struct stun_in in;

	return ask(c, STUN_PERMISSION, put_peer, peer, &in, deadline_ms, err);
}

int turn_client_bind(struct turn_client *c, const struct sockaddr_storage *peer,
		     uint64_t deadline_ms, struct client_error *err)
{
	struct stun_in in;
	int r = ask(c, STUN_CHANNEL_BIND, put_channel, peer, &in, deadline_ms, err);

	if (!r)
		c->bound = *peer;
	return r;
}

int turn_client_refresh(struct turn_client *c, uint64_t deadline_ms, struct client_error *err)
{
	struct stun_in in;

	return ask(c, STUN_REFRESH, put_refresh, NULL, &in, deadline_ms, err);
}

/* --- data -------------------------------------------------------------------------- */

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a->ss_family == AF_INET6 && a6->sin6_port == b6->sin6_port &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

int turn_client_send(struct turn_client *c, const struct sockaddr_storage *peer, const void *p,
		     size_t n, uint64_t deadline_ms, struct client_error *err)
{
	static const uint8_t no_tid[STUN_TID_LEN];
	struct stun_out o;

	if (n > TURN_CLIENT_DATA_MAX)
		return -EMSGSIZE;
	if (same_address(peer, &c->bound)) {
		stun_channel_data(&o, CHANNEL, p, n);
	} else {
		stun_begin(&o, STUN_SEND | STUN_INDICATION, no_tid);
		stun_put_address(&o, ATTR_PEER, (const struct sockaddr *)peer);
		stun_put(&o, ATTR_DATA, p, n);
	}
	return transmit(c, &o, deadline_ms, err);
}

/* A peer's bytes in a message of n bytes, or NULL. */
static const uint8_t *data_of(const uint8_t *p, size_t n, size_t *len)
{
	struct stun_in in;

	if (n >= 4 && (p[0] & 0xc0) == 0x40) {
		*len = (size_t)p[2] << 8 | p[3];
		return *len <= n - 4 ? p + 4 : NULL;
	}
	if (!stun_read(&in, p, n) || in.type != (STUN_DATA | STUN_INDICATION))
		return NULL;
	return stun_get(&in, ATTR_DATA, len);
}

ssize_t turn_client_receive(struct turn_client *c, void *p, size_t size, uint64_t deadline_ms,
			    struct client_error *err)
{
	const uint8_t *data;
	size_t len;
	ssize_t n;

	do {
		n = next_message(c, deadline_ms, err);
		if (n < 0)
			return n;
		data = data_of(c->in, (size_t)n, &len);
	} while (!data);
	if (len > size)
		len = size;
	memcpy(p, data, len);
	return (ssize_t)len;
}
