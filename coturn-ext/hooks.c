/* hooks.c - coturn's words to ours: start, the life of sessions, secrets
 *
 * Implements coturn_ext.h, with hooks_count.c and hooks_policy.c. A session points to its cell in
 * its member ext; the thread that owns the session is the only one to touch either, and keeps its
 * cells in a ring of its own for the tick. */
#include "coturn_ext.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <event2/event.h>

#include "hooks_priv.h"

#include "admin_socket.h"
#include "live.h"
#include "log.h"
#include "options.h"
#include "secrets.h"
#include "security_rows.h"

static struct options options;
static const char *secrets_unused; /* why auth-secret-file was given in vain; NULL: not so */
static struct watch *watch;	   /* set before there are threads; NULL: not configured */
static _Thread_local struct cell_ring ring;

/* A relay thread does other things in between: 300 us is the longest it may be
 * kept from its packets. 100 ns a cell, and 1 us for what the kernel is asked. */
#define CELLS_A_STRETCH 1024
#define SETTLES_A_STRETCH 128
#define SETTLE_S 30 /* between two questions about an allocation's streams */

static _Thread_local struct {
	struct event *more;
	uint32_t now_s; /* since 1970 */
	unsigned settles;
} tick;

struct watch *hooks_watch(void)
{
	return watch;
}

const struct options *hooks_options(void)
{
	return &options;
}

/* --- options and start -------------------------------------------------------- */

