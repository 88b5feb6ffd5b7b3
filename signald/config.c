/* config.c - the table of keys, and the one reader that serves them all */
#include "config_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { KIND_STRING, KIND_LIST, KIND_U32, KIND_BOOL, KIND_CHOICE };

static const struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	uint32_t min, max; /* KIND_U32 */
	const char *def;   /* NULL: nothing */
	bool required;
	const char *help;
	const char *words; /* KIND_CHOICE: "open|token", in the order of their enum */
} keys[] = {
#define FIELD(f) offsetof(struct config, f)
	{ "listen", KIND_LIST, FIELD(listen), 0, 0, "127.0.0.1:449, [::1]:449", true,
	  "addresses to serve on, ADDRESS:PORT; https when there is a cert" },
	{ "listen-plain", KIND_LIST, FIELD(listen_plain), 0, 0, NULL, false,
	  "addresses to serve http on all the same, for a proxy" },
	{ "cert", KIND_LIST, FIELD(cert), 0, 0, NULL, false,
	  "certificate chains in PEM, for TLS; an RSA and an ECDSA one may stand side by side" },
	{ "pkey", KIND_LIST, FIELD(pkey), 0, 0, NULL, false,
	  "their private keys, in the same order" },
	{ "trusted-proxies", KIND_LIST, FIELD(trusted_proxies), 0, 0, NULL, false,
	  "addresses or ADDRESS/BITS whose X-Forwarded-For and -Proto are believed" },
	{ "proxy-protocol-from", KIND_LIST, FIELD(proxy_protocol_from), 0, 0, NULL, false,
	  "addresses or ADDRESS/BITS that begin each connection with a PROXY header; they must, "
	  "and nobody else may" },
	{ "origins", KIND_LIST, FIELD(origins), 0, 0, NULL, false,
	  "web origins that may connect beside our own; 'loopback' stands for any origin on this "
	  "host" },
	{ "cors-credentials", KIND_BOOL, FIELD(cors_credentials), 0, 0, "no", false,
	  "let pages of those origins send cookies" },
	{ "cors-private-network", KIND_BOOL, FIELD(cors_private_network), 0, 0, "no", false,
	  "let their pages on the internet connect when we are in a private network" },
	{ "io-cookie", KIND_STRING, FIELD(io_cookie), 0, 0, NULL, false,
	  "name of a cookie with the session's id, for a balancer; without it none is set" },
	{ "client-bundle", KIND_STRING, FIELD(client_bundle), 0, 0, NULL, false,
	  "folder with socket.io.js and its siblings, served at /socket.io/" },
	{ "access-log", KIND_BOOL, FIELD(access_log), 0, 0, "no", false,
	  "log every request, without its query" },
	{ "auth", KIND_CHOICE, FIELD(auth), 0, 0, "open", false,
	  "how clients prove who they are: not at all (for loopback alone), by a token that we "
	  "verify, or by one that the messenger's server knows",
	  "open|token|backend" },
	{ "token-key", KIND_LIST, FIELD(token_keys), 0, 0, NULL, false,
	  "ALG:KID:PATH of the keys of tokens, with ALG of HS256, RS256 or ES256; KID may be "
	  "empty" },
	{ "token-issuer", KIND_STRING, FIELD(token_issuer), 0, 0, NULL, false,
	  "what iss must be; without it anything" },
	{ "token-audience", KIND_STRING, FIELD(token_audience), 0, 0, NULL, false,
	  "what aud must be or have; without it anything" },
	{ "token-claim-id", KIND_STRING, FIELD(token_claim_id), 0, 0, "sub", false,
	  "the claim with the user id" },
	{ "token-claim-name", KIND_STRING, FIELD(token_claim_name), 0, 0, "name", false,
	  "the claim with the name that others are shown" },
	{ "token-claim-avatar", KIND_STRING, FIELD(token_claim_avatar), 0, 0, "picture", false,
	  "the claim with the address of the user's picture" },
	{ "token-leeway", KIND_U32, FIELD(token_leeway_s), 0, 300, "5", false,
	  "seconds that clocks may differ by, for exp and nbf" },
	{ "backend-url", KIND_STRING, FIELD(backend_url), 0, 0, NULL, false,
	  "http: or https: address of the messenger's server, which is asked by POST" },
	{ "backend-token-file", KIND_STRING, FIELD(backend_token_file), 0, 0, NULL, false,
	  "file with the token that it knows us by" },
	{ "backend-ca", KIND_STRING, FIELD(backend_ca), 0, 0, NULL, false,
	  "certificates in PEM that its own is verified with; without it the system's" },
	{ "backend-timeout-ms", KIND_U32, FIELD(backend_timeout_ms), 100, 30000, "3000", false,
	  "how long an answer may take, milliseconds" },
	{ "backend-cache", KIND_U32, FIELD(backend_cache_s), 0, 3600, "60", false,
	  "seconds an answer is good for; 0: it is asked each time" },
	{ "members", KIND_CHOICE, FIELD(members), 0, 0, "event", false,
	  "who says who is in a group: the event of who calls it, or the messenger's server",
	  "event|backend" },
	{ "block-list", KIND_CHOICE, FIELD(block_list), 0, 0, "none", false,
	  "who says who may not call whom: nobody, or the messenger's server", "none|backend" },
	{ "auth-secret-file", KIND_STRING, FIELD(auth_secret_file), 0, 0, NULL, false,
	  "secrets shared with turnserver (its auth-secret-file); required without "
	  "turnserver-conf" },
	{ "turnserver-conf", KIND_STRING, FIELD(turnserver_conf), 0, 0, NULL, false,
	  "turnserver.conf: its static-auth-secret signs when no secret of the file is active" },
	{ "turn-urls", KIND_LIST, FIELD(turn_urls), 0, 0, NULL, true,
	  "turn: and turns: addresses given to clients" },
	{ "stun-urls", KIND_LIST, FIELD(stun_urls), 0, 0, NULL, false,
	  "stun: addresses given to clients" },
	{ "relay-socket", KIND_STRING, FIELD(relay_socket), 0, 0, NULL, false,
	  "turnserver's admin-socket; without it calls have no relay usage" },
	{ "state-dir", KIND_STRING, FIELD(state_dir), 0, 0, "/var/lib/signald", false,
	  "folder that signald may write, for usage.journal (relay-socket) and tls-tickets "
	  "(cert)" },
	{ "admin-token-file", KIND_STRING, FIELD(admin_token_file), 0, 0, NULL, false,
	  "file of NAME TOKEN lines: who the admin API is for; without it nobody is let in" },
	{ "demo-dir", KIND_STRING, FIELD(demo_dir), 0, 0, NULL, false,
	  "folder of the demo page, served at /demo/; not for production" },
	{ "calls-per-minute", KIND_U32, FIELD(calls_per_minute), 0, 1000000, "30", false,
	  "that one user makes; 0 is no limit" },
	{ "ice-requests-per-minute", KIND_U32, FIELD(ice_requests_per_minute), 0, 1000000, "120",
	  false, "of one user, for TURN credentials; 0 is no limit" },
	{ "admin-failures-per-minute", KIND_U32, FIELD(admin_failures_per_minute), 0, 1000000, "10",
	  false, "wrong tokens of one address before it is not listened to; 0 is no limit" },
	{ "control-socket", KIND_STRING, FIELD(control_socket), 0, 0, NULL, false,
	  "Unix socket for admins, mode 0660; without it there is none" },
	{ "site-key-file", KIND_STRING, FIELD(site_key_file), 0, 0, NULL, false,
	  "file with the public site key (?s=), good for credentials of ~ID; not with auth = "
	  "open" },
	{ "credentials-per-minute", KIND_U32, FIELD(credentials_per_minute), 0, 1000000, "600",
	  false, "TURN credentials over REST for one address; 0 is no limit" },
	{ "log-level", KIND_STRING, FIELD(log_level), 0, 0, "info", false,
	  "error, warn, info or debug" },
	{ "credential-ttl-max", KIND_U32, FIELD(credential_ttl_max_s), 60, 2592000, "86400", false,
	  "longest life of TURN credentials, seconds" },
	{ "ring-timeout", KIND_U32, FIELD(ring_timeout_s), 1, 3600, "45", false,
	  "seconds until an unanswered call ends" },
	{ "call-max", KIND_U32, FIELD(call_max_s), 60, 604800, "14400", false,
	  "longest call, seconds" },
	{ "leg-grace", KIND_U32, FIELD(leg_grace_s), 0, 600, "20", false,
	  "seconds a participant without a connection may take to come back" },
	{ "leg-wait", KIND_U32, FIELD(leg_wait_s), 0, 600, "3", false,
	  "seconds until another connection of that user takes the call over" },
	{ "busy", KIND_CHOICE, FIELD(busy), 0, 0, "refuse", false,
	  "what to do about a call for somebody who is in one: refuse it, or ring", "refuse|ring" },
	{ "offline", KIND_CHOICE, FIELD(offline), 0, 0, "end", false,
	  "what to do about a call for somebody who is not there: end it, or wait until "
	  "ring-timeout",
	  "end|ring" },
	{ "group-members-max", KIND_U32, FIELD(group_members_max), 2, 64, "32", false,
	  "members of a group call, with who makes it; further ones are not called" },
	{ "user-sockets-max", KIND_U32, FIELD(user_sockets_max), 1, 10000, "32", false,
	  "connections of one user" },
	{ "connections-max", KIND_U32, FIELD(connections_max), 8, 1000000, "16000", false,
	  "connections served at once" },
	{ "tls-requests-max", KIND_U32, FIELD(tls_requests_max), 8, 1000000, "2000", false,
	  "HTTP requests over TLS at once, waiting polls among them; later ones wait their turn" },
	{ "connections-per-address", KIND_U32, FIELD(connections_per_address), 0, 1000000, "1000",
	  false, "of one address (IPv6: one /64), trusted proxies excepted; 0 is no limit" },
	{ "sessions-per-address", KIND_U32, FIELD(sessions_per_address), 0, 1000000, "1000", false,
	  "Engine.IO sessions of one address; 0 is no limit" },
	{ "handshakes-per-s", KIND_U32, FIELD(handshakes_per_s), 0, 1000000, "10000", false,
	  "new sessions a second, of all together; 0 is no limit" },
	{ "handshakes-per-address", KIND_U32, FIELD(handshakes_per_address), 0, 1000000, "50",
	  false, "new sessions a second of one address; 0 is no limit" },
	{ "handshakes-burst", KIND_U32, FIELD(handshakes_burst), 1, 1000000, "500", false,
	  "new sessions of one address at once, after a quiet time" },
	{ "unjoined-max", KIND_U32, FIELD(unjoined_max), 1, 1000000, "5000", false,
	  "sessions that have not joined a namespace yet, of all together" },
	{ "header-timeout", KIND_U32, FIELD(header_timeout_s), 1, 3600, "10", false,
	  "seconds a connection may take until its request's headers are there" },
	{ "body-timeout", KIND_U32, FIELD(body_timeout_s), 1, 3600, "30", false,
	  "seconds a request's body may take, and then taking the answer" },
	{ "keep-alive", KIND_U32, FIELD(keep_alive_s), 1, 3600, "60", false,
	  "seconds a connection may wait for its next request" },
	{ "connect-timeout", KIND_U32, FIELD(connect_timeout_s), 1, 3600, "45", false,
	  "seconds a session may take to join a namespace, and to prove who it is" },
	{ "upgrade-timeout", KIND_U32, FIELD(upgrade_timeout_s), 1, 3600, "10", false,
	  "seconds an upgrade to WebSocket may take" },
	{ "ping-interval", KIND_U32, FIELD(ping_interval_ms), 100, 600000, "25000", false,
	  "Engine.IO heartbeat, milliseconds" },
	{ "ping-timeout", KIND_U32, FIELD(ping_timeout_ms), 100, 600000, "20000", false,
	  "how long a client may take to answer it, milliseconds" },
	{ "drain-window", KIND_U32, FIELD(drain_window_s), 0, 3600, "5", false,
	  "seconds over which SIGTERM spreads the ends of connections" },
	{ "max-payload", KIND_U32, FIELD(max_payload_bytes), 1024, 67108864, "1000000", false,
	  "bytes of one message" },
	{ "queue-soft", KIND_U32, FIELD(queue_soft_bytes), 1024, 1073741824, "262144", false,
	  "bytes that wait for one client: above, volatile events are dropped" },
	{ "queue-hard", KIND_U32, FIELD(queue_hard_bytes), 1024, 1073741824, "4194304", false,
	  "bytes that wait for one client: above, it is cut off" },
	{ "queue-total", KIND_U32, FIELD(queue_total_bytes), 1024, 4294967295, "268435456", false,
	  "bytes that wait for all clients together: above, a client that would get more is cut "
	  "off" },
	{ "namespaces-max", KIND_U32, FIELD(namespaces_max), 1, 1000, "16", false,
	  "namespaces of one connection" },
	{ "rooms-max", KIND_U32, FIELD(rooms_max), 1, 100000, "128", false, "rooms of one socket" },
	{ "acks-max", KIND_U32, FIELD(acks_max), 1, 100000, "64", false,
	  "acknowledgements awaited of one socket" },
	{ "attachments-max", KIND_U32, FIELD(attachments_max), 1, 10, "10", false,
	  "binary attachments of one event" },
	{ "events-burst", KIND_U32, FIELD(events_burst), 1, 1000000, "200", false,
	  "events of one socket at once, after a quiet time" },
	{ "events-per-s", KIND_U32, FIELD(events_per_s), 0, 1000000, "50", false,
	  "events of one socket a second; 0 is no limit" },
	{ "json-depth", KIND_U32, FIELD(json_depth), 8, 1024, "64", false,
	  "how deep an event's JSON may nest" },
	{ "json-nodes", KIND_U32, FIELD(json_nodes), 16, 10000000, "10000", false,
	  "values in one event's JSON" },
#undef FIELD
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void *field(const struct config *c, const struct key *k)
{
	return (char *)c + k->offset;
}

int config_fail(struct config_error *err, unsigned line, const char *fmt, ...)
{
	va_list ap;

	err->line = line;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* The part of [p, end) without spaces around it, as a new string. */
static char *trimmed(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	return strndup(p, (size_t)(end - p));
}

static void list_clear(struct config_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	memset(l, 0, sizeof(*l));
}

static int set_list(struct config_list *l, const struct key *k, const char *value, unsigned line,
		    struct config_error *err)
{
	for (const char *p = value;;) {
		const char *comma = strchrnul(p, ',');
		char *one = trimmed(p, comma);

		if (!one)
			return -ENOMEM;
		if (!*one) {
			free(one);
			return config_fail(err, line, "%s: an empty entry", k->name);
		}
		if (l->n == CONFIG_LIST_MAX) {
			free(one);
			return config_fail(err, line, "%s: more than %d entries", k->name,
					   CONFIG_LIST_MAX);
		}
		l->v[l->n++] = one;
		if (!*comma)
			return 0;
		p = comma + 1;
	}
}

static int set_u32(uint32_t *out, const struct key *k, const char *value, unsigned line,
		   struct config_error *err)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno || v < k->min || v > k->max)
		return config_fail(err, line, "%s: '%.40s' is not a number from %u to %u", k->name,
				   value, k->min, k->max);
	*out = (uint32_t)v;
	return 0;
}

