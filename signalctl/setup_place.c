/* setup_place.c - see setup_place.h */
#include "setup_place.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup_files.h"
#include "setup_word.h"

/* A path that means the same to daemons elsewhere. The last part need not be there; links stay, as
 * an ACME client's, which lead to the newest. */
static int absolute(const char *path, char *out, size_t size)
{
	char cwd[PATH_MAX];
	int n;

	if (*path == '/')
		n = snprintf(out, size, "%s", path);
	else if (getcwd(cwd, sizeof(cwd)))
		n = snprintf(out, size, "%s/%s", cwd, path);
	else
		return -errno;
	while (n > 1 && (size_t)n < size && out[n - 1] == '/')
		out[--n] = '\0';
	return (size_t)n < size ? 0 : -ENAMETOOLONG;
}

static int take_path(const struct signalctl *ctl, const char *option, const char *path, char *out,
		     size_t size)
{
	const char *why;
	int r = absolute(path, out, size);

	if (r) {
		ctl_error(ctl, "--%s: %s", option, strerror(-r));
		return -1;
	}
	why = setup_path_wrong(out);
	if (why)
		ctl_error(ctl, "--%s: the path %s", option, why);
	return why ? -1 : 0;
}

int setup_place_source(const struct signalctl *ctl, struct tls_source *s, const char *cert,
		       const char *pkey)
{
	if (take_path(ctl, "cert", cert, s->cert, sizeof(s->cert)))
		return -1;
	return take_path(ctl, "pkey", pkey, s->pkey, sizeof(s->pkey));
}

/* Put root in front of every path that is not empty. */
static int below_root(struct setup_place *p, const char *root)
{
	char path[SETUP_PATH_BYTES];

	for (int i = 0; i < SETUP_PATHS_N; i++) {
		int n;

		if (!*p->path[i])
			continue;
		n = snprintf(path, sizeof(path), "%s%s", root, p->path[i]);
		if ((size_t)n >= sizeof(path))
			return -ENAMETOOLONG;
		memcpy(p->path[i], path, sizeof(path));
	}
	return 0;
}

/* Whose the files are: the packages' users, where there are any. Another root's are those of this
 * host's names, as far as it has them. */
static void find_owners(struct setup_place *p)
{
	bool lax = p->root;

	if (*p->dir || (lax && geteuid() != 0))
		return;
	if (!lax || getgrnam("turnserver"))
		p->turnserver_group = "turnserver";
	if (!lax || getgrnam("signald"))
		p->signald_group = "signald";
	if (!lax || getpwnam("signald"))
		p->signald_user = "signald";
}

int setup_place_init(struct setup_place *p, const struct signalctl *ctl, const char *dir,
		     const char *socket_dir, const char *root)
{
	memset(p, 0, sizeof(*p));
	if (dir && root) {
		ctl_error(ctl, "--dir and --root do not go together");
		return SIGNALCTL_USAGE;
	}
	if (dir && take_path(ctl, "dir", dir, p->dir, sizeof(p->dir)))
		return SIGNALCTL_USAGE;
	if (socket_dir &&
	    take_path(ctl, "socket-dir", socket_dir, p->socket_dir, sizeof(p->socket_dir)))
		return SIGNALCTL_USAGE;
	p->root = root;
	if (setup_paths(p->path, dir ? p->dir : NULL, socket_dir ? p->socket_dir : NULL) ||
	    (root && below_root(p, root))) {
		ctl_error(ctl, "the path is too long");
		return SIGNALCTL_USAGE;
	}
	find_owners(p);
	return SIGNALCTL_DONE;
}

/* --- folders ----------------------------------------------------------------------- */

/* The folders above path. */
static int make_parents(const char *path)
{
	char part[SETUP_PATH_BYTES];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* The folder of a file: made as the packages make it, and left as it is when it is there. One that
 * is the system's own is open to all. */
static int make_folder_of(const char *file, const char *owner, const char *group, bool open)
{
	char folder[SETUP_PATH_BYTES];
	struct stat st;
	int r;

	memcpy(folder, file, sizeof(folder));
	*strrchr(folder, '/') = '\0';
	if (!*folder || !stat(folder, &st))
		return !*folder || S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	r = make_parents(folder);
	if (!r && open)
		return mkdir(folder, 0755) ? -errno : 0;
	return r ? r : setup_folder_make(folder, owner, group);
}

int setup_place_make(const struct setup_place *p, const struct signalctl *ctl)
{
	const struct {
		const char *path, *owner, *group;
		bool open;
	} files[] = {
		{ p->path[SETUP_TURNSERVER_CONF], NULL, NULL, !*p->dir },
		{ p->path[SETUP_SIGNALD_CONF], NULL, p->signald_group, false },
		{ p->path[SETUP_AUTH_SECRETS], p->signald_user, p->turnserver_group, false },
		{ p->path[SETUP_TLS_DIR], NULL, NULL, !*p->dir },
	};

	/* Folders that are for everybody; those that are not do not go by it. */
	if (!*p->dir)
		umask(022);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int r = make_folder_of(files[i].path, files[i].owner, files[i].group,
				       files[i].open);

		if (r) {
			ctl_error(ctl, "cannot make the folder of %s: %s%s", files[i].path,
				  r == -ENOENT ? "its user or group is missing: is the package "
						 "installed?"
					       : strerror(-r),
				  r == -EACCES ? "; use sudo" : "");
			return SIGNALCTL_FAILED;
		}
	}
	return SIGNALCTL_DONE;
}
