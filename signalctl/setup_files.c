/* setup_files.c - see setup_files.h */
#include "setup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "secret_text.h"
#include "sync_folder.h"
#include "write_all.h"

/* --- owners ------------------------------------------------------------------------ */

int setup_ids(const char *owner, const char *group, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = owner ? getpwnam(owner) : NULL;
	const struct group *gr = group ? getgrnam(group) : NULL;

	*uid = pw ? pw->pw_uid : (uid_t)-1;
	*gid = gr ? gr->gr_gid : (gid_t)-1;
	return (owner && !pw) || (group && !gr) ? -ENOENT : 0;
}

int setup_folder_make(const char *path, const char *owner, const char *group)
{
	uid_t uid;
	gid_t gid;
	int fd, r = setup_ids(owner, group, &uid, &gid);

	if (r)
		return r;
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchown(fd, uid, gid) || fchmod(fd, group ? 0750 : 0700))
		r = -errno;
	close(fd);
	return r;
}

/* --- reading ----------------------------------------------------------------------- */

static int read_all(int fd, char *text, size_t size, size_t *n)
{
	ssize_t got;

	for (*n = 0; *n < size; *n += (size_t)got) {
		got = read(fd, text + *n, size - *n);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got < 0)
			return -errno;
		else if (!got)
			return 0;
	}
	return -EFBIG;
}

int setup_file_read(struct setup_file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	size_t n;
	int r;

	f->old = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : errno == ENXIO ? -ENOTSUP : -errno;
	r = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -ENOTSUP;
	if (!r)
		f->old = malloc(SETUP_FILE_BYTES_MAX + 1);
	if (!r)
		r = f->old ? read_all(fd, f->old, SETUP_FILE_BYTES_MAX, &n) : -ENOMEM;
	close(fd);
	if (!r && memchr(f->old, '\0', n))
		r = -EINVAL;
	if (!r)
		f->old[n] = '\0';
	else
		setup_file_forget(f);
	return r;
}

void setup_file_forget(struct setup_file *f)
{
	free(f->old);
	f->old = NULL;
}

bool setup_file_changes(const struct setup_file *f)
{
	return !f->old || strcmp(f->old, f->text) != 0;
}

/* --- writing ----------------------------------------------------------------------- */

static mode_t mode_of(const struct setup_file *f)
{
	return f->program ? 0755 : f->group ? 0640 : 0600;
}

/* The text, whole and on disk, under a name beside the file's. */
static int stage(struct setup_file *f)
{
	uid_t uid;
	gid_t gid;
	int fd, r = setup_ids(f->owner, f->group, &uid, &gid);

	*f->staged = '\0';
	if (r)
		return r;
	snprintf(f->staged, sizeof(f->staged), "%s.XXXXXX", f->path);
	fd = mkostemp(f->staged, O_CLOEXEC);
	if (fd < 0) {
		*f->staged = '\0';
		return -errno;
	}
	r = write_all(fd, f->text, strlen(f->text));
	if (!r && (fchown(fd, uid, gid) || fchmod(fd, mode_of(f)) || fsync(fd)))
		r = -errno;
	close(fd);
	return r;
}

static void unstage(struct setup_file *f)
{
	if (*f->staged)
		unlink(f->staged);
	*f->staged = '\0';
}

/* The file that is there gets a second name, so that it stays what it is: owner, mode and all. */
static int keep(struct setup_file *f, const char *stamp)
{
	if (!f->old)
		return 0;
	for (unsigned i = 0; i < 100; i++) {
		if (i)
			snprintf(f->backup, sizeof(f->backup), "%s.bak-%s.%u", f->path, stamp, i);
		else
			snprintf(f->backup, sizeof(f->backup), "%s.bak-%s", f->path, stamp);
		if (!link(f->path, f->backup))
			return 0;
		if (errno != EEXIST)
			break;
	}
	*f->backup = '\0';
	return -errno;
}

static int put(struct setup_file *f)
{
	if (rename(f->staged, f->path))
		return -errno;
	*f->staged = '\0';
	return 0;
}

/* As it was. */
static int take_back(struct setup_file *f)
{
	if (!f->old)
		return unlink(f->path) ? -errno : 0;
	if (rename(f->backup, f->path))
		return -errno;
	*f->backup = '\0';
	return 0;
}

typedef int (*step_fn)(struct setup_file *f, const char *stamp);

static int stage_step(struct setup_file *f, const char *stamp)
{
	(void)stamp;
	return stage(f);
}

/* One step for all that change, up to the first it goes wrong with. */
static int each(struct setup_file *f, size_t n, const char *stamp, step_fn step,
		const struct setup_file **failed)
{
	for (size_t i = 0; i < n; i++) {
		int r = setup_file_changes(&f[i]) ? step(&f[i], stamp) : 0;

		if (r) {
			*failed = &f[i];
			return r;
		}
	}
	return 0;
}

static void drop_backups(struct setup_file *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (*f[i].backup)
			unlink(f[i].backup);
		*f[i].backup = '\0';
	}
}

static int put_all(struct setup_file *f, size_t n, const struct setup_file **failed, bool *half)
{
	for (size_t i = 0; i < n; i++) {
		int r = setup_file_changes(&f[i]) ? put(&f[i]) : 0;

		if (!r)
			continue;
		*failed = &f[i];
		while (i--)
			if (setup_file_changes(&f[i]) && take_back(&f[i]))
				*half = true;
		return r;
	}
	return 0;
}

int setup_files_write(struct setup_file *f, size_t n, const char *stamp,
		      const struct setup_file **failed, bool *half)
{
	int r;

	*failed = NULL;
	*half = false;
	for (size_t i = 0; i < n; i++)
		*f[i].backup = *f[i].staged = '\0';
	r = each(f, n, stamp, stage_step, failed);
	if (!r)
		r = each(f, n, stamp, keep, failed);
	if (!r)
		r = put_all(f, n, failed, half);
	if (r && !*half)
		drop_backups(f, n);
	for (size_t i = 0; i < n; i++) {
		unstage(&f[i]);
		sync_folder_of(f[i].path);
	}
	return r;
}

int setup_file_right(const struct setup_file *f)
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	int fd, r = setup_ids(NULL, f->group, &uid, &gid);

	if (r || !f->group)
		return r;
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return errno == ELOOP ? 0 : -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (S_ISREG(st.st_mode) && (st.st_gid != gid || (st.st_mode & 047) != 040))
		r = fchown(fd, (uid_t)-1, gid) || fchmod(fd, 0640) ? -errno : 1;
	close(fd);
	return r;
}

int setup_file_make(struct setup_file *f)
{
	int r;

	if (!access(f->path, F_OK))
		return 0;
	r = stage(f);
	/* link() and not rename(): whoever was faster has made a secret that others may know. */
	if (!r && link(f->staged, f->path))
		r = -errno;
	unstage(f);
	sync_folder_of(f->path);
	return r == -EEXIST ? 0 : r ? r : 1;
}
