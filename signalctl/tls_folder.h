/* tls_folder.h - the copies of certificate and key that both daemons read
 *
 * DIR/current is a link to a folder of this copy, with fullchain.pem and privkey.pem; a new copy is
 * a new folder, and one rename of the link puts both files in force together. The copy before stays
 * for who has one of the two open; older ones are removed. DIR/source remembers where they came
 * from, so that a renewal needs no arguments. */
#ifndef TLS_FOLDER_H
#define TLS_FOLDER_H

#include <stddef.h>

#define TLS_PATH_BYTES 1024

struct tls_source {
	char cert[TLS_PATH_BYTES], pkey[TLS_PATH_BYTES];
	char host[256]; /* the name they are for */
};

/* What DIR/source says. Returns 0, -ENOENT, -EINVAL, -errno. */
int tls_source_read(const char *dir, struct tls_source *s);

/* Both texts, of this owner and group (NULL: ours). Returns 1 (in force now), 0 (they are already),
 * -EBUSY (every name for the copy is taken), -errno: nothing has changed. */
int tls_folder_put(const char *dir, const char *group, const char *chain, size_t chain_n,
		   const char *key, size_t key_n);

/* Remember. Returns 0, -errno. */
int tls_source_write(const char *dir, const struct tls_source *s);

/* Is host one of these names, with blanks between (as certbot's RENEWED_DOMAINS)? "*.a.b" has any
 * one label for its star. */
int tls_names_host(const char *domains, const char *host);

#endif
