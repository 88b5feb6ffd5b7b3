/* ext_admin.h - a watch in a real libevent loop over a real socket, for tests
 *
 * The test plays the relay threads (cells) and the readers. */
#ifndef EXT_ADMIN_H
#define EXT_ADMIN_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "admin_socket.h"
#include "cells.h"
#include "log.h"
#include "options.h"
#include "watch.h"

#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define LINE_WAIT_MS 20000

static char dir[64], path[96];
static struct options options;
static struct event_base *base;
static struct watch *watch;
static struct cell_ring ring;
static uint64_t cancelled[64];
static size_t cancelled_n;

static inline int cancel(uint64_t sid)
{
	cancelled[cancelled_n++] = sid;
	return 0;
}

static struct watch_host host = { .version = "4.6.1-test",
				  .base = "4.6.1-0",
				  .ledger_checked = "4.99.1",
				  .ledger_date = "2026-01-31",
				  .cancel = cancel };

static inline void quiet(enum log_level level, const char *token, const char *text)
{
	(void)level;
	(void)token;
	(void)text;
}

static inline void make_place(void)
{
	log_set_sink(quiet);
	strcpy(dir, "/tmp/check_ext.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/admin.sock", dir);
}

/* In the folder of the socket. */
static inline const char *place_of(const char *file)
{
	static char name[128];

	snprintf(name, sizeof(name), "%s/%s", dir, file);
	return name;
}

static inline void open_watch(void)
{
	char err[256] = "";

	options_set(&options, OPTION_SOCKET, path);
	options_set(&options, OPTION_INTERVAL, "1");
	ck_assert_int_eq(options_finish(&options), 0);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_msg(watch_open(&watch, &options, &host, err, sizeof(err)) == 0, "%s", err);
	ck_assert_int_eq(watch_start(watch, base, 2), 0);
}

static inline void setup(void)
{
	make_place();
	open_watch();
}

static inline void close_watch(void)
{
	watch_free(watch);
	event_base_free(base);
	options_clear(&options);
}

static inline void teardown(void)
{
	close_watch();
	ck_assert_int_eq(access(path, F_OK), -1);
	unlink(place_of("revoked"));
	ck_assert_int_eq(unlink(place_of("ends.spool")), 0);
	rmdir(dir);
}

static inline void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* --- a reader ------------------------------------------------------------------------ */

struct reader {
	int fd;
	size_t n;
	char buf[2 * RELAY_LINE_MAX];
	char line[RELAY_LINE_MAX + 1];
};

static inline int connect_fd(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(addr.sun_path, path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* Take a buffered line. */
static inline bool take(struct reader *r)
{
	char *eol = memchr(r->buf, '\n', r->n);
	size_t len;

	if (!eol)
		return false;
	len = (size_t)(eol - r->buf);
	memcpy(r->line, r->buf, len);
	r->line[len] = '\0';
	r->n -= len + 1;
	memmove(r->buf, eol + 1, r->n);
	return true;
}

/* The next line, or NULL at the end of the connection. */
static inline const char *next_line(struct reader *r)
{
	uint64_t until = admin_now_ms() + LINE_WAIT_MS;

	while (!take(r)) {
		ssize_t n;

		ck_assert_msg(admin_now_ms() < until, "no line came");
		turn();
		n = read(r->fd, r->buf + r->n, sizeof(r->buf) - r->n);
		if (n == 0)
			return NULL;
		if (n > 0)
			r->n += (size_t)n;
		else if (errno == ECONNRESET)
			return NULL;
		else
			usleep(200);
	}
	return r->line;
}

/* Samples come by time, on a slow machine anywhere: they are passed over. */
static inline void expect(struct reader *r, const char *part)
{
	const char *line = next_line(r);

	while (line && strstr(line, "\"usage\"") && !strstr(line, part))
		line = next_line(r);
	ck_assert_msg(line && strstr(line, part), "wanted %s, got %s", part,
		      line ? line : "the end");
}

static inline void expect_end_of_connection(struct reader *r)
{
	while (next_line(r))
		;
	close(r->fd);
}

static inline void say(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	while (n) {
		ssize_t w = write(r->fd, text, n);

		if (w < 0 && errno == EPIPE)
			return;
		if (w > 0) {
			text += w;
			n -= (size_t)w;
		}
		turn();
	}
}

static inline void greet(struct reader *r)
{
	r->fd = connect_fd();
	r->n = 0;
	expect(r, "hello");
}

static inline void subscribe(struct reader *r)
{
	greet(r);
	say(r, "{\"c\":\"sub\"}\n");
	while (!strstr(next_line(r), "synced"))
		;
	expect(r, "\"secrets\"");
}

/* --- the relay threads' part ------------------------------------------------------------ */

static inline struct cell *allocate_as(uint64_t sid, const char *name,
				       const struct relay_allocation *how)
{
	struct relay_allocation a = *how;
	struct cell *c;

	snprintf(a.id, sizeof(a.id), "%018llu", (unsigned long long)sid);
	snprintf(a.name, sizeof(a.name), "%s", name);
	strcpy(a.realm, "example.org");
	strcpy(a.transport, "udp");
	strcpy(a.relay_transport, "udp");
	strcpy(a.relayed, "192.0.2.9:40000");
	a.lifetime_s = 600;
	ck_assert_int_eq(cell_new(&c, watch_cells(watch), &ring, NULL, sid, &a, admin_now_ms()), 0);
	return c;
}

static inline struct cell *allocate(uint64_t sid, const char *name)
{
	return allocate_as(sid, name, &(struct relay_allocation){ .client = "192.0.2.1:5000" });
}

static inline struct cell *allocate_shared(uint64_t sid, const char *name)
{
	return allocate_as(
		sid, name,
		&(struct relay_allocation){ .client = "192.0.2.1:5000", .shared = true });
}

static inline struct cell *allocate_from(uint64_t sid, const char *name, const char *client,
					 const char *secret)
{
	struct relay_allocation a = { .shared = false };

	snprintf(a.client, sizeof(a.client), "%s", client);
	snprintf(a.secret, sizeof(a.secret), "%s", secret);
	return allocate_as(sid, name, &a);
}

static inline void end(struct cell *c, uint64_t sent, const char *reason)
{
	struct relay_totals t = { .peer_sent_packets = 1, .peer_sent_bytes = sent };

	cell_gone(c, &ring, &t, reason, admin_now_ms());
}

#endif
