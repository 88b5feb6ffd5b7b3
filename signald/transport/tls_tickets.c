/* tls_tickets.c - the keys that session tickets are sealed with
 *
 * The file: a line a key, the newest first, "MADE NAME CIPHER-KEY MAC-KEY", MADE in seconds
 * since 1970, the rest in hexadecimal. */
#include "transport/tls_tickets.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define LOG "tls"
#define NAME_BYTES 16 /* what OpenSSL gives a name */
#define CIPHER_BYTES 32
#define MAC_BYTES 32
#define SECRET_BYTES (NAME_BYTES + CIPHER_BYTES + MAC_BYTES)
#define LINE_BYTES (24 + 2 * SECRET_BYTES)
#define FILE_BYTES (TLS_TICKET_KEYS_MAX * LINE_BYTES)
#define CLOCK_SLACK_S 300 /* a key from the future this near is one of ours */

/* The bytes of a key: name, AES-256 key, HMAC-SHA256 key. */
struct key {
	int64_t made_s;
	uint8_t bytes[SECRET_BYTES];
};

struct tls_tickets {
	struct key keys[TLS_TICKET_KEYS_MAX]; /* the first seals */
	size_t n;
	uint64_t opened;
	char *path;
};

static int ex_index = -1; /* where a context has its tls_tickets */

/* --- the file --- */

/* What stdio reads and writes here holds keys: it must not be left behind. */
static char file_buffer[FILE_BYTES];

static FILE *open_stream(int fd, const char *mode)
{
	FILE *f = fdopen(fd, mode);

	if (f)
		setvbuf(f, file_buffer, _IOFBF, sizeof(file_buffer));
	return f;
}

static int close_stream(FILE *f)
{
	int rc = fclose(f) ? -errno : 0;

	OPENSSL_cleanse(file_buffer, sizeof(file_buffer));
	return rc;
}

static bool read_hex(const char *p, uint8_t *out, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned v;
		int used = 0;

		if (sscanf(p + 2 * i, "%2x%n", &v, &used) != 1 || used != 2)
			return false;
		out[i] = (uint8_t)v;
	}
	return true;
}

static bool read_line(const char *line, struct key *k)
{
	int at = 0, end = 0;

	if (sscanf(line, "%" SCNd64 " %n%*160[0-9a-f]%n", &k->made_s, &at, &end) != 1)
		return false;
	if (end - at != 2 * SECRET_BYTES || line[end] != '\n')
		return false;
	return read_hex(line + at, k->bytes, SECRET_BYTES);
}

static int read_keys(struct tls_tickets *t, FILE *f)
{
	char line[LINE_BYTES];
	int rc = 0;

	while (!rc && t->n < TLS_TICKET_KEYS_MAX && fgets(line, sizeof(line), f)) {
		if (read_line(line, &t->keys[t->n]))
			t->n++;
		else
			rc = -EBADMSG;
	}
	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}

/* Whoever may read the keys can read connections, whoever may write them, too. */
static const char *why_not_ours(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a file";
	if (st.st_uid != geteuid())
		return "another user owns it";
	return st.st_mode & 0077 ? "others may read or write it" : NULL;
}

static void load(struct tls_tickets *t)
{
	int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why;
	FILE *f;

	if (fd < 0 && errno == ENOENT)
		return;
	why = fd < 0 ? strerror(errno) : why_not_ours(fd);
	f = why ? NULL : open_stream(fd, "r");
	if (f && read_keys(t, f))
		why = "not one of ours";
	if (why) {
		log_warn(LOG, "%s: %s; clients cannot resume older sessions", t->path, why);
		t->n = 0;
	}
	if (f)
		close_stream(f);
	else if (fd >= 0)
		close(fd);
}

static bool write_key(FILE *f, const struct key *k)
{
	size_t i;

	fprintf(f, "%" PRId64 " ", k->made_s);
	for (i = 0; i < SECRET_BYTES; i++)
		fprintf(f, "%02x", k->bytes[i]);
	return putc('\n', f) != EOF;
}

static int write_keys(const struct tls_tickets *t, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = 0, closed;
	FILE *f = fd < 0 ? NULL : open_stream(fd, "w");
	size_t i;

	if (!f) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (i = 0; i < t->n && !rc; i++)
		rc = write_key(f, &t->keys[i]) ? 0 : -EIO;
	closed = close_stream(f);
	return rc ? rc : closed;
}

