/* setup_plan.h - what two configurations that agree say, decided before anything is touched
 *
 * Options and what is known of the host go in; values for both templates, paths and ports come out,
 * or one line that says what is wrong. Pure; any thread. */
#ifndef SETUP_PLAN_H
#define SETUP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "setup_text.h"

#define SETUP_ADDRESS_BYTES 46 /* INET6_ADDRSTRLEN */
#define SETUP_LOCAL_MAX 64
#define SETUP_PATH_BYTES 1024

/* As given; NULL: not given. Lists have commas between. */
struct setup_options {
	const char *realm, *host, *external_ip, *listen;
	const char *port, *turn_port, *turns_port, *relay_ports;
	const char *auth;	/* open, token */
	const char *dir;	/* absolute: an instance of its own */
	const char *socket_dir; /* absolute: where its sockets go, when not into dir */
	const char *demo_dir;
	bool tls; /* there is a certificate */
};

/* This host: the addresses of its interfaces, and the one that datagrams to an IPv4 address out
 * there leave from ("": none), and what a STUN server saw that be ("": not asked). */
struct setup_facts {
	char local[SETUP_LOCAL_MAX][SETUP_ADDRESS_BYTES];
	size_t local_n;
	char route[SETUP_ADDRESS_BYTES];
	char seen[SETUP_ADDRESS_BYTES];
};

/* Where things lie. */
enum setup_path {
	SETUP_TURNSERVER_CONF,
	SETUP_SIGNALD_CONF,
	SETUP_AUTH_SECRETS,
	SETUP_ADMIN_TOKEN,
	SETUP_TOKEN_KEY,
	SETUP_TLS_DIR,
	SETUP_STATE_DIR,
	SETUP_ADMIN_STATE_DIR,
	SETUP_ADMIN_SOCKET,
	SETUP_CONTROL_SOCKET,
	SETUP_USERDB,
	SETUP_PIDFILE,
	SETUP_PATHS_N
};

/* Names in the templates. */
enum setup_name {
	NAME_ADMIN_SOCKET,
	NAME_ADMIN_SOCKET_USER,
	NAME_ADMIN_STATE_DIR,
	NAME_AUTH_SECRET_FILE,
	NAME_TURN_PORT,
	NAME_LISTENING_IP,
	NAME_RELAY_IP,
	NAME_RELAY_FAMILY,
	NAME_EXTERNAL_IP,
	NAME_MIN_PORT,
	NAME_MAX_PORT,
	NAME_REALM,
	NAME_TOTAL_QUOTA,
	NAME_NO_TLS,
	NAME_TLS_PORT,
	NAME_CERT,
	NAME_PKEY,
	NAME_USERDB,
	NAME_PIDFILE,
	NAME_LISTEN,
	NAME_RELAY_SOCKET,
	NAME_STATE_DIR,
	NAME_ADMIN_TOKEN_FILE,
	NAME_CONTROL_SOCKET,
	NAME_AUTH,
	NAME_TOKEN_KEY,
	NAME_TURN_URLS,
	NAME_STUN_URLS,
	NAME_ORIGINS,
	NAME_DEMO_DIR,
	NAMES_N
};

struct setup_plan {
	char path[SETUP_PATHS_N][SETUP_PATH_BYTES];
	struct setup_value value[NAMES_N + 1];
	uint16_t port, turn_port, turns_port, min_port, max_port; /* turns_port 0: no TLS */
	bool signald_open; /* signald serves more than loopback */
	bool loopback;	   /* nothing of all this is seen from outside */
	char error[256];   /* of a plan that failed, without the program's name */
	char note[512];	   /* lines for people; "" is none */
};

/* Where things lie: at the places of a package (dir NULL), or below dir. Returns 0, -ENAMETOOLONG.
 */
int setup_paths(char path[SETUP_PATHS_N][SETUP_PATH_BYTES], const char *dir,
		const char *socket_dir);

/* Can auto be answered by this host alone? */
bool setup_knows_address(const struct setup_facts *facts);

/* Decide. Returns 0 (setup_plan_deinit() then), -EINVAL with p->error, -ENOMEM. */
int setup_plan_init(struct setup_plan *p, const struct setup_options *o,
		    const struct setup_facts *facts);
void setup_plan_deinit(struct setup_plan *p);

/* What a firewall has to let in: of a plan on loopback nothing. Returns how many. */
#define SETUP_OPENINGS_MAX 5
struct setup_opening {
	const char *protocol; /* udp, tcp */
	uint16_t first, last;
};
size_t setup_plan_openings(const struct setup_plan *p,
			   struct setup_opening out[SETUP_OPENINGS_MAX]);

/* What opens the ports, for "ufw", "nftables" and "iptables", each with its name in a comment. */
void setup_plan_firewall(const struct setup_plan *p, FILE *out);

#endif
