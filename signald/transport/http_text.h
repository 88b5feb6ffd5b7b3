/* http_text.h - reading request targets, queries and header values
 *
 * libmicrohttpd's own decoding cuts at %00 and keeps the first of two equal
 * keys; ours refuses and keeps the last. Pure; any thread. */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Decode %xx, and '+' as a space where plus is set, into out, NUL-terminated.
 * Returns the length, -EINVAL (a broken escape, %00), -ENOBUFS. */
int http_decode(char *out, size_t size, const char *p, size_t n, bool plus);

/* Can http_decode() decode this, given the room? */
bool http_escapes_are_fine(const char *p, size_t n);

/* A key's value in a raw query ("a=1&b=2"), decoded; the last one of several.
 * Returns the length, -ENOENT, -EINVAL, -ENOBUFS. */
int http_query_value(const char *query, const char *key, char *out, size_t size);

/* A request target that may be looked at: printable ASCII, and no space (RFC 9112 section 3.2).
 * What lies outside of ASCII is let through: browsers do not send it, old clients do. */
bool http_target_is_fine(const char *target);

/* Copy n bytes to out, NUL-terminated; what is not printable ASCII becomes '?'. */
void http_printable(char *out, const char *p, size_t n);

/* RFC 9110 sections 5.1 and 5.5: a token for a name, no controls but tabs in the value. */
bool http_field_is_fine(const char *name, const char *value);

/* RFC 9110 section 7.2: not empty, and nothing but uri-host [ ":" port ]. */
bool http_host_is_fine(const char *host);

/* Is token in this comma-separated list? Case does not matter. */
bool http_has_token(const char *list, const char *token);

/* Does a raw path match a route's pattern (http_server.h)? Then *segment, *n
 * is what ':' or '*' stood for, still encoded; NULL for an exact path. */
bool http_route_matches(const char *pattern, const char *path, size_t path_n, const char **segment,
			size_t *n);

/* RFC 9110 section 13.1.2: does an If-None-Match header (NULL: absent) name this entity tag (with
 * its quotes)? Compared weakly. */
bool http_etag_matches(const char *list, const char *etag);

/* RFC 6455 section 4.2.1: base64 of 16 bytes */
bool http_ws_key_valid(const char *key);

#endif
