/* main.c - where the world begins */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "signalctl.h"

#define WAIT_MAX_S 600

/* Secrets pass through this memory: not to a core file, nor to a debugger of the same user. */
static void no_core_dumps(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef WITH_SANITIZERS
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* A descriptor that was closed for us is the next one that is opened: signald's socket would get
 * our errors, a file of secrets our tables. In its place comes one that refuses, as it did. */
static void keep_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			abort();
}

/* Of the environment, and no more than it says: see ENVIRONMENT in the manual. */
static unsigned wait_s(void)
{
	const char *text = getenv("SIGNALCTL_WAIT_S");
	unsigned long v = text ? strtoul(text, NULL, 10) : 0;

	return v <= WAIT_MAX_S ? (unsigned)v : WAIT_MAX_S;
}

int main(int argc, char **argv)
{
	struct signalctl ctl = { .in = stdin, .out = stdout, .err = stderr };

	keep_descriptors();
	no_core_dumps();
	ctl.wait_s = wait_s();
	ctl.terminal = isatty(STDOUT_FILENO);
	return signalctl_run(&ctl, argc, argv);
}
