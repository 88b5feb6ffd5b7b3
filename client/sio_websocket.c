/* sio_websocket.c - a WebSocket: the handshake (RFC 6455 section 4.1), frames */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sio_priv.h"
#include "ws_client.h"

#define KEY_BYTES 16
#define BASE64_MAX 32
#define READ_BYTES 16384
#define CONTROL_MAX 125

/* Section 4.2.2: what proves that the server read the key. */
static bool accept_of(const char *key, char out[BASE64_MAX])
{
	char text[128];
	unsigned char sha1[EVP_MAX_MD_SIZE];
	unsigned n;
	int len = snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);

	return EVP_Digest(text, (size_t)len, sha1, &n, EVP_sha1(), NULL) == 1 &&
	       EVP_EncodeBlock((unsigned char *)out, sha1, (int)n) > 0;
}

static int judge(const struct http_answer *a, const char *key, struct client_error *err)
{
	char accept[BASE64_MAX];

	if (a->status != 101)
		client_error_set(err, "WebSocket is answered with HTTP %d%s", a->status,
				 a->status == 400 || a->status == 426
					 ? ": does a proxy keep the Upgrade header away?"
					 : "");
	else if (!accept_of(key, accept) || strcmp(accept, a->value))
		client_error_set(err, "WebSocket: the handshake is not answered as it must be");
	else
		return 0;
	return -EPROTO;
}

static int keep_bytes(struct sio_client *c, const char *p, size_t n, struct client_error *err)
{
	size_t size = c->in_n + n;
	char *in;

	if (!n)
		return 0;
	if (size > SIO_MESSAGE_MAX) {
		client_error_set(err, "WebSocket: a message that is too long");
		return -EPROTO;
	}
	if (size > c->in_size) {
		in = realloc(c->in, 2 * size);
		if (!in) {
			client_error_set(err, "out of memory");
			return -ENOMEM;
		}
		c->in = in;
		c->in_size = 2 * size;
	}
	memcpy(c->in + c->in_n, p, n);
	c->in_n += n;
	return 0;
}

static int send_frame(struct sio_client *c, enum ws_opcode opcode, const char *p, size_t n,
		      uint64_t deadline_ms, struct client_error *err)
{
	uint8_t mask[4], *frame;
	int r;

	if (n > SIO_MESSAGE_MAX || RAND_bytes(mask, sizeof(mask)) != 1)
		return -EMSGSIZE;
	frame = malloc(WS_HEAD_MAX + n);
	if (!frame) {
		client_error_set(err, "out of memory");
		return -ENOMEM;
	}
	r = net_send(c->net, frame, ws_write(frame, opcode, mask, p, n), deadline_ms, err);
	free(frame);
	return r;
}

static int take_frame(struct sio_client *c, const struct ws_frame *f, uint64_t deadline_ms,
		      struct client_error *err)
{
	switch (f->opcode) {
	case WS_TEXT: return sio_packet(c, f->p, f->n, err);
	case WS_PING:
		return f->n <= CONTROL_MAX ? send_frame(c, WS_PONG, f->p, f->n, deadline_ms, err)
					   : 0;
	case WS_CLOSE: client_error_set(err, "signald closed the connection"); return -ECONNRESET;
	default: return 0;
	}
}

/* Hand on the frames that are whole. Returns their number, -errno. */
static int take_frames(struct sio_client *c, uint64_t deadline_ms, struct client_error *err)
{
	struct ws_frame f;
	int64_t used = 0;
	size_t at = 0;
	int n = 0, r = 0;

	while (!r && (used = ws_read(&f, c->in + at, c->in_n - at)) > 0) {
		r = take_frame(c, &f, deadline_ms, err);
		at += (size_t)used;
		n++;
	}
	if (at)
		memmove(c->in, c->in + at, c->in_n - at);
	c->in_n -= at;
	if (!r && used < 0) {
		client_error_set(err, "WebSocket: a frame that no server may send");
		r = -EPROTO;
	}
	return r ? r : n;
}

static int websocket_receive(struct sio_client *c, uint64_t deadline_ms, struct client_error *err)
{
	char b[READ_BYTES];
	ssize_t got;
	int n;

	while ((n = take_frames(c, deadline_ms, err)) == 0) {
		got = net_receive(c->net, b, sizeof(b), deadline_ms, err);
		if (got < 0)
			return (int)got;
		if (!got) {
			client_error_set(err, "signald cut the connection off");
			return -ECONNRESET;
		}
		n = keep_bytes(c, b, (size_t)got, err);
		if (n)
			return n;
	}
	return n < 0 ? n : 0;
}

static int shake(struct sio_client *c, const char *key, uint64_t deadline_ms,
		 struct client_error *err)
{
	char headers[256];
	struct http_request rq = { .method = "GET",
				   .path = SIO_PATH "websocket",
				   .headers = headers };
	struct http_exchange *x;
	int r;

	snprintf(headers, sizeof(headers),
		 "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		 "Sec-WebSocket-Key: %s\r\n",
		 key);
	r = http_begin(&x, &c->to, &rq, deadline_ms, err);
	if (r)
		return r;
	c->fault = net_tls_fault(x->net);
	x->answer.want = "sec-websocket-accept:";
	r = http_wait(x, deadline_ms, err);
	if (!r)
		r = judge(&x->answer, key, err);
	if (!r)
		r = keep_bytes(c, x->rest, x->rest_n, err);
	if (!r) {
		c->net = x->net;
		x->net = NULL;
	}
	http_end(x);
	return r;
}

static int websocket_open(struct sio_client *c, uint64_t deadline_ms, struct client_error *err)
{
	unsigned char nonce[KEY_BYTES];
	char key[BASE64_MAX];
	int r;

	if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
		client_error_set(err, "no randomness");
		return -EIO;
	}
	EVP_EncodeBlock((unsigned char *)key, nonce, sizeof(nonce));
	r = shake(c, key, deadline_ms, err);
	while (!r && !*c->sid)
		r = websocket_receive(c, deadline_ms, err);
	return r;
}

static int websocket_send(struct sio_client *c, const char *packet, size_t n, uint64_t deadline_ms,
			  struct client_error *err)
{
	return send_frame(c, WS_TEXT, packet, n, deadline_ms, err);
}

static void websocket_close(struct sio_client *c)
{
	net_close(c->net);
	free(c->in);
}

const struct sio_way sio_websocket = { websocket_open, websocket_send, websocket_receive,
				       websocket_close };
