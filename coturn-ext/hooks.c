/* hooks.c - coturn's words to ours; the only file that knows both worlds
 *
 * Implements coturn_ext.h. A session carries its cell in its ext pointer; the
 * thread that owns the session is the only one to touch either, and keeps its
 * cells in a list of its own for the tick. */
#include "coturn_ext.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "mainrelay.h"

#include "admin_socket.h"
#include "cells.h"
#include "log.h"
#include "options.h"
#include "secrets.h"
#include "watch.h"

static struct options options;
static struct watch *watch; /* set before there are threads; NULL: not configured */
static _Thread_local struct cell_ring ring;

/* --- options and start -------------------------------------------------------- */

static void to_coturn_log(enum log_level level, const char *token, const char *text)
{
	static const TURN_LOG_LEVEL levels[] = {
		[LOG_LEVEL_ERROR] = TURN_LOG_LEVEL_ERROR,
		[LOG_LEVEL_WARN] = TURN_LOG_LEVEL_WARNING,
		[LOG_LEVEL_INFO] = TURN_LOG_LEVEL_INFO,
		[LOG_LEVEL_DEBUG] = TURN_LOG_LEVEL_INFO,
	};

	TURN_LOG_FUNC(levels[level], "%s: %s\n", token, text);
}

void coturn_ext_option(int option, const char *value)
{
	static const enum option_id ids[] = {
		[COTURN_EXT_ADMIN_SOCKET - COTURN_EXT_OPTION_FIRST] = OPTION_SOCKET,
		[COTURN_EXT_ADMIN_SOCKET_GROUP - COTURN_EXT_OPTION_FIRST] = OPTION_GROUP,
		[COTURN_EXT_ADMIN_SOCKET_USER - COTURN_EXT_OPTION_FIRST] = OPTION_USER,
		[COTURN_EXT_ADMIN_INTERVAL - COTURN_EXT_OPTION_FIRST] = OPTION_INTERVAL,
		[COTURN_EXT_ADMIN_STATE_DIR - COTURN_EXT_OPTION_FIRST] = OPTION_STATE_DIR,
		[COTURN_EXT_AUTH_SECRET_FILE - COTURN_EXT_OPTION_FIRST] = OPTION_SECRETS,
		[COTURN_EXT_STRICT_EXPIRY - COTURN_EXT_OPTION_FIRST] = OPTION_STRICT_EXPIRY,
		[COTURN_EXT_CALL_QUOTA - COTURN_EXT_OPTION_FIRST] = OPTION_CALL_QUOTA,
		[COTURN_EXT_TAG_QUOTA - COTURN_EXT_OPTION_FIRST] = OPTION_TAG_QUOTA,
		[COTURN_EXT_CLIENT_QUOTA - COTURN_EXT_OPTION_FIRST] = OPTION_CLIENT_QUOTA,
	};

	options_set(&options, ids[option - COTURN_EXT_OPTION_FIRST], value);
}

/* Who starts turnserver by hand sees it even when the log goes to a file. */
static int refuse_start(const char *why)
{
	log_error("start", "CONFIG ERROR: %s", why);
	fprintf(stderr, "turnserver: %s\n", why);
	return -1;
}

/* The secrets live in this memory: not in a core file, nor for a debugger of
 * the same user. Stock keeps static-auth-secret and private keys there, too,
 * but nobody who gives no auth-secret-file is to lose core dumps. */
