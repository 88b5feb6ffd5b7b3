/* certificates.c - see certificates.h */
#include "certificates.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "daemon_signal.h"
#include "secret_text.h"

#define DAY_S 86400
#define SOON_S (14 * DAY_S)

static int load_text(const struct signalctl *ctl, const char *path, char **out, size_t *n)
{
	struct secret_error err;
	int r = public_text_load(path, PEM_BYTES_MAX, out, n, &err);

	if (!r)
		return SIGNALCTL_DONE;
	ctl_error(ctl, "%s: %s%s", path, err.text, r == -EACCES ? "; use sudo" : "");
	return SIGNALCTL_USAGE;
}

/* What is no reason to refuse it, but to look. */
static void tell(const struct signalctl *ctl, const struct certificates *c, int64_t now_s)
{
	if (!c->pair.names_host)
		fprintf(ctl->out, "note: the certificate is not for %s: clients will refuse it\n",
			c->source.host);
	if (c->pair.self_signed)
		fputs("note: the certificate is signed by itself: clients will refuse it\n",
		      ctl->out);
	if (c->pair.not_after_s - now_s < SOON_S)
		fprintf(ctl->out, "note: the certificate expires in %lld days\n",
			(long long)((c->pair.not_after_s - now_s) / DAY_S));
}

int certificates_load(const struct signalctl *ctl, const struct tls_source *source,
		      struct certificates *c)
{
	int64_t now_s = time(NULL);
	char err[128];
	int status;

	memset(c, 0, sizeof(*c));
	c->source = *source;
	status = load_text(ctl, source->cert, &c->chain, &c->chain_n);
	if (!status)
		status = load_text(ctl, source->pkey, &c->key, &c->key_n);
	if (!status && pem_pair_check(c->chain, c->chain_n, c->key, c->key_n, source->host, now_s,
				      &c->pair, err, sizeof(err))) {
		ctl_error(ctl, "%s, %s: %s", source->cert, source->pkey, err);
		status = SIGNALCTL_USAGE;
	}
	if (status)
		certificates_free(c);
	else
		tell(ctl, c, now_s);
	return status;
}

static const char *why_not_put(int r)
{
	switch (r) {
	case -EBUSY: return "every name for a new copy is taken; try again";
	case -EACCES:
	case -EPERM: return "Permission denied; use sudo";
	default: return strerror(-r);
	}
}

int certificates_put(const struct signalctl *ctl, const char *dir, const char *group,
		     const struct certificates *c, bool *changed)
{
	int r = tls_folder_put(dir, group, c->chain, c->chain_n, c->key, c->key_n);

	*changed = r > 0;
	if (r >= 0)
		r = tls_source_write(dir, &c->source);
	if (!r)
		return SIGNALCTL_DONE;
	ctl_error(ctl, "%s: %s", dir, why_not_put(r));
	return SIGNALCTL_FAILED;
}

void certificates_free(struct certificates *c)
{
	secret_text_free(c->chain, c->chain_n);
	secret_text_free(c->key, c->key_n);
	c->chain = c->key = NULL;
}

static int reload(const struct signalctl *ctl, const char *name, const char *path, int signal)
{
	int r = daemon_signal(path, signal);

	if (!r) {
		fprintf(ctl->out, "%s reads it now; calls go on\n", name);
		return SIGNALCTL_DONE;
	}
	if (r == -ENOENT) {
		fprintf(ctl->out, "%s does not run; it reads it when it starts\n", name);
		return SIGNALCTL_DONE;
	}
	ctl_error(ctl, "cannot tell %s to read its certificate: %s: %s", name, path, strerror(-r));
	return SIGNALCTL_FAILED;
}

int certificates_reload(const struct signalctl *ctl, const char *admin_socket,
			const char *control_socket)
{
	int turnserver = reload(ctl, "turnserver", admin_socket, SIGUSR2);
	int signald = reload(ctl, "signald", control_socket, SIGHUP);

	return turnserver ? turnserver : signald;
}