static void to_coturn_log(enum log_level level, const char *token, const char *text)
{
	static const TURN_LOG_LEVEL levels[] = {
		[LOG_LEVEL_ERROR] = TURN_LOG_LEVEL_ERROR,
		[LOG_LEVEL_WARN] = TURN_LOG_LEVEL_WARNING,
		[LOG_LEVEL_INFO] = TURN_LOG_LEVEL_INFO,
		[LOG_LEVEL_DEBUG] = TURN_LOG_LEVEL_INFO,
	};

	/* coturn itself marks only errors. */
	TURN_LOG_FUNC(levels[level], "%s%s: %s\n", level == LOG_LEVEL_WARN ? "WARNING: " : "",
		      token, text);
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
		[COTURN_EXT_ALLOW_PEERS - COTURN_EXT_OPTION_FIRST] = OPTION_ALLOW_PEERS,
		[COTURN_EXT_PERMISSIONS_MAX - COTURN_EXT_OPTION_FIRST] = OPTION_PERMISSIONS_MAX,
		[COTURN_EXT_CHANNELS_MAX - COTURN_EXT_OPTION_FIRST] = OPTION_CHANNELS_MAX,
		[COTURN_EXT_SOURCE_ANSWERS - COTURN_EXT_OPTION_FIRST] = OPTION_SOURCE_ANSWERS,
		[COTURN_EXT_STOP_WAIT - COTURN_EXT_OPTION_FIRST] = OPTION_STOP_WAIT,
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

static void stopping(const char *status, uint64_t within_ms)
{
#if !defined(TURN_NO_SYSTEMD)
	sd_notifyf(0, "STOPPING=1\nSTATUS=%s\nEXTEND_TIMEOUT_USEC=%llu", status,
		   (unsigned long long)within_ms * 1000);
#else
	(void)status;
	(void)within_ms;
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

#define COUNTER(field)                                                                             \
	{                                                                                          \
		offsetof(ts_ur_super_session, field), sizeof(((ts_ur_super_session *)0)->field)    \
	}
#define FOLDED(field)                                                                              \
	{                                                                                          \
		COUNTER(field), COUNTER(t_##field)                                                 \
	}

/* Where a successor finds what a killed server has counted. */
static const struct live_layout layout = {
	.session_bytes = sizeof(ts_ur_super_session),
	.totals = { FOLDED(received_packets),
		    FOLDED(received_bytes),
		    FOLDED(sent_packets),
		    FOLDED(sent_bytes),
		    FOLDED(peer_received_packets),
		    FOLDED(peer_received_bytes),
		    FOLDED(peer_sent_packets),
		    FOLDED(peer_sent_bytes),
		    { COUNTER(ext.dropped_packets) },
		    { COUNTER(ext.dropped_bytes) },
		    { COUNTER(ext.wire_bytes) } },
};

static const struct watch_host host = {
	.version = COTURN_EXT_VERSION,
	.base = COTURN_PACKAGE_VERSION,
	.ledger_checked = security_checked_version,
	.ledger_date = security_checked_date,
	.layout = &layout,
	.cancel = cancel,
	.stopping = stopping,
	.leave = leave,
	.reopen_log = reset_rtpprintf,
};

/* The listener answers before the event loop has its handlers: a rotation of
 * logs in between, with syslog, would end a server that has just started. */
static void outlive_early_hangup(void)
{
	struct sigaction was;

	if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler == SIG_DFL)
		signal(SIGHUP, SIG_IGN);
}

/* A configuration that chose who is let in goes on as it was, also with a file of secrets given
 * beside it; one that chose nothing would let in anybody. */
int coturn_ext_use_secrets(int rest, int others)
{
	if (!options.secrets_path)
		return 0;
	if (others && !rest)
		secrets_unused = "lt-cred-mech, user or no-auth is given, and not use-auth-secret";
	else if (rest && turn_params.rest_api_separator != ':')
		secrets_unused = "rest-api-separator is not ':'";
	if (!secrets_unused)
		return 1;
	options_forget_secrets(&options);
	return 0;
}

/* What our options ask of coturn's. Returns 0, or -1 as refuse_start(). */
static int check_separator(void)
{
	if (turn_params.rest_api_separator == ':')
		return 0;
	if (options.secrets_path || options_read_names(&options))
		return refuse_start("rest-api-separator must be ':' with auth-secret-file, "
				    "strict-expiry and quotas");
	log_warn("admin-socket", "rest-api-separator is not ':', so names are reported whole: no "
				 "users, no calls");
	return 0;
}

int coturn_ext_open(void)
{
	char err[512];
	int r;

	log_set_sink(to_coturn_log);
	if (options_finish(&options) < 0)
		return refuse_start(options.error);
	peers_bound(&options);
	if (secrets_unused)
		log_warn("secrets", "auth-secret-file is not used: %s", secrets_unused);
	if (!options.socket_path && !options.secrets_path)
		return 0;
	if (check_separator() < 0)
		return -1;
	r = peers_open(&options);
	if (r < 0) {
		snprintf(err, sizeof(err), "own addresses: %s", strerror(-r));
		return refuse_start(err);
	}
	if (options.secrets_path)
		no_core_dumps();
	outlive_early_hangup();
	if (options.socket_path)
		signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is as a full disk */
	if (watch_open(&watch, &options, &host, err, sizeof(err)) < 0)
		return refuse_start(err);
	return atexit(unlink_at_exit) ? refuse_start("out of memory") : 0;
}

int coturn_ext_start(void)
{
	unsigned threads = turn_params.general_relay_servers_number;

	warn_of_options();
	if (!watch)
		return 0;
	if (watch_start(watch, turn_params.listener.event_base, threads) < 0 ||
	    peers_start(turn_params.listener.event_base) < 0)
		return refuse_start("admin-socket: out of memory");
	return 0;
}

/* --- sessions: their memory, their folds -------------------------------------------- */

void *coturn_ext_session_new(size_t size)
{
	return live_session_new(watch ? watch_live(watch) : NULL, size);
}

void coturn_ext_session_free(void *session)
{
	if (session) {
		session_release_hold(session);
		session_forget_secret(session);
	}
	live_session_free(watch ? watch_live(watch) : NULL, session);
}

void coturn_ext_fold_begin(void *session)
{
	ts_ur_super_session *ss = session;
	struct relay_totals t;

	if (!ss->ext.cell)
		return;
	session_totals(ss, &t);
	cell_fold_begin(ss->ext.cell, &t);
}

void coturn_ext_fold_end(void *session)
{
	ts_ur_super_session *ss = session;

	if (ss->ext.cell)
		cell_fold_end(ss->ext.cell);
}

/* --- sessions: their relay thread ------------------------------------------------- */

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
	const struct secret_match *secret = session_secret(ss);

	snprintf(a->id, sizeof(a->id), "%018llu", (unsigned long long)ss->id);
	copy_text(a->name, sizeof(a->name), (const char *)ss->username);
	copy_text(a->realm, sizeof(a->realm), ss->realm_options.name);
	copy_text(a->secret, sizeof(a->secret), secret->id);
	a->shared = secret->shared;
	copy_text(a->transport, sizeof(a->transport),
		  transport_name(get_ioa_socket_type(ss->client_socket)));
	copy_text(a->relay_transport, sizeof(a->relay_transport), ss->is_tcp_relay ? "tcp" : "udp");
	address_text(get_remote_addr_from_ioa_socket(ss->client_socket), a->client);
	relayed_text(ss, AF_INET, a->relayed);
	relayed_text(ss, AF_INET6, a->relayed[0] ? a->relayed6 : a->relayed);
}

static void set_overheads(ts_ur_super_session *ss)
{
	session_set_overheads(ss);
	cell_set_overhead(ss->ext.cell, ss->ext.client_overhead, ss->ext.peer_overhead);
}

static void begin(ts_ur_super_session *ss, uint32_t lifetime_s)
{
	struct relay_allocation a = { .lifetime_s = lifetime_s };
	struct cell *cell;

	identify(ss, &a);
	if (cell_new(&cell, watch_cells(watch), &ring, ss, ss->id, &a, admin_now_ms()) < 0)
		return;
	ss->ext.cell = cell;
	set_overheads(ss);
}

/* Refreshed; or, with mobility, resumed from another address. */
static void refresh(ts_ur_super_session *ss, uint32_t lifetime_s)
{
	char client[RELAY_ADDR_MAX] = "";

	cell_set_lifetime(ss->ext.cell, lifetime_s);
	address_text(get_remote_addr_from_ioa_socket(ss->client_socket), client);
	if (client[0])
		cell_set_client(ss->ext.cell, client);
	set_overheads(ss);
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
	session_finish_streams(ss);
	session_totals(ss, &t);
	cell_gone(ss->ext.cell, &ring, &t, reason ? reason : "", admin_now_ms());
	ss->ext.cell = NULL;
}

/* --- once a second: its relay thread ------------------------------------------------ */

/* For each allocation once an interval. */
static void look_at(const void *session, struct relay_totals *out)
{
	ts_ur_super_session *ss = (ts_ur_super_session *)(uintptr_t)session;
	struct coturn_ext_session *x = &ss->ext;

	session_apply_speed(ss);
	if (session_has_streams(ss) && tick.now_s - x->settled_s >= SETTLE_S && tick.settles > 0) {
		tick.settles--;
		x->settled_s = tick.now_s;
		session_settle_streams(ss);
	}
	session_totals(ss, out);
}

static void go_on_ticking(evutil_socket_t fd, short what, void *arg)
{
	static const struct cell_reader reader = {
		.read = look_at,
		.hot_at = offsetof(ts_ur_super_session, received_packets),
		.hot_bytes = offsetof(ts_ur_super_session, ext.seen_tcp) -
			     offsetof(ts_ur_super_session, received_packets),
	};

	(void)fd;
	(void)what;
	(void)arg;
	tick.settles = SETTLES_A_STRETCH;
	if (cell_ring_tick(&ring, tick.more ? CELLS_A_STRETCH : SIZE_MAX, &reader) > 0)
		event_add(tick.more, &(const struct timeval){ 0 });
}

void coturn_ext_tick(void *engine)
{
	ioa_engine_handle e = engine;

	thread_tell_denials();
	if (!ring.n)
		return;
	tick.now_s = (uint32_t)time(NULL);
	if (!tick.more)
		tick.more = event_new(e->event_base, -1, 0, go_on_ticking, NULL);
	cell_ring_second(&ring, watch_interval_s(watch));
	go_on_ticking(-1, 0, NULL);
}

/* --- secrets: the threads that authenticate ----------------------------------------- */

int64_t hooks_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

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
	secrets_each(secrets, user_name, hooks_now_s(), add_secret, list);
}
