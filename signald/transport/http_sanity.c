/* http_sanity.c - does this request mean the same to us and to whoever is in front of us? */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "transport/http_priv.h"
#include "transport/http_text.h"

#define BUFFER_MAX 65536 /* more than a request line may be long */
#define FIELDS_MAX 100	 /* headers of a request; browsers behind proxies send up to 40 */

struct seen {
	unsigned fields, lengths, encodings, hosts, origins, keys;
	bool strange_encoding, bad_length, bad_field, bare_line_end;
	const char *end; /* of the last field's value, or of the request line */
	const char *host;
	size_t length;
};

/* Digits only; more than we could ever take is as good as endless. */
static bool parse_length(const char *s, size_t *out)
{
	*out = 0;
	if (!*s)
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		*out = *out > SIZE_MAX / 16 ? *out : *out * 10 + (size_t)(*s - '0');
	return !*s;
}

static enum MHD_Result see_header(void *ctx, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct seen *s = ctx;

	(void)kind;
	s->bare_line_end |= name == s->end + 1; /* it was one byte, not two */
	s->end = value ? value + strlen(value) : NULL;
	if (!value)
		value = "";
	s->fields++;
	s->bad_field |= !http_field_is_fine(name, value);
	if (strcasecmp(name, "Content-Length") == 0) {
		s->lengths++;
		s->bad_length |= !parse_length(value, &s->length);
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		s->encodings++;
		s->strange_encoding |= strcasecmp(value, "chunked") != 0;
	} else if (strcasecmp(name, "Host") == 0) {
		s->hosts++;
		s->host = value;
	} else if (strcasecmp(name, "Origin") == 0) {
		s->origins++;
	} else if (strcasecmp(name, "Sec-WebSocket-Key") == 0) {
		s->keys++;
	}
	return MHD_YES;
}

/* RFC 9112 sections 6.1 and 6.3: where the body ends is said once, in one way that we know. */
static bool body_is_clear(const struct http_request *r, const struct seen *s)
{
	return s->lengths <= 1 && s->encodings <= 1 && !(s->lengths && s->encodings) &&
	       !s->bad_length && !s->strange_encoding && !(s->encodings && r->http_1_0);
}

/* RFC 9112 section 3.2.2: a target that names a server names the one in Host. */
static bool host_is_clear(const struct http_request *r, const struct seen *s)
{
	if (s->hosts != 1)
		return s->hosts == 0 && r->http_1_0 && !r->authority_n;
	return http_host_is_fine(s->host) &&
	       (!r->authority_n || (strlen(s->host) == r->authority_n &&
				    !strncasecmp(s->host, r->authority, r->authority_n)));
}

/* A target with a NUL in it is a shorter string to us. The version stands behind it in the same
 * buffer, so its place tells; a libmicrohttpd that has it elsewhere tells nothing. */
static bool target_is_cut(const struct http_request *r, const char *version)
{
	uintptr_t distance = (uintptr_t)version - r->uri_at;

	return distance < BUFFER_MAX && distance > r->uri_n + 1;
}

/* What may be there once only is there once; and nobody in front of us can have taken two lines for
 * one. The lines follow each other in libmicrohttpd's buffer, which takes a bare CR or LF for the
 * end of one (RFC 9112 section 2.2). */
static bool fields_are_clear(const struct seen *s)
{
	return !s->bad_field && !s->bare_line_end && s->origins <= 1 && s->keys <= 1;
}

/* A path, or "*" for OPTIONS (RFC 9112 section 3.2.4). */
static bool target_is_fine(const struct http_request *r)
{
	if (strcmp(r->target, "*") == 0)
		return strcmp(r->verb, "OPTIONS") == 0;
	return r->target[0] == '/' && http_target_is_fine(r->target) &&
	       http_escapes_are_fine(r->target, r->raw_path_n);
}

static bool method_is_known(const char *verb)
{
	static const char *const known[] = { "GET",    "HEAD",	"POST",	 "OPTIONS", "PUT",
					     "DELETE", "PATCH", "TRACE", "CONNECT" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], verb) == 0)
			return true;
	return false;
}

/* What libmicrohttpd 0.9.75 lets pass, and what lets two parsers disagree about
 * where a request ends or whom it is for. It never shows us a NUL in a header, a
 * folded line or one without a name; a Content-Length that is no number it refuses itself, with a
 * status line twice, before we are asked. */
unsigned http_check_sanity(struct http_request *r, const char *version, size_t *length)
{
	const char *expect = http_header(r, "Expect");
	struct seen s = { .end = version + strlen(version) };

	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, see_header, &s);
	r->http_1_0 = strcmp(version, "HTTP/1.0") == 0;
	r->has_body = s.encodings || s.length;
	*length = s.length;
	if (s.fields > FIELDS_MAX)
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	if (!fields_are_clear(&s) || !body_is_clear(r, &s) || !host_is_clear(r, &s))
		return MHD_HTTP_BAD_REQUEST;
	if (!method_is_known(r->verb))
		return MHD_HTTP_NOT_IMPLEMENTED;
	if (target_is_cut(r, version) || !target_is_fine(r))
		return MHD_HTTP_BAD_REQUEST;
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return MHD_HTTP_EXPECTATION_FAILED;
	return 0;
}
