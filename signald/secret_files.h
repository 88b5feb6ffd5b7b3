/* secret_files.h - the files that signing lives on, read when they change
 *
 * auth-secret-file and the static-auth-secret of turnserver-conf; either may be absent. A file that
 * broke while we run leaves what it had in force and is told in the log, once for each change, with
 * its line; secrets never are. Who signs is signing.h's to say, and told in the log when it
 * changes. Touches files; loop thread only. now_s: seconds since 1970. */
#ifndef SECRET_FILES_H
#define SECRET_FILES_H

#include <stdint.h>

struct secret_files;
struct secret_rotation;
struct signing;

/* Read both; a path that is NULL names no file. Paths are loans. Returns 0, -ENOMEM, or why a file
 * cannot be used, which was logged. */
int secret_files_new(struct secret_files **out, const char *auth_secret_file,
		     const char *turnserver_conf, int64_t now_s);
void secret_files_free(struct secret_files *f); /* NULL is fine */

void secret_files_read(struct secret_files *f, int64_t now_s); /* again, changed or not */
void secret_files_read_if_changed(struct secret_files *f, int64_t now_s);

/* Log who signs, if that is another one than last time; to be called every second or so. */
void secret_files_tell(struct secret_files *f, int64_t now_s);

/* There is a new secret in auth-secret-file (secret_turn.h): log it, and read the file. */
void secret_files_rotated(struct secret_files *f, const struct secret_rotation *r, int64_t now_s);

/* To hear of announcements, and to sign with. It stays the owner's. */
struct signing *secret_files_signing(const struct secret_files *f);

#endif
