/* hooks_sources.c - coturn's words to ours: sources that have no session
 *
 * A datagram from an unknown address is read by stranger.h. What may be answered is handled by
 * coturn's own code, with a session and a socket that are only lent: one of each per thread, in no
 * map, reset before each use. So every way turnserver can be configured answers as it does for a
 * client, and nothing stays. */
#include "coturn_guard.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "hooks_priv.h"

#include "dtls_listener.h"
#include "guard.h"
#include "log.h"
#include "nonce.h"
#include "source_limit.h"
#include "stranger.h"

#define LOGGED_A_SECOND 10 /* requests of strangers, by each thread */

/* What a thread that listens has. */
struct listener {
	struct nonce_maker nonces;
	struct source_limit *limit;
	ts_ur_super_session session; /* lent; its id is 0 */
	ioa_socket socket;	     /* its client's */
	/* of the datagram being looked at */
	uint64_t now_ms; /* monotonic */
	size_t received_bytes;
	bool binding;
	/* of the log */
	uint64_t second;
	unsigned logged;
};

_Static_assert(sizeof(((ts_ur_super_session *)0)->nonce) == NONCE_LEN + 1, "a nonce fits");

static struct {
	struct name_hash_key nonces, sources;
	bool made;
} keys;

static void make_keys(void)
{
	keys.made = !name_hash_key_new(&keys.nonces) && !name_hash_key_new(&keys.sources);
	if (!keys.made)
		log_error("sources", "no randomness for a key: unknown sources get no answer");
}

static struct listener *listener_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct listener *l = calloc(1, sizeof(*l));

	pthread_once(&once, make_keys);
	if (!l || !keys.made ||
	    source_limit_new(&l->limit, &keys.sources, hooks_options()->source_answers_per_s) < 0) {
		free(l);
		return NULL;
	}
	nonce_maker_init(&l->nonces, &keys.nonces);
	return l;
}

/* The thread's, for as long as it lives; NULL: no memory. */
static struct listener *own_listener(void)
{
	static _Thread_local struct listener *own;

	if (!own)
		own = listener_new();
	return own;
}

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct stranger_rules rules_of(const turn_turnserver *server)
{
	return (struct stranger_rules){
		.auth = server->ct == TURN_CREDENTIALS_LONG_TERM,
		.auth_binding = *server->secure_stun,
		.relays = !*server->stun_only,
		.dtls = !turn_params.no_dtls,
	};
}

static bool proves(struct listener *l, const turn_turnserver *server, const ioa_addr *source,
		   const struct stranger *s)
{
	return nonce_verify(&l->nonces, &source->ss, l->now_ms / 1000,
			    nonce_slot_s(*server->stale_nonce), s->nonce, s->nonce_bytes);
}

/* --- an answer ------------------------------------------------------------------------ */

/* A session as a new one would be, of a client of this socket, that was given a nonce. */
static void lend(struct listener *l, turn_turnserver *server, ioa_socket_handle socket,
		 const ioa_addr *source)
{
	ts_ur_super_session *ss = &l->session;
	ioa_socket *client = &l->socket;

	client->magic = SOCKET_MAGIC;
	client->fd = socket->fd;
	client->family = socket->family;
	client->st = UDP_SOCKET;
	client->sat = CLIENT_SOCKET;
	client->e = server->e;
	client->bound = 1;
	client->connected = 1;
	client->local_addr_known = 1;
	addr_cpy(&client->local_addr, get_local_addr_from_ioa_socket(socket));
	addr_cpy(&client->remote_addr, source);
	ss->server = server;
	ss->client_socket = client;
	ss->enforce_fingerprints = 0;
	ss->username[0] = '\0';
	ss->oauth = 0;
	ss->origin_set = 0;
	ss->origin[0] = '\0';
	get_default_realm_options(&ss->realm_options);
	ss->nonce_expiration_time = server->ctime + 1;
	nonce_make(&l->nonces, &source->ss, l->now_ms / 1000, nonce_slot_s(*server->stale_nonce),
		   (char *)ss->nonce);
}

static void count(bool binding, unsigned code)
{
	if (code == 401)
		guard_count(GUARD_SOURCE_NONCE);
	else if (code == 438)
		guard_count(GUARD_SOURCE_STALE);
	else
		guard_count(binding ? GUARD_SOURCE_BINDING : GUARD_SOURCE_REFUSED);
}