static int set_bool(bool *out, const struct key *k, const char *value, unsigned line,
		    struct config_error *err)
{
	*out = !strcmp(value, "yes");
	if (!*out && strcmp(value, "no"))
		return config_fail(err, line, "%s: '%.40s' is not yes or no", k->name, value);
	return 0;
}

/* The index of value among words. */
static int set_choice(uint32_t *out, const struct key *k, const char *value, unsigned line,
		      struct config_error *err)
{
	const char *p = k->words;
	size_t n = strlen(value);

	for (uint32_t i = 0;; i++) {
		size_t word_n = strcspn(p, "|");

		if (word_n == n && memcmp(p, value, n) == 0) {
			*out = i;
			return 0;
		}
		if (!p[word_n])
			return config_fail(err, line, "%s: '%.40s' is none of %s", k->name, value,
					   k->words);
		p += word_n + 1;
	}
}

/* The i-th of words. */
static int choice_n(const struct key *k, uint32_t i, const char **word)
{
	*word = k->words;
	while (i--)
		*word = strchr(*word, '|') + 1;
	return (int)strcspn(*word, "|");
}

static int set(struct config *c, const struct key *k, const char *value, unsigned line,
	       struct config_error *err)
{
	char **s;

	switch (k->kind) {
	case KIND_LIST: return set_list(field(c, k), k, value, line, err);
	case KIND_U32: return set_u32(field(c, k), k, value, line, err);
	case KIND_BOOL: return set_bool(field(c, k), k, value, line, err);
	case KIND_CHOICE: return set_choice(field(c, k), k, value, line, err);
	case KIND_STRING: break;
	}
	if (!*value)
		return config_fail(err, line, "%s: no value", k->name);
	s = field(c, k);
	free(*s);
	*s = strdup(value);
	return *s ? 0 : -ENOMEM;
}

