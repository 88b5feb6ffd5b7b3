/* http_fixture.h - an HTTP server in this process, and a client that says what it is told to
 *
 * Both on one loop: the server's turns are taken while the client waits. */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "transport/http_server.h"

#define FIXTURE_WAIT_MS 15000
#define FIXTURE_MUST(condition) ((condition) ? (void)0 : abort())
#define ANSWER_MAX (16 * 1024 * 1024)

static struct {
	struct loop *loop;
	struct http_server *http;
} fixture;

struct client {
	int fd;
	bool closed; /* by the server */
	size_t n;
	char *text; /* all that came, NUL-terminated */
};

struct answer {
	int status;	  /* 0: none */
	const char *head; /* loans until client_close() */
	const char *body;
	size_t body_n;
	bool closed;
};

/* cfg->listen is set here. */
static void fixture_start(struct http_config *cfg, const struct http_route *routes, size_t n,
			  void *ctx)
{
	static const struct http_listen listen = { .address = "127.0.0.1:0" };
	const char *bad;

	cfg->listen = &listen;
	cfg->listen_n = 1;
	FIXTURE_MUST(loop_new(&fixture.loop) == 0);
	FIXTURE_MUST(http_server_new(&fixture.http, loop_base(fixture.loop), cfg) == 0);
	FIXTURE_MUST(http_server_routes(fixture.http, routes, n, ctx) == 0);
	FIXTURE_MUST(http_server_start(fixture.http, &bad) == 0);
}

static void fixture_stop(void)
{
	http_server_free(fixture.http);
	loop_free(fixture.loop);
	fixture.http = NULL;
	fixture.loop = NULL;
}

static inline void fixture_turn(void)
{
	event_base_loop(loop_base(fixture.loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static struct client client_open_at(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	struct client c = { .fd = socket(AF_INET, SOCK_STREAM, 0) };

	c.text = calloc(1, ANSWER_MAX + 1);
	FIXTURE_MUST(connect(c.fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	return c;
}

static inline struct client client_open(void)
{
	return client_open_at(http_server_port(fixture.http, 0));
}

static void client_close(struct client *c)
{
	close(c->fd);
	free(c->text);
}

static void client_say(struct client *c, const void *p, size_t n)
{
	FIXTURE_MUST(send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n);
}

/* Take what is there. False: nothing was. */
static bool client_take(struct client *c)
{
	ssize_t n = recv(c->fd, c->text + c->n, ANSWER_MAX - c->n, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		c->closed = true;
	if (n <= 0)
		return false;
	c->n += (size_t)n;
	c->text[c->n] = '\0';
	return true;
}

/* The value of a header of the answer, up to the end of its line; NULL: absent. */
static const char *header_of(const char *head, const char *name)
{
	static char value[512];
	size_t n = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line && strncmp(line, "\r\n\r\n", 4);
	     line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, n) || line[2 + n] != ':')
			continue;
		line += 3 + n;
		line += strspn(line, " ");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r"), line);
		return value;
	}
	return NULL;
}

/* Is a whole answer there? */
static bool answer_read(const struct client *c, bool head_only, struct answer *out)
{
	const char *end = strstr(c->text, "\r\n\r\n"), *length;

	*out = (struct answer){ .closed = c->closed };
	if (!end || sscanf(c->text, "HTTP/1.1 %d", &out->status) != 1)
		return c->closed;
	out->head = c->text;
	out->body = end + 4;
	out->body_n = c->n - (size_t)(out->body - c->text);
	length = header_of(c->text, "Content-Length");
	if (head_only || out->status < 200 || out->status == 204 || out->status == 304)
		return true;
	return c->closed || (length && out->body_n >= strtoul(length, NULL, 10)) ||
	       (!length && out->body_n >= 5 && !strcmp(c->text + c->n - 5, "0\r\n\r\n"));
}

/* Wait for an answer, and as long again for the connection's end if it is said to come. */
static struct answer client_answer(struct client *c, bool head_only)
{
	uint64_t until = loop_now_ms() + FIXTURE_WAIT_MS;
	struct answer a;

	while (!answer_read(c, head_only, &a) && loop_now_ms() < until) {
		fixture_turn();
		if (!client_take(c))
			usleep(200);
	}
	if (a.head && header_of(a.head, "Connection") &&
	    !strcasecmp(header_of(a.head, "Connection"), "close"))
		while (!c->closed && loop_now_ms() < until) {
			fixture_turn();
			client_take(c);
		}
	answer_read(c, head_only, &a);
	return a;
}

static struct answer ask_bytes(struct client *c, const void *p, size_t n)
{
	*c = client_open();
	client_say(c, p, n);
	return client_answer(c, n > 5 && !memcmp(p, "HEAD ", 5));
}

static inline struct answer ask(struct client *c, const char *request)
{
	return ask_bytes(c, request, strlen(request));
}

#endif
