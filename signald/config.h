/* config.h - signald.conf: one table of keys, one struct of values
 *
 * "key = value" lines, '#' starts a comment line; lists are comma-separated and
 * a list key may be repeated. An unknown key, a bad value and a key given twice
 * are errors with file and line. What a value means to another module (an
 * address, an origin, a certificate) is judged by that one, at start and by
 * app_check(). Pure but for config_load(); start-up only. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_LIST_MAX 32 /* entries of one list key */
#define CONFIG_FILE_BYTES_MAX 65536

/* How a client proves who it is. */
enum config_auth { CONFIG_AUTH_OPEN, CONFIG_AUTH_TOKEN, CONFIG_AUTH_BACKEND };

/* What becomes of a call for somebody who is in one, or who is not there. */
enum config_busy { CONFIG_BUSY_REFUSE, CONFIG_BUSY_RING };
enum config_offline { CONFIG_OFFLINE_END, CONFIG_OFFLINE_RING };

/* Who says who is in a group; who says who may not call whom. */
enum config_members { CONFIG_MEMBERS_EVENT, CONFIG_MEMBERS_BACKEND };
enum config_block_list { CONFIG_BLOCK_LIST_NONE, CONFIG_BLOCK_LIST_BACKEND };

/* A NULL-terminated list of strings. */
struct config_list {
	char *v[CONFIG_LIST_MAX + 1];
	size_t n;
};

struct config {
	/* where, and for whom */
	struct config_list listen;
	struct config_list listen_plain; /* without TLS, beside listen with it */
	struct config_list cert, pkey;	 /* pairs by order; empty: no TLS */
	struct config_list trusted_proxies;
	struct config_list proxy_protocol_from;
	struct config_list origins;
	bool cors_credentials;
	bool cors_private_network;
	char *io_cookie;     /* NULL: none */
	char *client_bundle; /* NULL: not served */
	bool access_log;
	bool open_to_network; /* no key: signald --open-to-network */

	/* who a client is */
	uint32_t auth; /* enum config_auth */
	struct config_list token_keys;
	char *token_issuer;   /* NULL: any */
	char *token_audience; /* NULL: any */
	char *token_claim_id, *token_claim_name, *token_claim_avatar;
	uint32_t token_leeway_s;

	/* the messenger's own server, and what it is asked */
	char *backend_url;	  /* NULL: nobody is asked */
	char *backend_token_file; /* NULL: it is not told who asks */
	char *backend_ca;	  /* NULL: the system's certificates */
	uint32_t backend_timeout_ms;
	uint32_t backend_cache_s;
	uint32_t members;    /* enum config_members */
	uint32_t block_list; /* enum config_block_list */

	/* calls and their relay */
	struct config_list turn_urls;
	struct config_list stun_urls;
	char *relay_socket;	/* NULL: no turnserver to listen to */
	char *auth_secret_file; /* NULL: only what turnserver_conf has */
	char *turnserver_conf;	/* NULL: its static-auth-secret is of no interest */
	char *state_dir;	/* for the journal (with relay_socket) and session tickets (cert) */
	char *admin_token_file; /* NULL: the admin API answers 401 to everyone */
	char *control_socket;	/* NULL: none */
	char *site_key_file;	/* NULL: no site key is good for anything */
	char *demo_dir;		/* NULL: no demo page */
	char *log_level;
	uint32_t credential_ttl_max_s;
	uint32_t ring_timeout_s;
	uint32_t call_max_s;
	uint32_t leg_grace_s;
	uint32_t leg_wait_s;
	uint32_t busy;	  /* enum config_busy */
	uint32_t offline; /* enum config_offline */
	uint32_t group_members_max;
	uint32_t user_sockets_max;

	/* who may come; 0 is no limit where a rate or one address is limited */
	uint32_t connections_max;
	uint32_t tls_requests_max;
	uint32_t connections_per_address;
	uint32_t sessions_per_address;
	uint32_t handshakes_per_s;
	uint32_t handshakes_per_address; /* a second */
	uint32_t handshakes_burst;	 /* of one address */
	uint32_t unjoined_max;		 /* sessions without a namespace */

	uint32_t calls_per_minute;	    /* of one user */
	uint32_t ice_requests_per_minute;   /* the same */
	uint32_t admin_failures_per_minute; /* of one address */
	uint32_t credentials_per_minute;    /* over REST, of one address */

	/* how long it may take */
	uint32_t header_timeout_s;
	uint32_t body_timeout_s;
	uint32_t keep_alive_s;
	uint32_t connect_timeout_s;
	uint32_t upgrade_timeout_s;
	uint32_t ping_interval_ms;
	uint32_t ping_timeout_ms;
	uint32_t drain_window_s;

	/* how much it may be */
	uint32_t max_payload_bytes;
	uint32_t queue_soft_bytes, queue_hard_bytes; /* of one client */
	uint32_t queue_total_bytes;		     /* of all */
	uint32_t namespaces_max;
	uint32_t rooms_max;
	uint32_t acks_max;
	uint32_t attachments_max;
	uint32_t events_burst;
	uint32_t events_per_s; /* 0: no limit */
	uint32_t json_depth;
	uint32_t json_nodes;
};

struct config_error {
	unsigned line; /* 0: the file as a whole */
	char text[256];
};

/* All defaults. Returns 0, -ENOMEM. */
int config_init(struct config *c);
void config_deinit(struct config *c);

/* Read a file's text over the defaults, then check what must be there and
 * whether the keys agree with one another.
 * Returns 0, -EINVAL with *err filled, -ENOMEM. */
int config_parse(struct config *c, const char *text, size_t n, struct config_error *err);

/* Read a file. Besides those: -errno of open/read, -EFBIG, with *err filled. */
int config_load(struct config *c, const char *path, struct config_error *err);

/* What messages that have not arrived whole may hold together, and what bodies
 * and answers of HTTP requests may: a quarter of queue_total_bytes each, and room for two at least.
 */
size_t config_partial_bytes_max(const struct config *c);

/* Print the effective configuration (signald -p) or the table of keys for
 * people (signald --help-config). Paths only, no secrets. */
void config_print(const struct config *c, FILE *out);
void config_print_keys(FILE *out);

#endif