int config_init(struct config *c)
{
	struct config_error err;
	int r = 0;

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < KEYS && !r; i++) {
		if (keys[i].def)
			r = set(c, &keys[i], keys[i].def, 0, &err);
	}
	if (r)
		config_deinit(c);
	return r;
}

void config_deinit(struct config *c)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (keys[i].kind == KIND_LIST)
			list_clear(field(c, &keys[i]));
		if (keys[i].kind == KIND_STRING)
			free(*(char **)field(c, &keys[i]));
	}
	memset(c, 0, sizeof(*c));
}

static const struct key *key_find(const char *name)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	}
	return NULL;
}

static int parse_line(struct config *c, const char *p, const char *end, unsigned line,
		      unsigned seen[KEYS], struct config_error *err)
{
	const char *eq = memchr(p, '=', (size_t)(end - p));
	char *name = NULL, *value = NULL;
	const struct key *k;
	int r;

	if (!eq)
		return config_fail(err, line, "expected 'key = value'");
	name = trimmed(p, eq);
	value = trimmed(eq + 1, end);
	if (!name || !value) {
		r = -ENOMEM;
		goto out;
	}
	k = key_find(name);
	if (!k) {
		r = config_fail(err, line, "unknown key '%.40s'", name);
		goto out;
	}
	if (seen[k - keys] && k->kind != KIND_LIST) {
		r = config_fail(err, line, "%s: given before, in line %u", k->name, seen[k - keys]);
		goto out;
	}
	if (!seen[k - keys] && k->kind == KIND_LIST)
		list_clear(field(c, k)); /* the first line replaces the default, more add */
	seen[k - keys] = line;
	r = set(c, k, value, line, err);
out:
	free(name);
	free(value);
	return r;
}

