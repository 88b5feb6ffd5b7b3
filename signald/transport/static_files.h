/* static_files.h - a few files, served from memory
 *
 * Read once at start, so that a request never waits for a disk and no path of
 * a request ever reaches the file system: names are looked up in a table. Each
 * has an ETag made of its content; a client that has it gets 304. Loop thread
 * only. */
#ifndef STATIC_FILES_H
#define STATIC_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/http_server.h"

#define STATIC_FILES_MAX 32
#define STATIC_FILE_BYTES_MAX (4 * 1024 * 1024)

struct static_files;

/* policy: the Content-Security-Policy of every answer, a loan; NULL: the one of pages that load
 * nothing. Returns 0, -ENOMEM. */
int static_files_new(struct static_files **out, const char *policy);
void static_files_free(struct static_files *s); /* NULL is fine */

/* Add one file of a folder under a name. Errors are logged with the file's name, but for -ENOENT.
 * Returns 0, -errno, -EINVAL (no plain file, or of a kind no page is made of), -EFBIG, -ENFILE (too
 * many), -ENAMETOOLONG, -ENOMEM. */
int static_files_add(struct static_files *s, const char *dir, const char *name, const char *path);

/* Add what of a folder a page is made of; its folders are left out, hidden files too.
 * Returns as above. */
int static_files_add_folder(struct static_files *s, const char *dir);

/* The Socket.IO client in a folder (npm's socket.io-client/dist): socket.io.js, .min.js,
 * .esm.min.js, .msgpack.min.js and their maps, as far as they are there.
 * Returns 0, -ENOENT (none is), or as above. */
int static_files_new_bundle(struct static_files **out, const char *dir);

/* Routes of such a bundle; ctx is its static_files. Beside the endpoint "/socket.io". */
extern const struct http_route static_files_bundle_routes[];
extern const size_t static_files_bundle_routes_n;

/* Route handler: the file named by what ':' or '*' stood for, "index.html" for nothing; ctx is the
 * static_files. */
void static_files_get(struct http_request *r, void *ctx);

#endif
