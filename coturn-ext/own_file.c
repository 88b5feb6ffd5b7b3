/* own_file.c - see own_file.h */
#include "own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_TRIES 8

static int check(int fd, const char *path)
{
	struct stat st, there;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1 || (st.st_uid != geteuid() && geteuid() != 0))
		return -EPERM;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* Another process may have replaced it before we had the lock. */
	if (lstat(path, &there) < 0 || there.st_ino != st.st_ino || there.st_dev != st.st_dev)
		return -EAGAIN;
	return 0;
}

int own_file_open(const char *path, int flags)
{
	int r = -EAGAIN, i;

	for (i = 0; i < OPEN_TRIES && r == -EAGAIN; i++) {
		int fd = open(path, flags | O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
			      0600);

		if (fd < 0)
			return -errno;
		r = check(fd, path);
		if (r == 0)
			return fd;
		close(fd);
	}
	return r;
}

const char *own_file_error(int error)
{
	switch (error) {
	case -EBUSY: return "another server uses it";
	case -EPERM:
	case -ELOOP: return "not a plain file of ours";
	case -EFBIG: return "far too large to be ours";
	default: return strerror(-error);
	}
}
