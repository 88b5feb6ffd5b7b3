/* coturn_ext.h - what the patches call; the only header of ours that coturn includes
 *
 * Needs no other header, ours or coturn's. Without any of our options
 * turnserver behaves as stock. hooks*.c implement the functions; "session" is
 * a ts_ur_super_session, "socket" an ioa_socket, "buffer" an
 * ioa_network_buffer_handle, "connection" a tcp_connection, "engine" an
 * ioa_engine, "list" a secrets_list_t. All may be called for a session that
 * has no allocation. */
#ifndef COTURN_EXT_H
#define COTURN_EXT_H

#include <stddef.h>
#include <stdint.h>

/* Values for getopt_long, beyond coturn's own. */
enum coturn_ext_option_id {
	COTURN_EXT_ADMIN_SOCKET = 4096,
	COTURN_EXT_ADMIN_SOCKET_GROUP,
	COTURN_EXT_ADMIN_SOCKET_USER,
	COTURN_EXT_ADMIN_INTERVAL,
	COTURN_EXT_ADMIN_STATE_DIR,
	COTURN_EXT_AUTH_SECRET_FILE,
	COTURN_EXT_STRICT_EXPIRY,
	COTURN_EXT_CALL_QUOTA,
	COTURN_EXT_TAG_QUOTA,
	COTURN_EXT_CLIENT_QUOTA,
	COTURN_EXT_ALLOW_PEERS,
	COTURN_EXT_PERMISSIONS_MAX,
	COTURN_EXT_CHANNELS_MAX,
	COTURN_EXT_SOURCE_ANSWERS,
	COTURN_EXT_STOP_WAIT,
	COTURN_EXT_OPTION_FIRST = COTURN_EXT_ADMIN_SOCKET,
	COTURN_EXT_OPTION_LAST = COTURN_EXT_STOP_WAIT
};

/* clang-format off */
/* Rows of coturn's long_options[]; that table serves turnserver.conf as well. */
#define COTURN_EXT_LONG_OPTIONS                                                                    \
	{ "admin-socket", required_argument, NULL, COTURN_EXT_ADMIN_SOCKET },                      \
	{ "admin-socket-group", required_argument, NULL, COTURN_EXT_ADMIN_SOCKET_GROUP },          \
	{ "admin-socket-user", required_argument, NULL, COTURN_EXT_ADMIN_SOCKET_USER },            \
	{ "admin-interval", required_argument, NULL, COTURN_EXT_ADMIN_INTERVAL },                  \
	{ "admin-state-dir", required_argument, NULL, COTURN_EXT_ADMIN_STATE_DIR },                \
	{ "auth-secret-file", required_argument, NULL, COTURN_EXT_AUTH_SECRET_FILE },              \
	{ "strict-expiry", required_argument, NULL, COTURN_EXT_STRICT_EXPIRY },                    \
	{ "call-quota", required_argument, NULL, COTURN_EXT_CALL_QUOTA },                          \
	{ "tag-quota", required_argument, NULL, COTURN_EXT_TAG_QUOTA },                            \
	{ "client-quota", required_argument, NULL, COTURN_EXT_CLIENT_QUOTA },                      \
	{ "allow-peers", required_argument, NULL, COTURN_EXT_ALLOW_PEERS },                        \
	{ "permissions-max", required_argument, NULL, COTURN_EXT_PERMISSIONS_MAX },                \
	{ "channels-max", required_argument, NULL, COTURN_EXT_CHANNELS_MAX },                      \
	{ "source-answers-per-s", required_argument, NULL, COTURN_EXT_SOURCE_ANSWERS },            \
	{ "stop-wait", required_argument, NULL, COTURN_EXT_STOP_WAIT },

/* The lines of --help; those of turnserver_main.c first. */
#define COTURN_EXT_USAGE                                                                           \
	" --security-status				Print the ledger of known faults of this version of\n"   \
	"						coturn, what was done about each, and exit.\n"            \
	" --admin-socket		<path>		Unix socket that reports allocations and their\n"  \
	"						traffic, and ends allocations on request.\n"               \
	" --admin-socket-group	<group-name>		Group of the admin socket (mode 0660).\n"          \
	" --admin-socket-user	<user-name>		A user who may send commands there, beside root\n" \
	"						and the turnserver's own user. Can be repeated.\n"         \
	" --admin-interval	<seconds>		Time between two traffic reports (1-3600,\n"       \
	"						default 2).\n"                                             \
	" --admin-state-dir	<path>			Folder for ends that nobody has taken yet and for\n"  \
	"						revocations (default: that of the admin socket).\n"       \
	" --auth-secret-file	<path>			Dated secrets for the TURN REST API, accepted\n"   \
	"						beside static-auth-secret and read again when\n"           \
	"						the file changes. Implies --use-auth-secret, but\n"        \
	"						not over --lt-cred-mech, --user or --no-auth: it is\n"      \
	"						unused then. No core dumps are written with it.\n"                           \
	" --strict-expiry	<seconds>		End the allocations of a credential so long after\n"   \
	"						it expired. Default: they may live on.\n"                 \
	" --call-quota		<number>		Allocations of one call (0, the default: any number).\n" \
	" --tag-quota		<number>		Allocations of all names that one tag= of the secret\n"   \
	"						file shares (0, the default: any number).\n"              \
	" --client-quota	<number>		Allocations of one client address under shared names\n" \
	"						(0, the default: any number).\n"                          \
	" --allow-peers		<name[,name]>		With the two above, peers are denied that are not\n"    \
	"						the public Internet. Allow some: loopback, private,\n"    \
	"						shared, link-local, metadata, multicast, broadcast,\n"    \
	"						reserved; own-ports (all of this host).\n"                \
	" --permissions-max	<number>		Permissions of one allocation (default 256).\n"        \
	" --channels-max		<number>		Channels of one allocation (default 256).\n"                          \
	" --source-answers-per-s	<number>	Answers to one address of UDP whose datagrams may be\n" \
	"						forged, for each relay thread (default 50; 0: any\n"      \
	"						number).\n"                                               \
	" --stop-wait		<seconds>		At SIGTERM refuse new allocations and wait so long\n"   \
	"						for the others to end (0-86400, default 0).\n"
