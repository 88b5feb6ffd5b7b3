/* daemon_signal.h - a signal for whoever serves a Unix socket
 *
 * The kernel knows which process listens there, so there is no pid file to be stale, and it is the
 * same with systemd, in a container and in a folder of one's own. */
#ifndef DAEMON_SIGNAL_H
#define DAEMON_SIGNAL_H

/* Send signal to the process that listens on path. Returns 0, -ENOENT (nobody does), -EPERM,
 * -EXDEV (it is in another pid namespace), -errno. */
int daemon_signal(const char *path, int signal);

#endif
