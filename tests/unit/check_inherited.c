/* check_inherited.c - sockets handed over by a parent, as systemd does it: fork, descriptors from 3
 * on, exec
 *
 * Started with an argument this program is the child: it says what it got. */
#include "transport/inherited.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suite.h"

#define FIRST_FD 3
#define ROWS 3

static int child(void)
{
	struct inherited in[ROWS];
	int n = inherited_take(in, ROWS), i;

	printf("%d", n);
	for (i = 0; i < n; i++)
		printf(" %s%s%s", in[i].address, in[i].plain ? " plain" : "",
		       fcntl(in[i].fd, F_GETFL) & O_NONBLOCK &&
				       fcntl(in[i].fd, F_GETFD) & FD_CLOEXEC
			       ? ""
			       : " wrong flags");
	printf("%s", getenv("LISTEN_FDS") ? " told" : "");
	if (n < 0)
		printf("%s", fcntl(FIRST_FD, F_GETFD) < 0 ? " closed" : " open");
	return 0;
}

/* What a child says that gets these descriptors under these names. */
static const char *handed(const int *fds, int n, const char *names, bool to_another)
{
	static char said[512];
	char number[16];
	int out[2], i, status;
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < n; i++) /* out of the way first */
			dup2(fds[i], 100 + i);
		dup2(out[1], STDOUT_FILENO);
		for (i = 0; i < n; i++)
			dup2(100 + i, FIRST_FD + i);
		snprintf(number, sizeof(number), "%d", to_another ? 1 : (int)getpid());
		setenv("LISTEN_PID", number, 1);
		snprintf(number, sizeof(number), "%d", n);
		if (n)
			setenv("LISTEN_FDS", number, 1);
		setenv("LISTEN_FDNAMES", names, 1);
		execl("/proc/self/exe", "check_inherited", "child", NULL);
		_exit(127);
	}
	close(out[1]);
	memset(said, 0, sizeof(said));
	for (i = 0; (got = read(out[0], said + i, sizeof(said) - 1 - (size_t)i)) > 0;)
		i += (int)got;
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return said;
}

static int socket_on(int family, int type, const char *host, uint16_t *port)
{
	struct sockaddr_storage sa = { .ss_family = (sa_family_t)family };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;
	socklen_t n = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	int fd = socket(family, type, 0);

	ck_assert_int_ge(fd, 0);
	inet_pton(family, host, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	*port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
	return fd;
}

static int listening(int family, const char *host, uint16_t *port)
{
	int fd = socket_on(family, SOCK_STREAM, host, port);

	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

START_TEST(sockets_come_with_address_and_name)
{
	uint16_t port[2];
	int fds[2] = { listening(AF_INET, "127.0.0.1", &port[0]),
		       listening(AF_INET6, "::1", &port[1]) };
	char want[256];

	snprintf(want, sizeof(want), "2 127.0.0.1:%u [::1]:%u plain", port[0], port[1]);
	ck_assert_str_eq(handed(fds, 2, "https:plain", false), want);
}
END_TEST

START_TEST(nothing_or_what_is_for_another_process_is_nothing)
{
	uint16_t port;
	int fd = listening(AF_INET, "127.0.0.1", &port);

	ck_assert_str_eq(handed(NULL, 0, "", false), "0");
	ck_assert_str_eq(handed(&fd, 1, "x", true), "0");
}
END_TEST

START_TEST(another_kind_of_descriptor_is_an_error)
{
	uint16_t port;
	int pair[2], wrong[5], i;

	ck_assert_int_eq(pipe(pair), 0);
	wrong[0] = pair[0];
	wrong[1] = socket_on(AF_INET, SOCK_DGRAM, "127.0.0.1", &port);
	wrong[2] = socket_on(AF_INET, SOCK_STREAM, "127.0.0.1", &port); /* does not listen */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	wrong[3] = pair[0];
	wrong[4] = open("/dev/null", O_RDONLY);
	for (i = 0; i < 5; i++) {
		int fds[2] = { listening(AF_INET, "127.0.0.1", &port), wrong[i] };

		ck_assert_str_eq(handed(fds, 2, "a:b", false), "-22 closed");
	}
}
END_TEST

START_TEST(more_than_there_is_room_for_is_an_error)
{
	uint16_t port;
	int fds[ROWS + 1], i;

	for (i = 0; i <= ROWS; i++)
		fds[i] = listening(AF_INET, "127.0.0.1", &port);
	ck_assert_str_eq(handed(fds, ROWS + 1, "a:b:c:d", false), "-7 closed");
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s;
	TCase *t;

	(void)argv;
	if (argc > 1)
		return child();
	s = suite_create("inherited");
	t = tcase_create("inherited");
	suite_add_tcase(s, t);
	tcase_add_test(t, sockets_come_with_address_and_name);
	tcase_add_test(t, nothing_or_what_is_for_another_process_is_nothing);
	tcase_add_test(t, another_kind_of_descriptor_is_an_error);
	tcase_add_test(t, more_than_there_is_room_for_is_an_error);
	return run_suite(s);
}
