/* secret_replace.c - see secret_replace.h */
#include "secret_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync_folder.h"
#include "write_all.h"

static int fail(struct secret_error *err, const char *what)
{
	int r = -errno;

	err->line = 0;
	snprintf(err->text, sizeof(err->text), "cannot %s: %s", what, strerror(-r));
	return r;
}

/* Secrets come into it only when it is for the same eyes as the file before. */
static int fill(int fd, const struct stat *like, const char *text, size_t n,
		struct secret_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, "look at the new file");
	if ((st.st_uid != like->st_uid || st.st_gid != like->st_gid) &&
	    fchown(fd, like->st_uid, like->st_gid) < 0)
		return fail(err, "give the new file its owner and group");
	if (fchmod(fd, like->st_mode & 07777) < 0)
		return fail(err, "give the new file its mode");
	return write_all(fd, text, n) < 0 || fsync(fd) < 0 ? fail(err, "write the new file") : 0;
}

static int check_unchanged(const char *path, const struct secret_stamp *seen,
			   struct secret_error *err)
{
	struct secret_stamp now;

	secret_stamp_take(&now, path);
	if (secret_stamp_equal(&now, seen))
		return 0;
	err->line = 0;
	snprintf(err->text, sizeof(err->text), "it has been changed meanwhile");
	return -EBUSY;
}

static int replace(const char *path, const struct secret_stamp *seen, const struct stat *like,
		   const char *text, size_t n, struct secret_error *err)
{
	char beside[PATH_MAX];
	int fd, r, length = snprintf(beside, sizeof(beside), "%s.XXXXXX", path);

	if (length < 0 || (size_t)length >= sizeof(beside)) {
		errno = ENAMETOOLONG;
		return fail(err, "make a new file beside it");
	}
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return fail(err, "make a new file beside it");
	r = fill(fd, like, text, n, err);
	close(fd);
	if (!r)
		r = check_unchanged(path, seen, err);
	if (!r && rename(beside, path) < 0)
		r = fail(err, "replace it");
	if (r)
		unlink(beside);
	else
		sync_folder_of(path);
	return r;
}

int secret_replace(const char *path, const struct secret_stamp *seen, const char *text, size_t n,
		   struct secret_error *err)
{
	char *real = realpath(path, NULL);
	struct stat like;
	int r;

	if (!real)
		return fail(err, "find it");
	if (stat(real, &like) < 0)
		r = fail(err, "look at it");
	else
		r = replace(real, seen, &like, text, n, err);
	free(real);
	return r;
}
