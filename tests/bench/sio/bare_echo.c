/* bare_echo.c - the least a server can do with bytes: read them and write them back
 *
 *	bare-echo --port N
 * One thread, one epoll set, one buffer, no protocol. What remains is the kernel's
 * part of the work, the limit for whoever does more. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 65536
#define EVENTS 256

static int listen_on(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t n = sizeof(at);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, n) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)&at, &n)) {
		close(fd);
		return -1;
	}
	printf("listening on 127.0.0.1:%u\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void accept_all(int epoll, int listener)
{
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(epoll, fd);
	}
}

/* The loader's windows are smaller than a socket's buffer, so a write is never short. */
static void echo(int fd)
{
	static char buffer[BUFFER];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n > 0 && send(fd, buffer, (size_t)n, MSG_NOSIGNAL) == n)
		return;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int i, n, epoll, listener;

	if (argc != 3 || strcmp(argv[1], "--port")) {
		fprintf(stderr, "usage: bare-echo --port N\n");
		return 2;
	}
	epoll = epoll_create1(0);
	listener = listen_on((unsigned)atoi(argv[2]));
	if (epoll < 0 || listener < 0) {
		perror("bare-echo");
		return 1;
	}
	watch(epoll, listener);
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll, listener);
			else
				echo(events[i].data.fd);
		}
	}
}
