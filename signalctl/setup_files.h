/* setup_files.h - several files replaced together: shown, kept, renamed
 *
 * A new text is written beside its file first; only when all of them are on disk are the files that
 * are there kept under another name, and the new ones renamed over them. What fails before that
 * leaves everything as it was; what fails in the middle of the renaming is taken back. Secrets are
 * files of this kind, too, that are made and never replaced. */
#ifndef SETUP_FILES_H
#define SETUP_FILES_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define SETUP_FILE_BYTES_MAX (1 << 20)

struct setup_file {
	const char *path;
	const char *text; /* a loan */
	/* NULL: ours, and 0600; else names of /etc/group and /etc/passwd, and 0640 */
	const char *owner, *group;
	bool program;	   /* 0755, for everybody */
	char *old;	   /* what is there: NULL: nothing. setup_file_forget() frees it */
	char backup[1100]; /* where that is afterwards; "" without */
	char staged[1100];
};

/* Read what is there into f->old. A file that is not there is no error. Returns 0, -errno (-EINVAL:
 * no text, -ENOTSUP: no regular file, -EFBIG). */
int setup_file_read(struct setup_file *f);
void setup_file_forget(struct setup_file *f);
bool setup_file_changes(const struct setup_file *f);

/* What would change, as diff(1) tells it and without secrets; a file that is new is only named.
 * Returns 0, -errno (diff cannot be run). */
int setup_file_show(const struct setup_file *f, FILE *out);

/* Replace or make all that change. stamp goes into the backups' names. Returns 0; -errno with
 * *failed the file that it went wrong with: nothing has changed then, unless *half says that taking
 * back failed, too. */
int setup_files_write(struct setup_file *f, size_t n, const char *stamp,
		      const struct setup_file **failed, bool *half);

/* See to it that its group can read it, and nobody else; without a group it stays as it is. A link
 * is left alone, too. Returns 1 (that was otherwise), 0, -errno. */
int setup_file_right(const struct setup_file *f);

/* Make one that is not there; one that is stays. Returns 1 (made), 0, -errno. */
int setup_file_make(struct setup_file *f);

/* A folder with its owner, group and mode (0750; ours: 0700), made or put right. Returns 0, -errno;
 * -ENOTDIR: something else is there, and stays as it is. */
int setup_folder_make(const char *path, const char *owner, const char *group);

/* The ids of these names, -1 for NULL. Returns 0, -ENOENT. */
int setup_ids(const char *owner, const char *group, uid_t *uid, gid_t *gid);

#endif
