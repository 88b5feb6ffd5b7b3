/* tls_context.c - our certificates, and TLS for connections that ask for it */
#include "transport/tls_context.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "secret_stamp.h"
#include "transport/stream.h"
#include "transport/tls_tickets.h"

#define LOG "tls"
#define TICKET_FILE "tls-tickets"
#define READ_AHEAD_BYTES 65536 /* while there is something to read */
#define EXPIRY_WARNING_S (7 * 86400)

/* TLS 1.2 (RFC 7540 appendix A leaves no others); those of TLS 1.3 are all good. */
static const char suites_12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
				"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
static const char suites_13[] =
	"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
static const char groups[] = "X25519:P-256:P-384";

static const unsigned char alpn[] = "\x08http/1.1";

struct pair {
	char *cert, *key;
	struct secret_stamp cert_seen, key_seen; /* when they were tried last */
};

struct tls_context {
	SSL_CTX *ctx; /* for new connections */
	struct pair pairs[TLS_PAIRS_MAX];
	size_t n;
	struct tls_tickets *tickets;
	struct tls_counters counters;
};

/* --- telling --- */

/* What OpenSSL complained about first: the rest is who else could not go on. */
static const char *openssl_reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *text = ERR_reason_error_string(e);

	if (ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		return "no certificate in it";
	return text ? text : "OpenSSL refuses it";
}

static int refuse(const char *path, int rc, const char *why)
{
	log_error(LOG, "%s: %s", path, why);
	ERR_clear_error();
	return rc;
}

static void tell_certificate(const char *path, X509 *x, EVP_PKEY *key)
{
	const ASN1_TIME *end = X509_get0_notAfter(x);
	time_t soon = time(NULL) + EXPIRY_WARNING_S;
	struct tm tm;

	if (!ASN1_TIME_to_tm(end, &tm))
		return;
	log_write(X509_cmp_time(end, &soon) < 0 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, LOG,
		  "%s: %s certificate, %s %04d-%02d-%02d %02d:%02d UTC", path,
		  EVP_PKEY_get0_type_name(key),
		  X509_cmp_current_time(end) < 0 ? "EXPIRED since" : "valid until",
		  tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min);
}

/* --- reading --- */

/* Nobody sits at a terminal. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static const char *why_not_secret(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a file";
	return st.st_mode & 0007 ? "others may read or write this key: chmod o= it" : NULL;
}

static int read_key(const char *path, EVP_PKEY **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = fd < 0 ? NULL : why_not_secret(fd);
	char text[4096];
	FILE *f;

	if (fd < 0)
		return refuse(path, -errno, strerror(errno));
	f = why ? NULL : fdopen(fd, "r");
	if (!f) {
		close(fd);
		return refuse(path, why ? -EPERM : -ENOMEM, why ? why : "out of memory");
	}
	setvbuf(f, text, _IOFBF, sizeof(text)); /* stdio would leave it behind */
	*out = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	fclose(f);
	OPENSSL_cleanse(text, sizeof(text));
	return *out ? 0 : refuse(path, -EBADMSG, "no key without a passphrase in it");
}

/* Two of a kind: OpenSSL would forget the first without a word. */
static bool kind_is_taken(SSL_CTX *ctx, EVP_PKEY *key)
{
	long rc;

	for (rc = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST); rc == 1;
	     rc = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_NEXT)) {
		const EVP_PKEY *other = SSL_CTX_get0_privatekey(ctx);

		if (other && EVP_PKEY_get_base_id(other) == EVP_PKEY_get_base_id(key))
			return true;
	}
	return false;
}

static int use_pair(SSL_CTX *ctx, const struct pair *p, EVP_PKEY *key)
{
	X509 *x;

	if (kind_is_taken(ctx, key))
		return refuse(p->key, -EBADMSG, "a second key of the same kind");
	if (SSL_CTX_use_certificate_chain_file(ctx, p->cert) != 1) {
		int rc = access(p->cert, R_OK) ? -errno : -EBADMSG;

		return refuse(p->cert, rc, rc == -EBADMSG ? openssl_reason() : strerror(-rc));
	}
	x = SSL_CTX_get0_certificate(ctx);
	if (X509_check_private_key(x, key) != 1)
		return refuse(p->key, -EBADMSG, "not the key of its certificate");
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
		return refuse(p->key, -EBADMSG, openssl_reason());
	tell_certificate(p->cert, x, key);
	return 0;
}

static int read_pair(SSL_CTX *ctx, const struct pair *p)
{
	EVP_PKEY *key = NULL;
	int rc = read_key(p->key, &key);

	if (!rc)
		rc = use_pair(ctx, p, key);
	EVP_PKEY_free(key);
	return rc;
}

/* --- the context --- */

/* RFC 7301 section 3.2: nothing in common ends the handshake; it also keeps
 * other protocols' clients from being led here. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
		   const unsigned char *in, unsigned in_n, void *ctx)
{
	unsigned char *chosen;

	(void)ssl;
	(void)ctx;
	if (SSL_select_next_proto(&chosen, out_n, alpn, sizeof(alpn) - 1, in, in_n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Not the least memory: a read-ahead spares a system call a record. */