static bool admit(struct listener *l, const uint8_t *answer, size_t n)
{
	if (!source_limit_admit(l->limit, &l->socket.remote_addr.ss, l->now_ms, l->received_bytes,
				n)) {
		guard_count(GUARD_SOURCE_LIMITED);
		return false;
	}
	count(l->binding, stranger_error_code(answer, n));
	return true;
}

static void answer(struct listener *l, turn_turnserver *server, ioa_socket_handle socket,
		   ioa_net_data *data)
{
	ioa_network_buffer_handle out = ioa_network_buffer_allocate(server->e);

	lend(l, server, socket, &data->src_addr);
	if (turn_answer_without_session(server, &l->session, data, out)) {
		const uint8_t *bytes = ioa_network_buffer_data(out);
		size_t n = ioa_network_buffer_get_size(out);

		if (admit(l, bytes, n))
			udp_send(socket, &data->src_addr, (const char *)bytes, (int)n);
	}
	ioa_network_buffer_delete(server->e, out);
}

int coturn_guard_may_answer(const uint8_t *answer, size_t n)
{
	struct listener *l = own_listener();

	return l && admit(l, answer, n);
}

int coturn_guard_may_log(void)
{
	struct listener *l = own_listener();
	uint64_t second;

	if (!l)
		return 0;
	second = l->now_ms / 1000;
	if (second != l->second) {
		l->second = second;
		l->logged = 0;
	}
	return l->logged++ < LOGGED_A_SECOND;
}

/* --- a datagram ------------------------------------------------------------------------- */

int coturn_guard_stranger(void *server, void *socket, void *data)
{
	turn_turnserver *ts = server;
	ioa_net_data *nd = data;
	struct listener *l = own_listener();
	struct stranger_rules rules = rules_of(ts);
	struct stranger s;

	if (!l)
		return 0;
	l->now_ms = monotonic_ms();
	l->received_bytes = ioa_network_buffer_get_size(nd->nbh);
	stranger_read(ioa_network_buffer_data(nd->nbh), l->received_bytes, &s);
	l->binding = s.kind == STRANGER_BINDING || s.kind == STRANGER_OLD_BINDING;
	switch (stranger_judge(&s, &rules)) {
	case STRANGER_DROP:
		guard_count(s.kind == STRANGER_ONE_WAY ? GUARD_SOURCE_INDICATION
						       : GUARD_SOURCE_DROPPED);
		return 0;
	case STRANGER_PROVE:
		if (!proves(l, ts, &nd->src_addr, &s))
			break;
		guard_count(GUARD_SOURCE_VERIFIED);
		return 1;
	case STRANGER_COOKIE:
	case STRANGER_BE_LET_IN: return 1;
	case STRANGER_ANSWER: break;
	}
	answer(l, ts, socket, nd);
	return 0;
}

int coturn_guard_adopt_nonce(void *session, const uint8_t *request, size_t n)
{
	ts_ur_super_session *ss = session;
	struct listener *l;
	struct stranger s;

	if (get_ioa_socket_type(ss->client_socket) != UDP_SOCKET)
		return 0;
	l = own_listener();
	if (!l)
		return 0;
	stranger_read(request, n, &s);
	l->now_ms = monotonic_ms();
	if (!s.complete ||
	    !proves(l, ss->server, get_remote_addr_from_ioa_socket(ss->client_socket), &s))
		return 0;
	memcpy(ss->nonce, s.nonce, NONCE_LEN);
	ss->nonce[NONCE_LEN] = '\0';
	return 1;
}

size_t coturn_guard_cookie(const void *address, uint8_t *cookie)
{
	const ioa_addr *client = address;
	struct listener *l = own_listener();

	if (!l)
		return 0;
	guard_count(GUARD_DTLS_HELLO);
	nonce_cookie_make(&l->nonces, &client->ss, monotonic_ms() / 1000, cookie);
	return NONCE_COOKIE_LEN;
}

int coturn_guard_cookie_good(const void *address, const uint8_t *cookie, size_t n)
{
	const ioa_addr *client = address;
	struct listener *l = own_listener();

	return l && nonce_cookie_verify(&l->nonces, &client->ss, monotonic_ms() / 1000, cookie, n);
}
