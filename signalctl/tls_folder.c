/* tls_folder.c - see tls_folder.h */
#include "tls_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "secret_text.h"
#include "setup_files.h"
#include "turnserver_conf.h"
#include "write_all.h"

#define CURRENT "current"
#define COPY "copy-" /* and a number */
#define CHAIN_NAME "fullchain.pem"
#define KEY_NAME "privkey.pem"
#define FILE_BYTES_MAX 65536
#define NAMES_MAX 100 /* for one copy, before it is given up */

/* --- the source -------------------------------------------------------------------- */

int tls_source_read(const char *dir, struct tls_source *s)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} fields[] = { { "cert", s->cert, sizeof(s->cert) },
		       { "pkey", s->pkey, sizeof(s->pkey) },
		       { "host", s->host, sizeof(s->host) } };
	char path[TLS_PATH_BYTES + 16];
	struct turnserver_conf *c;
	struct secret_error err;
	int r;

	memset(s, 0, sizeof(*s));
	snprintf(path, sizeof(path), "%s/source", dir);
	r = turnserver_conf_load(path, &c, &err);
	if (r)
		return r;
	for (size_t i = 0; i < 3 && !r; i++) {
		const char *v = turnserver_conf_get(c, fields[i].key);

		if (!v || !*v || strlen(v) >= fields[i].size)
			r = -EINVAL;
		else
			memcpy(fields[i].to, v, strlen(v) + 1);
	}
	turnserver_conf_free(c);
	return r;
}

int tls_source_write(const char *dir, const struct tls_source *s)
{
	char path[TLS_PATH_BYTES + 16], text[2 * TLS_PATH_BYTES + 512];
	struct setup_file f = { .path = path, .text = text };
	const struct setup_file *failed;
	bool half;
	int r;

	snprintf(path, sizeof(path), "%s/source", dir);
	snprintf(text, sizeof(text),
		 "# What current was copied from, and is again by \"signalctl certificates\".\n"
		 "cert=%s\npkey=%s\nhost=%s\n",
		 s->cert, s->pkey, s->host);
	r = setup_file_read(&f);
	if (!r && setup_file_changes(&f)) {
		r = setup_files_write(&f, 1, "old", &failed, &half);
		if (!r && *f.backup)
			unlink(f.backup);
	}
	setup_file_forget(&f);
	return r;
}

static bool label_matches(const char *name, size_t n, const char *host)
{
	const char *dot = strchr(host, '.');

	if (n > 2 && name[0] == '*' && name[1] == '.')
		return dot && strlen(dot) == n - 1 && strncasecmp(dot, name + 1, n - 1) == 0;
	return strlen(host) == n && strncasecmp(host, name, n) == 0;
}

int tls_names_host(const char *domains, const char *host)
{
	for (const char *p = domains; *(p += strspn(p, " \t,\n"));) {
		size_t n = strcspn(p, " \t,\n");

		if (label_matches(p, n, host))
			return 1;
		p += n;
	}
	return 0;
}

/* --- the copies -------------------------------------------------------------------- */

/* Does the file hold exactly this? */
static bool holds(int dir, const char *name, const char *text, size_t n)
{
	char *is = malloc(FILE_BYTES_MAX);
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	bool same = false;

	if (is && fd >= 0)
		same = n < FILE_BYTES_MAX && read(fd, is, FILE_BYTES_MAX) == (ssize_t)n &&
		       memcmp(is, text, n) == 0;
	if (fd >= 0)
		close(fd);
	secret_text_free(is, is ? FILE_BYTES_MAX : 0);
	return same;
}

static bool is_in_force(int dir, const char *chain, size_t chain_n, const char *key, size_t key_n)
{
	return holds(dir, CURRENT "/" CHAIN_NAME, chain, chain_n) &&
	       holds(dir, CURRENT "/" KEY_NAME, key, key_n);
}