/* clang-format on */

/* One of the options above was given. A bad value is reported by
 * coturn_ext_open(). Main thread. */
void coturn_ext_option(int option, const char *value);

/* All options were read. "rest": use-auth-secret or static-auth-secret is given; "others": something
 * that decides who is let in, as lt-cred-mech, a user, or no-auth. Returns 1 when the file of secrets
 * is to be used, as if use-auth-secret had been given, else 0. Main thread. */
int coturn_ext_use_secrets(int rest, int others);

/* Check the options, make the admin socket, load the secrets: all that can
 * fail. Called once, after the options were read and before turnserver becomes
 * a daemon. Returns 0, or -1 after one line in the log and on stderr. */
int coturn_ext_open(void);

/* Begin serving on the main event loop. Called once, when all threads run and
 * before privileges are dropped. Returns 0, or -1 after one line in the log. */
int coturn_ext_start(void);

/* --- a session: its relay thread ------------------------------------------------ */

struct secret_match;

/* What we keep of a session, a member of it. Zeroed: nothing yet. */
struct coturn_ext_session {
	/* counted */
	uint64_t dropped_packets; /* came for it and were not relayed */
	uint64_t dropped_bytes;
	uint64_t wire_bytes;	  /* what live_wire() of the counters does not know; modulo 2^64 */
	uint16_t client_overhead; /* wire_overhead() of the two legs; 0: no allocation yet */
	uint16_t peer_overhead;
	void *cell;	   /* NULL: no allocation, or nobody watches */
	uint32_t hold[2];  /* what policy_acquire() took */
	size_t limit;	   /* bytes per second that we allow; 0: any */
	size_t bps_before; /* and bps without that */
	/* of legs that are streams, when the kernel was last asked */
	uint32_t settled_s;
	uint8_t client_is_stream, peer_is_stream;
	uint16_t quota_bytes; /* on request: of the user name, under which it was taken */
	uint64_t seen_tcp, seen_counted;
	/* on request */
	size_t bps_free; /* part of the session's bps not taken from bps-capacity */
	uint64_t key;	 /* start of the long-term key that secret is of */
	const struct secret_match *secret; /* NULL: not looked for yet */
};

/* Memory for a session, zeroed; NULL: none. Costs what malloc and bzero do. */
void *coturn_ext_session_new(size_t size);
void coturn_ext_session_free(void *session); /* gives back what it holds; NULL is fine */

/* Around the moving of a session's counters into its totals. */
void coturn_ext_fold_begin(void *session);
void coturn_ext_fold_end(void *session);

/* An allocation was made, refreshed or resumed. */
void coturn_ext_allocation_set(void *session, unsigned long lifetime_s);

/* A session is about to be freed; its counters have been folded into its
 * totals, its sockets are still open. */
void coturn_ext_session_end(void *session, const char *reason);

/* The client's socket, or both of an RFC 6062 connection, are about to be
 * closed: write out what waits there. What cannot be written was not sent. */
void coturn_ext_client_closing(void *session);
void coturn_ext_connection_closing(void *connection);

/* Called inside what each packet passes through, but never for a relayed one. */
#define COTURN_EXT_COLD __attribute__((cold, noinline))

/* A packet read from the socket was not let through to its session. */
void coturn_ext_refused(void *socket, void *buffer) COTURN_EXT_COLD;

/* A packet could not be written to the socket, nor will be: *skip, if there is
 * one, says so to who counts what was sent. */
void coturn_ext_unsent(void *socket, void *buffer, int *skip) COTURN_EXT_COLD;

/* The request is authentic. Returns 0 to go on; or -1 with the error to be
 * sent, which coturn signs if it signs its own there. method: STUN's number. */
int coturn_ext_authorize(void *session, uint16_t method, int *err_code, const uint8_t **reason);

/* The name coturn's quotas count this session under: its user's, "" for a name
 * that many share. NULL: what was taken, to be given back. A loan until the
 * thread's next call. */
uint8_t *coturn_ext_quota_name(void *session, uint8_t *user_name);

/* Take our quotas for an allocation, to be held as long as the session lives.
 * Returns NULL, or the reason phrase of the refusal. Twice is fine. */
const uint8_t *coturn_ext_acquire(void *session);

/* The allocation was refused with 486; not by us if refusal is NULL. */
void coturn_ext_release(void *session, const uint8_t *refusal);

/* The speed of a new allocation: coturn's, or ours if that is lower. Bytes per
 * second and direction; 0: no limit. */
size_t coturn_ext_max_bps(void *session, size_t max_bps);

/* Once a second on every relay thread: publish what its allocations relayed. */
void coturn_ext_tick(void *engine);

/* --- secrets: the threads that authenticate ------------------------------------- */

/* Make the list the secrets that may authenticate this user name now: those of
 * the file are appended, and one that the file restricts to other names goes,
 * wherever it came from. Any thread. */
void coturn_ext_add_secrets(void *list, const char *user_name);

#endif
