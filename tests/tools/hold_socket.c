/* hold_socket.c - a listening socket that outlives the program serving on it, as systemd holds one
 *
 *	hold-socket ADDRESS PORT PROGRAM [ARGUMENT...]
 *
 * The program gets the socket by LISTEN_FDS. It is started again when it ends with 0; any other end
 * is ours, too. "started PID" on standard output tells of each start. SIGTERM ends both. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 1024
#define FIRST_FD 3 /* sd_listen_fds(3) */

static volatile sig_atomic_t stop;
static pid_t child;

static void on_term(int signo)
{
	stop = 1;
	if (child > 0)
		kill(child, signo);
}

static int listen_on(const char *address, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &sin.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, BACKLOG)) {
		perror("hold-socket: listen");
		exit(2);
	}
	return fd;
}

static void run(int fd, char **argv)
{
	char pid[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	if (fd != FIRST_FD && dup2(fd, FIRST_FD) < 0)
		_exit(126);
	execv(argv[0], argv);
	perror("hold-socket: exec");
	_exit(127);
}

int main(int argc, char **argv)
{
	struct sigaction on = { .sa_handler = on_term };
	int fd, status = 0;

	if (argc < 4) {
		fputs("usage: hold-socket ADDRESS PORT PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	fd = listen_on(argv[1], argv[2]);
	sigaction(SIGTERM, &on, NULL);
	while (!stop && status == 0) {
		child = fork();
		if (child == 0)
			run(fd, argv + 3);
		if (child < 0) {
			perror("hold-socket: fork");
			return 2;
		}
		printf("started %d\n", (int)child);
		fflush(stdout);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
