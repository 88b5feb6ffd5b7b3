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

/* A key's value in a raw query ("a=1&b=2"), decoded; the last one of several.
 * Returns the length, -ENOENT, -EINVAL, -ENOBUFS. */
int http_query_value(const char *query, const char *key, char *out, size_t size);

/* Is token in this comma-separated list? Case does not matter. */
bool http_has_token(const char *list, const char *token);

/* Does a raw path match a route's pattern (http_server.h)? Then *segment, *n
 * is what ':' or '*' stood for, still encoded; NULL for an exact path. */
bool http_route_matches(const char *pattern, const char *path, size_t path_n, const char **segment,
			size_t *n);

/* RFC 6455 section 4.2.1: base64 of 16 bytes */
bool http_ws_key_valid(const char *key);

#endif