/* Not synced: what a power cut loses is made anew. */
static void save(const struct tls_tickets *t)
{
	char *next;
	int rc;

	if (!t->path || asprintf(&next, "%s.new", t->path) < 0)
		return;
	unlink(next);
	rc = write_keys(t, next);
	if (!rc && rename(next, t->path))
		rc = -errno;
	if (rc) {
		unlink(next);
		log_warn(LOG, "%s: %s; sessions cannot be resumed after a restart", t->path,
			 strerror(-rc));
	}
	free(next);
}

/* --- keys --- */

static void forget(struct tls_tickets *t, size_t i)
{
	t->n--;
	memmove(&t->keys[i], &t->keys[i + 1], (t->n - i) * sizeof(t->keys[0]));
	OPENSSL_cleanse(&t->keys[t->n], sizeof(t->keys[0]));
}

/* Returns whether any went. */
static bool forget_old(struct tls_tickets *t, int64_t now_s)
{
	size_t i = 0, before = t->n;

	while (i < t->n) {
		int64_t made_s = t->keys[i].made_s;

		if (made_s > now_s + CLOCK_SLACK_S || made_s <= now_s - TLS_TICKET_LIFE_S)
			forget(t, i);
		else
			i++;
	}
	return t->n != before;
}

static int make_key(struct tls_tickets *t, int64_t now_s)
{
	struct key k = { .made_s = now_s };

	if (RAND_priv_bytes(k.bytes, SECRET_BYTES) != 1)
		return -EIO;
	if (t->n == TLS_TICKET_KEYS_MAX)
		forget(t, t->n - 1);
	memmove(&t->keys[1], &t->keys[0], t->n * sizeof(k));
	t->keys[0] = k;
	t->n++;
	OPENSSL_cleanse(&k, sizeof(k));
	return 0;
}

static int refresh(struct tls_tickets *t, int64_t now_s)
{
	bool changed = forget_old(t, now_s);
	int rc = 0;

	if (!t->n || t->keys[0].made_s <= now_s - TLS_TICKET_SEAL_S) {
		rc = make_key(t, now_s);
		changed = true;
	}
	if (changed && !rc)
		save(t);
	return rc;
}

void tls_tickets_refresh(struct tls_tickets *t, int64_t now_s)
{
	if (refresh(t, now_s))
		log_error(LOG, "no random bytes for a ticket key");
}

int tls_tickets_new(struct tls_tickets **out, const char *path, int64_t now_s)
{
	struct tls_tickets *t = calloc(1, sizeof(*t));
	int rc;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	if (path) {
		t->path = strdup(path);
		if (!t->path) {
			free(t);
			return -ENOMEM;
		}
		load(t);
	}
	rc = refresh(t, now_s);
	if (rc) {
		tls_tickets_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

void tls_tickets_free(struct tls_tickets *t)
{
	if (!t)
		return;
	OPENSSL_cleanse(t->keys, sizeof(t->keys));
	free(t->path);
	free(t);
}

/* --- what OpenSSL asks --- */

static const struct key *find(const struct tls_tickets *t, const unsigned char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (memcmp(t->keys[i].bytes, name, NAME_BYTES) == 0)
			return &t->keys[i];
	}
	return NULL;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct key *k)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
						  (void *)(k->bytes + NAME_BYTES + CIPHER_BYTES),
						  MAC_BYTES),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* 1: go on; 0: no such key, a full handshake follows; 2: opened, give out a newer one. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int seal)
{
	struct tls_tickets *t = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ex_index);
	const struct key *k = seal ? &t->keys[0] : find(t, name);

	if (!k)
		return 0;
	if (seal) {
		memcpy(name, k->bytes, NAME_BYTES);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
	}
	if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->bytes + NAME_BYTES, iv, seal) !=
		    1 ||
	    !set_mac(mac, k))
		return -1;
	if (seal)
		return 1;
	t->opened++;
	/* RFC 8446 appendix C.4: a ticket is used once, so the next one comes with it */
	return k != &t->keys[0] || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
}

int tls_tickets_use(struct tls_tickets *t, struct ssl_ctx_st *ctx)
{
	if (ex_index < 0)
		ex_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (ex_index < 0 || SSL_CTX_set_ex_data(ctx, ex_index, t) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) != 1)
		return -ENOMEM;
	SSL_CTX_set_timeout(ctx, TLS_TICKET_LIFE_S - TLS_TICKET_SEAL_S);
	return 0;
}

uint64_t tls_tickets_opened(const struct tls_tickets *t)
{
	return t->opened;
}
