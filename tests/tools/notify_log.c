/* notify_log.c - stands for systemd's notification socket, and prints what it is told
 *
 *	notify-log PATH
 *
 * Makes a datagram socket at PATH (NOTIFY_SOCKET of the program under test) and prints each message
 * on one line of standard output, its own lines separated by "|". Until SIGTERM. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MAX 4096

static void print(char *text, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++)
		putchar(text[i] == '\n' ? '|' : text[i]);
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char text[MESSAGE_MAX];
	ssize_t n;
	int fd;

	if (argc != 2 || strlen(argv[1]) >= sizeof(a.sun_path)) {
		fputs("usage: notify-log PATH\n", stderr);
		return 2;
	}
	strcpy(a.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a))) {
		perror("notify-log");
		return 1;
	}
	puts("listening");
	fflush(stdout);
	while ((n = recv(fd, text, sizeof(text), 0)) >= 0)
		print(text, n);
	perror("notify-log: recv");
	return 1;
}
