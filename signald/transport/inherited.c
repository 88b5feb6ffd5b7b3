/* inherited.c - see inherited.h */
#include "transport/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "log.h"

#define PLAIN "plain"

static bool set_address(struct inherited *in)
{
	char host[INET6_ADDRSTRLEN], port[8];
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	int len;

	if (getsockname(in->fd, (struct sockaddr *)&sa, &n) ||
	    getnameinfo((struct sockaddr *)&sa, n, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return false;
	len = snprintf(in->address, sizeof(in->address),
		       sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return len < (int)sizeof(in->address);
}

static bool is_ours(int fd)
{
	return sd_is_socket(fd, AF_INET, SOCK_STREAM, 1) > 0 ||
	       sd_is_socket(fd, AF_INET6, SOCK_STREAM, 1) > 0;
}

/* sd_listen_fds() has seen to it that it closes on exec. */
static int take(struct inherited *in, int fd, const char *name)
{
	int flags = fcntl(fd, F_GETFL);

	in->fd = fd;
	in->plain = strcmp(name, PLAIN) == 0;
	if (flags < 0 || !is_ours(fd) || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
	    !set_address(in)) {
		log_error("http",
			  "descriptor %d (%s) was handed over, and is no listening socket of TCP",
			  fd, name);
		return -EINVAL;
	}
	return 0;
}

static void close_all(int n)
{
	int i;

	for (i = 0; i < n; i++)
		close(SD_LISTEN_FDS_START + i);
}

static void free_names(char **names)
{
	char **at;

	for (at = names; at && *at; at++)
		free(*at);
	free(names);
}

int inherited_take(struct inherited *out, size_t max)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), i, rc = 0;

	if (n < 0)
		log_error("http", "LISTEN_FDS: %s", strerror(-n));
	if (n > 0 && (size_t)n > max) {
		log_error("http", "%d sockets were handed over, more than %zu", n, max);
		rc = -E2BIG;
	}
	for (i = 0; i < n && !rc; i++)
		rc = take(&out[i], SD_LISTEN_FDS_START + i, names && names[i] ? names[i] : "");
	if (rc)
		close_all(n);
	free_names(names);
	return rc ? rc : n;
}
