/* own_file.h - files that one server keeps: no link, nobody else's, and one server at a time
 *
 * What a folder that others may write to could hold under the name of ours is
 * refused before it is touched. Any thread. */
#ifndef OWN_FILE_H
#define OWN_FILE_H

/* Open or make the file for reading and writing (0600) and lock it. flags:
 * more of open()'s; O_TRUNC would come before the checks, so it is not for this.
 * One that belongs to another user is fine for root, who may have become that
 * user when the file was made (proc-user).
 * Returns the descriptor, -EBUSY (another process has it), -ELOOP, -EPERM (not a
 * plain file of ours), other -errno. */
int own_file_open(const char *path, int flags);

/* What such an error means; also -EFBIG, for a file larger than it can be. */
const char *own_file_error(int error);

#endif
