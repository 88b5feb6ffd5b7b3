/* setup_place.h - where an installation lies on this disk, and whose its files are
 *
 * Three kinds: the system's own, with the users that its packages made; one below a folder of its
 * own (--dir), which is ours alone; and a system below another root (--root), whose files are as in
 * the first kind where those users are known. */
#ifndef SETUP_PLACE_H
#define SETUP_PLACE_H

#include "setup_plan.h"
#include "signalctl.h"
#include "tls_folder.h"

struct setup_place {
	char dir[SETUP_PATH_BYTES]; /* absolute; "" without --dir */
	char socket_dir[SETUP_PATH_BYTES];
	char path[SETUP_PATHS_N][SETUP_PATH_BYTES]; /* on disk */
	/* NULL: ours */
	const char *root, *turnserver_group, *signald_user, *signald_group;
};

/* Each NULL when it was not given. --dir and its parent are made. Returns an exit status. */
int setup_place_init(struct setup_place *p, const struct signalctl *ctl, const char *dir,
		     const char *socket_dir, const char *root);

/* The folders that the files go into. Returns an exit status. */
int setup_place_make(const struct setup_place *p, const struct signalctl *ctl);

/* Certificate and key as absolute paths, for the next time. Returns 0, -1 after a ctl_error(). */
int setup_place_source(const struct signalctl *ctl, struct tls_source *s, const char *cert,
		       const char *pkey);

#endif