static int check_required(const struct config *c, struct config_error *err)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct key *k = &keys[i];
		bool empty = k->kind == KIND_LIST
				     ? !((struct config_list *)field(c, k))->n
				     : k->kind == KIND_STRING && !*(char **)field(c, k);

		if (k->required && empty)
			return config_fail(err, 0, "%s is missing", k->name);
	}
	return 0;
}

int config_parse(struct config *c, const char *text, size_t n, struct config_error *err)
{
	unsigned seen[KEYS] = { 0 }, line = 0;
	const char *p = text, *end = text + n;
	int r;

	if (memchr(text, 0, n))
		return config_fail(err, 0, "not a text file");
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *q = p;

		line++;
		if (!eol)
			eol = end;
		while (q < eol && isspace((unsigned char)*q))
			q++;
		if (q < eol && *q != '#') {
			r = parse_line(c, q, eol, line, seen, err);
			if (r)
				return r;
		}
		p = eol + 1;
	}
	r = check_required(c, err);
	return r ? r : config_check(c, err);
}

int config_load(struct config *c, const char *path, struct config_error *err)
{
	char *text = NULL;
	ssize_t n = 0;
	size_t have = 0;
	int r = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		r = -errno;
		goto out;
	}
	text = malloc(CONFIG_FILE_BYTES_MAX + 1);
	if (!text) {
		r = -ENOMEM;
		goto out;
	}
	while (have <= CONFIG_FILE_BYTES_MAX &&
	       (n = read(fd, text + have, CONFIG_FILE_BYTES_MAX + 1 - have)) > 0)
		have += (size_t)n;
	if (n < 0)
		r = -errno;
	else if (have > CONFIG_FILE_BYTES_MAX)
		r = -EFBIG;
