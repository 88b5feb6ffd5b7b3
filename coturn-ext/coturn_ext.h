/* coturn_ext.h - what the patches call; the only header of ours that coturn includes
 *
 * Needs no other header, ours or coturn's. Without any of our options every
 * function returns at once and turnserver behaves as stock. hooks.c implements
 * them; "session" is a ts_ur_super_session, "list" a secrets_list_t. */
#ifndef COTURN_EXT_H
#define COTURN_EXT_H

/* Values for getopt_long, beyond coturn's own. */
enum coturn_ext_option_id {
	COTURN_EXT_ADMIN_SOCKET = 4096,
	COTURN_EXT_ADMIN_SOCKET_GROUP,
	COTURN_EXT_ADMIN_SOCKET_USER,
	COTURN_EXT_ADMIN_INTERVAL,
	COTURN_EXT_AUTH_SECRET_FILE
};

/* clang-format off */
/* Rows of coturn's long_options[]; that table serves turnserver.conf as well. */
#define COTURN_EXT_LONG_OPTIONS                                                                    \
	{ "admin-socket", required_argument, NULL, COTURN_EXT_ADMIN_SOCKET },                      \
	{ "admin-socket-group", required_argument, NULL, COTURN_EXT_ADMIN_SOCKET_GROUP },          \
	{ "admin-socket-user", required_argument, NULL, COTURN_EXT_ADMIN_SOCKET_USER },            \
	{ "admin-interval", required_argument, NULL, COTURN_EXT_ADMIN_INTERVAL },                  \
	{ "auth-secret-file", required_argument, NULL, COTURN_EXT_AUTH_SECRET_FILE },

/* The lines of --help. */
#define COTURN_EXT_USAGE                                                                           \
	" --admin-socket		<path>		Unix socket that reports allocations and their\n"  \
	"						traffic, and ends allocations on request.\n"               \
	" --admin-socket-group	<group-name>		Group of the admin socket (mode 0660).\n"          \
	" --admin-socket-user	<user-name>		A user who may send commands there, beside root\n" \
	"						and the turnserver's own user. Can be repeated.\n"         \
	" --admin-interval	<seconds>		Time between two traffic reports (1-3600,\n"       \
	"						default 2).\n"                                             \
	" --auth-secret-file	<path>			Dated secrets for the TURN REST API, accepted\n"   \
	"						beside static-auth-secret and read again when\n"           \
	"						the file changes. Implies --use-auth-secret. No\n"         \
	"						core dumps are written then.\n"
/* clang-format on */

/* One of the options above was given. A bad value is reported by
 * coturn_ext_open(). Main thread. */
void coturn_ext_option(int option, const char *value);

/* Check the options, make the admin socket, load the secrets: all that can
 * fail. Called once, after the options were read and before turnserver becomes
 * a daemon. Returns 0, or -1 after one line in the log and on stderr. */
int coturn_ext_open(void);

/* Begin serving on the main event loop. Called once, when all threads run and
 * before privileges are dropped. Returns 0, or -1 after one line in the log. */
int coturn_ext_start(void);

/* An allocation was made, refreshed or resumed. Its relay thread. */
void coturn_ext_allocation_set(void *session, unsigned long lifetime_s);

/* A session is about to be freed; its counters have been folded into its
 * totals. Sessions without an allocation are fine. Its relay thread. */
void coturn_ext_session_end(void *session, const char *reason);

/* Once a second on every relay thread: publish what its allocations relayed. */
void coturn_ext_tick(void);

/* Make the list the secrets that may authenticate this user name now: those of
 * the file are appended, and one that the file restricts to other names goes,
 * wherever it came from. Any thread. */
void coturn_ext_add_secrets(void *list, const char *user_name);

#endif
