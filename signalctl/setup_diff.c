/* setup_diff.c - what diff(1) says of two texts, which exist in memory alone */
#include "setup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "setup_text.h"
#include "write_all.h"

#define FD_OLD 3
#define FD_NEW 4

extern char **environ;

/* A descriptor from which the text can be read without its secrets, or -errno. */
static int text_fd(const char *text)
{
	char *masked = setup_text_masked(text);
	int fd, r;

	if (!masked)
		return -ENOMEM;
	fd = memfd_create("text", MFD_CLOEXEC);
	r = fd < 0 ? -errno : write_all(fd, masked, strlen(masked));
	free(masked);
	if (r && fd >= 0)
		close(fd);
	return r ? r : fd;
}

static int spawn_diff(int old_fd, int new_fd, int out_fd, const char *path, pid_t *pid)
{
	const char *argv[] = { "diff", "-u",	    "--label",	 path, "--label",
			       NULL,   "/dev/fd/3", "/dev/fd/4", NULL };
	posix_spawn_file_actions_t a;
	char label[1100];
	int r;

	snprintf(label, sizeof(label), "%s (new)", path);
	argv[5] = label;
	r = posix_spawn_file_actions_init(&a);
	if (r)
		return -r;
	r = posix_spawn_file_actions_adddup2(&a, out_fd, STDOUT_FILENO);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&a, old_fd, FD_OLD);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&a, new_fd, FD_NEW);
	if (!r)
		r = posix_spawnp(pid, "diff", &a, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&a);
	return -r;
}

static void copy(int fd, FILE *out)
{
	char text[4096];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			fwrite(text, 1, (size_t)n, out);
}

/* diff's own exit status: 0 and 1 are answers. */
static int diff_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) <= 1 ? 0 : -EIO;
}

static int run_diff(int old_fd, int new_fd, const char *path, FILE *out)
{
	int pipe_fd[2], r;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	r = spawn_diff(old_fd, new_fd, pipe_fd[1], path, &pid);
	close(pipe_fd[1]);
	if (!r) {
		copy(pipe_fd[0], out);
		r = diff_status(pid);
	}
	close(pipe_fd[0]);
	return r;
}

int setup_file_show(const struct setup_file *f, FILE *out)
{
	int old_fd, new_fd, r;

	if (!f->old) {
		fprintf(out, "%s: new\n", f->path);
		return 0;
	}
	/* The lower number of the two: neither of diff's takes the place of the other. */
	old_fd = text_fd(f->old);
	if (old_fd < 0)
		return old_fd;
	new_fd = text_fd(f->text);
	r = new_fd < 0 ? new_fd : run_diff(old_fd, new_fd, f->path, out);
	if (new_fd >= 0)
		close(new_fd);
	close(old_fd);
	return r;
}