out:
	if (r)
		config_fail(err, 0, "%s", strerror(-r));
	else
		r = config_parse(c, text, have, err);
	free(text);
	if (fd >= 0)
		close(fd);
	return r;
}

size_t config_partial_bytes_max(const struct config *c)
{
	size_t quarter = c->queue_total_bytes / 4, two = 2 * (size_t)c->max_payload_bytes;

	return quarter > two ? quarter : two;
}

void config_print(const struct config *c, FILE *out)
{
	const char *word;
	int n;

	for (size_t i = 0; i < KEYS; i++) {
		const struct key *k = &keys[i];
		const struct config_list *l = field(c, k);

		switch (k->kind) {
		case KIND_U32: fprintf(out, "%s = %u\n", k->name, *(uint32_t *)field(c, k)); break;
		case KIND_BOOL:
			fprintf(out, "%s = %s\n", k->name, *(bool *)field(c, k) ? "yes" : "no");
			break;
		case KIND_CHOICE:
			n = choice_n(k, *(uint32_t *)field(c, k), &word);
			fprintf(out, "%s = %.*s\n", k->name, n, word);
			break;
		case KIND_STRING:
			if (*(char **)field(c, k))
				fprintf(out, "%s = %s\n", k->name, *(char **)field(c, k));
			break;
		case KIND_LIST:
			for (size_t j = 0; j < l->n; j++)
				fprintf(out, "%s = %s\n", k->name, l->v[j]);
			break;
		}
	}
}

void config_print_keys(FILE *out)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct key *k = &keys[i];

		fprintf(out, "%s%s\n    %s", k->name, k->kind == KIND_LIST ? " (list)" : "",
			k->help);
		if (k->kind == KIND_U32)
			fprintf(out, "; %u to %u", k->min, k->max);
		if (k->kind == KIND_CHOICE)
			fprintf(out, "; %s", k->words);
		if (k->def)
			fprintf(out, "; default %s", k->def);
		fprintf(out, "%s\n", k->required && !k->def ? "; required" : "");
	}
}
