/* sync_folder.h - after a file was made, renamed or removed: its name on disk, too */
#ifndef SYNC_FOLDER_H
#define SYNC_FOLDER_H

/* Sync the folder that path is in. It waits for the disk, and tells no error: after a crash the
 * folder may then be as before, which is as good to who asks. Any thread. */
void sync_folder_of(const char *path);

#endif
