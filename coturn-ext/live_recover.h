/* live_recover.h - what a killed server left beside the admin socket, read and removed
 *
 * Whether the file is ours to touch is decided here; what is in it is
 * live_file.h's. Main, at the start: it may wait for the disk. */
#ifndef LIVE_RECOVER_H
#define LIVE_RECOVER_H

#include "live_file.h"

/* live_file_read() of what lies at path, and then remove it; also when it is no
 * such file (-EBADMSG), for it may be large and hold memory. When fn stopped or
 * reading failed it stays. Only an unlocked regular file with one name and no
 * other's right to write, of our uid, root's or the folder's owner, is ours to
 * touch. Returns how many (0 also when there is none), or -errno with one line in
 * err: -EADDRINUSE (a running server has it), -EPERM, and those of
 * live_file_read(). */
long live_recover(const char *path, uint64_t now_ms, live_record_fn fn, void *arg, char *err,
		  size_t err_size);

#endif
