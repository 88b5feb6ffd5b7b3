/* socket_path.h - a Unix socket's place in the file system, made and given up
 *
 * For sockets that administrators connect to. Used at the start and the end: it
 * may wait for the disk. */
#ifndef SOCKET_PATH_H
#define SOCKET_PATH_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Make a listening, non-blocking, close-on-exec socket at path, mode 0660, of
 * group (or (gid_t)-1). A socket nobody serves any more is replaced; a served
 * one and everything that is no socket is left alone, and so is all while
 * another server is at this in the same folder.
 * Returns the descriptor, or -errno with the reason in err, which begins with
 * key, the configuration's word for it. */
int socket_path_listen(const char *key, const char *path, gid_t group, char *err, size_t err_size);

/* Remove it, but not what somebody else may have made there since. made: what lstat() said of it
 * after it was made. */
void socket_path_unlink(const char *path, const struct stat *made);

#endif