static void no_core_dumps(void)
{
	setrlimit(RLIMIT_CORE, &(const struct rlimit){ 0, 0 });
#ifndef WITH_SANITIZERS
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

static void unlink_at_exit(void)
{
	watch_unlink(watch);
}

static int cancel(uint64_t sid)
{
	return send_session_cancellation_to_relay((turnsession_id)sid);
}

static void stopping(void)
{
#if !defined(TURN_NO_SYSTEMD)
	sd_notify(0, "STOPPING=1");
#endif
}

/* Not exit(): relay threads go on until the process ends, and what exit() takes
 * down under them (OpenSSL, the database clients, the C library's own) they use.
 * What is to be kept has been written; the log is flushed line by line. */
static void leave(void)
{
	fflush(stdout);
	_exit(0);
}

static const struct watch_host host = {
	.version = COTURN_PACKAGE_VERSION "+signald1",
	.cancel = cancel,
	.stopping = stopping,
	.leave = leave,
	.reopen_log = reset_rtpprintf,
};

int coturn_ext_open(void)
{
	char err[512];

	if (options_finish(&options) < 0) {
		log_set_sink(to_coturn_log);
		return refuse_start(options.error);
	}
	if (!options.socket_path && !options.secrets_path)
		return 0;
	log_set_sink(to_coturn_log);
	if (turn_params.rest_api_separator != ':')
		return refuse_start(
			"rest-api-separator must be ':' with admin-socket or auth-secret-file");
	if (options.secrets_path)
		no_core_dumps();
	if (watch_open(&watch, &options, &host, err, sizeof(err)) < 0)
		return refuse_start(err);
	return atexit(unlink_at_exit) ? refuse_start("out of memory") : 0;
}

int coturn_ext_start(void)
{
	unsigned threads = turn_params.general_relay_servers_number;

	if (!watch)
		return 0;
	if (watch_start(watch, turn_params.listener.event_base, threads) < 0)
		return refuse_start("admin-socket: out of memory");
	return 0;
}

/* --- sessions: their memory, their folds -------------------------------------------- */

void *coturn_ext_session_new(size_t size)
{
	return calloc(1, size);
}

void coturn_ext_session_free(void *session)
{
	free(session);
}

void coturn_ext_fold_begin(void *session)
{
	(void)session;
}

void coturn_ext_fold_end(void *session)
{
	(void)session;
}

/* --- what is dropped ------------------------------------------------------------------ */

int coturn_ext_refused(void *socket, void *buffer, int read)
{
	(void)socket;
	(void)buffer;
	(void)read;
	return 0;
}

void coturn_ext_unsent(void *socket, void *buffer, int *skip)
{
	(void)socket;
	(void)buffer;
	if (skip)
		*skip = 1;
}

void coturn_ext_client_closing(void *session)
{
	(void)session;
}

void coturn_ext_connection_closing(void *connection)
{
	(void)connection;
}

/* --- may it? ---------------------------------------------------------------------------- */

int coturn_ext_authorize(void *session, uint16_t method, int *err_code, const uint8_t **reason)
{
	(void)session;
	(void)method;
	(void)err_code;
	(void)reason;
	return 0;
}

uint8_t *coturn_ext_quota_name(void *session, uint8_t *user_name)
{
	ts_ur_super_session *ss = session;

	return user_name ? user_name : ss->username;
}

const uint8_t *coturn_ext_acquire(void *session)
{
	(void)session;
	return NULL;
}

void coturn_ext_release(void *session, const uint8_t *refusal)
{
	(void)session;
	(void)refusal;
}

size_t coturn_ext_max_bps(void *session, size_t max_bps)
{
	(void)session;
	return max_bps;
}

/* --- sessions: their relay thread ------------------------------------------------- */

static void read_totals(const void *session, struct relay_totals *out)
{
	const ts_ur_super_session *ss = session;

	out->client_received_packets = ss->t_received_packets + ss->received_packets;
	out->client_received_bytes = ss->t_received_bytes + ss->received_bytes;
	out->client_sent_packets = ss->t_sent_packets + ss->sent_packets;
	out->client_sent_bytes = ss->t_sent_bytes + ss->sent_bytes;
	out->peer_received_packets = ss->t_peer_received_packets + ss->peer_received_packets;
	out->peer_received_bytes = ss->t_peer_received_bytes + ss->peer_received_bytes;
	out->peer_sent_packets = ss->t_peer_sent_packets + ss->peer_sent_packets;
	out->peer_sent_bytes = ss->t_peer_sent_bytes + ss->peer_sent_bytes;
	out->dropped_packets = 0;
	out->dropped_bytes = 0;
	out->wire_bytes = 0;
	out->saturated = false;
}

static void copy_text(char *out, size_t size, const char *text)
{
	if (!memccpy(out, text, '\0', size))
		out[size - 1] = '\0';
}

static void address_text(const ioa_addr *addr, char out[RELAY_ADDR_MAX])
{
	char text[MAX_IOA_ADDR_STRING + 1] = "";

	if (addr && addr_to_string(addr, (uint8_t *)text) == 0)
		copy_text(out, RELAY_ADDR_MAX, text);
}

/* The address in the success response: handle_turn_allocate() and
 * stun_attr_add_addr_str() apply external-ip one after the other. */
static void relayed_text(ts_ur_super_session *ss, int family, char out[RELAY_ADDR_MAX])
{
	const turn_turnserver *server = ss->server;
	allocation *a = get_allocation_ss(ss);
	ioa_socket_handle s = get_relay_socket(a, family);
	ioa_addr *local = s && !get_relay_session_failure(a, family)
				  ? get_local_addr_from_ioa_socket(s)
				  : NULL;
	ioa_addr given, mapped;

	if (!local)
		return;
	addr_cpy(&given, local);
	if (server->external_ip_set) {
		addr_cpy(&given, &server->external_ip);
		addr_set_port(&given, addr_get_port(local));
	}
	map_addr_from_private_to_public(&given, &mapped);
	address_text(&mapped, out);
}

static const char *transport_name(SOCKET_TYPE type)
{
	switch (type) {
	case UDP_SOCKET: return "udp";
	case TCP_SOCKET:
	case TCP_SOCKET_PROXY:
	case TENTATIVE_TCP_SOCKET: return "tcp";
	case TLS_SOCKET: return "tls";
	case DTLS_SOCKET: return "dtls";
	case SCTP_SOCKET:
	case TENTATIVE_SCTP_SOCKET:
	case TLS_SCTP_SOCKET: return "sctp";
	default: return "";
	}
}

static void identify(ts_ur_super_session *ss, struct relay_allocation *a)
{
	struct secrets *secrets = watch_secrets(watch);
	const char *name = (const char *)ss->username, *realm = ss->realm_options.name;

	snprintf(a->id, sizeof(a->id), "%018llu", (unsigned long long)ss->id);
	copy_text(a->name, sizeof(a->name), name);
	copy_text(a->realm, sizeof(a->realm), realm);
	if (secrets && ss->hmackey_set)
		secrets_match(secrets, ss->hmackey, name, realm, a->secret, &a->shared);
	copy_text(a->transport, sizeof(a->transport),
		  transport_name(get_ioa_socket_type(ss->client_socket)));
	copy_text(a->relay_transport, sizeof(a->relay_transport), ss->is_tcp_relay ? "tcp" : "udp");
	address_text(get_remote_addr_from_ioa_socket(ss->client_socket), a->client);
	relayed_text(ss, AF_INET, a->relayed);
	relayed_text(ss, AF_INET6, a->relayed[0] ? a->relayed6 : a->relayed);
}

static void begin(ts_ur_super_session *ss, uint32_t lifetime_s)
{
	struct relay_allocation a = { .lifetime_s = lifetime_s };
	struct cell *cell;

	identify(ss, &a);
	if (cell_new(&cell, watch_cells(watch), &ring, ss, ss->id, &a, admin_now_ms()) == 0)
		ss->ext.cell = cell;
}

/* Refreshed; or, with mobility, resumed from another address. */
static void refresh(ts_ur_super_session *ss, uint32_t lifetime_s)
{
	char client[RELAY_ADDR_MAX] = "";

	cell_set_lifetime(ss->ext.cell, lifetime_s);
	address_text(get_remote_addr_from_ioa_socket(ss->client_socket), client);
	if (client[0])
		cell_set_client(ss->ext.cell, client);
}

void coturn_ext_allocation_set(void *session, unsigned long lifetime_s)
{
	ts_ur_super_session *ss = session;

	if (!watch || !watch_cells(watch))
		return;
	if (ss->ext.cell)
		refresh(ss, (uint32_t)lifetime_s);
	else
		begin(ss, (uint32_t)lifetime_s);
}

void coturn_ext_session_end(void *session, const char *reason)
{
	ts_ur_super_session *ss = session;
	struct relay_totals t;

	if (!ss->ext.cell)
		return;
	read_totals(ss, &t);
	cell_gone(ss->ext.cell, &ring, &t, reason ? reason : "", admin_now_ms());
	ss->ext.cell = NULL;
}

void coturn_ext_tick(void *engine)
{
	static const struct cell_reader reader = {
		.read = read_totals,
		.hot_at = offsetof(ts_ur_super_session, received_packets),
		.hot_bytes = offsetof(ts_ur_super_session, is_mobile) -
			     offsetof(ts_ur_super_session, received_packets),
	};

	(void)engine;
	if (!ring.n)
		return;
	cell_ring_second(&ring, watch_interval_s(watch));
	cell_ring_tick(&ring, SIZE_MAX, &reader);
}

/* --- secrets: the threads that authenticate ----------------------------------------- */

static void add_secret(void *list, const char *secret)
{
	add_to_secrets_list(list, secret);
}

static void drop_restricted(secrets_list_t *list, struct secrets *secrets, const char *user_name)
{
	size_t i, kept = 0;

	for (i = 0; i < list->sz; i++) {
		char *secret = list->secrets[i];

		if (secret && secrets_permit(secrets, user_name, secret))
			list->secrets[kept++] = secret;
		else
			free(secret);
	}
	list->sz = kept;
}

void coturn_ext_add_secrets(void *list, const char *user_name)
{
	struct secrets *secrets = watch ? watch_secrets(watch) : NULL;

	if (!secrets)
		return;
	drop_restricted(list, secrets, user_name);
	secrets_each(secrets, user_name, time(NULL), add_secret, list);
}
