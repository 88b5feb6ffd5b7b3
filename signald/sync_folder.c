/* sync_folder.c - see sync_folder.h */
#include "sync_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	/* The root keeps its slash, and a path without one is in ".". */
	const char *from = slash ? path : ".";
	int fd, n = !slash || slash == path ? 1 : (int)(slash - path);

	if (snprintf(folder, sizeof(folder), "%.*s", n, from) >= (int)sizeof(folder))
		return;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}
