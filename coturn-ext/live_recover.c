/* live_recover.c - see live_recover.h */
#include "live_recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 4, 5))) static long failed(char *err, size_t size, long error,
							 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return error;
}

static bool owns_folder(const char *path, uid_t uid)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	struct stat st;
	bool yes = folder && stat(folder, &st) == 0 && st.st_uid == uid;

	free(folder);
	return yes;
}

/* The owner of a folder may put there what he likes, and so may root; another
 * user's file in, say, /tmp is no word about what was relayed. */
static bool ours(const char *path, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 && !(st->st_mode & (S_IWGRP | S_IWOTH)) &&
	       (st->st_uid == geteuid() || st->st_uid == 0 || owns_folder(path, st->st_uid));
}

static long open_left(const char *path, char *err, size_t err_size)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return failed(err, err_size, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !ours(path, &st)) {
		close(fd);
		return failed(err, err_size, -EPERM, "%s is not ours; it is left alone", path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return failed(err, err_size, -EADDRINUSE, "%s is in use by a running server", path);
	}
	return fd;
}

static long read_left(int fd, uint64_t now_ms, live_record_fn fn, void *arg)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size == 0) /* killed while it made the file */
		return 0;
	return live_file_read(fd, now_ms, fn, arg);
}

long live_recover(const char *path, uint64_t now_ms, live_record_fn fn, void *arg, char *err,
		  size_t err_size)
{
	long r, fd = open_left(path, err, err_size);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = read_left((int)fd, now_ms, fn, arg);
	if (r == -EBADMSG)
		failed(err, err_size, r, "%s is damaged or of another version; it is removed",
		       path);
	else if (r < 0)
		failed(err, err_size, r, "cannot read %s: %s", path, strerror((int)-r));
	if ((r >= 0 || r == -EBADMSG) && unlink(path) < 0)
		r = failed(err, err_size, -errno, "cannot remove %s: %s", path, strerror(errno));
	close((int)fd);
	return r;
}
