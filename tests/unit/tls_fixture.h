/* tls_fixture.h - certificates made on the spot, and a client that trusts nobody in particular */
#ifndef TESTS_UNIT_TLS_FIXTURE_H
#define TESTS_UNIT_TLS_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "transport/stream.h"
#include "transport/tls_context.h"

#define T0 ((int64_t)1800000000) /* seconds; what the tests call now */

static char tls_dir[64];
static char tls_log[8192]; /* all lines since tls_setup() */

static inline void tls_note(enum log_level level, const char *token, const char *text)
{
	size_t n = strlen(tls_log);

	(void)level;
	snprintf(tls_log + n, sizeof(tls_log) - n, "%s: %s\n", token, text);
}

static inline char *tls_path(const char *name)
{
	static char path[8][128];
	static unsigned i;
	char *p = path[i++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", tls_dir, name);
	return p;
}

static inline void tls_setup(void)
{
	strcpy(tls_dir, "/tmp/check-tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tls_dir));
	tls_log[0] = '\0';
	log_set_sink(tls_note);
}

static inline void tls_teardown(void)
{
	char command[96];

	log_set_sink(NULL);
	snprintf(command, sizeof(command), "rm -rf '%s'", tls_dir);
	ck_assert_int_eq(system(command), 0);
}

static inline void tls_write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(PEM_write_PKCS8PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL,
						   NULL, 0, NULL, (void *)passphrase),
			 1);
	fclose(f);
}

/* NAME.crt and NAME.key, self-signed; kind "RSA" or "EC". */
static inline void tls_make_pair(const char *name, const char *kind, const char *passphrase)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	X509 *x = X509_new();
	char file[64];
	FILE *f;

	ck_assert_ptr_nonnull(key);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 30 * 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	snprintf(file, sizeof(file), "%s.key", name);
	tls_write_key(tls_path(file), key, passphrase);
	snprintf(file, sizeof(file), "%s.crt", name);
	f = fopen(tls_path(file), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, x), 1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* With one pair; state_dir is the test's directory. */
static inline struct tls_context *tls_context_of(const char *cert, const char *key)
{
	const char *certs[] = { tls_path(cert), NULL }, *keys[] = { tls_path(key), NULL };
	const struct tls_config cfg = { certs, keys, tls_dir };
	struct tls_context *t;

	ck_assert_int_eq(tls_context_new(&t, &cfg, T0), 0);
	return t;
}

/* Two ends, and who is at them. */
struct tls_link {
	struct stream server;
	SSL_CTX *client_ctx;
	SSL *client;
	int client_fd;
};

static inline void tls_link_open(struct tls_link *l, struct tls_context *t)
{
	int fd[2], bytes = 16384;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	stream_init(&l->server, fd[0]);
	l->client_fd = fd[1];
	l->client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(l->client_ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	l->client = SSL_new(l->client_ctx);
	SSL_set_fd(l->client, fd[1]);
	if (t)
		ck_assert_int_eq(tls_context_start(t, &l->server), 0);
}

/* Returns what the server's side came to; the client's is *client (1: done). */
static inline int tls_link_shake(struct tls_link *l, int *client)
{
	int i, server = -EAGAIN, c = 0;

	for (i = 0; i < 20 && (server == -EAGAIN || c != 1); i++) {
		if (c != 1)
			c = SSL_connect(l->client);
		if (server == -EAGAIN)
			server = stream_handshake(&l->server);
	}
	if (client)
		*client = c;
	return server;
}

static inline void tls_link_close(struct tls_link *l)
{
	stream_close(&l->server);
	SSL_free(l->client);
	SSL_CTX_free(l->client_ctx);
	if (l->client_fd >= 0)
		close(l->client_fd);
}

#endif
