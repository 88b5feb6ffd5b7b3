/* stream.c - a connection's bytes: a socket, or TLS on a socket
 *
 * OpenSSL wants a write that could not be finished repeated with the same
 * bytes. But then it has encrypted the record already and only its length is
 * looked at (SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER): we never write more than one
 * record a call, say that its bytes were taken, remember how many, and repeat
 * the call with any bytes before the next. The exception is a record that had
 * to wait for a KeyUpdate (RFC 8446 section 4.6.3) to go out: it has not been
 * encrypted, which SSL_in_init() tells. */
#include "transport/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD_BYTES 16384 /* RFC 8446 section 5.1 */
#define ASIDES_MAX 8	   /* one read's KeyUpdates, refused renegotiations and warnings */

static uint8_t scratch[RECORD_BYTES];

/* --- one BIO for all ---
 *
 * A BIO a connection would hold nothing but its descriptor, and cost 200 bytes. There is one
 * thread and no call of OpenSSL outlives its return: the BIO is told the descriptor before each. */

static struct {
	BIO *bio;
	int fd;
	bool at_end;	 /* the last read met the end of the stream */
	bool has_read;	 /* in this call: once, what else is there is for the next turn */
	unsigned asides; /* in this call */
} shared;

static int bio_result(BIO *bio, ssize_t n, void (*retry)(BIO *bio))
{
	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		retry(bio);
	return (int)n;
}

static void retry_read(BIO *bio)
{
	BIO_set_retry_read(bio);
}

static void retry_write(BIO *bio)
{
	BIO_set_retry_write(bio);
}

static int bio_read(BIO *bio, char *p, int n)
{
	ssize_t got = -1;

	if (shared.has_read)
		errno = EAGAIN;
	else
		got = recv(shared.fd, p, (size_t)n, 0);
	shared.has_read = true;
	shared.at_end = got == 0;
	return bio_result(bio, got, retry_read);
}

static int bio_write(BIO *bio, const char *p, int n)
{
	return bio_result(bio, send(shared.fd, p, (size_t)n, MSG_NOSIGNAL), retry_write);
}

static long bio_ctrl(BIO *bio, int what, long n, void *p)
{
	(void)bio;
	(void)n;
	(void)p;
	return what == BIO_CTRL_EOF ? shared.at_end : what == BIO_CTRL_FLUSH;
}

static BIO *make_bio(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
	BIO *bio;

	if (!m)
		return NULL;
	if (!BIO_meth_set_read(m, bio_read) || !BIO_meth_set_write(m, bio_write) ||
	    !BIO_meth_set_ctrl(m, bio_ctrl) || !(bio = BIO_new(m))) {
		BIO_meth_free(m);
		return NULL;
	}
	BIO_set_init(bio, 1);
	return bio;
}

/* Before every call that may read or write. */
static void begin(const struct stream *s)
{
	shared.fd = s->fd;
	shared.at_end = shared.has_read = false;
	shared.asides = 0;
	ERR_clear_error();
	errno = 0;
}

/* OpenSSL reads on until there is something for us. What it reads meanwhile costs a thousand
 * times its bytes: a flood of it is taken for the client's end. */