static int write_file(int dir, const char *name, gid_t gid, const char *text, size_t n)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text, n);
	if (!r &&
	    (fchown(fd, (uid_t)-1, gid) || fchmod(fd, gid == (gid_t)-1 ? 0600 : 0640) || fsync(fd)))
		r = -errno;
	close(fd);
	return r;
}

static void remove_copy(int dir, const char *name)
{
	int copy = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (copy < 0)
		return;
	unlinkat(copy, CHAIN_NAME, 0);
	unlinkat(copy, KEY_NAME, 0);
	close(copy);
	unlinkat(dir, name, AT_REMOVEDIR);
}

static int fill_copy(int dir, const char *name, gid_t gid, const char *chain, size_t chain_n,
		     const char *key, size_t key_n)
{
	int copy, r;

	if (mkdirat(dir, name, 0700))
		return -errno;
	copy = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (copy < 0)
		return -errno;
	r = write_file(copy, CHAIN_NAME, gid, chain, chain_n);
	if (!r)
		r = write_file(copy, KEY_NAME, gid, key, key_n);
	if (!r && (fchown(copy, (uid_t)-1, gid) || fchmod(copy, gid == (gid_t)-1 ? 0700 : 0750) ||
		   fsync(copy)))
		r = -errno;
	close(copy);
	return r;
}

/* The link is replaced by a rename: at every moment it leads to one whole copy. */
static int point_at(int dir, const char *name)
{
	static const char staged[] = CURRENT ".new";

	unlinkat(dir, staged, 0);
	if (symlinkat(name, dir, staged))
		return -errno;
	if (renameat(dir, staged, dir, CURRENT)) {
		int r = -errno;

		unlinkat(dir, staged, 0);
		return r;
	}
	return fsync(dir) ? -errno : 0;
}

/* All copies but these two. */
static void remove_others(int dir, const char *a, const char *b)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, COPY, strlen(COPY)) && strcmp(e->d_name, a) &&
		    strcmp(e->d_name, b))
			remove_copy(dir, e->d_name);
	closedir(d);
}

/* The folder of the new copy, whole or not at all, under a name that none has: two may be made in
 * one tick of a clock. */
static int make_copy(int dir, char *name, size_t size, gid_t gid, const char *chain, size_t chain_n,
		     const char *key, size_t key_n)
{
	struct timespec now;
	int r = -EEXIST;

	for (unsigned i = 0; i < NAMES_MAX && r == -EEXIST; i++) {
		clock_gettime(CLOCK_REALTIME, &now);
		snprintf(name, size, COPY "%lld.%09ld.%u", (long long)now.tv_sec, now.tv_nsec, i);
		r = fill_copy(dir, name, gid, chain, chain_n, key, key_n);
	}
	if (r == -EEXIST)
		return -EBUSY;
	if (r)
		remove_copy(dir, name);
	return r;
}

static int put(int dir, gid_t gid, const char *chain, size_t chain_n, const char *key, size_t key_n)
{
	char name[64], before[64] = "";
	int r;

	if (is_in_force(dir, chain, chain_n, key, key_n))
		return 0;
	if (readlinkat(dir, CURRENT, before, sizeof(before) - 1) < 0)
		*before = '\0';
	r = make_copy(dir, name, sizeof(name), gid, chain, chain_n, key, key_n);
	if (r)
		return r;
	r = point_at(dir, name);
	if (r) {
		remove_copy(dir, name);
		return r;
	}
	remove_others(dir, name, before);
	return 1;
}

int tls_folder_put(const char *dir, const char *group, const char *chain, size_t chain_n,
		   const char *key, size_t key_n)
{
	uid_t uid;
	gid_t gid;
	int fd, r = setup_folder_make(dir, group ? "root" : NULL, group);

	if (!r)
		r = setup_ids(NULL, group, &uid, &gid);
	if (r)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = put(fd, gid, chain, chain_n, key, key_n);
	close(fd);
	return r;
}
