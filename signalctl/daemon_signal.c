/* daemon_signal.c - see daemon_signal.h */
#include "daemon_signal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* unix(7): of a connected socket, the credentials that the other side had when it called listen().
 */
static int listener_pid(int fd, const struct sockaddr_un *a, pid_t *pid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)))
		return errno == ECONNREFUSED ? -ENOENT : -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n))
		return -errno;
	*pid = peer.pid;
	return peer.pid > 0 ? 0 : -EXDEV;
}

int daemon_signal(const char *path, int signal)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	pid_t pid = 0;
	int fd, r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = listener_pid(fd, &a, &pid);
	close(fd);
	if (!r && kill(pid, signal))
		r = -errno;
	return r;
}