static void on_message(int written, int version, int type, const void *p, size_t n, SSL *ssl,
		       void *ctx)
{
	(void)written;
	(void)version;
	(void)p;
	(void)n;
	(void)ctx;
	if (type != SSL3_RT_HANDSHAKE && type != SSL3_RT_ALERT)
		return;
	if (++shared.asides > ASIDES_MAX)
		SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

/* --- life --- */

void stream_init(struct stream *s, int fd)
{
	*s = (struct stream){ .fd = fd };
}

int stream_start_tls(struct stream *s, struct ssl_st *ssl)
{
	if (!shared.bio)
		shared.bio = make_bio();
	if (!shared.bio)
		return -ENOMEM;
	BIO_up_ref(shared.bio);
	SSL_set_bio(ssl, shared.bio, shared.bio);
	s->ssl = ssl;
	return 0;
}

/* --- plain --- */

static ssize_t plain_read(struct stream *s, void *p, size_t n)
{
	ssize_t got = recv(s->fd, p, n, 0);

	if (got >= 0)
		return got;
	return errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t plain_writev(struct stream *s, const struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	ssize_t sent;

	if (!n)
		return 0;
	sent = sendmsg(s->fd, &m, MSG_NOSIGNAL);
	if (sent >= 0)
		return sent;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* --- TLS --- */

/* What became of the last call, which returned rc. 0: the client's end. */
static int tls_error(struct stream *s, int rc, int saved_errno)
{
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ: s->want = STREAM_READ; return -EAGAIN;
	case SSL_ERROR_WANT_WRITE: s->want = STREAM_WRITE; return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN: return 0;
	case SSL_ERROR_SYSCALL: s->broken = true; return saved_errno ? -saved_errno : -ECONNRESET;
	default: s->broken = true; return -EPROTO;
	}
}

int stream_handshake(struct stream *s)
{
	int rc;

	if (!s->ssl)
		return 0;
	if (s->broken)
		return -EPROTO;
	begin(s);
	s->want = 0;
	rc = SSL_accept(s->ssl);
	if (rc == 1) {
		SSL_set_msg_callback(s->ssl, on_message);
		return 0;
	}
	rc = tls_error(s, rc, errno);
	if (rc == -EAGAIN)
		return rc;
	s->broken = true;
	return rc ? rc : -ECONNRESET;
}

static ssize_t tls_read(struct stream *s, void *p, size_t n)
{
	size_t got = 0, step;
	int rc;

	if (s->broken)
		return -EPROTO;
	begin(s);
	do {
		rc = SSL_read_ex(s->ssl, (uint8_t *)p + got, n - got, &step);
		if (rc != 1) {
			rc = tls_error(s, rc, errno);
			s->want = 0; /* reading waits to read, whatever for */
			return got ? (ssize_t)got : rc;
		}
		got += step;
	} while (got < n && SSL_has_pending(s->ssl));
	return (ssize_t)got;
}

/* One record at most. Returns 1 (its bytes are taken), or as stream_writev(). */
static int tls_record(struct stream *s, const void *p, size_t n)
{
	size_t written;
	int rc;

	begin(s);
	rc = SSL_write_ex(s->ssl, p, n, &written);
	if (rc == 1) {
		s->owed = 0;
		return 1;
	}
	rc = tls_error(s, rc, errno);
	if (rc != -EAGAIN) {
		s->broken = true;
		return rc ? rc : -EPIPE;
	}
	if (s->owed || SSL_in_init(s->ssl))
		return -EAGAIN;
	s->owed = (uint16_t)n;
	return 1;
}

/* Bytes of one record, joined in the scratch unless they lie together. */
static const void *next_record(const struct iovec *iov, int n, size_t at, size_t *record_n)
{
	size_t got = 0;
	int i;

	if (n == 1 || iov[0].iov_len - at >= RECORD_BYTES) {
		size_t left = iov[0].iov_len - at;

		*record_n = left < RECORD_BYTES ? left : RECORD_BYTES;
		return (const uint8_t *)iov[0].iov_base + at;
	}
	for (i = 0; i < n && got < RECORD_BYTES; i++, at = 0) {
		size_t step = iov[i].iov_len - at;

		if (step > RECORD_BYTES - got)
			step = RECORD_BYTES - got;
		if (step)
			memcpy(scratch + got, (const uint8_t *)iov[i].iov_base + at, step);
		got += step;
	}
	*record_n = got;
	return scratch;
}

static ssize_t tls_writev(struct stream *s, const struct iovec *iov, int n)
{
	size_t taken = 0, at = 0;
	int rc;

	if (s->broken)
		return -EPROTO;
	s->want = 0;
	if (s->owed && (rc = tls_record(s, scratch, s->owed)) < 0)
		return rc;
	while (n && !s->owed) {
		const void *record;
		size_t record_n;

		if (at == iov->iov_len) { /* an empty piece */
			at = 0;
			iov++;
			n--;
			continue;
		}
		record = next_record(iov, n, at, &record_n);
		rc = tls_record(s, record, record_n);
		if (rc < 0)
			return taken ? (ssize_t)taken : rc;
		taken += record_n;
		for (at += record_n; n && at >= iov->iov_len; n--)
			at -= (iov++)->iov_len;
	}
	return (ssize_t)taken;
}

/* --- either --- */

ssize_t stream_read(struct stream *s, void *p, size_t n)
{
	return s->ssl ? tls_read(s, p, n) : plain_read(s, p, n);
}

ssize_t stream_writev(struct stream *s, const struct iovec *iov, int n)
{
	return s->ssl ? tls_writev(s, iov, n) : plain_writev(s, iov, n);
}

bool stream_pending(const struct stream *s)
{
	return s->ssl &&
	       (SSL_has_pending(s->ssl) || SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN);
}

unsigned stream_wants(const struct stream *s)
{
	return s->owed ? STREAM_WRITE : s->want;
}

/* Not in the middle of a record or of a handshake, and not after an error. */
static void say_goodbye(struct stream *s)
{
	if (!s->ssl || s->broken || s->owed || SSL_in_init(s->ssl))
		return;
	begin(s);
	SSL_shutdown(s->ssl);
}

void stream_shutdown(struct stream *s)
{
	say_goodbye(s);
	shutdown(s->fd, SHUT_WR);
}

void stream_close(struct stream *s)
{
	if (s->fd < 0)
		return;
	say_goodbye(s);
	SSL_free(s->ssl);
	ERR_clear_error();
	close(s->fd);
	*s = STREAM_CLOSED;
}
