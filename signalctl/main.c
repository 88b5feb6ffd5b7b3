/* main.c - where the world begins */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "signalctl.h"

/* Secrets pass through this memory: not to a core file, nor to a debugger of the same user. */
static void no_core_dumps(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef WITH_SANITIZERS
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char **argv)
{
	struct signalctl ctl = {
		.in = stdin, .out = stdout, .err = stderr, .terminal = isatty(STDOUT_FILENO)
	};

	no_core_dumps();
	return signalctl_run(&ctl, argc, argv);
}
