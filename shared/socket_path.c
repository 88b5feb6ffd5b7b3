/* socket_path.c - see socket_path.h */
#include "socket_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

struct place {
	const char *key; /* of the configuration, for errors */
	struct sockaddr_un addr;
	char *err;
	size_t err_size;
};

__attribute__((format(printf, 3, 4))) static int failed(const struct place *p, int error,
							const char *fmt, ...)
{
	int n = snprintf(p->err, p->err_size, "%s: ", p->key);
	va_list ap;

	if (n < 0 || (size_t)n >= p->err_size)
		return error;
	va_start(ap, fmt);
	vsnprintf(p->err + n, p->err_size - (size_t)n, fmt, ap);
	va_end(ap);
	return error;
}

static int failed_errno(const struct place *p, const char *what)
{
	int error = errno;

	return failed(p, -error, "cannot %s %s: %s", what, p->addr.sun_path, strerror(error));
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Is somebody serving it? A full backlog (EAGAIN) means yes. */
static int probe(const struct place *p)
{
	int r, fd = new_socket();

	if (fd < 0)
		return failed_errno(p, "make a socket for");
	r = connect(fd, (const struct sockaddr *)&p->addr, sizeof(p->addr)) == 0 ? 0 : -errno;
	close(fd);
	if (r == -ECONNREFUSED)
		return 0;
	if (r == 0 || r == -EAGAIN)
		return failed(p, -EADDRINUSE, "%s is in use by a running server", p->addr.sun_path);
	return failed(p, r, "cannot tell whether %s is in use: %s", p->addr.sun_path, strerror(-r));
}

static int make_room(const struct place *p)
{
	struct stat st;
	int r;

	if (lstat(p->addr.sun_path, &st) < 0)
		return errno == ENOENT ? 0 : failed_errno(p, "look at");
	if (!S_ISSOCK(st.st_mode))
		return failed(p, -EEXIST, "%s exists and is no socket", p->addr.sun_path);
	r = probe(p);
	if (r < 0)
		return r;
	return unlink(p->addr.sun_path) < 0 ? failed_errno(p, "remove the stale") : 0;
}

/* Two servers that start at once must not both find the other's socket stale:
 * it is, between its bind() and its listen(). *out is the lock, or -1 in a
 * folder that may be written but not read, where there is none. */
static int lock_folder(const struct place *p, int *out)
{
	char folder[sizeof(p->addr.sun_path)];
	char *slash;

	memcpy(folder, p->addr.sun_path, sizeof(folder));
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	*out = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0 || flock(*out, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	close(*out);
	return failed(p, -EADDRINUSE, "another server is starting in the folder of %s",
		      p->addr.sun_path);
}

/* The mode comes from the umask, not from a chmod() that would follow a link,
 * and nobody can connect before listen(). */
static int bind_there(const struct place *p, int fd, gid_t group)
{
	mode_t old = umask(0117);
	int r = bind(fd, (const struct sockaddr *)&p->addr, sizeof(p->addr));
	int error = errno;

	umask(old);
	errno = error;
	if (r < 0)
		return failed_errno(p, "bind");
	if (group != (gid_t)-1 && lchown(p->addr.sun_path, (uid_t)-1, group) < 0)
		r = failed_errno(p, "set the group of");
	else if (listen(fd, BACKLOG) < 0)
		r = failed_errno(p, "listen on");
	if (r < 0)
		unlink(p->addr.sun_path);
	return r;
}

static int listen_there(const struct place *p, gid_t group)
{
	int fd, r = make_room(p);

	if (r < 0)
		return r;
	fd = new_socket();
	if (fd < 0)
		return failed_errno(p, "make a socket for");
	r = bind_there(p, fd, group);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int socket_path_listen(const char *key, const char *path, gid_t group, char *err, size_t err_size)
{
	struct place p = {
		.key = key, .addr = { .sun_family = AF_UNIX }, .err = err, .err_size = err_size
	};
	int r, lock;

	if (strlen(path) >= sizeof(p.addr.sun_path))
		return failed(&p, -ENAMETOOLONG, "the path is longer than %zu bytes",
			      sizeof(p.addr.sun_path) - 1);
	memcpy(p.addr.sun_path, path, strlen(path) + 1);
	r = lock_folder(&p, &lock);
	if (r < 0)
		return r;
	r = listen_there(&p, group);
	if (lock >= 0)
		close(lock);
	return r;
}

void socket_path_unlink(const char *path, const struct stat *made)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == made->st_dev && st.st_ino == made->st_ino)
		unlink(path);
}
