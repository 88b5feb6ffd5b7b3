/* admin_path.h - the admin socket's place in the file system
 *
 * Used once, at the start: it may wait for the disk. Main only. */
#ifndef ADMIN_PATH_H
#define ADMIN_PATH_H

#include <stddef.h>
#include <sys/types.h>

/* Make a listening, non-blocking, close-on-exec socket at path, mode 0660, of
 * group (or (gid_t)-1). A socket nobody serves any more is replaced; a served
 * one and everything that is no socket is left alone, and so is all while
 * another server is at this in the same folder.
 * Returns the descriptor, or -errno with the reason in err. */
int admin_path_listen(const char *path, gid_t group, char *err, size_t err_size);

#endif
