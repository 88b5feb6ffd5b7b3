/* sio_arrival.c - what a client brought along, kept until it has joined all there is to join */
#include <stdlib.h>
#include <string.h>

#include "socketio/sio_priv.h"

/* The texts stand one behind the other, each ended by a NUL. What the request
 * did not have has a length of 0 here, its NUL included. */
enum text { TEXT_URL, TEXT_ORIGIN, TEXT_QUERY, TEXT_HEADERS };

#define TEXTS_MAX (TEXT_HEADERS + SIO_HEADERS_MAX)

struct sio_arrival {
	uint64_t issued_ms;
	bool secure;
	uint8_t texts_n;
	uint16_t text_n[]; /* then the texts */
};

static const char *const *kept(const struct sio_server *srv, size_t *n)
{
	const char *const *names = srv->cfg.headers;

	for (*n = 0; names && names[*n]; ++*n)
		;
	return names;
}

static const char *query_of(const char *url)
{
	const char *mark = url ? strchr(url, '?') : NULL;

	return mark ? mark + 1 : "";
}

/* All texts of a handshake, the query only if the URL does not end with it.
 * Returns how many. */
static size_t gather(const struct sio_server *srv, const struct eio_handshake *h,
		     const char *text[TEXTS_MAX])
{
	size_t headers_n, i;
	const char *const *headers = kept(srv, &headers_n);

	text[TEXT_URL] = h->url;
	text[TEXT_ORIGIN] = h->origin;
	text[TEXT_QUERY] = strcmp(query_of(h->url), h->query) ? h->query : NULL;
	for (i = 0; i < headers_n; i++)
		text[TEXT_HEADERS + i] = eio_handshake_header(h, headers[i]);
	return TEXT_HEADERS + headers_n;
}

static size_t size_of(const char *text)
{
	size_t n = text ? strlen(text) + 1 : 0;

	return n <= UINT16_MAX ? n : 0; /* HTTP's own limit is far below */
}

struct sio_arrival *sio_arrival_new(const struct sio_server *srv, const struct eio_handshake *h)
{
	const char *text[TEXTS_MAX];
	size_t n = gather(srv, h, text), bytes = 0, i;
	struct sio_arrival *a;
	char *to;

	for (i = 0; i < n; i++)
		bytes += size_of(text[i]);
	a = malloc(sizeof(*a) + n * sizeof(a->text_n[0]) + bytes);
	if (!a)
		return NULL;
	*a = (struct sio_arrival){ h->issued_ms, h->secure, (uint8_t)n };
	to = (char *)(a->text_n + n);
	for (i = 0; i < n; i++) {
		a->text_n[i] = (uint16_t)size_of(text[i]);
		if (a->text_n[i])
			memcpy(to, text[i], a->text_n[i]);
		to += a->text_n[i];
	}
	return a;
}

static const char *text_of(const struct sio_arrival *a, size_t which)
{
	const char *p = a ? (const char *)(a->text_n + a->texts_n) : NULL;
	size_t i;

	if (!a || which >= a->texts_n || !a->text_n[which])
		return NULL;
	for (i = 0; i < which; i++)
		p += a->text_n[i];
	return p;
}

void sio_arrival_tell(const struct sio_arrival *a, struct sio_handshake *h)
{
	const char *query = text_of(a, TEXT_QUERY);

	h->again = !a;
	h->url = text_of(a, TEXT_URL);
	h->origin = text_of(a, TEXT_ORIGIN);
	h->query = query ? query : query_of(h->url);
	h->issued_ms = a ? a->issued_ms : 0;
	h->secure = a && a->secure;
	h->arrival = a;
}

const char *sio_handshake_header(const struct sio_handshake *h, size_t i)
{
	return text_of(h->arrival, TEXT_HEADERS + i);
}