static void set_memory(SSL_CTX *ctx)
{
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_BYTES);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
}

static bool set_protocol(SSL_CTX *ctx)
{
	/* the end of a stream without close_notify is an end: HTTP and WebSocket tell
	 * themselves whether something is missing */
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, suites_12) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, suites_13) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, alpn, sizeof(alpn) - 1) == 1;
}

/* Before they are read: what changes meanwhile shows at the next look. */
static void take_stamps(struct tls_context *t)
{
	struct pair *p;

	for (p = t->pairs; p < t->pairs + t->n; p++) {
		secret_stamp_take(&p->cert_seen, p->cert);
		secret_stamp_take(&p->key_seen, p->key);
	}
}

static int make_context(struct tls_context *t, SSL_CTX **out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int rc = ctx && set_protocol(ctx) ? tls_tickets_use(t->tickets, ctx) : -ENOMEM;
	size_t i;

	if (ctx)
		set_memory(ctx);
	take_stamps(t);
	for (i = 0; i < t->n && !rc; i++)
		rc = read_pair(ctx, &t->pairs[i]);
	ERR_clear_error();
	if (rc) {
		if (secret_error_passes(rc)) /* worth another look, changed or not */
			memset(&t->pairs[0].cert_seen, 0, sizeof(t->pairs[0].cert_seen));
		SSL_CTX_free(ctx);
		return rc;
	}
	*out = ctx;
	return 0;
}

void tls_context_reload(struct tls_context *t, int64_t now_s)
{
	SSL_CTX *ctx;

	tls_tickets_refresh(t->tickets, now_s);
	if (make_context(t, &ctx)) {
		t->counters.reloads_refused++;
		log_warn(LOG, "the certificates that were in force stay in force");
		return;
	}
	SSL_CTX_free(t->ctx); /* lives on as long as a connection uses it */
	t->ctx = ctx;
	t->counters.reloads++;
}

static bool looks_different(const char *path, const struct secret_stamp *seen)
{
	struct secret_stamp now;

	secret_stamp_take(&now, path);
	return !secret_stamp_equal(&now, seen);
}

void tls_context_reload_if_changed(struct tls_context *t, int64_t now_s)
{
	bool changed = false;
	size_t i;

	for (i = 0; i < t->n; i++) {
		changed |= looks_different(t->pairs[i].cert, &t->pairs[i].cert_seen) ||
			   looks_different(t->pairs[i].key, &t->pairs[i].key_seen);
	}
	if (changed)
		tls_context_reload(t, now_s);
	else
		tls_tickets_refresh(t->tickets, now_s);
}

/* --- connections --- */

int tls_context_start(struct tls_context *t, struct stream *s)
{
	SSL *ssl = SSL_new(t->ctx);

	if (!ssl || stream_start_tls(s, ssl)) {
		SSL_free(ssl);
		ERR_clear_error();
		return -ENOMEM;
	}
	t->counters.handshakes++;
	return 0;
}

const struct tls_counters *tls_context_counters(struct tls_context *t)
{
	t->counters.resumed = tls_tickets_opened(t->tickets);
	return &t->counters;
}

/* --- life --- */

static int copy_pairs(struct tls_context *t, const struct tls_config *cfg)
{
	for (t->n = 0; cfg->certs[t->n] && cfg->keys[t->n]; t->n++) {
		struct pair *p = &t->pairs[t->n];

		if (t->n == TLS_PAIRS_MAX)
			return -E2BIG;
		p->cert = strdup(cfg->certs[t->n]);
		p->key = strdup(cfg->keys[t->n]);
		if (!p->cert || !p->key) {
			t->n++; /* to be freed */
			return -ENOMEM;
		}
	}
	return !t->n || cfg->certs[t->n] || cfg->keys[t->n] ? -EINVAL : 0;
}

static int open_tickets(struct tls_context *t, const char *state_dir, int64_t now_s)
{
	char *path = NULL;
	int rc;

	if (state_dir && asprintf(&path, "%s/%s", state_dir, TICKET_FILE) < 0)
		return -ENOMEM;
	rc = tls_tickets_new(&t->tickets, path, now_s);
	free(path);
	return rc;
}

int tls_context_new(struct tls_context **out, const struct tls_config *cfg, int64_t now_s)
{
	struct tls_context *t = calloc(1, sizeof(*t));
	int rc;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	rc = copy_pairs(t, cfg);
	if (!rc)
		rc = open_tickets(t, cfg->state_dir, now_s);
	if (!rc)
		rc = make_context(t, &t->ctx);
	if (rc) {
		tls_context_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

void tls_context_free(struct tls_context *t)
{
	size_t i;

	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	tls_tickets_free(t->tickets);
	for (i = 0; i < t->n; i++) {
		free(t->pairs[i].cert);
		free(t->pairs[i].key);
	}
	free(t);
}
