/* echo.c - UDP peers behind the relay, which send back what they get */
#include "echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stun.h"
#include "udp.h"

#define BURST 64

static void on_ready(struct source *s, uint32_t events)
{
	struct echo *e = (struct echo *)((char *)s - offsetof(struct echo, source));
	struct sockaddr_in from;
	socklen_t from_n;
	uint8_t b[STUN_MAX];
	ssize_t n;
	int i;

	(void)events;
	for (i = 0; i < BURST; i++) {
		from_n = sizeof(from);
		n = recvfrom(s->fd, b, sizeof(b), 0, (struct sockaddr *)&from, &from_n);
		if (n < 0)
			return;
		(*e->taken)++;
		(void)!sendto(s->fd, b, (size_t)n, 0, (struct sockaddr *)&from, from_n);
	}
}

int echo_open(struct echo *e, struct reactor *r, const char *address, uint64_t *taken)
{
	struct sockaddr_storage local = { 0 };
	socklen_t n = sizeof(e->address);

	memset(e, 0, sizeof(*e));
	e->taken = taken;
	e->source.on_ready = on_ready;
	local.ss_family = AF_INET;
	if (inet_pton(AF_INET, address, &((struct sockaddr_in *)&local)->sin_addr) != 1)
		return -EINVAL;
	e->source.fd = udp_open(&local);
	if (e->source.fd < 0)
		return e->source.fd;
	if (getsockname(e->source.fd, (struct sockaddr *)&e->address, &n) < 0)
		return -errno;
	return reactor_watch(r, &e->source, EPOLLIN);
}

void echo_close(struct echo *e, struct reactor *r)
{
	if (e->source.fd < 0)
		return;
	reactor_forget(r, &e->source);
	close(e->source.fd);
	e->source.fd = -1;
}
