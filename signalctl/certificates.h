/* certificates.h - a certificate and its key on their way to both daemons
 *
 * What setup and certificates share: read and judge, copy, tell the daemons. Errors are one line of
 * ctl_error(). */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include "pem_pair.h"
#include "setup_plan.h"
#include "signalctl.h"
#include "tls_folder.h"

struct certificates {
	struct tls_source source;
	struct pem_pair pair;
	char *chain, *key;
	size_t chain_n, key_n;
};

/* Read and judge what source names. Returns an exit status; free with certificates_free() after
 * SIGNALCTL_DONE. */
int certificates_load(const struct signalctl *ctl, const struct tls_source *source,
		      struct certificates *c);

/* Copy to dir and remember the source; *changed tells whether the daemons have something to read.
 * group NULL: for ourselves alone. Returns an exit status. */
int certificates_put(const struct signalctl *ctl, const char *dir, const char *group,
		     const struct certificates *c, bool *changed);
void certificates_free(struct certificates *c);

/* Let turnserver and signald read theirs again; calls go on. One that does not run is no error. */
int certificates_reload(const struct signalctl *ctl, const char *admin_socket,
			const char *control_socket);

#endif
