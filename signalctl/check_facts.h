/* check_facts.h - what rules decide over: both configurations, the host, signald's own words
 *
 * Values, so that tests can make them up. check_facts_gather() touches files, the kernel's tables
 * and the control socket; it never prints. */
#ifndef CHECK_FACTS_H
#define CHECK_FACTS_H

#include <stdint.h>
#include <sys/types.h>

#include "answers.h"
#include "check_line.h"
#include "net.h"
#include "pem_pair.h"
#include "secret_file.h"
#include "signalctl.h"
#include "turnserver_conf.h"

#define CHECK_LOCAL_MAX 32
#define CHECK_ADDRESS_MAX 64
#define CHECK_GROUPS_MAX 16
#define CHECK_PATH_MAX 4096
#define CHECK_PAIRS_MAX 8

/* Where the coturn package's drop-in, and signald's, have things. */
#define CHECK_TURNSERVER_CONF "/etc/turnserver.conf"
#define CHECK_AUTH_SECRETS "/etc/coturn/auth/auth-secrets"
#define CHECK_ADMIN_SOCKET "/run/turnserver/admin.sock"

/* A user of the system, and what files it may read. */
struct check_user {
	const char *name;
	bool known;
	uid_t uid;
	gid_t gid[CHECK_GROUPS_MAX];
	size_t gids_n;
};

/* A certificate with its key. */
struct check_pair {
	const char *daemon; /* "signald", "turnserver" */
	const char *name;   /* that its clients dial; "" when it is not known */
	char cert[CHECK_PATH_MAX], pkey[CHECK_PATH_MAX];
	char fault[256];      /* "" when it is a pair */
	char unreadable[256]; /* the daemon's user may not read it: why; "" when it may */
	bool read;	      /* by us: pair is filled */
	struct pem_pair pair;
};

/* Which ports somebody listens on: turnserver's relays are among them, thousands. */
struct check_listeners {
	bool any;
	uint8_t udp[8192], tcp[8192]; /* a bit a port */
};

struct check_facts {
	struct signalctl *ctl;
	const struct config *config;
	const char *turn_path;
	const struct turnserver_conf *turn; /* NULL: turn_fault says why */
	char turn_fault[CHECK_TEXT_MAX];
	bool packaged; /* the system's own, started by its units */
	int64_t now_s;
	uint64_t deadline_ms; /* of all probes, by net_now_ms() */
	unsigned probes_left; /* with the one that runs */

	/* of the host */
	char local[CHECK_LOCAL_MAX][CHECK_ADDRESS_MAX]; /* addresses of interfaces */
	size_t local_n;
	struct check_listeners listeners;
	bool systemd, coturn_enabled, signald_enabled;
	bool ufw_enabled, ufw_readable, ufw_open; /* ufw_open: it lets in what no rule forbids */
	char *ufw_rules;			  /* NULL: none */

	/* secrets */
	bool same_secret_file; /* both daemons' paths are one file */
	char secret_fault[CHECK_TEXT_MAX];
	bool secret_active;
	bool static_secret; /* turnserver.conf has one */

	/* certificates */
	char name[NET_HOST_MAX + 1];	  /* that clients dial; "" when it is not known */
	char turn_name[NET_HOST_MAX + 1]; /* that of turns: addresses; "" without one */
	struct check_pair pair[CHECK_PAIRS_MAX];
	size_t pairs_n;

	/* signald's words */
	int control_status; /* enum signalctl_exit of asking it */
	struct answer_status status;
	int relay_socket_error; /* of connecting to turnserver's admin socket; 0: it is there */

	/* what probes found */
	bool turn_answers;
	char told_realm[128];
};

/* Fill *f of a configuration that was read. Returns 0, -ENOMEM. */
int check_facts_gather(struct check_facts *f, struct signalctl *ctl, const char *turn_path);
void check_facts_deinit(struct check_facts *f);

/* The value of a key that the package's unit gives when the file does not; NULL without. */
const char *check_turn_value(const struct check_facts *f, const char *key);

/* Does signald say that the static-auth-secret signs? */
bool check_static_signs(const struct check_facts *f);

/* --- pure parts -------------------------------------------------------------------- */

/* May the user do that (R_OK, X_OK) with something of this owner, group and mode? */
bool check_may(const struct check_user *u, uid_t owner, gid_t group, mode_t mode, int what);

/* Add a row of a table of the kernel: /proc/net/tcp, udp and those of IPv6. */
void check_listeners_add(struct check_listeners *l, const char *row, bool tcp);
bool check_listens(const struct check_facts *f, uint16_t port, bool tcp);

/* Does a file of ufw's rules let this in? */
bool check_ufw_allows(const char *rules, uint16_t port, bool tcp);

#endif
