/* inherited.c - see inherited.h */
#include "transport/inherited.h"

#include <event2/util.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* The number in a variable of the environment; -1: there is none. */
static long number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (!text || !*text)
		return -1;
	n = strtol(text, &end, 10);
	return *end ? -1 : n;
}

static bool is_option(int fd, int option, int wanted)
{
	socklen_t n = sizeof(int);
	int value;

	return !getsockopt(fd, SOL_SOCKET, option, &value, &n) && value == wanted;
}

static bool prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return is_option(fd, SO_TYPE, SOCK_STREAM) && is_option(fd, SO_ACCEPTCONN, 1) &&
	       flags >= 0 && !fcntl(fd, F_SETFL, flags | O_NONBLOCK) &&
	       !fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void inherited_open(struct inherited *in)
{
	long n = number("LISTEN_PID") == getpid() ? number("LISTEN_FDS") : 0;

	in->n = 0;
	for (int fd = FIRST_FD; fd - FIRST_FD < n && in->n < INHERITED_MAX; fd++) {
		if (prepare(fd))
			in->fds[in->n++] = fd;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

static bool listens_on(int fd, const struct sockaddr *wanted)
{
	struct sockaddr_storage here;
	socklen_t n = sizeof(here);

	return !getsockname(fd, (struct sockaddr *)&here, &n) &&
	       !evutil_sockaddr_cmp((struct sockaddr *)&here, wanted, 1);
}

int inherited_take(struct inherited *in, const char *address)
{
	struct sockaddr_storage wanted;
	int len = sizeof(wanted);

	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&wanted, &len))
		return -1;
	for (size_t i = 0; i < in->n; i++) {
		int fd = in->fds[i];

		if (fd >= 0 && listens_on(fd, (struct sockaddr *)&wanted)) {
			in->fds[i] = -1;
			return fd;
		}
	}
	return -1;
}

size_t inherited_close(struct inherited *in)
{
	size_t left = 0;

	for (size_t i = 0; i < in->n; i++) {
		if (in->fds[i] < 0)
			continue;
		close(in->fds[i]);
		left++;
	}
	in->n = 0;
	return left;
}
