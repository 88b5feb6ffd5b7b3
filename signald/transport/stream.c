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
#define IOV_BATCH 64

static uint8_t scratch[RECORD_BYTES];

void stream_init(struct stream *s, int fd, struct ssl_st *ssl)
{
	*s = (struct stream){ .ssl = ssl, .fd = fd };
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
	case SSL_ERROR_SYSCALL:
		s->broken = true;
		return saved_errno ? -saved_errno : -ECONNRESET;
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
	ERR_clear_error();
	errno = 0;
	s->want = 0;
	rc = SSL_accept(s->ssl);
	if (rc == 1)
		return 0;
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
	do {
		ERR_clear_error();
		errno = 0;
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

	ERR_clear_error();
	errno = 0;
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
		size_t record_n;
		const void *record = next_record(iov, n, at, &record_n);

		rc = record_n ? tls_record(s, record, record_n) : 1;
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
	return s->ssl && SSL_has_pending(s->ssl);
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
	ERR_clear_error();
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
