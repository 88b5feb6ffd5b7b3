/* http_answer.h - answers of HTTP/1.1, as they come in. Pure. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE_MAX 512
#define HTTP_VALUE_MAX 64

enum http_phase { HTTP_STATUS, HTTP_HEADERS, HTTP_BODY, HTTP_CHUNK_SIZE, HTTP_CHUNK, HTTP_TRAILER };

/* All zero, but keep_body, body_limit and want, before an answer. */
struct http_answer {
	enum http_phase phase;
	int status;
	bool chunked;
	bool keep_body;
	size_t body_limit;	    /* of a body that is kept; 0: none. Beyond, HTTP_BROKEN */
	const char *want;	    /* a header, "name:" in lower case; NULL: none */
	char value[HTTP_VALUE_MAX]; /* what it said, "" without it */
	uint64_t left;		    /* of the body, or of the chunk */
	uint64_t body_bytes;
	char line[HTTP_LINE_MAX];
	size_t line_n;
	char *body; /* NUL behind it; NULL when empty or not kept */
	size_t body_n, body_max;
};

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BROKEN };

/* Takes *n bytes at most and says in *n how many it took. */
enum http_progress http_feed(struct http_answer *a, const char *p, size_t *n);
/* Ready for the next one. */
void http_reset(struct http_answer *a);

#endif
