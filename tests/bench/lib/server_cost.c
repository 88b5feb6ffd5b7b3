/* server_cost.c - /proc/PID/stat, /proc/PID/task/TID/schedstat and /proc/PID/smaps_rollup */
#include "server_cost.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reactor.h"

static int read_file(unsigned pid, const char *name, char *text, size_t max)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	n = fread(text, 1, max - 1, f);
	fclose(f);
	text[n] = '\0';
	return n ? 0 : -ESRCH;
}

/* Fields 14 and 15 of proc(5), counted from behind the name, which may hold anything. */
static int read_cpu(unsigned pid, struct server_cost *out)
{
	char text[1024], *rest;
	uint64_t user, system;
	int rc = read_file(pid, "stat", text, sizeof(text));

	if (rc)
		return rc;
	rest = strrchr(text, ')');
	if (!rest ||
	    sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
		   &user, &system) != 2)
		return -EPROTO;
	out->cpu_us = (user + system) * (1000000u / (uint64_t)sysconf(_SC_CLK_TCK));
	return 0;
}

/* The first number is the time on a processor. */
static int read_threads(unsigned pid, struct server_cost *out)
{
	char path[64], text[128];
	struct dirent *e;
	uint64_t ns;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	d = opendir(path);
	if (!d)
		return -errno;
	out->cpu_ns = 0;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.20s/schedstat", e->d_name);
		if (!read_file(pid, path, text, sizeof(text)) && sscanf(text, "%" SCNu64, &ns) == 1)
			out->cpu_ns += ns;
	}
	closedir(d);
	return 0;
}

static uint64_t kilobytes(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	uint64_t v = 0;

	if (line)
		sscanf(line + strlen(name), "%" SCNu64, &v);
	return v * 1024;
}

int server_cost_read(unsigned pid, int with_memory, struct server_cost *out)
{
	char text[2048];
	int rc = read_cpu(pid, out);

	if (!rc)
		rc = read_threads(pid, out);
	out->at_ns = clock_ns();
	if (rc || !with_memory)
		return rc;
	rc = read_file(pid, "smaps_rollup", text, sizeof(text));
	if (rc)
		return rc;
	out->private_bytes = kilobytes(text, "\nPrivate_Dirty:");
	out->rss_bytes = kilobytes(text, "\nRss:");
	return 0;
}
